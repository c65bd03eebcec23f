/** What a scan of JSON text found besides its value. */
export interface JsonScan {
  /** Paths of keys that stand twice in one object, such as `spec.replicas`. */
  readonly duplicates: readonly string[];
  readonly depth: number;
  /** The first integer that a JavaScript number cannot hold. */
  readonly inexact: string | undefined;
}

const MAX_DUPLICATES = 100;

/**
 * Looks for duplicate keys and measures nesting in text that JSON.parse accepts: the parser keeps the last of two
 * equal keys silently. Linear in the text, without recursion.
 */
export function scanJson(text: string): JsonScan {
  const duplicates: string[] = [];
  const stack: Frame[] = [];
  let depth = 0;
  let inexact: string | undefined;
  for (let at = 0; at < text.length; at += 1) {
    const char = text[at];
    const top = stack.at(-1);
    if (char === '{' || char === '[') {
      stack.push({ keys: char === '{' ? new Set() : undefined, step: '', expectsKey: char === '{', index: 0 });
      depth = Math.max(depth, stack.length);
    } else if (char === '}' || char === ']') stack.pop();
    else if (char === ',' && top !== undefined) {
      top.expectsKey = top.keys !== undefined;
      top.index += 1;
    } else if (char === '"') {
      const end = endOfString(text, at);
      if (top?.keys !== undefined && top.expectsKey) noteKey(top, text.slice(at, end), stack, duplicates);
      at = end - 1;
    } else if (char !== undefined && (char === '-' || (char >= '0' && char <= '9'))) {
      NUMBER.lastIndex = at;
      const number = NUMBER.exec(text)?.[0] ?? char;
      if (number.length >= 16 && /^-?\d+$/.test(number) && !Number.isSafeInteger(Number(number))) inexact ??= number;
      at += number.length - 1;
    }
  }
  return { duplicates, depth, inexact };
}

const NUMBER = /-?[\d.eE+-]+/y;

interface Frame {
  /** Keys seen in an object; undefined for an array. */
  readonly keys: Set<string> | undefined;
  step: string;
  expectsKey: boolean;
  index: number;
}

function noteKey(frame: Frame, quoted: string, stack: readonly Frame[], duplicates: string[]): void {
  const key = quoted.includes('\\') ? String(JSON.parse(quoted)) : quoted.slice(1, -1);
  frame.step = key;
  frame.expectsKey = false;
  if (frame.keys?.has(key) === true && duplicates.length < MAX_DUPLICATES) duplicates.push(pathOf(stack));
  frame.keys?.add(key);
}

function pathOf(stack: readonly Frame[]): string {
  return stack
    .map((frame) => (frame.keys === undefined ? `[${frame.index}]` : `.${frame.step}`))
    .join('')
    .replace(/^\./, '');
}

function endOfString(text: string, start: number): number {
  for (let at = start + 1; at < text.length; at += 1) {
    if (text[at] === '\\') at += 1;
    else if (text[at] === '"') return at + 1;
  }
  return text.length;
}

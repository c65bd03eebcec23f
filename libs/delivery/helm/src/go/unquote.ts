import { fromBytes, toBytes } from './text.ts';

const SIMPLE: Readonly<Record<string, string>> = {
  a: '\u0007',
  b: '\b',
  f: '\f',
  n: '\n',
  r: '\r',
  t: '\t',
  v: '\v',
  '\\': '\\',
  "'": "'",
  '"': '"',
};
const NUMERIC: Readonly<Record<string, number>> = { x: 2, u: 4, U: 8 };

/** Go's strconv.Unquote for double-quoted and back-quoted strings; undefined where Go says `invalid syntax`. */
export function unquote(quoted: string): string | undefined {
  if (quoted.length < 2) return undefined;
  const mark = quoted.charAt(0);
  const inner = quoted.slice(1, -1);
  if (mark === '`') return inner.includes('\r') ? inner.replaceAll('\r', '') : inner;
  if (!inner.includes('\\')) return inner.includes('\n') ? undefined : inner;
  return unescape(inner, mark);
}

/** The code point of a Go character constant with its quotes; undefined when malformed. */
export function unquoteChar(quoted: string): number | undefined {
  const inner = quoted.slice(1, -1);
  const text = inner.includes('\\') ? unescape(inner, "'") : inner;
  const code = text?.codePointAt(0);
  return text !== undefined && code !== undefined && String.fromCodePoint(code).length === text.length ? code : undefined;
}

// Byte escapes may build a rune together, so the pieces are joined as bytes.
function unescape(inner: string, mark: string): string | undefined {
  const parts: Uint8Array[] = [];
  for (let at = 0; at < inner.length;) {
    const slash = inner.indexOf('\\', at);
    const end = slash < 0 ? inner.length : slash;
    if (end > at) parts.push(toBytes(inner.slice(at, end)));
    if (slash < 0) break;
    const escape = readEscape(inner, slash + 1, mark);
    if (escape === undefined) return undefined;
    parts.push(escape.bytes);
    at = escape.next;
  }
  return fromBytes(Buffer.concat(parts));
}

function readEscape(text: string, at: number, mark: string): { bytes: Uint8Array; next: number } | undefined {
  const letter = text.charAt(at);
  if ((letter === "'" || letter === '"') && letter !== mark) return undefined;
  const simple = SIMPLE[letter];
  if (simple !== undefined) return { bytes: toBytes(simple), next: at + 1 };
  const width = NUMERIC[letter];
  if (width !== undefined) {
    const digits = text.slice(at + 1, at + 1 + width);
    if (!/^[0-9a-fA-F]+$/.test(digits) || digits.length !== width) return undefined;
    const code = Number.parseInt(digits, 16);
    if (letter !== 'x' && (code > 0x10ffff || (code >= 0xd800 && code < 0xe000))) return undefined;
    return { bytes: letter === 'x' ? Buffer.from([code]) : toBytes(String.fromCodePoint(code)), next: at + 1 + width };
  }
  const octal = /^[0-7]{3}/.exec(text.slice(at, at + 3))?.[0];
  if (octal === undefined || Number.parseInt(octal, 8) > 255) return undefined;
  return { bytes: Buffer.from([Number.parseInt(octal, 8)]), next: at + 3 };
}

const LETTER = /\p{L}/u;
const DIGIT = /\p{Nd}/u;

function isLetter(rune: string): boolean {
  const code = rune.charCodeAt(0);
  if (code < 128) return (code >= 65 && code <= 90) || (code >= 97 && code <= 122);
  return LETTER.test(rune);
}

function isDigit(rune: string | undefined): boolean {
  if (rune === undefined) return false;
  const code = rune.charCodeAt(0);
  return code < 128 ? code >= 48 && code <= 57 : DIGIT.test(rune);
}

// The number that begins at `from`, and where it ends. Digits count as their distance from '0', as in go-yaml.
function readNumber(runes: readonly string[], from: number, seed: bigint): { readonly value: bigint; readonly end: number } {
  let value = seed;
  let end = from;
  while (isDigit(runes[end])) {
    value = BigInt.asIntN(64, value * 10n + BigInt((runes[end]?.codePointAt(0) ?? 48) - 48));
    end += 1;
  }
  return { value, end };
}

function hasNonZeroBefore(runes: readonly string[], from: number): boolean {
  for (let index = from - 1; index >= 0 && isDigit(runes[index]); index -= 1) if (runes[index] !== '0') return true;
  return false;
}

function compareRunes(a: string, b: string): number {
  return (a.codePointAt(0) ?? 0) - (b.codePointAt(0) ?? 0);
}

/**
 * Orders map keys as go-yaml does when it writes: letters after everything else, runs of digits as numbers.
 * With `lettersFirstAfterDigits` the rule of v3 holds: after a digit a letter comes before other characters.
 */
export function compareKeys(a: string, b: string, lettersFirstAfterDigits = false): number {
  const left = [...a];
  const right = [...b];
  let afterDigits = false;
  for (let index = 0; index < left.length && index < right.length; index += 1) {
    const x = left[index] ?? '';
    const y = right[index] ?? '';
    if (x === y) {
      afterDigits = isDigit(x);
      continue;
    }
    const xLetter = isLetter(x);
    const yLetter = isLetter(y);
    if (xLetter && yLetter) return compareRunes(x, y);
    if (xLetter || yLetter) return (lettersFirstAfterDigits && afterDigits ? xLetter : yLetter) ? -1 : 1;
    // A zero inside a longer number must not make it shorter.
    const seed = (x === '0' || y === '0') && hasNonZeroBefore(left, index) ? 1n : 0n;
    const m = readNumber(left, index, seed);
    const n = readNumber(right, index, seed);
    if (m.value !== n.value) return m.value < n.value ? -1 : 1;
    return m.end === n.end ? compareRunes(x, y) : m.end - n.end;
  }
  return left.length - right.length;
}

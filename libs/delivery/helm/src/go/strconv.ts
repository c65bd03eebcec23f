import { isRawByte, rawByte } from './text.ts';

/** The shortest decimal digits that read back as the number, and the place of the point: 0.d1d2… × 10^point. */
interface Digits {
  readonly negative: boolean;
  readonly digits: string;
  readonly point: number;
}

/** Go's strconv.FormatFloat for 64 bits. A precision of -1 means shortest. `g` switches to the exponent form at 10^6 when shortest. */
export function formatFloat(value: number, verb: 'e' | 'f' | 'g' | 'E' | 'G', precision: number): string {
  if (Number.isNaN(value)) return 'NaN';
  if (!Number.isFinite(value)) return value > 0 ? '+Inf' : '-Inf';
  if (verb === 'E' || verb === 'G') return formatFloat(value, verb === 'E' ? 'e' : 'g', precision).replace('e', 'E');
  const shortest = precision < 0;
  if (verb === 'f') return shortest ? plain(shortestDigits(value), -1) : plain(fixedDigits(value, precision), precision);
  if (verb === 'e') {
    return shortest ? scientific(shortestDigits(value), -1) : scientific(roundedDigits(value, precision + 1), precision);
  }
  const wanted = precision === 0 ? 1 : precision;
  const digits = shortest ? shortestDigits(value) : roundedDigits(value, wanted);
  const trimmed = { ...digits, digits: digits.digits.replace(/0+$/, '') };
  let limit = shortest ? 6 : wanted;
  if (!shortest && limit > trimmed.digits.length && trimmed.digits.length >= trimmed.point) limit = trimmed.digits.length;
  const exponent = trimmed.digits === '' ? 0 : trimmed.point - 1;
  if (exponent < -4 || exponent >= limit) return scientific(trimmed, -1);
  return plain(trimmed, -1);
}

/** The way `%v`, `print` and `toString` write a float64. */
export function printFloat(value: number): string {
  return formatFloat(value, 'g', -1);
}

/** The way encoding/json writes a float64. */
export function jsonFloat(value: number): string {
  const size = Math.abs(value);
  if (size !== 0 && (size < 1e-6 || size >= 1e21)) return formatFloat(value, 'e', -1).replace(/e-0(\d)$/, 'e-$1');
  return formatFloat(value, 'f', -1);
}

function shortestDigits(value: number): Digits {
  if (value === 0) return { negative: Object.is(value, -0), digits: '', point: 0 };
  const [mantissa = '', exponent = '0'] = Math.abs(value).toExponential().split('e');
  return { negative: value < 0, digits: mantissa.replace('.', ''), point: Number(exponent) + 1 };
}

// Exact digits: a float64 is m × 2^e, which BigInt writes in full; rounding is half to even as in Go.
function exactDigits(value: number): Digits {
  if (value === 0) return { negative: Object.is(value, -0), digits: '', point: 0 };
  const view = new DataView(new ArrayBuffer(8));
  view.setFloat64(0, Math.abs(value));
  const bits = view.getBigUint64(0);
  const biased = Number(bits >> 52n);
  const fraction = bits & 0xfffffffffffffn;
  const mantissa = biased === 0 ? fraction : fraction | 0x10000000000000n;
  const exponent = (biased === 0 ? 1 : biased) - 1075;
  if (exponent >= 0) {
    const digits = (mantissa << BigInt(exponent)).toString();
    return { negative: value < 0, digits, point: digits.length };
  }
  const digits = (mantissa * 5n ** BigInt(-exponent)).toString();
  return { negative: value < 0, digits, point: digits.length + exponent };
}

function roundTo(exact: Digits, count: number): Digits {
  if (count < 0) return { ...exact, digits: '', point: 0 };
  if (exact.digits.length <= count) return exact;
  const kept = exact.digits.slice(0, count);
  const rest = exact.digits.slice(count);
  const half = `5${'0'.repeat(rest.length - 1)}`;
  const lastOdd = count > 0 && Number(kept.at(-1)) % 2 === 1;
  const up = rest > half || (rest === half && lastOdd);
  if (!up) return { ...exact, digits: kept };
  const raised = (BigInt(kept === '' ? '0' : kept) + 1n).toString().padStart(count, '0');
  return raised.length > count ? { ...exact, digits: raised, point: exact.point + 1 } : { ...exact, digits: raised };
}

function fixedDigits(value: number, decimals: number): Digits {
  const exact = exactDigits(value);
  return roundTo(exact, exact.point + decimals);
}

function roundedDigits(value: number, count: number): Digits {
  const rounded = roundTo(exactDigits(value), count);
  return { ...rounded, digits: rounded.digits.slice(0, count) };
}

function plain(digits: Digits, decimals: number): string {
  const { point } = digits;
  const whole = point <= 0 ? '0' : digits.digits.slice(0, point).padEnd(point, '0');
  const fraction = point <= 0 ? (digits.digits === '' ? '' : '0'.repeat(-point) + digits.digits) : digits.digits.slice(point);
  const shown = decimals < 0 ? fraction : fraction.slice(0, decimals).padEnd(decimals, '0');
  return `${digits.negative ? '-' : ''}${whole === '' ? '0' : whole}${shown === '' ? '' : `.${shown}`}`;
}

function scientific(digits: Digits, decimals: number): string {
  const exponent = digits.digits === '' ? 0 : digits.point - 1;
  const first = digits.digits.slice(0, 1) || '0';
  const rest = digits.digits.slice(1);
  const shown = decimals < 0 ? rest : rest.slice(0, decimals).padEnd(decimals, '0');
  const power = Math.abs(exponent).toString().padStart(2, '0');
  return `${digits.negative ? '-' : ''}${first}${shown === '' ? '' : `.${shown}`}e${exponent < 0 ? '-' : '+'}${power}`;
}

const ESCAPES: Readonly<Record<string, string>> = {
  '\u0007': '\\a',
  '\b': '\\b',
  '\f': '\\f',
  '\n': '\\n',
  '\r': '\\r',
  '\t': '\\t',
  '\v': '\\v',
  '\\': '\\\\',
};
const PLAIN_TEXT = /^[ !#-[\]-~]*$/;
// Go's unicode.IsPrint: letters, marks, numbers, punctuation, symbols and the ASCII space.
const PRINTABLE = /^[\p{L}\p{M}\p{N}\p{P}\p{S} ]$/u;

/** Go's strconv.Quote. */
export function quote(text: string): string {
  return PLAIN_TEXT.test(text) ? `"${text}"` : quoteWith(text, '"', false);
}

/** Go's strconv.QuoteToASCII (`%+q`). */
export function quoteToAscii(text: string): string {
  return quoteWith(text, '"', true);
}

/** Go's strconv.QuoteRune (`%q` of an integer). */
export function quoteRune(code: number, asciiOnly = false): string {
  const valid = code >= 0 && code <= 0x10ffff && !(code >= 0xd800 && code < 0xe000);
  return quoteWith(String.fromCodePoint(valid ? code : 0xfffd), "'", asciiOnly);
}

/** Whether Go prints the rune as it is. */
function isPrint(rune: string): boolean {
  return PRINTABLE.test(rune);
}

function quoteWith(text: string, mark: string, asciiOnly: boolean): string {
  let out = mark;
  for (const rune of text) out += escapeRune(rune, mark, asciiOnly);
  return out + mark;
}

function escapeRune(rune: string, mark: string, asciiOnly: boolean): string {
  if (rune === mark) return `\\${rune}`;
  const known = ESCAPES[rune];
  if (known !== undefined) return known;
  const code = rune.codePointAt(0) ?? 0;
  if (isRawByte(code)) return `\\x${hex(rawByte(code), 2)}`;
  if (asciiOnly ? code >= 0x20 && code < 0x7f : isPrint(rune)) return rune;
  if (code < 0x20 || code === 0x7f) return `\\x${hex(code, 2)}`;
  return code < 0x10000 ? `\\u${hex(code, 4)}` : `\\U${hex(code, 8)}`;
}

function hex(value: number, width: number): string {
  return value.toString(16).padStart(width, '0');
}

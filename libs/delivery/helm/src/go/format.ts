import { formatFloat, printFloat, quote, quoteRune, quoteToAscii } from './strconv.ts';
import { compareStrings, fromBytes, runesOf, toBytes } from './text.ts';
import { measure } from './measure.ts';
import { typeOf } from './type-names.ts';
import { GoBytes, GoInt, GoMap, GoSlice, type GoObject, type GoValue } from './value.ts';

/** Flags, width and precision of one verb. */
export interface Flags {
  minus: boolean;
  plus: boolean;
  sharp: boolean;
  space: boolean;
  zero: boolean;
  width: number | undefined;
  precision: number | undefined;
}

const NO_FLAGS: Flags = { minus: false, plus: false, sharp: false, space: false, zero: false, width: undefined, precision: undefined };

/** The way Go's `%v` writes a value. */
export function formatValue(value: GoValue): string {
  if (typeof value === 'string') return value;
  if (typeof value === 'number') return printFloat(value);
  return formatVerb(value, 'v', NO_FLAGS);
}

/** One value under one verb, with Go's `%!verb(type=value)` where they do not fit. */
export function formatVerb(value: GoValue, verb: string, flags: Flags): string {
  if (value === null) return verb === 'v' || verb === 'T' ? pad('<nil>', flags) : `%!${verb}(<nil>)`;
  if (verb === 'T') return pad(typeOf(value), flags);
  if (verb === 'p') return `%!p(${typeOf(value)}=${formatValue(value)})`;
  measure(value);
  return formatAt(value, verb, flags, 0);
}

function formatAt(value: GoValue, verb: string, flags: Flags, depth: number): string {
  if (value === null) return flags.sharp && verb === 'v' ? 'interface {}(nil)' : pad('<nil>', flags);
  if (typeof value === 'string') return formatString(value, verb, flags);
  if (typeof value === 'number') return formatNumber(value, verb, flags);
  if (typeof value === 'boolean') return verb === 't' || verb === 'v' ? pad(String(value), { ...flags, zero: false }) : bad(value, verb);
  if (value instanceof GoInt) return formatInt(value, verb, flags);
  if (value instanceof GoBytes) return formatBytes(value, verb, flags);
  if (value instanceof GoSlice) return formatSlice(value, verb, flags, depth);
  if (value instanceof GoMap) return formatMap(value, verb, flags, depth);
  return formatObject(value, verb, flags, depth);
}

function bad(value: GoValue, verb: string): string {
  return `%!${verb}(${typeOf(value)}=${formatAt(value, 'v', NO_FLAGS, 0)})`;
}

/** Pads to the width in runes. */
function pad(text: string, flags: Flags): string {
  if (flags.width === undefined) return text;
  const missing = flags.width - runesOf(text).length;
  if (missing <= 0) return text;
  if (flags.minus) return text + ' '.repeat(missing);
  return (flags.zero ? '0' : ' ').repeat(missing) + text;
}

function truncated(text: string, flags: Flags): string {
  return flags.precision === undefined ? text : runesOf(text).slice(0, flags.precision).join('');
}

function formatString(value: string, verb: string, flags: Flags): string {
  switch (verb) {
    case 'v':
      return flags.sharp ? pad(quote(value), flags) : pad(truncated(value, flags), flags);
    case 's':
      return pad(truncated(value, flags), flags);
    case 'q': {
      const shown = truncated(value, flags);
      if (flags.sharp && !shown.includes('`') && !/[\x00-\x08\x0a-\x1f\x7f\ufeff]/.test(shown)) return pad(`\`${shown}\``, flags); // eslint-disable-line no-control-regex
      return pad(flags.plus ? quoteToAscii(shown) : quote(shown), flags);
    }
    case 'x':
    case 'X':
      return formatHex(toBytes(value), verb, flags);
    default:
      return bad(value, verb);
  }
}

function formatHex(bytes: Uint8Array, verb: string, flags: Flags): string {
  const shown = flags.precision === undefined ? bytes : bytes.subarray(0, flags.precision);
  const digits = [...shown].map((byte) => byte.toString(16).padStart(2, '0'));
  const prefix = flags.sharp ? '0x' : '';
  const text = flags.space ? digits.map((pair) => prefix + pair).join(' ') : (digits.length > 0 ? prefix : '') + digits.join('');
  return pad(verb === 'X' ? text.toUpperCase() : text, flags);
}

function formatBytes(value: GoBytes, verb: string, flags: Flags): string {
  if (verb === 's' || verb === 'q' || verb === 'x' || verb === 'X') return formatString(fromBytes(value.bytes), verb, flags);
  if (verb === 'v' && flags.sharp) return `[]byte{${[...value.bytes].map((byte) => `0x${byte.toString(16)}`).join(', ')}}`;
  // Charts do print `.Files`: megabytes of numbers.
  if ((verb === 'v' || verb === 'd') && flags.width === undefined) return `[${value.bytes.join(' ')}]`;
  if (verb === 'v' || verb === 'd') return `[${[...value.bytes].map((byte) => pad(String(byte), flags)).join(' ')}]`;
  return `[${[...value.bytes].map((byte) => formatInt(new GoInt('uint8', BigInt(byte)), verb, flags)).join(' ')}]`;
}

function formatNumber(value: number, verb: string, flags: Flags): string {
  switch (verb) {
    case 'v':
      return signedNumber(formatFloat(value, 'g', flags.precision ?? -1), flags);
    case 'e':
    case 'E':
      return signedNumber(formatFloat(value, verb, flags.precision ?? 6), flags);
    case 'f':
    case 'F':
      return signedNumber(formatFloat(value, 'f', flags.precision ?? 6), flags);
    case 'g':
    case 'G':
      return signedNumber(formatFloat(value, verb, flags.precision ?? -1), flags);
    default:
      return bad(value, verb);
  }
}

function signedNumber(text: string, flags: Flags): string {
  const finite = !/Inf|NaN/.test(text);
  const sign = text.startsWith('-') ? '-' : text.startsWith('+') && !flags.plus ? (flags.space ? ' ' : '+') : flags.plus ? '+' : flags.space ? ' ' : '';
  const digits = text.replace(/^[+-]/, '');
  const shownSign = text === 'NaN' && flags.plus ? '+' : sign;
  if (flags.zero && !flags.minus && finite && flags.width !== undefined) return shownSign + digits.padStart(flags.width - shownSign.length, '0');
  return pad(shownSign + digits, { ...flags, zero: false });
}

const BASES: Readonly<Record<string, number>> = { v: 10, d: 10, b: 2, o: 8, O: 8, x: 16, X: 16 };

function formatInt(value: GoInt, verb: string, flags: Flags): string {
  const stringer = value.methods?.['String'];
  if (stringer !== undefined && (verb === 'v' || verb === 's' || verb === 'q') && !flags.sharp) {
    return formatString(String(stringer.call([])), verb, flags);
  }
  if (verb === 'c') return pad(String.fromCodePoint(codePoint(value.value)), flags);
  if (verb === 'q') return pad(quoteRune(codePoint(value.value), flags.plus), flags);
  if (verb === 'U') return formatUnicode(codePoint(value.value), flags);
  const base = BASES[verb];
  if (base === undefined) return bad(value, verb);
  return integerText(value.value, base, verb, flags);
}

function codePoint(value: bigint): number {
  return value >= 0n && value <= 0x10ffffn ? Number(value) : 0xfffd;
}

function formatUnicode(code: number, flags: Flags): string {
  const text = `U+${code
    .toString(16)
    .toUpperCase()
    .padStart(Math.max(4, flags.precision ?? 4), '0')}`;
  return pad(flags.sharp ? `${text} '${String.fromCodePoint(code)}'` : text, { ...flags, zero: false });
}

function integerText(value: bigint, base: number, verb: string, flags: Flags): string {
  const negative = value < 0n;
  let digits = (negative ? -value : value).toString(base);
  if (verb === 'X') digits = digits.toUpperCase();
  const sign = negative ? '-' : flags.plus ? '+' : flags.space ? ' ' : '';
  if (flags.precision === 0 && value === 0n) return pad('', { ...flags, zero: false });
  if (flags.precision !== undefined) digits = digits.padStart(flags.precision, '0');
  else if (flags.zero && !flags.minus && flags.width !== undefined) digits = digits.padStart(flags.width - sign.length, '0');
  const sharp = flags.sharp && verb !== 'v' ? { 2: '0b', 8: digits.startsWith('0') ? '' : '0', 16: verb === 'X' ? '0X' : '0x' }[base] : undefined;
  return pad(sign + (verb === 'O' ? '0o' : (sharp ?? '')) + digits, { ...flags, zero: false });
}

function formatSlice(value: GoSlice, verb: string, flags: Flags, depth: number): string {
  if (flags.sharp && verb === 'v') {
    if (value.isNil) return `${value.typeName}(nil)`;
    return `${value.typeName}{${value.items.map((item) => formatAt(item, verb, flags, depth + 1)).join(', ')}}`;
  }
  return `[${value.items.map((item) => formatAt(item, verb, flags, depth + 1)).join(' ')}]`;
}

function formatMap(value: GoMap, verb: string, flags: Flags, depth: number): string {
  const keys = [...value.entries.keys()].sort(compareStrings);
  const pairs = keys.map((key) => `${formatString(key, verb, flags)}:${formatAt(value.entries.get(key) ?? null, verb, flags, depth + 1)}`);
  if (flags.sharp && verb === 'v') return value.isNil ? `${value.typeName}(nil)` : `${value.typeName}{${pairs.join(', ')}}`;
  return `map[${pairs.join(' ')}]`;
}

function formatObject(value: GoObject, verb: string, flags: Flags, depth: number): string {
  if (value.string !== undefined && !flags.sharp && /[vsxXq]/.test(verb)) return formatString(value.string(), verb, flags);
  const named = flags.plus || flags.sharp;
  const fields = Object.entries(value.fields).map(([name, item]) => {
    const text = formatAt(item, verb, flags, depth + 1);
    return named && verb === 'v' ? `${name}:${text}` : text;
  });
  if (flags.sharp && verb === 'v') return `${value.isPointer ? '&' : ''}${value.typeName.replace(/^\*/, '')}{${fields.join(', ')}}`;
  // Go prints the address of a nested pointer, which no two runs agree on.
  if (value.isPointer && depth > 0) return '0xc000000000';
  return `${value.isPointer ? '&' : ''}{${fields.join(' ')}}`;
}

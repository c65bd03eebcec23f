import { decodeUtf8, encodeUtf8 } from '../bytes.ts';
import { formatType } from '../cel-type.ts';
import { CelError } from '../problem.ts';
import { CelDuration, CelTimestamp } from '../time.ts';
import { CelList, CelTypeValue, CelUint, isMap, typeNameOf, type CelValue } from '../value.ts';
import { formatDouble, toText } from './conversions.ts';

const MAX_PRECISION = 1_000;

/** What `text.format(args)` yields (cel-go ext/formatting.go): %s, %d, %f, %e, %b, %x, %X, %o and %%. Throws `CelError`. */
export function formatText(text: string, args: CelList): string {
  let next = 0;
  const parts: string[] = [];
  let last = 0;
  for (const match of text.matchAll(/%(?:%|(?:\.(\d+))?([a-zA-Z]?))/g)) {
    parts.push(text.slice(last, match.index));
    last = match.index + match[0].length;
    if (match[0] === '%%') {
      parts.push('%');
      continue;
    }
    const verb = match[2] ?? '';
    if (verb === '') throw new CelError('could not parse formatting clause: unexpected end of string');
    if (next >= args.size) throw new CelError(`index ${next} out of range`);
    const precision = Number(match[1] ?? '6');
    if (precision > MAX_PRECISION) throw new CelError(`precision ${precision} exceeds ${MAX_PRECISION}`);
    parts.push(formatOne(verb, args.at(next), precision));
    next += 1;
  }
  return [...parts, text.slice(last)].join('');
}

function formatOne(verb: string, value: CelValue, precision: number): string {
  switch (verb) {
    case 's':
      return formatAny(value);
    case 'd':
      return formatDecimal(value);
    case 'f':
      return formatFixed(value, precision);
    case 'e':
      return formatScientific(value, precision);
    case 'b':
      if (typeof value === 'boolean') return value ? '1' : '0';
      return wholeOf(value, 'error during formatting: only integers and bools can be formatted as binary').toString(2);
    case 'x':
    case 'X':
      return verb === 'x' ? formatHex(value) : formatHex(value).toUpperCase();
    case 'o':
      return wholeOf(value, 'error during formatting: octal clause can only be used on integers').toString(8);
    default:
      throw new CelError(`could not parse formatting clause: unrecognized formatting clause ${JSON.stringify(verb)}`);
  }
}

function given(value: CelValue): string {
  return `, was given ${typeNameOf(value)}`;
}

function wholeOf(value: CelValue, complaint: string): bigint {
  if (typeof value === 'bigint') return value;
  if (value instanceof CelUint) return value.value;
  throw new CelError(`${complaint}${given(value)}`);
}

function formatDecimal(value: CelValue): string {
  if (typeof value === 'number' && !Number.isFinite(value)) return formatFixed(value, 0);
  if (typeof value === 'bigint' || value instanceof CelUint) return toText(value);
  throw new CelError(`error during formatting: decimal clause can only be used on integers${given(value)}`);
}

function doubleOf(value: CelValue, clause: string): number {
  if (typeof value === 'number') return value;
  if (typeof value === 'bigint') return Number(value);
  if (value instanceof CelUint) return Number(value.value);
  if (value === 'NaN') return Number.NaN;
  if (value === 'Infinity' || value === '-Infinity') return value === 'Infinity' ? Infinity : -Infinity;
  throw new CelError(`error during formatting: ${clause} clause can only be used on doubles${given(value)}`);
}

function formatFixed(value: CelValue, precision: number): string {
  const number = doubleOf(value, 'fixed-point');
  if (Number.isNaN(number)) return 'NaN';
  if (!Number.isFinite(number)) return number > 0 ? '∞' : '-∞';
  // toFixed writes an exponent from 1e21 on, where doubles are whole.
  const digits = Math.abs(number) >= 1e21 ? `${BigInt(number)}${precision > 0 ? `.${'0'.repeat(precision)}` : ''}` : toFixed(number, Math.min(100, precision));
  const padded = precision > 100 && Math.abs(number) < 1e21 ? digits.padEnd(digits.length + precision - 100, '0') : digits;
  return padded.replace(/\d(?=(?:\d{3})+(?:\.|$))/g, (digit, at: number) => (padded.slice(0, at).includes('.') ? digit : `${digit},`));
}

// Halves go to the even digit, as in Go; toFixed takes them up.
function toFixed(number: number, precision: number): string {
  const text = number.toFixed(precision);
  const isHalf = precision < 100 && /^50*$/.test(number.toFixed(100).slice(precision - 100));
  if (!isHalf || /[02468]$/.test(text)) return text;
  const down = number.toFixed(100).slice(0, precision - 100);
  return down.endsWith('.') ? down.slice(0, -1) : down;
}

const SUPERSCRIPTS = ['⁰', '¹', '²', '³', '⁴', '⁵', '⁶', '⁷', '⁸', '⁹'];

// Written as English has it (golang.org/x/text/message), which cel-go's version of the function uses for doubles.
function formatScientific(value: CelValue, precision: number): string {
  const number = doubleOf(value, 'scientific');
  if (Number.isNaN(number)) return 'NaN';
  if (!Number.isFinite(number)) return number > 0 ? '∞' : '-∞';
  const [digits = '', exponent = '+0'] = number.toExponential(Math.min(100, precision)).split('e');
  const power = [...exponent.replace(/^[+-]/, '').padStart(2, '0')].map((digit) => SUPERSCRIPTS[Number(digit)] ?? '').join('');
  return `${digits}×10${exponent.startsWith('-') ? '⁻' : ''}${power}`;
}

function formatHex(value: CelValue): string {
  if (typeof value === 'string') return hexOf(encodeUtf8(value));
  if (value instanceof Uint8Array) return hexOf(value);
  return wholeOf(value, 'error during formatting: only integers, byte buffers, and strings can be formatted as hex').toString(16);
}

function hexOf(bytes: Uint8Array): string {
  return [...bytes].map((byte) => byte.toString(16).padStart(2, '0')).join('');
}

function formatAny(value: CelValue): string {
  if (value === null) return 'null';
  if (typeof value === 'string') return value;
  if (typeof value === 'number') return Number.isFinite(value) || Number.isNaN(value) ? formatDouble(value) : formatFixed(value, 0);
  if (typeof value === 'boolean' || typeof value === 'bigint' || value instanceof CelUint) return toText(value);
  if (value instanceof CelDuration || value instanceof CelTimestamp) return toText(value);
  if (value instanceof Uint8Array) return decodeUtf8(value) ?? '';
  if (value instanceof CelTypeValue) return formatType(value.type);
  if (value instanceof CelList) return `[${[...value].map(formatAny).join(', ')}]`;
  if (isMap(value)) {
    const entries = [...value.keys()].map((key) => `${formatAny(key)}: ${formatAny(value.get(key) ?? null)}`);
    return `{${entries.toSorted().join(', ')}}`;
  }
  throw new CelError(
    `error during formatting: string clause can only be used on strings, bools, bytes, ints, doubles, maps, lists, types, durations, and timestamps${given(value)}`,
  );
}

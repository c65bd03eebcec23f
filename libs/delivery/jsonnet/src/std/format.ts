import { runtimeError, type Machine } from '../machine.ts';
import { toText } from '../manifest.ts';
import { JsonnetArray, JsonnetObject, typeOf, type Value } from '../value.ts';

interface Conversion {
  readonly key: string | undefined;
  readonly flags: string;
  readonly width: string;
  readonly precision: string | undefined;
  readonly verb: string;
}

const CONVERSION = /%(?:\(([^)]*)\))?([#0\- +]*)(\*|[0-9]*)(?:\.(\*|[0-9]*))?[hlL]*([a-zA-Z%])?/g;
const MAX_WIDTH = 100_000;

/** `template % values` (std.format): Python's conversions, by position or by name. Throws JsonnetError. */
export function formatPercent(machine: Machine, template: string, values: Value): string {
  const named = values instanceof JsonnetObject ? values : undefined;
  const rest = values instanceof JsonnetArray ? values.values() : [values];
  let used = 0;
  const take = (): Value => {
    const value = rest[used];
    used += 1;
    if (value === undefined) throw runtimeError(`Not enough values to format: ${rest.length} given, expected at least ${used}`);
    return value;
  };
  const text = template.replaceAll(CONVERSION, (_, ...[key, flags = '', width = '', precision, verb]: (string | undefined)[]) => {
    if (verb === undefined) throw runtimeError('Truncated format code.');
    const conversion = {
      key,
      flags,
      width: width === '*' ? String(intOf(take())) : width,
      precision: precision === '*' ? String(intOf(take())) : precision,
      verb,
    };
    if (verb === '%') return pad('%', conversion);
    const written = convert(machine, conversion, named === undefined ? take() : fieldOf(named, conversion));
    machine.chargeText(written.length);
    return written;
  });
  if (named === undefined && used < rest.length) throw runtimeError(`Too many values to format: ${rest.length}, expected ${used}`);
  return text;
}

function fieldOf(values: JsonnetObject, { key }: Conversion): Value {
  if (key === undefined) throw runtimeError('Mapping keys required.');
  if (!values.has(key)) throw runtimeError(`No such field: ${key}`);
  return values.get(key);
}

function intOf(value: Value): number {
  if (typeof value !== 'number' || !Number.isInteger(value)) throw runtimeError(`Expected an integer as width or precision, got ${typeOf(value)}`);
  return value;
}

function convert(machine: Machine, conversion: Conversion, value: Value): string {
  switch (conversion.verb) {
    case 's':
      return pad(toText(machine, value), conversion);
    case 'c':
      return pad(charOf(value), conversion);
    case 'd':
    case 'i':
    case 'u':
      return whole(conversion, value, 10, '');
    case 'o':
      return whole(conversion, value, 8, '0');
    case 'x':
    case 'X':
      return withCase(conversion, whole(conversion, value, 16, '0x'));
    case 'f':
    case 'F':
      return signed(conversion, numberOf(conversion, value), (size) => fixed(size, precisionOf(conversion), conversion.flags.includes('#')));
    case 'e':
    case 'E':
      return withCase(
        conversion,
        signed(conversion, numberOf(conversion, value), (size) => scientific(size, precisionOf(conversion), conversion.flags.includes('#'))),
      );
    case 'g':
    case 'G':
      return withCase(
        conversion,
        signed(conversion, numberOf(conversion, value), (size) => general(size, conversion)),
      );
    default:
      throw runtimeError(`Unrecognised conversion type: ${conversion.verb}`);
  }
}

function numberOf({ verb }: Conversion, value: Value): number {
  if (typeof value !== 'number') throw runtimeError(`Format required number at %${verb}, got ${typeOf(value)}`);
  return value;
}

function charOf(value: Value): string {
  if (typeof value === 'number') return String.fromCodePoint(value);
  if (typeof value === 'string' && [...value].length === 1) return value;
  throw runtimeError(`%c expected 1-sized string or a number, got ${typeOf(value)}`);
}

function precisionOf({ precision }: Conversion): number {
  return bounded(precision ?? '6');
}

function bounded(digits: string): number {
  const count = Number(digits);
  if (count > MAX_WIDTH) throw runtimeError(`width or precision above ${MAX_WIDTH}`);
  return count;
}

// Towards zero, so that -0.3 has no sign left.
function whole(conversion: Conversion, value: Value, base: number, prefix: string): string {
  return signed(conversion, Math.trunc(numberOf(conversion, value)), (size) => digitsOf(conversion, size, base, prefix));
}

function digitsOf({ precision, flags }: Conversion, size: number, base: number, prefix: string): string {
  const digits = BigInt(size)
    .toString(base)
    .padStart(bounded(precision ?? '0'), '0');
  // The zero that marks an octal number is one of its digits.
  const isMarked = !flags.includes('#') || size === 0 || (base === 8 && digits.startsWith('0'));
  return isMarked ? digits : prefix + digits;
}

// Half up on the decimal digits, as std.format rounds.
function fixed(size: number, precision: number, keepsPoint: boolean): string {
  const scale = 10 ** precision;
  const whole = Math.floor(size);
  const scaled = Math.floor((size - whole) * scale + 0.5);
  const [carry, digits] = scaled >= scale ? [1n, 0] : [0n, scaled];
  const text = (BigInt(whole) + carry).toString();
  if (precision === 0) return keepsPoint ? `${text}.` : text;
  return `${text}.${BigInt(digits).toString().padStart(precision, '0')}`;
}

function scientific(size: number, precision: number, keepsPoint: boolean): string {
  const exponent = size === 0 ? 0 : Math.floor(Math.log10(size));
  const mantissa = fixed(exponent === -324 ? (size * 10) / 10 ** (exponent + 1) : size / 10 ** exponent, precision, keepsPoint);
  return `${mantissa}e${exponent < 0 ? '-' : '+'}${String(Math.abs(exponent)).padStart(2, '0')}`;
}

function general(size: number, conversion: Conversion): string {
  const precision = precisionOf(conversion);
  const exponent = size === 0 ? 0 : Math.floor(Math.log10(size));
  const keepsZeros = conversion.flags.includes('#');
  const trim = (text: string): string => (keepsZeros || !text.includes('.') ? text : text.replace(/\.?0+$/, ''));
  if (exponent >= -4 && exponent < precision) return trim(fixed(size, Math.max(0, precision - Math.max(1, exponent + 1)), keepsZeros));
  const [mantissa = '', power = ''] = scientific(size, Math.max(0, precision - 1), keepsZeros).split('e');
  return `${trim(mantissa)}e${power}`;
}

function signed(conversion: Conversion, value: number, write: (size: number) => string): string {
  const { flags } = conversion;
  const sign = value < 0 ? '-' : flags.includes('+') ? '+' : flags.includes(' ') ? ' ' : '';
  const digits = write(Math.abs(value));
  const width = bounded(conversion.width === '' ? '0' : conversion.width);
  if (flags.includes('0') && !flags.includes('-')) return sign + zeroPad(digits, width - sign.length);
  return pad(sign + digits, conversion);
}

function zeroPad(digits: string, width: number): string {
  return digits.startsWith('0x') ? `0x${digits.slice(2).padStart(width - 2, '0')}` : digits.padStart(width, '0');
}

function pad(text: string, { width, flags }: Conversion): string {
  const size = bounded(width === '' ? '0' : width);
  const blanks = ' '.repeat(Math.max(0, size - [...text].length));
  return flags.includes('-') ? text + blanks : blanks + text;
}

function withCase({ verb }: Conversion, text: string): string {
  return verb === verb.toUpperCase() ? text.toUpperCase() : text;
}

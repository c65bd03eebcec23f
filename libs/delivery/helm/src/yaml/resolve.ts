import { YamlError } from './yaml-error.ts';

/** What a scalar means in YAML 1.1 as go-yaml v2 reads it. Integers are exact. */
export type Scalar =
  | { readonly kind: 'null' }
  | { readonly kind: 'bool'; readonly value: boolean }
  | { readonly kind: 'int'; readonly value: bigint }
  | { readonly kind: 'float'; readonly value: number }
  | { readonly kind: 'timestamp' | 'str'; readonly value: string };

const NULL: Scalar = { kind: 'null' };
const TRUE: Scalar = { kind: 'bool', value: true };
const FALSE: Scalar = { kind: 'bool', value: false };
const WORDS: ReadonlyMap<string, Scalar> = new Map<string, Scalar>([
  ...['y', 'Y', 'yes', 'Yes', 'YES', 'true', 'True', 'TRUE', 'on', 'On', 'ON'].map((word): [string, Scalar] => [word, TRUE]),
  ...['n', 'N', 'no', 'No', 'NO', 'false', 'False', 'FALSE', 'off', 'Off', 'OFF'].map((word): [string, Scalar] => [word, FALSE]),
  ...['', '~', 'null', 'Null', 'NULL'].map((word): [string, Scalar] => [word, NULL]),
  ...['.nan', '.NaN', '.NAN'].map((word): [string, Scalar] => [word, { kind: 'float', value: Number.NaN }]),
  ...['.inf', '.Inf', '.INF', '+.inf', '+.Inf', '+.INF'].map((word): [string, Scalar] => [word, { kind: 'float', value: Infinity }]),
  ...['-.inf', '-.Inf', '-.INF'].map((word): [string, Scalar] => [word, { kind: 'float', value: -Infinity }]),
]);
// Only texts that begin so can be anything but strings (go-yaml's resolve table).
const HINT = /^[-+0-9.yYnNtTfFoO~]/;
const NUMBER_START = /^[-+0-9]/;
const FLOAT = /^[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?$/;
const DOT_FLOAT = /^\.[0-9]+(?:[eE][-+]?[0-9]+)?$/;
const BASE_60 = /^[-+]?[0-9][0-9_]*(?::[0-5]?[0-9])+(?:\.[0-9_]*)?$/;
const DATE = /^(\d{4})-(\d{1,2})-(\d{1,2})(?:([Tt ])(\d{1,2}):(\d{1,2}):(\d{1,2})(?:[.,]\d+)?(Z|[-+]\d{2}:\d{2})?)?$/;
const INT64_MIN = -(2n ** 63n);
const UINT64_MAX = 2n ** 64n - 1n;
const LONG = 'tag:yaml.org,2002:';

/** Resolves a scalar; `tag` is empty for a plain one without a tag. Throws YamlError where the tag does not fit. */
export function resolveScalar(tag: string, text: string): Scalar {
  if (tag === '') return resolvePlain(text);
  if (tag === `${LONG}str`) return { kind: 'str', value: text };
  const wanted = RESOLVABLE.get(tag);
  if (wanted === undefined) return { kind: 'str', value: text };
  const found = resolvePlain(text);
  if (found.kind === wanted) return found;
  if (wanted === 'float' && found.kind === 'int') return { kind: 'float', value: Number(found.value) };
  throw new YamlError(`cannot decode !!${found.kind} \`${text}\` as a ${shortTag(tag)}`);
}

const RESOLVABLE: ReadonlyMap<string, Scalar['kind']> = new Map([
  [`${LONG}bool`, 'bool'],
  [`${LONG}int`, 'int'],
  [`${LONG}float`, 'float'],
  [`${LONG}null`, 'null'],
  [`${LONG}timestamp`, 'timestamp'],
]);

/** The tag as people write it: `!!int` for `tag:yaml.org,2002:int`. */
function shortTag(tag: string): string {
  return tag.startsWith(LONG) ? `!!${tag.slice(LONG.length)}` : tag;
}

function resolvePlain(text: string): Scalar {
  if (text !== '' && !HINT.test(text)) return { kind: 'str', value: text };
  const word = WORDS.get(text);
  if (word !== undefined) return word;
  if (text.startsWith('.')) return (DOT_FLOAT.test(text) ? finite(text) : undefined) ?? { kind: 'str', value: text };
  if (!NUMBER_START.test(text)) return { kind: 'str', value: text };
  if (isTimestamp(text)) return { kind: 'timestamp', value: text };
  return resolveNumber(text.replaceAll('_', '')) ?? { kind: 'str', value: text };
}

function resolveNumber(plain: string): Scalar | undefined {
  const integer = parseInteger(plain);
  if (integer !== undefined) return { kind: 'int', value: integer };
  return FLOAT.test(plain) ? finite(plain) : undefined;
}

// strconv refuses what does not fit a float64.
function finite(text: string): Scalar | undefined {
  const value = Number(text);
  return Number.isFinite(value) ? { kind: 'float', value } : undefined;
}

// strconv.ParseInt(text, 0, 64), then ParseUint, then go-yaml's own binary form.
function parseInteger(plain: string): bigint | undefined {
  const parts = /^([-+]?)(?:(0[xX][0-9a-fA-F]+)|(0[bB][01]+)|(?:0[oO]?([0-7]+))|([1-9][0-9]*|0))$/.exec(plain);
  if (parts === null) {
    const binary = /^0b(-[01]+)$/.exec(plain)?.[1];
    return binary === undefined ? undefined : -BigInt(`0b${binary.slice(1)}`);
  }
  const [, sign = '', hex, binary, octal, decimal] = parts;
  const magnitude = BigInt(hex ?? binary ?? (octal === undefined ? (decimal ?? '0') : `0o${octal}`));
  const value = sign === '-' ? -magnitude : magnitude;
  // A sign rules out ParseUint.
  if (value < INT64_MIN || value > (sign === '' ? UINT64_MAX : 2n ** 63n - 1n)) return undefined;
  return value;
}

function isTimestamp(text: string): boolean {
  const parts = DATE.exec(text);
  if (parts === null) return false;
  const [, year, month, day, separator, hour, minute, second, zone] = parts;
  if (separator === ' ' && zone !== undefined) return false;
  if (separator !== undefined && separator !== ' ' && zone === undefined) return false;
  const monthNumber = Number(month);
  if (monthNumber < 1 || monthNumber > 12) return false;
  const days = new Date(Date.UTC(Number(year) === 0 ? 4 : Number(year), monthNumber, 0)).getUTCDate();
  if (Number(day) < 1 || Number(day) > days) return false;
  if (zone !== undefined && zone !== 'Z' && (Number(zone.slice(1, 3)) > 24 || Number(zone.slice(4)) >= 60)) return false;
  return Number(hour ?? 0) < 24 && Number(minute ?? 0) < 60 && Number(second ?? 0) < 60;
}

/** Whether a string written plain would be read back as something else, so that it must be quoted. */
export function isAmbiguous(text: string): boolean {
  if (text !== '' && !HINT.test(text)) return false;
  return resolvePlain(text).kind !== 'str' || (text.includes(':') && BASE_60.test(text));
}

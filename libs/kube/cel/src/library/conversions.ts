import { decodeUtf8, encodeUtf8 } from '../bytes.ts';
import { scale, TRAVERSAL } from '../estimate.ts';
import { int, uint } from '../operations.ts';
import { overloads, type Overload, type OverloadBody } from '../overload.ts';
import { CelError, noSuchOverload } from '../problem.ts';
import { CelDuration, CelTimestamp, formatDuration, formatTimestamp, parseDuration, parseTimestamp } from '../time.ts';
import { CelUint, type CelValue } from '../value.ts';
import { sizeAt, traversal } from './cost-rules.ts';

const NANOS = 1_000_000_000n;

/** Conversions between types (cel-spec, type conversions; the errors' words are cel-go's). */
export const CONVERSIONS: readonly Overload[] = [
  ...overloads('bool', ['(bool): bool', '(string): bool'], ([value = null]) => toBool(value)),
  ...overloads(
    'int',
    ['int', 'double', 'duration', 'string', 'timestamp', 'uint'].map((from) => `(${from}): int`),
    ([value = null]) => toInt(value),
  ),
  ...overloads(
    'uint',
    ['uint', 'double', 'int', 'string'].map((from) => `(${from}): uint`),
    ([value = null]) => toUint(value),
  ),
  ...overloads(
    'double',
    ['double', 'int', 'uint', 'string'].map((from) => `(${from}): double`),
    ([value = null]) => toDouble(value),
  ),
  ...overloads(
    'string',
    ['string', 'bool', 'double', 'duration', 'int', 'timestamp', 'uint'].map((from) => `(${from}): string`),
    ([value = null]) => toText(value),
  ),
  ...overloads('string', ['(bytes): string'], bytesToText()),
  ...overloads('bytes', ['(bytes): bytes'], ([value = null]) => value),
  ...overloads('bytes', ['(string): bytes'], textToBytes()),
  ...overloads('duration', ['(duration): duration', '(string): duration'], ([value = null]) => toDuration(value)),
  ...overloads('timestamp', ['(timestamp): timestamp', '(int): timestamp', '(string): timestamp'], ([value = null]) => toTimestamp(value)),
];

function bytesToText(): OverloadBody {
  return {
    ...traversal(),
    estimate: (args) => ({ cost: scale(sizeAt(args, 0), TRAVERSAL), resultSize: { min: Math.floor(sizeAt(args, 0).min / 4), max: sizeAt(args, 0).max } }),
    run: ([value]) => {
      const text = value instanceof Uint8Array ? decodeUtf8(value) : undefined;
      if (text === undefined) throw new CelError('invalid UTF-8 in bytes, cannot convert to string');
      return text;
    },
  };
}

function textToBytes(): OverloadBody {
  return {
    ...traversal(),
    estimate: (args) => ({ cost: scale(sizeAt(args, 0), TRAVERSAL), resultSize: { min: sizeAt(args, 0).min, max: sizeAt(args, 0).max * 4 } }),
    run: ([value]) => encodeUtf8(String(value)),
  };
}

function toBool(value: CelValue): CelValue {
  if (typeof value === 'boolean') return value;
  const text = String(value);
  if (['1', 't', 'T', 'TRUE', 'true', 'True'].includes(text)) return true;
  if (['0', 'f', 'F', 'FALSE', 'false', 'False'].includes(text)) return false;
  throw new CelError("type conversion error from 'string' to 'bool'");
}

function toInt(value: CelValue): CelValue {
  if (typeof value === 'bigint') return value;
  if (typeof value === 'number') return int(wholeOf(value));
  if (value instanceof CelUint) return int(value.value);
  if (value instanceof CelDuration) return value.nanos;
  if (value instanceof CelTimestamp) return value.nanos >= 0n ? value.nanos / NANOS : -((-value.nanos + NANOS - 1n) / NANOS);
  if (typeof value !== 'string') throw noSuchOverload();
  if (!/^[+-]?\d+$/.test(value)) throw new CelError(`type conversion error from 'string' to 'int'`);
  return int(BigInt(value.replace(/^\+/, '')));
}

// Doubles at the very edge are refused too: they stand for integers beyond it.
function wholeOf(value: number): bigint {
  if (!Number.isFinite(value) || value <= -(2 ** 63) || value >= 2 ** 63) throw new CelError('integer overflow');
  return BigInt(Math.trunc(value));
}

function toUint(value: CelValue): CelValue {
  if (value instanceof CelUint) return value;
  if (typeof value === 'bigint') return uint(value);
  if (typeof value === 'number') {
    if (!Number.isFinite(value) || value < 0 || value >= 2 ** 64) throw new CelError('unsigned integer overflow');
    return uint(BigInt(Math.trunc(value)));
  }
  if (typeof value !== 'string') throw noSuchOverload();
  if (!/^\d+$/.test(value)) throw new CelError(`type conversion error from 'string' to 'uint'`);
  return uint(BigInt(value));
}

function toDouble(value: CelValue): CelValue {
  if (typeof value === 'number') return value;
  if (typeof value === 'bigint') return Number(value);
  if (value instanceof CelUint) return Number(value.value);
  if (typeof value !== 'string') throw noSuchOverload();
  const special = /^([+-]?)(inf|infinity|nan)$/i.exec(value);
  if (special !== null) return /nan/i.test(value) ? Number.NaN : special[1] === '-' ? -Infinity : Infinity;
  if (!/^[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?$/.test(value)) throw new CelError("type conversion error from 'string' to 'double'");
  return Number(value);
}

/** The text of a scalar, as `string()` yields it. Throws `CelError` for others. */
export function toText(value: CelValue): string {
  if (typeof value === 'string') return value;
  if (typeof value === 'boolean' || typeof value === 'bigint') return String(value);
  if (typeof value === 'number') return formatDouble(value);
  if (value instanceof CelUint) return String(value.value);
  if (value instanceof CelDuration) return formatDuration(value);
  if (value instanceof CelTimestamp) return formatTimestamp(value);
  throw noSuchOverload();
}

/** Go's `%g`: the shortest text that reads back, with an exponent below 1e-4 and from 1e21 on. */
export function formatDouble(value: number): string {
  if (Number.isNaN(value)) return 'NaN';
  if (!Number.isFinite(value)) return value > 0 ? '+Inf' : '-Inf';
  if (Object.is(value, -0)) return '-0';
  const [digits = '', exponent = '0'] = value.toExponential().split('e');
  const power = Number(exponent);
  if (value !== 0 && (power < -4 || power >= 21)) return `${digits}e${power < 0 ? '-' : '+'}${String(Math.abs(power)).padStart(2, '0')}`;
  // Between 1e-7 and 1e-4 JavaScript would write an exponent.
  return power < 0 ? value.toFixed(Math.min(100, -power + digits.replace(/[-.]/g, '').length - 1)) : String(value);
}

function toDuration(value: CelValue): CelValue {
  if (value instanceof CelDuration) return value;
  const parsed = typeof value === 'string' ? parseDuration(value) : undefined;
  if (parsed === undefined) throw new CelError("type conversion error from 'string' to 'google.protobuf.Duration'");
  return parsed;
}

function toTimestamp(value: CelValue): CelValue {
  if (value instanceof CelTimestamp) return value;
  if (typeof value === 'bigint') return new CelTimestamp(value * NANOS);
  const parsed = typeof value === 'string' ? parseTimestamp(value) : undefined;
  if (parsed === undefined) throw new CelError("type conversion error from 'string' to 'google.protobuf.Timestamp'");
  return parsed;
}

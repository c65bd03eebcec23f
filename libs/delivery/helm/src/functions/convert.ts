import { formatValue } from '../go/format.ts';
import { fromBytes } from '../go/text.ts';
import { GoBytes, GoInt, type GoValue } from '../go/value.ts';
import { parseFloatText, parseInteger } from '../template/number.ts';
import { itemsOf } from './define.ts';

const INT64_MIN = -(2n ** 63n);

/** Sprig's strval: the text of a value; bytes are taken as text. */
export function stringOf(value: GoValue | undefined): string {
  if (value === undefined) return '<nil>';
  return value instanceof GoBytes ? fromBytes(value.bytes) : formatValue(value);
}

/** Sprig's strslice: the texts of a list without its nils; a single value is a list of one, nil an empty one. */
export function stringsOf(value: GoValue | undefined): string[] {
  const items = itemsOf(value);
  if (items !== undefined) return items.filter((item) => item !== null).map(stringOf);
  return value === null || value === undefined ? [] : [stringOf(value)];
}

/** spf13/cast's ToInt64, as of 1.7: base-0 text, `1.0` but not `1.9`, 0 for what it cannot read. */
export function toInt64(value: GoValue | undefined): bigint {
  if (value instanceof GoInt) return BigInt.asIntN(64, value.value);
  if (typeof value === 'number') return truncate(value);
  if (typeof value === 'boolean') return value ? 1n : 0n;
  if (typeof value !== 'string') return 0n;
  const parsed = parseInteger(value.replace(/\.0+$/, ''));
  return parsed === undefined || BigInt.asIntN(64, parsed) !== parsed ? 0n : parsed;
}

// On amd64 every float that does not fit converts to the smallest int64.
function truncate(value: number): bigint {
  if (!Number.isFinite(value) || Math.abs(value) >= 2 ** 63) return INT64_MIN;
  return BigInt(Math.trunc(value));
}

/** spf13/cast's ToFloat64: 0 for what it cannot read. */
export function toFloat64(value: GoValue | undefined): number {
  if (value instanceof GoInt) return Number(value.value);
  if (typeof value === 'number') return value;
  if (typeof value === 'boolean') return value ? 1 : 0;
  return typeof value === 'string' ? (parseFloatText(value) ?? 0) : 0;
}

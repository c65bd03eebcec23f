import { encodeBase64 } from './bytes.ts';
import { toText } from './library/conversions.ts';
import { CelError } from './problem.ts';
import { CelDuration, CelTimestamp } from './time.ts';
import { CelList, CelOptional, CelUint, isMap, typeNameOf, type CelMap, type CelValue } from './value.ts';

/** A value as JSON data; object fields keep the names expressions gave them. Throws `CelError` for values JSON has no form for. */
export function toJson(value: CelValue): unknown {
  if (value === null || typeof value === 'boolean' || typeof value === 'string' || typeof value === 'number') return value;
  if (typeof value === 'bigint') return Number(value);
  if (value instanceof CelUint) return Number(value.value);
  if (value instanceof CelDuration || value instanceof CelTimestamp) return toText(value);
  if (value instanceof Uint8Array) return encodeBase64(value);
  if (value instanceof CelList) return [...value].map(toJson);
  if (value instanceof CelOptional) return value.value === undefined ? null : toJson(value.value);
  if (isMap(value)) return mapToJson(value);
  throw new CelError(`type ${typeNameOf(value)} has no form in JSON`);
}

function mapToJson(map: CelMap): Readonly<Record<string, unknown>> {
  return Object.fromEntries(
    [...map.keys()].map((key) => {
      if (typeof key !== 'string') throw new CelError(`a key of type ${typeNameOf(key)} has no form in JSON`);
      return [key, toJson(map.get(key) ?? null)];
    }),
  );
}

import {
  BOOL,
  BYTES,
  DOUBLE,
  DURATION,
  DYN,
  INT,
  listOf,
  mapOf,
  NULL,
  objectType,
  opaque,
  optionalOf,
  STRING,
  TIMESTAMP,
  UINT,
  type CelType,
} from './cel-type.ts';
import { CelDuration, CelTimestamp } from './time.ts';
import { CelList, CelOptional, CelTypeValue, CelUint, isMap, typeNameOf, type CelValue } from './value.ts';

/** The type of a value; what containers hold is not looked at. */
export function typeOfValue(value: CelValue): CelType {
  if (value === null) return NULL;
  if (typeof value === 'boolean') return BOOL;
  if (typeof value === 'bigint') return INT;
  if (typeof value === 'number') return DOUBLE;
  if (typeof value === 'string') return STRING;
  if (value instanceof Uint8Array) return BYTES;
  if (value instanceof CelUint) return UINT;
  if (value instanceof CelList) return listOf(DYN);
  if (value instanceof CelDuration) return DURATION;
  if (value instanceof CelTimestamp) return TIMESTAMP;
  if (value instanceof CelTypeValue) return { kind: 'type', of: value.type };
  if (value instanceof CelOptional) return optionalOf(DYN);
  if (isMap(value)) return value.form === 'map' ? mapOf(DYN, DYN) : objectType(value.typeName ?? 'object', {});
  return opaque(typeNameOf(value));
}

/** Whether a value may be an argument where a type is wanted, as far as its own type tells. */
export function fits(value: CelValue, type: CelType): boolean {
  switch (type.kind) {
    case 'dyn':
    case 'param':
      return true;
    case 'null':
      return value === null;
    case 'bool':
      return typeof value === 'boolean';
    case 'int':
      return typeof value === 'bigint';
    case 'double':
      return typeof value === 'number';
    case 'string':
      return typeof value === 'string';
    case 'uint':
      return value instanceof CelUint;
    case 'bytes':
      return value instanceof Uint8Array;
    case 'list':
      // The first item tells lists apart that dyn hides.
      return value instanceof CelList && (value.size === 0 || type.element.kind === 'param' || fits(value.at(0), type.element));
    case 'map':
      // What has no schema is a map; objects are not, but dyn hides which of both a value is.
      return isMap(value);
    case 'object':
      return isMap(value) && value.form === 'object';
    case 'duration':
      return value instanceof CelDuration;
    case 'timestamp':
      return value instanceof CelTimestamp;
    case 'type':
      return value instanceof CelTypeValue;
    case 'opaque':
      return type.name === 'optional_type' ? value instanceof CelOptional : typeNameOf(value) === type.name;
  }
}

import { measure } from './measure.ts';
import { GoBytes, GoInt, GoMap, GoObject, GoSlice, type GoValue } from './value.ts';

/** What Go's `%T` prints. */
export function typeOf(value: GoValue): string {
  if (value === null) return '<nil>';
  // oxlint-disable-next-line typescript/switch-exhaustiveness-check -- a Go value is of no other JavaScript type
  switch (typeof value) {
    case 'string':
      return 'string';
    case 'number':
      return 'float64';
    case 'boolean':
      return 'bool';
    default:
      return value instanceof GoBytes ? '[]uint8' : value.typeName;
  }
}

/** Go's reflect Kind as text; `invalid` for nil. */
export function kindOf(value: GoValue): string {
  if (value === null) return 'invalid';
  if (value instanceof GoInt) return value.kind;
  if (value instanceof GoSlice || value instanceof GoBytes) return 'slice';
  if (value instanceof GoMap) return 'map';
  if (value instanceof GoObject) return value.isPointer ? 'ptr' : 'struct';
  return typeof value === 'number' ? 'float64' : typeof value === 'boolean' ? 'bool' : 'string';
}

/** The truth of a value in templates: nil, false, 0, "" and empty collections are false, structs always true. */
export function isTrue(value: GoValue | undefined): boolean {
  if (value === null || value === undefined) return false;
  if (typeof value === 'boolean') return value;
  if (typeof value === 'string') return value !== '';
  if (typeof value === 'number') return value !== 0;
  if (value instanceof GoInt) return value.value !== 0n;
  if (value instanceof GoMap) return value.entries.size > 0;
  if (value instanceof GoSlice) return value.items.length > 0;
  if (value instanceof GoBytes) return value.bytes.length > 0;
  return true;
}

/** Go's reflect.DeepEqual: types count, so float64 1 is not int 1 and a nil slice is not an empty one. */
export function deepEqual(a: GoValue, b: GoValue): boolean {
  if (a === b) return true;
  measure(a);
  return isSame(a, b);
}

function isSame(a: GoValue, b: GoValue): boolean {
  if (a === b) return true;
  if (a === null || b === null || typeof a !== 'object' || typeof b !== 'object') return false;
  if (typeOf(a) !== typeOf(b)) return false;
  if (a instanceof GoInt && b instanceof GoInt) return a.value === b.value;
  if (a instanceof GoBytes && b instanceof GoBytes) return Buffer.compare(a.bytes, b.bytes) === 0;
  if (a instanceof GoSlice && b instanceof GoSlice) {
    return a.isNil === b.isNil && a.items.length === b.items.length && a.items.every((item, index) => isSame(item, b.items[index] ?? null));
  }
  if (a instanceof GoMap && b instanceof GoMap) {
    if (a.isNil !== b.isNil || a.entries.size !== b.entries.size) return false;
    return [...a.entries].every(([key, item]) => b.entries.has(key) && isSame(item, b.entries.get(key) ?? null));
  }
  if (!(a instanceof GoObject) || !(b instanceof GoObject)) return false;
  const names = Object.keys(a.fields);
  if (names.length === 0) return a.payload === b.payload;
  return names.every((name) => isSame(a.fields[name] ?? null, b.fields[name] ?? null));
}

import { typeOf } from '../go/type-names.ts';
import { GoBytes, GoInt, GoMap, GoObject, GoSlice, type GoValue } from '../go/value.ts';
import type { Eval, Execution } from './execution.ts';

/** The zero value of a Go type by name. */
export function zeroOf(type: string): GoValue {
  switch (type) {
    case 'string':
      return '';
    case 'bool':
      return false;
    case 'float64':
      return 0;
    case 'int':
    case 'int64':
      return new GoInt(type, 0n);
    case '[]uint8':
      return new GoBytes(new Uint8Array());
    default:
      break;
  }
  if (type.startsWith('[]')) return new GoSlice([], type, undefined, true);
  if (type.startsWith('map[')) return new GoMap(new Map(), type, { isNil: true, elemType: type.slice(type.indexOf(']') + 1) });
  return null;
}

/** Whether nil is a value of the type. */
export function canBeNil(type: string): boolean {
  return type === 'interface {}' || type === 'reflect.Value' || type.startsWith('[]') || type.startsWith('map[') || type.startsWith('*');
}

/** Go's validateType: the value as an argument of the type, or an exec error. */
export function validate(run: Execution, value: Eval, type: string): GoValue {
  if (type === 'interface {}' || type === 'reflect.Value') return value ?? null;
  if (value === undefined) return canBeNil(type) ? zeroOf(type) : run.fail(`invalid value; expected ${type}`);
  if (isAssignable(value, type)) return value;
  return run.fail(`wrong type for value; expected ${type}; got ${value === null ? 'interface {}' : typeOf(value)}`);
}

function isAssignable(value: GoValue, type: string): boolean {
  switch (type) {
    case 'string':
      return typeof value === 'string';
    case 'float64':
      return typeof value === 'number';
    case 'bool':
      return typeof value === 'boolean';
    case 'map[string]interface {}':
      // A named map type such as common.Values has this underlying type, so Go assigns it.
      return value instanceof GoMap && value.elemType === 'interface {}';
    case '[]uint8':
      return value instanceof GoBytes;
    default:
      break;
  }
  if (value === null || typeof value !== 'object') return false;
  if (value instanceof GoObject) return value.typeName === type || value.typeName === `*${type}`;
  return typeOf(value) === type;
}

import { runtimeError } from '../machine.ts';
import { equals } from '../operators.ts';
import { toText } from '../manifest.ts';
import { JsonnetArray, JsonnetFunction, JsonnetObject, Thunk, typeOf, type Value } from '../value.ts';
import { ABSENT, bool, fn, func, obj, str, type StdFunctions, type StdTools } from './define.ts';

const isType = (type: string): StdFunctions[string] => fn('v', (_, v) => typeOf(v.force()) === type);

/** Types, objects, and what fits nowhere else. */
export const objectFunctions: StdFunctions = {
  type: fn('x', (_, x) => typeOf(x.force())),
  isString: isType('string'),
  isNumber: isType('number'),
  isBoolean: isType('boolean'),
  isObject: isType('object'),
  isArray: isType('array'),
  isFunction: isType('function'),
  isNull: isType('null'),
  length: fn('x', (_, x) => lengthOf(x.force())),
  toString: fn('a', ({ machine }, a) => toText(machine, a.force())),
  trace: fn('str rest', (_, text, rest) => {
    str(text);
    return rest.force();
  }),
  equals: fn('a b', (_, a, b) => equals(a.force(), b.force())),
  primitiveEquals: fn('a b', (_, a, b) => equals(a.force(), b.force())),
  assertEqual: fn('a b', ({ machine }, a, b) => {
    if (equals(a.force(), b.force())) return true;
    throw runtimeError(`Assertion failed. ${toText(machine, a.force())} != ${toText(machine, b.force())}`);
  }),
  xor: fn('x y', (_, x, y) => bool(x) !== bool(y)),
  xnor: fn('x y', (_, x, y) => bool(x) === bool(y)),
  // No functions of the host are offered.
  native: fn('name', () => null),
  objectHas: fn('o f', (_, o, f) => obj(o).visibilities().get(str(f)) === true),
  objectHasAll: fn('o f', (_, o, f) => obj(o).has(str(f))),
  objectHasEx: fn('obj fname hidden', (_, o, f, hidden) => hasField(obj(o), str(f), bool(hidden))),
  objectFields: fn('o', (std, o) => std.array(obj(o).names(false))),
  objectFieldsAll: fn('o', (std, o) => std.array(obj(o).names(true))),
  objectFieldsEx: fn('obj hidden', (std, o, hidden) => std.array(obj(o).names(bool(hidden)))),
  objectValues: fn('o', (std, o) => std.lazyArray(fieldThunks(obj(o), false).map(([, value]) => value))),
  objectValuesAll: fn('o', (std, o) => std.lazyArray(fieldThunks(obj(o), true).map(([, value]) => value))),
  objectKeysValues: fn('o', (std, o) => pairs(std, obj(o), false)),
  objectKeysValuesAll: fn('o', (std, o) => pairs(std, obj(o), true)),
  objectRemoveKey: fn('obj key', (std, o, key) => without(std, obj(o), str(key))),
  get: fn('o f default= inc_hidden=', (_, o, f, fallback, hidden) =>
    hasField(obj(o), str(f), hidden === ABSENT || bool(hidden)) ? obj(o).get(str(f)) : fallback.force(),
  ),
  mapWithKey: fn('func obj', (std, f, o) =>
    std.object(fieldThunks(obj(o), false).map(([name, value]) => [name, std.later(func(f), Thunk.of(name), value)] as const)),
  ),
  mergePatch: fn('target patch', (std, target, patch) => mergePatch(std, target.force(), patch.force())),
  prune: fn('a', (std, a) => prune(std, a.force())),
};

function lengthOf(value: Value): number {
  if (typeof value === 'string') return [...value].length;
  if (value instanceof JsonnetArray) return value.items.length;
  if (value instanceof JsonnetObject) return value.names(false).length;
  if (value instanceof JsonnetFunction) return value.arity;
  throw runtimeError(`length operates on strings, objects, functions and arrays, got ${typeOf(value)}`);
}

function hasField(object: JsonnetObject, name: string, withHidden: boolean): boolean {
  return withHidden ? object.has(name) : object.visibilities().get(name) === true;
}

function fieldThunks(object: JsonnetObject, withHidden: boolean): readonly (readonly [string, Thunk])[] {
  return object.names(withHidden).map((name) => [name, new Thunk(() => object.get(name))] as const);
}

function pairs(std: StdTools, object: JsonnetObject, withHidden: boolean): JsonnetArray {
  return std.array(
    fieldThunks(object, withHidden).map(([key, value]) =>
      std.object([
        ['key', Thunk.of(key)],
        ['value', value],
      ]),
    ),
  );
}

function without(std: StdTools, object: JsonnetObject, key: string): JsonnetObject {
  return std.object(fieldThunks(object, false).filter(([name]) => name !== key));
}

// RFC 7396, on values that are worked out as far as the patch reaches.
function mergePatch(std: StdTools, target: Value, patch: Value): Value {
  if (!(patch instanceof JsonnetObject)) return patch;
  const base = target instanceof JsonnetObject ? target : std.object([]);
  const removed = new Set(patch.names(false).filter((name) => patch.get(name) === null));
  const names = [...new Set([...base.names(false), ...patch.names(false)])].filter((name) => !removed.has(name));
  return std.object(
    names.map((name) => {
      const inBase = hasField(base, name, false);
      if (!hasField(patch, name, false)) return [name, new Thunk(() => base.get(name))] as const;
      return [name, new Thunk(() => std.machine.enter(() => mergePatch(std, inBase ? base.get(name) : null, patch.get(name))))] as const;
    }),
  );
}

function isEmpty(value: Value): boolean {
  if (value === null) return true;
  if (value instanceof JsonnetArray) return value.items.length === 0;
  return value instanceof JsonnetObject && value.names(false).length === 0;
}

function prune(std: StdTools, value: Value): Value {
  const inner = (item: Value): Value => std.machine.enter(() => prune(std, item));
  if (value instanceof JsonnetArray)
    return std.array(
      value
        .values()
        .map((item) => inner(item))
        .filter((item) => !isEmpty(item)),
    );
  if (!(value instanceof JsonnetObject)) return value;
  return std.object(
    value
      .names(false)
      .map((name) => [name, inner(value.get(name))] as const)
      .filter(([, item]) => !isEmpty(item))
      .map(([name, item]) => [name, Thunk.of(item)] as const),
  );
}

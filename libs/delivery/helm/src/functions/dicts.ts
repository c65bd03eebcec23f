import { isTrue, typeOf } from '../go/type-names.ts';
import { measure } from '../go/measure.ts';
import { compareStrings } from '../go/text.ts';
import { goList, GoMap, goMap, GoSlice, goStrings, type GoValue } from '../go/value.ts';
import { GoError } from '../template/errors.ts';
import { stringOf } from './convert.ts';
import { asMap, asString, define, type FunctionGroup } from './define.ts';

const UNTYPED = 'map[string]interface {}';
/** Nesting followed when values are copied or merged: beyond it a value is taken to contain itself. */
const MAX_DEPTH = 1000;

const merge = define('map, ...map', ([target, ...sources]) => mergeAll(asMap(target), sources, false));
const mergeOverwrite = define('map, ...map', ([target, ...sources]) => mergeAll(asMap(target), sources, true));
const deepCopyFunction = define('any', ([value]) => {
  if (value === null) throw new GoError('reflect: call of reflect.Value.Type on zero Value');
  measure(value ?? null);
  return deepCopy(value ?? null, 0);
});

/** Sprig's functions on maps. `keys` and `values` have no order in Go; here they are sorted. */
export const dicts: FunctionGroup = {
  dict: define('...any', (args) => {
    const map = new Map<string, GoValue>();
    for (let at = 0; at < args.length; at += 2) map.set(stringOf(args[at]), at + 1 < args.length ? (args[at + 1] ?? null) : '');
    return new GoMap(map);
  }),
  get: define('map, string', ([map, key]) => {
    const { entries } = asMap(map);
    return entries.has(asString(key)) ? (entries.get(asString(key)) ?? null) : '';
  }),
  set: define('map, string, any', ([map, key, value]) => {
    const target = asMap(map);
    if (target.isNil) throw new GoError('assignment to entry in nil map');
    target.entries.set(asString(key), value ?? null);
    return target;
  }),
  unset: define('map, string', ([map, key]) => {
    asMap(map).entries.delete(asString(key));
    return map ?? null;
  }),
  hasKey: define('map, string', ([map, key]) => asMap(map).entries.has(asString(key))),
  pluck: define('string, ...map', ([key, ...maps]) =>
    goList(maps.filter((map) => asMap(map).entries.has(asString(key))).map((map) => asMap(map).entries.get(asString(key)) ?? null)),
  ),
  keys: define('...map', (maps) => goStrings(maps.flatMap((map) => sortedKeys(asMap(map))))),
  values: define('map', ([map]) => goList(sortedKeys(asMap(map)).map((key) => asMap(map).entries.get(key) ?? null))),
  pick: define('map, ...string', ([map, ...keys]) => {
    const { entries } = asMap(map);
    return goMap(
      keys
        .map(asString)
        .filter((key) => entries.has(key))
        .map((key) => [key, entries.get(key) ?? null]),
    );
  }),
  omit: define('map, ...string', ([map, ...keys]) => goMap([...asMap(map).entries].filter(([key]) => !keys.includes(key)))),
  dig: define('...any', dig),
  merge,
  mustMerge: merge,
  mergeOverwrite,
  mustMergeOverwrite: mergeOverwrite,
  deepCopy: deepCopyFunction,
  mustDeepCopy: deepCopyFunction,
};

function sortedKeys(map: GoMap): string[] {
  return [...map.entries.keys()].sort(compareStrings);
}

function dig(args: readonly GoValue[]): GoValue {
  if (args.length < 3) throw new GoError('dig needs at least three arguments');
  const fallback = args.at(-2) ?? null;
  let value: GoValue = args.at(-1) ?? null;
  const keys = args.slice(0, -2).map((key) => (typeof key === 'string' ? key : refuseConversion(key, 'string')));
  for (const key of keys) {
    if (!(value instanceof GoMap) || value.typeName !== UNTYPED) return refuseConversion(value, UNTYPED);
    if (!value.entries.has(key)) return fallback;
    value = value.entries.get(key) ?? null;
  }
  return value;
}

function refuseConversion(value: GoValue, wanted: string): never {
  throw new GoError(`interface conversion: interface {} is ${value === null ? 'nil' : typeOf(value)}, not ${wanted}`);
}

function mergeAll(target: GoMap, sources: readonly GoValue[], overwrite: boolean): GoMap {
  for (const source of sources) measure(source);
  for (const source of sources) if (source instanceof GoMap) mergeInto(target, source, overwrite, 0);
  return target;
}

/** mergo's deepMerge of maps: without `overwrite` only what is empty in the target is filled. The target keeps its identity. */
function mergeInto(target: GoMap, source: GoMap, overwrite: boolean, depth: number): void {
  if (target === source) return;
  if (depth > MAX_DEPTH) throw new GoError(`maps nested deeper than ${MAX_DEPTH}`);
  for (const [key, from] of source.entries) {
    const into = target.entries.get(key) ?? null;
    if (from === null) {
      if (overwrite) target.entries.set(key, null);
      continue;
    }
    if (from instanceof GoMap && into instanceof GoMap) {
      mergeInto(into, from, overwrite, depth + 1);
      if (isTrue(into)) continue;
    }
    if (overwrite || !isFilled(into)) target.entries.set(key, from);
  }
}

// mergo's isEmptyValue: a struct is never looked at here.
function isFilled(value: GoValue): boolean {
  return isTrue(value);
}

function deepCopy(value: GoValue, depth: number): GoValue {
  if (depth > MAX_DEPTH) throw new GoError(`value nested deeper than ${MAX_DEPTH}`);
  if (value instanceof GoMap) {
    const copied = new Map([...value.entries].map(([key, item]): [string, GoValue] => [key, deepCopy(item, depth + 1)]));
    return new GoMap(copied, value.typeName, {
      elemType: value.elemType,
      isNil: value.isNil,
      ...(value.methods === undefined ? {} : { methods: value.methods }),
    });
  }
  if (value instanceof GoSlice)
    return new GoSlice(
      value.items.map((item) => deepCopy(item, depth + 1)),
      value.typeName,
      value.methods,
      value.isNil,
    );
  return value;
}

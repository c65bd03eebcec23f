import { runtimeError } from '../machine.ts';
import { compare, equals } from '../operators.ts';
import { toText } from '../manifest.ts';
import { JsonnetArray, Thunk, typeOf, type JsonnetFunction, type Value } from '../value.ts';
import { ABSENT, arr, func, fn, int, itemsOf, num, str, type StdFunctions, type StdTools } from './define.ts';
import { sliceValue } from './slice.ts';

/** Arrays. */
export const arrayFunctions: StdFunctions = {
  makeArray: fn('sz func', (std, size, f) => makeArray(std, int(size), func(f))),
  range: fn('from to', (std, from, to) => range(std, int(from), int(to))),
  repeat: fn('what count', (std, what, count) => repeat(std, what.force(), int(count))),
  slice: fn('indexable index end step', ({ machine }, target, from, to, step) => sliceValue(machine, target.force(), [from.force(), to.force(), step.force()])),
  member: fn('arr x', (_, list, x) => includes(list, x)),
  contains: fn('arr elem', (_, list, x) => includes(list, x)),
  count: fn('arr x', (_, list, x) => arr(list).items.filter((item) => equals(item.force(), x.force())).length),
  find: fn('value arr', (std, value, list) => std.array(arr(list).items.flatMap((item, index) => (equals(item.force(), value.force()) ? [index] : [])))),
  map: fn('func arr', (std, f, list) => std.lazyArray(itemsOf(list).map((item) => std.later(func(f), item)))),
  mapWithIndex: fn('func arr', (std, f, list) => std.lazyArray(itemsOf(list).map((item, index) => std.later(func(f), Thunk.of(index), item)))),
  filter: fn('func arr', (std, f, list) => std.lazyArray(keep(std, func(f), arr(list).items))),
  filterMap: fn('filter_func map_func arr', (std, test, f, list) =>
    std.lazyArray(keep(std, func(test), arr(list).items).map((item) => std.later(func(f), item))),
  ),
  flatMap: fn('func arr', (std, f, list) => flatMap(std, func(f), list.force())),
  foldl: fn('func arr init', (std, f, list, init) =>
    itemsOf(list)
      .reduce((sum, item) => forced(std, func(f), sum, item), init)
      .force(),
  ),
  foldr: fn('func arr init', (std, f, list, init) =>
    itemsOf(list)
      .reduceRight((sum, item) => forced(std, func(f), item, sum), init)
      .force(),
  ),
  join: fn('sep arr', (std, separator, list) => join(std, separator.force(), arr(list))),
  deepJoin: fn('arr', (_, list) => deepJoin(list.force())),
  lines: fn('arr', (std, list) => join(std, '\n', std.lazyArray([...arr(list).items, Thunk.of('')]))),
  flattenArrays: fn('arrs', (std, lists) => std.lazyArray(arr(lists).items.flatMap((list) => arr(list).items))),
  flattenDeepArray: fn('value', (std, value) => std.array(flattenDeep(value.force()))),
  reverse: fn('arr', (std, list) => std.lazyArray([...itemsOf(list)].reverse())),
  all: fn('arr', (_, list) => arr(list).items.every((item) => mustBool(item))),
  any: fn('arr', (_, list) => arr(list).items.some((item) => mustBool(item))),
  sum: fn('arr', (_, list) => arr(list).items.reduce((sum, item) => sum + num(item), 0)),
  avg: fn('arr', (_, list) => {
    if (arr(list).items.length === 0) throw runtimeError('Cannot calculate average of an empty array.');
    return arr(list).items.reduce((sum, item) => sum + num(item), 0) / arr(list).items.length;
  }),
  minArray: fn('arr keyF= onEmpty=', (std, list, key, onEmpty) => extreme(std, { list, key, onEmpty }, -1)),
  maxArray: fn('arr keyF= onEmpty=', (std, list, key, onEmpty) => extreme(std, { list, key, onEmpty }, 1)),
  remove: fn('arr elem', (std, list, x) => {
    const { items } = arr(list);
    const at = items.findIndex((item) => equals(item.force(), x.force()));
    return std.lazyArray(items.filter((_, index) => index !== at));
  }),
  removeAt: fn('arr idx', (std, list, at) => std.lazyArray(arr(list).items.filter((_, index) => index !== num(at)))),
  resolvePath: fn('f r', (_, from, relative) => [...str(from).split('/').slice(0, -1), str(relative)].join('/')),
};

function forced(std: StdTools, f: JsonnetFunction, a: Thunk, b: Thunk): Thunk {
  const result = std.later(f, a, b);
  result.force();
  return result;
}

function mustBool(item: Thunk): boolean {
  const value = item.force();
  if (typeof value !== 'boolean') throw runtimeError(`Unexpected type ${typeOf(value)}, expected boolean`);
  return value;
}

function makeArray(std: StdTools, size: number, f: JsonnetFunction): JsonnetArray {
  if (size < 0) throw runtimeError(`makeArray requires size >= 0, got ${size}`);
  std.machine.chargeItems(size);
  return new JsonnetArray(Array.from({ length: size }, (_, index) => std.later(f, Thunk.of(index))));
}

function range(std: StdTools, from: number, to: number): JsonnetArray {
  const size = Math.max(0, to - from + 1);
  std.machine.chargeItems(size);
  return new JsonnetArray(Array.from({ length: size }, (_, index) => Thunk.of(from + index)));
}

function repeat(std: StdTools, what: Value, count: number): Value {
  if (count < 0) throw runtimeError(`std.repeat requires count >= 0, got ${count}`);
  if (typeof what === 'string') {
    std.machine.chargeText(what.length * count);
    return what.repeat(count);
  }
  if (!(what instanceof JsonnetArray)) throw runtimeError('std.repeat first argument must be an array or a string');
  std.machine.chargeItems(what.items.length * count);
  return new JsonnetArray(Array.from({ length: count }, () => what.items).flat());
}

function includes(list: Thunk, x: Thunk): boolean {
  const value = list.force();
  if (typeof value === 'string') return value.includes(str(x));
  return arr(list).items.some((item) => equals(item.force(), x.force()));
}

function keep(std: StdTools, test: JsonnetFunction, items: readonly Thunk[]): readonly Thunk[] {
  return items.filter((item) => mustBool(std.later(test, item)));
}

function flatMap(std: StdTools, f: JsonnetFunction, list: Value): Value {
  if (typeof list === 'string') return std.text([...list].map((char) => toText(std.machine, std.call(f, char) ?? '')).join(''));
  if (!(list instanceof JsonnetArray)) throw runtimeError(`std.flatMap second param must be array / string, got ${typeOf(list)}`);
  return std.lazyArray(
    list.items.flatMap((item) => {
      const made = std.later(f, item);
      return made.force() === null ? [] : arr(made).items;
    }),
  );
}

function join(std: StdTools, separator: Value, list: JsonnetArray): Value {
  const parts = list.values().filter((value) => value !== null);
  if (typeof separator === 'string') {
    for (const part of parts) if (typeof part !== 'string') throw runtimeError(`expected string but arr contained ${typeOf(part)}`);
    return std.text(parts.join(separator));
  }
  if (!(separator instanceof JsonnetArray)) throw runtimeError(`join first parameter should be string or array, got ${typeOf(separator)}`);
  return std.lazyArray(
    parts.flatMap((part, index) => {
      if (!(part instanceof JsonnetArray)) throw runtimeError(`expected array but arr contained ${typeOf(part)}`);
      return index === 0 ? part.items : [...separator.items, ...part.items];
    }),
  );
}

function deepJoin(value: Value): string {
  if (typeof value === 'string') return value;
  if (value instanceof JsonnetArray) return value.values().map(deepJoin).join('');
  throw runtimeError(`Expected string or array, got ${typeOf(value)}`);
}

function flattenDeep(value: Value): Value[] {
  return value instanceof JsonnetArray ? value.values().flatMap(flattenDeep) : [value];
}

/** The key an item is ordered by. */
export function keyOf(std: StdTools, key: Thunk, item: Thunk): Value {
  return key === ABSENT ? item.force() : std.later(func(key), item).force();
}

function extreme(std: StdTools, { list, key, onEmpty }: Readonly<Record<'list' | 'key' | 'onEmpty', Thunk>>, sign: 1 | -1): Value {
  const [first, ...rest] = arr(list).items;
  if (first === undefined) {
    if (onEmpty === ABSENT) throw runtimeError(`Expected at least one element in array. Got none`);
    return onEmpty.force();
  }
  let best = first;
  let bestKey = keyOf(std, key, first);
  for (const item of rest) {
    const itemKey = keyOf(std, key, item);
    if (compare(itemKey, bestKey) * sign <= 0) continue;
    best = item;
    bestKey = itemKey;
  }
  return best.force();
}

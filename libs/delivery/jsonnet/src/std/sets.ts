import { compare } from '../operators.ts';
import type { Thunk, Value } from '../value.ts';
import { keyOf } from './arrays.ts';
import { ABSENT, fn, itemsOf, type StdFunctions, type StdTools } from './define.ts';

/** Sorting, and sets: sorted arrays without repeats. */
export const setFunctions: StdFunctions = {
  sort: fn('arr keyF=', (std, list, key) => std.lazyArray(sorted(std, list, key))),
  uniq: fn('arr keyF=', (std, list, key) => std.lazyArray(withoutRepeats(withKeys(std, itemsOf(list), key)))),
  set: fn('arr keyF=', (std, list, key) => std.lazyArray(withoutRepeats(withKeys(std, sorted(std, list, key), key)))),
  setMember: fn('x arr keyF=', (std, x, list, key) => {
    const wanted = keyOf(std, key, x);
    return withKeys(std, itemsOf(list), key).some((item) => compare(item.key, wanted) === 0);
  }),
  setUnion: fn('a b keyF=', (std, a, b, key) => std.lazyArray(merge(std, { a, b, key }, () => true))),
  setInter: fn('a b keyF=', (std, a, b, key) => std.lazyArray(merge(std, { a, b, key }, (inA, inB) => inA && inB))),
  setDiff: fn('a b keyF=', (std, a, b, key) => std.lazyArray(merge(std, { a, b, key }, (inA, inB) => inA && !inB))),
};

interface Keyed {
  readonly item: Thunk;
  readonly key: Value;
}

function withKeys(std: StdTools, items: readonly Thunk[], key: Thunk = ABSENT): readonly Keyed[] {
  return items.map((item) => ({ item, key: keyOf(std, key, item) }));
}

function sorted(std: StdTools, list: Thunk, key: Thunk): readonly Thunk[] {
  return withKeys(std, itemsOf(list), key)
    .toSorted((a, b) => compare(a.key, b.key))
    .map(({ item }) => item);
}

function withoutRepeats(items: readonly Keyed[]): readonly Thunk[] {
  return items
    .filter(({ key }, index) => {
      const before = items[index - 1];
      return before === undefined || compare(before.key, key) !== 0;
    })
    .map(({ item }) => item);
}

// Walks two sorted lists at once; what both have is taken from the first.
function merge(std: StdTools, { a, b, key }: Readonly<Record<'a' | 'b' | 'key', Thunk>>, keeps: (inA: boolean, inB: boolean) => boolean): readonly Thunk[] {
  const left = withKeys(std, itemsOf(a), key);
  const right = withKeys(std, itemsOf(b), key);
  const kept: Thunk[] = [];
  let [i, j] = [0, 0];
  while (i < left.length || j < right.length) {
    const [first, second] = [left[i], right[j]];
    const order = first === undefined ? 1 : second === undefined ? -1 : compare(first.key, second.key);
    const taken = order <= 0 ? first : second;
    if (taken !== undefined && keeps(order <= 0, order >= 0)) kept.push(taken.item);
    if (order <= 0) i += 1;
    if (order >= 0) j += 1;
  }
  return kept;
}

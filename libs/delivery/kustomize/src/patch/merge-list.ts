import { appendItem, fieldOf, getField, matchItem, setField, setItem } from '../yaml/fields.ts';
import { isMissing, isNilOrEmpty, RNode, scalarNode } from '../yaml/rnode.ts';
import { takeDirective } from './directive.ts';
import type { MergeNodes } from './merge.ts';
import type { MergeSchema } from './merge-schema.ts';

/** How the items of a list are matched and merged. */
export interface KeyedListOptions {
  /** Empty for lists whose items are scalars. */
  readonly keys: readonly string[];
  readonly items: MergeSchema | undefined;
  readonly merge: MergeNodes;
}

/** Merges a list whose items are matched by keys; items the patch adds come first (kyaml v0.21 walk/associative_sequence.go). */
export function mergeKeyedList(dest: RNode | undefined, patch: RNode | undefined, options: KeyedListOptions): RNode | undefined {
  const target = chooseList(dest, patch);
  if (target === undefined) return undefined;
  const sources = [target, patch];
  return options.keys.length > 0
    ? mergeItems(sources, keyValues([patch, target], options.keys), options.keys, options)
    : mergeItems(sources, scalarValues([patch, target]), [''], options);
}

function chooseList(dest: RNode | undefined, patch: RNode | undefined): RNode | undefined {
  if (isMissing(dest)) return patch;
  if (patch !== undefined && isMissing(patch)) return undefined;
  const directive = takeDirective(patch);
  if (directive === 'delete') return undefined;
  return directive === 'replace' ? patch : dest;
}

function keyValues(lists: readonly (RNode | undefined)[], keys: readonly string[]): string[][] {
  const found = new Map<string, string[]>();
  for (const list of lists) {
    if (list === undefined) continue;
    for (const item of list.content) {
      const values = keys.map((key) => {
        const field = fieldOf(item, key);
        return field === undefined || isNilOrEmpty(field) ? '' : field.value;
      });
      const id = JSON.stringify(values);
      if (!found.has(id)) found.set(id, values);
    }
  }
  return [...found.values()];
}

function scalarValues(lists: readonly (RNode | undefined)[]): string[][] {
  const found = new Set(lists.flatMap((list) => list?.content.map(({ value }) => value) ?? []));
  return [...found].map((value) => [value]);
}

interface Match {
  readonly keys: readonly string[];
  readonly values: readonly string[];
}

function mergeItems(
  sources: readonly (RNode | undefined)[],
  all: readonly string[][],
  keys: readonly string[],
  { items, merge }: KeyedListOptions,
): RNode | undefined {
  const [target] = sources;
  if (target === undefined) return undefined;
  const added = new RNode('list', '');
  const list = keys.length > 1 ? unifyValues(all) : all;
  const usedKeys = new Set(list.flatMap((values) => values.flatMap((value, index) => (value === '' ? [] : [keys[index] ?? '']))));
  let last: Match = { keys: [], values: [] };
  for (const values of list) {
    last = validMatch(usedKeys, values, keys);
    const own = validMatch(new Set(last.values.flatMap((value, index) => (value === '' ? [] : [last.keys[index] ?? '']))), last.values, last.keys);
    const [one, other] = sources.map((source) => (source?.kind === 'list' ? matchItem(source, own.keys, own.values) : undefined));
    const merged = merge(one, other, items);
    if (isMissing(merged) || (merged.kind === 'map' && merged.content.length === 0)) {
      setItem(target, undefined, last.keys, last.values);
      continue;
    }
    fillKeys(merged, last);
    setItem(added, merged, last.keys, last.values);
  }
  if (list.length > 0) appendItems(added, target, last.keys);
  return list.length > 0 ? added : target;
}

function fillKeys(item: RNode, { keys, values }: Match): void {
  for (const [index, key] of keys.entries()) {
    const value = values[index] ?? '';
    if (value === '') continue;
    if (key === '') {
      const scalar = scalarNode(value);
      scalar.style = item.style;
      item.become(scalar);
    } else if (fieldOf(item, key) === undefined) setField(item, key, scalarNode(value));
  }
}

// Keys no item has a value for do not count, unless that is all of them.
function validMatch(usedKeys: ReadonlySet<string>, values: readonly string[], keys: readonly string[]): Match {
  if (usedKeys.size === 0) return { keys, values };
  const kept = values.filter((value, index) => value !== '' || usedKeys.has(keys[index] ?? ''));
  return { keys: keys.filter((key) => usedKeys.has(key)), values: kept };
}

// Items that agree where both have values are one item: what one lacks is taken from the other.
function unifyValues(all: readonly string[][]): string[][] {
  const list = [...all];
  for (let i = 0; i < list.length; i += 1) {
    for (let j = 0; j < list.length; j += 1) {
      const unified = unify(list[i] ?? [], list[j] ?? []);
      if (unified === undefined) continue;
      list[i] = unified;
      list[j] = unified;
    }
  }
  return list;
}

function unify(a: readonly string[], b: readonly string[]): string[] | undefined {
  if (a.length !== b.length) return undefined;
  let hasCommon = false;
  const result: string[] = [];
  for (const [index, value] of a.entries()) {
    const other = b[index] ?? '';
    if (value === other) hasCommon = true;
    else if (value !== '' && other !== '') return undefined;
    result.push(value === '' ? other : value);
  }
  return hasCommon ? result : undefined;
}

function appendItems(list: RNode, source: RNode, keys: readonly string[]): void {
  for (const item of source.content) {
    if (keys[0] === '') {
      setItem(list, item, [''], [item.value]);
      continue;
    }
    const values: string[] = [];
    for (const key of keys) {
      const field = getField(item, key);
      if (field === undefined) appendItem(list, item);
      else values.push(field.value);
    }
    if (keys.length > 1) setItem(list, undefined, keys, values);
    setItem(list, item, keys, values);
  }
}

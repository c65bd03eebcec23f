import type { Entry, Store } from '@tiphys/plane-store';
import type { Core } from '../core.ts';
import type { Draft } from '../draft.ts';
import { parseStored } from '../registry/objects.ts';

interface Kept<T> {
  revision: number;
  entries: readonly Entry[];
  value: T;
}

// Prefixes a view keeps: one per namespace for namespaced kinds. The oldest go first.
const MAX_PREFIXES = 1_000;

/**
 * What is derived from all objects below a prefix of the store, kept until one of them changes. Exact at every call: an
 * unchanged store is known by its revision, an unchanged prefix by its entries, and only then is the kept value given.
 */
export function createView<T>(derive: (objects: readonly Draft[]) => T): (core: Pick<Core, 'store'>, prefix: string) => T {
  const byStore = new WeakMap<Store, Map<string, Kept<T>>>();
  return ({ store }, prefix) => {
    const byPrefix = byStore.get(store) ?? new Map<string, Kept<T>>();
    byStore.set(store, byPrefix);
    const kept = byPrefix.get(prefix);
    if (kept !== undefined && kept.revision === store.revision) return kept.value;
    const { entries, revision } = store.list({ prefix });
    if (kept !== undefined && isSame(kept.entries, entries)) {
      kept.revision = revision;
      return kept.value;
    }
    const value = derive(entries.map((entry) => parseStored(entry.value)));
    byPrefix.delete(prefix);
    byPrefix.set(prefix, { revision, entries, value });
    const [oldest] = byPrefix.keys();
    if (byPrefix.size > MAX_PREFIXES && oldest !== undefined) byPrefix.delete(oldest);
    return value;
  };
}

function isSame(before: readonly Entry[], now: readonly Entry[]): boolean {
  return before.length === now.length && before.every((entry, index) => entry.modRevision === now[index]?.modRevision && entry.key === now[index].key);
}

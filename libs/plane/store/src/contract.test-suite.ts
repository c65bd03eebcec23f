/* oxlint-disable max-lines-per-function -- a suite is one function */
import { describe, expect, it } from 'vitest';
import type { Entry, Expectation, RetentionOptions, Store, StoreEvent } from './store.ts';

const text = (value: Uint8Array | undefined): string | undefined => (value === undefined ? undefined : Buffer.from(value).toString());
const put = (store: Store, key: string, value: string, expect: Expectation = { kind: 'any' }): Promise<Entry> =>
  store.write({ kind: 'put', key, expect, encode: () => Buffer.from(value) });
const remove = (store: Store, key: string): Promise<Entry> => store.write({ kind: 'delete', key, expect: { kind: 'any' }, encode: () => Buffer.from('last') });
const code = async (promise: Promise<unknown>): Promise<unknown> =>
  promise.then(
    () => 'no error',
    (error: unknown) => (error instanceof Error && 'code' in error ? error.code : error),
  );

async function take(store: Store, prefix: string, afterRevision: number, wanted: number): Promise<StoreEvent[]> {
  const events: StoreEvent[] = [];
  if (wanted === 0) return events;
  for await (const batch of store.watch({ prefix, afterRevision, signal: AbortSignal.timeout(5_000) })) {
    events.push(...batch.events);
    if (events.length >= wanted) break;
  }
  return events;
}

/** What every store must do. `open` makes an empty store. */
export function storeContract(name: string, open: (retention?: RetentionOptions & { readonly clock?: { now(): number } }) => Store): void {
  describe(name, () => {
    it('gives every write a greater revision and shows it to reads', async () => {
      await using store = open();
      const a = await put(store, 'x/a', '1');
      const b = await put(store, 'x/b', '2');
      const again = await put(store, 'x/a', '3');
      expect(b.modRevision).toBeGreaterThan(a.modRevision);
      expect(again.modRevision).toBeGreaterThan(b.modRevision);
      expect(again.createRevision).toBe(a.createRevision);
      expect(text(store.get('x/a')?.value)).toBe('3');
      expect(store.revision).toBe(again.modRevision);
    });

    it('knows which revision was the latest at a time', async () => {
      let now = 1_000;
      await using store = open({ clock: { now: () => now } });
      const first = await put(store, 'a', '1');
      now = 2_000;
      const second = await put(store, 'a', '2');
      expect([500, 1_000, 1_999, 2_000, 9_000].map((time) => store.revisionAt(time))).toStrictEqual([
        1,
        first.modRevision,
        first.modRevision,
        second.modRevision,
        second.modRevision,
      ]);
      store.compact(first.modRevision);
      expect(store.revisionAt(1_500)).toBe(first.modRevision);
      expect(() => store.revisionAt(999)).toThrow(/before the history that is kept, which begins at/);
    });

    it('decides preconditions in one turn, also among writes under way', async () => {
      await using store = open();
      const results = await Promise.all(Array.from({ length: 10 }, (_, n) => code(put(store, 'k', String(n), { kind: 'absent' }))));
      expect(results.filter((result) => result === 'no error')).toHaveLength(1);
      expect(results.filter((result) => result === 'exists')).toHaveLength(9);
      const entry = store.get('k');
      const races = await Promise.all([1, 2, 3].map((n) => code(put(store, 'k', `r${n}`, { kind: 'revision', revision: entry?.modRevision ?? 0 }))));
      expect(races.toSorted()).toEqual(['conflict', 'conflict', 'no error']);
      expect(await code(put(store, 'absent', 'x', { kind: 'revision', revision: 5 }))).toBe('missing');
      expect(await code(remove(store, 'absent'))).toBe('missing');
    });

    it('knows a key written, deleted and written again within one commit', async () => {
      await using store = open();
      const writes = [put(store, 'k', 'one'), remove(store, 'k'), put(store, 'k', 'two', { kind: 'absent' })];
      const [first, , third] = await Promise.all(writes);
      expect(third?.createRevision).toBeGreaterThan(first?.modRevision ?? 0);
      expect(text(store.get('k')?.value)).toBe('two');
      expect((await take(store, 'k', 1, 3)).map((event) => `${event.kind} ${text(event.value)}`)).toEqual(['put one', 'delete last', 'put two']);
    });

    it('lists a prefix in order, in pages, at one revision', async () => {
      await using store = open();
      for (const key of ['p/c', 'p/a', 'q/z', 'p/b', 'p/d']) await put(store, key, key);
      const first = store.list({ prefix: 'p/', limit: 2 });
      expect(first.entries.map((entry) => entry.key)).toEqual(['p/a', 'p/b']);
      expect(first.remaining).toBe(2);
      await remove(store, 'p/c');
      await put(store, 'p/d', 'changed');
      await put(store, 'p/e', 'new');
      const second = store.list({ prefix: 'p/', after: 'p/b', revision: first.revision });
      expect(second.entries.map((entry) => text(entry.value))).toEqual(['p/c', 'p/d']);
      expect(store.list({ prefix: 'p/' }).entries.map((entry) => entry.key)).toEqual(['p/a', 'p/b', 'p/d', 'p/e']);
      expect(text(store.get('p/d', first.revision)?.value)).toBe('p/d');
      expect(store.count('p/')).toBe(4);
    });

    it('watches from any revision without gap or duplicate', async () => {
      await using store = open();
      const written: number[] = [];
      for (let n = 0; n < 20; n += 1) written.push((await put(store, `w/${n % 3}`, String(n))).modRevision);
      for (const from of [1, written[4] ?? 0, written[18] ?? 0, written[19] ?? 0]) {
        const wanted = written.filter((revision) => revision > from);
        expect((await take(store, 'w/', from, wanted.length)).map((event) => event.revision)).toEqual(wanted);
      }
      const live = take(store, 'w/', store.revision, 2);
      await put(store, 'other', 'x');
      await Promise.all([put(store, 'w/0', 'y'), remove(store, 'w/1')]);
      expect((await live).map((event) => [event.kind, event.key, text(event.previous?.value)])).toEqual([
        ['put', 'w/0', '18'],
        ['delete', 'w/1', '19'],
      ]);
    });

    it('refuses revisions it has compacted or not assigned', async () => {
      await using store = open();
      for (let n = 0; n < 5; n += 1) await put(store, 'k', String(n));
      const old = store.revision - 3;
      store.compact(store.revision - 1);
      expect(await code(take(store, 'k', old, 1))).toBe('compacted');
      expect(() => store.list({ prefix: 'k', revision: old })).toThrow(/compacted/);
      expect(await code(take(store, 'k', store.revision + 1, 1))).toBe('future');
      expect(await take(store, 'k', store.revision - 1, 1)).toHaveLength(1);
    });

    it('keeps the window by age and by count', async () => {
      let now = 1_000;
      await using store = open({ retainMs: 100, retainRevisions: 5, clock: { now: () => now } });
      for (let n = 0; n < 8; n += 1) await put(store, 'k', String(n));
      expect(store.revision - store.compactRevision).toBeLessThanOrEqual(6);
      now += 1_000;
      await put(store, 'k', 'late');
      await put(store, 'k', 'later');
      expect(store.revision - store.compactRevision).toBeLessThanOrEqual(2);
    });

    it('closes a watcher that fell behind, with a named reason', async () => {
      await using store = open({ retainRevisions: 5 });
      await put(store, 'k', 'x');
      const watch = store.watch({ prefix: 'k', afterRevision: 1, signal: AbortSignal.timeout(5_000) })[Symbol.asyncIterator]();
      await watch.next();
      for (let n = 0; n < 20; n += 1) await put(store, 'k', String(n));
      expect(await code(watch.next())).toBe('slowWatcher');
    });

    it('ends watches when the signal aborts and when it closes', async () => {
      const store = open();
      const stop = new AbortController();
      const ended = Promise.all(
        [stop.signal, new AbortController().signal].map(async (signal) => {
          for await (const batch of store.watch({ prefix: 'k', afterRevision: 1, signal })) if (batch.events.length > 99) break;
          return 'ended';
        }),
      );
      stop.abort();
      await store.close();
      expect(await ended).toEqual(['ended', 'ended']);
      expect(await code(put(store, 'k', 'x'))).toBe('closed');
    });
  });
}

import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { backUpStore, restoreStore } from './backup.ts';
import { openLmdbStore } from './lmdb-store.ts';
import type { Store } from './store.ts';

const root = mkdtempSync(join(tmpdir(), 'tiphys-backup-'));
afterAll(() => rmSync(root, { recursive: true, force: true }));

const put = (store: Store, key: string, value: string): Promise<{ readonly modRevision: number }> =>
  store.write({ kind: 'put', key, expect: { kind: 'any' }, encode: () => Buffer.from(value) });

describe('a backup', () => {
  it('is one committed state of a store that is being written to, and comes back as that', async () => {
    const dir = join(root, 'live');
    const target = join(root, 'copy');
    await using store = openLmdbStore({ dir });
    const stop = new AbortController();
    const writing = (async () => {
      // Both keys always hold the same number in one commit or the one before it.
      for (let count = 0; !stop.signal.aborted; count += 1) await Promise.all([put(store, 'a', String(count)), put(store, 'b', String(count))]);
    })();
    const before = (await put(store, 'mark', 'x')).modRevision;
    const backup = backUpStore(dir, target);
    await backup.catch(() => undefined); // Its failure is asserted below, when nobody writes any more.
    stop.abort();
    await writing;
    const { revision, objects } = await backup;
    expect([revision >= before, objects]).toStrictEqual([true, 3]);

    const restored = join(root, 'restored');
    await restoreStore(target, restored, { replace: false });
    await using again = openLmdbStore({ dir: restored });
    const texts = ['a', 'b'].map((key) => Buffer.from(again.get(key)?.value ?? []).toString());
    expect(texts[0]).toBe(texts[1]);
    expect(again.revision).toBeGreaterThan(store.revision);
    expect((await put(again, 'c', 'new')).modRevision).toBeGreaterThan(store.revision);
    // A watcher from before has to list again.
    const watch = again.watch({ prefix: '', afterRevision: revision, signal: AbortSignal.timeout(1_000) })[Symbol.asyncIterator]();
    await expect(watch.next()).rejects.toMatchObject({ code: 'compacted' });
  });

  it('replaces nothing unless told to, and no store that is open', async () => {
    const [dir, target] = [join(root, 'kept'), join(root, 'of-kept')];
    {
      await using store = openLmdbStore({ dir });
      await put(store, 'a', '1');
      await backUpStore(dir, target);
      await put(store, 'a', '2');
    }
    await expect(backUpStore(dir, target)).rejects.toMatchObject({ code: 'exists' });
    await expect(backUpStore(join(root, 'nothing'), join(root, 'x'))).rejects.toMatchObject({ code: 'missing' });
    await expect(restoreStore(target, dir, { replace: false })).rejects.toMatchObject({ code: 'exists' });
    await restoreStore(target, dir, { replace: true });
    await using store = openLmdbStore({ dir });
    expect(Buffer.from(store.get('a')?.value ?? []).toString()).toBe('1');
  });
});

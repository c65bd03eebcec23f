import { mkdirSync } from 'node:fs';
import { systemClock, type Clock } from '@tiphys/kernel';
import { open, type Database, type RootDatabase } from 'lmdb';
import { claimFolder } from './folder-lock.ts';
import type { Journal } from './journal.ts';
import { MvccIndex } from './mvcc-index.ts';
import { decodeEntry, decodeEvent, encodeEntry, encodeEvent } from './record.ts';
import { defaultRetention, type RetentionOptions, type Store, type StoreEvent } from './store.ts';
import { WatchableStore } from './watchable-store.ts';

/** Options of a store on disk. */
export interface LmdbStoreOptions extends RetentionOptions {
  /** Folder of the database; made with mode 0700 when absent. One process at a time. */
  readonly dir: string;
  readonly clock?: Pick<Clock, 'now'>;
}

// Log records removed with one commit: compaction never stops the writers.
const COMPACT_STEP = 256;

interface Tables {
  readonly root: RootDatabase;
  /** key → record of the current object. */
  readonly objects: Database<Buffer, string>;
  /** revision → record of the change. */
  readonly log: Database<Buffer, number>;
  /** `revision`: the last one written, `compact`: the last one dropped from the log. */
  readonly meta: Database<number, string>;
}

/** Opens the store of a folder, with all acknowledged writes of earlier processes. Throws StoreError `locked`. */
export function openLmdbStore(options: LmdbStoreOptions): Store {
  const { dir, clock = systemClock, ...retention } = options;
  mkdirSync(dir, { recursive: true, mode: 0o700 });
  const release = claimFolder(dir);
  const tables = openTables(dir);
  const index = loadIndex(tables);
  return new WatchableStore({ index, journal: lmdbJournal(tables, release), retention: { ...defaultRetention, ...retention }, clock });
}

function openTables(dir: string): Tables {
  const root = open({ path: dir, noSubdir: false, maxDbs: 4 });
  return {
    root,
    objects: root.openDB<Buffer, string>({ name: 'objects', encoding: 'binary' }),
    log: root.openDB<Buffer, number>({ name: 'log', encoding: 'binary' }),
    meta: root.openDB<number, string>({ name: 'meta', encoding: 'json' }),
  };
}

function loadIndex({ objects, log, meta }: Tables): MvccIndex {
  const revision = meta.get('revision') ?? 1;
  const index = new MvccIndex(revision, meta.get('compact') ?? 1);
  for (const { key, value } of objects.getRange()) index.load(decodeEntry(key, Buffer.from(value)));
  for (const { value } of log.getRange({ start: index.log.compactRevision + 1 })) index.log.append(decodeEvent(Buffer.from(value)));
  return index;
}

function lmdbJournal(tables: Tables, release: () => void): Journal {
  const { root } = tables;
  return {
    async append(events, compactRevision) {
      await root.transaction(() => writeBatch(tables, events, compactRevision));
      // The transaction's promise means visible; `flushed` means on disk.
      await root.flushed;
    },
    async close() {
      await root.flushed;
      await root.close();
      release();
    },
  };
}

function writeBatch({ objects, log, meta }: Tables, events: readonly StoreEvent[], compactRevision: number): void {
  for (const event of events) {
    if (event.kind === 'put') {
      void objects.put(event.key, encodeEntry({ key: event.key, createRevision: event.createRevision, modRevision: event.revision, value: event.value }));
    } else void objects.remove(event.key);
    void log.put(event.revision, encodeEvent(event));
  }
  const dropped = [...log.getKeys({ end: compactRevision + 1, limit: COMPACT_STEP })];
  for (const revision of dropped) void log.remove(revision);
  void meta.put('compact', compactRevision);
  void meta.put('revision', events.at(-1)?.revision ?? 1);
}

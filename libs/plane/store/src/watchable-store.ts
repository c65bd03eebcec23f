import { messageOf, type Clock } from '@tiphys/kernel';
import type { Journal } from './journal.ts';
import type { MvccIndex } from './mvcc-index.ts';
import {
  StoreError,
  type Entry,
  type ListRequest,
  type ListResult,
  type RetentionOptions,
  type Store,
  type StoreEvent,
  type WatchBatch,
  type WatchRequest,
  type WriteRequest,
} from './store.ts';

// Events handed to a watcher at once, so that one behind does not hold up the event loop.
const WATCH_BATCH = 500;
// Writes committed together at most.
const COMMIT_BATCH = 2_000;

// A watcher that none of the changes concern learns how far the store is this often, and not with every commit.
const IDLE_NEWS_MS = 1_000;

/** A watcher that waits for a commit. */
interface Waiter {
  readonly prefix: string;
  readonly sinceMs: number;
  /** No change up to here concerns it. */
  passed: number;
  readonly wake: () => void;
}

interface PendingWrite {
  readonly event: StoreEvent;
  readonly durable: (entry: Entry) => void;
  readonly failed: (error: unknown) => void;
}

/** What the store is made of. */
export interface WatchableStoreParts {
  readonly index: MvccIndex;
  readonly journal: Journal;
  readonly retention: Required<RetentionOptions>;
  readonly clock: Pick<Clock, 'now'>;
}

/** The store over any journal: one writer turn, group commit, watchers as cursors into the log. */
export class WatchableStore implements Store {
  readonly #parts: WatchableStoreParts;
  #queue: PendingWrite[] = [];
  // State of keys with writes that are not durable yet, and when they will be.
  readonly #unsettled = new Map<string, { readonly entry: Entry | undefined; readonly revision: number; readonly settled: Promise<unknown> }>();
  #assigned: number;
  #draining: Promise<void> | undefined;
  #waiters: Waiter[] = [];
  #closed = false;

  constructor(parts: WatchableStoreParts) {
    this.#parts = parts;
    this.#assigned = parts.index.revision;
  }

  get revision(): number {
    return this.#parts.index.revision;
  }

  get compactRevision(): number {
    return this.#parts.index.log.compactRevision;
  }

  get(key: string, revision?: number): Entry | undefined {
    return this.#parts.index.get(key, revision);
  }

  list(request: ListRequest): ListResult {
    return this.#parts.index.list(request);
  }

  count(prefix: string): number {
    return this.#parts.index.count(prefix);
  }

  revisionAt(timeMs: number): number {
    return this.#parts.index.log.revisionAt(timeMs);
  }

  async write(request: WriteRequest): Promise<Entry> {
    if (this.#closed) throw closedError();
    const unsettled = this.#unsettled.get(request.key);
    const current = unsettled === undefined ? this.get(request.key) : unsettled.entry;
    const refusal = refuse(request, current);
    if (refusal !== undefined) {
      // The caller will read again: let it see what it lost against.
      await unsettled?.settled.catch(() => undefined);
      throw refusal;
    }
    const revision = this.#assigned + 1;
    const value = request.encode(revision, current);
    this.#assigned = revision;
    return await this.#enqueue({
      kind: request.kind,
      key: request.key,
      revision,
      createRevision: current?.createRevision ?? revision,
      value,
      previous: current,
      atMs: this.#parts.clock.now(),
    });
  }

  async *watch(request: WatchRequest): AsyncGenerator<WatchBatch> {
    const { prefix, signal } = request;
    if (request.afterRevision > this.revision) {
      throw new StoreError(
        { code: 'future', revision: request.afterRevision },
        `revision ${request.afterRevision}: not assigned yet, the latest is ${this.revision}`,
      );
    }
    let cursor = request.afterRevision;
    this.#parts.index.log.after(cursor, 1);
    while (!signal.aborted && !this.#closed) {
      if (cursor < this.compactRevision && cursor < this.revision) {
        throw new StoreError(
          { code: 'slowWatcher', compactRevision: this.compactRevision },
          `watch of ${prefix}: fell behind revision ${this.compactRevision}`,
          { hint: 'list again and watch from there' },
        );
      }
      const events = cursor < this.revision ? this.#parts.index.log.after(cursor, WATCH_BATCH) : [];
      cursor = events.length < WATCH_BATCH ? this.revision : (events.at(-1)?.revision ?? cursor);
      yield { events: events.filter((event) => event.key.startsWith(prefix)), revision: cursor };
      if (cursor >= this.revision) cursor = await this.#nextCommit(prefix, cursor, signal);
    }
  }

  compact(revision: number): void {
    this.#parts.index.log.compact(Math.min(revision, this.revision));
  }

  async close(): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    await this.#draining;
    this.#wake();
    await this.#parts.journal.close();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  #enqueue(event: StoreEvent): Promise<Entry> {
    const settled = new Promise<Entry>((durable, failed) => this.#queue.push({ event, durable, failed }));
    const entry = event.kind === 'put' ? entryOf(event) : undefined;
    this.#unsettled.set(event.key, { entry, revision: event.revision, settled });
    // Errors of the drain reach each writer through its own promise.
    this.#draining ??= this.#drain();
    return settled;
  }

  async #drain(): Promise<void> {
    // Writers of this turn of the event loop share the first commit.
    await Promise.resolve();
    while (this.#queue.length > 0) {
      const batch = this.#queue.splice(0, COMMIT_BATCH);
      try {
        const { index, journal, clock, retention } = this.#parts;
        await journal.append(
          batch.map((write) => write.event),
          index.log.compactRevision,
        );
        index.log.compact(index.log.expired(clock.now(), retention));
        for (const write of batch) this.#settle(write);
      } catch (error) {
        this.#fail([...batch, ...this.#queue.splice(0)], error);
      }
      this.#wakeFor(batch);
    }
    this.#draining = undefined;
  }

  #settle({ event, durable }: PendingWrite): void {
    this.#parts.index.publish(event);
    if (this.#unsettled.get(event.key)?.revision === event.revision) this.#unsettled.delete(event.key);
    durable(entryOf(event));
  }

  // Later writes may rest on the failed ones, so they fail with them; their revisions stay unused.
  #fail(writes: readonly PendingWrite[], cause: unknown): void {
    this.#unsettled.clear();
    for (const { event, failed } of writes) {
      failed(
        new StoreError({ code: 'failed' }, `${event.key}: write was not made durable: ${messageOf(cause)}`, {
          cause,
          hint: 'check the space and permissions of the data folder',
        }),
      );
    }
  }

  // Resolves with the revision from which there may be something to tell.
  #nextCommit(prefix: string, cursor: number, signal: AbortSignal): Promise<number> {
    return new Promise((resolve) => {
      const wake = (): void => {
        signal.removeEventListener('abort', wake);
        resolve(waiter.passed);
      };
      const waiter: Waiter = { prefix, sinceMs: this.#parts.clock.now(), passed: cursor, wake };
      if (signal.aborted || this.#closed) resolve(cursor);
      else {
        signal.addEventListener('abort', wake, { once: true });
        this.#waiters.push(waiter);
      }
    });
  }

  // Most commits concern few watchers; waking all of them each time costs more than the commits.
  #wakeFor(batch: readonly PendingWrite[]): void {
    const nowMs = this.#parts.clock.now();
    const { revision } = this;
    const waiters = this.#waiters;
    this.#waiters = [];
    for (const waiter of waiters) {
      const isConcerned = batch.some(({ event }) => event.key.startsWith(waiter.prefix));
      if (!isConcerned) waiter.passed = revision;
      if (isConcerned || Math.abs(nowMs - waiter.sinceMs) >= IDLE_NEWS_MS) waiter.wake();
      else this.#waiters.push(waiter);
    }
  }

  #wake(): void {
    const waiters = this.#waiters;
    this.#waiters = [];
    for (const { wake } of waiters) wake();
  }
}

function refuse(request: WriteRequest, current: Entry | undefined): StoreError | undefined {
  const { key, expect } = request;
  if (expect.kind === 'absent' && current !== undefined) return new StoreError({ code: 'exists', key }, `${key}: exists already`);
  if (current === undefined && (expect.kind === 'revision' || request.kind === 'delete'))
    return new StoreError({ code: 'missing', key }, `${key}: does not exist`);
  if (expect.kind === 'revision' && current?.modRevision !== expect.revision) {
    return new StoreError({ code: 'conflict', key, revision: current?.modRevision ?? 0 }, `${key}: written since revision ${expect.revision}`);
  }
  return undefined;
}

function entryOf(event: StoreEvent): Entry {
  return { key: event.key, createRevision: event.createRevision, modRevision: event.revision, value: event.value };
}

function closedError(): StoreError {
  return new StoreError({ code: 'closed' }, 'store: closed');
}

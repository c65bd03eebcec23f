import { RevisionLog } from './revision-log.ts';
import { SortedKeys } from './sorted-keys.ts';
import { StoreError, type Entry, type ListRequest, type ListResult, type StoreEvent } from './store.ts';

/** Everything visible: current entries by key, and the window of changes that leads to them. */
export class MvccIndex {
  readonly log: RevisionLog;
  readonly #entries = new Map<string, Entry>();
  readonly #keys = new SortedKeys();
  #revision: number;

  constructor(revision: number, compactRevision: number) {
    this.#revision = revision;
    this.log = new RevisionLog(compactRevision);
  }

  get revision(): number {
    return this.#revision;
  }

  /** Puts an entry that was durable before the process started. */
  load(entry: Entry): void {
    this.#entries.set(entry.key, entry);
    this.#keys.add(entry.key);
  }

  /** Makes a durable change visible. Events come in revision order. */
  publish(event: StoreEvent): void {
    if (event.kind === 'put') this.load({ key: event.key, createRevision: event.createRevision, modRevision: event.revision, value: event.value });
    else {
      this.#entries.delete(event.key);
      this.#keys.delete(event.key);
    }
    this.log.append(event);
    this.#revision = event.revision;
  }

  get(key: string, revision?: number): Entry | undefined {
    if (revision === undefined || revision === this.#revision) return this.#entries.get(key);
    const undone = this.#undo(revision, (changed) => changed === key);
    return undone.has(key) ? undone.get(key) : this.#entries.get(key);
  }

  list(request: ListRequest): ListResult {
    const revision = request.revision ?? this.#revision;
    const limit = request.limit ?? Infinity;
    const entries: Entry[] = [];
    let remaining = 0;
    for (const entry of this.#range(request.prefix, request.after, revision)) {
      if (entries.length < limit) entries.push(entry);
      else remaining += 1;
    }
    return { entries, revision, remaining };
  }

  count(prefix: string): number {
    let count = 0;
    for (const key of this.#keys.from(prefix)) {
      if (!key.startsWith(prefix)) break;
      count += 1;
    }
    return count;
  }

  *#range(prefix: string, after: string | undefined, revision: number): Generator<Entry> {
    const first = after === undefined || after < prefix ? prefix : `${after}\0`;
    const undone = revision === this.#revision ? new Map<string, Entry | undefined>() : this.#undo(revision, (key) => key.startsWith(prefix) && key >= first);
    // Keys deleted since `revision` stand between the present ones.
    const gone = [...undone.values()]
      .filter((entry) => entry !== undefined && !this.#entries.has(entry.key))
      .toSorted((a, b) => ((a?.key ?? '') < (b?.key ?? '') ? -1 : 1));
    let next = 0;
    for (const key of this.#keys.from(first)) {
      if (!key.startsWith(prefix)) break;
      for (let old = gone[next]; old !== undefined && old.key < key; old = gone[next]) {
        yield old;
        next += 1;
      }
      const entry = undone.has(key) ? undone.get(key) : this.#entries.get(key);
      if (entry !== undefined) yield entry;
    }
    for (const old of gone.slice(next)) if (old !== undefined) yield old;
  }

  // What the keys changed after `revision` held at it: the state before the first change after it.
  #undo(revision: number, wanted: (key: string) => boolean): Map<string, Entry | undefined> {
    if (revision > this.#revision)
      throw new StoreError({ code: 'future', revision }, `revision ${revision}: not assigned yet, the latest is ${this.#revision}`);
    const undone = new Map<string, Entry | undefined>();
    for (const event of this.log.after(revision)) {
      if (wanted(event.key) && !undone.has(event.key)) undone.set(event.key, event.previous);
    }
    return undone;
  }
}

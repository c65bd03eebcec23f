import { StoreError, type StoreEvent, type RetentionOptions } from './store.ts';

/**
 * The window of changes a store remembers, oldest first. Watchers are cursors into it, so a watcher costs no buffer
 * of its own and falls behind exactly when the window moves past it.
 */
export class RevisionLog {
  #events: StoreEvent[] = [];
  // Events before this index are dropped; the array is cut when half of it is waste.
  #head = 0;
  #compactRevision: number;

  constructor(compactRevision: number) {
    this.#compactRevision = compactRevision;
  }

  get compactRevision(): number {
    return this.#compactRevision;
  }

  append(event: StoreEvent): void {
    this.#events.push(event);
  }

  /** Events after a revision, at most `limit`. Throws `compacted`. */
  after(revision: number, limit: number = Infinity): readonly StoreEvent[] {
    if (revision < this.#compactRevision) {
      throw new StoreError(
        { code: 'compacted', compactRevision: this.#compactRevision },
        `revision ${revision}: compacted, the oldest kept is ${this.#compactRevision}`,
      );
    }
    const start = this.#indexAfter(revision);
    return this.#events.slice(start, Math.min(start + limit, this.#events.length));
  }

  /** The revision up to which `retention` allows events to go at `nowMs`; the present bound when nothing goes. */
  expired(nowMs: number, retention: Required<RetentionOptions>): number {
    let index = Math.max(this.#head, this.#events.length - retention.retainRevisions);
    while (index < this.#events.length && (this.#events[index]?.atMs ?? 0) < nowMs - retention.retainMs) index += 1;
    return index === this.#head ? this.#compactRevision : (this.#events[index - 1]?.revision ?? this.#compactRevision);
  }

  /** Drops events at or below a revision. */
  compact(revision: number): void {
    if (revision <= this.#compactRevision) return;
    this.#head = this.#indexAfter(revision);
    this.#compactRevision = revision;
    if (this.#head > 1_024 && this.#head > this.#events.length / 2) {
      this.#events = this.#events.slice(this.#head);
      this.#head = 0;
    }
  }

  #indexAfter(revision: number): number {
    let low = this.#head;
    let high = this.#events.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if ((this.#events[middle]?.revision ?? 0) <= revision) low = middle + 1;
      else high = middle;
    }
    return low;
  }
}

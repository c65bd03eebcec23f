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
  // When the newest dropped event was written; unknown for those an earlier process dropped.
  #compactedAtMs: number | undefined;

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

  /** The last revision written at or before a time. Times are as the clock was when each event was written. Throws `compacted`. */
  revisionAt(timeMs: number): number {
    let index = this.#events.length - 1;
    while (index >= this.#head && (this.#events[index]?.atMs ?? 0) > timeMs) index -= 1;
    const found = index < this.#head ? undefined : this.#events[index];
    if (found !== undefined) return found.revision;
    const isKnown = this.#compactRevision <= 1 || timeMs >= (this.#compactedAtMs ?? Infinity);
    if (isKnown) return this.#compactRevision;
    const oldest = this.#events[this.#head]?.atMs ?? this.#compactedAtMs;
    throw new StoreError(
      { code: 'compacted', compactRevision: this.#compactRevision },
      `${new Date(timeMs).toISOString()}: before the history that is kept${oldest === undefined ? '' : `, which begins at ${new Date(oldest).toISOString()}`}`,
    );
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
    this.#compactedAtMs = this.#events[this.#head - 1]?.atMs ?? this.#compactedAtMs;
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

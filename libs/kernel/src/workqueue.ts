import type { Clock } from './clock.ts';
import { abortReason } from './async.ts';

/** How long a failing key waits before its next try. */
export interface RateLimit {
  readonly baseDelayMs: number;
  readonly maxDelayMs: number;
}

/** client-go's per-item exponential limiter (util/workqueue/default_rate_limiters.go): 5 ms doubling to 1000 s. */
export const defaultRateLimit: RateLimit = { baseDelayMs: 5, maxDelayMs: 1_000_000 };

/** How a queue is made. */
export interface WorkQueueOptions {
  readonly clock: Clock;
  readonly rateLimit?: RateLimit;
}

/**
 * A keyed queue with the semantics of client-go's workqueue (util/workqueue/queue.go): a key waits at most once,
 * is handed to one worker at a time, and is handed out again if it was added while being worked on.
 * Its size is bounded by the number of distinct keys.
 */
export class WorkQueue<Key extends string = string> {
  readonly #clock: Clock;
  readonly #rateLimit: RateLimit;
  readonly #waiting = new Set<Key>();
  readonly #dirty = new Set<Key>();
  readonly #processing = new Set<Key>();
  readonly #failures = new Map<Key, number>();
  readonly #delayed = new Map<Key, { readonly atMs: number; readonly cancel: AbortController }>();
  readonly #takers: ((key: Key | undefined) => void)[] = [];
  #closed = false;

  constructor(options: WorkQueueOptions) {
    this.#clock = options.clock;
    this.#rateLimit = options.rateLimit ?? defaultRateLimit;
  }

  /** Keys ready to be taken. */
  get length(): number {
    return this.#waiting.size;
  }

  /** Whether nothing is ready, delayed or being worked on. */
  get idle(): boolean {
    return this.#waiting.size === 0 && this.#processing.size === 0 && this.#delayed.size === 0;
  }

  /** Marks the key as needing work now. */
  add(key: Key): void {
    if (this.#closed || this.#dirty.has(key)) return;
    this.#dirty.add(key);
    if (this.#processing.has(key)) return;
    const taker = this.#takers.shift();
    if (taker === undefined) {
      this.#waiting.add(key);
      return;
    }
    this.#hand(key);
    taker(key);
  }

  /** Adds the key after `delayMs`; of several delays for one key the earliest counts. */
  addAfter(key: Key, delayMs: number): void {
    if (this.#closed) return;
    if (delayMs <= 0) {
      this.add(key);
      return;
    }
    const atMs = this.#clock.monotonic() + delayMs;
    const pending = this.#delayed.get(key);
    if (pending !== undefined && pending.atMs <= atMs) return;
    pending?.cancel.abort();
    const cancel = new AbortController();
    this.#delayed.set(key, { atMs, cancel });
    this.#clock.sleep(delayMs, cancel.signal).then(
      () => {
        this.#delayed.delete(key);
        this.add(key);
      },
      () => undefined, // Aborted: superseded by an earlier delay, or the queue was shut down.
    );
  }

  /** Adds the key after its own back-off, which grows with each call until `forget`. */
  addRateLimited(key: Key): void {
    const failures = this.#failures.get(key) ?? 0;
    this.#failures.set(key, failures + 1);
    this.addAfter(key, Math.min(this.#rateLimit.baseDelayMs * 2 ** failures, this.#rateLimit.maxDelayMs));
  }

  /** Resets the key's back-off. */
  forget(key: Key): void {
    this.#failures.delete(key);
  }

  /** How often the key was rate limited since it was last forgotten. */
  numRequeues(key: Key): number {
    return this.#failures.get(key) ?? 0;
  }

  /** Takes the next key; resolves undefined once the queue is shut down, rejects when the signal aborts. */
  get(signal: AbortSignal): Promise<Key | undefined> {
    const [key] = this.#waiting;
    if (key !== undefined) {
      this.#waiting.delete(key);
      this.#hand(key);
      return Promise.resolve(key);
    }
    if (this.#closed) return Promise.resolve(undefined);
    if (signal.aborted) return Promise.reject(abortReason(signal));
    return new Promise((resolve, reject) => {
      const taker = (taken: Key | undefined): void => {
        signal.removeEventListener('abort', onAbort);
        resolve(taken);
      };
      const onAbort = (): void => {
        this.#takers.splice(this.#takers.indexOf(taker), 1);
        reject(abortReason(signal));
      };
      signal.addEventListener('abort', onAbort, { once: true });
      this.#takers.push(taker);
    });
  }

  /** Ends the work on a key taken with `get`. Every `get` needs exactly one `done`. */
  done(key: Key): void {
    this.#processing.delete(key);
    if (!this.#dirty.has(key)) return;
    this.#dirty.delete(key);
    this.add(key);
  }

  /** Refuses new keys, drops delayed ones and lets every waiting `get` end. */
  shutDown(): void {
    this.#closed = true;
    for (const { cancel } of this.#delayed.values()) cancel.abort();
    this.#delayed.clear();
    for (const taker of this.#takers.splice(0)) taker(undefined);
  }

  #hand(key: Key): void {
    this.#dirty.delete(key);
    this.#processing.add(key);
  }
}

import type { Clock, WorkQueue } from '@tiphys/kernel';

const MIN_INTERVAL_MS = 50;
const MAX_REMEMBERED = 20_000;

/** Makes keys of events: the first at once, those that follow within a moment as one. */
export class EventThrottle {
  readonly #keys: Pick<WorkQueue, 'add' | 'addAfter'>;
  readonly #clock: Clock;
  readonly #last = new Map<string, number>();

  constructor(keys: Pick<WorkQueue, 'add' | 'addAfter'>, clock: Clock) {
    this.#keys = keys;
    this.#clock = clock;
  }

  add(key: string): void {
    const nowMs = this.#clock.monotonic();
    const dueMs = (this.#last.get(key) ?? Number.NEGATIVE_INFINITY) + MIN_INTERVAL_MS;
    if (nowMs < dueMs) {
      this.#keys.addAfter(key, dueMs - nowMs);
      return;
    }
    if (this.#last.size >= MAX_REMEMBERED) this.#last.clear();
    this.#last.set(key, nowMs);
    this.#keys.add(key);
  }
}

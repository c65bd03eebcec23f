import { messageOf, withTimeout, type Clock } from '@tiphys/kernel';
import { DeliveryError } from './delivery-error.ts';

const CALL_MS = 10_000;
const FIRST_PAUSE_MS = 1_000;
const MAX_PAUSE_MS = 30_000;

/** Keeps questions away from an API that does not answer: after a failure they fail at once for a growing while, so that nobody waits in line for it. */
export class ApiBreaker {
  readonly #cluster: string;
  readonly #clock: Clock;
  #failures = 0;
  #closedUntilMs = Number.NEGATIVE_INFINITY;
  #lastError = '';

  constructor(cluster: string, clock: Clock) {
    this.#cluster = cluster;
    this.#clock = clock;
  }

  /** Asks, with a deadline. Throws DeliveryError `unreachable` when the API fails, or has just failed. */
  async ask<T>(what: string, signal: AbortSignal, question: (signal: AbortSignal) => Promise<T>): Promise<T> {
    if (this.#clock.monotonic() < this.#closedUntilMs) throw this.#unreachable(what);
    try {
      const answer = await withTimeout(`cluster ${this.#cluster}: ${what}`, CALL_MS, signal, question);
      this.#failures = 0;
      return answer;
    } catch (error) {
      signal.throwIfAborted();
      this.#failures += 1;
      this.#closedUntilMs = this.#clock.monotonic() + Math.min(FIRST_PAUSE_MS * 2 ** (this.#failures - 1), MAX_PAUSE_MS);
      this.#lastError = messageOf(error);
      throw this.#unreachable(what, error);
    }
  }

  #unreachable(what: string, cause?: unknown): DeliveryError {
    return new DeliveryError({ code: 'unreachable' }, `cluster ${this.#cluster}: ${what} failed: ${this.#lastError}`, { cause });
  }
}

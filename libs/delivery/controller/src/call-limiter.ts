import { abortReason } from '@tiphys/kernel';

/** At most so many calls at once; the others wait in the order they came. */
export class CallLimiter {
  readonly #limit: number;
  readonly #waiting = new Set<() => void>();
  #running = 0;

  constructor(limit: number) {
    this.#limit = limit;
  }

  async run<T>(signal: AbortSignal, call: () => Promise<T>): Promise<T> {
    if (this.#running < this.#limit) this.#running += 1;
    else await this.#turn(signal);
    try {
      return await call();
    } finally {
      const [next] = this.#waiting;
      if (next === undefined) this.#running -= 1;
      else {
        // The turn is handed on, so nobody can come in between.
        this.#waiting.delete(next);
        next();
      }
    }
  }

  #turn(signal: AbortSignal): Promise<void> {
    return new Promise((resolve, reject) => {
      const onAbort = (): void => {
        this.#waiting.delete(turn);
        reject(abortReason(signal));
      };
      const turn = (): void => {
        signal.removeEventListener('abort', onAbort);
        resolve();
      };
      if (signal.aborted) {
        reject(abortReason(signal));
        return;
      }
      signal.addEventListener('abort', onAbort, { once: true });
      this.#waiting.add(turn);
    });
  }
}

/** Gives a seat back. */
export type Release = () => void;

/** Bounds of one priority level. */
interface LevelLimits {
  /** Requests that run at once. */
  readonly seats: number;
  /** Requests that may wait; 0 turns away at once. */
  readonly waiting: number;
}

interface Waiter {
  readonly admit: (release: Release | undefined) => void;
}

/** The seats of one priority level and those who wait for one. Flows take turns, so none starves another. */
export class LevelQueue {
  limits: LevelLimits;
  #running = 0;
  #waiting = 0;
  // In the order of their turns.
  readonly #flows = new Map<string, Waiter[]>();

  constructor(limits: LevelLimits) {
    this.limits = limits;
  }

  /** Requests that run now. */
  get running(): number {
    return this.#running;
  }

  /** Takes a seat, when there is one in time. Resolves with undefined when there is none. */
  async enter(flow: string, waitMs: number, signal: AbortSignal): Promise<Release | undefined> {
    if (this.#running < this.limits.seats) return this.#seat();
    if (this.#waiting >= this.limits.waiting) return undefined;
    return await this.#wait(flow, waitMs, signal);
  }

  #seat(): Release {
    this.#running += 1;
    let isHeld = true;
    return () => {
      if (!isHeld) return;
      isHeld = false;
      this.#running -= 1;
      this.#next();
    };
  }

  #wait(flow: string, waitMs: number, signal: AbortSignal): Promise<Release | undefined> {
    return new Promise((resolve) => {
      const leave = (release: Release | undefined): void => {
        clearTimeout(timer);
        signal.removeEventListener('abort', giveUp);
        resolve(release);
      };
      const waiter: Waiter = { admit: leave };
      const giveUp = (): void => {
        this.#forget(flow, waiter);
        leave(undefined);
      };
      const timer = setTimeout(giveUp, waitMs);
      signal.addEventListener('abort', giveUp, { once: true });
      this.#flows.set(flow, [...(this.#flows.get(flow) ?? []), waiter]);
      this.#waiting += 1;
    });
  }

  #forget(flow: string, waiter: Waiter): void {
    const waiters = this.#flows.get(flow) ?? [];
    const left = waiters.filter((each) => each !== waiter);
    this.#waiting -= waiters.length - left.length;
    if (left.length === 0) this.#flows.delete(flow);
    else this.#flows.set(flow, left);
  }

  #next(): void {
    while (this.#running < this.limits.seats) {
      const [first] = this.#flows;
      if (first === undefined) return;
      const [flow, [waiter, ...left]] = first;
      this.#flows.delete(flow);
      // Behind the others: it is their turn.
      if (left.length > 0) this.#flows.set(flow, left);
      if (waiter === undefined) continue;
      this.#waiting -= 1;
      waiter.admit(this.#seat());
    }
  }
}

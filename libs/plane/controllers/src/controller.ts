import { aborted, defaultRateLimit, WorkQueue, type Clock, type Logger, type RateLimit, type Service } from '@tiphys/kernel';
import { isStatus } from '@tiphys/kube-model';
import type { Informer } from '@tiphys/kube-client';
import { isEndingNamespace } from './pods.ts';

/** What a reconcile asks for: nothing more, or another look after a while. */
export interface ReconcileResult {
  readonly requeueAfterMs?: number;
}

/** One controller: what it follows and what it does about one key. */
export interface ControllerOptions {
  readonly name: string;
  readonly clock: Clock;
  readonly logger: Logger;
  /** Keys worked on at once. Default 4. */
  readonly workers?: number;
  readonly rateLimit?: RateLimit;
  /** Caches that must be complete before the first reconcile. */
  readonly informers: readonly Pick<Informer, 'waitForSync'>[];
  /** Subscribes to the informers; handlers only enqueue. Answers the ways to unsubscribe. */
  subscribe(queue: WorkQueue): readonly (() => void)[];
  /** Brings one key to where it should be. Throws to be called again with back-off. */
  reconcile(key: string, signal: AbortSignal): Promise<ReconcileResult>;
}

/** Nothing more to do until something changes. */
export const DONE: ReconcileResult = {};

const MAX_DELAY_MS = 60_000;

/** The loop every controller runs: caches first, then a keyed queue with workers; failures come back with growing delays. */
export function createController(options: ControllerOptions): Service {
  const { name, clock, workers = 4 } = options;
  const logger = options.logger.child({ controller: name });
  return {
    name: `controller/${name}`,
    async run(signal) {
      const queue = new WorkQueue({ clock, rateLimit: options.rateLimit ?? { ...defaultRateLimit, maxDelayMs: MAX_DELAY_MS } });
      const stops: (() => void)[] = [];
      try {
        await Promise.all(options.informers.map((informer) => informer.waitForSync(signal)));
        stops.push(...options.subscribe(queue));
        const loops = Array.from({ length: workers }, () => work(queue, options, logger, signal));
        await aborted(signal);
        queue.shutDown();
        await Promise.all(loops);
      } catch (error) {
        if (!signal.aborted) throw error;
      } finally {
        for (const stop of stops) stop();
        queue.shutDown();
      }
    },
  };
}

async function work(queue: WorkQueue, options: ControllerOptions, logger: Logger, signal: AbortSignal): Promise<void> {
  for (;;) {
    const key = await queue.get(signal).catch(() => undefined); // Aborted: the same as shut down.
    if (key === undefined) return;
    try {
      const { requeueAfterMs } = await options.reconcile(key, signal);
      queue.forget(key);
      if (requeueAfterMs !== undefined) queue.addAfter(key, requeueAfterMs);
    } catch (error) {
      if (signal.aborted) return;
      if (isEndingNamespace(error)) {
        // What cannot be made any more need not be tried again; deletions bring their own events.
        queue.forget(key);
        continue;
      }
      // A conflict only says that the cache was behind: the next look will be right.
      const level = isStatus(error, 'Conflict', 'NotFound') || queue.numRequeues(key) < 3 ? 'debug' : 'warn';
      logger[level]({ key, err: error, tries: queue.numRequeues(key) }, 'reconcile failed, trying again');
      queue.addRateLimited(key);
    } finally {
      queue.done(key);
    }
  }
}

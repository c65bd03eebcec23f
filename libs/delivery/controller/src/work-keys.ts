import { isAbortError, type Logger, type WorkQueue } from '@tiphys/kernel';
import type { ReconcileResult } from './application-reconciler.ts';

/** How keys are worked on. */
export interface WorkKeysOptions {
  readonly keys: WorkQueue;
  readonly reconciler: { reconcile(key: string, signal: AbortSignal): Promise<ReconcileResult> };
  /** Keys at once. */
  readonly workers: number;
  readonly logger: Logger;
}

/** Reconciles keys until the signal aborts; a failure hands the key out again after a growing delay. */
export async function workKeys(options: WorkKeysOptions, signal: AbortSignal): Promise<void> {
  await Promise.all(Array.from({ length: options.workers }, () => work(options, signal)));
}

async function work({ keys, reconciler, logger }: WorkKeysOptions, signal: AbortSignal): Promise<void> {
  for (;;) {
    const key = await keys.get(signal).catch(() => undefined); // Aborted: the worker ends.
    if (key === undefined) return;
    try {
      const result = await reconciler.reconcile(key, signal);
      keys.forget(key);
      if (result.kind === 'requeueAfter') keys.addAfter(key, result.afterMs);
    } catch (error) {
      if (!isAbortError(error) && !signal.aborted) {
        logger.warn({ application: key, err: error }, 'application could not be reconciled');
        keys.addRateLimited(key);
      }
    } finally {
      keys.done(key);
    }
  }
}

import { isAbortError, WorkQueue, type Clock } from '@tiphys/kernel';
import type { JobHandler, JobQueue, ProcessOptions, SyncJob } from './job-queue.ts';

/** A queue for one process; what it holds is lost with the process, and rung again by the outbox. */
export function createInProcessQueue(options: { readonly clock: Clock }): JobQueue {
  const queue = new WorkQueue({ clock: options.clock, rateLimit: { baseDelayMs: 50, maxDelayMs: 30_000 } });

  async function work(handler: JobHandler, signal: AbortSignal): Promise<void> {
    for (;;) {
      const key = await queue.get(signal).catch(() => undefined); // Aborted: the worker ends.
      if (key === undefined) return;
      try {
        const outcome = await handler(fromKey(key), signal);
        queue.forget(key);
        if (outcome.kind === 'retryAfter') queue.addAfter(key, outcome.afterMs);
      } catch (error) {
        // Handlers log their failures; here a failure only means "again later".
        if (!isAbortError(error)) queue.addRateLimited(key);
      } finally {
        queue.done(key);
      }
    }
  }

  return {
    add(job) {
      queue.add(toKey(job));
      return Promise.resolve();
    },
    async process(handler: JobHandler, { signal, concurrency }: ProcessOptions) {
      await Promise.all(Array.from({ length: concurrency }, () => work(handler, signal)));
    },
    onAvailable: () => () => undefined,
    close() {
      queue.shutDown();
      return Promise.resolve();
    },
  };
}

function toKey(job: SyncJob): string {
  return `${job.application}/${job.runId}`;
}

function fromKey(key: string): SyncJob {
  const slash = key.indexOf('/');
  return { application: key.slice(0, slash), runId: key.slice(slash + 1) };
}

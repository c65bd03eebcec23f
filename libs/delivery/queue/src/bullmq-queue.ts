import { DelayedError, Queue, Worker } from 'bullmq';
import { Redis } from 'ioredis';
import { aborted, DomainError, isAbortError, type Logger } from '@tiphys/kernel';
import type { JobHandler, JobQueue, ProcessOptions, SyncJob } from './job-queue.ts';

/** How a queue on Redis is made. */
export interface BullmqQueueOptions {
  /** `redis://` or `rediss://` URL. */
  readonly url: string;
  /** Controllers that share one name share the work. */
  readonly name?: string;
  readonly logger: Logger;
  /** A worker that says nothing for so long has lost its jobs to the others. */
  readonly lockMs?: number;
}

const ATTEMPTS = 1_000;
const CLOSE_GRACE_MS = 2_000;

/** A queue shared by several controllers through Redis. Losing Redis costs time, not work. */
export function createBullmqQueue(options: BullmqQueueOptions): JobQueue {
  const name = options.name ?? 'tiphys-sync';
  const lockMs = options.lockMs ?? 10_000;
  const listeners = new Set<() => void>();
  const logger = options.logger.child({ component: 'queue' });
  const reconnect = (attempt: number): number => Math.min(50 * attempt, 1_000);
  // Adding fails at once while Redis is away: the outbox adds again when it is back.
  const client = new Redis(options.url, { enableOfflineQueue: false, maxRetriesPerRequest: 1, retryStrategy: reconnect });
  let isDown = false;
  const onError = (error: Error): void => {
    if (isDown) return;
    isDown = true;
    logger.warn({ err: error }, 'redis cannot be reached; jobs wait in the ledger');
  };
  client.on('error', onError);
  client.on('ready', () => {
    isDown = false;
    for (const listener of listeners) listener();
  });
  const queue = new Queue<SyncJob>(name, { connection: client, skipVersionCheck: true });
  queue.on('error', onError);

  return {
    async add(job) {
      // BullMQ would wait for a connection without end.
      if (client.status !== 'ready')
        throw new DomainError({ code: 'queueUnavailable' }, 'queue: redis is not connected', {
          hint: 'the run stays in the ledger and is queued when redis is back',
        });
      await queue.add('sync', job, {
        jobId: toJobId(job),
        attempts: ATTEMPTS,
        backoff: { type: 'fixed', delay: 500 },
        removeOnComplete: true,
        removeOnFail: true,
      });
    },
    async process(handler: JobHandler, { signal, concurrency }: ProcessOptions) {
      const worker = new Worker<SyncJob>(
        name,
        async (job, token) => {
          const outcome = await handler(job.data, signal);
          if (outcome.kind === 'done') return;
          await job.moveToDelayed(Date.now() + outcome.afterMs, token);
          throw new DelayedError();
        },
        {
          connection: { url: options.url, maxRetriesPerRequest: null, retryStrategy: reconnect },
          concurrency,
          lockDuration: lockMs,
          stalledInterval: Math.max(500, Math.floor(lockMs / 2)),
          maxStalledCount: ATTEMPTS,
        },
      );
      worker.on('error', onError);
      worker.on('failed', (job, error) => {
        if (!isAbortError(error)) logger.info({ application: job?.data.application, runId: job?.data.runId, err: error }, 'job failed and is tried again');
      });
      await aborted(signal);
      await within(worker.close(), () => worker.close(true));
    },
    onAvailable(listener) {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    async close() {
      await within(queue.close(), () => Promise.resolve());
      client.disconnect();
    },
  };
}

// Redis may be gone for good while we stop: politeness has an end.
async function within(polite: Promise<unknown>, force: () => Promise<unknown>): Promise<void> {
  let timer: NodeJS.Timeout | undefined;
  const grace = new Promise<'late'>((resolve) => {
    timer = setTimeout(() => resolve('late'), CLOSE_GRACE_MS);
  });
  const winner = await Promise.race([
    polite.then(
      () => 'done' as const,
      () => 'done' as const,
    ),
    grace,
  ]);
  clearTimeout(timer);
  if (winner === 'late') void force().catch(() => undefined); // Nobody waits for a broken connection to close.
}

// BullMQ keeps ':' for itself.
function toJobId(job: SyncJob): string {
  return `${job.application}__${job.runId}`;
}

import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { findProgram } from '@tiphys/testkit';
import { createLogger, systemClock } from '@tiphys/kernel';
import { createBullmqQueue, createInProcessQueue, type JobQueue, type SyncJob } from './index.ts';

const logger = createLogger({ level: 'silent' });
const signal = AbortSignal.timeout(60_000);

async function until(condition: () => boolean): Promise<void> {
  while (!condition()) await systemClock.sleep(10, signal);
}

/** What every JobQueue promises. */
function jobQueueContract(makeQueue: () => JobQueue | Promise<JobQueue>): void {
  it('hands each run out once, although it was added twice', async () => {
    const queue = await makeQueue();
    const stop = new AbortController();
    const seen: SyncJob[] = [];
    await queue.add({ application: 'shop', runId: 'a' });
    await queue.add({ application: 'shop', runId: 'a' });
    await queue.add({ application: 'shop', runId: 'b' });
    const running = queue.process(
      (job) => {
        seen.push(job);
        return Promise.resolve({ kind: 'done' });
      },
      { signal: stop.signal, concurrency: 2 },
    );
    await until(() => seen.length === 2);
    await queue.add({ application: 'shop', runId: 'c' });
    await until(() => seen.length === 3);
    stop.abort();
    await running;
    await queue.close();
    expect(seen.map((job) => job.runId).toSorted()).toEqual(['a', 'b', 'c']);
  });

  it('hands a job out again after a failure and after a delay that was asked for', async () => {
    const queue = await makeQueue();
    const stop = new AbortController();
    let calls = 0;
    await queue.add({ application: 'shop', runId: 'again' });
    const running = queue.process(
      () => {
        calls += 1;
        if (calls === 1) return Promise.reject(new Error('first time'));
        return Promise.resolve(calls === 2 ? { kind: 'retryAfter', afterMs: 20 } : { kind: 'done' });
      },
      { signal: stop.signal, concurrency: 1 },
    );
    await until(() => calls === 3);
    stop.abort();
    await running;
    await queue.close();
    expect(calls).toBe(3);
  });

  it('lets the handlers under way end when it is stopped', async () => {
    const queue = await makeQueue();
    const stop = new AbortController();
    let ended = false;
    await queue.add({ application: 'shop', runId: 'slow' });
    const running = queue.process(
      async () => {
        stop.abort();
        await systemClock.sleep(50, signal);
        ended = true;
        return { kind: 'done' };
      },
      { signal: stop.signal, concurrency: 1 },
    );
    await running;
    expect(ended).toBe(true);
    await queue.close();
  });
}

describe('in process', () => jobQueueContract(() => createInProcessQueue({ clock: systemClock })));

const hasRedis = findProgram({ name: 'redis-server', package: 'redis-server' }, process.env) !== undefined;

describe.skipIf(!hasRedis)('on Redis', () => {
  let redis: ChildProcess;
  let port: number;
  let folder: string;
  let count = 0;
  const startRedis = async (): Promise<void> => {
    redis = spawn('redis-server', ['--port', String(port), '--bind', '127.0.0.1', '--save', '', '--appendonly', 'no', '--dir', folder], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    for await (const chunk of redis.stdout ?? []) if (String(chunk).includes('Ready to accept connections')) return;
  };
  const make = (name: string): JobQueue => createBullmqQueue({ url: `redis://127.0.0.1:${port}`, name, logger, lockMs: 1_000 });
  const connected = (queue: JobQueue): Promise<JobQueue> => new Promise((resolve) => queue.onAvailable(() => resolve(queue)));
  beforeAll(async () => {
    const probe = createServer().listen(0, '127.0.0.1');
    await once(probe, 'listening');
    const address = probe.address();
    port = typeof address === 'object' && address !== null ? address.port : 0;
    probe.close();
    folder = await mkdtemp(path.join(tmpdir(), 'tiphys-redis-'));
    await startRedis();
  });
  afterAll(() => redis.kill('SIGKILL'));

  jobQueueContract(() => {
    count += 1;
    return connected(make(`contract-${count}`));
  });

  it('goes on after Redis was killed and came back empty', async () => {
    const queue = make('lost');
    const stop = new AbortController();
    const seen: string[] = [];
    let available = 0;
    queue.onAvailable(() => (available += 1));
    const running = queue.process(
      (job) => {
        seen.push(job.runId);
        return Promise.resolve({ kind: 'done' });
      },
      { signal: stop.signal, concurrency: 1 },
    );
    await until(() => available === 1);
    await queue.add({ application: 'shop', runId: 'before' });
    await until(() => seen.includes('before') && available === 1);
    redis.kill('SIGKILL');
    await once(redis, 'exit');
    await expect(queue.add({ application: 'shop', runId: 'during' })).rejects.toThrow();
    await startRedis();
    await until(() => available >= 2);
    await queue.add({ application: 'shop', runId: 'after' });
    await until(() => seen.includes('after'));
    stop.abort();
    await running;
    await queue.close();
    expect(seen).toEqual(['before', 'after']);
  });
});

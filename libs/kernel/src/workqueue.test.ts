import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { abortReason } from './async.ts';
import type { Clock } from './clock.ts';
import { WorkQueue } from './workqueue.ts';

/** A clock that stands still until it is told to go on. */
class ManualClock implements Clock {
  #nowMs = 0;
  #sleepers: { readonly atMs: number; readonly wake: () => void }[] = [];

  now(): number {
    return this.#nowMs;
  }

  monotonic(): number {
    return this.#nowMs;
  }

  sleep(ms: number, signal: AbortSignal): Promise<void> {
    return new Promise((resolve, reject) => {
      signal.addEventListener('abort', () => reject(abortReason(signal)), { once: true });
      this.#sleepers.push({ atMs: this.#nowMs + ms, wake: resolve });
    });
  }

  async advance(ms: number): Promise<void> {
    this.#nowMs += ms;
    const due = this.#sleepers.filter((sleeper) => sleeper.atMs <= this.#nowMs);
    this.#sleepers = this.#sleepers.filter((sleeper) => sleeper.atMs > this.#nowMs);
    for (const sleeper of due) sleeper.wake();
    await Promise.resolve();
    await Promise.resolve();
  }
}

const { signal } = new AbortController();

describe('WorkQueue', () => {
  it('holds a key once, in order of arrival', async () => {
    const queue = new WorkQueue({ clock: new ManualClock() });
    for (const key of ['a', 'b', 'a']) queue.add(key);
    expect(queue.length).toBe(2);
    expect([await queue.get(signal), await queue.get(signal)]).toEqual(['a', 'b']);
  });

  it('never hands out a key that is being worked on, and hands it out again when it was added meanwhile', async () => {
    const queue = new WorkQueue({ clock: new ManualClock() });
    queue.add('a');
    await queue.get(signal);
    queue.add('a');
    expect(queue.length).toBe(0);
    queue.done('a');
    expect(await queue.get(signal)).toBe('a');
    queue.done('a');
    expect(queue.idle).toBe(true);
  });

  it('backs off by doubling until forgotten', async () => {
    const clock = new ManualClock();
    const queue = new WorkQueue({ clock, rateLimit: { baseDelayMs: 10, maxDelayMs: 25 } });
    for (const waitMs of [10, 20, 25, 25]) {
      queue.addRateLimited('a');
      await clock.advance(waitMs - 1);
      expect(queue.length).toBe(0);
      await clock.advance(1);
      expect(await queue.get(signal)).toBe('a');
      queue.done('a');
    }
    expect(queue.numRequeues('a')).toBe(4);
    queue.forget('a');
    queue.addRateLimited('a');
    await clock.advance(10);
    expect(queue.length).toBe(1);
  });

  it('lets the earliest of several delays count', async () => {
    const clock = new ManualClock();
    const queue = new WorkQueue({ clock });
    queue.addAfter('a', 100);
    queue.addAfter('a', 10);
    queue.addAfter('a', 50);
    await clock.advance(10);
    expect(queue.length).toBe(1);
    await clock.advance(100);
    expect(queue.length).toBe(1);
  });

  it('ends waiting workers on shutdown and on abort', async () => {
    const queue = new WorkQueue({ clock: new ManualClock() });
    const stop = new AbortController();
    const aborted = queue.get(stop.signal);
    const ended = queue.get(signal);
    stop.abort();
    await expect(aborted).rejects.toThrow();
    queue.shutDown();
    expect(await ended).toBeUndefined();
    queue.add('a');
    expect(queue.length).toBe(0);
  });

  it('loses no key and works on none twice at once, whatever happens', async () => {
    const step = fc.oneof(
      fc.record({ kind: fc.constant('add' as const), key: fc.constantFrom('a', 'b', 'c') }),
      fc.record({ kind: fc.constant('take' as const) }),
      fc.record({ kind: fc.constant('done' as const) }),
    );
    await fc.assert(
      fc.asyncProperty(fc.array(step, { maxLength: 60 }), async (steps) => {
        const queue = new WorkQueue({ clock: new ManualClock() });
        const working: string[] = [];
        const owed = new Set<string>();
        for (const { kind, ...rest } of steps) {
          if (kind === 'add' && 'key' in rest) {
            queue.add(rest.key);
            owed.add(rest.key);
          } else if (kind === 'take' && queue.length > 0) {
            const key = (await queue.get(signal)) ?? '';
            expect(working).not.toContain(key);
            working.push(key);
            owed.delete(key);
          } else if (kind === 'done') {
            const key = working.shift();
            if (key !== undefined) queue.done(key);
          }
        }
        for (const key of working) queue.done(key);
        const left = new Set<string>();
        while (queue.length > 0) {
          const key = (await queue.get(signal)) ?? '';
          left.add(key);
          queue.done(key);
        }
        expect(left).toEqual(owed);
      }),
    );
  });
});

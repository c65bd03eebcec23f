import { describe, expect, it } from 'vitest';
import { mapLimit, retry, sleep, withTimeout } from './async.ts';
import { TimeoutError } from './errors.ts';

const { signal } = new AbortController();

describe('sleep', () => {
  it('rejects with the reason when aborted before and while it waits', async () => {
    const reason = new Error('stopped');
    await expect(sleep(10_000, AbortSignal.abort(reason))).rejects.toBe(reason);
    const stop = new AbortController();
    const waiting = sleep(10_000, stop.signal);
    stop.abort(reason);
    await expect(waiting).rejects.toBe(reason);
  });
});

describe('retry', () => {
  it('tries until it succeeds', async () => {
    let calls = 0;
    const result = await retry(
      async (attempt) => {
        calls += 1;
        if (attempt < 3) throw new Error('not yet');
        return attempt;
      },
      { signal, delayMs: 1 },
    );
    expect([result, calls]).toEqual([3, 3]);
  });

  it('gives up after its attempts, and at once when another makes no sense', async () => {
    let calls = 0;
    const fail = async (): Promise<never> => {
      calls += 1;
      throw new Error('never');
    };
    await expect(retry(fail, { signal, attempts: 2, delayMs: 1 })).rejects.toThrow('never');
    await expect(retry(fail, { signal, attempts: 9, shouldRetry: () => false })).rejects.toThrow('never');
    expect(calls).toBe(3);
  });
});

describe('mapLimit', () => {
  it('keeps order and never exceeds its limit', async () => {
    let running = 0;
    let most = 0;
    const results = await mapLimit([5, 1, 4, 2, 3], 2, async (item) => {
      running += 1;
      most = Math.max(most, running);
      await sleep(item, signal);
      running -= 1;
      return item * 10;
    });
    expect(results).toEqual([50, 10, 40, 20, 30]);
    expect(most).toBe(2);
  });

  it('starts nothing after a failure and throws it', async () => {
    const started: number[] = [];
    await expect(
      mapLimit([1, 2, 3], 1, async (item) => {
        started.push(item);
        throw new Error(`no ${item}`);
      }),
    ).rejects.toThrow('no 1');
    expect(started).toEqual([1]);
  });
});

describe('withTimeout', () => {
  it('aborts the work and says what timed out', async () => {
    await expect(withTimeout('fetch of x', 5, signal, (inner) => sleep(10_000, inner))).rejects.toThrow(TimeoutError);
    await expect(withTimeout('fetch of x', 5, signal, (inner) => sleep(10_000, inner))).rejects.toThrow('fetch of x: timed out after 5 ms');
  });

  it("passes on the caller's own abort", async () => {
    const stop = new AbortController();
    const waiting = withTimeout('x', 10_000, stop.signal, (inner) => sleep(10_000, inner));
    stop.abort(new Error('caller left'));
    await expect(waiting).rejects.toThrow('caller left');
  });
});

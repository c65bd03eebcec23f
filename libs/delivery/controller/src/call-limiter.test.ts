import { expect, it } from 'vitest';
import { CallLimiter } from './call-limiter.ts';

it('runs a bounded number at once, in order, and lets waiters go', async () => {
  const limiter = new CallLimiter(2);
  const order: number[] = [];
  const ends: (() => void)[] = [];
  const signal = new AbortController().signal;
  const stop = new AbortController();
  const calls = [0, 1, 2, 3].map((index) =>
    limiter.run(index === 2 ? stop.signal : signal, () => {
      order.push(index);
      return new Promise<void>((resolve) => ends.push(resolve));
    }),
  );
  await Promise.resolve();
  expect(order).toEqual([0, 1]);
  stop.abort(new Error('gone'));
  await expect(calls[2]).rejects.toThrow('gone');
  ends[0]?.();
  await calls[0];
  await Promise.resolve();
  expect(order).toEqual([0, 1, 3]);
  for (const end of ends) end();
  await Promise.all([calls[1], calls[3]]);
  await limiter.run(signal, () => Promise.resolve());
});

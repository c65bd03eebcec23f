import { describe, expect, it } from 'vitest';
import { aborted } from './async.ts';
import type { Clock } from './clock.ts';
import { UnrecoverableError } from './errors.ts';
import { createLogger } from './logger.ts';
import { supervise } from './service.ts';

const logger = createLogger({ level: 'silent' });
const delays: number[] = [];
const eagerClock: Clock = {
  now: () => 0,
  monotonic: () => 0,
  sleep: async (ms) => {
    delays.push(ms);
  },
};

describe('supervise', () => {
  it('restarts what fails, with growing delays, until aborted', async () => {
    const stop = new AbortController();
    let runs = 0;
    await supervise(
      [
        {
          name: 'flaky',
          run: async () => {
            runs += 1;
            if (runs === 4) stop.abort();
            throw new Error('broken');
          },
        },
      ],
      { signal: stop.signal, logger, clock: eagerClock },
    );
    expect(runs).toBe(4);
    expect(delays).toEqual([200, 400, 800]);
  });

  it('stops everything when one service cannot go on', async () => {
    let ended = false;
    const patient = {
      name: 'patient',
      run: async (signal: AbortSignal) => {
        await aborted(signal);
        ended = true;
      },
    };
    const fatal = {
      name: 'fatal',
      run: async () => {
        throw new UnrecoverableError('store: cannot be opened');
      },
    };
    await expect(supervise([patient, fatal], { signal: new AbortController().signal, logger })).rejects.toThrow('store: cannot be opened');
    expect(ended).toBe(true);
  });
});

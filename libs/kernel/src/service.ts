import { setMaxListeners } from 'node:events';
import type { Logger } from './logger.ts';
import { systemClock, type Clock } from './clock.ts';
import { messageOf, UnrecoverableError } from './errors.ts';

/** A loop with a name. `run` resolves on abort, rejects to be restarted with back-off. */
export interface Service {
  readonly name: string;
  run(signal: AbortSignal): Promise<void>;
}

/** What the supervisor needs. */
export interface SuperviseOptions {
  readonly signal: AbortSignal;
  readonly logger: Logger;
  readonly clock?: Clock;
}

const FIRST_DELAY_MS = 200;
const MAX_DELAY_MS = 30_000;
// A service that ran this long is healthy again: its next failure starts the back-off anew.
const HEALTHY_AFTER_MS = 60_000;

/**
 * Runs services until the signal aborts, restarting each that fails with growing delays.
 * Throws the UnrecoverableError of the first service that cannot go on, after stopping the others.
 */
export async function supervise(services: readonly Service[], options: SuperviseOptions): Promise<void> {
  const stop = new AbortController();
  const signal = AbortSignal.any([options.signal, stop.signal]);
  setMaxListeners(0, signal); // One listener for every wait of every service is no leak.
  let fatal: UnrecoverableError | undefined;
  await Promise.all(
    services.map(async (service) => {
      try {
        await keepRunning(service, { ...options, signal });
      } catch (error) {
        // keepRunning throws nothing else.
        fatal ??= error as UnrecoverableError;
        stop.abort(fatal);
      }
    }),
  );
  if (fatal !== undefined) throw fatal;
}

async function keepRunning(service: Service, options: SuperviseOptions): Promise<void> {
  const { signal, logger, clock = systemClock } = options;
  let failures = 0;
  while (!signal.aborted) {
    const startedAt = clock.monotonic();
    try {
      await service.run(signal);
      if (signal.aborted) return;
      throw new Error(`${service.name}: ended although nobody stopped it`);
    } catch (error) {
      if (signal.aborted) return;
      if (error instanceof UnrecoverableError) throw error;
      if (clock.monotonic() - startedAt > HEALTHY_AFTER_MS) failures = 0;
      const delayMs = Math.min(FIRST_DELAY_MS * 2 ** failures, MAX_DELAY_MS);
      failures += 1;
      logger[failures > 3 ? 'error' : 'warn']({ service: service.name, err: error, delayMs, failures }, `service failed, restarting: ${messageOf(error)}`);
      await clock.sleep(delayMs, signal).catch(() => undefined); // Aborted: the loop condition ends it.
    }
  }
}

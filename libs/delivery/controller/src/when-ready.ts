import type { Clock } from '@tiphys/kernel';
import { DeliveryError } from './delivery-error.ts';

const INTERVAL_MS = 100;
const DEADLINE_MS = 20_000;

/** Does something again and again until its evidence is gathered. Throws the last DeliveryError `notReady` after 20 s. */
export async function whenReady<T>(clock: Clock, signal: AbortSignal, deed: () => Promise<T>): Promise<T> {
  const deadlineMs = clock.monotonic() + DEADLINE_MS;
  for (;;) {
    try {
      return await deed();
    } catch (error) {
      if (!(error instanceof DeliveryError) || error.code !== 'notReady' || clock.monotonic() > deadlineMs) throw error;
      await clock.sleep(INTERVAL_MS, signal);
    }
  }
}

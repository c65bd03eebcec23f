import type { SyncRun } from '@tiphys/delivery-applications';
import type { Clock } from '@tiphys/kernel';
import { LEASE_MS } from './run-ledger.ts';

// Renewal is due every 3 s: what has not been written to for so long has lost its owner.
const EXPIRY_MS = LEASE_MS + 1_000;
const MAX_REMEMBERED = 10_000;

/**
 * Tells how long others' claims still count. Only what this process sees on its own monotonic clock decides: a claim counts until its
 * run has gone unwritten for a whole lease, so clocks that differ between controllers do not matter (client-go leaderelection).
 */
export class LeaseObserver {
  readonly #clock: Clock;
  readonly #seen = new Map<string, { readonly version: string; readonly atMs: number }>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Milliseconds after which the claim on the run is over if nobody renews it; 0 when it is over. */
  heldFor({ metadata }: SyncRun): number {
    const { uid = '', resourceVersion = '' } = metadata;
    const nowMs = this.#clock.monotonic();
    const seen = this.#seen.get(uid);
    if (seen?.version === resourceVersion) return Math.max(0, seen.atMs + EXPIRY_MS - nowMs);
    if (this.#seen.size >= MAX_REMEMBERED) this.#seen.clear();
    this.#seen.set(uid, { version: resourceVersion, atMs: nowMs });
    return EXPIRY_MS;
  }
}

import type { Application } from '@tiphys/delivery-applications';
import type { Clock } from '@tiphys/kernel';
import type { Target } from './gather.ts';
import type { RunLedger } from './run-ledger.ts';
import { judgeWindows, windowsOf } from './sync-windows.ts';

/** A run at the edge of a wave. */
export interface WindowSubject {
  readonly ledger: RunLedger;
  readonly application: Application;
  readonly target: Target;
  /** Objects have been written already: windows that let running syncs end do not hold it. */
  readonly isBegun: boolean;
}

// Projects and clocks change while a run waits.
const MAX_WAIT_MS = 60_000;

/** Resolves when no sync window holds the run; says meanwhile that one does (controller/sync.go syncWindowPreventsSync). */
export async function waitForWindow(
  { ledger, application, target, isBegun }: WindowSubject,
  { clock }: { readonly clock: Clock },
  signal: AbortSignal,
): Promise<void> {
  const { cause, options } = ledger.run.spec;
  const windows = windowsOf(target.project, application, target.cluster);
  const isManual = cause === 'manual' || cause === 'rollback';
  for (let isSaid = false; ; isSaid = true) {
    const nowMs = clock.now();
    const { allowsAutomatic, allowsManual, allowsOverrun, changesAtMs, message } = judgeWindows(windows, nowMs);
    if (options.dryRun === true || (isManual ? allowsManual : allowsAutomatic) || (isBegun && allowsOverrun)) return;
    if (!isSaid) await ledger.say(`sync operation blocked by sync window: ${message}`);
    await clock.sleep(Math.min(Math.max((changesAtMs ?? Number.POSITIVE_INFINITY) - nowMs, 100), MAX_WAIT_MS), signal);
  }
}

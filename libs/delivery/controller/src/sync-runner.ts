import { type Application, type SyncRun } from '@tiphys/delivery-applications';
import type { JobOutcome, SyncJob } from '@tiphys/delivery-queue';
import { isAbortError, toTimestamp, withTimeout } from '@tiphys/kernel';
import { isStatus } from '@tiphys/kube-model';
import { attemptRun, type Attempt, type AttemptDeps } from './attempt-run.ts';
import { claimRun, isSuperseded, latestRevisions } from './claim.ts';
import { retryDelay } from './decide-auto-sync.ts';
import { DeliveryError } from './delivery-error.ts';
import { LeaseObserver } from './lease-observer.ts';
import { publishProgress, publishRun } from './publish-run.ts';
import { RunLedger } from './run-ledger.ts';

/** What running syncs needs. */
export interface SyncRunnerDeps extends AttemptDeps {
  readonly identity: string;
  /** The application should be looked at again. */
  readonly onSettled: (application: string) => void;
}

interface Work {
  readonly stop: AbortController;
  readonly superseded: AbortController;
}

const RELEASE_MS = 1_000;
const NOT_READY_MS = 250;

/** Claims runs and performs them. What a killed process left behind is picked up where its ledger ends. */
export class SyncRunner {
  readonly #deps: SyncRunnerDeps;
  readonly #working = new Map<string, Work>();
  readonly #leases: LeaseObserver;

  constructor(deps: SyncRunnerDeps) {
    this.#deps = deps;
    this.#leases = new LeaseObserver(deps.clock);
  }

  /** Ends a run this process works on. */
  terminate(runId: string): void {
    this.#working.get(runId)?.stop.abort(new DeliveryError({ code: 'terminated' }, 'operation terminated by a person'));
  }

  /** Tells a run this process works on that a newer commit is there: it does not wait for the health of its own any more. */
  supersede(runId: string): void {
    this.#working.get(runId)?.superseded.abort();
  }

  /** Handles one ring of the queue. */
  async handle({ runId }: SyncJob, signal: AbortSignal): Promise<JobOutcome> {
    if (this.#working.has(runId)) return { kind: 'done' };
    await this.#deps.failpoint?.('sync.beforeClaim');
    const work = { stop: new AbortController(), superseded: new AbortController() };
    this.#working.set(runId, work);
    try {
      const claim = await claimRun(runId, { ...this.#deps, leases: this.#leases }, signal);
      if (claim.kind === 'gone') return { kind: 'done' };
      if (claim.kind === 'busy') return { kind: 'retryAfter', afterMs: claim.afterMs };
      await this.#deps.failpoint?.('sync.afterClaim');
      return await this.#work(claim.run, claim.application, work, AbortSignal.any([signal, work.stop.signal]));
    } catch (error) {
      if (error instanceof DeliveryError && error.code === 'fenced') return { kind: 'done' };
      throw error;
    } finally {
      this.#working.delete(runId);
    }
  }

  async #work(run: SyncRun, application: Application, { stop, superseded }: Work, signal: AbortSignal): Promise<JobOutcome> {
    const end = new AbortController();
    const onTerminate = (): void => stop.abort(new DeliveryError({ code: 'terminated' }, 'operation terminated by a person'));
    const onSay = (said: SyncRun): Promise<void> => publishProgress(said, this.#deps, end.signal);
    // Written with a signal of its own: a terminated run still has to say so.
    const ledger = new RunLedger(run, { ...this.#deps, onTerminate, onSay }, end.signal);
    const lease = ledger.keepLease(end.signal).catch((error: unknown) => {
      if (!isAbortError(error)) stop.abort(error);
    });
    const release = (): Promise<void> => withTimeout('run: being released', RELEASE_MS, end.signal, () => ledger.release()).catch(() => undefined);
    try {
      if (run.spec.terminate === true) onTerminate();
      const context = { ledger, application, signal, superseded: superseded.signal };
      const outcome = supersededAttempt(run, application) ?? (await attemptRun(context, this.#deps));
      return await this.#settle(ledger, application, outcome, end.signal);
    } catch (error) {
      const code = error instanceof DeliveryError ? error.code : undefined;
      // The process stops in good order, or the evidence is not there yet: whoever is next may take over at once.
      if (code === 'notReady' || (signal.aborted && code !== 'fenced')) await release();
      if (code === 'notReady') return { kind: 'retryAfter', afterMs: NOT_READY_MS };
      throw error;
    } finally {
      end.abort();
      await lease;
    }
  }

  async #settle(ledger: RunLedger, application: Application, attempt: Attempt, signal: AbortSignal): Promise<JobOutcome> {
    const { clock, onSettled, failpoint } = this.#deps;
    const { run } = ledger;
    const count = run.status?.attempt ?? 0;
    const delayMs =
      attempt.phase === 'Succeeded' || attempt.isFinal === true || isSuperseded(run, latestRevisions(application)) ? undefined : retryDelay(run, count);
    await failpoint?.('sync.beforeStatus');
    if (delayMs !== undefined) {
      ledger.update({
        attempt: count + 1,
        message: `${attempt.message}; next attempt in ${Math.round(delayMs / 1000)} s`,
        nextAttemptAt: toTimestamp(clock.now() + delayMs),
        tasks: [],
      });
      await ledger.flush();
      await this.#publish(ledger.run, attempt, signal);
      return { kind: 'retryAfter', afterMs: delayMs };
    }
    const finishedAt = toTimestamp(clock.now());
    ledger.update({ phase: attempt.phase, message: attempt.message, finishedAt, ...(attempt.revisions === undefined ? {} : { revisions: attempt.revisions }) });
    await ledger.flush();
    await failpoint?.('sync.afterStatus');
    await this.#publish(ledger.run, attempt, signal);
    await failpoint?.('sync.published');
    onSettled(run.spec.application);
    return { kind: 'done' };
  }

  // The compatible view on the Application; should the process die before it, the outbox does it again from the run.
  async #publish(run: SyncRun, attempt: Attempt, signal: AbortSignal): Promise<void> {
    try {
      await publishRun(run, attempt.results, this.#deps, signal);
    } catch (error) {
      if (!isStatus(error, 'NotFound')) throw error;
    }
  }
}

// A further attempt that newer commits make pointless; the first is always made.
function supersededAttempt(run: SyncRun, application: Application): Attempt | undefined {
  if ((run.status?.attempt ?? 0) === 0 || !isSuperseded(run, latestRevisions(application))) return undefined;
  const [last = ''] = (run.status?.message ?? '').split('; next attempt in ');
  return { phase: 'Failed', message: `${last}; given up for a newer commit`, results: run.status?.tasks ?? [], revisions: undefined, isFinal: true };
}

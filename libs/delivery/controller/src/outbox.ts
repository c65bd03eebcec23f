import { isFinished, type Application, type SyncRun } from '@tiphys/delivery-applications';
import type { Clock, Logger, Service } from '@tiphys/kernel';
import type { Informer, KubeClient } from '@tiphys/kube-client';
import type { ApplicationIndex } from './application-index.ts';
import { publishRun } from './publish-run.ts';
import { deleteRuns, expiredRuns } from './run-retention.ts';
import { runsOf, unfinishedRuns } from './runs.ts';

/** What the outbox needs. */
export interface OutboxOptions {
  readonly client: KubeClient;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly namespace: string;
  readonly applications: ApplicationIndex;
  /** How many finished runs of an application are kept. */
  readonly runHistoryLimit: () => number;
  readonly runs: Informer<SyncRun>;
  readonly ring: (run: SyncRun) => void;
}

// Everything is triggered by events; this only bounds the harm of one that was lost.
const SAFETY_SCAN_MS = 30_000;
const FORGET_MS = 30_000;

/** Rings for what the ledger says is unfinished: at start, when the queue is back, and now and then. */
export class Outbox implements Service {
  readonly name = 'outbox';
  readonly #options: OutboxOptions;

  constructor(options: OutboxOptions) {
    this.#options = options;
  }

  /** Rings for every unfinished run. */
  scan(): void {
    for (const run of unfinishedRuns(this.#options.runs, this.#options.namespace)) this.#options.ring(run);
  }

  async run(signal: AbortSignal): Promise<void> {
    await this.#options.runs.waitForSync(signal).catch(() => undefined); // Aborted: the loop below does not begin.
    while (!signal.aborted) {
      this.scan();
      await this.#publishLeftovers(signal);
      await this.#forget(signal);
      await this.#options.clock.sleep(SAFETY_SCAN_MS, signal).catch(() => undefined); // Aborted: the loop ends.
    }
  }

  /** Deletes the runs of one application that need not be kept: called when one of them has ended. */
  forget(instance: string): void {
    const { applications, client, logger, runs, runHistoryLimit } = this.#options;
    const application = applications.get(instance);
    const expired = expiredRuns(runsOf(instance, runs), new Map(application === undefined ? [] : [[instance, application]]), runHistoryLimit());
    if (expired.length === 0) return;
    // Whatever fails here is tried again by the next scan.
    deleteRuns(expired, client, AbortSignal.timeout(FORGET_MS)).catch((error: unknown) => logger.info({ err: error }, 'old runs could not be deleted'));
  }

  async #forget(signal: AbortSignal): Promise<void> {
    const { applications, client, logger, namespace, runs, runHistoryLimit } = this.#options;
    const byName = new Map(applications.list().map((application) => [applications.nameOf(application), application]));
    await deleteRuns(expiredRuns(runs.list(namespace), byName, runHistoryLimit()), client, signal).catch((error: unknown) => {
      if (!signal.aborted) logger.info({ err: error }, 'old runs could not be deleted');
    });
  }

  // A process that died between the end of a run and the Application's status left the latter behind.
  async #publishLeftovers(signal: AbortSignal): Promise<void> {
    const { applications, runs, namespace, logger } = this.#options;
    for (const stored of applications.list()) {
      // Only two fields of our own status are read.
      const state = (stored as Application).status?.operationState;
      if (state?.run === undefined || state.finishedAt !== undefined) continue;
      const run = runs.get(state.run, namespace);
      if (run === undefined || !isFinished(run)) continue;
      await publishRun(run, run.status?.tasks ?? [], this.#options, signal).catch((error: unknown) => {
        if (!signal.aborted) logger.warn({ application: stored.metadata.name, err: error }, 'result of a run could not be published');
      });
    }
  }
}

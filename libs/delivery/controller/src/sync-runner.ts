import { checkResource, parseApplication, type Application, type SyncRun, type TaskResult } from '@tiphys/delivery-applications';
import type { JobOutcome, SyncJob } from '@tiphys/delivery-queue';
import { perform, planSync, printablePlan, type Failpoint, type PerformOutcome, type SyncPlan } from '@tiphys/delivery-sync';
import { abortReason, isAbortError, toTimestamp, withTimeout, type Clock, type Logger } from '@tiphys/kernel';
import type { KubeClient } from '@tiphys/kube-client';
import { isStatus, refOf, type KubeObject } from '@tiphys/kube-model';
import { claimRun, isSuperseded, latestRevisions, type ClaimDeps } from './claim.ts';
import type { Cluster } from './cluster.ts';
import { retryDelay } from './decide-auto-sync.ts';
import { DeliveryError } from './delivery-error.ts';
import { compareRendered, FIELD_MANAGER, gatherFailure, renderSources, resolveTarget, type Evidence, type GatherDeps } from './gather.ts';
import { isFixedRevision, resolveSources } from './revisions.ts';
import { planMoved, planRequest, SHOWN_PLAN } from './plan-request.ts';
import { publishRun } from './publish-run.ts';
import { RunLedger } from './run-ledger.ts';

/** What running syncs needs. */
export interface SyncRunnerDeps extends GatherDeps {
  readonly client: KubeClient;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly identity: string;
  readonly failpoint?: Failpoint;
  /** The application should be looked at again. */
  readonly onSettled: (application: string) => void;
}

const RELEASE_MS = 1_000;
const MAX_PLANNED_TASKS = 1_000;

/** Claims runs and performs them. What a killed process left behind is picked up where its ledger ends. */
export class SyncRunner {
  readonly #deps: SyncRunnerDeps;
  readonly #working = new Map<string, AbortController>();

  constructor(deps: SyncRunnerDeps) {
    this.#deps = deps;
  }

  /** Ends a run this process works on. */
  terminate(runId: string): void {
    this.#working.get(runId)?.abort(new DeliveryError({ code: 'terminated' }, 'operation terminated by a person'));
  }

  /** Handles one ring of the queue. */
  async handle({ runId }: SyncJob, signal: AbortSignal): Promise<JobOutcome> {
    if (this.#working.has(runId)) return { kind: 'done' };
    await this.#deps.failpoint?.('sync.beforeClaim');
    const claimDeps: ClaimDeps = { ...this.#deps, isWorkingOn: (name) => this.#working.has(name) };
    const stop = new AbortController();
    this.#working.set(runId, stop);
    try {
      const claim = await claimRun(runId, { ...claimDeps, isWorkingOn: () => false }, signal);
      if (claim.kind === 'gone') return { kind: 'done' };
      if (claim.kind === 'busy') return { kind: 'retryAfter', afterMs: claim.afterMs };
      await this.#deps.failpoint?.('sync.afterClaim');
      return await this.#work(claim.run, claim.application, stop, AbortSignal.any([signal, stop.signal]));
    } catch (error) {
      if (error instanceof DeliveryError && error.code === 'fenced') return { kind: 'done' };
      throw error;
    } finally {
      this.#working.delete(runId);
    }
  }

  async #work(run: SyncRun, application: Application, stop: AbortController, signal: AbortSignal): Promise<JobOutcome> {
    const end = new AbortController();
    const onTerminate = (): void => stop.abort(new DeliveryError({ code: 'terminated' }, 'operation terminated by a person'));
    // Written with a signal of its own: a terminated run still has to say so.
    const ledger = new RunLedger(run, { ...this.#deps, onTerminate }, end.signal);
    const lease = ledger.keepLease(end.signal).catch((error: unknown) => {
      if (!isAbortError(error)) stop.abort(error);
    });
    try {
      if (run.spec.terminate === true) onTerminate();
      const outcome = supersededAttempt(run, application) ?? (await this.#attempt(ledger, application, signal));
      return await this.#settle(ledger, application, outcome, end.signal);
    } catch (error) {
      const isFenced = error instanceof DeliveryError && error.code === 'fenced';
      // The process stops in good order: the next controller may take over at once.
      if (signal.aborted && !isFenced) await withTimeout('run: being released', RELEASE_MS, end.signal, () => ledger.release()).catch(() => undefined);
      throw error;
    } finally {
      end.abort();
      await lease;
    }
  }

  // Ends in an outcome unless the process stops or the run was taken over: then nothing more may be written.
  async #attempt(ledger: RunLedger, application: Application, signal: AbortSignal): Promise<Attempt> {
    try {
      signal.throwIfAborted();
      const evidence = await this.#gather(ledger, application, signal);
      const plan = await this.#plan(ledger.run, application, evidence, signal);
      const planned = printablePlan(plan);
      ledger.update({
        revisions: evidence.revisions,
        plan: { hash: plan.hash, tasks: planned.slice(0, MAX_PLANNED_TASKS), ...(planned.length > MAX_PLANNED_TASKS ? { truncated: true } : {}) },
      });
      const outcome = await this.#perform(ledger, plan, evidence, signal);
      return { ...outcome, revisions: evidence.revisions };
    } catch (error) {
      const reason = signal.aborted ? abortReason(signal) : error;
      if (reason instanceof DeliveryError && reason.code === 'terminated')
        return { phase: 'Failed', message: reason.message, results: ledger.run.status?.tasks ?? [], revisions: undefined, isFinal: true };
      if (signal.aborted || (reason instanceof DeliveryError && reason.code === 'fenced')) throw reason;
      this.#deps.logger.info({ application: application.metadata.name, run: ledger.run.metadata.name, err: error }, 'run failed');
      return { phase: 'Error', message: gatherFailure(error), results: ledger.run.status?.tasks ?? [], revisions: undefined };
    }
  }

  async #gather(ledger: RunLedger, stored: Application, signal: AbortSignal): Promise<Evidence> {
    const parsed = parseApplication(stored);
    if (parsed.kind === 'invalid') throw new DeliveryError({ code: 'invalidSpec' }, parsed.problems.join('; '));
    const application = parsed.value;
    const { sources, revisions } = ledger.run.spec;
    const known = ledger.run.status?.revisions ?? revisions;
    const isResolved =
      known.length === sources.length && known.every((revision, index) => sources[index] !== undefined && isFixedRevision(sources[index], revision));
    // Without a commit each, the names are resolved now and kept: a second start deploys the same.
    const commits = isResolved
      ? known
      : resolveSources(
          sources.map((source, index) => ({ ...source, targetRevision: known[index] ?? source.targetRevision ?? '' })),
          this.#deps,
        );
    const target = resolveTarget(application, this.#deps);
    const rendered = await renderSources(application, { sources, revisions: commits }, target.cluster, this.#deps, { signal });
    if (rendered.problems.length > 0) throw new DeliveryError({ code: 'renderIncomplete' }, rendered.problems.join('; '));
    return compareRendered(application, rendered, target, this.#deps, signal);
  }

  async #plan(run: SyncRun, application: Application, evidence: Evidence, signal: AbortSignal): Promise<SyncPlan> {
    const { options, cause } = run.spec;
    const attempt = run.status?.attempt ?? 0;
    // Each attempt has hooks of its own; a second start of one attempt finds the hooks of the first.
    const runId = attempt === 0 ? (run.metadata.name ?? '') : `${run.metadata.name ?? ''}#${attempt}`;
    const isUntouched = (run.status?.tasks ?? []).length === 0 && attempt === 0;
    if (options.planHash !== undefined && isUntouched) {
      const shown = planSync(await planRequest({ application, runId: SHOWN_PLAN, options, cause, evidence }, signal));
      if (shown.hash !== options.planHash) throw planMoved(application.metadata.name ?? '', shown.hash);
    }
    return planSync(await planRequest({ application, runId, options, cause, evidence }, signal));
  }

  async #perform(ledger: RunLedger, plan: SyncPlan, { cluster, project }: Evidence, signal: AbortSignal): Promise<PerformOutcome> {
    const { clock, logger, failpoint } = this.#deps;
    const done = new Map((ledger.run.status?.tasks ?? []).map((task) => [task.id, task]));
    return perform(
      plan,
      { done, dryRun: ledger.run.spec.options.dryRun === true },
      {
        client: noting(cluster),
        kinds: cluster.kinds,
        clock,
        logger,
        manager: FIELD_MANAGER,
        check: (ref, namespaced) => checkResource(project, ref, namespaced, cluster),
        ledger,
        ...(failpoint === undefined ? {} : { failpoint }),
      },
      signal,
    );
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
    await this.#publish(ledger.run, attempt, signal);
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

interface Attempt {
  readonly phase: 'Succeeded' | 'Failed' | 'Error';
  readonly message: string;
  readonly results: readonly TaskResult[];
  readonly revisions: readonly string[] | undefined;
  /** No further attempt, whatever the retry policy says. */
  readonly isFinal?: boolean;
}

// A further attempt that newer commits make pointless; the first is always made.
function supersededAttempt(run: SyncRun, application: Application): Attempt | undefined {
  if ((run.status?.attempt ?? 0) === 0 || !isSuperseded(run, latestRevisions(application))) return undefined;
  const [last = ''] = (run.status?.message ?? '').split('; next attempt in ');
  return { phase: 'Failed', message: `${last}; given up for a newer commit`, results: run.status?.tasks ?? [], revisions: undefined, isFinal: true };
}

// The cache learns what we wrote, so that no decision is made on what it knew before.
function noting(cluster: Cluster): KubeClient {
  const { client } = cluster;
  const noted = async <T extends KubeObject>(answer: Promise<T>, dryRun: boolean | undefined): Promise<T> => {
    const object = await answer;
    if (dryRun !== true && object.metadata.resourceVersion !== undefined && refOf(object).name !== '') cluster.noteWrite(object);
    return object;
  };
  return {
    server: client.server,
    get: (type, key, options) => client.get(type, key, options),
    list: (type, options) => client.list(type, options),
    watch: (type, options) => client.watch(type, options),
    raw: (request) => client.raw(request),
    delete: (type, key, options) => client.delete(type, key, options),
    close: () => client.close(),
    create: (type, object, options) => noted(client.create(type, object, options), options.dryRun),
    update: (type, object, options) => noted(client.update(type, object, options), options.dryRun),
    patch: (type, key, patch, options) => noted(client.patch(type, key, patch, options), options.dryRun),
  };
}

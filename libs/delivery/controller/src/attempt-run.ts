import { parseApplication, type Application, type SyncRun, type TaskResult } from '@tiphys/delivery-applications';
import { abandonHooks, perform, planSync, printablePlan, type Failpoint, type PerformDeps, type SyncPlan } from '@tiphys/delivery-sync';
import { abortReason, withTimeout, type Clock, type Logger } from '@tiphys/kernel';
import type { KubeClient } from '@tiphys/kube-client';
import { checkNow } from './check-resource.ts';
import { waitForApproval } from './deletion-approval.ts';
import { DeliveryError } from './delivery-error.ts';
import { compareRendered, FIELD_MANAGER, gatherFailure, renderLocal, renderSources, resolveTarget, type Evidence, type GatherDeps } from './gather.ts';
import { earlierApplierOf } from './live-objects.ts';
import { mustAdmitManifests, readLocalManifests } from './local-manifests.ts';
import { notingClient } from './noting-client.ts';
import { planMoved, planRequest, SHOWN_PLAN } from './plan-request.ts';
import { writerFor } from './projects.ts';
import { isFixedRevision, resolveSources } from './revisions.ts';
import type { RunLedger } from './run-ledger.ts';
import { sharedObjects } from './shared-objects.ts';
import { demandsSignatures } from './source-integrity.ts';
import { waitForWindow } from './window-wait.ts';

/** What one attempt of a run needs. */
export interface AttemptDeps extends GatherDeps {
  readonly client: KubeClient;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly failpoint?: Failpoint;
  readonly applicationExists: (application: string) => boolean;
}

/** How an attempt ended. */
export interface Attempt {
  readonly phase: 'Succeeded' | 'Failed' | 'Error';
  readonly message: string;
  readonly results: readonly TaskResult[];
  readonly revisions: readonly string[] | undefined;
  /** No further attempt, whatever the retry policy says. */
  readonly isFinal?: boolean;
}

/** One attempt under way. */
export interface AttemptContext {
  readonly ledger: RunLedger;
  readonly application: Application;
  /** Aborts when the process stops, the run is terminated or was taken over. */
  readonly signal: AbortSignal;
  /** Aborts when a newer commit makes waiting pointless. */
  readonly superseded: AbortSignal;
}

const MAX_PLANNED_TASKS = 1_000;
const ABANDON_MS = 30_000;

/**
 * Gathers, plans and performs once. Ends in an outcome unless the process stops, the run was taken over (then nothing more may
 * be written) or its evidence is still being gathered (DeliveryError `notReady`).
 */
export async function attemptRun(context: AttemptContext, deps: AttemptDeps): Promise<Attempt> {
  const { ledger, signal } = context;
  const results = (): readonly TaskResult[] => ledger.tasks;
  let under: { readonly plan: SyncPlan; readonly performing: PerformDeps } | undefined;
  try {
    signal.throwIfAborted();
    const evidence = await gatherForRun(context, deps);
    await deps.failpoint?.('sync.rendered');
    const plan = await planOf(context, evidence, deps);
    const planned = printablePlan(plan);
    ledger.update({
      revisions: evidence.revisions,
      plan: { hash: plan.hash, tasks: planned.slice(0, MAX_PLANNED_TASKS), ...(planned.length > MAX_PLANNED_TASKS ? { truncated: true } : {}) },
    });
    await deps.failpoint?.('sync.planned');
    const performing = performDeps(context, evidence, deps);
    under = { plan, performing };
    const done = new Map((ledger.run.status?.tasks ?? []).map((task) => [task.id, task]));
    const outcome = await perform(plan, { done, dryRun: ledger.run.spec.options.dryRun === true }, performing, signal);
    return { ...outcome, revisions: evidence.revisions, ...(outcome.superseded === true ? { isFinal: true } : {}) };
  } catch (error) {
    const reason = signal.aborted ? abortReason(signal) : error;
    if (reason instanceof DeliveryError && reason.code === 'terminated') {
      if (under !== undefined) await abandon(under, results(), deps);
      return { phase: 'Failed', message: reason.message, results: results(), revisions: undefined, isFinal: true };
    }
    if (signal.aborted || (reason instanceof DeliveryError && (reason.code === 'fenced' || reason.code === 'notReady'))) throw reason;
    deps.logger.info({ application: context.application.metadata.name, run: ledger.run.metadata.name, err: error }, 'run failed');
    return { phase: 'Error', message: gatherFailure(error), results: results(), revisions: undefined };
  }
}

// Nobody waits for the hooks of a terminated run any more: they end with it.
async function abandon(under: { readonly plan: SyncPlan; readonly performing: PerformDeps }, results: readonly TaskResult[], deps: AttemptDeps): Promise<void> {
  await withTimeout('hooks: being ended', ABANDON_MS, new AbortController().signal, (signal) =>
    abandonHooks(under.plan, results, under.performing, signal),
  ).catch((error: unknown) => deps.logger.warn({ err: error }, 'hooks of a terminated run are left behind'));
}

async function gatherForRun({ ledger, application: stored, signal }: AttemptContext, deps: AttemptDeps): Promise<Evidence> {
  const parsed = parseApplication(stored);
  if (parsed.kind === 'invalid') throw new DeliveryError({ code: 'invalidSpec' }, parsed.problems.join('; '));
  const application = parsed.value;
  const { sources, options } = ledger.run.spec;
  mustAdmitManifests(application, options);
  const target = resolveTarget(application, deps);
  if (options.manifests !== undefined && demandsSignatures(target.project))
    throw new DeliveryError(
      { code: 'invalidSpec' },
      `project '${target.project.metadata.name ?? ''}' takes only signed sources: manifests of a request are none`,
    );
  await waitForWindow({ ledger, application, target, isBegun: (ledger.run.status?.tasks ?? []).length > 0 }, deps, signal);
  const revisions = commitsOf(ledger.run, deps);
  const rendered =
    options.manifests === undefined
      ? await renderSources(application, { sources, revisions }, target, deps, { signal })
      : await renderLocal(application, { ...readLocalManifests(options.manifests), revisions }, target, deps, signal);
  if (rendered.problems.length > 0) throw new DeliveryError({ code: 'renderIncomplete' }, rendered.problems.join('; '));
  return compareRendered(application, rendered, target, deps, signal);
}

// Without a commit each, the names are resolved now and kept: a second start deploys the same. A further attempt that is to follow its names does so until it writes.
function commitsOf(run: SyncRun, deps: AttemptDeps): readonly string[] {
  const { sources, revisions, targetRevisions } = run.spec;
  const { attempt = 0, tasks = [], revisions: resolved = revisions } = run.status ?? {};
  const known = attempt > 0 && tasks.length === 0 ? (targetRevisions ?? resolved) : resolved;
  const isResolved =
    known.length === sources.length && known.every((revision, index) => sources[index] !== undefined && isFixedRevision(sources[index], revision));
  if (isResolved) return known;
  const wanted = sources.map((source, index) => ({ ...source, targetRevision: known[index] ?? source.targetRevision ?? '' }));
  return resolveSources(wanted, deps);
}

async function planOf({ ledger, application, signal }: AttemptContext, evidence: Evidence, deps: AttemptDeps): Promise<SyncPlan> {
  const { run } = ledger;
  const { options, cause } = run.spec;
  const attempt = run.status?.attempt ?? 0;
  // Each attempt has hooks of its own; a second start of one attempt finds the hooks of the first.
  const runId = attempt === 0 ? (run.metadata.name ?? '') : `${run.metadata.name ?? ''}#${attempt}`;
  const instance = run.spec.application;
  const subject = { application, instance, options, cause, evidence, pruneBudget: deps.settings().pruneBudget, rules: deps.rules };
  const request = await planRequest({ ...subject, runId }, signal);
  refuseShared(instance, evidence, request.syncOptions.failOnSharedResource, deps);
  const isUntouched = (run.status?.tasks ?? []).length === 0 && attempt === 0;
  if (options.planHash !== undefined && isUntouched) {
    const shown = planSync(await planRequest({ ...subject, runId: SHOWN_PLAN }, signal));
    if (shown.hash !== options.planHash) throw planMoved(instance, shown.hash);
  }
  return planSync(request);
}

function refuseShared(instance: string, { comparison }: Evidence, isRefused: boolean, { applicationExists }: AttemptDeps): void {
  if (!isRefused) return;
  const shared = [...sharedObjects(instance, comparison, applicationExists).values()];
  if (shared.length === 0) return;
  throw new DeliveryError({ code: 'sharedResource' }, `shared resource found: ${shared.slice(0, 3).join('; ')}`, {
    hint: 'remove it from one of the applications, or drop the sync option FailOnSharedResource',
  });
}

function performDeps({ ledger, application, superseded }: AttemptContext, { cluster, project }: Evidence, deps: AttemptDeps): PerformDeps {
  const { clock, logger, rules, failpoint } = deps;
  return {
    client: notingClient(cluster, writerFor(application, project, cluster, deps)),
    kinds: cluster.kinds,
    clock,
    logger,
    manager: FIELD_MANAGER,
    earlierApplier: earlierApplierOf(application),
    schemaFor: (apiVersion, kind) => cluster.schemaFor(apiVersion, kind),
    check: checkNow(application, cluster, deps),
    assess: rules.health.judge,
    ledger,
    approval: (signal) => waitForApproval(application, ledger.run.status?.startedAt ?? '', deps, signal),
    superseded,
    mayGoOn: (signal) => waitForWindow({ ledger, application, target: { project, cluster }, isBegun: true }, deps, signal),
    ...(failpoint === undefined ? {} : { failpoint }),
  };
}

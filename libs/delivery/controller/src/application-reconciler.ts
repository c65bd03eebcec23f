import {
  applicationOf,
  applicationType,
  isAutomated,
  isFinished,
  parseApplication,
  PIN_ANNOTATION,
  pinOf,
  sourcesOf,
  type Application,
  type ApplicationCondition,
  type ApplicationSource,
  type Pin,
  type SyncRun,
} from '@tiphys/delivery-applications';
import type { Comparison } from '@tiphys/delivery-diff';
import { isAbortError, messageOf, toTimestamp, type Clock, type Logger } from '@tiphys/kernel';
import type { KubeClient, Lister } from '@tiphys/kube-client';
import { describeRef, isStatus, refKey, type KubeObject } from '@tiphys/kube-model';
import { hasChanged, observedStatus, type Observation } from './application-status.ts';
import { deleteManaged } from './cascade-delete.ts';
import { isSuperseded } from './claim.ts';
import { decideAutoSync } from './decide-auto-sync.ts';
import { DeliveryError } from './delivery-error.ts';
import { attemptKey, compareRendered, gatherFailure, renderSources, resolveTarget, type Evidence, type GatherDeps } from './gather.ts';
import { resolveSources } from './revisions.ts';
import { createRun, requestOf, runsOf } from './runs.ts';

/** What reconciling applications needs. */
export interface ApplicationReconcilerDeps extends GatherDeps {
  readonly client: KubeClient;
  readonly applications: Lister<KubeObject>;
  readonly runs: Lister<SyncRun>;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly random: () => number;
  /** A run was created: ring for it. */
  readonly onRun: (run: SyncRun) => void;
  /** New evidence about an application. */
  readonly onCompared: (application: string, evidence: Evidence) => void;
}

/** What becomes of the key. */
export type ReconcileResult = { readonly kind: 'done' } | { readonly kind: 'requeueAfter'; readonly afterMs: number };

const DONE: ReconcileResult = { kind: 'done' };
const FINALIZER = 'resources-finalizer.argocd.argoproj.io';
const REFRESH_ANNOTATION = 'argocd.argoproj.io/refresh';
const BEHIND_MS = 15;
const DEFAULT_RETRY_LIMIT = 5;

/** Brings one application's status up to date and decides what automation does next. Level-triggered: it may be killed and repeated anywhere. */
export class ApplicationReconciler {
  readonly #deps: ApplicationReconcilerDeps;
  readonly #hard = new Set<string>();

  constructor(deps: ApplicationReconcilerDeps) {
    this.#deps = deps;
  }

  /** The next reconcile of this application renders anew. */
  markHard(application: string): void {
    this.#hard.add(application);
  }

  async reconcile(name: string, signal: AbortSignal): Promise<ReconcileResult> {
    const { applications, clusters, namespace } = this.#deps;
    const stored = applications.get(name, namespace);
    if (stored === undefined) {
      for (const cluster of clusters.clusters) cluster.setWanted(name, []);
      return DONE;
    }
    const parsed = parseApplication(stored);
    if (parsed.kind === 'invalid') {
      // Only what the status needs is read of an object that is known to be wrong.
      return this.#settle(
        { ...(stored as Application), spec: { ...(stored as Partial<Application>).spec, project: '', destination: {} } },
        failed('InvalidSpecError', `application spec is invalid: ${parsed.problems.join('; ')}`),
        signal,
      );
    }
    const application = parsed.value;
    if (application.metadata.deletionTimestamp !== undefined) return this.#delete(application, signal);
    if (application.operation !== undefined) return this.#accept(application, signal);
    return this.#observe(application, signal);
  }

  async #observe(application: Application, signal: AbortSignal): Promise<ReconcileResult> {
    const name = application.metadata.name ?? '';
    const noCache = this.#hard.delete(name) || application.metadata.annotations?.[REFRESH_ANNOTATION] === 'hard';
    let revisions: readonly string[] | undefined;
    try {
      const target = resolveTarget(application, this.#deps);
      const latest = resolveSources(sourcesOf(application.spec), this.#deps);
      const pin = await this.#pinInForce(application, latest, signal);
      const sources = pin?.sources ?? sourcesOf(application.spec);
      revisions = pin?.revisions ?? latest;
      const rendered = await renderSources(application, { sources, revisions }, target.cluster, this.#deps, { signal, noCache });
      if (rendered.problems.length > 0) throw new DeliveryError({ code: 'renderIncomplete' }, rendered.problems.join('; '));
      const evidence = await compareRendered(application, rendered, target, this.#deps, signal);
      if (!target.cluster.hasCaughtUp(evidence.comparison.resources.map((resource) => resource.ref))) return { kind: 'requeueAfter', afterMs: BEHIND_MS };
      this.#deps.onCompared(name, evidence);
      const shared = this.#sharedWith(name, evidence.comparison);
      const conditions: Observation['conditions'] = [
        ...(evidence.nonDeterministic.length === 0
          ? []
          : [
              {
                type: 'NonDeterministicRenderWarning' as const,
                message: `the chart uses ${evidence.nonDeterministic.join(', ')}, which differ in every render`,
              },
            ]),
        ...evidence.desired.warnings.map((message) => ({ type: 'RepeatedResourceWarning' as const, message })),
        ...[...shared.values()].map((message) => ({ type: 'SharedResourceWarning' as const, message })),
        ...evidence.ruleWarnings.map((message) => ({ type: 'ResourceRuleWarning' as const, message })),
      ];
      return await this.#automate(
        application,
        { sources, revisions, isPinned: pin !== undefined, shared: new Set(shared.keys()) },
        evidence,
        conditions,
        signal,
      );
    } catch (error) {
      if (signal.aborted || isAbortError(error)) throw error;
      if (error instanceof DeliveryError && error.code === 'notReady') return DONE; // The poller rings when it has looked.
      const type = error instanceof DeliveryError && (error.code === 'invalidSpec' || error.code === 'unknownCluster') ? 'InvalidSpecError' : 'ComparisonError';
      await this.#settle(application, { ...failed(type, gatherFailure(error)), revisions }, signal);
      // Bad input waits for the next commit or edit; trouble with the world is tried again.
      return error instanceof DeliveryError ? DONE : { kind: 'requeueAfter', afterMs: 5_000 };
    }
  }

  async #automate(
    application: Application,
    wanted: Wanted,
    evidence: Evidence,
    conditions: Observation['conditions'],
    signal: AbortSignal,
  ): Promise<ReconcileResult> {
    const { clock, runs, onRun } = this.#deps;
    const { sources, revisions, isPinned, shared } = wanted;
    const name = application.metadata.name ?? '';
    const known = runsOf(name, runs);
    const decision = decideAutoSync({
      application,
      comparison: evidence.comparison,
      isComplete: evidence.problems.length === 0,
      attempt: attemptKey(sources, revisions),
      attemptOf: (run) => attemptKey(run.spec.sources, run.status?.revisions ?? run.spec.revisions),
      runs: known,
      isPinned,
      shared,
      nowMs: clock.now(),
    });
    if (decision.kind === 'sync') {
      const automated = application.spec.syncPolicy?.automated;
      const retry = application.spec.syncPolicy?.retry ?? { limit: DEFAULT_RETRY_LIMIT };
      const isHeal = decision.cause === 'self-heal';
      const run = await createRun(
        application,
        {
          cause: decision.cause,
          actor: 'automation',
          sources,
          revisions,
          options: { prune: automated?.prune === true, ...(isHeal ? { skipHooks: true } : { retry }) },
          identity: [
            application.metadata.uid,
            attemptKey(sources, revisions),
            isHeal ? `${driftKey(evidence.comparison)}/${known[0]?.metadata.name ?? ''}` : '',
          ].join('/'),
        },
        this.#deps,
        signal,
      );
      onRun(run);
    }
    const refused: Observation['conditions'] = decision.kind === 'refused' ? [{ type: 'SyncError', message: decision.message }] : [];
    await this.#settle(application, { evidence, revisions, conditions: [...conditions, ...refused] }, signal);
    // Rung before its time it finds that it is superseded, and makes room.
    for (const run of known) if (!isFinished(run) && run.status?.nextAttemptAt !== undefined && isSuperseded(run, revisions)) onRun(run);
    return decision.kind === 'wait' ? { kind: 'requeueAfter', afterMs: decision.afterMs } : DONE;
  }

  // Objects that another existing application tracks, by key, with a sentence each.
  #sharedWith(name: string, comparison: Comparison): ReadonlyMap<string, string> {
    const shared = new Map<string, string>();
    for (const { ref, live, desired } of comparison.resources) {
      const other = live === undefined || desired === undefined ? undefined : applicationOf(live);
      if (other === undefined || other === name || this.#deps.applications.get(other, this.#deps.namespace) === undefined) continue;
      shared.set(refKey(ref), `${describeRef(ref)} is part of applications ${name} and ${other}`);
    }
    return shared;
  }

  // A pin holds while its time runs or no new commit came; then it is taken off and automation goes on.
  async #pinInForce(
    application: Application,
    latest: readonly string[],
    signal: AbortSignal,
  ): Promise<{ readonly sources: readonly ApplicationSource[]; readonly revisions: readonly string[] } | undefined> {
    const pin = pinOf(application);
    if (pin === undefined || !isAutomated(application.spec)) return undefined;
    if (isPinOver(pin, latest, this.#deps.clock.now())) {
      await this.#patch(application, { metadata: { annotations: { [PIN_ANNOTATION]: null } } }, signal);
      return undefined;
    }
    const run = pin.run === undefined ? undefined : this.#deps.runs.get(pin.run, this.#deps.namespace);
    if (run !== undefined) return { sources: run.spec.sources, revisions: run.spec.revisions };
    return { sources: sourcesOf(application.spec), revisions: pin.revision.split(',') };
  }

  // The operation field is a wish from outside: it becomes a run, and then goes.
  async #accept(application: Application, signal: AbortSignal): Promise<ReconcileResult> {
    const { onRun } = this.#deps;
    const { operation, metadata } = application;
    if (operation === undefined) return DONE;
    const sources = sourcesOf(application.spec);
    const revisions = currentRevisions(sources, this.#deps);
    const run = await createRun(
      application,
      { ...requestOf(operation, { sources, revisions }), identity: `${metadata.uid ?? ''}/operation/${metadata.resourceVersion ?? ''}` },
      this.#deps,
      signal,
    );
    onRun(run);
    try {
      await this.#patch(application, { metadata: { resourceVersion: metadata.resourceVersion }, operation: null }, signal);
    } catch (error) {
      if (!isStatus(error, 'Conflict')) throw error;
    }
    return { kind: 'requeueAfter', afterMs: BEHIND_MS };
  }

  async #settle(application: Application, observation: Observation, signal: AbortSignal): Promise<ReconcileResult> {
    const { clock, namespace, rules } = this.#deps;
    const observed = observedStatus(application, observation, clock.now(), namespace, rules.health.assess);
    const isRefresh = application.metadata.annotations?.[REFRESH_ANNOTATION] !== undefined;
    if (!hasChanged(application, observed) && !isRefresh) return DONE;
    const now = toTimestamp(clock.now());
    await this.#patch(
      application,
      { ...(isRefresh ? { metadata: { annotations: { [REFRESH_ANNOTATION]: null } } } : {}), status: { ...observed, reconciledAt: now, observedAt: now } },
      signal,
    );
    return DONE;
  }

  async #delete(application: Application, signal: AbortSignal): Promise<ReconcileResult> {
    const { clusters, clock } = this.#deps;
    const finalizers = application.metadata.finalizers ?? [];
    if (!finalizers.some((finalizer) => finalizer.startsWith(FINALIZER))) return DONE;
    try {
      await deleteManaged(application, clusters.resolve(application.spec.destination), clock, signal);
    } catch (error) {
      signal.throwIfAborted();
      await this.#settle(application, failed('DeletionError', messageOf(error)), signal);
      return { kind: 'requeueAfter', afterMs: 5_000 };
    }
    await this.#patch(
      application,
      { metadata: { resourceVersion: application.metadata.resourceVersion, finalizers: finalizers.filter((finalizer) => !finalizer.startsWith(FINALIZER)) } },
      signal,
    );
    return DONE;
  }

  async #patch(application: Application, patch: object, signal: AbortSignal): Promise<void> {
    const { client, namespace } = this.#deps;
    try {
      await client.patch(applicationType, { name: application.metadata.name ?? '', namespace }, patch, {
        type: 'merge',
        fieldManager: 'tiphys-controller',
        signal,
      });
    } catch (error) {
      if (!isStatus(error, 'NotFound')) throw error;
    }
  }
}

interface Wanted {
  readonly sources: readonly ApplicationSource[];
  readonly revisions: readonly string[];
  readonly isPinned: boolean;
  readonly shared: ReadonlySet<string>;
}

function failed(type: ApplicationCondition['type'], message: string): Observation {
  return { evidence: undefined, revisions: undefined, conditions: [{ type, message }] };
}

/** Whether a pin has ended: its time is over, or the branch moved on from where it stood. */
export function isPinOver(pin: Pin, latest: readonly string[], nowMs: number): boolean {
  return pin.until === 'next-commit' ? latest.join() !== pin.heldRevision : nowMs >= Date.parse(pin.until);
}

/** The commits sources stand for where they are known, else their names: the run resolves those itself. */
export function currentRevisions(sources: readonly ApplicationSource[], deps: Pick<GatherDeps, 'poller'>): readonly string[] {
  return sources.map((source) => {
    try {
      return resolveSources([source], deps)[0] ?? '';
    } catch {
      return source.targetRevision ?? '';
    }
  });
}

// What has drifted to which version: the same drift seen twice is one wish to heal.
function driftKey(comparison: Comparison): string {
  return comparison.resources
    .filter((resource) => resource.status === 'OutOfSync')
    .map(({ ref, live }) => `${ref.kind}/${ref.name}@${live?.metadata.resourceVersion ?? 'gone'}`)
    .join();
}

import { createHash } from 'node:crypto';
import {
  applicationType,
  isFinished,
  parseApplication,
  roleOf,
  sourcesOf,
  type Application,
  type ApplicationCondition,
  type ApplicationSource,
} from '@tiphys/delivery-applications';
import { isAbortError, toTimestamp, type Logger } from '@tiphys/kernel';
import { isStatus, type KubeObject } from '@tiphys/kube-model';
import type { ApplicationDeleter } from './application-deleter.ts';
import type { ApplicationIndex } from './application-index.ts';
import { hasChanged, observedStatus, type Observation } from './application-status.ts';
import { automate, supersede, type AutomationDeps } from './automation.ts';
import { staleSourcesOf, warningsOf } from './conditions.ts';
import { CASCADE_FINALIZER, DELETION_FINALIZERS, withHookFinalizers } from './deletion-finalizers.ts';
import { DeliveryError } from './delivery-error.ts';
import { compareRendered, gatherFailure, renderSources, resolveTarget, type Evidence, type GatherDeps } from './gather.ts';
import { mustAdmitManifests } from './local-manifests.ts';
import { pinState, withoutPin } from './pins.ts';
import { REFRESH_ANNOTATION, refreshAsked } from './refresh-request.ts';
import { currentRevisions, resolveSources } from './revisions.ts';
import { createRun, OPERATION_ANNOTATION, requestOf, runsOf } from './runs.ts';
import { sharedObjects } from './shared-objects.ts';

/** What reconciling applications needs. */
export interface ApplicationReconcilerDeps extends GatherDeps, AutomationDeps {
  readonly applications: ApplicationIndex;
  readonly deleter: ApplicationDeleter;
  readonly logger: Logger;
  /** New evidence about an application. */
  readonly onCompared: (application: string, evidence: Evidence) => void;
  /** Look at an application again after a while. */
  readonly requeue: (application: string, afterMs: number) => void;
}

/** What becomes of the key. */
export type ReconcileResult = { readonly kind: 'done' } | { readonly kind: 'requeueAfter'; readonly afterMs: number };

const DONE: ReconcileResult = { kind: 'done' };
const SKIP_ANNOTATION = 'argocd.argoproj.io/skip-reconcile';
const BEHIND_MS = 15;
const RETRY_MS = 5_000;

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

  async reconcile(instance: string, signal: AbortSignal): Promise<ReconcileResult> {
    const { applications, clusters } = this.#deps;
    const stored = applications.get(instance);
    if (stored === undefined) {
      for (const cluster of clusters.clusters) cluster.setWanted(instance, []);
      return DONE;
    }
    if (stored.metadata.annotations?.[SKIP_ANNOTATION] === 'true') return DONE;
    const parsed = parseApplication(stored);
    if (parsed.kind === 'invalid') {
      // Only what the status needs is read of an object that is known to be wrong.
      const readable = { ...(stored as Application), spec: { ...(stored as Partial<Application>).spec, project: '', destination: {} } };
      if (stored.metadata.deletionTimestamp !== undefined) return this.#delete(instance, readable, signal);
      return this.#settle(readable, failed('InvalidSpecError', `application spec is invalid: ${parsed.problems.join('; ')}`), signal);
    }
    const application = parsed.value;
    if (application.metadata.deletionTimestamp !== undefined) return this.#delete(instance, application, signal);
    // What was stored is compared to when the wish is taken away, so the object as it came is passed on too.
    if (application.operation !== undefined) return this.#accept(instance, stored as Application, application, signal);
    return this.#observe(instance, application, signal);
  }

  async #observe(instance: string, application: Application, signal: AbortSignal): Promise<ReconcileResult> {
    const noCache = this.#hard.delete(instance) || refreshAsked(application) === 'hard';
    let revisions: readonly string[] | undefined;
    try {
      const target = resolveTarget(application, this.#deps);
      if (target.cluster.isSkipped) return DONE;
      const wanted = await this.#wanted(application, signal);
      ({ revisions } = wanted);
      const rendered = await renderSources(application, wanted, target, this.#deps, { signal, noCache });
      if (rendered.problems.length > 0) throw new DeliveryError({ code: 'renderIncomplete' }, rendered.problems.join('; '));
      const evidence = await compareRendered(application, rendered, target, this.#deps, signal);
      if (!target.cluster.hasCaughtUp(evidence.comparison.resources.map((resource) => resource.ref))) return { kind: 'requeueAfter', afterMs: BEHIND_MS };
      this.#deps.onCompared(instance, evidence);
      return await this.#conclude({ ...wanted, instance, application }, evidence, signal);
    } catch (error) {
      if (signal.aborted || isAbortError(error)) throw error;
      if (error instanceof DeliveryError && error.code === 'notReady') return DONE; // Whoever it waits for rings when it is there.
      const type = error instanceof DeliveryError && (error.code === 'invalidSpec' || error.code === 'unknownCluster') ? 'InvalidSpecError' : 'ComparisonError';
      await this.#settle(application, { ...failed(type, gatherFailure(error)), revisions }, signal);
      // Bad input waits for the next commit or edit; trouble with the world is tried again.
      return error instanceof DeliveryError && error.code !== 'unreachable' ? DONE : { kind: 'requeueAfter', afterMs: RETRY_MS };
    }
  }

  // What the sources stand for now, or what a pin holds on to.
  async #wanted(application: Application, signal: AbortSignal): Promise<Pinned> {
    const { clock, runs, namespace } = this.#deps;
    const sources = sourcesOf(application.spec);
    const latest = resolveSources(sources, this.#deps);
    const pin = pinState(application, latest, clock.now(), (name) => runs.get(name, namespace));
    if (pin.kind === 'over') await this.#patch(application, withoutPin, signal);
    return pin.kind === 'holds' ? { sources: pin.sources, revisions: pin.revisions, isPinned: true } : { sources, revisions: latest, isPinned: false };
  }

  async #conclude(
    wanted: Pinned & { readonly instance: string; readonly application: Application },
    evidence: Evidence,
    signal: AbortSignal,
  ): Promise<ReconcileResult> {
    const { application, instance, revisions } = wanted;
    const shared = sharedObjects(instance, evidence.comparison, (other) => this.#deps.applications.get(other) !== undefined);
    await this.#keepHookFinalizers(application, evidence, signal);
    const decision = await automate({ ...wanted, shared: new Set(shared.keys()) }, evidence, this.#deps, signal);
    const refused: Observation['conditions'] = decision.kind === 'refused' ? [{ type: 'SyncError', message: decision.message }] : [];
    const stale = staleSourcesOf(wanted.sources, this.#deps.poller);
    await this.#settle(application, { evidence, revisions, conditions: [...warningsOf(evidence, shared), ...stale, ...refused] }, signal);
    supersede(instance, revisions, this.#deps);
    return decision.kind === 'wait' ? { kind: 'requeueAfter', afterMs: decision.afterMs } : DONE;
  }

  // Hooks of a deletion can only run if the application waits for them: a finalizer each, as long as Git has them.
  async #keepHookFinalizers(application: Application, { desired }: Evidence, signal: AbortSignal): Promise<void> {
    const phases = new Set(desired.objects.map(roleOf).flatMap((role) => (role.kind === 'hook' ? role.phases : [])));
    const finalizers = withHookFinalizers(application.metadata.finalizers ?? [], phases);
    if (finalizers === undefined) return;
    const patch = { metadata: { resourceVersion: application.metadata.resourceVersion, finalizers } };
    await this.#patch(application, patch, signal).catch((error: unknown) => {
      if (!isStatus(error, 'Conflict')) throw error;
      // Written to meanwhile, maybe by ourselves, which is no news: look again soon.
      this.#deps.requeue(this.#deps.applications.nameOf(application), BEHIND_MS);
    });
  }

  // The operation field is a wish from outside: it becomes a run, and then goes.
  async #accept(instance: string, stored: Application, application: Application, signal: AbortSignal): Promise<ReconcileResult> {
    const { onRun, runs } = this.#deps;
    const { operation, metadata } = application;
    if (operation === undefined) return DONE;
    const sources = sourcesOf(application.spec);
    const revisions = currentRevisions(sources, this.#deps);
    const request = requestOf(operation, { sources, revisions });
    const fingerprint = createHash('sha256').update(JSON.stringify(stored.operation)).digest('hex').slice(0, 20);
    try {
      mustAdmitManifests(application, request.options);
      // The wish stays readable until it is taken away: while its run has not ended it is not a second one.
      const known = runsOf(instance, runs).find((run) => !isFinished(run) && run.metadata.annotations?.[OPERATION_ANNOTATION] === fingerprint);
      const identity = `${metadata.uid ?? ''}/operation/${metadata.resourceVersion ?? ''}`;
      onRun(known ?? (await createRun(application, { ...request, identity, annotations: { [OPERATION_ANNOTATION]: fingerprint } }, this.#deps, signal)));
    } catch (error) {
      if (!(error instanceof DeliveryError)) throw error;
      await this.#settle(application, { evidence: undefined, revisions: undefined, conditions: [{ type: 'SyncError', message: error.message }] }, signal);
    }
    const patch = [
      { op: 'test', path: '/operation', value: stored.operation },
      { op: 'remove', path: '/operation' },
    ];
    try {
      await this.#deps.client.patch(applicationType, { name: metadata.name ?? '', namespace: metadata.namespace }, patch, {
        type: 'json',
        fieldManager: 'tiphys-controller',
        signal,
      });
    } catch (error) {
      if (!isStatus(error, 'Conflict', 'Invalid', 'BadRequest', 'NotFound')) throw error; // Another wish has taken its place.
    }
    return { kind: 'requeueAfter', afterMs: BEHIND_MS };
  }

  async #settle(application: Application, observation: Observation, signal: AbortSignal): Promise<ReconcileResult> {
    const { clock, namespace, rules } = this.#deps;
    const observed = observedStatus(application, observation, clock.now(), namespace, rules.health.assess);
    const isRefresh = refreshAsked(application) !== undefined;
    if (!hasChanged(application, observed) && !isRefresh) return DONE;
    const now = toTimestamp(clock.now());
    await this.#patch(
      application,
      { ...(isRefresh ? { metadata: { annotations: { [REFRESH_ANNOTATION]: null } } } : {}), status: { ...observed, reconciledAt: now, observedAt: now } },
      signal,
    );
    return DONE;
  }

  // A deletion may take as long as its slowest object: it goes on by itself, and the worker is free.
  #delete(instance: string, application: Application, signal: AbortSignal): Promise<ReconcileResult> {
    const { deleter, logger, requeue } = this.#deps;
    const finalizers = application.metadata.finalizers ?? [];
    if (!finalizers.some((name) => name.startsWith(CASCADE_FINALIZER) || DELETION_FINALIZERS.includes(name))) return Promise.resolve(DONE);
    const begun = deleter.begin(instance, application, signal);
    void begun
      ?.then(async (outcome) => {
        if (outcome.kind === 'deleted') return;
        await this.#settle(application, failed('DeletionError', outcome.message), signal);
        if (outcome.kind === 'failed') requeue(instance, RETRY_MS);
      })
      .catch((error: unknown) => {
        if (signal.aborted) return;
        logger.warn({ application: instance, err: error }, 'deletion of an application is tried again');
        requeue(instance, RETRY_MS);
      });
    return Promise.resolve(DONE);
  }

  async #patch(application: Application, patch: object, signal: AbortSignal): Promise<void> {
    const { client } = this.#deps;
    const { name = '', namespace } = application.metadata;
    try {
      await client.patch<KubeObject>(applicationType, { name, namespace }, patch, { type: 'merge', fieldManager: 'tiphys-controller', signal });
    } catch (error) {
      if (!isStatus(error, 'NotFound')) throw error;
    }
  }
}

interface Pinned {
  readonly sources: readonly ApplicationSource[];
  readonly revisions: readonly string[];
  readonly isPinned: boolean;
}

function failed(type: ApplicationCondition['type'], message: string): Observation {
  return { evidence: undefined, revisions: undefined, conditions: [{ type, message }] };
}

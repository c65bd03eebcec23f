import {
  applicationType,
  isFinished,
  parseSyncOptions,
  RUN_ANNOTATION,
  sourcesOf,
  syncRunType,
  type Application,
  type SyncRun,
  type TaskResult,
} from '@tiphys/delivery-applications';
import { perform, planDeletionHooks, removeHook, watchUntil, type Failpoint, type SyncLedger, type SyncPlan } from '@tiphys/delivery-sync';
import { messageOf, type Clock, type Logger } from '@tiphys/kernel';
import type { KubeClient, Lister } from '@tiphys/kube-client';
import { fieldAt, formatApiVersion, isStatus, type KubeObject } from '@tiphys/kube-model';
import { deleteManaged, unapprovedDeletions } from './cascade-delete.ts';
import { cascadePolicy, CASCADE_FINALIZER, DELETION_FINALIZERS, POST_DELETE, PRE_DELETE, type HookFinalizers } from './deletion-finalizers.ts';
import { DeliveryError } from './delivery-error.ts';
import { FIELD_MANAGER, gatherFailure, renderSources, resolveTarget, type GatherDeps, type Target } from './gather.ts';
import { checkNow } from './check-resource.ts';
import { notingClient } from './noting-client.ts';
import { projectOf, writerFor } from './projects.ts';
import { currentRevisions } from './revisions.ts';
import { runsOf } from './runs.ts';
import { whenReady } from './when-ready.ts';

/** What deleting applications needs. */
export interface ApplicationDeleterDeps extends GatherDeps {
  readonly client: KubeClient;
  readonly runs: Lister<SyncRun>;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly failpoint?: Failpoint;
}

/** How a deletion went: `waiting` needs a person, `failed` is tried again. */
export type DeletionOutcome = { readonly kind: 'deleted' } | { readonly kind: 'waiting' | 'failed'; readonly message: string };

const CONFLICT_ATTEMPTS = 20;

/**
 * Deletes applications: ends what runs, runs PreDelete hooks, deletes the objects highest wave first, runs PostDelete hooks. Each step
 * ends with its finalizer, so that a second start goes on where the first one ended.
 */
export class ApplicationDeleter {
  readonly #deps: ApplicationDeleterDeps;
  readonly #under = new Set<string>();

  constructor(deps: ApplicationDeleterDeps) {
    this.#deps = deps;
  }

  /** Begins to delete; undefined when this process is at it already. */
  begin(instance: string, application: Application, signal: AbortSignal): Promise<DeletionOutcome> | undefined {
    if (this.#under.has(instance)) return undefined;
    this.#under.add(instance);
    return this.#delete(instance, application, signal).finally(() => this.#under.delete(instance));
  }

  async #delete(instance: string, application: Application, signal: AbortSignal): Promise<DeletionOutcome> {
    try {
      await this.#endRuns(instance, signal);
      return await whenReady(this.#deps.clock, signal, () => this.#deleteInSteps(instance, application, signal));
    } catch (error) {
      signal.throwIfAborted();
      if (error instanceof DeliveryError && error.code === 'unknownCluster') {
        // Nobody can delete there any more: the objects are left to themselves, the application goes.
        await this.#dropFinalizers(application, (name) => name.startsWith(CASCADE_FINALIZER) || DELETION_FINALIZERS.includes(name), signal);
        return { kind: 'deleted' };
      }
      return { kind: 'failed', message: gatherFailure(error) };
    }
  }

  async #deleteInSteps(instance: string, application: Application, signal: AbortSignal): Promise<DeletionOutcome> {
    const finalizers = application.metadata.finalizers ?? [];
    const has = (name: string): boolean => finalizers.includes(name);
    const target = this.#target(application);
    const deletion: Deletion = { instance, application, target };
    // Hooks write: an application that is refused does not run them, whichever of their finalizers it carries.
    if (DELETION_FINALIZERS.some(has)) resolveTarget(application, this.#deps);
    if (has(PRE_DELETE.run) || has(PRE_DELETE.cleanUp)) await this.#hooks(deletion, PRE_DELETE, signal);
    const policy = cascadePolicy(finalizers);
    if (policy !== undefined) {
      const asking = await unapprovedDeletions(instance, application, target.cluster, signal);
      if (asking !== undefined) return { kind: 'waiting', message: `waiting for deletion confirmation of ${asking}: tiphys app confirm-deletion gives it` };
      await deleteManaged({ ...deletion, policy, client: this.#writer(deletion) }, this.#deps, signal);
      await this.#deps.failpoint?.('delete.beforeFinalizer');
      await this.#dropFinalizers(application, (name) => name.startsWith(CASCADE_FINALIZER), signal);
    }
    if (has(POST_DELETE.run) || has(POST_DELETE.cleanUp)) await this.#hooks(deletion, POST_DELETE, signal);
    return { kind: 'deleted' };
  }

  // A project that is gone or has changed must not hold up a deletion; it only cannot permit anything any more.
  #target(application: Application): Target {
    try {
      return resolveTarget(application, this.#deps);
    } catch (error) {
      if (!(error instanceof DeliveryError) || error.code !== 'invalidSpec') throw error;
      return { cluster: this.#deps.clusters.resolve(application.spec.destination), project: projectOf(application, this.#deps) };
    }
  }

  #writer({ application, target }: Deletion): KubeClient {
    return writerFor(application, target.project, target.cluster, this.#deps);
  }

  // A sync that is under way would create again what is being deleted.
  async #endRuns(instance: string, signal: AbortSignal): Promise<void> {
    const { client, clock, runs, namespace } = this.#deps;
    const names = runsOf(instance, runs)
      .filter((run) => !isFinished(run))
      .map((run) => run.metadata.name ?? '');
    for (const name of names) {
      await client
        .patch(syncRunType, { name, namespace }, { spec: { terminate: true } }, { type: 'merge', fieldManager: 'tiphys-controller', signal })
        .catch(ignoreGone);
    }
    const isSettled = (_name: string, object: KubeObject | undefined): boolean => object === undefined || fieldAt(object, 'status', 'finishedAt') !== undefined;
    if (names.length > 0) await watchUntil(client, clock, { type: syncRunType, namespace, names, isSettled }, signal);
  }

  async #hooks(deletion: Deletion, { phase, run, cleanUp }: HookFinalizers, signal: AbortSignal): Promise<void> {
    const { application } = deletion;
    const plan = await this.#hookPlan(deletion, phase, signal);
    if ((application.metadata.finalizers ?? []).includes(run)) {
      const outcome = await perform(withoutRemoval(plan), { done: new Map(), dryRun: false }, this.#performDeps(deletion), signal);
      if (outcome.phase === 'Failed')
        throw new DeliveryError({ code: 'hookFailed' }, `${phase} hook failed: ${outcome.message}`, { hint: 'delete the failed hook to run it again' });
      // Invariant: that the hooks have run is durable before the first of them goes.
      await this.#dropFinalizers(application, (name) => name === run, signal);
    }
    await this.#cleanUp(deletion, plan, signal);
    await this.#dropFinalizers(application, (name) => name === cleanUp, signal);
  }

  async #hookPlan({ instance, application, target }: Deletion, phase: HookFinalizers['phase'], signal: AbortSignal): Promise<SyncPlan> {
    const sources = sourcesOf(application.spec);
    const { sync } = application.status ?? {};
    const known = sync?.revisions ?? (sync?.revision === undefined || sync.revision === '' ? [] : [sync.revision]);
    const revisions = known.length === sources.length ? known : currentRevisions(sources, this.#deps);
    const rendered = await renderSources(application, { sources, revisions }, target, this.#deps, { signal });
    const runId = `${application.metadata.uid ?? instance}/${phase}`;
    const syncOptions = parseSyncOptions(application.spec.syncPolicy?.syncOptions ?? []);
    const request = {
      application: instance,
      runId,
      revision: revisions[0] ?? '',
      desired: rendered.desired.objects,
      syncOptions,
      isJudged: this.#deps.rules.health.isJudged,
    };
    return planDeletionHooks(request, phase);
  }

  #performDeps({ application, target }: Deletion): Parameters<typeof perform>[2] {
    const { clock, logger, rules } = this.#deps;
    const { cluster } = target;
    return {
      client: notingClient(cluster, writerFor(application, target.project, cluster, this.#deps)),
      kinds: cluster.kinds,
      clock,
      logger,
      manager: FIELD_MANAGER,
      schemaFor: (apiVersion, kind) => cluster.schemaFor(apiVersion, kind),
      check: checkNow(application, cluster, this.#deps),
      assess: rules.health.judge,
      ledger: UNRECORDED,
      approval: () => Promise.resolve(),
    };
  }

  async #cleanUp(deletion: Deletion, plan: SyncPlan, signal: AbortSignal): Promise<void> {
    const { cluster } = deletion.target;
    const client = this.#writer(deletion);
    for (const { ref, deletePolicies = [] } of plan.steps.flatMap((step) => step.tasks)) {
      const type = await cluster.kinds.find(formatApiVersion(ref.group, ref.version), ref.kind, signal);
      const live = type === undefined ? undefined : await client.get(type, ref, { signal }).catch(ignoreGone);
      // Only what the hooks of this very deletion have made: another object of the name belongs to others.
      if (type === undefined || live?.metadata.annotations?.[RUN_ANNOTATION] !== plan.runId) continue;
      const isFailed = (await this.#deps.rules.health.judge(live, signal))?.status === 'Degraded';
      if (deletePolicies.includes(isFailed ? 'HookFailed' : 'HookSucceeded')) await removeHook(type, ref, { client, clock: this.#deps.clock }, signal);
    }
  }

  async #dropFinalizers({ metadata }: Application, isDropped: (name: string) => boolean, signal: AbortSignal): Promise<void> {
    const key = { name: metadata.name ?? '', namespace: metadata.namespace };
    for (let attempt = 1; ; attempt += 1) {
      try {
        const live = await this.#deps.client.get(applicationType, key, { signal });
        const { finalizers = [], resourceVersion } = live.metadata;
        if (live.metadata.uid !== metadata.uid || !finalizers.some(isDropped)) return;
        const patch = { metadata: { resourceVersion, finalizers: finalizers.filter((name) => !isDropped(name)) } };
        await this.#deps.client.patch(applicationType, key, patch, { type: 'merge', fieldManager: 'tiphys-controller', signal });
        return;
      } catch (error) {
        if (isStatus(error, 'NotFound')) return;
        if (!isStatus(error, 'Conflict') || attempt >= CONFLICT_ATTEMPTS) throw error;
      }
    }
  }
}

/** A deletion under way. */
interface Deletion {
  readonly instance: string;
  readonly application: Application;
  readonly target: Target;
}

// The finalizers of the application are the record of a deletion.
const UNRECORDED: SyncLedger = {
  note: (_result: TaskResult) => undefined,
  flush: () => Promise.resolve(),
  hold: () => Promise.resolve(),
  say: () => Promise.resolve(),
};

// Hooks are removed once it is on record that they have run, and not before.
function withoutRemoval(plan: SyncPlan): SyncPlan {
  const steps = plan.steps.map((step) => ({
    ...step,
    tasks: step.tasks.map((task) => ({ ...task, deletePolicies: (task.deletePolicies ?? []).filter((policy) => policy === 'BeforeHookCreation') })),
  }));
  return { ...plan, steps };
}

function ignoreGone(error: unknown): undefined {
  if (isStatus(error, 'NotFound')) return undefined;
  throw error instanceof Error ? error : new Error(messageOf(error));
}

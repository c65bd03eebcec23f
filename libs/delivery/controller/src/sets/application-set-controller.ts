import { applicationType, isFinished, parseApplication, type Application, type SyncRun } from '@tiphys/delivery-applications';
import {
  applicationSetType,
  decideChanges,
  decideRollout,
  isOwned,
  isRolling,
  parseApplicationSet,
  type ApplicationSet,
  type SetChanges,
} from '@tiphys/delivery-applicationsets';
import { isAbortError, messageOf, toTimestamp, WorkQueue, type Clock, type Logger, type Service } from '@tiphys/kernel';
import type { Informer, InformerFactory, KubeClient, Lister } from '@tiphys/kube-client';
import { isStatus, type KubeObject } from '@tiphys/kube-model';
import type { ReconcileResult } from '../application-reconciler.ts';
import type { ApplicationIndex } from '../application-index.ts';
import { runsOf } from '../runs.ts';
import { workKeys } from '../work-keys.ts';
import { removeInOrder } from './set-deletion.ts';
import { planSet, type SetPlan } from './set-plan.ts';
import { nextSetStatus, type SetOutcome } from './set-status.ts';
import { setWorld, type SetWorldDeps } from './set-world.ts';

/** What the controller of sets is made of. */
export interface ApplicationSetControllerDeps extends SetWorldDeps {
  readonly client: KubeClient;
  readonly informers: InformerFactory;
  readonly applications: Pick<ApplicationIndex, 'list' | 'nameOf' | 'onEvent' | 'waitForSync'>;
  /** Indexed by the instance name of their application. */
  readonly runs: Pick<Lister<SyncRun>, 'byIndex'>;
  /** Throws where an Application may not be what it wants to be. */
  readonly check: (application: Application) => void;
  /** Tells which repositories the sets look at. */
  readonly onRepositories: (urls: readonly string[]) => void;
  readonly clock: Clock;
  readonly logger: Logger;
}

const WORKERS = 4;
const RETRY_MS = 30_000;
// How long our own write may take to reach the cache.
const BEHIND_MS = 50;
// Generators that nobody rings for are asked again after so long (argo-cd docs: 3 minutes for files, 30 for forges and services).
const REQUEUE_MS: Readonly<Record<string, number>> = {
  git: 180_000,
  clusterDecisionResource: 180_000,
  scmProvider: 1_800_000,
  pullRequest: 1_800_000,
  plugin: 1_800_000,
};

/** Keeps the Applications of every ApplicationSet as the set wants them. A generator that fails changes nothing. */
export class ApplicationSetController implements Service {
  readonly name = 'application-sets';
  readonly #deps: ApplicationSetControllerDeps;
  readonly #sets: Informer;
  readonly #keys: WorkQueue;
  readonly #urls = new Map<string, readonly string[]>();

  constructor(deps: ApplicationSetControllerDeps) {
    this.#deps = deps;
    this.#sets = deps.informers.informer({ type: applicationSetType, namespace: deps.namespace });
    this.#keys = new WorkQueue({ clock: deps.clock, rateLimit: { baseDelayMs: 100, maxDelayMs: 60_000 } });
    this.#sets.onEvent(({ type, object }) => {
      const name = object.metadata.name ?? '';
      if (type === 'deleted') this.#follow(name, []);
      else this.#keys.add(name);
    });
    deps.applications.onEvent(({ object }) => {
      for (const { kind, name } of object.metadata.ownerReferences ?? []) if (kind === 'ApplicationSet') this.#keys.add(name);
    });
  }

  async run(signal: AbortSignal): Promise<void> {
    await Promise.all([this.#sets.waitForSync(signal), this.#deps.applications.waitForSync(signal)]);
    await workKeys(
      { keys: this.#keys, reconciler: { reconcile: (key, inner) => this.#reconcile(key, inner) }, workers: WORKERS, logger: this.#deps.logger },
      signal,
    );
  }

  /** Clusters, credentials or settings changed: every set is looked at. */
  refreshAll(): void {
    for (const { metadata } of this.#sets.list()) this.#keys.add(metadata.name ?? '');
  }

  /** A repository moved: the sets that look at it are. */
  repositoryMoved(repoURL: string): void {
    for (const [name, urls] of this.#urls) if (urls.includes(repoURL)) this.#keys.add(name);
  }

  /** What a set would want, without writing anything. Throws GenerateError, SourceError. */
  preview(set: ApplicationSet, signal: AbortSignal): Promise<SetPlan> {
    return planSet(set, setWorld(set, this.#deps), this.#deps.check, signal);
  }

  async #reconcile(name: string, signal: AbortSignal): Promise<ReconcileResult> {
    const stored = this.#sets.get(name, this.#deps.namespace);
    if (stored === undefined) return { kind: 'done' };
    const parsed = parseApplicationSet(stored);
    if (parsed.kind === 'invalid') {
      // Only its metadata and status are used of what is not a set.
      await this.#settle(stored as ApplicationSet, { failure: parsed.problems.join('; '), problems: [], applications: [] }, signal);
      return { kind: 'done' };
    }
    const set = parsed.value;
    if (set.metadata.deletionTimestamp !== undefined) return removeInOrder(set, this.#existing(set, new Set()), this.#deps.client, signal);
    const world = setWorld(set, this.#deps);
    try {
      const plan = await planSet(set, world, this.#deps.check, signal);
      this.#follow(name, [...world.urls]);
      await this.#perform(set, plan, signal);
      return requeueOf(set);
    } catch (error) {
      signal.throwIfAborted();
      if (isStatus(error, 'Conflict')) return { kind: 'requeueAfter', afterMs: BEHIND_MS };
      if (isAbortError(error) || isStatus(error)) throw error;
      this.#follow(name, [...new Set([...(this.#urls.get(name) ?? []), ...world.urls])]);
      await this.#settle(set, { failure: messageOf(error), problems: [], applications: this.#existing(set, new Set()) }, signal);
      return { kind: 'requeueAfter', afterMs: RETRY_MS };
    }
  }

  async #perform(set: ApplicationSet, plan: SetPlan, signal: AbortSignal): Promise<void> {
    const names = new Set(plan.wanted.map(({ metadata }) => metadata.name ?? ''));
    const existing = this.#existing(set, names);
    const changes = decideChanges({ set, wanted: plan.wanted, existing, unfit: plan.unfit });
    await this.#write(set, changes, signal);
    const removed = new Set(changes.remove.map(({ metadata }) => metadata.uid));
    const left = existing.filter((application) => isOwned(application, set) && !removed.has(application.metadata.uid));
    const rollout = isRolling(set) ? decideRollout(set, left, toTimestamp(this.#deps.clock.now())) : undefined;
    const outcome: SetOutcome = {
      problems: plan.problems,
      applications: left,
      ...(changes.held === undefined ? {} : { held: changes.held }),
      ...(rollout === undefined ? {} : { rollout: rollout.statuses }),
    };
    // What a step began is on record before it begins: another life would not begin it twice.
    await this.#settle(set, outcome, signal);
    for (const application of rollout?.sync ?? []) if (!this.#isAsked(application)) await this.#sync(application, set, signal);
  }

  async #write(set: ApplicationSet, { create, update, remove }: SetChanges, signal: AbortSignal): Promise<void> {
    const { client, logger } = this.#deps;
    const keeps = set.spec.syncPolicy?.preserveResourcesOnDeletion === true;
    for (const application of create) {
      await client.create(applicationType, application, { signal }).catch((error: unknown) => {
        // Our own view may be older than our own write.
        if (!isStatus(error, 'AlreadyExists')) throw error;
      });
    }
    for (const application of update) await client.update(applicationType, application, { signal });
    for (const application of remove) {
      const { name = '', namespace = '' } = application.metadata;
      if (keeps && (application.metadata.finalizers ?? []).length > 0)
        await client.update(applicationType, { ...application, metadata: { ...application.metadata, finalizers: [] } }, { signal });
      logger.info({ applicationSet: set.metadata.name, application: name }, 'application is no longer generated');
      await client.delete(applicationType, { name, namespace }, { signal }).catch((error: unknown) => {
        if (!isStatus(error, 'NotFound')) throw error;
      });
    }
  }

  // A wish that has become a run is not wished again while that is under way.
  #isAsked(application: Application): boolean {
    const { applications, runs } = this.#deps;
    return runsOf(applications.nameOf(application), runs).some((run) => !isFinished(run));
  }

  #sync(application: Application, set: ApplicationSet, signal: AbortSignal): Promise<unknown> {
    const { name = '', namespace = '' } = application.metadata;
    const operation = {
      initiatedBy: { username: 'applicationset-controller', automated: true },
      info: [{ name: 'Reason', value: 'ApplicationSet RollingSync triggered a sync of this Application resource' }],
      retry: application.spec.syncPolicy?.retry ?? { limit: 5 },
      sync: {
        prune: wantsPrune(set),
        ...(application.spec.syncPolicy?.syncOptions === undefined ? {} : { syncOptions: application.spec.syncPolicy.syncOptions }),
      },
    };
    return this.#deps.client.patch(applicationType, { name, namespace }, { operation }, { type: 'merge', signal });
  }

  async #settle(set: ApplicationSet, outcome: SetOutcome, signal: AbortSignal): Promise<void> {
    const status = nextSetStatus(set, outcome, toTimestamp(this.#deps.clock.now()));
    if (status === undefined) return;
    const { name = '', namespace = '' } = set.metadata;
    // Of a view older than our last write nothing follows: a step begun twice would wait for a sync that is over.
    const metadata = { resourceVersion: set.metadata.resourceVersion };
    await this.#deps.client.patch(applicationSetType, { name, namespace }, { metadata, status }, { type: 'merge', signal });
  }

  #existing(set: ApplicationSet, names: ReadonlySet<string>): readonly Application[] {
    return this.#deps.applications.list().flatMap((object: KubeObject) => {
      if (object.metadata.namespace !== set.metadata.namespace) return [];
      const parsed = parseApplication(object);
      // What is no Application any more can still be owned and replaced.
      const application = parsed.kind === 'valid' ? parsed.value : (object as Application);
      return isOwned(application, set) || names.has(object.metadata.name ?? '') ? [application] : [];
    });
  }

  #follow(name: string, urls: readonly string[]): void {
    if (urls.length === 0) this.#urls.delete(name);
    else this.#urls.set(name, urls);
    this.#deps.onRepositories([...new Set([...this.#urls.values()].flat())]);
  }
}

function wantsPrune({ spec }: ApplicationSet): boolean {
  const { syncPolicy } = (spec.template.spec ?? {}) as { readonly syncPolicy?: { readonly automated?: { readonly prune?: boolean } } };
  return syncPolicy?.automated?.prune === true;
}

function requeueOf({ spec }: ApplicationSet): ReconcileResult {
  const found: number[] = [];
  const visit = (value: unknown): void => {
    if (typeof value !== 'object' || value === null) return;
    for (const [kind, body] of Object.entries(value)) {
      if (Object.hasOwn(REQUEUE_MS, kind)) {
        const { requeueAfterSeconds } = body as { readonly requeueAfterSeconds?: number };
        found.push(requeueAfterSeconds === undefined ? (REQUEUE_MS[kind] ?? RETRY_MS) : requeueAfterSeconds * 1000);
      } else if (kind === 'matrix' || kind === 'merge') (body as { readonly generators: readonly unknown[] }).generators.forEach(visit);
    }
  };
  spec.generators.forEach(visit);
  const [soonest] = found.filter((ms) => ms > 0).toSorted((a, b) => a - b);
  return soonest === undefined ? { kind: 'done' } : { kind: 'requeueAfter', afterMs: soonest };
}

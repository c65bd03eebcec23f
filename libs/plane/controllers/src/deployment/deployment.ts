import type { Service, WorkQueue } from '@tiphys/kernel';
import { controllerOf, deepEqual, isStatus, keyOf, parseKey, selectorOf, toKey, type appsv1, type corev1 } from '@tiphys/kube-model';
import type { Informer } from '@tiphys/kube-client';
import { claim } from '../claim.ts';
import { createController, DONE, type ReconcileResult } from '../controller.ts';
import { KINDS, type ControllerDeps } from '../kinds.ts';
import { PendingWrites } from '../pending-writes.ts';
import { isControlledBy } from '../pods.ts';
import { indexByOwner, OWNER_INDEX, orphansAndOwned } from '../replicas.ts';
import { planDeployment, REVISION_ANNOTATION, type DeploymentPlan } from './plan.ts';
import { templateKey } from './rollout.ts';
import { deploymentStatus } from './status.ts';

type Note = { readonly reason: string; readonly message: string } | undefined;

/** Rolls Deployments out: one ReplicaSet per template, exchanged within surge and availability. */
export function createDeploymentController(deps: ControllerDeps): Service {
  return new DeploymentController(deps).service();
}

class DeploymentController {
  readonly #deps: ControllerDeps;
  readonly #deployments: Informer<appsv1.Deployment>;
  readonly #replicaSets: Informer<appsv1.ReplicaSet>;
  readonly #pods: Informer<corev1.Pod>;
  readonly #pending: PendingWrites<appsv1.ReplicaSet>;

  constructor(deps: ControllerDeps) {
    this.#deps = deps;
    this.#deployments = deps.informers.informer({ type: KINDS.deployment });
    this.#replicaSets = deps.informers.informer({ type: KINDS.replicaSet });
    this.#pods = deps.informers.informer({ type: KINDS.pod });
    indexByOwner(this.#replicaSets);
    indexByOwner(this.#pods);
    this.#pending = new PendingWrites(this.#replicaSets);
  }

  service(): Service {
    const { clock, logger } = this.#deps;
    const informers = [this.#deployments, this.#replicaSets, this.#pods];
    return createController({
      name: 'deployment',
      clock,
      logger,
      informers,
      reconcile: (key, signal) => this.reconcile(key, signal),
      subscribe: (queue) => this.#subscribe(queue),
    });
  }

  async reconcile(key: string, signal: AbortSignal): Promise<ReconcileResult> {
    const { name, namespace } = parseKey(key);
    const deployment = this.#deployments.get(name, namespace);
    if (deployment?.spec === undefined) {
      this.#pending.forget(key);
      return DONE;
    }
    if (deployment.metadata.deletionTimestamp !== undefined || !this.#pending.isSettled(key, this.#deps.clock.now())) return DONE;
    const selector = selectorOf(deployment.spec.selector);
    const owned = await claim({
      client: this.#deps.client,
      type: KINDS.replicaSet,
      owner: deployment,
      ownerType: KINDS.deployment,
      selector,
      candidates: orphansAndOwned(this.#replicaSets, deployment, selector),
      signal,
    });
    const collisionCount = deployment.status?.collisionCount;
    const plan = planDeployment({ deployment, replicaSets: owned, hasOldPods: this.#hasOldPods(deployment, owned), collisionCount });
    const { note, collisions } = await this.#perform(key, deployment, plan, signal);
    await this.#writeStatus(deployment, plan, note, collisions ?? collisionCount, signal);
    return this.#requeueAfter(deployment, plan, note);
  }

  // Pods count until their objects are gone; those that have ended by themselves do not hold a Recreate up.
  #hasOldPods(deployment: appsv1.Deployment, owned: readonly appsv1.ReplicaSet[]): boolean {
    const key = templateKey(deployment.spec?.template);
    return owned
      .filter((set) => templateKey(set.spec?.template) !== key)
      .flatMap((set) => this.#pods.byIndex(OWNER_INDEX, set.metadata.uid ?? ''))
      .some((pod) => pod.status?.phase !== 'Succeeded' && pod.status?.phase !== 'Failed');
  }

  async #perform(
    key: string,
    deployment: appsv1.Deployment,
    plan: DeploymentPlan,
    signal: AbortSignal,
  ): Promise<{ readonly note: Note; readonly collisions?: number }> {
    if (plan.create !== undefined) {
      const made = await this.#createSet(key, deployment, plan.create, signal);
      if (typeof made === 'number') return { note: undefined, collisions: made };
    }
    for (const set of plan.update) await this.#deps.client.update(KINDS.replicaSet, set, { signal });
    for (const set of plan.remove) {
      await this.#deps.client.delete(
        KINDS.replicaSet,
        { namespace: set.metadata.namespace, name: set.metadata.name ?? '' },
        { propagationPolicy: 'Background', signal },
      );
    }
    if (plan.revision !== undefined && deployment.metadata.annotations?.[REVISION_ANNOTATION] !== plan.revision) {
      const { namespace, name = '', uid } = deployment.metadata;
      await this.#deps.client.patch(
        KINDS.deployment,
        { namespace, name },
        { metadata: { uid, annotations: { [REVISION_ANNOTATION]: plan.revision } } },
        { type: 'merge', signal },
      );
    }
    const created = plan.create?.metadata.name;
    return { note: created === undefined ? undefined : { reason: 'NewReplicaSetCreated', message: `Created new replica set "${created}"` } };
  }

  // A number is the collision count to go on with: the name is taken by something that is not ours.
  async #createSet(key: string, deployment: appsv1.Deployment, set: appsv1.ReplicaSet, signal: AbortSignal): Promise<number | undefined> {
    try {
      this.#pending.created(key, await this.#deps.client.create(KINDS.replicaSet, set, { signal }), this.#deps.clock.now());
      return undefined;
    } catch (error) {
      if (!isStatus(error, 'AlreadyExists')) throw error;
      const live = await this.#deps.client.get<appsv1.ReplicaSet>(
        KINDS.replicaSet,
        { namespace: set.metadata.namespace, name: set.metadata.name ?? '' },
        { signal },
      );
      if (isControlledBy(live, deployment) && templateKey(live.spec?.template) === templateKey(deployment.spec?.template)) {
        this.#pending.created(key, live, this.#deps.clock.now());
        return undefined;
      }
      return (deployment.status?.collisionCount ?? 0) + 1;
    }
  }

  async #writeStatus(deployment: appsv1.Deployment, plan: DeploymentPlan, note: Note, collisionCount: number | undefined, signal: AbortSignal): Promise<void> {
    const all = [...(plan.newSet === undefined ? [] : [plan.newSet]), ...plan.oldSets];
    const { status } = deploymentStatus({ deployment, newSet: plan.newSet, all, note, collisionCount }, this.#deps.clock.now());
    if (deepEqual(status, deployment.status)) return;
    const { namespace, name = '' } = deployment.metadata;
    // The annotation may just have been written: status is patched on its own, without a version to clash with.
    await this.#deps.client.patch(
      KINDS.deployment,
      { namespace, name },
      { metadata: { uid: deployment.metadata.uid }, status },
      { type: 'merge', subresource: 'status', signal },
    );
  }

  #requeueAfter(deployment: appsv1.Deployment, plan: DeploymentPlan, note: Note): ReconcileResult {
    const all = [...(plan.newSet === undefined ? [] : [plan.newSet]), ...plan.oldSets];
    const { requeueAfterMs } = deploymentStatus(
      { deployment, newSet: plan.newSet, all, note, collisionCount: deployment.status?.collisionCount },
      this.#deps.clock.now(),
    );
    return requeueAfterMs === undefined ? DONE : { requeueAfterMs };
  }

  #subscribe(queue: WorkQueue): readonly (() => void)[] {
    return [
      this.#deployments.onEvent(({ object }) => queue.add(keyOf(object))),
      this.#replicaSets.onEvent(({ object }) => {
        const owner = controllerOf(object);
        if (owner?.kind === 'Deployment') queue.add(toKey({ namespace: object.metadata.namespace, name: owner.name }));
        else if (owner === undefined) for (const deployment of this.#deployments.list(object.metadata.namespace)) queue.add(keyOf(deployment));
      }),
      // Recreate goes on when the last old pod is gone.
      this.#pods.onEvent((event) => {
        const owner = controllerOf(event.object);
        if (event.type === 'added' || owner?.kind !== 'ReplicaSet') return;
        const deployment = controllerOf(this.#replicaSets.get(owner.name, event.object.metadata.namespace) ?? event.object);
        if (deployment?.kind !== 'Deployment') return;
        const live = this.#deployments.get(deployment.name, event.object.metadata.namespace);
        if (live?.spec?.strategy?.type === 'Recreate') queue.add(keyOf(live));
      }),
    ];
  }
}

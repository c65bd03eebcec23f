import { messageOf, type Service } from '@tiphys/kernel';
import { controllerOf, deepEqual, keyOf, parseKey, selectorOf, toKey, type appsv1, type corev1 } from '@tiphys/kube-model';
import type { Lister } from '@tiphys/kube-client';
import { claim } from './claim.ts';
import { createController, DONE, type ReconcileResult } from './controller.ts';
import { KINDS, type ControllerDeps } from './kinds.ts';
import { PendingWrites } from './pending-writes.ts';
import { isActive, podFromTemplate } from './pods.ts';
import { planReplicaSet, replicaSetStatus } from './replica-set-plan.ts';
import { asError, indexByOwner, OWNER_INDEX, orphansAndOwned, slowStart } from './replicas.ts';
import { deleteSame } from './delete-same.ts';

/** Keeps as many pods of a template as each ReplicaSet asks for. */
export function createReplicaSetController(deps: ControllerDeps): Service {
  const { client, informers, clock, logger } = deps;
  const replicaSets = informers.informer<appsv1.ReplicaSet>({ type: KINDS.replicaSet });
  const pods = informers.informer<corev1.Pod>({ type: KINDS.pod });
  indexByOwner(pods);
  const pending = new PendingWrites(pods);

  async function reconcile(key: string, signal: AbortSignal): Promise<ReconcileResult> {
    const { name, namespace } = parseKey(key);
    const replicaSet = replicaSets.get(name, namespace);
    if (replicaSet?.spec === undefined) {
      pending.forget(key);
      return DONE;
    }
    if (!pending.isSettled(key, clock.now())) return DONE;
    const selector = selectorOf(replicaSet.spec.selector);
    const owned = await claim({
      client,
      type: KINDS.pod,
      owner: replicaSet,
      ownerType: KINDS.replicaSet,
      selector,
      candidates: orphansAndOwned(pods, replicaSet, selector),
      signal,
    });
    const active = owned.filter(isActive);
    const plan =
      replicaSet.metadata.deletionTimestamp === undefined
        ? planReplicaSet(replicaSet.spec.replicas ?? 1, active, relatedPods(replicaSet, replicaSets, pods))
        : { kind: 'none' as const };
    let failure: Error | undefined;
    if (plan.kind === 'create') failure = await create(key, replicaSet, plan.count, signal);
    if (plan.kind === 'delete') failure = await remove(key, plan.pods, signal);
    const { status, requeueAfterMs } = replicaSetStatus(replicaSet, active, failure === undefined ? undefined : messageOf(failure), clock.now());
    if (!deepEqual(status, replicaSet.status)) await client.update(KINDS.replicaSet, { ...replicaSet, status }, { subresource: 'status', signal });
    if (failure !== undefined) throw failure;
    return requeueAfterMs === undefined ? DONE : { requeueAfterMs };
  }

  async function create(key: string, replicaSet: appsv1.ReplicaSet, count: number, signal: AbortSignal): Promise<Error | undefined> {
    const template = replicaSet.spec?.template ?? {};
    return slowStart(count, async () => {
      pending.created(key, await client.create<corev1.Pod>(KINDS.pod, podFromTemplate(template, replicaSet), { signal }), clock.now());
    });
  }

  async function remove(key: string, doomed: readonly corev1.Pod[], signal: AbortSignal): Promise<Error | undefined> {
    const results = await Promise.allSettled(
      doomed.map(async (pod) => {
        await deleteSame(client, KINDS.pod, pod, { signal });
        pending.deleted(key, pod, clock.now());
      }),
    );
    const failed = results.find((result) => result.status === 'rejected');
    return failed === undefined ? undefined : asError(failed.reason);
  }

  return createController({
    name: 'replicaset',
    clock,
    logger,
    workers: 8,
    informers: [replicaSets, pods],
    reconcile,
    subscribe: (queue) => [
      replicaSets.onEvent(({ object }) => queue.add(keyOf(object))),
      pods.onEvent(({ object }) => {
        const owner = controllerOf(object);
        if (owner?.kind === 'ReplicaSet') queue.add(toKey({ namespace: object.metadata.namespace, name: owner.name }));
        // An orphan may be wanted by any ReplicaSet of its namespace.
        else if (owner === undefined) for (const replicaSet of replicaSets.list(object.metadata.namespace)) queue.add(keyOf(replicaSet));
      }),
    ],
  });
}

// Pods of sibling ReplicaSets of one Deployment count when a node is judged crowded.
function relatedPods(replicaSet: appsv1.ReplicaSet, replicaSets: Lister<appsv1.ReplicaSet>, pods: Lister<corev1.Pod>): readonly corev1.Pod[] {
  const owner = controllerOf(replicaSet)?.uid;
  const siblings =
    owner === undefined ? [replicaSet] : replicaSets.list(replicaSet.metadata.namespace).filter((candidate) => controllerOf(candidate)?.uid === owner);
  return siblings.flatMap((sibling) => pods.byIndex(OWNER_INDEX, sibling.metadata.uid ?? '')).filter(isActive);
}

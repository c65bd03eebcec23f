import type { Service } from '@tiphys/kernel';
import { builtin, controllerOf, deepEqual, isStatus, keyOf, parseKey, selectorOf, toKey, type appsv1, type corev1 } from '@tiphys/kube-model';
import { claim } from '../claim.ts';
import { createController, DONE, type ReconcileResult } from '../controller.ts';
import { KINDS, type ControllerDeps } from '../kinds.ts';
import { PendingWrites } from '../pending-writes.ts';
import { indexByOwner, orphansAndOwned } from '../replicas.ts';
import { planStatefulSet } from './plan.ts';

const CLAIMS = builtin('v1', 'PersistentVolumeClaim');

/** Keeps the numbered pods of StatefulSets, in order. ControllerRevisions are not kept, so `rollout undo` has no history. */
export function createStatefulSetController(deps: ControllerDeps): Service {
  const { client, informers, clock, logger } = deps;
  const sets = informers.informer<appsv1.StatefulSet>({ type: KINDS.statefulSet });
  const pods = informers.informer<corev1.Pod>({ type: KINDS.pod });
  indexByOwner(pods);
  const pending = new PendingWrites(pods);

  async function reconcile(key: string, signal: AbortSignal): Promise<ReconcileResult> {
    const { name, namespace } = parseKey(key);
    const set = sets.get(name, namespace);
    if (set?.spec === undefined) {
      pending.forget(key);
      return DONE;
    }
    if (set.metadata.deletionTimestamp !== undefined || !pending.isSettled(key, clock.now())) return DONE;
    const selector = selectorOf(set.spec.selector);
    const owned = await claim({
      client,
      type: KINDS.pod,
      owner: set,
      ownerType: KINDS.statefulSet,
      selector,
      candidates: orphansAndOwned(pods, set, selector),
      signal,
    });
    const plan = planStatefulSet(set, owned, clock.now());
    for (const object of plan.claims) await createUnlessThere(() => client.create(CLAIMS, object, { signal }));
    for (const pod of plan.create) pending.created(key, await client.create<corev1.Pod>(KINDS.pod, pod, { signal }), clock.now());
    for (const pod of plan.remove) await removePod(key, pod, signal);
    if (!deepEqual(plan.status, set.status)) await client.update(KINDS.statefulSet, { ...set, status: plan.status }, { subresource: 'status', signal });
    return plan.requeueAfterMs === undefined ? DONE : { requeueAfterMs: plan.requeueAfterMs };
  }

  async function removePod(key: string, pod: corev1.Pod, signal: AbortSignal): Promise<void> {
    const { namespace, name = '', uid } = pod.metadata;
    try {
      await client.delete(KINDS.pod, { namespace, name }, { ...(uid === undefined ? {} : { preconditions: { uid } }), signal });
    } catch (error) {
      if (!isStatus(error, 'NotFound', 'Conflict')) throw error;
    }
    pending.deleted(key, pod, clock.now());
  }

  return createController({
    name: 'statefulset',
    clock,
    logger,
    informers: [sets, pods],
    reconcile,
    subscribe: (queue) => [
      sets.onEvent(({ object }) => queue.add(keyOf(object))),
      pods.onEvent(({ object }) => {
        const owner = controllerOf(object);
        if (owner?.kind === 'StatefulSet') queue.add(toKey({ namespace: object.metadata.namespace, name: owner.name }));
      }),
    ],
  });
}

async function createUnlessThere(create: () => Promise<unknown>): Promise<void> {
  try {
    await create();
  } catch (error) {
    if (!isStatus(error, 'AlreadyExists')) throw error;
  }
}

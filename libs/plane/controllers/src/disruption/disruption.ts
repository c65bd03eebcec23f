import type { Service } from '@tiphys/kernel';
import { controllerOf, deepEqual, keyOf, parseKey, type appsv1, type corev1, type KubeObject, type policyv1 } from '@tiphys/kube-model';
import { createController, DONE, type ReconcileResult } from '../controller.ts';
import { KINDS, type ControllerDeps } from '../kinds.ts';
import { planDisruption, podsOf, type ScaleOf } from './plan.ts';

interface Scaled extends KubeObject {
  readonly spec?: { readonly replicas?: number };
}

/** Tells how many pods each budget lets go of at a time. Evictions count themselves down between two looks. */
export function createDisruptionController({ client, informers, clock, logger }: ControllerDeps): Service {
  const budgets = informers.informer<policyv1.PodDisruptionBudget>({ type: KINDS.podDisruptionBudget });
  const pods = informers.informer<corev1.Pod>({ type: KINDS.pod });
  const replicaSets = informers.informer<appsv1.ReplicaSet>({ type: KINDS.replicaSet });
  const deployments = informers.informer<appsv1.Deployment>({ type: KINDS.deployment });
  const statefulSets = informers.informer<appsv1.StatefulSet>({ type: KINDS.statefulSet });

  // A ReplicaSet of a Deployment stands for it: while it rolls, the Deployment says how many pods there should be.
  const scaleOf: ScaleOf = (pod) => {
    const owner = controllerOf(pod);
    const { namespace } = pod.metadata;
    if (owner?.kind === 'StatefulSet') return scaled(statefulSets.get(owner.name, namespace), owner.uid);
    if (owner?.kind !== 'ReplicaSet') return undefined;
    const set = replicaSets.get(owner.name, namespace);
    const above = set === undefined ? undefined : controllerOf(set);
    return above?.kind === 'Deployment' ? scaled(deployments.get(above.name, namespace), above.uid) : scaled(set, owner.uid);
  };

  async function reconcile(key: string, signal: AbortSignal): Promise<ReconcileResult> {
    const { name, namespace } = parseKey(key);
    const budget = budgets.get(name, namespace);
    if (budget === undefined || budget.metadata.deletionTimestamp !== undefined) return DONE;
    const { status, againInMs } = planDisruption(budget, podsOf(budget, pods.list(namespace)), scaleOf, clock.now());
    if (!deepEqual(status, budget.status)) await client.update(KINDS.podDisruptionBudget, { ...budget, status }, { subresource: 'status', signal });
    return againInMs === undefined ? DONE : { requeueAfterMs: againInMs };
  }

  return createController({
    name: 'disruption',
    clock,
    logger,
    informers: [budgets, pods, replicaSets, deployments, statefulSets],
    reconcile,
    subscribe: (queue) => {
      const touch = ({ object }: { readonly object: KubeObject }): void => {
        for (const budget of budgets.list(object.metadata.namespace)) queue.add(keyOf(budget));
      };
      return [
        budgets.onEvent(({ object }) => queue.add(keyOf(object))),
        pods.onEvent(touch),
        deployments.onEvent(touch),
        replicaSets.onEvent(touch),
        statefulSets.onEvent(touch),
      ];
    },
  });
}

function scaled(object: Scaled | undefined, uid: string): ReturnType<ScaleOf> {
  return object?.metadata.uid === uid ? { uid, replicas: object.spec?.replicas ?? 1 } : undefined;
}

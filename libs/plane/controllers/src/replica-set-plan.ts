import type { appsv1, corev1 } from '@tiphys/kube-model';
import { availableInMs, isReady, withCondition, withoutCondition } from './pods.ts';

/** Pods created or deleted in one reconcile at most (replicaset.BurstReplicas). */
const BURST_REPLICAS = 500;

/** What a ReplicaSet needs to reach its count. */
export type ReplicaSetPlan =
  | { readonly kind: 'none' }
  | { readonly kind: 'create'; readonly count: number }
  | { readonly kind: 'delete'; readonly pods: readonly corev1.Pod[] };

/** Decides how many pods to create, or which to delete. `active` are its own pods that have not ended. Pure. */
export function planReplicaSet(replicas: number, active: readonly corev1.Pod[], related: readonly corev1.Pod[]): ReplicaSetPlan {
  const missing = replicas - active.length;
  if (missing > 0) return { kind: 'create', count: Math.min(missing, BURST_REPLICAS) };
  if (missing === 0) return { kind: 'none' };
  return { kind: 'delete', pods: rankForDeletion(active, related).slice(0, Math.min(-missing, BURST_REPLICAS)) };
}

/** The pods in the order in which they are given up (controller_utils.go ActivePodsWithRanks). */
export function rankForDeletion(pods: readonly corev1.Pod[], related: readonly corev1.Pod[]): readonly corev1.Pod[] {
  const perNode = new Map<string, number>();
  for (const { spec } of related) if (spec?.nodeName !== undefined) perNode.set(spec.nodeName, (perNode.get(spec.nodeName) ?? 0) + 1);
  const rank = (pod: corev1.Pod): readonly number[] => [
    pod.spec?.nodeName === undefined || pod.spec.nodeName === '' ? 0 : 1,
    ({ Pending: 0, Unknown: 1, Running: 2 } as Readonly<Record<string, number>>)[pod.status?.phase ?? 'Pending'] ?? 0,
    isReady(pod) ? 1 : 0,
    Number(pod.metadata.annotations?.['controller.kubernetes.io/pod-deletion-cost'] ?? 0) || 0,
    -(perNode.get(pod.spec?.nodeName ?? '') ?? 0),
    -readySinceMs(pod),
    -Math.max(0, ...(pod.status?.containerStatuses ?? []).map(({ restartCount }) => restartCount)),
    -Date.parse(pod.metadata.creationTimestamp ?? ''),
  ];
  const ranked = pods.map((pod) => ({ pod, rank: rank(pod) }));
  return ranked.toSorted((a, b) => compareRanks(a.rank, b.rank)).map(({ pod }) => pod);
}

function readySinceMs(pod: corev1.Pod): number {
  return Date.parse(pod.status?.conditions?.find(({ type, status }) => type === 'Ready' && status === 'True')?.lastTransitionTime ?? '') || 0;
}

function compareRanks(a: readonly number[], b: readonly number[]): number {
  for (const [index, value] of a.entries()) {
    const difference = value - (b[index] ?? 0);
    if (difference !== 0 && !Number.isNaN(difference)) return difference;
  }
  return 0;
}

/** The status a ReplicaSet should show, and when to look again because a pod becomes available by waiting. */
export function replicaSetStatus(
  replicaSet: appsv1.ReplicaSet,
  active: readonly corev1.Pod[],
  failure: string | undefined,
  nowMs: number,
): { readonly status: appsv1.ReplicaSetStatus; readonly requeueAfterMs: number | undefined } {
  const templateLabels = Object.entries(replicaSet.spec?.template?.metadata?.labels ?? {});
  const waits = active.map((pod) => availableInMs(pod, replicaSet.spec?.minReadySeconds ?? 0, nowMs));
  const pending = waits.filter((wait): wait is number => wait !== undefined && wait > 0);
  const known = replicaSet.status?.conditions ?? [];
  const conditions =
    failure === undefined
      ? withoutCondition(known, 'ReplicaFailure')
      : withCondition(known, { type: 'ReplicaFailure', status: 'True', reason: 'FailedCreate', message: failure }, nowMs);
  return {
    status: {
      replicas: active.length,
      fullyLabeledReplicas: active.filter((pod) => templateLabels.every(([key, value]) => pod.metadata.labels?.[key] === value)).length,
      readyReplicas: active.filter(isReady).length,
      availableReplicas: waits.filter((wait) => wait === 0).length,
      ...(replicaSet.metadata.generation === undefined ? {} : { observedGeneration: replicaSet.metadata.generation }),
      ...(conditions.length === 0 ? {} : { conditions }),
    },
    requeueAfterMs: pending.length === 0 ? undefined : Math.min(...pending) + 1,
  };
}

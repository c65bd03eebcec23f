import type { appsv1 } from '@tiphys/kube-model';
import { canonicalJson, HASH_LABEL } from '../pods.ts';

/** How many pods a rollout may have too many or too few. */
export interface RolloutBounds {
  readonly surge: number;
  readonly unavailable: number;
}

/** The numbers a plan wants a ReplicaSet to have. */
export interface Scale {
  readonly replicaSet: appsv1.ReplicaSet;
  readonly replicas: number;
}

/** The wanted number of pods of a Deployment or ReplicaSet. */
export function replicasOf(object: { readonly spec?: { readonly replicas?: number } }): number {
  return object.spec?.replicas ?? 1;
}

/** Resolves surge (rounded up) and unavailable (rounded down); both 0 means one may be unavailable (deploymentutil ResolveFenceposts). */
export function boundsOf(deployment: appsv1.Deployment): RolloutBounds {
  const replicas = replicasOf(deployment);
  if (deployment.spec?.strategy?.type === 'Recreate') return { surge: 0, unavailable: replicas };
  const { maxSurge = '25%', maxUnavailable = '25%' } = deployment.spec?.strategy?.rollingUpdate ?? {};
  const surge = resolve(maxSurge, replicas, Math.ceil);
  const unavailable = resolve(maxUnavailable, replicas, Math.floor);
  return surge === 0 && unavailable === 0 ? { surge, unavailable: 1 } : { surge, unavailable: Math.min(unavailable, replicas) };
}

function resolve(value: number | string, total: number, round: (value: number) => number): number {
  if (typeof value === 'number') return value;
  const percent = /^(\d+)%$/.exec(value)?.[1];
  return percent === undefined ? Number(value) || 0 : round((Number(percent) * total) / 100);
}

/** The text two templates share exactly when they are the same but for the hash label. */
export function templateKey(template: appsv1.DeploymentSpec['template'] | undefined): string {
  const { [HASH_LABEL]: _hash, ...labels } = template?.metadata?.labels ?? {};
  return canonicalJson({ ...template, metadata: { ...template?.metadata, labels, creationTimestamp: undefined } });
}

/** Oldest first, by creation and then name. */
export function byAge(a: appsv1.ReplicaSet, b: appsv1.ReplicaSet): number {
  const [left, right] = [a.metadata.creationTimestamp ?? '', b.metadata.creationTimestamp ?? ''];
  return left === right ? ((a.metadata.name ?? '') < (b.metadata.name ?? '') ? -1 : 1) : left < right ? -1 : 1;
}

/**
 * The next step of a rolling update: the new ReplicaSet grows as far as surge allows, or the old ones shrink as far as
 * availability allows — unhealthy pods first (pkg/controller/deployment/rolling.go). Empty when nothing may move now.
 */
export function rollingStep(deployment: appsv1.Deployment, newSet: appsv1.ReplicaSet, oldSets: readonly appsv1.ReplicaSet[]): readonly Scale[] {
  const growth = growNew(deployment, newSet, [newSet, ...oldSets]);
  return growth !== undefined ? [growth] : shrinkOld(deployment, newSet, oldSets);
}

function growNew(deployment: appsv1.Deployment, newSet: appsv1.ReplicaSet, all: readonly appsv1.ReplicaSet[]): Scale | undefined {
  const wanted = replicasOf(deployment);
  const has = replicasOf(newSet);
  if (has === wanted) return undefined;
  if (has > wanted) return { replicaSet: newSet, replicas: wanted };
  const room = wanted + boundsOf(deployment).surge - sum(all, replicasOf);
  return room <= 0 ? undefined : { replicaSet: newSet, replicas: has + Math.min(room, wanted - has) };
}

function shrinkOld(deployment: appsv1.Deployment, newSet: appsv1.ReplicaSet, oldSets: readonly appsv1.ReplicaSet[]): readonly Scale[] {
  const oldPods = sum(oldSets, replicasOf);
  if (oldPods === 0) return [];
  const minAvailable = replicasOf(deployment) - boundsOf(deployment).unavailable;
  const newUnavailable = replicasOf(newSet) - availableOf(newSet);
  const mayGo = oldPods + replicasOf(newSet) - minAvailable - newUnavailable;
  if (mayGo <= 0) return [];
  const wanted = new Map(oldSets.map((set) => [set, replicasOf(set)]));
  takeUnhealthy(wanted, mayGo);
  // Healthy pods go only as far as the available ones exceed the minimum.
  let spare = sum([newSet, ...oldSets], availableOf) - minAvailable;
  for (const set of oldSets.toSorted(byAge)) {
    const left = wanted.get(set) ?? 0;
    const go = Math.min(left, Math.max(spare, 0));
    wanted.set(set, left - go);
    spare -= go;
  }
  return [...wanted].filter(([set, replicas]) => replicas !== replicasOf(set)).map(([replicaSet, replicas]) => ({ replicaSet, replicas }));
}

// Pods that are not available cost nothing to give up.
function takeUnhealthy(wanted: Map<appsv1.ReplicaSet, number>, mayGo: number): void {
  let left = mayGo;
  for (const set of [...wanted.keys()].toSorted(byAge)) {
    const go = Math.min(left, Math.max(replicasOf(set) - availableOf(set), 0));
    wanted.set(set, replicasOf(set) - go);
    left -= go;
  }
}

/** The pods of a ReplicaSet that are available, never more than it wants. */
function availableOf(set: appsv1.ReplicaSet): number {
  return Math.min(set.status?.availableReplicas ?? 0, replicasOf(set));
}

function sum<T>(items: readonly T[], of: (item: T) => number): number {
  return items.reduce((total, item) => total + of(item), 0);
}

/** The annotation by which a ReplicaSet remembers the Deployment's size when it was last scaled. */
export const DESIRED_ANNOTATION = 'deployment.kubernetes.io/desired-replicas';
/** The annotation with that size plus surge. */
export const MAX_ANNOTATION = 'deployment.kubernetes.io/max-replicas';

/** Whether the Deployment was scaled since its ReplicaSets were. */
export function isScaling(deployment: appsv1.Deployment, sets: readonly appsv1.ReplicaSet[]): boolean {
  return sets.some((set) => {
    const desired = set.metadata.annotations?.[DESIRED_ANNOTATION];
    return replicasOf(set) > 0 && desired !== undefined && Number(desired) !== replicasOf(deployment);
  });
}

/**
 * Scales in the middle of a rollout, spreading the change over all active ReplicaSets in proportion (sync.go scale).
 * Answers every active one, also when its number stays: its annotations have to follow.
 */
export function proportionalStep(
  deployment: appsv1.Deployment,
  newSet: appsv1.ReplicaSet | undefined,
  oldSets: readonly appsv1.ReplicaSet[],
): readonly Scale[] {
  const all = [...(newSet === undefined ? [] : [newSet]), ...oldSets];
  const active = all.filter((set) => replicasOf(set) > 0);
  const wanted = replicasOf(deployment);
  const [only] = active;
  if (active.length <= 1) {
    const set = only ?? newSet ?? oldSets.toSorted(byAge).at(-1);
    return set === undefined ? [] : [{ replicaSet: set, replicas: wanted }];
  }
  const total = sum(active, replicasOf);
  const allowed = wanted > 0 ? wanted + boundsOf(deployment).surge : 0;
  let left = allowed - total;
  const isGrowing = left > 0;
  const bySize = active.toSorted((a, b) => replicasOf(b) - replicasOf(a) || (isGrowing ? byAge(b, a) : byAge(a, b)));
  const changes = bySize.map((set) => {
    const size = replicasOf(set);
    const before = Number(set.metadata.annotations?.[MAX_ANNOTATION] ?? 0) || replicasOf(deployment);
    const share = Math.round((size * allowed) / before) - size;
    const change = isGrowing ? Math.min(Math.max(share, 0), Math.max(left, 0)) : Math.max(Math.min(share, 0), Math.min(left, 0));
    left -= change;
    return { replicaSet: set, replicas: size + change };
  });
  // What rounding left over goes to the largest.
  return changes.map((change, index) => (index === 0 ? { ...change, replicas: Math.max(change.replicas + left, 0) } : change));
}

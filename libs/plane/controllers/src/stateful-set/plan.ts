import { cloneMutable, type appsv1, type corev1 } from '@tiphys/kube-model';
import { availableInMs, isReady, podFromTemplate, templateHash } from '../pods.ts';

/** The label with the revision a pod was made from. */
const REVISION_LABEL = 'controller-revision-hash';

/** What is to be done for a StatefulSet now. */
export interface StatefulSetPlan {
  readonly create: readonly corev1.Pod[];
  readonly remove: readonly corev1.Pod[];
  readonly claims: readonly corev1.PersistentVolumeClaim[];
  readonly status: appsv1.StatefulSetStatus;
  readonly requeueAfterMs: number | undefined;
}

/** Decides the next step (pkg/controller/statefulset/stateful_set_control.go): one pod at a time in order, unless Parallel. Pure. */
export function planStatefulSet(set: appsv1.StatefulSet, pods: readonly corev1.Pod[], nowMs: number): StatefulSetPlan {
  const replicas = set.spec?.replicas ?? 1;
  const first = set.spec?.ordinals?.start ?? 0;
  const revision = `${set.metadata.name ?? ''}-${templateHash(set.spec?.template, undefined)}`;
  const byOrdinal = new Map(pods.map((pod) => [ordinalOf(set, pod), pod]));
  const wanted = Array.from({ length: replicas }, (_, index) => first + index);
  const condemned = [...byOrdinal]
    .filter(([ordinal]) => ordinal !== undefined && (ordinal < first || ordinal >= first + replicas))
    .toSorted(([a = 0], [b = 0]) => b - a)
    .map(([, pod]) => pod);
  const waits = pods.map((pod) => availableInMs(pod, set.spec?.minReadySeconds ?? 0, nowMs));
  const pending = waits.filter((wait) => wait !== undefined && wait > 0);
  const steps = step(set, { wanted, byOrdinal, condemned, revision, nowMs });
  return {
    ...steps,
    claims: steps.create.flatMap((pod) => claimsOf(set, pod)),
    status: statusOf(set, pods, revision, waits.filter((wait) => wait === 0).length),
    requeueAfterMs: pending.length === 0 ? undefined : Math.min(...pending.map((wait) => wait ?? 0)) + 1,
  };
}

interface Members {
  readonly wanted: readonly number[];
  readonly byOrdinal: ReadonlyMap<number | undefined, corev1.Pod>;
  readonly condemned: readonly corev1.Pod[];
  readonly revision: string;
  readonly nowMs: number;
}

function step(set: appsv1.StatefulSet, members: Members): { readonly create: readonly corev1.Pod[]; readonly remove: readonly corev1.Pod[] } {
  const isParallel = set.spec?.podManagementPolicy === 'Parallel';
  const isHealthy = (pod: corev1.Pod): boolean =>
    pod.metadata.deletionTimestamp === undefined && availableInMs(pod, set.spec?.minReadySeconds ?? 0, members.nowMs) === 0;
  const create: corev1.Pod[] = [];
  const remove: corev1.Pod[] = [];
  for (const ordinal of members.wanted) {
    const pod = members.byOrdinal.get(ordinal);
    if (pod === undefined) create.push(memberOf(set, ordinal, members.revision));
    else if ((pod.status?.phase === 'Failed' || pod.status?.phase === 'Succeeded') && pod.metadata.deletionTimestamp === undefined) remove.push(pod);
    else if (isHealthy(pod)) continue;
    if (!isParallel) return { create, remove };
  }
  if (create.length > 0 || remove.length > 0) return { create, remove };
  const going = members.condemned.filter(({ metadata }) => metadata.deletionTimestamp === undefined);
  if (members.condemned.length > 0) return { create, remove: isParallel ? going : going.length === members.condemned.length ? going.slice(0, 1) : [] };
  return { create, remove: outdated(set, members, isHealthy) };
}

// From the highest ordinal down to the partition, one at a time, and only while those above are healthy.
function outdated(set: appsv1.StatefulSet, { wanted, byOrdinal, revision }: Members, isHealthy: (pod: corev1.Pod) => boolean): readonly corev1.Pod[] {
  if (set.spec?.updateStrategy?.type === 'OnDelete') return [];
  const partition = set.spec?.updateStrategy?.rollingUpdate?.partition ?? 0;
  for (const ordinal of wanted.toReversed()) {
    const pod = byOrdinal.get(ordinal);
    if (ordinal < partition || pod === undefined) return [];
    if (pod.metadata.labels?.[REVISION_LABEL] !== revision) return pod.metadata.deletionTimestamp === undefined ? [pod] : [];
    if (!isHealthy(pod)) return [];
  }
  return [];
}

function ordinalOf(set: appsv1.StatefulSet, pod: corev1.Pod): number | undefined {
  const prefix = `${set.metadata.name ?? ''}-`;
  const text = pod.metadata.name?.startsWith(prefix) === true ? pod.metadata.name.slice(prefix.length) : '';
  return /^\d+$/.test(text) ? Number(text) : undefined;
}

function memberOf(set: appsv1.StatefulSet, ordinal: number, revision: string): corev1.Pod {
  const name = `${set.metadata.name ?? ''}-${ordinal}`;
  const pod = cloneMutable(podFromTemplate(set.spec?.template ?? {}, set, name));
  pod.metadata.labels = {
    ...pod.metadata.labels,
    'statefulset.kubernetes.io/pod-name': name,
    'apps.kubernetes.io/pod-index': String(ordinal),
    [REVISION_LABEL]: revision,
  };
  if (pod.spec === undefined) return pod;
  pod.spec.hostname = name;
  if (set.spec?.serviceName !== undefined && set.spec.serviceName !== '') pod.spec.subdomain = set.spec.serviceName;
  const claimed = (set.spec?.volumeClaimTemplates ?? []).map((template) => template.metadata.name ?? '');
  const volumes = (pod.spec.volumes ?? []).filter((volume) => !claimed.includes(volume.name));
  pod.spec.volumes = [...volumes, ...claimed.map((volume) => ({ name: volume, persistentVolumeClaim: { claimName: `${volume}-${name}` } }))];
  return pod;
}

function claimsOf(set: appsv1.StatefulSet, pod: corev1.Pod): readonly corev1.PersistentVolumeClaim[] {
  return (set.spec?.volumeClaimTemplates ?? []).map((template) => ({
    ...template,
    apiVersion: 'v1',
    kind: 'PersistentVolumeClaim',
    metadata: {
      ...template.metadata,
      name: `${template.metadata.name ?? ''}-${pod.metadata.name ?? ''}`,
      ...(set.metadata.namespace === undefined ? {} : { namespace: set.metadata.namespace }),
      labels: { ...template.metadata.labels, ...set.spec?.selector.matchLabels },
    },
  }));
}

function statusOf(set: appsv1.StatefulSet, pods: readonly corev1.Pod[], revision: string, available: number): appsv1.StatefulSetStatus {
  const live = pods.filter(({ metadata }) => metadata.deletionTimestamp === undefined);
  const updated = live.filter(({ metadata }) => metadata.labels?.[REVISION_LABEL] === revision);
  const known = set.status?.currentRevision ?? revision;
  const isDone = updated.length === (set.spec?.replicas ?? 1) && live.length === updated.length && updated.every(isReady);
  const currentRevision = isDone ? revision : known;
  return {
    ...(set.metadata.generation === undefined ? {} : { observedGeneration: set.metadata.generation }),
    replicas: pods.length,
    readyReplicas: live.filter(isReady).length,
    availableReplicas: available,
    currentReplicas: live.filter(({ metadata }) => metadata.labels?.[REVISION_LABEL] === currentRevision).length,
    updatedReplicas: updated.length,
    currentRevision,
    updateRevision: revision,
    collisionCount: set.status?.collisionCount ?? 0,
  };
}

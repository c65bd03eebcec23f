import { toTimestamp } from '@tiphys/kernel';
import { controllerOf, fnv32a, isStatus, safeEncode, type corev1, type KubeObject, type metav1 } from '@tiphys/kube-model';

/** The label that ties pods and ReplicaSets to one template. */
export const HASH_LABEL = 'pod-template-hash';

/** Whether the pod has neither ended nor been deleted. */
export function isActive(pod: corev1.Pod): boolean {
  return pod.status?.phase !== 'Succeeded' && pod.status?.phase !== 'Failed' && pod.metadata.deletionTimestamp === undefined;
}

/** Whether the pod's Ready condition is true. */
export function isReady(pod: corev1.Pod): boolean {
  return pod.status?.conditions?.some(({ type, status }) => type === 'Ready' && status === 'True') ?? false;
}

/** Milliseconds until the pod counts as available; 0 when it does, undefined when it is not ready. */
export function availableInMs(pod: corev1.Pod, minReadySeconds: number, nowMs: number): number | undefined {
  const ready = pod.status?.conditions?.find(({ type }) => type === 'Ready');
  if (ready?.status !== 'True') return undefined;
  if (minReadySeconds === 0) return 0;
  return Math.max(Date.parse(ready.lastTransitionTime ?? '') + minReadySeconds * 1_000 - nowMs, 0) || 0;
}

/** The owner reference a controller gives to what it makes. */
export function controllerRef(owner: KubeObject): metav1.OwnerReference {
  return {
    apiVersion: owner.apiVersion,
    kind: owner.kind,
    name: owner.metadata.name ?? '',
    uid: owner.metadata.uid ?? '',
    controller: true,
    blockOwnerDeletion: true,
  };
}

/** Whether `owner` controls the object. */
export function isControlledBy(object: KubeObject, owner: KubeObject): boolean {
  return controllerOf(object)?.uid === owner.metadata.uid;
}

/** A pod made from a template, owned by `owner`. Its name is generated from `prefix` unless `name` is given. */
export function podFromTemplate(template: corev1.PodTemplateSpec, owner: KubeObject, name?: string): corev1.Pod {
  const { labels, annotations, finalizers } = template.metadata ?? {};
  const prefix = `${owner.metadata.name ?? ''}-`;
  return {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: {
      ...(name === undefined ? { generateName: prefix } : { name }),
      ...(owner.metadata.namespace === undefined ? {} : { namespace: owner.metadata.namespace }),
      ...(labels === undefined ? {} : { labels }),
      ...(annotations === undefined ? {} : { annotations }),
      ...(finalizers === undefined ? {} : { finalizers }),
      ownerReferences: [controllerRef(owner)],
    },
    ...(template.spec === undefined ? {} : { spec: template.spec }),
  };
}

/** A value's JSON with sorted keys, so that equal values have equal text. */
export function canonicalJson(value: unknown): string {
  return JSON.stringify(value, (_key, field: unknown) =>
    typeof field === 'object' && field !== null && !Array.isArray(field)
      ? Object.fromEntries(Object.entries(field).toSorted(([a], [b]) => (a < b ? -1 : 1)))
      : field,
  );
}

/** The hash of a template: FNV-32a over its canonical form and the collision count, in the alphabet of generated names. */
export function templateHash(template: unknown, collisionCount: number | undefined): string {
  return safeEncode(String(fnv32a(canonicalJson(template) + (collisionCount === undefined ? '' : String(collisionCount)))));
}

interface Condition {
  readonly type: string;
  readonly status: string;
  readonly reason?: string;
  readonly message?: string;
  readonly lastTransitionTime?: string;
}

/** The conditions with one set; its transition time moves only when its status does. An equal condition leaves the list as it is. */
export function withCondition<C extends Condition>(conditions: ReadonlyArray<C>, condition: C, nowMs: number): ReadonlyArray<C> {
  const known = conditions.find(({ type }) => type === condition.type);
  if (known?.status === condition.status && known.reason === condition.reason && known.message === condition.message) return conditions;
  const lastTransitionTime = known?.status === condition.status && known.lastTransitionTime !== undefined ? known.lastTransitionTime : toTimestamp(nowMs);
  const next = { ...condition, lastTransitionTime };
  return known === undefined ? [...conditions, next] : conditions.map((candidate) => (candidate === known ? next : candidate));
}

/** The conditions without one type. */
export function withoutCondition<C extends Condition>(conditions: ReadonlyArray<C>, type: string): ReadonlyArray<C> {
  return conditions.some((condition) => condition.type === type) ? conditions.filter((condition) => condition.type !== type) : conditions;
}

/** Whether a create failed because its namespace is ending: nothing is left to be done there. */
export function isEndingNamespace(error: unknown): boolean {
  if (!isStatus(error, 'Forbidden')) return false;
  return (
    error.message.includes('because it is being terminated') || (error.status.details?.causes?.some(({ reason }) => reason === 'NamespaceTerminating') ?? false)
  );
}

import type { corev1, Mutable, schedulingv1 } from '@tiphys/kube-model';
import type { Core, Scope } from '../core.ts';
import { draftAs, type Draft } from '../draft.ts';
import { forbidden, notFound } from '../failures.ts';
import { parseStored } from '../registry/objects.ts';

const NAMESPACES = { group: '', resource: 'namespaces' };
// Namespaces that outlive every request.
const IMMORTAL: ReadonlySet<string> = new Set(['default', 'kube-system', 'kube-public']);

/** The built-in admission of new objects: what the object may rely on, and what the cluster adds to it. */
export function admitCreate(core: Core, scope: Scope, draft: Draft): void {
  const { served } = scope;
  if (served.namespaced && scope.namespace !== undefined) checkNamespace(core, scope, draft);
  if (served.group !== '' || served.custom !== undefined) return;
  if (served.kind === 'Pod') admitPod(core, scope, draftAs<corev1.Pod>(draft));
  if (served.kind === 'PersistentVolumeClaim') draft.metadata.finalizers = [...new Set([...(draft.metadata.finalizers ?? []), 'kubernetes.io/pvc-protection'])];
  if (served.kind === 'PersistentVolume') draft.metadata.finalizers = [...new Set([...(draft.metadata.finalizers ?? []), 'kubernetes.io/pv-protection'])];
}

// NamespaceLifecycle: nothing is created in a namespace that is absent or going.
function checkNamespace(core: Core, scope: Scope, draft: Draft): void {
  const namespace = scope.namespace ?? '';
  const entry = core.store.get(`/core/namespaces/${namespace}`);
  if (entry === undefined) throw notFound(NAMESPACES, namespace);
  if (parseStored(entry.value).metadata.deletionTimestamp === undefined) return;
  throw forbidden(scope.served, draft.metadata.name ?? '', `unable to create new content in namespace ${namespace} because it is being terminated`, [
    { reason: 'NamespaceTerminating', message: `namespace ${namespace} is being terminated`, field: 'metadata.namespace' },
  ]);
}

/** Refuses to delete what the cluster cannot be without. */
export function admitDelete(scope: Scope, name: string): void {
  if (scope.served.group === '' && scope.served.resource === 'namespaces' && IMMORTAL.has(name))
    throw forbidden(scope.served, name, 'this namespace may not be deleted');
}

function admitPod(core: Core, scope: Scope, pod: Mutable<corev1.Pod>): void {
  const { spec } = pod;
  if (spec === undefined) return;
  spec.serviceAccountName ??= spec.serviceAccount ?? 'default';
  spec.serviceAccount = spec.serviceAccountName;
  admitPriority(core, scope, pod);
  addToleration(spec, 'node.kubernetes.io/not-ready');
  addToleration(spec, 'node.kubernetes.io/unreachable');
}

const EVICTION_DELAY_SECONDS = 300;

// DefaultTolerationSeconds.
function addToleration(spec: Mutable<corev1.PodSpec>, key: string): void {
  const covered = spec.tolerations?.some(
    (toleration) =>
      (toleration.key === key || (toleration.key === undefined && toleration.operator === 'Exists')) &&
      (toleration.effect === undefined || toleration.effect === 'NoExecute'),
  );
  if (covered !== true)
    spec.tolerations = [...(spec.tolerations ?? []), { key, operator: 'Exists', effect: 'NoExecute', tolerationSeconds: EVICTION_DELAY_SECONDS }];
}

// Priority: the class's value, or that of the global default.
function admitPriority(core: Core, scope: Scope, pod: Mutable<corev1.Pod>): void {
  const { spec } = pod;
  if (spec === undefined) return;
  const classes = core.store
    .list({ prefix: '/scheduling.k8s.io/priorityclasses/' })
    .entries.map((entry) => draftAs<schedulingv1.PriorityClass>(parseStored(entry.value)));
  const wanted = spec.priorityClassName;
  const found =
    wanted === undefined || wanted === ''
      ? classes.find((candidate) => candidate.globalDefault === true)
      : classes.find((candidate) => candidate.metadata.name === wanted);
  if (wanted !== undefined && wanted !== '' && found === undefined)
    throw forbidden(scope.served, pod.metadata.name ?? '', `no PriorityClass with name ${wanted} was found`);
  if (found?.metadata.name !== undefined) spec.priorityClassName = found.metadata.name;
  spec.priority = found?.value ?? 0;
  spec.preemptionPolicy ??= found?.preemptionPolicy ?? 'PreemptLowerPriority';
}

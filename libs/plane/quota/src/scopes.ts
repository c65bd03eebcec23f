import type { corev1, KubeObject } from '@tiphys/kube-model';
import { parseAmounts, type ResourceList } from './amounts.ts';

/** Whether a quota with these scopes counts the object. Scopes choose pods; a quota that has some counts nothing else (quota/v1 evaluator/core/pods.go). */
export function matchesScopes(spec: corev1.ResourceQuotaSpec, object: KubeObject): boolean {
  const requirements: readonly corev1.ScopedResourceSelectorRequirement[] = [
    ...(spec.scopes ?? []).map((scopeName) => ({ scopeName, operator: 'Exists' })),
    ...(spec.scopeSelector?.matchExpressions ?? []),
  ];
  if (requirements.length === 0) return true;
  if (object.kind === 'PersistentVolumeClaim' && object.apiVersion === 'v1') return requirements.every((requirement) => claimMatches(requirement, object));
  if (object.kind !== 'Pod' || object.apiVersion !== 'v1') return false;
  const { spec: pod } = object as corev1.Pod; // Looked at right above.
  return pod !== undefined && requirements.every((requirement) => podMatches(requirement, pod));
}

function podMatches(requirement: corev1.ScopedResourceSelectorRequirement, spec: corev1.PodSpec): boolean {
  const isTerminating = spec.activeDeadlineSeconds !== undefined && spec.activeDeadlineSeconds >= 0;
  switch (requirement.scopeName) {
    case 'Terminating':
      return isTerminating;
    case 'NotTerminating':
      return !isTerminating;
    case 'BestEffort':
      return isBestEffort(spec);
    case 'NotBestEffort':
      return !isBestEffort(spec);
    case 'PriorityClass':
      return selects(requirement, spec.priorityClassName ?? '');
    case 'CrossNamespacePodAffinity':
      return looksIntoNamespaces(spec);
    default:
      return false;
  }
}

function claimMatches(requirement: corev1.ScopedResourceSelectorRequirement, object: KubeObject): boolean {
  if (requirement.scopeName !== 'VolumeAttributesClass') return false;
  const { spec } = object as corev1.PersistentVolumeClaim; // The caller has looked at the kind.
  return selects(requirement, spec?.volumeAttributesClassName ?? '');
}

function selects({ operator, values = [] }: corev1.ScopedResourceSelectorRequirement, name: string): boolean {
  switch (operator) {
    case 'Exists':
      return name !== '';
    case 'DoesNotExist':
      return name === '';
    case 'In':
      return name !== '' && values.includes(name);
    case 'NotIn':
      return !values.includes(name);
    default:
      return false;
  }
}

const COMPUTE = ['cpu', 'memory'];

function isBestEffort(spec: corev1.PodSpec): boolean {
  const isAsked = (list: ResourceList | undefined): boolean => {
    const amounts = parseAmounts(list);
    return COMPUTE.some((name) => (amounts.get(name)?.nano ?? 0n) > 0n);
  };
  return ![...spec.containers, ...(spec.initContainers ?? [])].some(({ resources }) => isAsked(resources?.requests) || isAsked(resources?.limits));
}

function looksIntoNamespaces({ affinity }: corev1.PodSpec): boolean {
  const terms = [affinity?.podAffinity, affinity?.podAntiAffinity].flatMap((side) => [
    ...(side?.requiredDuringSchedulingIgnoredDuringExecution ?? []),
    ...(side?.preferredDuringSchedulingIgnoredDuringExecution ?? []).map(({ podAffinityTerm }) => podAffinityTerm),
  ]);
  return terms.some((term) => (term?.namespaces ?? []).length > 0 || term?.namespaceSelector !== undefined);
}

import type { corev1, KubeObject, Quantity } from '@tiphys/kube-model';
import { addAmounts, parseAmounts, type Amounts } from './amounts.ts';
import { podLimits, podRequests } from './pod-resources.ts';

const units = (count: number): Quantity => ({ nano: BigInt(count) * 1_000_000_000n, format: 'decimalSI' });

// Kinds whose count has a name of its own besides count/<resource>.
const COUNTED_BY_NAME: ReadonlySet<string> = new Set([
  'configmaps',
  'persistentvolumeclaims',
  'replicationcontrollers',
  'resourcequotas',
  'secrets',
  'services',
]);

/**
 * What an object of a resource uses of quotas, by the names quotas know (kubernetes pkg/quota/v1/evaluator/core).
 * `nowMs` tells whether a pod's grace period is over: a pod that has ended counts only as an object.
 */
export function quotaUsage(type: { readonly group: string; readonly resource: string }, object: KubeObject, nowMs: number): Amounts {
  const { group, resource } = type;
  const count = new Map([[`count/${resource}${group === '' ? '' : `.${group}`}`, units(1)]]);
  if (group !== '') return count;
  if (COUNTED_BY_NAME.has(resource)) count.set(resource, units(1));
  switch (resource) {
    case 'pods':
      return addAmounts(count, podUsage(object as corev1.Pod, nowMs)); // Of the kind the resource has, here and below.
    case 'persistentvolumeclaims':
      return addAmounts(count, claimUsage(object as corev1.PersistentVolumeClaim));
    case 'services':
      return addAmounts(count, serviceUsage(object as corev1.Service));
    default:
      return count;
  }
}

function podUsage(pod: corev1.Pod, nowMs: number): Amounts {
  const { spec, status, metadata } = pod;
  const isOver = metadata.deletionTimestamp !== undefined && Date.parse(metadata.deletionTimestamp) < nowMs;
  if (spec === undefined || status?.phase === 'Succeeded' || status?.phase === 'Failed' || isOver) return new Map();
  return computeUsage(podRequests(spec), podLimits(spec));
}

function computeUsage(requests: Amounts, limits: Amounts): Amounts {
  const used = new Map([['pods', units(1)]]);
  for (const [name, amount] of requests) {
    if (isStandard(name) || name.startsWith('hugepages-')) used.set(name, amount);
    if (isStandard(name) || name.startsWith('hugepages-') || isExtended(name)) used.set(`requests.${name}`, amount);
  }
  for (const [name, amount] of limits) if (isStandard(name)) used.set(`limits.${name}`, amount);
  return used;
}

function isStandard(name: string): boolean {
  return name === 'cpu' || name === 'memory' || name === 'ephemeral-storage';
}

// Resources of a vendor: a domain that is not Kubernetes' own.
function isExtended(name: string): boolean {
  return name.includes('/') && !name.includes('kubernetes.io/');
}

function claimUsage({ spec, status, metadata }: corev1.PersistentVolumeClaim): Amounts {
  const asked = parseAmounts(spec?.resources?.requests).get('storage');
  const allocated = parseAmounts(status?.allocatedResources).get('storage');
  const storage = asked !== undefined && allocated !== undefined && allocated.nano > asked.nano ? allocated : asked;
  const className = metadata.annotations?.['volume.beta.kubernetes.io/storage-class'] ?? spec?.storageClassName ?? '';
  const used = new Map<string, Quantity>();
  const perClass = className === '' ? undefined : `${className}.storageclass.storage.k8s.io`;
  if (perClass !== undefined) used.set(`${perClass}/persistentvolumeclaims`, units(1));
  if (storage === undefined) return used;
  used.set('requests.storage', storage);
  if (perClass !== undefined) used.set(`${perClass}/requests.storage`, storage);
  return used;
}

function serviceUsage({ spec }: corev1.Service): Amounts {
  const ports = spec?.ports ?? [];
  const used = new Map([
    ['services.nodeports', units(0)],
    ['services.loadbalancers', units(0)],
  ]);
  if (spec?.type === 'NodePort') used.set('services.nodeports', units(ports.length));
  if (spec?.type === 'LoadBalancer') {
    const opened = spec.allocateLoadBalancerNodePorts === false ? ports.filter(({ nodePort = 0 }) => nodePort !== 0) : ports;
    used.set('services.nodeports', units(opened.length));
    used.set('services.loadbalancers', units(1));
  }
  return used;
}

const POD_NAMES: ReadonlySet<string> = new Set([
  'pods',
  ...['cpu', 'memory', 'ephemeral-storage'].flatMap((name) => [name, `requests.${name}`, `limits.${name}`]),
]);

/** Whether pods use the named resource: what a quota with scopes can be about. */
export function isUsedByPods(name: string): boolean {
  return POD_NAMES.has(name) || name === 'count/pods' || name.startsWith('hugepages-') || name.startsWith('requests.hugepages-') || isExtendedRequest(name);
}

function isExtendedRequest(name: string): boolean {
  return name.startsWith('requests.') && isExtended(name.slice('requests.'.length));
}

const MUST_BE_SET: ReadonlySet<string> = new Set(['cpu', 'memory', 'requests.cpu', 'requests.memory', 'limits.cpu', 'limits.memory']);

/** Compute resources a quota counts and containers of the pod do not set, as upstream lists them; empty when all is set. */
export function missingResources(hard: Iterable<string>, pod: corev1.Pod): string {
  const required = [...hard].filter((name) => MUST_BE_SET.has(name)).toSorted();
  const containers = [...(pod.spec?.containers ?? []), ...(pod.spec?.initContainers ?? [])];
  const missing = required.flatMap((name) => {
    const without = containers.filter(({ resources }) => !computeUsage(parseAmounts(resources?.requests), parseAmounts(resources?.limits)).has(name));
    return without.length === 0 ? [] : [`${name} for: ${[...new Set(without.map((container) => container.name))].toSorted().join(',')}`];
  });
  return missing.join('; ');
}

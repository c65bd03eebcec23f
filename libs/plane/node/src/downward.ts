import { quantityMilli, quantityUnits, type corev1 } from '@tiphys/kube-model';

/** What of a pod's place the downward API can tell. */
export interface DownwardContext {
  readonly podIP: string;
  readonly hostIP: string;
  readonly nodeName: string;
  /** Allocatable amounts of the node: what a container without limits may use. */
  readonly allocatable: Readonly<Record<string, string>>;
}

/** The value of a `fieldRef` (pkg/fieldpath); undefined when the path names nothing that is offered. */
export function fieldValue(pod: corev1.Pod, fieldPath: string, context: DownwardContext): string | undefined {
  const keyed = /^metadata\.(labels|annotations)\['(.+)'\]$/.exec(fieldPath);
  if (keyed !== null) return (keyed[1] === 'labels' ? pod.metadata.labels : pod.metadata.annotations)?.[keyed[2] ?? ''] ?? '';
  switch (fieldPath) {
    case 'metadata.name':
      return pod.metadata.name ?? '';
    case 'metadata.namespace':
      return pod.metadata.namespace ?? '';
    case 'metadata.uid':
      return pod.metadata.uid ?? '';
    case 'metadata.labels':
      return formatMap(pod.metadata.labels);
    case 'metadata.annotations':
      return formatMap(pod.metadata.annotations);
    case 'spec.nodeName':
      return context.nodeName;
    case 'spec.serviceAccountName':
      return pod.spec?.serviceAccountName ?? 'default';
    case 'status.podIP':
      return context.podIP;
    case 'status.podIPs':
      return context.podIP;
    case 'status.hostIP':
      return context.hostIP;
    case 'status.hostIPs':
      return context.hostIP;
    default:
      return undefined;
  }
}

/** The value of a `resourceFieldRef`: the amount divided by the divisor, rounded up; undefined for an unknown resource. */
export function resourceValue(
  container: corev1.Container,
  ref: corev1.ResourceFieldSelector,
  allocatable: Readonly<Record<string, string>>,
): string | undefined {
  const [kind, name = ''] = ref.resource.split(/\.(.+)/);
  if ((kind !== 'limits' && kind !== 'requests') || name === '') return undefined;
  const limits = container.resources?.limits?.[name] ?? allocatable[name];
  const amount = kind === 'limits' ? limits : (container.resources?.requests?.[name] ?? container.resources?.limits?.[name] ?? '0');
  if (amount === undefined) return undefined;
  const divisor = ref.divisor === undefined || ref.divisor === '0' || ref.divisor === '' ? '1' : ref.divisor;
  // CPU is counted in thousandths so that a divisor of 1m is exact; the others are whole units.
  const measure = name === 'cpu' ? quantityMilli : quantityUnits;
  return String(Math.ceil(measure(amount) / Math.max(measure(divisor), 1)));
}

// key="value" lines in order of keys, quoted as Go's %q (fieldpath.FormatMap).
function formatMap(map: Readonly<Record<string, string>> | undefined): string {
  return Object.entries(map ?? {})
    .toSorted(([a], [b]) => (a < b ? -1 : 1))
    .map(([key, value]) => `${key}=${JSON.stringify(value)}`)
    .join('\n');
}

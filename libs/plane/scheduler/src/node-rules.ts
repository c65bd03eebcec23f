import type { corev1 } from '@tiphys/kube-model';

/** Whether one of the tolerations accepts the taint (core/v1 Toleration.ToleratesTaint). */
export function isTolerated(taint: corev1.Taint, tolerations: ReadonlyArray<corev1.Toleration>): boolean {
  return tolerations.some((toleration) => {
    if (toleration.effect !== undefined && toleration.effect !== '' && toleration.effect !== taint.effect) return false;
    if (toleration.key !== undefined && toleration.key !== '' && toleration.key !== taint.key) return false;
    if (toleration.operator === 'Exists') return true;
    return toleration.key !== undefined && toleration.key !== '' && (toleration.value ?? '') === (taint.value ?? '');
  });
}

/** Whether the node fits what the pod demands of it: nodeSelector and required node affinity. */
export function matchesNode(pod: corev1.Pod, node: corev1.Node): boolean {
  const labels = node.metadata.labels ?? {};
  if (!Object.entries(pod.spec?.nodeSelector ?? {}).every(([key, value]) => labels[key] === value)) return false;
  const required = pod.spec?.affinity?.nodeAffinity?.requiredDuringSchedulingIgnoredDuringExecution;
  return required === undefined || required.nodeSelectorTerms.some((term) => matchesTerm(term, node));
}

/** Whether a node selector term selects the node; an empty term selects nothing. */
export function matchesTerm(term: corev1.NodeSelectorTerm, node: corev1.Node): boolean {
  const { matchExpressions = [], matchFields = [] } = term;
  if (matchExpressions.length === 0 && matchFields.length === 0) return false;
  return (
    matchExpressions.every((requirement) => matchesRequirement(requirement, node.metadata.labels?.[requirement.key])) &&
    matchFields.every((requirement) => requirement.key === 'metadata.name' && matchesRequirement(requirement, node.metadata.name))
  );
}

function matchesRequirement({ operator, values = [] }: corev1.NodeSelectorRequirement, value: string | undefined): boolean {
  switch (operator) {
    case 'In':
      return value !== undefined && values.includes(value);
    case 'NotIn':
      return value === undefined || !values.includes(value);
    case 'Exists':
      return value !== undefined;
    case 'DoesNotExist':
      return value === undefined;
    case 'Gt':
      return value !== undefined && Number(value) > Number(values[0]);
    case 'Lt':
      return value !== undefined && Number(value) < Number(values[0]);
    default:
      return false;
  }
}

/** The host ports a pod takes, as `protocol/ip/port`. */
function hostPortsOf(pod: corev1.Pod): readonly { readonly protocol: string; readonly ip: string; readonly port: number }[] {
  const containers = [...(pod.spec?.containers ?? []), ...(pod.spec?.initContainers ?? []).filter(({ restartPolicy }) => restartPolicy === 'Always')];
  return containers
    .flatMap(({ ports }) => ports ?? [])
    .flatMap(({ hostPort, hostIP, protocol }) =>
      hostPort === undefined || hostPort === 0 ? [] : [{ protocol: protocol ?? 'TCP', ip: hostIP ?? '0.0.0.0', port: hostPort }],
    );
}

/** Whether two pods want the same port of the same address; 0.0.0.0 is every address. */
export function portsClash(a: corev1.Pod, b: corev1.Pod): boolean {
  return hostPortsOf(a).some((left) =>
    hostPortsOf(b).some(
      (right) => left.port === right.port && left.protocol === right.protocol && (left.ip === right.ip || left.ip === '0.0.0.0' || right.ip === '0.0.0.0'),
    ),
  );
}

import { deepEqual, type corev1, type Mutable } from '@tiphys/kube-model';

/** What the server has given a Service stays with it where a client leaves it out. */
export function keepServiceFields(live: Mutable<corev1.Service>, draft: Mutable<corev1.Service>): void {
  const [old, next] = [live.spec, draft.spec];
  if (old === undefined || next === undefined) return;
  keepHealthCheck(old, next);
  dropOfOldType(old, next);
  if (old.type === 'ExternalName' || next.type === 'ExternalName') return;
  if (next.clusterIP === undefined || next.clusterIP === '') {
    if (old.clusterIP !== undefined) next.clusterIP = old.clusterIP;
    if (old.clusterIPs !== undefined) next.clusterIPs = [...old.clusterIPs];
  }
  next.ipFamilies ??= old.ipFamilies === undefined ? ['IPv4'] : [...old.ipFamilies];
  next.ipFamilyPolicy ??= old.ipFamilyPolicy ?? 'SingleStack';
  for (const port of next.ports ?? []) {
    const before = old.ports?.find((candidate) => candidate.port === port.port && (candidate.protocol ?? 'TCP') === (port.protocol ?? 'TCP'));
    if ((port.nodePort === undefined || port.nodePort === 0) && before?.nodePort !== undefined && next.type !== 'ClusterIP') port.nodePort = before.nodePort;
  }
}

// The port by which balancers ask nodes stays as long as it is asked for.
function keepHealthCheck(old: Mutable<corev1.ServiceSpec>, next: Mutable<corev1.ServiceSpec>): void {
  const isAsked = ({ type, externalTrafficPolicy }: Mutable<corev1.ServiceSpec>): boolean => type === 'LoadBalancer' && externalTrafficPolicy === 'Local';
  if (!isAsked(old) || old.healthCheckNodePort === undefined) return;
  if (!isAsked(next)) {
    if (next.healthCheckNodePort === old.healthCheckNodePort) delete next.healthCheckNodePort;
  } else if ((next.healthCheckNodePort ?? 0) === 0) next.healthCheckNodePort = old.healthCheckNodePort;
}

// What only the old type has goes with it, unless it was changed in the same write (registry/core/service strategy.go).
function dropOfOldType(old: Mutable<corev1.ServiceSpec>, next: Mutable<corev1.ServiceSpec>): void {
  if (old.type === next.type) return;
  const isExternal = next.type === 'NodePort' || next.type === 'LoadBalancer' || (next.externalIPs ?? []).length > 0;
  if (old.type === 'LoadBalancer') {
    for (const field of ['allocateLoadBalancerNodePorts', 'loadBalancerClass'] as const) if (next[field] === old[field]) delete next[field];
  }
  if (!isExternal && next.externalTrafficPolicy === old.externalTrafficPolicy) delete next.externalTrafficPolicy;
  if (next.type !== 'ExternalName') return;
  if (next.clusterIP === old.clusterIP) delete next.clusterIP;
  if (deepEqual(next.clusterIPs, old.clusterIPs)) delete next.clusterIPs;
  if (deepEqual(next.ipFamilies, old.ipFamilies)) delete next.ipFamilies;
  if (next.ipFamilyPolicy === old.ipFamilyPolicy) delete next.ipFamilyPolicy;
  if (next.internalTrafficPolicy === old.internalTrafficPolicy) delete next.internalTrafficPolicy;
  for (const port of next.ports ?? []) delete port.nodePort;
}

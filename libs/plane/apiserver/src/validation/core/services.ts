import type { corev1 } from '@tiphys/kube-model';
import { problem, type FieldProblem } from '../../failures.ts';
import { between, format, oneOf, port, portNumber, unique } from '../checks.ts';
import { cidr, dnsLabel, dnsSubdomain, domainPath, familyOf, ipAddress, portName, qualifiedName } from '../formats.ts';
import { kindRules, type KindRules } from '../kind-rules.ts';
import { labels } from '../selectors.ts';

type Spec = corev1.ServiceSpec;

/** Addresses that no endpoint of a Service may have. */
export function checkEndpointAddress(address: string | undefined, field: string, problems: FieldProblem[]): void {
  if ((address ?? '') === '') return void problems.push(problem.required(field));
  const text = address ?? '';
  if (familyOf(text) === undefined) return format(ipAddress)(text, field, problems);
  const refuse = (what: string): void => void problems.push(problem.invalid(field, text, what));
  if (text === '0.0.0.0' || text === '::') refuse(`may not be unspecified (${text})`);
  else if (text.startsWith('169.254.') || /^fe[89ab]/i.test(text)) refuse('may not be in the link-local range (169.254.0.0/16, fe80::/10)');
  else if (text.startsWith('224.0.0.') || /^ff02:/i.test(text)) refuse('may not be in the link-local multicast range (224.0.0.0/24, ff02::/10)');
}

export const service: KindRules = kindRules<corev1.Service>({
  rows: [
    ['spec.type', oneOf('ClusterIP', 'ExternalName', 'LoadBalancer', 'NodePort'), 'required'],
    ['spec.sessionAffinity', oneOf('ClientIP', 'None')],
    ['spec.selector', labels],
    ['spec.sessionAffinityConfig.clientIP.timeoutSeconds', between(1, 86_400)],
    ['spec.ports[].name', format(dnsLabel)],
    ['spec.ports', unique('name')],
    ['spec.ports[].port', portNumber, 'required'],
    ['spec.ports[].targetPort', port(portName)],
    ['spec.ports[].protocol', oneOf('SCTP', 'TCP', 'UDP')],
    ['spec.ports[].appProtocol', format(qualifiedName)],
    ['spec.externalTrafficPolicy', oneOf('Cluster', 'Local')],
    ['spec.internalTrafficPolicy', oneOf('Cluster', 'Local')],
    ['spec.ipFamilyPolicy', oneOf('PreferDualStack', 'RequireDualStack', 'SingleStack')],
    ['spec.ipFamilies[]', oneOf('IPv4', 'IPv6')],
    ['spec.ipFamilies', unique()],
    ['spec.loadBalancerSourceRanges[]', format(cidr, 'refused')],
    ['spec.loadBalancerClass', format(qualifiedName, 'refused')],
    ['spec.trafficDistribution', oneOf('PreferClose')],
  ],
  check: checkService,
  update: checkServiceUpdate,
});

function checkService({ spec }: corev1.Service, problems: FieldProblem[]): void {
  if (spec === undefined) return void problems.push(problem.required('spec.ports'));
  const isHeadless = spec.clusterIP === 'None';
  if ((spec.ports ?? []).length === 0 && !isHeadless && spec.type !== 'ExternalName') problems.push(problem.required('spec.ports'));
  if (isHeadless && (spec.type === 'NodePort' || spec.type === 'LoadBalancer'))
    problems.push(problem.invalid('spec.clusterIPs[0]', 'None', `may not be set to 'None' for ${spec.type} services`));
  if (spec.type === 'ExternalName') checkExternalName(spec, problems);
  checkPorts(spec, problems);
  checkAddresses(spec, problems);
  checkLoadBalancer(spec, problems);
  checkTrafficPolicies(spec, problems);
  if (spec.sessionAffinity !== 'ClientIP' && spec.sessionAffinityConfig !== undefined)
    problems.push(problem.forbidden('spec.sessionAffinityConfig', `must not be set when session affinity is ${spec.sessionAffinity ?? 'None'}`));
  for (const [index, address] of (spec.externalIPs ?? []).entries()) {
    checkEndpointAddress(address, `spec.externalIPs[${index}]`, problems);
    if (/^127\.|^::1$/.test(address))
      problems.push(problem.invalid(`spec.externalIPs[${index}]`, address, 'may not be in the loopback range (127.0.0.0/8, ::1/128)'));
  }
}

function checkExternalName(spec: Spec, problems: FieldProblem[]): void {
  for (const field of ['clusterIPs', 'ipFamilies'] as const)
    if ((spec[field] ?? []).length > 0) problems.push(problem.forbidden(`spec.${field}`, 'may not be set for ExternalName services'));
  if (spec.ipFamilyPolicy !== undefined) problems.push(problem.forbidden('spec.ipFamilyPolicy', 'may not be set for ExternalName services'));
  // The trailing dot of a name that is complete is not part of it.
  const name = (spec.externalName ?? '').replace(/\.$/, '');
  if (name === '') problems.push(problem.required('spec.externalName'));
  else format(dnsSubdomain)(name, 'spec.externalName', problems);
}

function checkPorts({ ports = [], type }: Spec, problems: FieldProblem[]): void {
  const [seen, nodePorts] = [new Set<string>(), new Set<string>()];
  for (const [index, entry] of ports.entries()) {
    const at = `spec.ports[${index}]`;
    if (ports.length > 1 && (entry.name ?? '') === '') problems.push(problem.required(`${at}.name`));
    const identity = `${entry.protocol ?? 'TCP'}/${entry.port}`;
    if (seen.has(identity)) problems.push(problem.duplicate(at, { port: entry.port, protocol: entry.protocol ?? 'TCP' }));
    seen.add(identity);
    const { nodePort = 0 } = entry;
    if (nodePort === 0) continue;
    if (type !== 'NodePort' && type !== 'LoadBalancer')
      problems.push(problem.forbidden(`${at}.nodePort`, `may not be used when \`type\` is '${type ?? 'ClusterIP'}'`));
    const taken = `${entry.protocol ?? 'TCP'}/${nodePort}`;
    if (nodePorts.has(taken)) problems.push(problem.duplicate(`${at}.nodePort`, nodePort));
    nodePorts.add(taken);
  }
}

function checkAddresses({ type, clusterIP, clusterIPs = [], ipFamilies = [] }: Spec, problems: FieldProblem[]): void {
  if (type === 'ExternalName') return;
  if (clusterIPs.length > 0 && clusterIP !== clusterIPs[0]) problems.push(problem.invalid('spec.clusterIPs', clusterIPs, 'first value must match `clusterIP`'));
  if (clusterIPs.length > 2) problems.push(problem.invalid('spec.clusterIPs', clusterIPs, 'may only hold up to 2 values'));
  for (const [index, address] of clusterIPs.entries()) {
    if (address === 'None') {
      if (clusterIPs.length > 1) problems.push(problem.invalid(`spec.clusterIPs[${index}]`, address, "'None' must be the first and only value"));
      continue;
    }
    const family = familyOf(address);
    if (family === undefined) format(ipAddress, 'refused')(address, `spec.clusterIPs[${index}]`, problems);
    else if (ipFamilies[index] !== undefined && ipFamilies[index] !== family)
      problems.push(problem.invalid(`spec.clusterIPs[${index}]`, address, `expected an ${ipFamilies[index]} value as indicated by \`ipFamilies[${index}]\``));
  }
}

function checkLoadBalancer(spec: Spec, problems: FieldProblem[]): void {
  if (spec.type === 'LoadBalancer') {
    if (spec.loadBalancerClass !== undefined && spec.loadBalancerClass.includes('/'))
      format(domainPath)(spec.loadBalancerClass, 'spec.loadBalancerClass', problems);
    if (spec.allocateLoadBalancerNodePorts === undefined) problems.push(problem.required('spec.allocateLoadBalancerNodePorts'));
    return;
  }
  const only = "may only be used when `type` is 'LoadBalancer'";
  if ((spec.loadBalancerSourceRanges ?? []).length > 0) problems.push(problem.forbidden('spec.LoadBalancerSourceRanges', only));
  if (spec.allocateLoadBalancerNodePorts !== undefined) problems.push(problem.forbidden('spec.allocateLoadBalancerNodePorts', only));
  if (spec.loadBalancerClass !== undefined) problems.push(problem.forbidden('spec.loadBalancerClass', only));
}

function isExternal(spec: Spec): boolean {
  return spec.type === 'LoadBalancer' || spec.type === 'NodePort' || (spec.type === 'ClusterIP' && (spec.externalIPs ?? []).length > 0);
}

const needsHealthCheck = ({ type, externalTrafficPolicy }: Spec): boolean => type === 'LoadBalancer' && externalTrafficPolicy === 'Local';

function checkTrafficPolicies(spec: Spec, problems: FieldProblem[]): void {
  if (spec.externalTrafficPolicy !== undefined && !isExternal(spec))
    problems.push(problem.invalid('spec.externalTrafficPolicy', spec.externalTrafficPolicy, 'may only be set for externally-accessible services'));
  const { healthCheckNodePort = 0 } = spec;
  if (healthCheckNodePort !== 0 && !needsHealthCheck(spec))
    problems.push(
      problem.invalid('spec.healthCheckNodePort', healthCheckNodePort, "may only be set when `type` is 'LoadBalancer' and `externalTrafficPolicy` is 'Local'"),
    );
}

function checkServiceUpdate({ spec }: corev1.Service, { spec: old }: corev1.Service, problems: FieldProblem[]): void {
  if (spec === undefined || old === undefined) return;
  if (old.type !== 'ExternalName' && spec.type !== 'ExternalName') {
    const [before, now] = [old.clusterIPs?.[0] ?? old.clusterIP ?? '', spec.clusterIPs?.[0] ?? spec.clusterIP ?? ''];
    if (before !== '' && before !== now) problems.push(problem.invalid('spec.clusterIPs[0]', spec.clusterIPs ?? [now], 'may not change once set'));
    if ((old.ipFamilies ?? []).length > 0 && old.ipFamilies?.[0] !== spec.ipFamilies?.[0])
      problems.push(problem.invalid('spec.ipFamilies[0]', spec.ipFamilies?.[0] ?? '', 'primary ipFamily can not be changed'));
  }
  if (needsHealthCheck(old) && needsHealthCheck(spec) && old.healthCheckNodePort !== spec.healthCheckNodePort)
    problems.push(problem.forbidden('spec.healthCheckNodePort', 'field is immutable'));
  if (old.type === 'LoadBalancer' && spec.type === 'LoadBalancer' && old.loadBalancerClass !== undefined && old.loadBalancerClass !== spec.loadBalancerClass)
    problems.push(problem.invalid('spec.loadBalancerClass', spec.loadBalancerClass ?? null, 'may not change once set'));
}

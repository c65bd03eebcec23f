import { deepEqual, type networkingv1 } from '@tiphys/kube-model';
import { asMap } from '../draft.ts';
import { problem, type FieldProblem } from '../failures.ts';
import { all, format, maxBytes, oneOf, port, type Check } from './checks.ts';
import { cidr, dnsLabel1035, dnsSubdomain, domainPath, familyOf, portName, wildcardSubdomain } from './formats.ts';
import { kindRules, type KindRules } from './kind-rules.ts';
import { labelSelector } from './selectors.ts';

const hostName: Check = (value, field, problems) => {
  if (typeof value !== 'string' || value === '') return;
  if (familyOf(value) !== undefined) problems.push(problem.invalid(field, value, 'must be a DNS name, not an IP address'));
  else format(value.includes('*') ? wildcardSubdomain : dnsSubdomain)(value, field, problems);
};

export const ingress: KindRules = kindRules<networkingv1.Ingress>({
  rows: [
    ['spec.ingressClassName', format(dnsSubdomain, 'refused')],
    ['spec.rules[].host', hostName],
    ['spec.rules[].http.paths', undefined, 'required'],
    ['spec.rules[].http.paths[].pathType', oneOf('Exact', 'ImplementationSpecific', 'Prefix'), { required: 'pathType must be specified' }],
    ['spec.tls[].hosts[]', hostName],
    ['spec.tls[].secretName', format(dnsSubdomain)],
  ],
  check: ({ spec }, problems) => {
    if ((spec?.rules ?? []).length === 0 && spec?.defaultBackend === undefined)
      problems.push(problem.invalid('spec', spec?.rules ?? null, 'either `defaultBackend` or `rules` must be specified'));
    if (spec?.defaultBackend !== undefined) checkBackend(spec.defaultBackend, 'spec.defaultBackend', problems);
    for (const [index, rule] of (spec?.rules ?? []).entries()) {
      const paths = rule.http?.paths;
      if (paths?.length === 0) problems.push(problem.required(`spec.rules[${index}].http.paths`));
      for (const [at, path] of (paths ?? []).entries()) checkPath(path, `spec.rules[${index}].http.paths[${at}]`, problems);
    }
  },
  create: ({ metadata, spec }, problems) => {
    const annotated = metadata.annotations?.['kubernetes.io/ingress.class'];
    if (annotated !== undefined && spec?.ingressClassName !== undefined && annotated !== spec.ingressClassName)
      problems.push(problem.invalid('metadata.annotations[kubernetes.io/ingress.class]', annotated, 'must match `ingressClassName` when both are specified'));
  },
});

const BAD_PARTS = ['//', '/./', '/../', '%2f', '%2F'];

function checkPath({ path = '', pathType, backend }: networkingv1.HTTPIngressPath, at: string, problems: FieldProblem[]): void {
  if (pathType === 'Exact' || pathType === 'Prefix') {
    if (!path.startsWith('/')) problems.push(problem.invalid(`${at}.path`, path, 'must be an absolute path'));
    for (const part of BAD_PARTS) if (path.includes(part)) problems.push(problem.invalid(`${at}.path`, path, `must not contain '${part}'`));
    for (const end of ['/..', '/.']) if (path.endsWith(end)) problems.push(problem.invalid(`${at}.path`, path, `cannot end with '${end}'`));
  } else if (pathType === 'ImplementationSpecific' && path !== '' && !path.startsWith('/'))
    problems.push(problem.invalid(`${at}.path`, path, 'must be an absolute path'));
  if (backend === undefined) problems.push(problem.required(`${at}.backend`));
  else checkBackend(backend, `${at}.backend`, problems);
}

function checkBackend({ service, resource }: networkingv1.IngressBackend, at: string, problems: FieldProblem[]): void {
  if (service !== undefined && resource !== undefined) return void problems.push(problem.invalid(at, '', 'cannot set both resource and service backends'));
  if (service === undefined && resource === undefined) return void problems.push(problem.required(at, 'resource or service backend is required'));
  if (resource !== undefined) {
    if ((resource.kind ?? '') === '') problems.push(problem.required(`${at}.resource.kind`));
    if ((resource.name ?? '') === '') problems.push(problem.required(`${at}.resource.name`));
    return;
  }
  if ((service?.name ?? '') === '') problems.push(problem.required(`${at}.service.name`));
  else format(dnsLabel1035)(service?.name, `${at}.service.name`, problems);
  const { name = '', number = 0 } = service?.port ?? {};
  if (name !== '' && number !== 0) problems.push(problem.invalid(at, '', 'cannot set both port name & port number'));
  else if (name === '' && number === 0) problems.push(problem.required(at, 'port name or number is required'));
  else port(portName)(name === '' ? number : name, `${at}.service.port.${name === '' ? 'number' : 'name'}`, problems);
}

export const ingressClass: KindRules = kindRules<networkingv1.IngressClass>({
  rows: [
    ['spec.controller', all(format(domainPath), maxBytes(250)), 'required'],
    ['spec.parameters.kind', undefined, 'required'],
    ['spec.parameters.name', undefined, 'required'],
    ['spec.parameters.scope', oneOf('Cluster', 'Namespace'), 'required'],
  ],
  check: ({ spec }, problems) => {
    const { scope, namespace = '' } = spec?.parameters ?? {};
    if (scope === 'Namespace' && namespace === '') problems.push(problem.required('spec.parameters.namespace', "`parameters.scope` is set to 'Namespace'"));
    if (scope === 'Cluster' && namespace !== '') problems.push(problem.forbidden('spec.parameters.namespace', "`parameters.scope` is set to 'Cluster'"));
  },
  immutable: ['spec.controller'],
});

export const networkPolicy: KindRules = kindRules<networkingv1.NetworkPolicy>({
  rows: [
    ['spec.podSelector', labelSelector],
    ['spec.policyTypes[]', oneOf('Egress', 'Ingress')],
    ...(['ingress', 'egress'] as const).flatMap((direction) => [
      [`spec.${direction}[].ports[].protocol`, oneOf('SCTP', 'TCP', 'UDP')] as const,
      [`spec.${direction}[].ports[].port`, port(portName)] as const,
    ]),
  ],
  check: ({ spec }, problems) => {
    if ((spec?.policyTypes ?? []).length > 2)
      problems.push(problem.invalid('spec.policyTypes', spec?.policyTypes, 'may not specify more than two policyTypes'));
    for (const [direction, peers] of [
      ['ingress', 'from'],
      ['egress', 'to'],
    ] as const) {
      for (const [index, rule] of (spec?.[direction] ?? []).entries()) {
        const at = `spec.${direction}[${index}]`;
        for (const [item, { port: first, endPort }] of (rule.ports ?? []).entries()) checkPortRange(first, endPort, `${at}.ports[${item}]`, problems);
        const list = (asMap(rule)?.[peers] ?? []) as readonly networkingv1.NetworkPolicyPeer[]; // Coerced to the schema.
        for (const [item, peer] of list.entries()) checkPeer(peer, `${at}.${peers}[${item}]`, problems);
      }
    }
  },
});

function checkPortRange(first: number | string | undefined, last: number | undefined, at: string, problems: FieldProblem[]): void {
  if (last === undefined) return;
  if (first === undefined) problems.push(problem.required(`${at}.port`, 'must be specified if endPort is specified'));
  else if (typeof first !== 'number') problems.push(problem.invalid(`${at}.port`, first, 'cannot be a named port when endPort is specified'));
  else if (last < first) problems.push(problem.invalid(`${at}.endPort`, last, 'must be greater than or equal to `port`'));
  else port(portName)(last, `${at}.endPort`, problems);
}

function checkPeer({ podSelector, namespaceSelector, ipBlock }: networkingv1.NetworkPolicyPeer, at: string, problems: FieldProblem[]): void {
  if (podSelector === undefined && namespaceSelector === undefined && ipBlock === undefined)
    return void problems.push(problem.required(at, 'must specify a peer'));
  labelSelector(podSelector, `${at}.podSelector`, problems);
  labelSelector(namespaceSelector, `${at}.namespaceSelector`, problems);
  if (ipBlock === undefined) return;
  if (podSelector !== undefined || namespaceSelector !== undefined) problems.push(problem.forbidden(at, 'may not specify both ipBlock and another peer'));
  if ((ipBlock.cidr ?? '') === '') return void problems.push(problem.required(`${at}.ipBlock.cidr`));
  format(cidr)(ipBlock.cidr, `${at}.ipBlock.cidr`, problems);
  for (const [index, except] of (ipBlock.except ?? []).entries()) {
    format(cidr, 'refused')(except, `${at}.ipBlock.except[${index}]`, problems);
    if (cidr(except) === undefined && cidr(ipBlock.cidr) === undefined && !isInside(except, ipBlock.cidr))
      problems.push(problem.invalid(`${at}.ipBlock.except[${index}]`, except, 'must be a strict subset of `cidr`'));
  }
}

function isInside(inner: string, outer: string): boolean {
  const [a, b] = [toBits(inner), toBits(outer)];
  return a.total === b.total && a.bits > b.bits && a.value >> BigInt(a.total - b.bits) === b.value >> BigInt(b.total - b.bits);
}

function toBits(range: string): { readonly value: bigint; readonly bits: number; readonly total: number } {
  const [address = '', bits = '0'] = range.split('/');
  if (!address.includes(':')) return { value: address.split('.').reduce((sum, part) => sum * 256n + BigInt(part), 0n), bits: Number(bits), total: 32 };
  const [head = '', tail = ''] = address.split('::');
  const words = (text: string): readonly string[] => (text === '' ? [] : text.split(':'));
  const [front, back] = [words(head), words(tail)];
  const all8 = address.includes('::') ? [...front, ...Array.from({ length: Math.max(0, 8 - front.length - back.length) }, () => '0'), ...back] : front;
  return { value: all8.reduce((sum, word) => sum * 65_536n + BigInt(Number.parseInt(word === '' ? '0' : word, 16) || 0), 0n), bits: Number(bits), total: 128 };
}

export const ipAddress: KindRules = kindRules<networkingv1.IPAddress>({
  rows: [
    ['spec.parentRef.resource', undefined, 'required'],
    ['spec.parentRef.name', undefined, 'required'],
  ],
  check: ({ metadata, spec }, problems) => {
    const { name = '' } = metadata;
    if (familyOf(name) === undefined || name.includes('/'))
      problems.push(problem.invalid('metadata.name', name, 'must be a valid IP address, (e.g. 10.9.8.7 or 2001:db8::ffff)'));
    if (spec?.parentRef === undefined) problems.push(problem.required('spec.parentRef'));
  },
  immutable: ['spec.parentRef'],
});

export const serviceCidr: KindRules = kindRules<networkingv1.ServiceCIDR>({
  rows: [['spec.cidrs[]', format(cidr, 'refused')]],
  check: ({ spec }, problems) => {
    const cidrs = spec?.cidrs ?? [];
    if (cidrs.length === 0) problems.push(problem.required('spec.cidrs', 'at least one CIDR required'));
    if (cidrs.length > 2) problems.push(problem.invalid('spec.cidrs', spec, 'may only hold up to 2 values'));
    else if (new Set(cidrs.map(familyOf)).size < cidrs.length)
      problems.push(problem.invalid('spec.cidrs', spec, 'may specify no more than one IP for each IP family, i.e 192.168.0.0/24 and 2001:db8::/64'));
  },
  update: ({ spec }, { spec: old }, problems) => {
    for (const [index, range] of (old?.cidrs ?? []).entries())
      if (!deepEqual(spec?.cidrs?.[index], range)) problems.push(problem.invalid(`spec.cidrs[${index}]`, spec?.cidrs?.[index] ?? null, 'field is immutable'));
  },
});

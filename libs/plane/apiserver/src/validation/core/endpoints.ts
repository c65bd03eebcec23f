import type { corev1, discoveryv1 } from '@tiphys/kube-model';
import { problem, type FieldProblem } from '../../failures.ts';
import { format, maxItems, oneOf, portNumber, type Check } from '../checks.ts';
import { dnsLabel, dnsSubdomain, familyOf, qualifiedName } from '../formats.ts';
import { kindRules, type KindRules } from '../kind-rules.ts';
import { checkEndpointAddress } from './services.ts';

const address: Check = (value, field, problems) => checkEndpointAddress(typeof value === 'string' ? value : undefined, field, problems);

export const endpoints: KindRules = kindRules<corev1.Endpoints>({
  rows: [
    ...(['addresses', 'notReadyAddresses'] as const).flatMap((list) => [
      [`subsets[].${list}[].ip`, address, 'required'] as const,
      [`subsets[].${list}[].hostname`, format(dnsLabel)] as const,
      [`subsets[].${list}[].nodeName`, format(dnsSubdomain)] as const,
    ]),
    ['subsets[].ports[].port', portNumber, 'required'],
    ['subsets[].ports[].protocol', oneOf('SCTP', 'TCP', 'UDP'), 'required'],
    ['subsets[].ports[].name', format(dnsLabel)],
    ['subsets[].ports[].appProtocol', format(qualifiedName)],
  ],
  check: ({ subsets = [] }, problems) => {
    for (const [index, { addresses = [], notReadyAddresses = [], ports = [] }] of subsets.entries()) {
      if (addresses.length + notReadyAddresses.length === 0)
        problems.push(problem.required(`subsets[${index}]`, 'must specify `addresses` or `notReadyAddresses`'));
      if (ports.length > 1)
        for (const [at, { name = '' }] of ports.entries()) if (name === '') problems.push(problem.required(`subsets[${index}].ports[${at}].name`));
    }
  },
});

export const endpointSlice: KindRules = kindRules<discoveryv1.EndpointSlice>({
  rows: [
    ['addressType', oneOf('FQDN', 'IPv4', 'IPv6'), 'required'],
    ['endpoints', maxItems(1_000)],
    ['endpoints[].addresses', maxItems(100), 'required'],
    ['endpoints[].hostname', format(dnsLabel)],
    ['endpoints[].nodeName', format(dnsSubdomain)],
    ['endpoints[].hints.forZones', maxItems(8)],
    ['ports', maxItems(100)],
    ['ports[].name', format(dnsLabel)],
    ['ports[].protocol', oneOf('SCTP', 'TCP', 'UDP'), 'required'],
    ['ports[].appProtocol', format(qualifiedName)],
  ],
  check: checkSlice,
  immutable: ['addressType'],
});

function checkSlice({ addressType, endpoints: list, ports = [] }: discoveryv1.EndpointSlice, problems: FieldProblem[]): void {
  for (const [index, { addresses = [] }] of (list ?? []).entries()) {
    const field = `endpoints[${index}].addresses`;
    if (addresses.length === 0) problems.push(problem.required(field, 'must contain at least 1 address'));
    for (const [at, text] of addresses.entries()) checkSliceAddress(text, addressType, `${field}[${at}]`, problems);
  }
  const names = new Set<string>();
  for (const [index, { name = '' }] of (ports ?? []).entries()) {
    if (names.has(name)) problems.push(problem.duplicate(`ports[${index}].name`, name));
    names.add(name);
  }
}

function checkSliceAddress(text: string, addressType: string | undefined, field: string, problems: FieldProblem[]): void {
  if (addressType === 'FQDN') return format(dnsSubdomain, 'refused')(text, field, problems);
  checkEndpointAddress(text, field, problems);
  const family = familyOf(text);
  if (family !== undefined && family !== addressType) problems.push(problem.invalid(field, text, `must be an ${addressType} address`));
}

import { deepEqual, type corev1 } from '@tiphys/kube-model';
import { problem, type FieldProblem } from '../../failures.ts';
import { format, oneOf, quantity } from '../checks.ts';
import { cidr, familyOf, labelValue, qualifiedName } from '../formats.ts';
import { kindRules, type KindRules } from '../kind-rules.ts';

export const node: KindRules = kindRules<corev1.Node>({
  rows: [
    ['spec.taints[].key', format(qualifiedName, 'refused'), 'required'],
    ['spec.taints[].value', format(labelValue)],
    ['spec.taints[].effect', oneOf('NoExecute', 'NoSchedule', 'PreferNoSchedule'), 'required'],
    ['spec.podCIDRs[]', format(cidr, 'refused')],
    ['status.capacity[*]', quantity],
    ['status.allocatable[*]', quantity],
  ],
  check: checkNode,
  update: ({ spec }, { spec: old }, problems) => {
    if ((old?.providerID ?? '') !== '' && old?.providerID !== spec?.providerID)
      problems.push(problem.forbidden('spec.providerID', 'node updates may not change providerID except from "" to valid'));
    if ((old?.podCIDRs ?? []).length > 0 && !deepEqual(old?.podCIDRs, spec?.podCIDRs))
      problems.push(problem.forbidden('spec.podCIDRs', 'node updates may not change podCIDR except from "" to valid'));
  },
});

function checkNode({ spec, status }: corev1.Node, problems: FieldProblem[]): void {
  const taints = new Set<string>();
  for (const [index, { key, effect }] of (spec?.taints ?? []).entries()) {
    const identity = `${key}:${effect}`;
    if (taints.has(identity)) problems.push(problem.duplicate(`spec.taints[${index}]`, { key, effect }));
    taints.add(identity);
  }
  const cidrs = spec?.podCIDRs ?? [];
  if (cidrs.length > 2 || new Set(cidrs.map(familyOf)).size < cidrs.length)
    problems.push(problem.invalid('spec.podCIDRs', cidrs, 'may specify no more than one CIDR for each IP family'));
  const addresses = new Set<string>();
  for (const [index, { type, address }] of (status?.addresses ?? []).entries()) {
    const identity = `${type}:${address}`;
    if (addresses.has(identity)) problems.push(problem.duplicate(`status.addresses[${index}]`, { type, address }));
    addresses.add(identity);
  }
}

import type { corev1 } from '@tiphys/kube-model';
import { problem, type FieldProblem } from '../../failures.ts';
import { between, format, oneOf, unique } from '../checks.ts';
import { dnsLabel, labelValue, qualifiedName } from '../formats.ts';
import { table } from '../rows.ts';
import { checkNodeTerm, labelSelector, labels, nodeSelector } from '../selectors.ts';

const EFFECTS = ['NoExecute', 'NoSchedule', 'PreferNoSchedule'];

/** Problems of what decides where a pod runs. */
export function checkScheduling(spec: corev1.PodSpec, field: string, problems: FieldProblem[]): void {
  labels(spec.nodeSelector, `${field}.nodeSelector`, problems);
  for (const [index, toleration] of (spec.tolerations ?? []).entries()) checkToleration(toleration, `${field}.tolerations[${index}]`, problems);
  checkSpread(spec.topologySpreadConstraints ?? [], `${field}.topologySpreadConstraints`, problems);
  if (spec.affinity !== undefined) checkAffinity(spec.affinity, `${field}.affinity`, problems);
  gates(spec, field, problems);
  if ((spec.schedulingGates ?? []).length > 0 && (spec.nodeName ?? '') !== '')
    problems.push(problem.forbidden(`${field}.nodeName`, 'cannot be set until all schedulingGates have been cleared'));
}

const gates = table([
  ['schedulingGates[].name', format(qualifiedName, 'refused')],
  ['schedulingGates', unique('name')],
  ['readinessGates[].conditionType', format(qualifiedName, 'refused')],
]);

function checkToleration(toleration: corev1.Toleration, at: string, problems: FieldProblem[]): void {
  const { key = '', operator = '', value = '', effect = '' } = toleration;
  format(qualifiedName)(key, `${at}.key`, problems);
  if (key === '' && operator !== 'Exists')
    problems.push(problem.invalid(`${at}.operator`, operator, 'operator must be Exists when `key` is empty, which means "match all values and all keys"'));
  if (toleration.tolerationSeconds !== undefined && effect !== 'NoExecute')
    problems.push(problem.invalid(`${at}.effect`, effect, "effect must be 'NoExecute' when `tolerationSeconds` is set"));
  if (operator === '' || operator === 'Equal') format(labelValue)(value, `${at}.operator`, problems);
  else if (operator !== 'Exists') problems.push(problem.notSupported(`${at}.operator`, operator, ['Equal', 'Exists']));
  else if (value !== '') problems.push(problem.invalid(`${at}.operator`, toleration, "value must be empty when `operator` is 'Exists'"));
  if (effect !== '' && !EFFECTS.includes(effect)) problems.push(problem.notSupported(`${at}.effect`, effect, EFFECTS));
}

function checkSpread(constraints: readonly corev1.TopologySpreadConstraint[], field: string, problems: FieldProblem[]): void {
  const seen = new Set<string>();
  for (const [index, constraint] of constraints.entries()) {
    const at = `${field}[${index}]`;
    const { maxSkew, whenUnsatisfiable, minDomains, matchLabelKeys = [] } = constraint;
    // Absent in a body that leaves it out, whatever the type says.
    const topologyKey: string = constraint.topologyKey ?? '';
    if ((maxSkew ?? 0) <= 0) problems.push(problem.invalid(`${at}.maxSkew`, maxSkew ?? 0, 'must be greater than zero'));
    if (topologyKey === '') problems.push(problem.required(`${at}.topologyKey`, 'can not be empty'));
    else format(qualifiedName)(topologyKey, `${at}.topologyKey`, problems);
    if (!['DoNotSchedule', 'ScheduleAnyway'].includes(whenUnsatisfiable))
      problems.push(problem.notSupported(`${at}.whenUnsatisfiable`, whenUnsatisfiable, ['DoNotSchedule', 'ScheduleAnyway']));
    const identity = `{${topologyKey}, ${whenUnsatisfiable}}`;
    if (seen.has(identity)) problems.push(problem.duplicate(`${at}.{topologyKey, whenUnsatisfiable}`, identity));
    seen.add(identity);
    if (minDomains !== undefined && minDomains <= 0) problems.push(problem.invalid(`${at}.minDomains`, minDomains, 'must be greater than 0'));
    if (minDomains !== undefined && whenUnsatisfiable !== 'DoNotSchedule')
      problems.push(problem.invalid(`${at}.minDomains`, minDomains, 'can only use minDomains if whenUnsatisfiable=DoNotSchedule, not ScheduleAnyway'));
    policies(constraint, at, problems);
    if (matchLabelKeys.length > 0 && constraint.labelSelector === undefined)
      problems.push(problem.forbidden(`${at}.matchLabelKeys`, 'must not be specified when labelSelector is not set'));
    const selected = new Set([
      ...Object.keys(constraint.labelSelector?.matchLabels ?? {}),
      ...(constraint.labelSelector?.matchExpressions ?? []).map(({ key }) => key),
    ]);
    for (const [item, key] of matchLabelKeys.entries())
      if (selected.has(key)) problems.push(problem.invalid(`${at}.matchLabelKeys[${item}]`, key, 'exists in both matchLabelKeys and labelSelector'));
  }
}

const policies = table([
  ['nodeAffinityPolicy', oneOf('Honor', 'Ignore')],
  ['nodeTaintsPolicy', oneOf('Honor', 'Ignore')],
  ['labelSelector', labelSelector],
  ['matchLabelKeys[]', format(qualifiedName, 'refused')],
]);

function checkAffinity({ nodeAffinity, podAffinity, podAntiAffinity }: corev1.Affinity, field: string, problems: FieldProblem[]): void {
  const at = `${field}.nodeAffinity`;
  nodeSelector(nodeAffinity?.requiredDuringSchedulingIgnoredDuringExecution, `${at}.requiredDuringSchedulingIgnoredDuringExecution`, problems);
  for (const [index, term] of (nodeAffinity?.preferredDuringSchedulingIgnoredDuringExecution ?? []).entries()) {
    const place = `${at}.preferredDuringSchedulingIgnoredDuringExecution[${index}]`;
    weight(term.weight, `${place}.weight`, problems);
    if (term.preference !== undefined) checkNodeTerm(term.preference, `${place}.preference`, problems);
  }
  for (const [name, side] of [
    ['podAffinity', podAffinity],
    ['podAntiAffinity', podAntiAffinity],
  ] as const) {
    for (const [index, term] of (side?.requiredDuringSchedulingIgnoredDuringExecution ?? []).entries())
      checkPodTerm(term, `${field}.${name}.requiredDuringSchedulingIgnoredDuringExecution[${index}]`, problems);
    for (const [index, { weight: given, podAffinityTerm }] of (side?.preferredDuringSchedulingIgnoredDuringExecution ?? []).entries()) {
      const place = `${field}.${name}.preferredDuringSchedulingIgnoredDuringExecution[${index}]`;
      weight(given, `${place}.weight`, problems);
      if (podAffinityTerm !== undefined) checkPodTerm(podAffinityTerm, `${place}.podAffinityTerm`, problems);
    }
  }
}

function weight(value: number | undefined, field: string, problems: FieldProblem[]): void {
  const found: FieldProblem[] = [];
  between(1, 100)(value ?? 0, field, found);
  if (found.length > 0) problems.push(problem.invalid(field, value ?? 0, 'must be in the range 1-100'));
}

const term = table([
  ['labelSelector', labelSelector],
  ['namespaceSelector', labelSelector],
  ['namespaces[]', format(dnsLabel, 'refused')],
]);

function checkPodTerm(affinity: corev1.PodAffinityTerm, at: string, problems: FieldProblem[]): void {
  term(affinity, at, problems);
  const keys = [...(affinity.matchLabelKeys ?? []), ...(affinity.mismatchLabelKeys ?? [])];
  if (keys.length > 0 && affinity.labelSelector === undefined)
    problems.push(problem.forbidden(`${at}.matchLabelKeys`, 'must not be specified when labelSelector is not set'));
  if ((affinity.topologyKey ?? '') === '') problems.push(problem.required(`${at}.topologyKey`, 'can not be empty'));
  else format(qualifiedName)(affinity.topologyKey, `${at}.topologyKey`, problems);
}

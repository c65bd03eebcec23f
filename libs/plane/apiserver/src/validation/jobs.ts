import { deepEqual, isDnsLabel, matchesSelector, selectorOf, type batchv1, type corev1 } from '@tiphys/kube-model';
import { problem, type FieldProblem } from '../failures.ts';
import { format, maxBytes, maxItems, nonNegative, oneOf } from './checks.ts';
import { domainPath, qualifiedName } from './formats.ts';
import { checkUnchanged, kindRules, type KindRules } from './kind-rules.ts';
import { checkTemplate } from './pods/pod-spec.ts';
import { table, type Row } from './rows.ts';
import { labelSelector } from './selectors.ts';

type Spec = batchv1.JobSpec;

const MAX_INDEXED = 100_000;
const MAX_WITH_BACKOFF_PER_INDEX = 10_000;
const MAX_INDEXES_BYTES = 65_536;

const rows: readonly Row[] = [
  ['parallelism', nonNegative],
  ['completions', nonNegative],
  ['activeDeadlineSeconds', nonNegative],
  ['backoffLimit', nonNegative],
  ['ttlSecondsAfterFinished', nonNegative],
  ['backoffLimitPerIndex', nonNegative],
  ['maxFailedIndexes', nonNegative],
  ['completionMode', oneOf('Indexed', 'NonIndexed')],
  ['podReplacementPolicy', oneOf('Failed', 'TerminatingOrFailed')],
  ['managedBy', format(domainPath)],
  ['managedBy', maxBytes(63)],
  ['selector', labelSelector],
  ['podFailurePolicy.rules', maxItems(20), 'required'],
  ['podFailurePolicy.rules[].action', oneOf('Count', 'FailIndex', 'FailJob', 'Ignore'), 'required'],
  ['podFailurePolicy.rules[].onExitCodes.operator', oneOf('In', 'NotIn'), 'required'],
  ['podFailurePolicy.rules[].onExitCodes.values', maxItems(255), 'required'],
  ['podFailurePolicy.rules[].onPodConditions', maxItems(20)],
  ['podFailurePolicy.rules[].onPodConditions[].type', format(qualifiedName), 'required'],
  ['podFailurePolicy.rules[].onPodConditions[].status', oneOf('False', 'True', 'Unknown'), 'required'],
  ['successPolicy.rules', maxItems(20)],
  ['successPolicy.rules[].succeededIndexes', maxBytes(MAX_INDEXES_BYTES)],
  ['successPolicy.rules[].succeededCount', nonNegative],
];
const specRows = table(rows);

export const job: KindRules = kindRules<batchv1.Job>({
  check: ({ spec, metadata }, problems) => {
    if (spec === undefined) return void problems.push(problem.required('spec'));
    checkJobSpec(spec, 'spec', problems);
    checkSelector(spec, metadata.uid, problems);
    if (spec.completionMode === 'Indexed' && (spec.completions ?? 0) > 0) {
      const last = `${metadata.name ?? ''}-${(spec.completions ?? 1) - 1}`;
      if (!isDnsLabel(last)) problems.push(problem.invalid('metadata.name', metadata.name, `will not able to create pod with invalid DNS label: ${last}`));
    }
  },
  update: checkUpdate,
});

function checkSelector({ selector, template, manualSelector }: Spec, uid: string | undefined, problems: FieldProblem[]): void {
  if (selector === undefined) return void problems.push(problem.required('spec.selector'));
  if (!matchesSelector(selectorOf(selector), template?.metadata?.labels))
    problems.push(problem.invalid('spec.template.metadata.labels', template?.metadata?.labels ?? null, '`selector` does not match template `labels`'));
  if (manualSelector === true || uid === undefined) return;
  for (const label of ['controller-uid', 'batch.kubernetes.io/controller-uid'])
    if (template?.metadata?.labels?.[label] !== uid && label.includes('/'))
      problems.push(problem.required(`spec.template.metadata.labels[${label}]`, `must be '${uid}'`));
}

/** Problems of a Job's spec, also inside a CronJob. */
export function checkJobSpec(spec: Spec, field: string, problems: FieldProblem[]): void {
  specRows(spec, field, problems);
  checkIndexed(spec, field, problems);
  checkTemplate(spec.template, `${field}.template`, problems);
  const policy = spec.template?.spec?.restartPolicy;
  if (policy === undefined || policy === 'Always')
    problems.push(problem.required(`${field}.template.spec.restartPolicy`, 'valid values: "OnFailure", "Never"'));
  if (spec.podFailurePolicy !== undefined) checkFailurePolicy(spec, spec.podFailurePolicy, field, problems);
  if (spec.successPolicy !== undefined) checkSuccessPolicy(spec, spec.successPolicy, `${field}.successPolicy`, problems);
}

function checkIndexed(spec: Spec, field: string, problems: FieldProblem[]): void {
  const { completions, parallelism = 1, backoffLimitPerIndex, maxFailedIndexes } = spec;
  if (spec.completionMode !== 'Indexed') {
    if (backoffLimitPerIndex !== undefined)
      problems.push(problem.invalid(`${field}.backoffLimitPerIndex`, backoffLimitPerIndex, 'requires indexed completion mode'));
    if (maxFailedIndexes !== undefined) problems.push(problem.invalid(`${field}.maxFailedIndexes`, maxFailedIndexes, 'requires indexed completion mode'));
    return;
  }
  if (completions === undefined) problems.push(problem.required(`${field}.completions`, 'when completion mode is Indexed'));
  if (parallelism > MAX_INDEXED)
    problems.push(problem.invalid(`${field}.parallelism`, parallelism, `must be less than or equal to ${MAX_INDEXED} when completion mode is Indexed`));
  if (maxFailedIndexes !== undefined) {
    if (backoffLimitPerIndex === undefined) problems.push(problem.required(`${field}.backoffLimitPerIndex`, 'when maxFailedIndexes is specified'));
    if (completions !== undefined && maxFailedIndexes > completions)
      problems.push(problem.invalid(`${field}.maxFailedIndexes`, maxFailedIndexes, 'must be less than or equal to completions'));
    if (maxFailedIndexes > MAX_INDEXED)
      problems.push(problem.invalid(`${field}.maxFailedIndexes`, maxFailedIndexes, `must be less than or equal to ${MAX_INDEXED}`));
  }
  if ((completions ?? 0) <= MAX_INDEXED || backoffLimitPerIndex === undefined) return;
  if (maxFailedIndexes === undefined)
    problems.push(problem.required(`${field}.maxFailedIndexes`, `must be specified when completions is above ${MAX_INDEXED}`));
  for (const [name, value] of [
    ['maxFailedIndexes', maxFailedIndexes],
    ['parallelism', parallelism],
  ] as const)
    if ((value ?? 0) > MAX_WITH_BACKOFF_PER_INDEX)
      problems.push(
        problem.invalid(
          `${field}.${name}`,
          value,
          `must be less than or equal to ${MAX_WITH_BACKOFF_PER_INDEX} when completions are above ${MAX_INDEXED} and used with backoff limit per index`,
        ),
      );
}

function checkFailurePolicy(spec: Spec, policy: batchv1.PodFailurePolicy, field: string, problems: FieldProblem[]): void {
  if (spec.template?.spec?.restartPolicy !== 'Never')
    problems.push(
      problem.invalid(
        `${field}.template.spec.restartPolicy`,
        spec.template?.spec?.restartPolicy,
        'only "Never" is supported when podFailurePolicy is specified',
      ),
    );
  if (spec.podReplacementPolicy === 'TerminatingOrFailed')
    problems.push(problem.notSupported(`${field}.podReplacementPolicy`, spec.podReplacementPolicy, ['Failed']));
  const names = new Set([...(spec.template?.spec?.containers ?? []), ...(spec.template?.spec?.initContainers ?? [])].map(({ name }) => name));
  for (const [index, { action, onExitCodes, onPodConditions = [] }] of (policy.rules ?? []).entries()) {
    const at = `${field}.podFailurePolicy.rules[${index}]`;
    if (action === 'FailIndex' && spec.backoffLimitPerIndex === undefined)
      problems.push(problem.invalid(`${at}.action`, action, 'requires the backoffLimitPerIndex to be set'));
    if (onExitCodes !== undefined && onPodConditions.length > 0)
      problems.push(problem.invalid(at, { action }, 'specifying both OnExitCodes and OnPodConditions is not supported'));
    if (onExitCodes === undefined && onPodConditions.length === 0)
      problems.push(problem.invalid(at, { action }, 'specifying one of OnExitCodes and OnPodConditions is required'));
    if (onExitCodes !== undefined) checkExitCodes(onExitCodes, names, `${at}.onExitCodes`, problems);
  }
}

function checkExitCodes(
  { containerName, operator, values: given }: batchv1.PodFailurePolicyOnExitCodesRequirement,
  names: ReadonlySet<string>,
  at: string,
  problems: FieldProblem[],
): void {
  // Absent in a body that leaves it out, whatever the type says.
  const values: readonly number[] = given ?? [];
  if (containerName !== undefined && !names.has(containerName))
    problems.push(problem.invalid(`${at}.containerName`, containerName, 'must be one of the container or initContainer names in the pod template'));
  if (values.length === 0) problems.push(problem.invalid(`${at}.values`, values, 'at least one value is required'));
  if (values.length !== new Set(values).size)
    problems.push(
      problem.duplicate(
        `${at}.values`,
        values.find((value, index) => values.indexOf(value) !== index),
      ),
    );
  if (values.some((value, index) => index > 0 && value < (values[index - 1] ?? 0))) problems.push(problem.invalid(`${at}.values`, values, 'must be ordered'));
  if (operator === 'In')
    for (const [index, value] of values.entries())
      if (value === 0) problems.push(problem.invalid(`${at}.values[${index}]`, value, 'must not be 0 for the In operator'));
}

function checkSuccessPolicy(spec: Spec, policy: batchv1.SuccessPolicy, field: string, problems: FieldProblem[]): void {
  // Absent in a body that leaves it out, whatever the type says.
  const rules: readonly batchv1.SuccessPolicyRule[] = policy.rules ?? [];
  if (spec.completionMode !== 'Indexed') problems.push(problem.invalid(field, { rules }, 'requires indexed completion mode'));
  if (rules.length === 0) problems.push(problem.required(`${field}.rules`, 'at least one rules must be specified when the successPolicy is specified'));
  for (const [index, { succeededCount, succeededIndexes }] of rules.entries()) {
    const at = `${field}.rules[${index}]`;
    const listed = succeededIndexes === undefined ? undefined : countIndexes(succeededIndexes, spec.completions ?? 0);
    if (succeededCount === undefined && succeededIndexes === undefined)
      problems.push(problem.required(at, 'at least one of succeededCount or succeededIndexes must be specified'));
    if (succeededIndexes !== undefined && listed === undefined)
      problems.push(
        problem.invalid(
          `${at}.succeededIndexes`,
          succeededIndexes,
          'error parsing succeededIndexes: must be sorted numbers and ranges within completions, such as "0,2-5"',
        ),
      );
    if (succeededCount !== undefined && succeededCount > (spec.completions ?? 0))
      problems.push(
        problem.invalid(`${at}.succeededCount`, succeededCount, `must be less than or equal to ${spec.completions ?? 0} (the number of specified completions)`),
      );
    if (succeededCount !== undefined && listed !== undefined && succeededCount > listed)
      problems.push(
        problem.invalid(
          `${at}.succeededCount`,
          succeededCount,
          `must be less than or equal to ${listed} (the number of indexes in the specified succeededIndexes field)`,
        ),
      );
  }
}

// `0,2-5`: how many indexes; undefined when they are not sorted or not below `completions`.
function countIndexes(text: string, completions: number): number | undefined {
  let [count, next] = [0, 0];
  for (const part of text.split(',')) {
    const [, first = '', last = first] = /^(\d+)(?:-(\d+))?$/.exec(part) ?? [];
    const [from, to] = [Number(first), Number(last)];
    if (first === '' || from < next || to < from || to >= completions) return undefined;
    count += to - from + 1;
    next = to + 1;
  }
  return count;
}

const FIXED = ['selector', 'completionMode', 'podFailurePolicy', 'backoffLimitPerIndex', 'managedBy', 'successPolicy'] as const;

function checkUpdate(object: batchv1.Job, live: batchv1.Job, problems: FieldProblem[]): void {
  const [spec, before] = [object.spec, live.spec];
  if (spec === undefined || before === undefined) return;
  for (const field of FIXED) checkUnchanged(object, live, `spec.${field}`, problems);
  const scaled = spec.completionMode === 'Indexed' && spec.completions !== undefined && spec.completions === spec.parallelism;
  if (spec.completions !== before.completions && !scaled) checkUnchanged(object, live, 'spec.completions', problems);
  const neverStarted = before.suspend === true && live.status?.startTime === undefined;
  const compared = (template: corev1.PodTemplateSpec | undefined): unknown => (neverStarted ? withoutDirectives(template) : template);
  if (!deepEqual(compared(spec.template), compared(before.template))) checkUnchanged(object, live, 'spec.template', problems);
}

// What decides where pods run may change until the first of them exists (KEP-2926).
function withoutDirectives(template: corev1.PodTemplateSpec | undefined): unknown {
  const { nodeSelector: _nodes, tolerations: _tolerations, schedulingGates: _gates, affinity, ...spec } = template?.spec ?? { containers: [] };
  const { labels: _labels, annotations: _annotations, ...metadata } = template?.metadata ?? {};
  return { metadata, spec: { ...spec, affinity: { ...affinity, nodeAffinity: undefined } } };
}

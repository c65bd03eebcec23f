import { deepEqual, matchesSelector, selectorOf, type appsv1, type corev1, type KubeObject, type metav1 } from '@tiphys/kube-model';
import { problem, type FieldProblem } from '../failures.ts';
import { atMostAll, countOrPercent, nonNegative, oneOf, percentOf } from './checks.ts';
import { checkUnchanged, kindRules, type KindRules } from './kind-rules.ts';
import { checkRunningTemplate, checkStatefulTemplate, checkTemplate } from './pods/pod-spec.ts';
import type { Row } from './rows.ts';
import { labelSelector, labels } from './selectors.ts';

interface Workload extends KubeObject {
  readonly spec?: { readonly selector?: metav1.LabelSelector; readonly template?: corev1.PodTemplateSpec };
}

const COUNTS: readonly Row[] = [
  ['spec.replicas', nonNegative],
  ['spec.minReadySeconds', nonNegative],
  ['spec.revisionHistoryLimit', nonNegative],
  ['spec.selector', labelSelector],
];

/** What all workloads have: a selector that finds the pods of its template. */
function checkWorkload({ spec, kind }: Workload, problems: FieldProblem[]): void {
  const { selector, template } = spec ?? {};
  if (selector === undefined) problems.push(problem.required('spec.selector'));
  else if (selectorOf(selector).length === 0)
    problems.push(problem.invalid('spec.selector', selector, `empty selector is invalid for ${kind.charAt(0).toLowerCase()}${kind.slice(1)}`));
  else if (template !== undefined && !matchesSelector(selectorOf(selector), template.metadata?.labels))
    problems.push(problem.invalid('spec.template.metadata.labels', template.metadata?.labels ?? null, '`selector` does not match template `labels`'));
  if (kind === 'StatefulSet') checkStatefulTemplate(template, 'spec.template', problems);
  else checkRunningTemplate(template, kind, 'spec.template', problems);
}

const counted = (fields: readonly string[], below?: string): ((object: KubeObject, live: KubeObject, problems: FieldProblem[]) => void) => {
  return (object, live, problems) => {
    const status = readStatus(object);
    const at = (field: string): number => status[field] ?? 0;
    for (const field of fields) {
      nonNegative(status[field], `status.${field}`, problems);
      if (below !== undefined && field !== below && at(field) > at(below))
        problems.push(problem.invalid(`status.${field}`, at(field), `cannot be greater than status.${below}`));
    }
    if (at('availableReplicas') > at('readyReplicas') && fields.includes('readyReplicas'))
      problems.push(problem.invalid('status.availableReplicas', at('availableReplicas'), 'cannot be greater than readyReplicas'));
    const before = readStatus(live)['collisionCount'];
    if (before !== undefined && (status['collisionCount'] ?? -1) < before)
      problems.push(problem.invalid('status.collisionCount', status['collisionCount'] ?? null, 'cannot be decremented'));
  };
};

function readStatus(object: KubeObject): Readonly<Record<string, number>> {
  return ('status' in object ? (object.status ?? {}) : {}) as Readonly<Record<string, number>>; // The counts of a status, by its schema.
}

export const deployment: KindRules = kindRules<appsv1.Deployment>({
  rows: [
    ...COUNTS,
    ['spec.progressDeadlineSeconds', nonNegative],
    ['spec.strategy.rollingUpdate.maxUnavailable', countOrPercent],
    ['spec.strategy.rollingUpdate.maxUnavailable', atMostAll],
    ['spec.strategy.rollingUpdate.maxSurge', countOrPercent],
  ],
  check: (object, problems) => {
    checkWorkload(object as Workload, problems); // A Deployment is a workload.
    const { strategy, progressDeadlineSeconds, minReadySeconds = 0 } = object.spec ?? {};
    if (strategy?.type !== 'Recreate' && strategy?.type !== 'RollingUpdate')
      problems.push(problem.notSupported('spec.strategy', strategy ?? {}, ['Recreate', 'RollingUpdate']));
    if (strategy?.type === 'Recreate' && strategy.rollingUpdate !== undefined)
      problems.push(problem.forbidden('spec.strategy.rollingUpdate', "may not be specified when strategy `type` is 'Recreate'"));
    const { maxUnavailable, maxSurge } = strategy?.rollingUpdate ?? {};
    if (strategy?.rollingUpdate !== undefined && isNothing(maxUnavailable) && isNothing(maxSurge))
      problems.push(problem.invalid('spec.strategy.rollingUpdate.maxUnavailable', maxUnavailable ?? 0, 'may not be 0 when `maxSurge` is 0'));
    if (progressDeadlineSeconds !== undefined && progressDeadlineSeconds <= minReadySeconds)
      problems.push(problem.invalid('spec.progressDeadlineSeconds', progressDeadlineSeconds, 'must be greater than minReadySeconds'));
  },
  immutable: ['spec.selector'],
  status: counted(['replicas', 'updatedReplicas', 'readyReplicas', 'availableReplicas', 'unavailableReplicas'], undefined),
});

const isNothing = (value: number | string | undefined): boolean => value === undefined || value === 0 || percentOf(value) === 0;

export const replicaSet: KindRules = kindRules<appsv1.ReplicaSet>({
  rows: COUNTS,
  check: (object, problems) => checkWorkload(object as Workload, problems), // A ReplicaSet is a workload.
  immutable: ['spec.selector'],
  status: counted(['replicas', 'fullyLabeledReplicas', 'readyReplicas', 'availableReplicas'], 'replicas'),
});

export const daemonSet: KindRules = kindRules<appsv1.DaemonSet>({
  rows: [
    ...COUNTS,
    ['spec.updateStrategy.type', oneOf('OnDelete', 'RollingUpdate')],
    ['spec.updateStrategy.rollingUpdate.maxUnavailable', countOrPercent],
    ['spec.updateStrategy.rollingUpdate.maxUnavailable', atMostAll],
    ['spec.updateStrategy.rollingUpdate.maxSurge', countOrPercent],
    ['spec.updateStrategy.rollingUpdate.maxSurge', atMostAll],
  ],
  check: (object, problems) => {
    checkWorkload(object as Workload, problems); // A DaemonSet is a workload.
    const { type, rollingUpdate } = object.spec?.updateStrategy ?? {};
    if (type !== 'RollingUpdate') return;
    if (rollingUpdate === undefined) return void problems.push(problem.required('spec.updateStrategy.rollingUpdate'));
    const [surge, unavailable] = [isNothing(rollingUpdate.maxSurge), isNothing(rollingUpdate.maxUnavailable)];
    if (surge && unavailable) problems.push(problem.required('spec.updateStrategy.rollingUpdate.maxUnavailable', 'cannot be 0 when maxSurge is 0'));
    if (!surge && !unavailable)
      problems.push(problem.invalid('spec.updateStrategy.rollingUpdate.maxSurge', rollingUpdate.maxSurge, 'may not be set when maxUnavailable is non-zero'));
  },
  immutable: ['spec.selector'],
  status: counted([
    'currentNumberScheduled',
    'numberMisscheduled',
    'desiredNumberScheduled',
    'numberReady',
    'updatedNumberScheduled',
    'numberAvailable',
    'numberUnavailable',
  ]),
});

const STATEFUL_MUTABLE: ReadonlySet<string> = new Set([
  'replicas',
  'ordinals',
  'template',
  'updateStrategy',
  'revisionHistoryLimit',
  'persistentVolumeClaimRetentionPolicy',
  'minReadySeconds',
]);

export const statefulSet: KindRules = kindRules<appsv1.StatefulSet>({
  rows: [
    ...COUNTS,
    ['spec.podManagementPolicy', oneOf('OrderedReady', 'Parallel')],
    ['spec.updateStrategy.type', oneOf('OnDelete', 'RollingUpdate')],
    ['spec.updateStrategy.rollingUpdate.partition', nonNegative],
    ['spec.updateStrategy.rollingUpdate.maxUnavailable', countOrPercent],
    ['spec.updateStrategy.rollingUpdate.maxUnavailable', atMostAll],
    ['spec.ordinals.start', nonNegative],
    ['spec.persistentVolumeClaimRetentionPolicy.whenDeleted', oneOf('Delete', 'Retain')],
    ['spec.persistentVolumeClaimRetentionPolicy.whenScaled', oneOf('Delete', 'Retain')],
  ],
  check: (object, problems) => {
    checkWorkload(object as Workload, problems); // A StatefulSet is a workload.
    const { updateStrategy } = object.spec ?? {};
    if (updateStrategy?.type === 'OnDelete' && updateStrategy.rollingUpdate !== undefined)
      problems.push(problem.invalid('spec.updateStrategy.rollingUpdate', updateStrategy.rollingUpdate, "only allowed for updateStrategy 'RollingUpdate'"));
  },
  update: ({ spec }, { spec: old }, problems) => {
    const fixed = (of: object | undefined): unknown => Object.fromEntries(Object.entries(of ?? {}).filter(([field]) => !STATEFUL_MUTABLE.has(field)));
    if (!deepEqual(fixed(spec), fixed(old)))
      problems.push(
        problem.forbidden(
          'spec',
          "updates to statefulset spec for fields other than 'replicas', 'ordinals', 'template', 'updateStrategy', 'revisionHistoryLimit', 'persistentVolumeClaimRetentionPolicy' and 'minReadySeconds' are forbidden",
        ),
      );
  },
  status: counted(['replicas', 'readyReplicas', 'currentReplicas', 'updatedReplicas', 'availableReplicas'], 'replicas'),
});

export const replicationController: KindRules = kindRules<corev1.ReplicationController>({
  rows: [
    ['spec.replicas', nonNegative, 'required'],
    ['spec.minReadySeconds', nonNegative],
    ['spec.selector', labels],
  ],
  check: ({ spec }, problems) => {
    const selector = spec?.selector ?? {};
    if (Object.keys(selector).length === 0) problems.push(problem.required('spec.selector'));
    else if (spec?.template !== undefined && !Object.entries(selector).every(([key, value]) => spec.template?.metadata?.labels?.[key] === value))
      problems.push(problem.invalid('spec.template.metadata.labels', spec.template.metadata?.labels ?? null, '`selector` does not match template `labels`'));
    checkRunningTemplate(spec?.template, 'ReplicationController', 'spec.template', problems);
  },
  status: counted(['replicas', 'fullyLabeledReplicas', 'readyReplicas', 'availableReplicas'], 'replicas'),
});

export const podTemplate: KindRules = kindRules<corev1.PodTemplate>({
  check: ({ template }, problems) => checkTemplate(template, 'template', problems),
});

export const controllerRevision: KindRules = kindRules<appsv1.ControllerRevision>({
  rows: [
    ['revision', nonNegative],
    ['data', undefined, { required: 'data is mandatory' }],
  ],
  update: (object, live, problems) => checkUnchanged(object, live, 'data', problems),
});

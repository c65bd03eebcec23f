import { deepEqual, type coordinationv1, type corev1, type eventsv1, type nodev1, type policyv1, type schedulingv1 } from '@tiphys/kube-model';
import { problem, type FieldProblem } from '../failures.ts';
import { atMostAll, countOrPercent, format, maxBytes, nonNegative, oneOf, positive, quantity } from './checks.ts';
import { dnsLabel, qualifiedName } from './formats.ts';
import { kindRules, type KindRules } from './kind-rules.ts';
import { checkPodSpec } from './pods/pod-spec.ts';
import { checkEphemeralUpdate, checkPodUpdate, checkResize } from './pods/pod-update.ts';
import { labelSelector } from './selectors.ts';

export const pod: KindRules = kindRules<corev1.Pod>({
  check: ({ spec, metadata }, problems) => {
    if (spec === undefined) problems.push(problem.required('spec.containers'));
    else checkPodSpec(spec, metadata.name ?? '', 'spec', problems);
  },
  create: ({ spec }, problems) => {
    if ((spec?.ephemeralContainers ?? []).length > 0) problems.push(problem.forbidden('spec.ephemeralContainers', 'cannot be set on create'));
  },
  update: checkPodUpdate,
  status: ({ spec, status }, { status: old }, problems) => {
    if (spec?.restartPolicy === 'Always') return;
    const before = new Map((old?.containerStatuses ?? []).map((container) => [container.name, container.state?.terminated]));
    for (const [index, { name, state }] of (status?.containerStatuses ?? []).entries())
      if (before.get(name) !== undefined && state?.terminated === undefined)
        problems.push(problem.forbidden(`status.containerStatuses[${index}].state`, 'may not be transitioned to non-terminated state'));
  },
});

export const ephemeralContainers: KindRules = kindRules<corev1.Pod>({
  check: ({ spec, metadata }, problems) => void (spec !== undefined && checkPodSpec(spec, metadata.name ?? '', 'spec', problems)),
  update: checkEphemeralUpdate,
});

export const resize: KindRules = kindRules<corev1.Pod>({
  check: ({ spec, metadata }, problems) => void (spec !== undefined && checkPodSpec(spec, metadata.name ?? '', 'spec', problems)),
  update: checkResize,
});

export const priorityClass: KindRules = kindRules<schedulingv1.PriorityClass>({
  rows: [['preemptionPolicy', oneOf('Never', 'PreemptLowerPriority')]],
  check: ({ metadata, value = 0 }, problems) => {
    const { name = '' } = metadata;
    const reserved = SYSTEM_CLASSES[name];
    if (name.startsWith('system-') && reserved === undefined)
      problems.push(
        problem.forbidden(
          'metadata.name',
          "priority class names with 'system-' prefix are reserved for system use only. error: " + `${name} is not a known system priority class`,
        ),
      );
    else if (reserved !== undefined && value !== reserved)
      problems.push(
        problem.forbidden(
          'metadata.name',
          `priority class names with 'system-' prefix are reserved for system use only. error: value of ${name} PriorityClass must be ${reserved}`,
        ),
      );
    else if (reserved === undefined && value > MAX_PRIORITY)
      problems.push(problem.forbidden('value', `maximum allowed value of a user defined priority is ${MAX_PRIORITY}`));
  },
  update: ({ value, preemptionPolicy }, { value: oldValue, preemptionPolicy: oldPolicy }, problems) => {
    if (value !== oldValue) problems.push(problem.forbidden('value', 'may not be changed in an update.'));
    if (preemptionPolicy !== oldPolicy) problems.push(problem.invalid('preemptionPolicy', preemptionPolicy ?? null, 'field is immutable'));
  },
});

const MAX_PRIORITY = 1_000_000_000;
const SYSTEM_CLASSES: Readonly<Record<string, number>> = { 'system-cluster-critical': 2_000_000_000, 'system-node-critical': 2_000_001_000 };

export const runtimeClass: KindRules = kindRules<nodev1.RuntimeClass>({
  rows: [
    ['handler', format(dnsLabel, 'refused'), 'required'],
    ['overhead.podFixed[*]', quantity],
  ],
  immutable: ['handler'],
});

export const lease: KindRules = kindRules<coordinationv1.Lease>({
  rows: [
    ['spec.leaseDurationSeconds', positive],
    ['spec.leaseTransitions', nonNegative],
    ['spec.strategy', format(qualifiedName, 'refused')],
  ],
});

export const podDisruptionBudget: KindRules = kindRules<policyv1.PodDisruptionBudget>({
  rows: [
    ['spec.minAvailable', countOrPercent],
    ['spec.minAvailable', atMostAll],
    ['spec.maxUnavailable', countOrPercent],
    ['spec.maxUnavailable', atMostAll],
    ['spec.selector', labelSelector],
    ['spec.unhealthyPodEvictionPolicy', oneOf('AlwaysAllow', 'IfHealthyBudget')],
  ],
  check: ({ spec }, problems) => {
    if (spec?.minAvailable !== undefined && spec.maxUnavailable !== undefined)
      problems.push(problem.invalid('spec', spec, 'minAvailable and maxUnavailable cannot be both set'));
  },
  status: ({ status }, _live, problems) => {
    for (const field of ['disruptionsAllowed', 'currentHealthy', 'desiredHealthy', 'expectedPods'] as const)
      nonNegative(status?.[field], `status.${field}`, problems);
  },
});

// An event stands where what it is about stands; what has no namespace has its events in the default one.
function checkEventPlace(namespace: string, about: string, problems: FieldProblem[]): void {
  if (about === namespace || (about === '' && namespace === 'default')) return;
  problems.push(problem.invalid('involvedObject.namespace', about, 'does not match event.namespace'));
}

export const coreEvent: KindRules = kindRules<corev1.Event>({
  check: ({ metadata, involvedObject }, problems) => checkEventPlace(metadata.namespace ?? '', involvedObject?.namespace ?? '', problems),
});

export const event: KindRules = kindRules<eventsv1.Event>({
  check: ({ metadata, regarding }, problems) => checkEventPlace(metadata.namespace ?? '', regarding?.namespace ?? '', problems),
  rows: [
    ['reportingController', format(qualifiedName)],
    ['reportingInstance', maxBytes(128)],
    ['action', maxBytes(128)],
    ['reason', maxBytes(128)],
    ['note', maxBytes(1_024)],
    ['type', oneOf('Normal', 'Warning'), 'required'],
  ],
  create: (object, problems) => {
    for (const field of ['eventTime', 'reportingController', 'reportingInstance', 'action', 'reason'] as const)
      if ((object[field] ?? '') === '') problems.push(problem.required(field));
  },
  update: (object, live, problems) => {
    for (const field of ['regarding', 'related', 'reason', 'note', 'type', 'action', 'eventTime', 'reportingController', 'reportingInstance'] as const)
      if (!deepEqual(object[field], live[field])) problems.push(problem.invalid(field, object[field] ?? null, 'field is immutable'));
  },
});

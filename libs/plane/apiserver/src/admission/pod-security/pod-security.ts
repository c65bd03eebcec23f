import { controllerOf, fieldAt, type corev1 } from '@tiphys/kube-model';
import type { Core } from '../../core.ts';
import { draftAs, type Draft } from '../../draft.ts';
import { invalid } from '../../failures.ts';
import { parseStored } from '../../registry/objects.ts';
import type { AdmissionPlugin, AdmissionRequest } from '../chain.ts';
import { refuse } from '../refuse.ts';
import { describeViolations, violationsOf, type CheckedPod } from './checks.ts';
import { formatLevel, isStricter, policyOf, type LevelVersion, type Policy } from './policy.ts';

// Where kinds keep the pods they make.
const TEMPLATES: Readonly<Record<string, readonly string[]>> = {
  '/podtemplates': ['template'],
  '/replicationcontrollers': ['spec', 'template'],
  'apps/deployments': ['spec', 'template'],
  'apps/replicasets': ['spec', 'template'],
  'apps/statefulsets': ['spec', 'template'],
  'apps/daemonsets': ['spec', 'template'],
  'batch/jobs': ['spec', 'template'],
  'batch/cronjobs': ['spec', 'jobTemplate', 'spec', 'template'],
};

// Subresources of pods that leave its spec as it is.
const WITHOUT_SPEC: ReadonlySet<string> = new Set(['exec', 'attach', 'binding', 'eviction', 'log', 'portforward', 'proxy', 'status']);

/** Pods may not do more than their namespace allows; workloads that would are warned about (KEP-2579). */
export const podSecurity: AdmissionPlugin = {
  name: 'PodSecurity',
  validate(core, request) {
    const { operation, scope, object } = request;
    if (object === undefined || (operation !== 'CREATE' && operation !== 'UPDATE') || scope.served.custom !== undefined) return;
    const resource = `${scope.served.group}/${scope.served.resource}`;
    if (resource === '/namespaces') return checkNamespace(core, request, object);
    if (resource === '/pods') return checkPod(core, request, object);
    const path = TEMPLATES[resource];
    if (path === undefined || scope.subresource !== undefined) return;
    // A PodTemplateSpec after coercion.
    const template = fieldAt(object, ...path) as CheckedPod | undefined;
    if (template?.spec !== undefined) evaluate(request, policyIn(core, scope.namespace), template, false);
  },
};

function policyIn(core: Core, namespace: string | undefined): Policy {
  const entry = core.store.get(`/core/namespaces/${namespace ?? ''}`);
  return policyOf(entry === undefined ? undefined : parseStored(entry.value).metadata.labels).policy;
}

function checkPod(core: Core, request: AdmissionRequest, object: Draft): void {
  const { scope, oldObject } = request;
  if (scope.subresource !== undefined && WITHOUT_SPEC.has(scope.subresource)) return;
  const pod = podOf(object);
  const old = oldObject === undefined ? undefined : podOf(oldObject);
  if (pod === undefined || (old !== undefined && !hasNewImages(pod, old))) return;
  evaluate(request, policyIn(core, scope.namespace), pod, true);
}

function podOf(object: Draft): CheckedPod | undefined {
  const { metadata, spec } = draftAs<corev1.Pod>(object);
  return spec === undefined ? undefined : { metadata, spec };
}

// What else of a pod may change does not change what it may do.
function hasNewImages({ spec }: CheckedPod, { spec: old }: CheckedPod): boolean {
  const images = (containers: readonly { readonly name: string; readonly image?: string }[] = []): string =>
    JSON.stringify(containers.map(({ name, image }) => [name, image]));
  return (['containers', 'initContainers', 'ephemeralContainers'] as const).some((field) => images(spec[field]) !== images(old[field]));
}

function evaluate(request: AdmissionRequest, { enforce, audit, warn }: Policy, pod: CheckedPod, enforces: boolean): void {
  const describe = (level: LevelVersion): string => describeViolations(violationsOf(level, pod));
  if (enforces) request.annotate('pod-security.kubernetes.io/enforce-policy', formatLevel(enforce));
  const audited = describe(audit);
  if (audited !== '') request.annotate('pod-security.kubernetes.io/audit-violations', `would violate PodSecurity "${formatLevel(audit)}": ${audited}`);
  const enforced = enforces ? describe(enforce) : '';
  if (enforced !== '') throw refuse(request, `violates PodSecurity "${formatLevel(enforce)}": ${enforced}`);
  const warned = describe(warn);
  if (warned !== '') request.warn(`would violate PodSecurity "${formatLevel(warn)}": ${warned}`);
}

const MAX_PODS_CHECKED = 3_000;

function checkNamespace(core: Core, request: AdmissionRequest, object: Draft): void {
  if (request.scope.subresource !== undefined) return;
  const { name = '', labels } = object.metadata;
  const { policy, problems } = policyOf(labels);
  const before = request.oldObject === undefined ? undefined : policyOf(request.oldObject.metadata.labels);
  if (problems.length > 0 && JSON.stringify(problems) !== JSON.stringify(before?.problems)) throw invalid('', 'Namespace', name, problems);
  if (before === undefined || policy.enforce.level === 'privileged') return;
  const { enforce } = before.policy;
  if (enforce.minor === policy.enforce.minor && !isStricter(policy.enforce.level, enforce.level)) return;
  for (const warning of warningsAbout(core, name, policy.enforce)) request.warn(warning);
}

/** What the pods of a namespace would violate: one line for each kind of violation, with the first pod's name. */
function warningsAbout(core: Core, namespace: string, enforce: LevelVersion): readonly string[] {
  const pods = onePerController(core.store.list({ prefix: `/core/pods/${namespace}/` }).entries.map((entry) => parseStored(entry.value)));
  const byReason = new Map<string, string[]>();
  for (const object of pods.slice(0, MAX_PODS_CHECKED)) {
    const pod = podOf(object);
    const reason =
      pod === undefined
        ? ''
        : violationsOf(enforce, pod)
            .map((violation) => violation.reason)
            .join(', ');
    if (reason !== '') byReason.set(reason, [...(byReason.get(reason) ?? []), object.metadata.name ?? '']);
  }
  const lines = [...byReason].map(([reason, names]) => {
    const others = names.length - 1;
    const [first = ''] = names.toSorted();
    return `${first}${others === 0 ? '' : ` (and ${others} other ${others === 1 ? 'pod' : 'pods'})`}: ${reason}`;
  });
  return [
    ...(pods.length > MAX_PODS_CHECKED
      ? [`new PodSecurity enforce level only checked against the first ${MAX_PODS_CHECKED} of ${pods.length} existing pods`]
      : []),
    ...(lines.length > 0 ? [`existing pods in namespace "${namespace}" violate the new PodSecurity enforce level "${formatLevel(enforce)}"`] : []),
    ...lines.toSorted(),
  ];
}

// Pods of one controller are alike: one of each is looked at before their siblings.
function onePerController(pods: readonly Draft[]): readonly Draft[] {
  const seen = new Set<string>();
  const isFirst = new Map(
    pods.map((pod) => {
      const uid = controllerOf(pod as Parameters<typeof controllerOf>[0])?.uid; // A stored pod.
      const first = uid === undefined || !seen.has(uid);
      if (uid !== undefined) seen.add(uid);
      return [pod, first];
    }),
  );
  return [...pods.filter((pod) => isFirst.get(pod) === true), ...pods.filter((pod) => isFirst.get(pod) !== true)];
}

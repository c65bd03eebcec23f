import { deepEqual, parseQuantity, type corev1 } from '@tiphys/kube-model';
import { problem, type FieldProblem } from '../../failures.ts';

type Pod = corev1.Pod;

const FIXED_TEXT =
  'pod updates may not change fields other than `spec.containers[*].image`,`spec.initContainers[*].image`,`spec.activeDeadlineSeconds`,`spec.tolerations` (only additions to existing tolerations),`spec.terminationGracePeriodSeconds` (allow it to be set to 1 if it was previously negative)';

/** Problems of a change of a pod: nearly all of it is as it was when it was made (core/validation ValidatePodUpdate). */
export function checkPodUpdate({ spec }: Pod, { spec: old }: Pod, problems: FieldProblem[]): void {
  if (spec === undefined || old === undefined) return;
  const isGated = (old.schedulingGates ?? []).length > 0;
  for (const kind of ['containers', 'initContainers'] as const) {
    if ((spec[kind] ?? []).length !== (old[kind] ?? []).length) {
      problems.push(problem.forbidden(`spec.${kind}`, 'pod updates may not add or remove containers'));
      return;
    }
  }
  checkDeadline(spec.activeDeadlineSeconds, old.activeDeadlineSeconds, problems);
  checkTolerations(spec.tolerations ?? [], old.tolerations ?? [], problems);
  const before = new Set((old.schedulingGates ?? []).map(({ name }) => name));
  for (const { name } of spec.schedulingGates ?? [])
    if (!before.has(name)) problems.push(problem.forbidden('spec.schedulingGates', `only deletion is allowed, but found new scheduling gate '${name}'`));
  if (isGated && !isNarrower(spec, old))
    problems.push(problem.invalid('spec.nodeSelector', spec.nodeSelector ?? null, 'only additions are allowed (no mutations or deletions)'));
  if (!deepEqual(fixedPart(spec, isGated), fixedPart(old, isGated))) problems.push(problem.forbidden('spec', FIXED_TEXT));
}

function checkDeadline(now: number | undefined, before: number | undefined, problems: FieldProblem[]): void {
  if (before === undefined) return;
  if (now === undefined) problems.push(problem.invalid('spec.activeDeadlineSeconds', null, 'must not update from a positive integer to nil value'));
  else if (now > before) problems.push(problem.invalid('spec.activeDeadlineSeconds', now, 'must be less than or equal to previous value'));
}

function checkTolerations(now: readonly corev1.Toleration[], before: readonly corev1.Toleration[], problems: FieldProblem[]): void {
  const withoutSeconds = ({ tolerationSeconds: _seconds, ...rest }: corev1.Toleration): unknown => rest;
  const isKept = (old: corev1.Toleration): boolean =>
    now.some((candidate) => deepEqual(withoutSeconds(candidate), withoutSeconds(old)) && (old.effect === 'NoExecute' || deepEqual(candidate, old)));
  if (!before.every(isKept)) problems.push(problem.forbidden('spec.tolerations', 'existing toleration can not be modified except its tolerationSeconds'));
}

// A pod that waits for its gates may be told more about where it must not run.
function isNarrower(spec: corev1.PodSpec, old: corev1.PodSpec): boolean {
  return Object.entries(old.nodeSelector ?? {}).every(([key, value]) => spec.nodeSelector?.[key] === value);
}

function fixedPart(spec: corev1.PodSpec, isGated: boolean): unknown {
  const {
    activeDeadlineSeconds: _deadline,
    tolerations: _tolerations,
    schedulingGates: _gates,
    terminationGracePeriodSeconds: _grace,
    ephemeralContainers: _ephemeral,
    ...rest
  } = spec;
  const withoutImage = ({ image: _image, ...container }: corev1.Container): unknown => container;
  const { nodeSelector, affinity, ...fixed } = rest;
  return {
    ...fixed,
    ...(isGated ? { affinity: { ...affinity, nodeAffinity: undefined } } : { nodeSelector, affinity }),
    containers: fixed.containers.map(withoutImage),
    initContainers: fixed.initContainers?.map(withoutImage),
  };
}

/** Problems of `pods/ephemeralcontainers`: containers are only ever added. */
export function checkEphemeralUpdate({ spec, metadata }: Pod, { spec: old }: Pod, problems: FieldProblem[]): void {
  const field = 'spec.ephemeralContainers';
  if (metadata.annotations?.['kubernetes.io/config.mirror'] !== undefined)
    problems.push(problem.forbidden('', 'static pods do not support ephemeral containers'));
  const now = new Map((spec?.ephemeralContainers ?? []).map((container) => [container.name, container]));
  const before = new Set((old?.ephemeralContainers ?? []).map(({ name }) => name));
  for (const container of old?.ephemeralContainers ?? []) {
    const kept = now.get(container.name);
    if (kept === undefined) problems.push(problem.forbidden(field, `existing ephemeral containers ${JSON.stringify(container.name)} may not be removed\n`));
    else if (!deepEqual(kept, container))
      problems.push(problem.forbidden(field, `existing ephemeral containers ${JSON.stringify(container.name)} may not be changed\n`));
  }
  for (const [index, container] of (spec?.ephemeralContainers ?? []).entries())
    if (!before.has(container.name)) checkNewEphemeral(container, spec, `${field}[${index}]`, problems);
}

const FORBIDDEN_IN_EPHEMERAL = ['ports', 'livenessProbe', 'readinessProbe', 'startupProbe', 'lifecycle', 'resources', 'resizePolicy', 'restartPolicy'] as const;

function checkNewEphemeral(container: corev1.EphemeralContainer, spec: corev1.PodSpec | undefined, at: string, problems: FieldProblem[]): void {
  for (const field of FORBIDDEN_IN_EPHEMERAL) {
    const value: unknown = container[field];
    if (value !== undefined && !deepEqual(value, {})) problems.push(problem.forbidden(`${at}.${field}`, 'cannot be set for an Ephemeral Container'));
  }
  for (const [index, mount] of (container.volumeMounts ?? []).entries())
    if ((mount.subPath ?? '') !== '' || (mount.subPathExpr ?? '') !== '')
      problems.push(problem.forbidden(`${at}.volumeMounts[${index}].subPath`, 'cannot be set for an Ephemeral Container'));
  const { targetContainerName: target = '' } = container;
  const known = [...(spec?.containers ?? []), ...(spec?.initContainers ?? [])].some(({ name }) => name === target);
  if (target !== '' && !known) problems.push(problem.notFound(`${at}.targetContainerName`, target));
}

/** Problems of `pods/resize`: cpu and memory of containers that go on, within the pod's class of service (KEP-1287). */
export function checkResize(pod: Pod, old: Pod, problems: FieldProblem[]): void {
  const [spec, before] = [pod.spec, old.spec];
  if (spec === undefined || before === undefined) return;
  if (old.metadata.annotations?.['kubernetes.io/config.mirror'] !== undefined) problems.push(problem.forbidden('', 'static pods cannot be resized'));
  if (before.os?.name === 'windows') problems.push(problem.forbidden('', 'windows pods cannot be resized'));
  if (pod.status?.qosClass !== undefined && old.status?.qosClass !== undefined && pod.status.qosClass !== old.status.qosClass)
    problems.push(problem.invalid('metadata', pod.status.qosClass, 'Pod QOS Class may not change as a result of resizing'));
  for (const kind of ['containers', 'initContainers'] as const) {
    for (const [index, container] of (spec[kind] ?? []).entries()) {
      const known = before[kind]?.[index];
      if (known === undefined) continue;
      const at = `spec.${kind}[${index}].resources`;
      if (kind === 'initContainers' && known.restartPolicy !== 'Always' && !deepEqual(container.resources, known.resources))
        problems.push(problem.forbidden(at, 'resources for non-sidecar init containers are immutable'));
      checkResizedResources(container, known, at, problems);
    }
  }
}

function checkResizedResources(container: corev1.Container, old: corev1.Container, at: string, problems: FieldProblem[]): void {
  for (const list of ['limits', 'requests'] as const) {
    const [now, before] = [container.resources?.[list] ?? {}, old.resources?.[list] ?? {}];
    for (const name of new Set([...Object.keys(now), ...Object.keys(before)])) {
      if (now[name] === before[name]) continue;
      if (name !== 'cpu' && name !== 'memory') problems.push(problem.forbidden(`${at}.${list}`, 'only cpu and memory resources are mutable'));
      else if (name === 'memory' && list === 'limits' && isLess(now[name], before[name]) && !restartsFor(old, name))
        problems.push(problem.forbidden(`${at}.limits`, 'memory limits cannot be decreased unless resizePolicy is RestartContainer'));
      else if (now[name] === undefined) problems.push(problem.forbidden(`${at}.${list}`, `resource ${list} cannot be removed`));
    }
  }
}

function isLess(now: string | undefined, before: string | undefined): boolean {
  return now !== undefined && before !== undefined && (parseQuantity(now)?.nano ?? 0n) < (parseQuantity(before)?.nano ?? 0n);
}

function restartsFor({ resizePolicy = [] }: corev1.Container, resource: string): boolean {
  return resizePolicy.some(({ resourceName, restartPolicy }) => resourceName === resource && restartPolicy === 'RestartContainer');
}

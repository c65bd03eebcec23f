import type { corev1 } from '@tiphys/kube-model';
import { problem, type FieldProblem } from '../../failures.ts';
import { format, oneOf, portNumber, unique } from '../checks.ts';
import { dnsLabel, portName } from '../formats.ts';
import { table } from '../rows.ts';
import { checkEnv, checkEnvFrom } from './env.ts';
import { checkLifecycle, checkProbe } from './probes.ts';
import { checkResources } from './resources.ts';
import { checkContainerSecurity } from './security.ts';

/** What of a pod its containers are checked against. */
export interface PodContext {
  readonly spec: corev1.PodSpec;
  /** Names taken so far, over all kinds of containers. */
  readonly names: Set<string>;
  readonly volumes: ReadonlyMap<string, corev1.Volume>;
  readonly claims: ReadonlySet<string>;
  /** Host ports taken so far: `TCP//80`. */
  readonly hostPorts: Set<string>;
}

type Kind = 'containers' | 'initContainers' | 'ephemeralContainers';

const common = table([
  ['imagePullPolicy', oneOf('Always', 'IfNotPresent', 'Never')],
  ['terminationMessagePolicy', oneOf('FallbackToLogsOnError', 'File')],
  ['ports[].name', format(portName)],
  ['ports[].containerPort', portNumber, 'required'],
  ['ports[].protocol', oneOf('SCTP', 'TCP', 'UDP')],
  ['ports', unique('name')],
  ['resizePolicy[].resourceName', oneOf('cpu', 'memory'), 'required'],
  ['resizePolicy[].restartPolicy', oneOf('NotRequired', 'RestartContainer'), 'required'],
  ['resizePolicy', unique('resourceName')],
]);

/** Problems of one container of whatever kind. */
export function checkContainer(container: corev1.Container, kind: Kind, at: string, context: PodContext, problems: FieldProblem[]): void {
  checkIdentity(container, at, context.names, problems);
  common(container, at, problems);
  checkHostPorts(container.ports ?? [], `${at}.ports`, context, problems);
  checkEnv(container.env ?? [], `${at}.env`, problems);
  checkEnvFrom(container.envFrom ?? [], `${at}.envFrom`, problems);
  checkMounts(container, at, context, problems);
  checkDevices(container, at, context, problems);
  checkResources(container.resources, `${at}.resources`, problems, context.claims);
  checkContainerSecurity(container.securityContext, context.spec.hostUsers !== false, `${at}.securityContext`, problems);
  checkPolicies(container, kind, at, context, problems);
}

function checkIdentity({ name, image }: corev1.Container, at: string, names: Set<string>, problems: FieldProblem[]): void {
  // Absent in a body that leaves it out, whatever the type says.
  const given: string = name ?? '';
  if (given === '') problems.push(problem.required(`${at}.name`));
  else format(dnsLabel)(given, `${at}.name`, problems);
  if (given !== '' && names.has(given)) problems.push(problem.duplicate(`${at}.name`, given));
  names.add(given);
  if ((image ?? '') === '') problems.push(problem.required(`${at}.image`));
  else if (image?.trim() !== image) problems.push(problem.invalid(`${at}.image`, image, 'must not have leading or trailing whitespace'));
}

function checkHostPorts(ports: readonly corev1.ContainerPort[], field: string, { spec, hostPorts }: PodContext, problems: FieldProblem[]): void {
  for (const [index, { hostPort = 0, containerPort, protocol = 'TCP', hostIP = '' }] of ports.entries()) {
    if (hostPort === 0) continue;
    portNumber(hostPort, `${field}[${index}].hostPort`, problems);
    if (spec.hostNetwork === true && hostPort !== containerPort)
      problems.push(problem.invalid(`${field}[${index}].containerPort`, containerPort, 'must match `hostPort` when `hostNetwork` is true'));
    const identity = `${protocol}/${hostIP}/${hostPort}`;
    if (hostPorts.has(identity)) problems.push(problem.duplicate(`${field}[${index}].hostPort`, identity));
    hostPorts.add(identity);
  }
}

function checkMounts(container: corev1.Container, at: string, { volumes }: PodContext, problems: FieldProblem[]): void {
  const paths = new Set<string>();
  const devices = new Set((container.volumeDevices ?? []).map(({ name }) => name));
  for (const [index, mount] of (container.volumeMounts ?? []).entries()) {
    const field = `${at}.volumeMounts[${index}]`;
    if ((mount.name ?? '') === '') problems.push(problem.required(`${field}.name`));
    else if (!volumes.has(mount.name)) problems.push(problem.notFound(`${field}.name`, mount.name));
    else if (devices.has(mount.name)) problems.push(problem.invalid(`${field}.name`, mount.name, 'must not already exist in volumeDevices'));
    if ((mount.mountPath ?? '') === '') problems.push(problem.required(`${field}.mountPath`));
    if (paths.has(mount.mountPath)) problems.push(problem.invalid(`${field}.mountPath`, mount.mountPath, 'must be unique'));
    paths.add(mount.mountPath);
    checkSubPath(mount, field, problems);
    if (mount.mountPropagation === 'Bidirectional' && container.securityContext?.privileged !== true)
      problems.push(problem.forbidden(`${field}.mountPropagation`, 'Bidirectional mount propagation is available only to privileged containers'));
    oneOf('Bidirectional', 'HostToContainer', 'None')(mount.mountPropagation, `${field}.mountPropagation`, problems);
    oneOf('Disabled', 'Enabled', 'IfPossible')(mount.recursiveReadOnly, `${field}.recursiveReadOnly`, problems);
    if ((mount.recursiveReadOnly ?? 'Disabled') !== 'Disabled' && mount.readOnly !== true)
      problems.push(problem.forbidden(`${field}.recursiveReadOnly`, 'may only be specified when readOnly is true'));
  }
}

function checkSubPath({ subPath = '', subPathExpr = '' }: corev1.VolumeMount, field: string, problems: FieldProblem[]): void {
  for (const [name, value] of [
    ['subPath', subPath],
    ['subPathExpr', subPathExpr],
  ] as const) {
    if (value.startsWith('/')) problems.push(problem.invalid(`${field}.${name}`, value, 'must be a relative path'));
    if (value.split('/').includes('..')) problems.push(problem.invalid(`${field}.${name}`, value, "must not contain '..'"));
  }
  if (subPath !== '' && subPathExpr !== '')
    problems.push(problem.invalid(`${field}.subPathExpr`, subPathExpr, 'subPathExpr and subPath are mutually exclusive'));
}

function checkDevices(container: corev1.Container, at: string, { volumes }: PodContext, problems: FieldProblem[]): void {
  for (const [index, { name, devicePath = '' }] of (container.volumeDevices ?? []).entries()) {
    const field = `${at}.volumeDevices[${index}]`;
    const volume = volumes.get(name);
    if ((name ?? '') === '') problems.push(problem.required(`${field}.name`));
    else if (volume === undefined) problems.push(problem.notFound(`${field}.name`, name));
    else if (volume.persistentVolumeClaim === undefined && volume.ephemeral === undefined)
      problems.push(problem.invalid(`${field}.name`, name, 'can only use volume source type of PersistentVolumeClaim or Ephemeral for block mode'));
    if (devicePath === '') problems.push(problem.required(`${field}.devicePath`));
    if (devicePath.split('/').includes('..')) problems.push(problem.invalid(`${field}.devicePath`, devicePath, "can not contain backsteps ('..')"));
  }
}

const PROBES = ['livenessProbe', 'readinessProbe', 'startupProbe'] as const;
const DEFAULT_GRACE_SECONDS = 30;

// What containers of each kind may have: sidecars live like containers, other init containers do not.
function checkPolicies(container: corev1.Container, kind: Kind, at: string, { spec }: PodContext, problems: FieldProblem[]): void {
  const isSidecar = kind === 'initContainers' && container.restartPolicy === 'Always';
  if (kind === 'containers' && container.restartPolicy !== undefined)
    problems.push(problem.forbidden(`${at}.restartPolicy`, 'may not be set for non-init containers'));
  if (kind === 'initContainers' && container.restartPolicy !== undefined) oneOf('Always')(container.restartPolicy, `${at}.restartPolicy`, problems);
  if (kind === 'ephemeralContainers') return;
  if (kind === 'initContainers' && !isSidecar) {
    for (const field of ['lifecycle', ...PROBES] as const)
      if (container[field] !== undefined) problems.push(problem.forbidden(`${at}.${field}`, 'may not be set for init containers without restartPolicy=Always'));
    return;
  }
  for (const probe of PROBES) checkProbe(container[probe], probe, `${at}.${probe}`, problems);
  checkLifecycle(container.lifecycle, spec.terminationGracePeriodSeconds ?? DEFAULT_GRACE_SECONDS, `${at}.lifecycle`, problems);
  for (const [index, policy] of (container.resizePolicy ?? []).entries())
    if (spec.restartPolicy === 'Never' && policy.restartPolicy !== 'NotRequired')
      problems.push(
        problem.invalid(`${at}.resizePolicy[${index}].restartPolicy`, policy.restartPolicy, "must be 'NotRequired' when `restartPolicy` is 'Never'"),
      );
}

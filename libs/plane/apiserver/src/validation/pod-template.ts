import { isDnsLabel, quantityMilli, type corev1 } from '@tiphys/kube-model';
import { problem, type FieldProblem } from '../failures.ts';
import { NAME_DETAILS, validateLabels } from './names.ts';

type Check = (problems: FieldProblem[]) => void;

/** Problems of a pod's spec at `path`. */
export function validatePodSpec(spec: corev1.PodSpec, path: string): readonly FieldProblem[] {
  const problems: FieldProblem[] = [];
  const containers = spec.containers ?? [];
  const inits = spec.initContainers ?? [];
  if (containers.length === 0) problems.push(problem.required(`${path}.containers`));
  const names = new Set<string>();
  const volumes = new Set((spec.volumes ?? []).map((volume) => volume.name));
  for (const [list, field] of [
    [inits, 'initContainers'],
    [containers, 'containers'],
  ] as const) {
    for (const [index, container] of list.entries()) validateContainer(container, `${path}.${field}[${index}]`, names, volumes)(problems);
  }
  validateVolumes(spec.volumes ?? [], `${path}.volumes`)(problems);
  oneOf(spec.restartPolicy, ['Always', 'OnFailure', 'Never'], `${path}.restartPolicy`)(problems);
  oneOf(spec.dnsPolicy, ['ClusterFirstWithHostNet', 'ClusterFirst', 'Default', 'None'], `${path}.dnsPolicy`)(problems);
  atLeast(spec.terminationGracePeriodSeconds, 0, `${path}.terminationGracePeriodSeconds`)(problems);
  if (spec.activeDeadlineSeconds !== undefined && spec.activeDeadlineSeconds < 1)
    problems.push(problem.invalid(`${path}.activeDeadlineSeconds`, spec.activeDeadlineSeconds, 'must be between 1 and 2147483647, inclusive'));
  problems.push(...validateLabels(spec.nodeSelector, `${path}.nodeSelector`));
  return problems;
}

/** Problems of a template: its labels and its pod. */
export function validateTemplate(template: corev1.PodTemplateSpec | undefined, path: string, policies: readonly string[]): readonly FieldProblem[] {
  if (template?.spec === undefined) return [problem.required(`${path}.spec.containers`)];
  const policy = template.spec.restartPolicy ?? 'Always';
  return [
    ...validateLabels(template.metadata?.labels, `${path}.labels`),
    ...validatePodSpec(template.spec, `${path}.spec`),
    ...(policies.includes(policy) ? [] : [problem.notSupported(`${path}.spec.restartPolicy`, policy, policies)]),
  ];
}

function validateContainer(container: corev1.Container, path: string, names: Set<string>, volumes: ReadonlySet<string>): Check {
  return (problems) => {
    const { image = '' } = container;
    // Absent in a body that leaves it out, whatever the type says.
    const name: string | undefined = container.name;
    if ((name ?? '') === '') problems.push(problem.required(`${path}.name`));
    else if (!isDnsLabel(name)) problems.push(problem.invalid(`${path}.name`, name, NAME_DETAILS.label));
    else if (names.has(name)) problems.push(problem.duplicate(`${path}.name`, name));
    names.add(name);
    if (image === '') problems.push(problem.required(`${path}.image`));
    oneOf(container.imagePullPolicy, ['Always', 'IfNotPresent', 'Never'], `${path}.imagePullPolicy`)(problems);
    validatePorts(container.ports ?? [], `${path}.ports`)(problems);
    validateEnv(container.env ?? [], `${path}.env`)(problems);
    for (const [index, mount] of (container.volumeMounts ?? []).entries()) {
      if ((mount.mountPath ?? '') === '') problems.push(problem.required(`${path}.volumeMounts[${index}].mountPath`));
      if (!volumes.has(mount.name)) problems.push(problem.notFound(`${path}.volumeMounts[${index}].name`, mount.name));
    }
    validateResources(container.resources, `${path}.resources`)(problems);
    for (const probe of ['livenessProbe', 'readinessProbe', 'startupProbe'] as const) validateProbe(container[probe], `${path}.${probe}`, probe)(problems);
  };
}

function validatePorts(ports: readonly corev1.ContainerPort[], path: string): Check {
  return (problems) => {
    const names = new Set<string>();
    for (const [index, port] of ports.entries()) {
      const at = `${path}[${index}]`;
      if (port.name !== undefined) {
        if (!isPortName(port.name))
          problems.push(
            problem.invalid(
              `${at}.name`,
              port.name,
              'must contain only alphanumeric characters (a-z, 0-9), and hyphens (-), at least one letter, at most 15 characters',
            ),
          );
        else if (names.has(port.name)) problems.push(problem.duplicate(`${at}.name`, port.name));
        names.add(port.name);
      }
      if (port.containerPort === undefined) problems.push(problem.required(`${at}.containerPort`));
      else portNumber(port.containerPort, `${at}.containerPort`)(problems);
      if (port.hostPort !== undefined && port.hostPort !== 0) portNumber(port.hostPort, `${at}.hostPort`)(problems);
      oneOf(port.protocol, ['SCTP', 'TCP', 'UDP'], `${at}.protocol`)(problems);
    }
  };
}

function validateEnv(env: readonly corev1.EnvVar[], path: string): Check {
  return (problems) => {
    for (const [index, variable] of env.entries()) {
      const name: string = variable.name ?? '';
      if (name === '') problems.push(problem.required(`${path}[${index}].name`));
      else if (!/^[ -<>-~]+$/.test(name))
        problems.push(
          problem.invalid(`${path}[${index}].name`, name, "a valid environment variable name must consist only of printable ASCII characters other than '='"),
        );
      if (variable.valueFrom !== undefined && (variable.value ?? '') !== '')
        problems.push(problem.invalid(`${path}[${index}].valueFrom`, '', 'may not be specified when `value` is not empty'));
      if (variable.valueFrom !== undefined && Object.keys(variable.valueFrom).length !== 1)
        problems.push(
          problem.invalid(`${path}[${index}].valueFrom`, '', 'must specify one of: `fieldRef`, `resourceFieldRef`, `configMapKeyRef` or `secretKeyRef`'),
        );
    }
  };
}

function validateResources(resources: corev1.ResourceRequirements | undefined, path: string): Check {
  return (problems) => {
    for (const [name, request] of Object.entries(resources?.requests ?? {})) {
      const limit = resources?.limits?.[name];
      if (limit !== undefined && quantityMilli(request) > quantityMilli(limit))
        problems.push(problem.invalid(`${path}.requests`, request, `must be less than or equal to ${name} limit of ${limit}`));
    }
    for (const kind of ['limits', 'requests'] as const) {
      for (const [name, amount] of Object.entries(resources?.[kind] ?? {}))
        if (amount.startsWith('-')) problems.push(problem.invalid(`${path}.${kind}[${name}]`, amount, 'must be greater than or equal to 0'));
    }
  };
}

function validateProbe(probe: corev1.Probe | undefined, path: string, kind: string): Check {
  return (problems) => {
    if (probe === undefined) return;
    const handlers = [probe.exec, probe.httpGet, probe.tcpSocket, probe.grpc].filter((handler) => handler !== undefined);
    if (handlers.length === 0) problems.push(problem.required(path, 'must specify a handler type'));
    if (handlers.length > 1) problems.push(problem.forbidden(path, 'may not specify more than 1 handler type'));
    for (const field of ['initialDelaySeconds', 'timeoutSeconds', 'periodSeconds', 'successThreshold', 'failureThreshold'] as const)
      atLeast(probe[field], 0, `${path}.${field}`)(problems);
    if (kind !== 'readinessProbe' && (probe.successThreshold ?? 1) !== 1)
      problems.push(problem.invalid(`${path}.successThreshold`, probe.successThreshold, 'must be 1'));
  };
}

function validateVolumes(volumes: readonly corev1.Volume[], path: string): Check {
  return (problems) => {
    const names = new Set<string>();
    for (const [index, volume] of volumes.entries()) {
      const name: string = volume.name ?? '';
      if (name === '') problems.push(problem.required(`${path}[${index}].name`));
      else if (!isDnsLabel(name)) problems.push(problem.invalid(`${path}[${index}].name`, name, NAME_DETAILS.label));
      else if (names.has(name)) problems.push(problem.duplicate(`${path}[${index}].name`, name));
      names.add(name);
      const sources = Object.keys(volume).length - 1;
      if (sources > 1) problems.push(problem.forbidden(`${path}[${index}]`, 'may not specify more than 1 volume type'));
    }
  };
}

/** Whether text names a port. */
export function isPortName(name: string): boolean {
  return name.length <= 15 && /^[a-z0-9]([-a-z0-9]*[a-z0-9])?$/.test(name) && /[a-z]/.test(name) && !name.includes('--');
}

/** Problems of a port's number. */
export function portNumber(port: number, field: string): Check {
  return (problems) => {
    if (port < 1 || port > 65_535) problems.push(problem.invalid(field, port, 'must be between 1 and 65535, inclusive'));
  };
}

/** Problems of a value from a closed set. */
export function oneOf(value: string | undefined, supported: readonly string[], field: string): Check {
  return (problems) => {
    if (value !== undefined && !supported.includes(value)) problems.push(problem.notSupported(field, value, supported));
  };
}

/** Problems of a number with a lower bound. */
export function atLeast(value: number | undefined, bound: number, field: string): Check {
  return (problems) => {
    if (value !== undefined && value < bound) problems.push(problem.invalid(field, value, `must be greater than or equal to ${bound}`));
  };
}

import {
  deepEqual,
  isDnsLabel,
  matchesSelector,
  selectorOf,
  type appsv1,
  type batchv1,
  type corev1,
  type KubeObject,
  type metav1,
  type networkingv1,
  type rbacv1,
} from '@tiphys/kube-model';
import { draftAs, type Draft } from '../draft.ts';
import { problem, type FieldProblem } from '../failures.ts';
import { NAME_DETAILS } from './names.ts';
import { atLeast, isPortName, oneOf, portNumber, validatePodSpec, validateTemplate } from './pod-template.ts';

type Rule<T extends KubeObject> = (object: T, live: T | undefined, problems: FieldProblem[]) => void;

const IMMUTABLE = 'field is immutable';

/** The rules of a built-in kind; `live` is the object before an update. */
export function validateKind(draft: Draft, live: Draft | undefined): readonly FieldProblem[] {
  const problems: FieldProblem[] = [];
  RULES[`${draft.apiVersion}/${draft.kind}`]?.(draft, live, problems);
  return problems;
}

function rule<T extends KubeObject>(check: Rule<T>): (draft: Draft, live: Draft | undefined, problems: FieldProblem[]) => void {
  // Mutable<T> is a T to readers.
  return (draft, live, problems) => check(draftAs<T>(draft) as T, live === undefined ? undefined : (draftAs<T>(live) as T), problems);
}

const RULES: Readonly<Record<string, (draft: Draft, live: Draft | undefined, problems: FieldProblem[]) => void>> = {
  'v1/Pod': rule<corev1.Pod>(checkPod),
  'v1/Service': rule<corev1.Service>(checkService),
  'v1/ConfigMap': rule<corev1.ConfigMap>(checkConfigMap),
  'v1/Secret': rule<corev1.Secret>(checkSecret),
  'v1/ReplicationController': rule<corev1.ReplicationController>((rc, _live, problems) =>
    problems.push(...validateTemplate(rc.spec?.template, 'spec.template', ['Always'])),
  ),
  'v1/PersistentVolumeClaim': rule<corev1.PersistentVolumeClaim>(checkClaim),
  'apps/v1/Deployment': rule<appsv1.Deployment>((object, live, problems) => {
    checkWorkload(object, live, problems);
    const { spec } = object;
    if (spec?.strategy?.type === 'Recreate' && spec.strategy.rollingUpdate !== undefined)
      problems.push(problem.forbidden('spec.strategy.rollingUpdate', "may not be specified when strategy `type` is 'Recreate'"));
    oneOf(spec?.strategy?.type, ['Recreate', 'RollingUpdate'], 'spec.strategy.type')(problems);
    if ((spec?.progressDeadlineSeconds ?? 600) <= (spec?.minReadySeconds ?? 0))
      problems.push(problem.invalid('spec.progressDeadlineSeconds', spec?.progressDeadlineSeconds, 'must be greater than minReadySeconds'));
  }),
  'apps/v1/ReplicaSet': rule<appsv1.ReplicaSet>(checkWorkload),
  'apps/v1/StatefulSet': rule<appsv1.StatefulSet>((object, live, problems) => {
    checkWorkload(object, live, problems);
    if (live !== undefined) checkStatefulSetUpdate(object, live, problems);
  }),
  'apps/v1/DaemonSet': rule<appsv1.DaemonSet>(checkWorkload),
  'batch/v1/Job': rule<batchv1.Job>(checkJob),
  'batch/v1/CronJob': rule<batchv1.CronJob>(checkCronJob),
  'networking.k8s.io/v1/Ingress': rule<networkingv1.Ingress>(checkIngress),
  'rbac.authorization.k8s.io/v1/RoleBinding': rule<rbacv1.RoleBinding>(checkBinding),
  'rbac.authorization.k8s.io/v1/ClusterRoleBinding': rule<rbacv1.ClusterRoleBinding>(checkBinding),
  'storage.k8s.io/v1/StorageClass': rule((object, live, problems) => {
    if (live !== undefined) immutable(object, live, ['provisioner', 'parameters', 'reclaimPolicy', 'volumeBindingMode'], problems);
  }),
  'scheduling.k8s.io/v1/PriorityClass': rule((object, live, problems) => {
    if (live !== undefined) immutable(object, live, ['value', 'preemptionPolicy'], problems);
  }),
};

function immutable(object: KubeObject, live: KubeObject, fields: readonly string[], problems: FieldProblem[]): void {
  for (const field of fields) {
    const [now, before] = [Object.entries(object), Object.entries(live)].map((entries) => entries.find(([name]) => name === field)?.[1] as unknown);
    if (!deepEqual(now, before)) problems.push(problem.invalid(field, now, IMMUTABLE));
  }
}

interface Workload extends KubeObject {
  readonly spec?: {
    readonly selector?: metav1.LabelSelector;
    readonly template?: corev1.PodTemplateSpec;
    readonly replicas?: number;
    readonly minReadySeconds?: number;
    readonly revisionHistoryLimit?: number;
  };
}

function checkWorkload(object: Workload, live: Workload | undefined, problems: FieldProblem[]): void {
  const { spec } = object;
  atLeast(spec?.replicas, 0, 'spec.replicas')(problems);
  atLeast(spec?.minReadySeconds, 0, 'spec.minReadySeconds')(problems);
  atLeast(spec?.revisionHistoryLimit, 0, 'spec.revisionHistoryLimit')(problems);
  const selector = spec?.selector;
  if (selector === undefined) problems.push(problem.required('spec.selector'));
  else if (selectorOf(selector).length === 0)
    problems.push(problem.invalid('spec.selector', selector, `empty selector is invalid for ${object.kind.toLowerCase()}`));
  else if (!matchesSelector(selectorOf(selector), spec?.template?.metadata?.labels))
    problems.push(problem.invalid('spec.template.metadata.labels', spec?.template?.metadata?.labels ?? null, '`selector` does not match template `labels`'));
  problems.push(...validateTemplate(spec?.template, 'spec.template', ['Always']));
  if (live !== undefined && !deepEqual(selector, live.spec?.selector)) problems.push(problem.invalid('spec.selector', selector, IMMUTABLE));
}

const STATEFUL_MUTABLE: ReadonlySet<string> = new Set([
  'replicas',
  'ordinals',
  'template',
  'updateStrategy',
  'revisionHistoryLimit',
  'persistentVolumeClaimRetentionPolicy',
  'minReadySeconds',
]);

function checkStatefulSetUpdate(object: appsv1.StatefulSet, live: appsv1.StatefulSet, problems: FieldProblem[]): void {
  const fixed = (set: appsv1.StatefulSet): unknown => Object.fromEntries(Object.entries(set.spec ?? {}).filter(([field]) => !STATEFUL_MUTABLE.has(field)));
  if (!deepEqual(fixed(object), fixed(live))) {
    problems.push(
      problem.forbidden(
        'spec',
        "updates to statefulset spec for fields other than 'replicas', 'ordinals', 'template', 'updateStrategy', 'revisionHistoryLimit', 'persistentVolumeClaimRetentionPolicy' and 'minReadySeconds' are forbidden",
      ),
    );
  }
}

function checkPod(pod: corev1.Pod, live: corev1.Pod | undefined, problems: FieldProblem[]): void {
  if (pod.spec === undefined) {
    problems.push(problem.required('spec.containers'));
    return;
  }
  problems.push(...validatePodSpec(pod.spec, 'spec'));
  if (live !== undefined && !deepEqual(fixedPart(pod.spec), fixedPart(live.spec))) {
    problems.push(
      problem.forbidden(
        'spec',
        'pod updates may not change fields other than `spec.containers[*].image`,`spec.initContainers[*].image`,`spec.activeDeadlineSeconds`,`spec.tolerations` (only additions to existing tolerations),`spec.terminationGracePeriodSeconds` (allow it to be set to 1 if it was previously negative)',
      ),
    );
  }
}

// What of a pod's spec never changes once it exists.
function fixedPart(spec: corev1.PodSpec | undefined): unknown {
  if (spec === undefined) return undefined;
  const {
    activeDeadlineSeconds: _deadline,
    tolerations: _tolerations,
    schedulingGates: _gates,
    terminationGracePeriodSeconds: _grace,
    ephemeralContainers: _ephemeral,
    ...rest
  } = spec;
  const withoutImage = ({ image: _image, ...container }: corev1.Container): unknown => container;
  return { ...rest, containers: rest.containers.map(withoutImage), initContainers: rest.initContainers?.map(withoutImage) };
}

function checkService(service: corev1.Service, live: corev1.Service | undefined, problems: FieldProblem[]): void {
  const { spec } = service;
  if (spec === undefined) return void problems.push(problem.required('spec.ports'));
  oneOf(spec.type, ['ClusterIP', 'ExternalName', 'LoadBalancer', 'NodePort'], 'spec.type')(problems);
  oneOf(spec.sessionAffinity, ['ClientIP', 'None'], 'spec.sessionAffinity')(problems);
  const ports = spec.ports ?? [];
  if (ports.length === 0 && spec.type !== 'ExternalName' && spec.clusterIP !== 'None') problems.push(problem.required('spec.ports'));
  if (spec.type === 'ExternalName' && (spec.externalName ?? '') === '') problems.push(problem.required('spec.externalName'));
  checkServicePorts(ports, problems);
  const before = live?.spec;
  if (before === undefined || before.type === 'ExternalName' || spec.type === 'ExternalName') return;
  if ((before.clusterIP ?? '') !== '' && before.clusterIP !== spec.clusterIP)
    problems.push(problem.invalid('spec.clusterIPs[0]', spec.clusterIPs ?? [spec.clusterIP], 'may not change once set'));
}

function checkServicePorts(ports: readonly corev1.ServicePort[], problems: FieldProblem[]): void {
  const names = new Set<string>();
  const numbers = new Set<string>();
  for (const [index, port] of ports.entries()) {
    const at = `spec.ports[${index}]`;
    if (ports.length > 1 && (port.name ?? '') === '') problems.push(problem.required(`${at}.name`));
    if (port.name !== undefined && port.name !== '') {
      if (!isDnsLabel(port.name)) problems.push(problem.invalid(`${at}.name`, port.name, NAME_DETAILS.label));
      if (names.has(port.name)) problems.push(problem.duplicate(`${at}.name`, port.name));
      names.add(port.name);
    }
    if (port.port === undefined) problems.push(problem.required(`${at}.port`));
    else portNumber(port.port, `${at}.port`)(problems);
    if (typeof port.targetPort === 'number') portNumber(port.targetPort, `${at}.targetPort`)(problems);
    else if (port.targetPort !== undefined && !isPortName(port.targetPort))
      problems.push(problem.invalid(`${at}.targetPort`, port.targetPort, 'must be a port number or a port name'));
    oneOf(port.protocol, ['SCTP', 'TCP', 'UDP'], `${at}.protocol`)(problems);
    const identity = `${port.protocol}/${port.port}`;
    if (numbers.has(identity)) problems.push(problem.duplicate(at, { port: port.port, protocol: port.protocol }));
    numbers.add(identity);
  }
}

const MAX_DATA_BYTES = 1_048_576;
const DATA_KEY = /^[-._a-zA-Z0-9]+$/;

function checkData(data: Readonly<Record<string, string>>, field: string, problems: FieldProblem[]): number {
  let bytes = 0;
  for (const [key, value] of Object.entries(data)) {
    if (!DATA_KEY.test(key) || key.length > 253 || key === '.' || key.startsWith('..'))
      problems.push(
        problem.invalid(
          `${field}[${key}]`,
          key,
          "a valid config key must consist of alphanumeric characters, '-', '_' or '.' (e.g. 'key.name',  or 'KEY_NAME',  or 'key-name', regex used for validation is '[-._a-zA-Z0-9]+')",
        ),
      );
    bytes += Buffer.byteLength(value);
  }
  return bytes;
}

function checkConfigMap(object: corev1.ConfigMap, live: corev1.ConfigMap | undefined, problems: FieldProblem[]): void {
  const bytes = checkData(object.data ?? {}, 'data', problems) + checkData(object.binaryData ?? {}, 'binaryData', problems);
  for (const key of Object.keys(object.binaryData ?? {}))
    if (Object.hasOwn(object.data ?? {}, key)) problems.push(problem.invalid(`data[${key}]`, key, `duplicate of key present in binaryData`));
  if (bytes > MAX_DATA_BYTES) problems.push({ field: '', reason: 'FieldValueTooLong', message: `Too long: may not be more than ${MAX_DATA_BYTES} bytes` });
  checkImmutable(object, live, ['data', 'binaryData'], problems);
}

function checkImmutable(
  object: corev1.ConfigMap | corev1.Secret,
  live: corev1.ConfigMap | corev1.Secret | undefined,
  fields: readonly ('data' | 'binaryData')[],
  problems: FieldProblem[],
): void {
  if (live?.immutable !== true) return;
  if (object.immutable !== true) problems.push(problem.forbidden('immutable', 'field is immutable when `immutable` is set'));
  for (const field of fields) {
    const pick = (from: corev1.ConfigMap | corev1.Secret): unknown => (field in from ? Object.entries(from).find(([name]) => name === field)?.[1] : undefined);
    if (!deepEqual(pick(object), pick(live))) problems.push(problem.forbidden(field, 'field is immutable when `immutable` is set'));
  }
}

const SECRET_KEYS: Readonly<Record<string, readonly string[]>> = {
  'kubernetes.io/tls': ['tls.crt', 'tls.key'],
  'kubernetes.io/dockerconfigjson': ['.dockerconfigjson'],
  'kubernetes.io/dockercfg': ['.dockercfg'],
  'kubernetes.io/ssh-auth': ['ssh-privatekey'],
};

function checkSecret(object: corev1.Secret, live: corev1.Secret | undefined, problems: FieldProblem[]): void {
  const bytes = checkData(object.data ?? {}, 'data', problems);
  if (bytes > (MAX_DATA_BYTES * 4) / 3)
    problems.push({ field: 'data', reason: 'FieldValueTooLong', message: `Too long: may not be more than ${MAX_DATA_BYTES} bytes` });
  for (const key of SECRET_KEYS[object.type ?? ''] ?? []) if (object.data?.[key] === undefined) problems.push(problem.required(`data[${key}]`));
  if (live !== undefined && object.type !== live.type) problems.push(problem.invalid('type', object.type, IMMUTABLE));
  checkImmutable(object, live, ['data'], problems);
}

function checkClaim(claim: corev1.PersistentVolumeClaim, live: corev1.PersistentVolumeClaim | undefined, problems: FieldProblem[]): void {
  if ((claim.spec?.accessModes ?? []).length === 0) problems.push(problem.required('spec.accessModes', 'at least 1 access mode is required'));
  if (claim.spec?.resources?.requests?.['storage'] === undefined) problems.push(problem.required('spec.resources[storage]'));
  if (live?.spec === undefined || claim.spec === undefined) return;
  const fixed = ({
    resources: _resources,
    volumeName: _volume,
    storageClassName: _class,
    volumeAttributesClassName: _attributes,
    ...rest
  }: corev1.PersistentVolumeClaimSpec): unknown => rest;
  if (!deepEqual(fixed(claim.spec), fixed(live.spec)))
    problems.push(problem.forbidden('spec', 'spec is immutable after creation except resources.requests and volumeAttributesClassName for bound claims'));
}

function checkJob(job: batchv1.Job, live: batchv1.Job | undefined, problems: FieldProblem[]): void {
  const { spec } = job;
  for (const field of ['parallelism', 'completions', 'activeDeadlineSeconds', 'backoffLimit', 'ttlSecondsAfterFinished'] as const)
    atLeast(spec?.[field], 0, `spec.${field}`)(problems);
  oneOf(spec?.completionMode, ['NonIndexed', 'Indexed'], 'spec.completionMode')(problems);
  if (spec?.completionMode === 'Indexed' && spec.completions === undefined)
    problems.push(problem.required('spec.completions', 'when completion mode is Indexed'));
  problems.push(...validateTemplate(spec?.template, 'spec.template', ['OnFailure', 'Never']));
  const before = live?.spec;
  if (before === undefined || spec === undefined) return;
  for (const field of ['selector', 'completionMode', 'podFailurePolicy', 'backoffLimitPerIndex', 'managedBy', 'successPolicy'] as const) {
    if (!deepEqual(spec[field], before[field])) problems.push(problem.invalid(`spec.${field}`, spec[field], IMMUTABLE));
  }
  if (spec.completionMode !== 'Indexed' && spec.completions !== before.completions)
    problems.push(problem.invalid('spec.completions', spec.completions, IMMUTABLE));
  const neverStarted = before.suspend === true && live?.status?.startTime === undefined;
  if (!neverStarted && !deepEqual(spec.template, before.template)) problems.push(problem.invalid('spec.template', spec.template, IMMUTABLE));
}

const CRON = /^(@(yearly|annually|monthly|weekly|daily|midnight|hourly|every \S+)|(\S+\s+){4}\S+)$/;

function checkCronJob(cron: batchv1.CronJob, _live: batchv1.CronJob | undefined, problems: FieldProblem[]): void {
  const { spec } = cron;
  if ((spec?.schedule ?? '') === '') problems.push(problem.required('spec.schedule'));
  else if (!CRON.test(spec?.schedule.trim() ?? ''))
    problems.push(
      problem.invalid('spec.schedule', spec?.schedule, `expected exactly 5 fields, found ${spec?.schedule.trim().split(/\s+/).length}: [${spec?.schedule}]`),
    );
  oneOf(spec?.concurrencyPolicy, ['Allow', 'Forbid', 'Replace'], 'spec.concurrencyPolicy')(problems);
  problems.push(...validateTemplate(spec?.jobTemplate?.spec?.template, 'spec.jobTemplate.spec.template', ['OnFailure', 'Never']));
}

function checkIngress(ingress: networkingv1.Ingress, _live: networkingv1.Ingress | undefined, problems: FieldProblem[]): void {
  const { spec } = ingress;
  if (spec?.defaultBackend === undefined && (spec?.rules ?? []).length === 0)
    problems.push(problem.invalid('spec', [], 'either `defaultBackend` or `rules` must be specified'));
  for (const [index, entry] of (spec?.rules ?? []).entries()) {
    const paths = entry.http?.paths ?? [];
    if (entry.http !== undefined && paths.length === 0) problems.push(problem.required(`spec.rules[${index}].http.paths`));
    for (const [at, path] of paths.entries()) {
      const field = `spec.rules[${index}].http.paths[${at}]`;
      if (path.pathType === undefined) problems.push(problem.required(`${field}.pathType`, 'pathType must be specified'));
      oneOf(path.pathType, ['Exact', 'ImplementationSpecific', 'Prefix'], `${field}.pathType`)(problems);
      if (path.pathType !== 'ImplementationSpecific' && path.pathType !== undefined && path.path?.startsWith('/') !== true)
        problems.push(problem.invalid(`${field}.path`, path.path ?? '', 'must be an absolute path'));
    }
  }
}

function checkBinding(
  binding: rbacv1.RoleBinding | rbacv1.ClusterRoleBinding,
  live: rbacv1.RoleBinding | rbacv1.ClusterRoleBinding | undefined,
  problems: FieldProblem[],
): void {
  if ((binding.roleRef?.name ?? '') === '') problems.push(problem.required('roleRef.name'));
  oneOf(binding.roleRef?.kind, binding.kind === 'RoleBinding' ? ['Role', 'ClusterRole'] : ['ClusterRole'], 'roleRef.kind')(problems);
  if (live !== undefined && !deepEqual(binding.roleRef, live.roleRef)) problems.push(problem.invalid('roleRef', binding.roleRef, 'cannot change roleRef'));
}

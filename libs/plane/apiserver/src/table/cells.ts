import { fieldAt, formatSelector, selectorOf, type batchv1, type corev1, type metav1 } from '@tiphys/kube-model';
import { asList, asMap, asText, draftAs, type Draft } from '../draft.ts';
import { Age, ageOf, humanDuration } from './age.ts';
import { FLOW_CELLS } from './flow-cells.ts';
import { podSummary } from './pod-cells.ts';

/** Computes one cell: a JSON value, or an Age. */
export type Cell = (draft: Draft) => unknown;

const at = (draft: Draft, path: string): unknown => fieldAt(draft, ...path.split('.'));
const text = (draft: Draft, path: string, otherwise: string = ''): string => String(at(draft, path) ?? otherwise);
const number = (draft: Draft, path: string): number => Number(at(draft, path) ?? 0);
const joined = (items: readonly unknown[], otherwise: string = '<none>', separator: string = ','): string =>
  items.length === 0 ? otherwise : items.join(separator);
const orNone =
  (path: string): Cell =>
  (draft) =>
    text(draft, path) || '<none>';
const shown =
  (path: string): Cell =>
  (draft) =>
    text(draft, path);
const counted =
  (path: string): Cell =>
  (draft) =>
    number(draft, path);
const mapText = (map: unknown): string =>
  joined(
    Object.entries(asMap(map) ?? {})
      .toSorted(([a], [b]) => (a < b ? -1 : 1))
      .map(([key, value]) => `${key}=${String(value)}`),
  );
const selectorText =
  (path: string): Cell =>
  (draft) =>
    formatSelector(selectorOf((at(draft, path) ?? {}) as metav1.LabelSelector)) || '<none>'; // A selector by schema.
const containersOf =
  (path: string, field: 'name' | 'image'): Cell =>
  (draft) =>
    asList(at(draft, path))
      .map((container) => asText(fieldAt(container, field)) ?? '')
      .join(',');
const size =
  (path: string): Cell =>
  (draft) =>
    Object.keys(asMap(at(draft, path)) ?? {}).length;
const ageAt =
  (path: string, otherwise: string = '<unknown>'): Cell =>
  (draft) =>
    at(draft, path) === undefined ? otherwise : ageOf(text(draft, path));

const WORKLOAD: Readonly<Record<string, Cell>> = {
  Containers: containersOf('spec.template.spec.containers', 'name'),
  Images: containersOf('spec.template.spec.containers', 'image'),
  Selector: selectorText('spec.selector'),
};

const BINDING: Readonly<Record<string, Cell>> = {
  Role: (draft) => `${text(draft, 'roleRef.kind')}/${text(draft, 'roleRef.name')}`,
  Users: subjects('User'),
  Groups: subjects('Group'),
  ServiceAccounts: subjects('ServiceAccount'),
};

function subjects(kind: string): Cell {
  return (draft) =>
    asList(at(draft, 'subjects'))
      .filter((subject) => fieldAt(subject, 'kind') === kind)
      .map((subject) =>
        kind === 'ServiceAccount' ? `${String(fieldAt(subject, 'namespace') ?? '')}/${String(fieldAt(subject, 'name'))}` : String(fieldAt(subject, 'name')),
      )
      .join(', ');
}

const pod =
  (pick: 'ready' | 'status' | 'restarts'): Cell =>
  (draft) =>
    podSummary(draftAs<corev1.Pod>(draft))[pick];

/** Cells that are more than a field, by kind and column. */
export const CELLS: Readonly<Record<string, Readonly<Record<string, Cell>>>> = {
  ...FLOW_CELLS,
  Pod: {
    Ready: pod('ready'),
    Status: pod('status'),
    Restarts: pod('restarts'),
    IP: (draft) => asText(fieldAt(at(draft, 'status.podIPs'), 0, 'ip')) ?? (text(draft, 'status.podIP') || '<none>'),
    Node: orNone('spec.nodeName'),
    'Nominated Node': orNone('status.nominatedNodeName'),
    'Readiness Gates': readinessGates,
  },
  Deployment: {
    Ready: (draft) => `${number(draft, 'status.readyReplicas')}/${number(draft, 'spec.replicas')}`,
    'Up-to-date': counted('status.updatedReplicas'),
    Available: counted('status.availableReplicas'),
    ...WORKLOAD,
  },
  ReplicaSet: { Desired: counted('spec.replicas'), Current: counted('status.replicas'), Ready: counted('status.readyReplicas'), ...WORKLOAD },
  ReplicationController: {
    Desired: counted('spec.replicas'),
    Current: counted('status.replicas'),
    Ready: counted('status.readyReplicas'),
    ...WORKLOAD,
    Selector: (draft) => mapText(at(draft, 'spec.selector')),
  },
  StatefulSet: { Ready: (draft) => `${number(draft, 'status.readyReplicas')}/${number(draft, 'spec.replicas')}`, ...WORKLOAD },
  DaemonSet: {
    Desired: counted('status.desiredNumberScheduled'),
    Current: counted('status.currentNumberScheduled'),
    Ready: counted('status.numberReady'),
    'Up-to-date': counted('status.updatedNumberScheduled'),
    Available: counted('status.numberAvailable'),
    'Node Selector': (draft) => mapText(at(draft, 'spec.template.spec.nodeSelector')),
    ...WORKLOAD,
  },
  Job: { Status: jobStatus, Completions: jobCompletions, Duration: jobDuration, ...WORKLOAD },
  CronJob: {
    Timezone: orNone('spec.timeZone'),
    Suspend: (draft) => (at(draft, 'spec.suspend') === undefined ? '<unset>' : at(draft, 'spec.suspend') === true ? 'True' : 'False'),
    Active: (draft) => asList(at(draft, 'status.active')).length,
    'Last Schedule': ageAt('status.lastScheduleTime', '<none>'),
    Containers: containersOf('spec.jobTemplate.spec.template.spec.containers', 'name'),
    Images: containersOf('spec.jobTemplate.spec.template.spec.containers', 'image'),
    Selector: selectorText('spec.jobTemplate.spec.selector'),
  },
  Service: {
    'Cluster-IP': (draft) => asText(fieldAt(at(draft, 'spec.clusterIPs'), 0)) ?? (text(draft, 'spec.clusterIP') || '<none>'),
    'External-IP': externalAddress,
    'Port(s)': servicePorts,
    Selector: (draft) => mapText(at(draft, 'spec.selector')),
  },
  Endpoints: { Endpoints: endpointAddresses },
  EndpointSlice: {
    AddressType: shown('addressType'),
    Ports: (draft) =>
      joined(
        asList(at(draft, 'ports'))
          .slice(0, 3)
          .map((port) => String(fieldAt(port, 'port') ?? '*')),
        '<unset>',
      ),
    Endpoints: (draft) =>
      some(
        asList(at(draft, 'endpoints')).flatMap((endpoint) => asList(fieldAt(endpoint, 'addresses'))),
        3,
        '<unset>',
      ),
  },
  Node: {
    Status: nodeStatus,
    Roles: nodeRoles,
    Version: shown('status.nodeInfo.kubeletVersion'),
    'Internal-IP': nodeAddress('InternalIP'),
    'External-IP': nodeAddress('ExternalIP'),
    'OS-Image': (draft) => text(draft, 'status.nodeInfo.osImage') || '<unknown>',
    'Kernel-Version': (draft) => text(draft, 'status.nodeInfo.kernelVersion') || '<unknown>',
    'Container-Runtime': (draft) => text(draft, 'status.nodeInfo.containerRuntimeVersion') || '<unknown>',
  },
  Namespace: { Status: shown('status.phase') },
  ConfigMap: { Data: (draft) => Number(size('data')(draft)) + Number(size('binaryData')(draft)) },
  Secret: { Data: size('data'), Type: shown('type') },
  ServiceAccount: { Secrets: (draft) => asList(at(draft, 'secrets')).length },
  Event: {
    'Last Seen': eventLastSeen,
    Object: (draft) => eventObject(draft),
    Subobject: (draft) => text(draft, 'involvedObject.fieldPath') || text(draft, 'regarding.fieldPath'),
    Source: eventSource,
    Message: (draft) => (text(draft, 'message') || text(draft, 'note')).trim(),
    'First Seen': eventFirstSeen,
    Count: (draft) => String(at(draft, 'series.count') ?? (number(draft, 'count') || number(draft, 'deprecatedCount') || 1)),
  },
  Ingress: {
    Class: orNone('spec.ingressClassName'),
    Hosts: ingressHosts,
    Address: (draft) =>
      [...new Set(asList(at(draft, 'status.loadBalancer.ingress')).map((entry) => String(fieldAt(entry, 'ip') ?? fieldAt(entry, 'hostname') ?? '')))]
        .toSorted()
        .join(','),
    Ports: (draft) => (asList(at(draft, 'spec.tls')).length > 0 ? '80, 443' : '80'),
  },
  IngressClass: {
    Controller: shown('spec.controller'),
    Parameters: (draft) =>
      at(draft, 'spec.parameters') === undefined
        ? '<none>'
        : `${text(draft, 'spec.parameters.kind')}${at(draft, 'spec.parameters.apiGroup') === undefined ? '' : `.${text(draft, 'spec.parameters.apiGroup')}`}/${text(draft, 'spec.parameters.name')}`,
  },
  NetworkPolicy: { 'Pod-Selector': selectorText('spec.podSelector') },
  PersistentVolume: {
    Capacity: shown('spec.capacity.storage'),
    'Access Modes': (draft) => accessModes(at(draft, 'spec.accessModes')),
    'Reclaim Policy': shown('spec.persistentVolumeReclaimPolicy'),
    Status: volumePhase,
    Claim: (draft) => (at(draft, 'spec.claimRef') === undefined ? '' : `${text(draft, 'spec.claimRef.namespace')}/${text(draft, 'spec.claimRef.name')}`),
    StorageClass: shown('spec.storageClassName'),
    VolumeAttributesClass: (draft) => text(draft, 'spec.volumeAttributesClassName') || '<unset>',
    Reason: shown('status.reason'),
    VolumeMode: (draft) => text(draft, 'spec.volumeMode') || '<unset>',
  },
  PersistentVolumeClaim: {
    Status: volumePhase,
    Volume: shown('spec.volumeName'),
    Capacity: (draft) => (text(draft, 'spec.volumeName') === '' ? '' : text(draft, 'status.capacity.storage')),
    'Access Modes': (draft) => (text(draft, 'spec.volumeName') === '' ? '' : accessModes(at(draft, 'status.accessModes'))),
    StorageClass: shown('spec.storageClassName'),
    VolumeAttributesClass: (draft) => text(draft, 'spec.volumeAttributesClassName') || '<unset>',
    VolumeMode: (draft) => text(draft, 'spec.volumeMode') || '<unset>',
  },
  StorageClass: {
    Name: (draft) =>
      `${text(draft, 'metadata.name')}${fieldAt(draft, 'metadata', 'annotations', 'storageclass.kubernetes.io/is-default-class') === 'true' ? ' (default)' : ''}`,
    Provisioner: shown('provisioner'),
    ReclaimPolicy: shown('reclaimPolicy'),
    VolumeBindingMode: shown('volumeBindingMode'),
    AllowVolumeExpansion: (draft) => at(draft, 'allowVolumeExpansion') === true,
  },
  HorizontalPodAutoscaler: {
    Reference: (draft) => `${text(draft, 'spec.scaleTargetRef.kind')}/${text(draft, 'spec.scaleTargetRef.name')}`,
    Targets: autoscalerTargets,
    MinPods: (draft) => text(draft, 'spec.minReplicas', '<unset>'),
    MaxPods: shown('spec.maxReplicas'),
    Replicas: (draft) => text(draft, 'status.currentReplicas', '0'),
  },
  PodDisruptionBudget: {
    'Min Available': (draft) => text(draft, 'spec.minAvailable', 'N/A'),
    'Max Unavailable': (draft) => text(draft, 'spec.maxUnavailable', 'N/A'),
    'Allowed Disruptions': counted('status.disruptionsAllowed'),
  },
  PriorityClass: { Value: counted('value'), 'Global-Default': (draft) => at(draft, 'globalDefault') === true, PreemptionPolicy: shown('preemptionPolicy') },
  Lease: { Holder: shown('spec.holderIdentity') },
  ControllerRevision: {
    Controller: (draft) =>
      asList(at(draft, 'metadata.ownerReferences'))
        .filter((owner) => fieldAt(owner, 'controller') === true)
        .map(
          (owner) => `${String(fieldAt(owner, 'kind')).toLowerCase()}.${String(fieldAt(owner, 'apiVersion')).split('/')[0]}/${String(fieldAt(owner, 'name'))}`,
        )[0] ?? '<none>',
    Revision: counted('revision'),
  },
  RoleBinding: BINDING,
  ClusterRoleBinding: BINDING,
  APIService: {
    Service: (draft) => (at(draft, 'spec.service') === undefined ? 'Local' : `${text(draft, 'spec.service.namespace')}/${text(draft, 'spec.service.name')}`),
    Available: (draft) => conditionStatus(draft, 'Available') ?? 'Unknown',
  },
};

function conditionStatus(draft: Draft, type: string): string | undefined {
  return asText(
    fieldAt(
      asList(at(draft, 'status.conditions')).find((condition) => fieldAt(condition, 'type') === type),
      'status',
    ),
  );
}

function some(items: readonly unknown[], limit: number, otherwise: string): string {
  if (items.length === 0) return otherwise;
  return items.length > limit ? `${items.slice(0, limit).join(',')} + ${items.length - limit} more...` : items.join(',');
}

function readinessGates(draft: Draft): string {
  const gates = asList(at(draft, 'spec.readinessGates'));
  return gates.length === 0
    ? '<none>'
    : `${gates.filter((gate) => conditionStatus(draft, asText(fieldAt(gate, 'conditionType')) ?? '') === 'True').length}/${gates.length}`;
}

function jobStatus(draft: Draft): string {
  if (conditionStatus(draft, 'Complete') === 'True') return 'Complete';
  if (conditionStatus(draft, 'Failed') === 'True') return 'Failed';
  if (draft.metadata.deletionTimestamp !== undefined) return 'Terminating';
  if (conditionStatus(draft, 'Suspended') === 'True') return 'Suspended';
  if (conditionStatus(draft, 'FailureTarget') === 'True') return 'FailureTarget';
  return conditionStatus(draft, 'SuccessCriteriaMet') === 'True' ? 'SuccessCriteriaMet' : 'Running';
}

function jobCompletions(draft: Draft): string {
  const { spec, status } = draftAs<batchv1.Job>(draft);
  const done = status?.succeeded ?? 0;
  if (spec?.completions !== undefined) return `${done}/${spec.completions}`;
  return (spec?.parallelism ?? 0) > 1 ? `${done}/1 of ${spec?.parallelism}` : `${done}/1`;
}

function jobDuration(draft: Draft): string | Age {
  const { startTime, completionTime } = draftAs<batchv1.Job>(draft).status ?? {};
  if (startTime === undefined) return '';
  return completionTime === undefined ? new Age(startTime) : humanDuration((Date.parse(completionTime) - Date.parse(startTime)) / 1_000);
}

function externalAddress(draft: Draft): string {
  const { spec, status } = draftAs<corev1.Service>(draft);
  const external = spec?.externalIPs ?? [];
  if (spec?.type === 'ExternalName') return spec.externalName ?? '';
  if (spec?.type !== 'LoadBalancer') return joined(external);
  const ingress = [...new Set((status?.loadBalancer?.ingress ?? []).map((entry) => entry.ip ?? entry.hostname ?? ''))].toSorted();
  return joined([...ingress, ...external], '<pending>');
}

function servicePorts(draft: Draft): string {
  const { spec } = draftAs<corev1.Service>(draft);
  return joined((spec?.ports ?? []).map((port) => `${port.port}${(port.nodePort ?? 0) > 0 ? `:${port.nodePort}` : ''}/${port.protocol ?? 'TCP'}`));
}

function endpointAddresses(draft: Draft): string {
  const { subsets = [] } = draftAs<corev1.Endpoints>(draft);
  const all = subsets.flatMap((subset) =>
    (subset.ports ?? []).length === 0
      ? (subset.addresses ?? []).map((address) => address.ip)
      : (subset.ports ?? []).flatMap((port) => (subset.addresses ?? []).map((address) => `${address.ip}:${port.port}`)),
  );
  return some(all, 3, '<none>');
}

function nodeStatus(draft: Draft): string {
  const ready = conditionStatus(draft, 'Ready');
  const state = ready === undefined ? 'Unknown' : ready === 'True' ? 'Ready' : 'NotReady';
  return at(draft, 'spec.unschedulable') === true ? `${state},SchedulingDisabled` : state;
}

function nodeRoles(draft: Draft): string {
  const roles = Object.entries(draft.metadata.labels ?? {}).flatMap(([key, value]) =>
    key.startsWith('node-role.kubernetes.io/') ? [key.slice('node-role.kubernetes.io/'.length)] : key === 'kubernetes.io/role' ? [value] : [],
  );
  return joined([...new Set(roles.filter((role) => role !== ''))].toSorted());
}

function nodeAddress(type: string): Cell {
  return (draft) =>
    asText(
      fieldAt(
        asList(at(draft, 'status.addresses')).find((address) => fieldAt(address, 'type') === type),
        'address',
      ),
    ) ?? '<none>';
}

function eventFirstSeenTime(draft: Draft): string {
  return text(draft, 'firstTimestamp') || text(draft, 'deprecatedFirstTimestamp') || text(draft, 'eventTime');
}

function eventFirstSeen(draft: Draft): string | Age {
  return ageOf(eventFirstSeenTime(draft));
}

function eventLastSeen(draft: Draft): string | Age {
  return ageOf(text(draft, 'series.lastObservedTime') || text(draft, 'lastTimestamp') || text(draft, 'deprecatedLastTimestamp') || eventFirstSeenTime(draft));
}

function eventObject(draft: Draft): string {
  const reference = at(draft, 'involvedObject') ?? at(draft, 'regarding');
  const [kind, name] = [String(fieldAt(reference, 'kind') ?? '').toLowerCase(), String(fieldAt(reference, 'name') ?? '')];
  return name === '' ? kind : `${kind}/${name}`;
}

function eventSource(draft: Draft): string {
  const component = text(draft, 'source.component') || text(draft, 'reportingComponent') || text(draft, 'reportingController');
  const host = text(draft, 'source.host') || text(draft, 'reportingInstance');
  return host === '' ? component : `${component}, ${host}`;
}

function ingressHosts(draft: Draft): string {
  const rules = asList(at(draft, 'spec.rules'));
  const hosts = rules.map((rule) => asText(fieldAt(rule, 'host')) ?? '').filter((host) => host !== '');
  if (hosts.length === 0) return '*';
  return rules.length > 3 ? `${hosts.slice(0, 3).join(',')} + ${rules.length - 3} more...` : hosts.join(',');
}

const MODES: readonly (readonly [string, string])[] = [
  ['ReadWriteOnce', 'RWO'],
  ['ReadOnlyMany', 'ROX'],
  ['ReadWriteMany', 'RWX'],
  ['ReadWriteOncePod', 'RWOP'],
];

function accessModes(modes: unknown): string {
  return MODES.filter(([mode]) => asList(modes).includes(mode))
    .map(([, short]) => short)
    .join(',');
}

function volumePhase(draft: Draft): string {
  return draft.metadata.deletionTimestamp === undefined ? text(draft, 'status.phase') : 'Terminating';
}

function autoscalerTargets(draft: Draft): string {
  const metrics = asList(at(draft, 'spec.metrics'));
  if (metrics.length === 0) return '<none>';
  const shownMetrics = metrics.slice(0, 2).map((metric, index) => {
    const current = fieldAt(at(draft, 'status.currentMetrics'), index);
    const name = asText(fieldAt(metric, 'resource', 'name'));
    const utilization = fieldAt(metric, 'resource', 'target', 'averageUtilization');
    if (utilization !== undefined)
      return `${name}: ${current === undefined ? '<unknown>' : `${String(fieldAt(current, 'resource', 'current', 'averageUtilization') ?? '<unknown>')}%`}/${String(utilization)}%`;
    const value = fieldAt(metric, 'resource', 'target', 'averageValue') ?? '<auto>';
    return `${name === undefined ? '' : `${name}: `}${String(fieldAt(current, 'resource', 'current', 'averageValue') ?? '<unknown>')}/${String(value)}`;
  });
  return `${shownMetrics.join(', ')}${metrics.length > 2 ? ` + ${metrics.length - 2} more...` : ''}`;
}

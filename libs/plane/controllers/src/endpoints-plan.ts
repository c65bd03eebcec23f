import { deepEqual, fnv32a, safeEncode, type corev1, type discoveryv1 } from '@tiphys/kube-model';
import { canonicalJson, controllerRef, isReady } from './pods.ts';

/** The label by which a slice names its Service. */
export const SERVICE_LABEL = 'kubernetes.io/service-name';
/** The label by which a slice names its keeper; slices kept by others are left alone. */
export const MANAGED_LABEL = 'endpointslice.kubernetes.io/managed-by';
/** Our value of it, the same as upstream's. */
export const MANAGED_BY = 'endpointslice-controller.k8s.io';

/** The annotation by which pods in shared addressing tell their host ports. */
const HOST_PORTS_ANNOTATION = 'tiphys.dev/host-ports';
const MAX_PER_SLICE = 100;
const MAX_ENDPOINTS = 1_000;

/** Whether pods are looked up for the Service at all. */
export function selectsPods(service: corev1.Service): boolean {
  return service.spec?.type !== 'ExternalName' && Object.keys(service.spec?.selector ?? {}).length > 0;
}

/** The slices a Service should have for its pods: one group per set of ports, a hundred endpoints each. Names are stable. Pure. */
export function planSlices(service: corev1.Service, pods: readonly corev1.Pod[]): readonly discoveryv1.EndpointSlice[] {
  const groups = groupByPorts(service, pods);
  // A Service without endpoints still has one slice, so that its ports can be seen.
  if (groups.length === 0) return [sliceOf(service, [], [], 0)];
  return groups.flatMap(({ ports, pods: members }) => {
    const chunks = Array.from({ length: Math.ceil(members.length / MAX_PER_SLICE) }, (_, index) =>
      members.slice(index * MAX_PER_SLICE, (index + 1) * MAX_PER_SLICE),
    );
    return chunks.map((chunk, index) => sliceOf(service, ports, chunk, index));
  });
}

interface PortGroup {
  readonly ports: readonly discoveryv1.EndpointPort[];
  readonly pods: corev1.Pod[];
}

function groupByPorts(service: corev1.Service, pods: readonly corev1.Pod[]): readonly PortGroup[] {
  const groups = new Map<string, PortGroup>();
  const eligible = pods.filter((pod) => pod.status?.podIP !== undefined && pod.status.phase !== 'Succeeded' && pod.status.phase !== 'Failed');
  for (const pod of eligible.toSorted((a, b) => ((a.metadata.name ?? '') < (b.metadata.name ?? '') ? -1 : 1))) {
    const ports = (service.spec?.ports ?? []).flatMap((port) => endpointPort(port, pod) ?? []);
    if (ports.length === 0 && (service.spec?.ports ?? []).length > 0) continue;
    const key = canonicalJson(ports);
    const group = groups.get(key) ?? { ports, pods: [] };
    group.pods.push(pod);
    groups.set(key, group);
  }
  return [...groups.values()];
}

// Undefined when the pod has no port of that name.
function endpointPort(port: corev1.ServicePort, pod: corev1.Pod): discoveryv1.EndpointPort | undefined {
  const protocol = port.protocol ?? 'TCP';
  const target = port.targetPort ?? port.port;
  const named = (pod.spec?.containers ?? [])
    .flatMap(({ ports }) => ports ?? [])
    .find((candidate) => candidate.name === target && (candidate.protocol ?? 'TCP') === protocol);
  const number = typeof target === 'number' && target !== 0 ? target : target === 0 ? port.port : named?.containerPort;
  if (number === undefined) return undefined;
  return { name: port.name ?? '', port: hostPort(pod, number), protocol, ...(port.appProtocol === undefined ? {} : { appProtocol: port.appProtocol }) };
}

function hostPort(pod: corev1.Pod, number: number): number {
  const text = pod.metadata.annotations?.[HOST_PORTS_ANNOTATION];
  if (text === undefined) return number;
  try {
    // Written by the node agent; anything else means the port stands for itself.
    const mapped = (JSON.parse(text) as Readonly<Record<string, unknown>>)[String(number)];
    return typeof mapped === 'number' ? mapped : number;
  } catch {
    return number;
  }
}

function sliceOf(service: corev1.Service, ports: readonly discoveryv1.EndpointPort[], pods: readonly corev1.Pod[], chunk: number): discoveryv1.EndpointSlice {
  const { namespace, name = '' } = service.metadata;
  const suffix = safeEncode(String(fnv32a(`${canonicalJson(ports)}#${chunk}`)));
  const isHeadless = service.spec?.clusterIP === 'None';
  return {
    apiVersion: 'discovery.k8s.io/v1',
    kind: 'EndpointSlice',
    metadata: {
      name: `${name}-${suffix}`,
      ...(namespace === undefined ? {} : { namespace }),
      labels: {
        ...service.metadata.labels,
        [SERVICE_LABEL]: name,
        [MANAGED_LABEL]: MANAGED_BY,
        ...(isHeadless ? { 'service.kubernetes.io/headless': '' } : {}),
      },
      ownerReferences: [{ ...controllerRef(service), apiVersion: 'v1', kind: 'Service' }],
    },
    addressType: 'IPv4',
    endpoints: pods.map((pod) => endpointOf(service, pod)),
    ports,
  };
}

function endpointOf(service: corev1.Service, pod: corev1.Pod): discoveryv1.Endpoint {
  const { namespace, name = '', uid = '' } = pod.metadata;
  const isServing = isReady(pod) || service.spec?.publishNotReadyAddresses === true;
  const isTerminating = pod.metadata.deletionTimestamp !== undefined;
  const hostname = pod.spec?.hostname !== undefined && pod.spec.subdomain === service.metadata.name ? pod.spec.hostname : undefined;
  return {
    addresses: [pod.status?.podIP ?? ''],
    conditions: { ready: isServing && (!isTerminating || service.spec?.publishNotReadyAddresses === true), serving: isServing, terminating: isTerminating },
    ...(hostname === undefined ? {} : { hostname }),
    ...(pod.spec?.nodeName === undefined ? {} : { nodeName: pod.spec.nodeName }),
    targetRef: { kind: 'Pod', ...(namespace === undefined ? {} : { namespace }), name, uid },
  };
}

/** Whether a slice already is what it should be. */
export function isSameSlice(live: discoveryv1.EndpointSlice, wanted: discoveryv1.EndpointSlice): boolean {
  const labels = Object.entries(wanted.metadata.labels ?? {}).every(([key, value]) => live.metadata.labels?.[key] === value);
  return labels && deepEqual(live.endpoints ?? [], wanted.endpoints ?? []) && deepEqual(live.ports ?? [], wanted.ports ?? []);
}

/** The older view of the same: one Endpoints object, cut at 1000 addresses. */
export function planEndpoints(service: corev1.Service, slices: readonly discoveryv1.EndpointSlice[]): corev1.Endpoints {
  const { namespace, name = '' } = service.metadata;
  const used = slices.filter(({ endpoints }) => (endpoints ?? []).length > 0);
  let left = MAX_ENDPOINTS;
  const subsets = used.flatMap((slice): corev1.EndpointSubset[] => {
    const members = (slice.endpoints ?? []).filter(({ conditions }) => conditions?.terminating !== true).slice(0, left);
    left -= members.length;
    const ready = members.filter(({ conditions }) => conditions?.ready === true).map(addressOf);
    const notReady = members.filter(({ conditions }) => conditions?.ready !== true).map(addressOf);
    if (members.length === 0) return [];
    const ports = (slice.ports ?? []).map(({ name: portName, port, protocol }) => ({
      ...(portName === undefined || portName === '' ? {} : { name: portName }),
      port: port ?? 0,
      ...(protocol === undefined ? {} : { protocol }),
    }));
    return [
      {
        ...(ready.length === 0 ? {} : { addresses: ready }),
        ...(notReady.length === 0 ? {} : { notReadyAddresses: notReady }),
        ...(ports.length === 0 ? {} : { ports }),
      },
    ];
  });
  const total = used.reduce((count, { endpoints }) => count + (endpoints ?? []).length, 0);
  return {
    apiVersion: 'v1',
    kind: 'Endpoints',
    metadata: {
      name,
      ...(namespace === undefined ? {} : { namespace }),
      labels: { ...service.metadata.labels, 'endpoints.kubernetes.io/managed-by': 'endpoint-controller' },
      ...(total > MAX_ENDPOINTS ? { annotations: { 'endpoints.kubernetes.io/over-capacity': 'truncated' } } : {}),
    },
    ...(subsets.length === 0 ? {} : { subsets }),
  };
}

function addressOf(endpoint: discoveryv1.Endpoint): corev1.EndpointAddress {
  const { addresses, nodeName, targetRef, hostname } = endpoint;
  return {
    ip: addresses[0] ?? '',
    ...(hostname === undefined ? {} : { hostname }),
    ...(nodeName === undefined ? {} : { nodeName }),
    ...(targetRef === undefined ? {} : { targetRef }),
  };
}

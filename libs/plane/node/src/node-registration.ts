import { arch, hostname, platform, release } from 'node:os';
import { toMicroTimestamp, toTimestamp, type Clock, type Logger, type Service } from '@tiphys/kernel';
import { builtin, deepEqual, isStatus, type coordinationv1, type corev1 } from '@tiphys/kube-model';
import type { KubeClient } from '@tiphys/kube-client';

const NODES = builtin('v1', 'Node');
const LEASES = builtin('coordination.k8s.io/v1', 'Lease');
const NAMESPACES = builtin('v1', 'Namespace');
const LEASE_NAMESPACE = 'kube-node-lease';
const RETRY_MS = 1_000;

/** What a node says about itself. */
interface NodeDescription {
  readonly nodeName: string;
  readonly address: string;
  readonly runtimeVersion: string;
  readonly capacity: Readonly<Record<string, string>>;
  readonly labels: Readonly<Record<string, string>>;
  readonly taints: ReadonlyArray<corev1.Taint>;
}

/** How a node stays registered. */
export interface RegistrationOptions {
  readonly client: KubeClient;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly description: NodeDescription;
  /** Default 40 s, renewed every quarter of it. */
  readonly leaseSeconds?: number;
}

/** Keeps the Node object and its Lease: created when missing, brought to the description at the start, renewed until the end. */
export function createRegistration(options: RegistrationOptions): Service {
  const { client, clock, description, logger } = options;
  const leaseSeconds = options.leaseSeconds ?? 40;
  return {
    name: `node-registration/${description.nodeName}`,
    async run(signal) {
      try {
        const node = await ensureNode(client, description, clock.now(), signal);
        let lease: coordinationv1.Lease | undefined;
        for (;;) {
          try {
            lease = await renewLease(client, node, lease, { leaseSeconds, nowMs: clock.now() }, signal);
            await clock.sleep((leaseSeconds * 1_000) / 4, signal);
          } catch (error) {
            if (signal.aborted) return;
            lease = undefined;
            logger.debug({ node: description.nodeName, err: error }, 'lease not renewed');
            await clock.sleep(RETRY_MS, signal);
          }
        }
      } catch (error) {
        if (!signal.aborted) throw error;
      }
    },
  };
}

async function ensureNode(client: KubeClient, description: NodeDescription, nowMs: number, signal: AbortSignal): Promise<corev1.Node> {
  const wanted = describeNode(description, nowMs);
  let node: corev1.Node;
  try {
    node = await client.create<corev1.Node>(NODES, wanted, { signal });
  } catch (error) {
    if (!isStatus(error, 'AlreadyExists')) throw error;
    // Labels and annotations others gave it stay; so do taints and whether it is cordoned.
    const labels = wanted.metadata.labels ?? {};
    node = await client.patch<corev1.Node>(NODES, { name: description.nodeName }, { metadata: { labels } }, { type: 'merge', signal });
  }
  const status = { ...node.status, ...wanted.status, conditions: keepTransitions(node.status?.conditions ?? [], wanted.status?.conditions ?? []) };
  if (deepEqual(node.status, status)) return node;
  return client.patch<corev1.Node>(NODES, { name: description.nodeName }, { status }, { type: 'merge', subresource: 'status', signal });
}

function describeNode(description: NodeDescription, nowMs: number): corev1.Node {
  const { nodeName, address, capacity, labels, taints, runtimeVersion } = description;
  const os = platform() === 'win32' ? 'windows' : platform();
  const cpu = arch() === 'x64' ? 'amd64' : arch();
  const isolation = Object.fromEntries(
    ['', 'beta.'].flatMap((prefix) => [
      [`${prefix}kubernetes.io/os`, os],
      [`${prefix}kubernetes.io/arch`, cpu],
    ]),
  );
  return {
    apiVersion: 'v1',
    kind: 'Node',
    metadata: { name: nodeName, labels: { 'kubernetes.io/hostname': nodeName, ...isolation, ...labels } },
    spec: taints.length === 0 ? {} : { taints },
    status: {
      capacity,
      allocatable: capacity,
      addresses: [
        { type: 'InternalIP', address },
        { type: 'Hostname', address: nodeName },
      ],
      conditions: nodeConditions(nowMs),
      nodeInfo: {
        architecture: cpu,
        operatingSystem: os,
        kernelVersion: release(),
        osImage: `${os} on ${hostname()}`,
        kubeletVersion: 'v1.33.0',
        kubeProxyVersion: 'v1.33.0',
        containerRuntimeVersion: runtimeVersion,
        bootID: '',
        machineID: '',
        systemUUID: '',
      },
      daemonEndpoints: { kubeletEndpoint: { Port: 10250 } },
    },
  };
}

function nodeConditions(nowMs: number): corev1.NodeCondition[] {
  const time = toTimestamp(nowMs);
  const row = (type: string, status: string, reason: string, message: string): corev1.NodeCondition => ({
    type,
    status,
    reason,
    message,
    lastHeartbeatTime: time,
    lastTransitionTime: time,
  });
  return [
    row('MemoryPressure', 'False', 'KubeletHasSufficientMemory', 'kubelet has sufficient memory available'),
    row('DiskPressure', 'False', 'KubeletHasNoDiskPressure', 'kubelet has no disk pressure'),
    row('PIDPressure', 'False', 'KubeletHasSufficientPID', 'kubelet has sufficient PID available'),
    row('Ready', 'True', 'KubeletReady', 'kubelet is posting ready status'),
  ];
}

function keepTransitions(live: ReadonlyArray<corev1.NodeCondition>, wanted: ReadonlyArray<corev1.NodeCondition>): ReadonlyArray<corev1.NodeCondition> {
  return wanted.map((condition) => {
    const known = live.find(({ type }) => type === condition.type);
    return known?.status === condition.status && known.lastTransitionTime !== undefined
      ? { ...condition, lastTransitionTime: known.lastTransitionTime }
      : condition;
  });
}

async function renewLease(
  client: KubeClient,
  node: corev1.Node,
  known: coordinationv1.Lease | undefined,
  leaseTerms: { readonly leaseSeconds: number; readonly nowMs: number },
  signal: AbortSignal,
): Promise<coordinationv1.Lease> {
  const name = node.metadata.name ?? '';
  const { leaseSeconds, nowMs } = leaseTerms;
  const spec = { holderIdentity: name, leaseDurationSeconds: leaseSeconds, renewTime: toMicroTimestamp(nowMs) };
  if (known !== undefined) return client.patch<coordinationv1.Lease>(LEASES, { namespace: LEASE_NAMESPACE, name }, { spec }, { type: 'merge', signal });
  const ownerReferences = [{ apiVersion: 'v1', kind: 'Node', name, uid: node.metadata.uid ?? '' }];
  const lease: coordinationv1.Lease = {
    apiVersion: 'coordination.k8s.io/v1',
    kind: 'Lease',
    metadata: { namespace: LEASE_NAMESPACE, name, ownerReferences },
    spec,
  };
  try {
    return await client.create<coordinationv1.Lease>(LEASES, lease, { signal });
  } catch (error) {
    if (isStatus(error, 'AlreadyExists'))
      return client.patch<coordinationv1.Lease>(LEASES, { namespace: LEASE_NAMESPACE, name }, { spec }, { type: 'merge', signal });
    if (!isStatus(error, 'NotFound')) throw error;
    await client.create(NAMESPACES, { apiVersion: 'v1', kind: 'Namespace', metadata: { name: LEASE_NAMESPACE } }, { signal });
    return client.create<coordinationv1.Lease>(LEASES, lease, { signal });
  }
}

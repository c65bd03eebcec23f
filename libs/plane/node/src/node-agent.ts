import { availableParallelism, totalmem } from 'node:os';
import type { Clock, Logger, Service } from '@tiphys/kernel';
import type { corev1 } from '@tiphys/kube-model';
import type { InformerFactory, KubeClient } from '@tiphys/kube-client';
import { createSimulatedRuntime, type PodRuntime, type SimulatedRuntimeOptions } from '@tiphys/plane-runtime';
import { createRegistration } from './node-registration.ts';
import type { BackoffOptions } from './pod-host.ts';
import { PodManager, type NodeBackend } from './pod-manager.ts';

/** What a node needs. */
export interface NodeAgentOptions {
  readonly client: KubeClient;
  /** Run by the caller; shared with others in the same process. */
  readonly informers: InformerFactory;
  readonly runtime: PodRuntime;
  readonly nodeName: string;
  readonly clock: Clock;
  readonly logger: Logger;
  /** Amounts a scheduler may hand out. Default: the machine's processors and memory, 110 pods. */
  readonly capacity?: Readonly<Record<string, string>>;
  readonly labels?: Readonly<Record<string, string>>;
  readonly taints?: ReadonlyArray<corev1.Taint>;
  /** The node's own address. Default 127.0.0.1. */
  readonly address?: string;
  readonly backoff?: Partial<BackoffOptions>;
}

/** A node: its pods, its registration, and what the API server asks it for. */
export interface NodeAgent extends Service {
  readonly backend: NodeBackend;
  readonly nodeNames: readonly string[];
}

/** The machine this process runs on, as a Node has it. */
export function machineCapacity(): Readonly<Record<string, string>> {
  return { cpu: String(availableParallelism()), memory: `${Math.floor(totalmem() / 1024)}Ki`, pods: '110', 'ephemeral-storage': '100Gi' };
}

/** A node that runs its pods with the given runtime. `run` ends all containers before it resolves. */
export function createNodeAgent(options: NodeAgentOptions): NodeAgent {
  const { client, informers, runtime, clock, logger, nodeName } = options;
  const capacity = options.capacity ?? machineCapacity();
  const address = options.address ?? '127.0.0.1';
  const manager = new PodManager({
    client,
    informers,
    runtime,
    clock,
    logger,
    nodeNames: [nodeName],
    hostIP: address,
    allocatable: capacity,
    ...(options.backoff === undefined ? {} : { backoff: options.backoff }),
  });
  const registration = createRegistration({
    client,
    clock,
    logger,
    description: { nodeName, address, capacity, labels: options.labels ?? {}, taints: options.taints ?? [], runtimeVersion: `${runtime.name}://0.1.0` },
  });
  return together(`node/${nodeName}`, [nodeName], manager, [registration]);
}

/** Many simulated nodes. */
export interface SimulatedNodesOptions extends Omit<SimulatedRuntimeOptions, 'clock'> {
  readonly client: KubeClient;
  readonly informers: InformerFactory;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly count: number;
  /** Names are `<prefix>-0`, `<prefix>-1`… Default `sim`. */
  readonly namePrefix?: string;
  /** Of each node. Default 16 processors, 64 GiB, 250 pods. */
  readonly capacity?: Readonly<Record<string, string>>;
  readonly labels?: Readonly<Record<string, string>>;
  readonly taints?: ReadonlyArray<corev1.Taint>;
  readonly backoff?: Partial<BackoffOptions>;
  /** Whether their pods write Events. Default true for up to ten nodes, otherwise false. */
  readonly events?: boolean;
}

/** Simulated nodes that share one pod informer, one queue and one runtime. */
export function createSimulatedNodes(options: SimulatedNodesOptions): NodeAgent {
  const { client, informers, clock, logger, count } = options;
  const capacity = options.capacity ?? { cpu: '16', memory: '64Gi', pods: '250', 'ephemeral-storage': '500Gi' };
  const nodeNames = Array.from({ length: count }, (_, index) => `${options.namePrefix ?? 'sim'}-${index}`);
  const manager = new PodManager({
    client,
    informers,
    clock,
    logger,
    nodeNames,
    hostIP: '127.0.0.1',
    allocatable: capacity,
    runtime: createSimulatedRuntime(options),
    events: options.events ?? count <= 10,
    ...(options.backoff === undefined ? {} : { backoff: options.backoff }),
  });
  const registrations = nodeNames.map((nodeName) =>
    createRegistration({
      client,
      clock,
      logger,
      // Many leases are renewed less often: nothing can go wrong with a node that does not exist.
      leaseSeconds: count > 10 ? 240 : 40,
      description: {
        nodeName,
        address: '127.0.0.1',
        capacity,
        labels: { 'tiphys.dev/simulated': 'true', ...options.labels },
        taints: options.taints ?? [],
        runtimeVersion: 'simulated://0.1.0',
      },
    }),
  );
  return together(`nodes/${options.namePrefix ?? 'sim'}`, nodeNames, manager, registrations);
}

// Parts of one service: the first that fails ends the others, and the supervisor starts all anew.
function together(name: string, nodeNames: readonly string[], manager: PodManager, registrations: readonly Service[]): NodeAgent {
  return {
    name,
    nodeNames,
    backend: manager.backend,
    async run(signal) {
      const stop = new AbortController();
      const either = AbortSignal.any([signal, stop.signal]);
      const parts = [manager, ...registrations].map(async (part) => {
        try {
          await part.run(either);
        } finally {
          stop.abort();
        }
      });
      const results = await Promise.allSettled(parts);
      const failed = results.find((result) => result.status === 'rejected');
      if (failed !== undefined && !signal.aborted) throw failed.reason;
    },
  };
}

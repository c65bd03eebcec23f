import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createLogger, supervise, systemClock, type Service } from '@tiphys/kernel';
import { createInformerFactory, createKubeClient, type KubeClient } from '@tiphys/kube-client';
import { builtin, isStatus, type KubeObject, type ObjectKey, type ResourceType } from '@tiphys/kube-model';
import { startApiServer, type ApiServer } from '@tiphys/plane-apiserver';
import { createControllers } from '@tiphys/plane-controllers';
import { createServiceProxy } from '@tiphys/plane-network';
import { ProcessRuntime } from '@tiphys/plane-runtime';
import { createScheduler } from '@tiphys/plane-scheduler';
import { createMemoryStore } from '@tiphys/plane-store';
import { createNodeAgent, createSimulatedNodes, type NodeAgent } from '../index.ts';

/** A whole plane in this process, for tests. */
export interface Cluster extends AsyncDisposable {
  readonly client: KubeClient;
  readonly server: ApiServer;
  readonly stateDir: string;
  readonly signal: AbortSignal;
  create<T extends KubeObject>(object: T): Promise<T>;
  get<T extends KubeObject>(kind: string, key: ObjectKey): Promise<T | undefined>;
  list<T extends KubeObject>(kind: string, namespace?: string): Promise<readonly T[]>;
  patch(kind: string, key: ObjectKey, patch: unknown): Promise<void>;
  remove(
    kind: string,
    key: ObjectKey,
    options?: { readonly propagationPolicy?: 'Foreground' | 'Background' | 'Orphan'; readonly gracePeriodSeconds?: number },
  ): Promise<void>;
  /** The value of `read` once it is not undefined and not false. */
  until<T>(what: string, read: () => Promise<T | undefined | false>, deadlineMs?: number): Promise<T>;
  namespace(name: string): Promise<void>;
  /** Ends the node agent and all it runs, then starts another over the same folder. */
  restartNode(): Promise<void>;
}

const API_VERSIONS: Readonly<Record<string, string>> = {
  Deployment: 'apps/v1',
  ReplicaSet: 'apps/v1',
  StatefulSet: 'apps/v1',
  Job: 'batch/v1',
  EndpointSlice: 'discovery.k8s.io/v1',
  Lease: 'coordination.k8s.io/v1',
  PodDisruptionBudget: 'policy/v1',
  CustomResourceDefinition: 'apiextensions.k8s.io/v1',
};

function typeOf(kind: string): ResourceType {
  return builtin(API_VERSIONS[kind] ?? 'v1', kind);
}

let nextNet = Math.floor(Math.random() * 200);

/** Starts API server, controllers, scheduler, proxy and nodes: one with processes, or some simulated ones. */
export async function startCluster(options: { readonly nodes: 'process' | number; readonly addressing?: 'loopback' | 'shared' }): Promise<Cluster> {
  const logger = createLogger({ level: 'error' });
  const clock = systemClock;
  nextNet = (nextNet + 1) % 200;
  const server = await startApiServer({ store: createMemoryStore(), logger, clock, serviceCidr: `127.${97 + (nextNet % 20)}.${nextNet}.0/24` });
  const client = createKubeClient({ server: server.url, ca: server.caPem, token: server.adminToken });
  const stateDir = await mkdtemp(join(tmpdir(), 'tiphys-cluster-'));
  const informers = createInformerFactory({ client, clock, logger });
  const addressing = options.addressing ?? 'loopback';
  const backoff = { baseMs: 100, maxMs: 1_000 };
  const podCidr = `127.70.${nextNet}.0/24`;
  const makeNode = (): NodeAgent => {
    if (options.nodes !== 'process') return createSimulatedNodes({ client, informers, clock, logger, count: options.nodes, backoff, completeAfterMs: 50 });
    const runtime = new ProcessRuntime({ clock, logger, stateDir, addressing, podCidr, closeGraceMs: 300 });
    return createNodeAgent({ client, informers, runtime, nodeName: 'here', clock, logger, backoff, capacity: { cpu: '64', memory: '64Gi', pods: '110' } });
  };
  const startNode = (): { readonly stop: AbortController; readonly done: Promise<void> } => {
    const node = makeNode();
    for (const name of node.nodeNames) server.nodes.register(name, node.backend);
    const nodeStop = new AbortController();
    return { stop: nodeStop, done: supervise([node], { signal: nodeStop.signal, logger, clock }) };
  };
  const services: readonly Service[] = [
    informers,
    createScheduler({ client, informers, clock, logger }),
    createServiceProxy({ client, informers, clock, logger, addressing }),
    ...createControllers({ client, informers, clock, logger, rootCaPem: server.caPem }),
  ];
  const stop = new AbortController();
  const running = supervise(services, { signal: stop.signal, logger, clock });
  const { signal } = stop;
  let node = startNode();
  return {
    client,
    server,
    stateDir,
    signal,
    create: (object) => client.create(typeOf(object.kind), object, { signal }),
    get: async <T extends KubeObject>(kind: string, key: ObjectKey) => {
      try {
        return await client.get<T>(typeOf(kind), key, { signal });
      } catch (error) {
        if (isStatus(error, 'NotFound')) return undefined;
        throw error;
      }
    },
    list: async <T extends KubeObject>(kind: string, namespace?: string) =>
      (await client.list<T>(typeOf(kind), { ...(namespace === undefined ? {} : { namespace }), signal })).items,
    patch: async (kind, key, patch) => void (await client.patch(typeOf(kind), key, patch, { type: 'merge', signal })),
    remove: async (kind, key, how = {}) => void (await client.delete(typeOf(kind), key, { ...how, signal })),
    namespace: async (name) => void (await client.create(typeOf('Namespace'), { apiVersion: 'v1', kind: 'Namespace', metadata: { name } }, { signal })),
    async until(what, read, deadlineMs = 15_000) {
      const end = performance.now() + deadlineMs;
      for (;;) {
        const value = await read();
        if (value !== undefined && value !== false) return value;
        if (performance.now() > end) throw new Error(`not so within ${deadlineMs} ms: ${what}`);
        await clock.sleep(25, signal);
      }
    },
    async restartNode() {
      node.stop.abort();
      await node.done;
      node = startNode();
    },
    async [Symbol.asyncDispose]() {
      node.stop.abort();
      await node.done;
      stop.abort();
      await running;
      await client.close();
      await server.close();
      await rm(stateDir, { recursive: true, force: true, maxRetries: 5 });
    },
  };
}

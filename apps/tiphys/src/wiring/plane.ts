import { join } from 'node:path';
import { createInformerFactory, createKubeClient, type InformerFactory, type KubeClient } from '@tiphys/kube-client';
import { DomainError, type Clock, type Logger, type Service } from '@tiphys/kernel';
import { startApiServer, type ApiServer, type ApiServerOptions } from '@tiphys/plane-apiserver';
import { createControllers } from '@tiphys/plane-controllers';
import { createServiceProxy } from '@tiphys/plane-network';
import { createNodeAgent, createSimulatedNodes, type NodeAgent } from '@tiphys/plane-node';
import { defaultAddressing, ProcessRuntime } from '@tiphys/plane-runtime';
import { createScheduler } from '@tiphys/plane-scheduler';
import { createMemoryStore, openLmdbStore } from '@tiphys/plane-store';

/** Runtimes a user can ask for. */
export type RuntimeChoice = 'auto' | 'cri' | 'process' | 'simulated';

/** How much history the plane keeps: both bounds hold. */
interface HistoryOptions {
  readonly ageMs: number;
  readonly changes: number;
}

/** How a plane is started. */
export interface PlaneOptions {
  /** Folder of database, keys and pods; undefined keeps everything in memory. */
  readonly dataDir: string | undefined;
  readonly runtime: RuntimeChoice;
  readonly httpsPort: number;
  /** Simulated nodes; with the process runtime there is always one node, this machine. */
  readonly nodes: number;
  /** How long the history of objects is kept, for watches that come back and for reads of the past. */
  readonly history: HistoryOptions;
  /** What else the API server is told. */
  readonly apiServer?: Pick<ApiServerOptions, 'audit' | 'encryption' | 'tokenFile' | 'oidc'>;
  readonly clock: Clock;
  readonly logger: Logger;
}

/** A running plane and what it takes to run it. */
export interface Plane {
  readonly server: ApiServer;
  readonly runtime: 'process' | 'simulated';
  /** Its own client, in `system:masters`. */
  readonly client: KubeClient;
  readonly informers: InformerFactory;
  readonly services: readonly Service[];
  close(): Promise<void>;
}

/** The runtime asked for cannot be had. */
class RuntimeChoiceError extends DomainError<{ readonly code: 'runtimeUnavailable'; readonly runtime: string }> {
  override readonly name = 'RuntimeChoiceError';
}

/** Starts the API server and lays out the loops around it; the caller runs `services` under one supervisor. */
export async function startPlane(options: PlaneOptions): Promise<Plane> {
  const { clock, logger, dataDir } = options;
  const runtime = chooseRuntime(options.runtime);
  const retention = { retainMs: options.history.ageMs, retainRevisions: options.history.changes };
  const store = dataDir === undefined ? createMemoryStore({ clock, ...retention }) : openLmdbStore({ dir: join(dataDir, 'store'), clock, ...retention });
  const server = await startApiServer({
    ...options.apiServer,
    store,
    clock,
    logger: logger.child({ component: 'apiserver' }),
    port: options.httpsPort,
    ...(dataDir === undefined ? {} : { stateDir: join(dataDir, 'pki') }),
  }).catch(async (error: unknown) => {
    await store.close();
    throw error;
  });
  const client = createKubeClient({
    server: server.url,
    ca: server.caPem,
    token: server.issueToken({ username: 'system:tiphys:plane', groups: ['system:masters'] }),
    userAgent: 'tiphys-plane',
  });
  const informers = createInformerFactory({ client, clock, logger });
  const node = createNode(runtime, options, client, informers);
  for (const name of node.nodeNames) server.nodes.register(name, node.backend);
  const deps = { client, informers, clock };
  const services: readonly Service[] = [
    informers,
    ...createControllers({ ...deps, logger: logger.child({ component: 'controllers' }), rootCaPem: server.caPem }),
    createScheduler({ ...deps, logger: logger.child({ component: 'scheduler' }) }),
    createServiceProxy({ ...deps, addressing: defaultAddressing(), logger: logger.child({ component: 'proxy' }) }),
    node,
  ];
  return {
    server,
    runtime,
    client,
    informers,
    services,
    close: async () => {
      await client.close();
      await server.close();
      await store.close();
    },
  };
}

function chooseRuntime(choice: RuntimeChoice): 'process' | 'simulated' {
  if (choice === 'cri')
    throw new RuntimeChoiceError({ code: 'runtimeUnavailable', runtime: 'cri' }, 'runtime cri: real containers are not supported yet', {
      hint: 'use --runtime process for host processes or --runtime simulated',
    });
  // Commands of manifests run as the user who started us, so a person has to choose that by name.
  return choice === 'process' ? 'process' : 'simulated';
}

function createNode(runtime: 'process' | 'simulated', options: PlaneOptions, client: KubeClient, informers: InformerFactory): NodeAgent {
  const { clock } = options;
  const logger = options.logger.child({ component: 'node' });
  if (runtime === 'simulated') return createSimulatedNodes({ client, informers, clock, logger, count: options.nodes, namePrefix: 'sim' });
  if (options.dataDir === undefined)
    throw new RuntimeChoiceError({ code: 'runtimeUnavailable', runtime }, 'runtime process: needs a state folder for its pods', {
      hint: 'give --data-dir instead of --memory',
    });
  return createNodeAgent({
    client,
    informers,
    clock,
    logger,
    nodeName: 'local',
    runtime: new ProcessRuntime({ clock, logger, stateDir: join(options.dataDir, 'node') }),
  });
}

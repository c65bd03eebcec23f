import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { applicationType, ARGO_API_VERSION, type Application } from '@tiphys/delivery-applications';
import { createDeliveryController, type DeliveryController, type DeliveryControllerOptions } from '@tiphys/delivery-controller';
import { createRepositoryStore } from '@tiphys/delivery-git';
import { createInProcessQueue, type JobQueue } from '@tiphys/delivery-queue';
import { createRenderer, type Renderer } from '@tiphys/delivery-render';
import { createScriptEngine } from '@tiphys/delivery-scripts';
import { createLogger, supervise, systemClock, type Logger } from '@tiphys/kernel';
import { createInformerFactory, createKubeClient, type KubeClient } from '@tiphys/kube-client';
import { builtin, isStatus, type corev1, type KubeObject } from '@tiphys/kube-model';
import { startApiServer, type ApiServer } from '@tiphys/plane-apiserver';
import { createControllers } from '@tiphys/plane-controllers';
import { createSimulatedNodes } from '@tiphys/plane-node';
import { createScheduler } from '@tiphys/plane-scheduler';
import { createMemoryStore } from '@tiphys/plane-store';

export { eventually } from '@tiphys/testkit';

export const CONFIG_MAPS = builtin('v1', 'ConfigMap');
export const logger: Logger = createLogger({ level: process.env['TEST_LOG'] === undefined ? 'silent' : 'debug' });

/** A delivery controller at work, as one process would run it. */
export interface RunningController {
  readonly controller: DeliveryController;
  readonly renderer: Renderer;
  stop(): Promise<void>;
}

/** An API server with an empty cluster, and controllers on it. */
export interface Rig extends AsyncDisposable {
  readonly server: ApiServer;
  readonly client: KubeClient;
  readonly folder: string;
  /** Starts a controller; with `through` it reaches the API server by that URL. */
  start(options?: Partial<DeliveryControllerOptions> & { readonly makeQueue?: () => JobQueue; readonly through?: string }): Promise<RunningController>;
}

export async function createRig(): Promise<Rig> {
  const folder = await mkdtemp(path.join(tmpdir(), 'tiphys-e2e-'));
  const server = await startApiServer({ store: createMemoryStore(), logger });
  const connect = (url: string = server.url): KubeClient => createKubeClient({ server: url, ca: server.caPem, token: server.adminToken });
  const client = connect();
  const running = new Set<RunningController>();
  const stopPlane = new AbortController();
  const planeInformers = createInformerFactory({ client, clock: systemClock, logger });
  const nodes = createSimulatedNodes({ client, informers: planeInformers, clock: systemClock, logger, count: 2, completeAfterMs: 50 });
  for (const name of nodes.nodeNames) server.nodes.register(name, nodes.backend);
  const plane = supervise(
    [
      planeInformers,
      ...createControllers({ client, informers: planeInformers, clock: systemClock, logger, rootCaPem: server.caPem }),
      createScheduler({ client, informers: planeInformers, clock: systemClock, logger }),
      nodes,
    ],
    { signal: stopPlane.signal, logger },
  );
  return {
    server,
    client,
    folder,
    async start({ makeQueue, through, ...options } = {}) {
      const stop = new AbortController();
      const own = connect(through);
      const informers = createInformerFactory({ client: own, clock: systemClock, logger });
      const renderer = createRenderer({ logger });
      const scripts = createScriptEngine();
      const queue = makeQueue?.() ?? createInProcessQueue({ clock: systemClock });
      const controller = createDeliveryController({
        client: own,
        informers,
        repositories: createRepositoryStore({ cacheDirectory: path.join(folder, 'cache') }),
        renderer,
        scripts,
        queue,
        clock: systemClock,
        logger,
        pollIntervalMs: 60_000,
        identity: 'one',
        ...options,
      });
      await controller.install(stop.signal);
      const supervised = supervise([informers, ...controller.services], { signal: stop.signal, logger });
      await controller.waitForReady(AbortSignal.timeout(10_000));
      const handle: RunningController = {
        controller,
        renderer,
        async stop() {
          running.delete(handle);
          stop.abort();
          await supervised.catch(() => undefined);
          await queue.close();
          await renderer.close();
          scripts.close();
          await own.close();
        },
      };
      running.add(handle);
      return handle;
    },
    async [Symbol.asyncDispose]() {
      for (const handle of running) await handle.stop();
      stopPlane.abort();
      await plane.catch(() => undefined);
      await client.close();
      await server.close();
      await rm(folder, { recursive: true, force: true });
    },
  };
}

export function application(name: string, spec: object, metadata: object = {}): KubeObject {
  return {
    apiVersion: ARGO_API_VERSION,
    kind: 'Application',
    metadata: { name, namespace: 'argocd', ...metadata },
    spec: { project: 'default', destination: { server: 'https://kubernetes.default.svc', namespace: 'shop' }, ...spec },
  } as KubeObject;
}

export function getApplication(client: KubeClient, name: string): Promise<Application> {
  return client.get<Application>(applicationType, { name, namespace: 'argocd' }, { signal: AbortSignal.timeout(5_000) });
}

export async function getConfigMap(client: KubeClient, name: string, namespace = 'shop'): Promise<corev1.ConfigMap | undefined> {
  try {
    return await client.get<corev1.ConfigMap>(CONFIG_MAPS, { name, namespace }, { signal: AbortSignal.timeout(5_000) });
  } catch (error) {
    if (isStatus(error, 'NotFound')) return undefined;
    throw error;
  }
}

export const configMap = (name: string, value: string, annotations = ''): string =>
  `apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: ${name}\n${annotations === '' ? '' : `  annotations:\n    ${annotations}\n`}data:\n  value: "${value}"\n`;
export const signal = (): AbortSignal => AbortSignal.timeout(20_000);
export const median = (values: readonly number[]): number => values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)] ?? Number.NaN;

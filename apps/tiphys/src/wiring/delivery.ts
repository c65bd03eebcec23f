import { randomUUID } from 'node:crypto';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { createControllerBackend, startDeliveryApi, type DeliveryApi } from '@tiphys/delivery-api';
import { createDeliveryController, type DeliveryController } from '@tiphys/delivery-controller';
import { createRepositoryStore } from '@tiphys/delivery-git';
import { createBullmqQueue, createInProcessQueue, type JobQueue } from '@tiphys/delivery-queue';
import { createRenderer, type PluginHost } from '@tiphys/delivery-render';
import { createScriptEngine } from '@tiphys/delivery-scripts';
import { createInformerFactory, type InformerFactory, type KubeClient } from '@tiphys/kube-client';
import type { Clock, Logger, Service } from '@tiphys/kernel';
import { builtin, isStatus, type corev1 } from '@tiphys/kube-model';
import { splitNamespaces } from '../commands/server-options.ts';
import { VERSION } from '../version.ts';

/** Which halves of the delivery side a process carries: `controller` performs, `server` shows. */
type DeliveryRole = 'controller' | 'server' | 'both';

/** How the delivery side is started. */
export interface DeliveryOptions {
  readonly role: DeliveryRole;
  /** Client of the API that holds the Applications. */
  readonly client: KubeClient;
  /** Shared with others of this process that follow the same API; made when absent. */
  readonly informers?: InformerFactory;
  /** Disposable caches. */
  readonly cacheDir: string;
  readonly namespace: string;
  /** Further namespaces that may hold Applications; asked of the cluster's settings when absent. */
  readonly applicationNamespaces?: readonly string[] | undefined;
  readonly redisUrl?: string | undefined;
  readonly pollIntervalMs: number;
  /** Name of a controller that is alone with its state and so takes its own runs back at once after a crash. */
  readonly identity?: string;
  readonly webhookSecret?: string | undefined;
  /** Plugins an operator listed. */
  readonly plugins?: PluginHost | undefined;
  /** Repositories Kustomize may build on besides the own one. */
  readonly remoteBases?: readonly string[];
  /** Kustomizations may inflate charts. */
  readonly kustomizeEnableHelm?: boolean;
  /** Addresses generators of ApplicationSets may call; none allow every one. */
  readonly generatorUrls?: readonly string[];
  readonly failpoint?: (name: string) => void | Promise<void>;
  readonly clock: Clock;
  readonly logger: Logger;
}

/** The delivery side before its loops run. */
export interface Delivery {
  readonly controller: DeliveryController;
  readonly services: readonly Service[];
  /** Starts REST, streams and console. Call once the loops run. */
  serve(options: { readonly host: string; readonly port: number; readonly token: string; readonly signal: AbortSignal }): Promise<DeliveryApi>;
  close(): Promise<void>;
}

/** Installs the CRDs and lays out the delivery side on one Kubernetes API. */
export async function createDelivery(options: DeliveryOptions, signal: AbortSignal): Promise<Delivery> {
  const { client, clock, logger, namespace, role } = options;
  const informers = options.informers ?? createInformerFactory({ client, clock, logger });
  const queue = createQueue(options);
  const renderer = createRenderer({
    logger,
    kustomizeEnableHelm: options.kustomizeEnableHelm === true,
    ...(options.plugins === undefined ? {} : { plugins: options.plugins }),
  });
  const scripts = createScriptEngine();
  const controller = createDeliveryController({
    client,
    informers,
    queue,
    renderer,
    scripts,
    clock,
    logger,
    namespace,
    applicationNamespaces: options.applicationNamespaces ?? (await configuredNamespaces(client, namespace, signal)),
    pollIntervalMs: options.pollIntervalMs,
    identity: options.identity ?? `${process.pid}-${randomUUID().slice(0, 8)}`,
    remoteBases: options.remoteBases ?? [],
    generatorUrls: options.generatorUrls ?? [],
    repositories: createRepositoryStore({ cacheDirectory: join(options.cacheDir, 'git') }),
    ...(options.failpoint === undefined ? {} : { failpoint: options.failpoint }),
  });
  const close = async (): Promise<void> => {
    await queue.close();
    await renderer.close();
    scripts.close();
  };
  await controller.install(signal).catch(async (error: unknown) => {
    await close();
    throw error;
  });
  return {
    controller,
    services: [...(options.informers === undefined ? [informers] : []), ...(role === 'server' ? controller.readServices : controller.services)],
    serve: async ({ host, port, token, signal: ready }) => {
      const backend = createControllerBackend({
        controller,
        client,
        informers,
        namespace,
        clock,
        ...(options.webhookSecret === undefined ? {} : { webhookSecret: options.webhookSecret }),
      });
      await controller.waitForReady(ready);
      const consoleDirectory = fileURLToPath(new URL('../../../console/dist', import.meta.url));
      return startDeliveryApi({
        backend,
        host,
        port,
        accounts: [{ name: 'admin', token }],
        version: VERSION,
        clock,
        logger: logger.child({ component: 'api' }),
        ...(existsSync(consoleDirectory) ? { consoleDirectory } : {}),
      });
    },
    close,
  };
}

// Argo CD's own switch for applications in other namespaces; like there it is read at start.
async function configuredNamespaces(client: KubeClient, namespace: string, signal: AbortSignal): Promise<readonly string[]> {
  try {
    const { data } = await client.get<corev1.ConfigMap>(builtin('v1', 'ConfigMap'), { namespace, name: 'argocd-cmd-params-cm' }, { signal });
    return splitNamespaces(data?.['application.namespaces'] ?? '');
  } catch (error) {
    if (isStatus(error, 'NotFound', 'Forbidden')) return [];
    throw error;
  }
}

function createQueue({ redisUrl, clock, logger }: DeliveryOptions): JobQueue {
  return redisUrl === undefined ? createInProcessQueue({ clock }) : createBullmqQueue({ url: redisUrl, logger });
}

import { join } from 'node:path';
import { Command } from 'commander';
import { supervise, systemClock } from '@tiphys/kernel';
import { loadKubeconfigClient } from '@tiphys/kube-client';
import { saveContext } from '../cli/contexts.ts';
import { CliError } from '../cli/cli-error.ts';
import { tiphysHome, type Host } from '../cli/session.ts';
import { loadOrCreateToken } from '../wiring/token.ts';
import { openPlugins, withRenderOptions, type RenderOptions } from './render-options.ts';
import {
  announceReady,
  applicationNamespacesOption,
  dataDirectory,
  pollIntervalOption,
  parsePort,
  serverLogger,
  withServerOptions,
  type ServerOptions,
} from './server-options.ts';

interface DeliveryCommandOptions extends ServerOptions, RenderOptions {
  readonly kubeconfig?: string;
  readonly context?: string;
  readonly inCluster?: boolean;
  readonly redis?: string;
  readonly dataDir?: string;
  readonly pollInterval: number;
  readonly namespace: string;
  readonly applicationNamespaces?: readonly string[];
  readonly host: string;
  readonly port: number;
}

/** `tiphys controller`: reconciles applications and performs runs against any Kubernetes API. */
export function controllerCommand(host: Host): Command {
  return withDeliveryOptions(
    new Command('controller').description('run the GitOps controller alone, against any Kubernetes API; several may share one Redis'),
  ).action((options: DeliveryCommandOptions) => runDelivery('controller', options, host));
}

/** `tiphys server`: serves API and console for applications that controllers elsewhere reconcile. */
export function serverCommand(host: Host): Command {
  const command = new Command('server')
    .description('serve the delivery API and the console alone, against any Kubernetes API')
    .option('--host <address>', 'address to listen on', '127.0.0.1')
    .option('--port <port>', 'port to listen on; 0 takes any', parsePort, 8_080);
  return withDeliveryOptions(command).action((options: DeliveryCommandOptions) => runDelivery('server', options, host));
}

function withDeliveryOptions(command: Command): Command {
  command
    .option('--kubeconfig <file>', 'the API that holds the Applications (env KUBECONFIG)')
    .option('--in-cluster', 'the API of the cluster this pod runs in, by its service account')
    .option('--context <name>', 'context of the kubeconfig')
    .option('--redis <url>', 'queue of runs, shared by several controllers')
    .option('--data-dir <dir>', 'folder for caches and tokens (default: delivery below the Tiphys folder)')
    .addOption(pollIntervalOption())
    .option('--namespace <name>', 'namespace of Applications and credentials', 'argocd')
    .addOption(applicationNamespacesOption());
  return withServerOptions(withRenderOptions(command));
}

async function runDelivery(role: 'controller' | 'server', options: DeliveryCommandOptions, host: Host): Promise<void> {
  const { createDelivery } = await import('../wiring/delivery.ts');
  const logger = serverLogger(host, options);
  const { signal } = host;
  const path = options.kubeconfig ?? host.env['KUBECONFIG'];
  if (path === undefined && options.inCluster !== true)
    throw new CliError({ code: 'usage' }, 'no Kubernetes API is named', { hint: 'give --kubeconfig or --in-cluster, or set KUBECONFIG' });
  const from = options.inCluster === true || path === undefined ? ({ inCluster: true } as const) : { path };
  const dataDir = dataDirectory(host, options.dataDir, 'delivery');
  const client = await loadKubeconfigClient({
    from,
    userAgent: `tiphys-${role}`,
    ...(options.context === undefined ? {} : { context: options.context }),
  });
  const webhookSecret = host.env['TIPHYS_WEBHOOK_SECRET'] ?? (await loadOrCreateToken(dataDir, 'webhook-secret'));
  const delivery = await createDelivery(
    {
      role,
      client,
      cacheDir: join(dataDir, `cache-${role}-${process.pid}`),
      namespace: options.namespace,
      applicationNamespaces: options.applicationNamespaces,
      redisUrl: options.redis,
      pollIntervalMs: options.pollInterval,
      webhookSecret,
      plugins: await openPlugins(options, host),
      remoteBases: options.remoteBases,
      generatorUrls: options.generatorUrls,
      kustomizeEnableHelm: options.kustomizeEnableHelm === true,
      clock: systemClock,
      logger,
    },
    signal,
  );
  const running = supervise(delivery.services, { signal, logger, clock: systemClock });
  try {
    if (role === 'server') {
      const token = host.env['TIPHYS_TOKEN'] ?? (await loadOrCreateToken(dataDir, 'admin-token'));
      const api = await delivery.serve({ host: options.host, port: options.port, token, signal });
      try {
        await saveContext(tiphysHome(host.env), { server: api.url, token });
        announceReady(host, options, { console: api.url, server: client.server });
        await running;
      } finally {
        await api.close();
      }
    } else {
      await delivery.controller.waitForReady(signal);
      announceReady(host, options, { server: client.server });
      await running;
    }
  } finally {
    await delivery.close();
    await client.close();
  }
}

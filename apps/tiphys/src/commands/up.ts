import { join } from 'node:path';
import { Command } from 'commander';
import { supervise, systemClock, type Logger, type Service } from '@tiphys/kernel';
import { saveContext } from '../cli/contexts.ts';
import { tiphysHome, type Host } from '../cli/session.ts';
import { installDemo, type Demo } from '../demo/demo.ts';
import type { RuntimeChoice } from '../wiring/plane.ts';
import { loadOrCreateToken } from '../wiring/token.ts';
import { writePrivate } from '../wiring/private-file.ts';
import { openPlugins, withRenderOptions, type RenderOptions } from './render-options.ts';
import { loadPlaneServerSettings, withPlaneServerOptions, type PlaneServerOptions } from './plane-options.ts';
import {
  announceReady,
  applicationNamespacesOption,
  dataDirectory,
  parseCount,
  pollIntervalOption,
  parsePort,
  serverLogger,
  withRuntimeOption,
  withHistoryOptions,
  withServerOptions,
  type HistoryFlags,
  type ServerOptions,
} from './server-options.ts';

interface UpOptions extends ServerOptions, RenderOptions, PlaneServerOptions, HistoryFlags {
  readonly dataDir?: string;
  readonly host: string;
  readonly port: number;
  readonly httpsPort: number;
  readonly runtime: RuntimeChoice;
  readonly nodes: number;
  readonly redis?: string;
  readonly pollInterval: number;
  readonly namespace: string;
  readonly applicationNamespaces?: readonly string[];
  readonly demo?: boolean;
}

/** `tiphys up`: plane, delivery and console in one process. */
export function upCommand(host: Host): Command {
  const command = new Command('up')
    .description('run everything in one process: control plane, GitOps delivery and console')
    .option('--data-dir <dir>', 'state folder (default: default, or demo with --demo, below the Tiphys folder)')
    .option('--host <address>', 'address of the delivery API and the console', '127.0.0.1')
    .option('--port <port>', 'port of the delivery API and the console; 0 takes any', parsePort, 8_080)
    .option('--https-port <port>', 'port of the Kubernetes API; 0 takes any', parsePort, 6_443)
    .option('--nodes <count>', 'number of simulated nodes', parseCount, 1)
    .option('--redis <url>', 'queue runs in this Redis instead of in the process')
    .addOption(pollIntervalOption())
    .option('--namespace <name>', 'namespace of Applications and credentials', 'argocd')
    .addOption(applicationNamespacesOption())
    .option('--demo', 'set up a small Git repository and an application to try things on; runs its processes on this machine as you');
  return withServerOptions(withRenderOptions(withPlaneServerOptions(withHistoryOptions(withRuntimeOption(command))))).action(async (options: UpOptions) =>
    runUp(options, host),
  );
}

async function runUp(options: UpOptions, host: Host): Promise<void> {
  const startedAtMs = performance.now();
  const [{ startPlane }, { createDelivery }] = await Promise.all([import('../wiring/plane.ts'), import('../wiring/delivery.ts')]);
  const logger = serverLogger(host, options);
  const clock = systemClock;
  const dataDir = dataDirectory(host, options.dataDir, options.demo === true ? 'demo' : 'default');
  const runtime = options.demo === true && options.runtime === 'auto' ? 'process' : options.runtime;
  const plane = await startPlane({
    apiServer: await loadPlaneServerSettings(options),
    dataDir,
    runtime,
    httpsPort: options.httpsPort,
    nodes: options.nodes,
    history: { ageMs: options.history, changes: options.historyChanges },
    clock,
    logger,
  });
  const stop = new AbortController();
  const signal = AbortSignal.any([host.signal, stop.signal]);
  const running = start(plane.services, signal, logger);
  try {
    const kubeconfig = join(dataDir, 'kubeconfig');
    await writePrivate(kubeconfig, plane.server.adminKubeconfig());
    const token = await loadOrCreateToken(dataDir, 'admin-token');
    const webhookSecret = await loadOrCreateToken(dataDir, 'webhook-secret');
    const delivery = await createDelivery(
      {
        role: 'both',
        client: plane.client,
        informers: plane.informers,
        cacheDir: join(dataDir, 'cache'),
        namespace: options.namespace,
        applicationNamespaces: options.applicationNamespaces,
        redisUrl: options.redis,
        pollIntervalMs: options.pollInterval,
        identity: 'up',
        webhookSecret,
        plugins: await openPlugins(options, host),
        remoteBases: options.remoteBases,
        generatorUrls: options.generatorUrls,
        kustomizeEnableHelm: options.kustomizeEnableHelm === true,
        clock,
        logger,
      },
      signal,
    );
    const delivering = start(delivery.services, signal, logger);
    const api = await delivery.serve({ host: options.host, port: options.port, token, signal });
    try {
      await saveContext(tiphysHome(host.env), { server: api.url, token });
      const demo = options.demo === true ? await installDemo({ dataDir, client: plane.client, namespace: options.namespace, signal }) : undefined;
      announceReady(host, options, { console: api.url, server: plane.server.url, kubeconfig, runtime: plane.runtime });
      if (options.logFormat === 'text') host.stdout(welcome({ consoleUrl: `${api.url}/#token=${token}`, kubeconfig, dataDir, demo }));
      if (demo !== undefined) await tellWhenHealthy(demo, { host, options, signal, startedAtMs });
      await Promise.race([running, delivering]);
    } finally {
      await api.close();
      stop.abort();
      await delivering;
      await delivery.close();
    }
  } finally {
    stop.abort();
    await running;
    await plane.close();
  }
}

// A failure is thrown where the promise is awaited; until then nobody needs to listen for it.
function start(services: readonly Service[], signal: AbortSignal, logger: Logger): Promise<void> {
  const running = supervise(services, { signal, logger, clock: systemClock });
  running.catch(() => undefined);
  return running;
}

interface Welcome {
  readonly consoleUrl: string;
  readonly kubeconfig: string;
  readonly dataDir: string;
  readonly demo: Demo | undefined;
}

function welcome({ consoleUrl, kubeconfig, dataDir, demo }: Welcome): string {
  const lines = [
    '',
    `  Console     ${consoleUrl}`,
    `  Kubernetes  export KUBECONFIG=${kubeconfig}`,
    `  State       ${dataDir}`,
    '',
    ...(demo === undefined
      ? ['  Add an application:  tiphys app create NAME --repo URL --path DIR --dest-namespace NS --sync-policy automated', '']
      : demo.instructions),
    '  Ctrl-C stops everything; the next start finds it again.',
    '',
  ];
  return `${lines.join('\n')}\n`;
}

interface Telling {
  readonly host: Host;
  readonly options: UpOptions;
  readonly signal: AbortSignal;
  readonly startedAtMs: number;
}

async function tellWhenHealthy(demo: Demo, { host, options, signal, startedAtMs }: Telling): Promise<void> {
  const url = await demo.whenHealthy(signal).catch((error: unknown) => {
    if (signal.aborted) return undefined;
    throw error;
  });
  if (url === undefined) return;
  const seconds = ((performance.now() - startedAtMs) / 1000).toFixed(1);
  if (options.logFormat === 'json') host.stdout(`${JSON.stringify({ event: 'demo-healthy', url, seconds: Number(seconds) })}\n`);
  else host.stdout(`  The demo is Synced and Healthy after ${seconds} s: ${url}\n`);
}

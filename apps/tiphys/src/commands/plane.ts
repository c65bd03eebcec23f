import { resolve } from 'node:path';
import { Command } from 'commander';
import { supervise, systemClock } from '@tiphys/kernel';
import type { Host } from '../cli/session.ts';
import type { RuntimeChoice } from '../wiring/plane.ts';
import { writePrivate } from '../wiring/private-file.ts';
import { backupCommand, restoreCommand } from './plane-backup.ts';
import { loadPlaneServerSettings, withPlaneServerOptions, type PlaneServerOptions } from './plane-options.ts';
import {
  announceReady,
  dataDirectory,
  parseCount,
  parsePort,
  serverLogger,
  withRuntimeOption,
  withHistoryOptions,
  withServerOptions,
  type HistoryFlags,
  type ServerOptions,
} from './server-options.ts';

interface PlaneCommandOptions extends ServerOptions, PlaneServerOptions, HistoryFlags {
  readonly dataDir?: string;
  readonly memory?: boolean;
  readonly httpsPort: number;
  readonly kubeconfigOut?: string;
  readonly nodes: number;
  readonly runtime: RuntimeChoice;
}

/** `tiphys plane`: the control plane alone. */
export function planeCommand(host: Host): Command {
  const command = new Command('plane')
    .description('run the bundled Kubernetes-compatible control plane alone')
    .option('--data-dir <dir>', 'state folder (default: plane below the Tiphys folder)')
    .option('--memory', 'keep everything in memory')
    .option('--https-port <port>', 'port of the API; 0 takes any', parsePort, 6_443)
    .option('--kubeconfig-out <file>', 'write an administrator kubeconfig here')
    .option('--nodes <count>', 'number of simulated nodes', parseCount, 1);
  withServerOptions(withPlaneServerOptions(withHistoryOptions(withRuntimeOption(command)))).action(async (options: PlaneCommandOptions) =>
    runPlane(options, host),
  );
  return command.addCommand(backupCommand(host)).addCommand(restoreCommand(host));
}

async function runPlane(options: PlaneCommandOptions, host: Host): Promise<void> {
  const { startPlane } = await import('../wiring/plane.ts');
  const logger = serverLogger(host, options);
  const dataDir = options.memory === true ? undefined : dataDirectory(host, options.dataDir, 'plane');
  const plane = await startPlane({
    apiServer: await loadPlaneServerSettings(options),
    dataDir,
    runtime: options.runtime,
    httpsPort: options.httpsPort,
    nodes: options.nodes,
    history: { ageMs: options.history, changes: options.historyChanges },
    clock: systemClock,
    logger,
  });
  try {
    const kubeconfig = options.kubeconfigOut === undefined ? undefined : resolve(options.kubeconfigOut);
    if (kubeconfig !== undefined) await writePrivate(kubeconfig, plane.server.adminKubeconfig());
    const running = supervise(plane.services, { signal: host.signal, logger, clock: systemClock });
    announceReady(host, options, { server: plane.server.url, runtime: plane.runtime, ...(kubeconfig === undefined ? {} : { kubeconfig }) });
    await running;
  } finally {
    await plane.close();
  }
}

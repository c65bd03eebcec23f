import { resolve } from 'node:path';
import { Command } from 'commander';
import type { Host } from '../cli/session.ts';
import { dataDirectory } from './server-options.ts';

interface BackupOptions {
  readonly dataDir?: string;
  readonly to: string;
}

interface RestoreOptions {
  readonly dataDir?: string;
  readonly from: string;
  readonly replace?: boolean;
}

/** `tiphys plane backup`: a copy of a plane, which may be running. */
export function backupCommand(host: Host): Command {
  return new Command('backup')
    .description('copy a plane, also while it runs: objects as of one moment, keys and certificates. The copy holds Secrets')
    .option('--data-dir <dir>', 'state folder of the plane (default: plane below the Tiphys folder)')
    .requiredOption('--to <dir>', 'new folder for the backup')
    .action(async (options: BackupOptions, command: Command) => {
      const { backUpPlane } = await import('../wiring/backup.ts');
      const { dataDir, to } = withParent(options, command);
      const made = await backUpPlane(dataDirectory(host, dataDir, 'plane'), resolve(to));
      host.stdout(`backed up ${made.objects} objects at revision ${made.revision} to ${resolve(to)}\n`);
    });
}

/** `tiphys plane restore`: a plane from a backup; the plane must not run. */
export function restoreCommand(host: Host): Command {
  return new Command('restore')
    .description('make a plane from a backup; it must not be running')
    .option('--data-dir <dir>', 'state folder of the plane (default: plane below the Tiphys folder)')
    .requiredOption('--from <dir>', 'folder of the backup')
    .option('--replace', 'lose the plane that is in the state folder now')
    .action(async (options: RestoreOptions, command: Command) => {
      const { restorePlane } = await import('../wiring/backup.ts');
      const { dataDir, from, replace = false } = withParent(options, command);
      const target = dataDirectory(host, dataDir, 'plane');
      const made = await restorePlane(resolve(from), target, { replace });
      host.stdout(`restored ${made.objects} objects of revision ${made.revision}, backed up at ${made.takenAt}, to ${target}\n`);
    });
}

// `plane` has a --data-dir too and takes it wherever it stands.
function withParent<T extends { readonly dataDir?: string }>(options: T, command: Command): T {
  return { ...options, ...(command.parent?.getOptionValueSource('dataDir') === 'cli' ? { dataDir: String(command.parent.getOptionValue('dataDir')) } : {}) };
}

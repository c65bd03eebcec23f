import { RenderError } from '@tiphys/delivery-render';
import type { PluginCommand } from './plugin-config.ts';
import { CommandError, runCommand, type CommandLimits, type PluginUser } from './run-command.ts';
import type { Workspace } from './workspace.ts';

/** With what plugins run. */
export interface PluginMeans {
  readonly user: PluginUser | undefined;
  readonly searchPath: string;
  readonly temporaryFolder: string;
  readonly limits: CommandLimits;
}

/** One plugin at work in one folder. */
export interface PluginRun {
  readonly plugin: string;
  /** The folder of the source. */
  readonly path: string;
  readonly workspace: Workspace;
  readonly env: Readonly<Record<string, string>>;
  readonly means: PluginMeans;
}

/** Runs one command of a plugin in the folder of the source: what it printed. Throws RenderError. */
export async function runPluginCommand(command: PluginCommand, { plugin, path, workspace, env, means }: PluginRun, signal: AbortSignal): Promise<string> {
  const { home, root } = workspace;
  const place = path === '' ? '.' : path;
  try {
    return await runCommand(
      {
        command,
        folder: path === '' ? root : `${root}/${path}`,
        env: { PATH: means.searchPath, HOME: home, TMPDIR: home, LANG: 'C.UTF-8', ...env },
        user: means.user,
        limits: means.limits,
      },
      signal,
    );
  } catch (error) {
    if (!(error instanceof CommandError)) throw error;
    const code = error.code === 'timeout' || error.code === 'tooLarge' ? error.code : 'toolFailed';
    throw new RenderError({ code, path }, `${place}: plugin '${plugin}': ${error.message}`, { cause: error });
  }
}

import { RenderError, type ChosenPlugin, type PluginHost, type RenderRequest, type RenderWorld } from '@tiphys/delivery-render';
import { LIMITS, messageOf } from '@tiphys/kernel';
import { recognises } from './discover.ts';
import type { PluginConfig } from './plugin-config.ts';
import { pluginEnvironment, readPluginBlock, type PluginBlock } from './plugin-environment.ts';
import type { CommandLimits, PluginUser } from './run-command.ts';
import { runPluginCommand, type PluginMeans } from './run-plugin-command.ts';
import { openWorkspace } from './workspace.ts';

/** How plugins are run. */
export interface PluginHostOptions {
  readonly plugins: readonly PluginConfig[];
  /** Whom they run as; undefined runs them as this process. */
  readonly user: PluginUser | undefined;
  /** Where programs are found. */
  readonly searchPath: string;
  readonly temporaryFolder: string;
  readonly limits?: Partial<CommandLimits>;
}

// Argo CD's ARGOCD_EXEC_TIMEOUT, and bounds like those of a render worker.
const DEFAULT_LIMITS: CommandLimits = { timeoutMs: 90_000, outputBytes: LIMITS.renderOutputBytes, memoryMb: 2048 };

/** Runs the plugins an operator listed. */
export function createPluginHost({ plugins, limits, ...means }: PluginHostOptions): PluginHost {
  const bounded: PluginMeans = { ...means, limits: { ...DEFAULT_LIMITS, ...limits } };
  return {
    async find(request, world, signal) {
      const { source } = request;
      if (source.chart !== undefined) return undefined;
      if (source.plugin === undefined && (source.helm !== undefined || source.kustomize !== undefined || source.directory !== undefined)) return undefined;
      const block = readBlock(request);
      if (block.name !== '') return chosen(named(plugins, block.name, request), { request, world, block, means: bounded });
      for (const plugin of plugins) {
        if (await recognises(plugin, { request, snapshot: world.snapshot, means: bounded, signal }))
          return chosen(plugin, { request, world, block, means: bounded });
      }
      return undefined;
    },
  };
}

function readBlock({ source, path }: RenderRequest): PluginBlock {
  try {
    return readPluginBlock(source.plugin);
  } catch (error) {
    throw new RenderError({ code: 'toolFailed', path }, messageOf(error), { cause: error });
  }
}

function named(plugins: readonly PluginConfig[], name: string, { path }: RenderRequest): PluginConfig {
  const plugin = plugins.find((candidate) => candidate.name === name);
  if (plugin !== undefined) return plugin;
  const listed = plugins.map((candidate) => candidate.name).join(', ');
  throw new RenderError({ code: 'toolUnavailable', path }, `${path === '' ? '.' : path}: plugin '${name}' is not listed`, {
    hint: listed === '' ? 'no plugins are listed' : `listed are: ${listed}`,
  });
}

interface Choice {
  readonly request: RenderRequest;
  readonly world: RenderWorld;
  readonly block: PluginBlock;
  readonly means: PluginMeans;
}

function chosen(plugin: PluginConfig, { request, world, block, means }: Choice): ChosenPlugin {
  return {
    name: plugin.name,
    async render(reads, signal) {
      const env = await pluginEnvironment(request, block, reads);
      await using workspace = await openWorkspace(world.snapshot, { ...means, preserveFileMode: plugin.preserveFileMode }, signal);
      const run = { plugin: plugin.name, path: request.path, workspace, env, means };
      if (plugin.init !== undefined) await runPluginCommand(plugin.init, run, signal);
      // Awaited here: the workspace goes with this block.
      return await runPluginCommand(plugin.generate, run, signal);
    },
  };
}

import { normalizePath, type Snapshot } from '@tiphys/delivery-git';
import { RenderError, type RenderRequest } from '@tiphys/delivery-render';
import picomatch from 'picomatch';
import type { PluginConfig } from './plugin-config.ts';
import { runPluginCommand, type PluginMeans } from './run-plugin-command.ts';
import { openWorkspace } from './workspace.ts';

const MAX_LISTED = 20_000;
const MAX_LEVELS = 32;

/** Where a plugin is asked whether it recognises a folder. */
export interface DiscoverContext {
  readonly request: RenderRequest;
  readonly snapshot: Snapshot;
  readonly means: PluginMeans;
  readonly signal: AbortSignal;
}

/** Whether a plugin recognises a folder: by a file in it, by a pattern below it, or by what its program prints. */
export async function recognises(plugin: PluginConfig, { request, snapshot, means, signal }: DiscoverContext): Promise<boolean> {
  const { fileName, glob, command } = plugin.discover ?? {};
  if (plugin.discover === undefined || (await snapshot.stat(request.path))?.kind !== 'directory') return false;
  if (fileName !== undefined) return (await filesBelow(snapshot, request.path, 0)).some(matching(fileName));
  if (glob !== undefined) return (await filesBelow(snapshot, request.path, MAX_LEVELS)).some(matching(glob));
  if (command === undefined) return false;
  await using workspace = await openWorkspace(snapshot, { ...means, preserveFileMode: plugin.preserveFileMode }, signal);
  try {
    return (await runPluginCommand(command, { plugin: plugin.name, path: request.path, workspace, env: {}, means }, signal)).trim() !== '';
  } catch (error) {
    // A program that fails does not recognise the folder.
    if (error instanceof RenderError) return false;
    throw error;
  }
}

function matching(pattern: string): (file: string) => boolean {
  const matches = picomatch(normalizePath(pattern) ?? pattern, { dot: true });
  return (file) => matches(file);
}

/** Paths of files below a folder, relative to it, `levels` folders deep. */
async function filesBelow(snapshot: Snapshot, folder: string, levels: number): Promise<readonly string[]> {
  const found: string[] = [];
  const waiting = [{ path: folder, level: 0 }];
  for (let next = waiting.pop(); next !== undefined && found.length < MAX_LISTED; next = waiting.pop()) {
    for (const { name, kind } of await snapshot.list(next.path)) {
      const place = next.path === '' ? name : `${next.path}/${name}`;
      if (kind === 'directory' && next.level < levels) waiting.push({ path: place, level: next.level + 1 });
      else if (kind !== 'directory') found.push(folder === '' ? place : place.slice(folder.length + 1));
    }
  }
  return found;
}

import { existsSync } from 'node:fs';
import { readdir, readFile, realpath, stat } from 'node:fs/promises';
import path from 'node:path';
import type { ClusterCapabilities, SourceReads } from '@tiphys/delivery-render';
import { LIMITS } from '@tiphys/kernel';
import { CliError } from '../cli/cli-error.ts';

/** A folder on this machine, seen as a source: nothing above its root can be read, whatever links say. */
export interface LocalSource {
  readonly root: string;
  /** The folder to render, relative to the root. */
  readonly folder: string;
}

/** Finds the repository a folder belongs to; a folder in none is its own root, or has that of the file system. Throws CliError. */
export async function openLocalSource(folder: string, otherwise: 'folder' | 'filesystem' = 'folder'): Promise<LocalSource> {
  const target = await realpath(folder).catch((cause: unknown) => {
    throw new CliError({ code: 'usage' }, `${folder}: no such folder`, { cause });
  });
  let root = otherwise === 'folder' ? target : path.parse(target).root;
  for (let at = target; ; at = path.dirname(at)) {
    if (existsSync(path.join(at, '.git'))) {
      root = at;
      break;
    }
    if (at === path.dirname(at)) break;
  }
  return { root, folder: path.relative(root, target).split(path.sep).join('/') };
}

/** Reads of a local source. `capabilities` is what the target is taken for. */
export function localReads({ root }: LocalSource, capabilities: ClusterCapabilities): SourceReads {
  const inside = root.endsWith(path.sep) ? root : `${root}${path.sep}`;
  // Undefined where nothing stands, an error where a link leads out.
  async function locate(relative: string): Promise<string | undefined> {
    const wanted = path.resolve(root, relative);
    const found = await realpath(wanted).catch(() => undefined);
    if (found === undefined) return undefined;
    if (found !== root && !found.startsWith(inside)) throw new CliError({ code: 'refused' }, `${relative}: leads out of ${root}`);
    return found;
  }
  return {
    async read(relative) {
      const found = await locate(relative);
      if (found === undefined) return undefined;
      const info = await stat(found);
      if (!info.isFile()) return undefined;
      if (info.size > LIMITS.manifestFileBytes)
        throw new CliError({ code: 'refused' }, `${relative}: file of ${info.size} bytes exceeds the limit of ${LIMITS.manifestFileBytes} bytes`);
      return readFile(found);
    },
    async list(relative) {
      const found = await locate(relative);
      if (found === undefined || !(await stat(found)).isDirectory()) return undefined;
      const entries = await readdir(found, { withFileTypes: true });
      return entries
        .filter((entry) => entry.name !== '.git')
        .map((entry) => ({
          name: entry.name,
          kind: entry.isDirectory() ? ('directory' as const) : entry.isSymbolicLink() ? ('symlink' as const) : ('file' as const),
        }))
        .toSorted((a, b) => (a.name < b.name ? -1 : 1));
    },
    capabilities: () => Promise.resolve(capabilities),
    revision: () => Promise.resolve(''),
    lookup: () => Promise.resolve(undefined),
    chart: () => Promise.resolve(undefined),
    remote: () => Promise.resolve(undefined),
    remoteFile: () => Promise.resolve(undefined),
  };
}

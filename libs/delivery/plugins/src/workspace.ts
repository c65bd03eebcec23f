import { chmod, chown, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { SourceError, type Snapshot } from '@tiphys/delivery-git';
import { RenderError } from '@tiphys/delivery-render';
import type { PluginUser } from './run-command.ts';

/** A copy of a commit's files that a plugin may write to. */
export interface Workspace extends AsyncDisposable {
  /** Where the repository's root is. */
  readonly root: string;
  /** A folder of its own for what it calls home. */
  readonly home: string;
}

const MAX_FILES = 100_000;
const MAX_BYTES = 1024 * 1024 * 1024;
const MAX_DEPTH = 64;

/** Writes a commit's files below a folder only the plugin's user can read. Links that lead out are left out. Throws RenderError, SourceError. */
export async function openWorkspace(
  snapshot: Snapshot,
  options: { readonly temporaryFolder: string; readonly user: PluginUser | undefined; readonly preserveFileMode: boolean },
  signal: AbortSignal,
): Promise<Workspace> {
  const folder = await mkdtemp(path.join(options.temporaryFolder, 'tiphys-plugin-'));
  const remove = (): Promise<void> => rm(folder, { recursive: true, force: true });
  const [root, home] = [path.join(folder, 'source'), path.join(folder, 'home')];
  try {
    const give = async (place: string): Promise<void> => {
      if (options.user !== undefined) await chown(place, options.user.uid, options.user.gid);
    };
    await give(folder);
    for (const place of [root, home]) {
      await mkdir(place);
      await give(place);
    }
    await copyTree(snapshot, { root, give, signal, preserveFileMode: options.preserveFileMode, files: 0, bytes: 0 });
    return { root, home, [Symbol.asyncDispose]: remove };
  } catch (error) {
    await remove();
    throw error;
  }
}

interface Copy {
  readonly root: string;
  readonly give: (place: string) => Promise<void>;
  readonly signal: AbortSignal;
  readonly preserveFileMode: boolean;
  files: number;
  bytes: number;
}

async function copyTree(snapshot: Snapshot, copy: Copy, at: string = '', depth: number = 0): Promise<void> {
  if (depth > MAX_DEPTH) throw tooLarge(at, `folders nest deeper than ${MAX_DEPTH}`);
  for (const entry of await snapshot.list(at)) {
    copy.signal.throwIfAborted();
    const place = at === '' ? entry.name : `${at}/${entry.name}`;
    const kind = entry.kind === 'symlink' ? await linkedKind(snapshot, place) : entry.kind;
    const target = path.join(copy.root, place);
    if (kind === 'directory') {
      await mkdir(target);
      await copy.give(target);
      await copyTree(snapshot, copy, place, depth + 1);
    } else if (kind === 'file') {
      await copyFile(snapshot, copy, { place, target, isExecutable: entry.isExecutable === true });
    }
  }
}

async function copyFile(
  snapshot: Snapshot,
  copy: Copy,
  file: { readonly place: string; readonly target: string; readonly isExecutable: boolean },
): Promise<void> {
  const content = await snapshot.read(file.place);
  copy.files += 1;
  copy.bytes += content.byteLength;
  if (copy.files > MAX_FILES || copy.bytes > MAX_BYTES) throw tooLarge(file.place, `repository exceeds ${MAX_FILES} files or ${MAX_BYTES} bytes`);
  await writeFile(file.target, content);
  if (copy.preserveFileMode && file.isExecutable) await chmod(file.target, 0o755);
  await copy.give(file.target);
}

// What a link stands for; nothing where it leads nowhere or out of the repository.
async function linkedKind(snapshot: Snapshot, place: string): Promise<'file' | 'directory' | 'submodule' | undefined> {
  try {
    return (await snapshot.stat(place))?.kind;
  } catch (error) {
    if (error instanceof SourceError && error.code === 'pathEscapes') return undefined;
    throw error;
  }
}

function tooLarge(place: string, message: string): RenderError {
  return new RenderError({ code: 'tooLarge', path: place }, `${place === '' ? '.' : place}: plugin: ${message}`);
}

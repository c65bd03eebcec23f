import { chmod, lstat, mkdir, readdir, readFile, readlink, rename, rm, symlink, writeFile } from 'node:fs/promises';
import { dirname, isAbsolute, join, normalize, relative } from 'node:path';
import { randomUUID } from 'node:crypto';
import { RuntimeError, type VolumeFile } from '../runtime.ts';

const DATA = '..data';

/**
 * Brings a folder to hold exactly `files`, all at once: a new version is written beside the old one and `..data` is
 * switched to it by a rename, so a reader sees the old files or the new ones, never a mixture
 * (kubernetes pkg/volume/util/atomic_writer.go). Answers whether anything changed.
 */
export async function writeVolume(folder: string, files: readonly VolumeFile[]): Promise<boolean> {
  await mkdir(folder, { recursive: true, mode: 0o700 });
  for (const file of files) assertInside(file.path);
  const before = await linkTarget(join(folder, DATA));
  if (before !== undefined && (await holds(join(folder, before), files))) return false;
  const version = `..${new Date().toISOString().replaceAll(/[:.]/g, '_')}.${randomUUID().slice(0, 8)}`;
  for (const file of files) await writeOne(join(folder, version), file);
  await mkdir(join(folder, version), { recursive: true });
  await switchLink(join(folder, DATA), version);
  await linkNames(folder, files);
  if (before !== undefined) await rm(join(folder, before), { recursive: true, force: true });
  return true;
}

/** Replaces a symbolic link in one step. */
export async function switchLink(path: string, target: string): Promise<void> {
  const fresh = `${path}_tmp_${randomUUID().slice(0, 8)}`;
  await symlink(target, fresh);
  await rename(fresh, path);
}

/** Throws RuntimeError unless the path is relative and stays inside. */
export function assertInside(path: string): void {
  const clean = normalize(path);
  if (path === '' || isAbsolute(path) || clean === '..' || clean.startsWith('../') || path.split('/').includes('..')) {
    throw new RuntimeError({ code: 'CreateContainerConfigError' }, `volume path ${JSON.stringify(path)}: must be relative and must not contain ".."`);
  }
}

async function writeOne(folder: string, file: VolumeFile): Promise<void> {
  const path = join(folder, file.path);
  await mkdir(dirname(path), { recursive: true });
  await writeFile(path, file.data, { mode: file.mode });
  // The mode of writeFile passes through the umask.
  await chmod(path, file.mode);
}

// Every first path element is a link through ..data; links of names no longer there are removed last.
async function linkNames(folder: string, files: readonly VolumeFile[]): Promise<void> {
  const names = new Set(files.map((file) => normalize(file.path).split('/')[0] ?? ''));
  for (const name of names) {
    if ((await linkTarget(join(folder, name))) !== `${DATA}/${name}`) await switchLink(join(folder, name), `${DATA}/${name}`);
  }
  for (const name of await readdir(folder)) {
    if (!name.startsWith('..') && !names.has(name) && (await linkTarget(join(folder, name)))?.startsWith(`${DATA}/`) === true) await rm(join(folder, name));
  }
}

async function linkTarget(path: string): Promise<string | undefined> {
  return readlink(path).catch(() => undefined); // Not there, or not a link: both mean it has to be made.
}

async function holds(folder: string, files: readonly VolumeFile[]): Promise<boolean> {
  const wanted = new Map(files.map((file) => [normalize(file.path), file]));
  const found = await filesUnder(folder, folder);
  if (found.length !== wanted.size) return false;
  for (const path of found) {
    const file = wanted.get(path);
    if (file === undefined || Buffer.compare(await readFile(join(folder, path)), file.data) !== 0) return false;
    if (((await lstat(join(folder, path))).mode & 0o777) !== (file.mode & 0o777)) return false;
  }
  return true;
}

async function filesUnder(root: string, folder: string): Promise<string[]> {
  const entries = await readdir(folder, { withFileTypes: true }).catch(() => []);
  const nested = await Promise.all(
    entries.map(async (entry) => (entry.isDirectory() ? filesUnder(root, join(folder, entry.name)) : [relative(root, join(folder, entry.name))])),
  );
  return nested.flat();
}

import { copyFileSync, existsSync, mkdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { open, type RootDatabase } from 'lmdb';
import { claimFolder } from './folder-lock.ts';
import { StoreError } from './store.ts';

/** What a backup holds. */
export interface BackupInfo {
  /** Revision of the last write in it. */
  readonly revision: number;
  readonly objects: number;
}

const DATA_FILE = 'data.mdb';

// A restored store goes on far behind every revision that was handed out after the backup was taken, so no client can
// mistake a new state for one it has seen. Numbers stay exact for nine million restores.
const RESTORE_JUMP = 1_000_000_000;

/**
 * Copies the store of a folder, also one that a process is writing to: the copy is one committed state. `target` is a folder
 * that must not hold a backup yet. Throws StoreError `missing` and `exists`.
 */
export async function backUpStore(dir: string, target: string): Promise<BackupInfo> {
  if (!existsSync(join(dir, DATA_FILE))) throw new StoreError({ code: 'missing', key: dir }, `${dir}: holds no store`);
  const copy = join(target, DATA_FILE);
  if (existsSync(copy)) throw new StoreError({ code: 'exists', key: copy }, `${copy}: exists already`, { hint: 'choose a new folder for the backup' });
  mkdirSync(target, { recursive: true, mode: 0o700 });
  const root = open({ path: dir, noSubdir: false, maxDbs: 4, readOnly: true });
  try {
    await root.backup(target, true);
  } catch (error) {
    rmSync(copy, { force: true });
    throw error;
  } finally {
    await root.close();
  }
  return await readInfo(target);
}

// Not read-only: that needs a lock file, which a copy has not.
async function readInfo(dir: string): Promise<BackupInfo> {
  const root = open({ path: dir, noSubdir: false, maxDbs: 4 });
  try {
    return infoOf(root);
  } finally {
    await root.close();
    rmSync(join(dir, 'lock.mdb'), { force: true });
  }
}

function infoOf(root: RootDatabase): BackupInfo {
  const meta = root.openDB<number, string>({ name: 'meta', encoding: 'json' });
  const revision = meta.get('revision');
  if (revision === undefined) throw new StoreError({ code: 'missing', key: 'revision' }, 'not a store: it has no revision');
  return { revision, objects: root.openDB<Buffer, string>({ name: 'objects', encoding: 'binary' }).getCount() };
}

/**
 * Puts a backup where a store is to be. With `replace` a store that is there is lost. Watches and lists from before the
 * restore are answered as too old. Throws StoreError `locked`, `exists` and `missing`.
 */
export async function restoreStore(source: string, dir: string, options: { readonly replace: boolean }): Promise<BackupInfo> {
  const info = await readInfo(source);
  mkdirSync(dir, { recursive: true, mode: 0o700 });
  const release = claimFolder(dir);
  try {
    const file = join(dir, DATA_FILE);
    if (existsSync(file) && !options.replace)
      throw new StoreError({ code: 'exists', key: file }, `${dir}: holds a store already`, {
        hint: 'choose another data folder, or give --replace to lose it',
      });
    const handedOut = existsSync(file) ? (await readInfo(dir)).revision : 0;
    for (const name of [DATA_FILE, 'lock.mdb']) rmSync(join(dir, name), { force: true });
    copyFileSync(join(source, DATA_FILE), file);
    await leap(dir, Math.max(handedOut, info.revision) + RESTORE_JUMP);
    return info;
  } finally {
    release();
  }
}

async function leap(dir: string, revision: number): Promise<void> {
  const root = open({ path: dir, noSubdir: false, maxDbs: 4 });
  const meta = root.openDB<number, string>({ name: 'meta', encoding: 'json' });
  await root.openDB<Buffer, number>({ name: 'log', encoding: 'binary' }).clearAsync();
  await meta.put('revision', revision);
  await meta.put('compact', revision);
  await root.flushed;
  await root.close();
}

import { cp, mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { DomainError, toTimestamp } from '@tiphys/kernel';
import { backUpStore, restoreStore, type BackupInfo } from '@tiphys/plane-store';
import { z } from 'zod';

// Format 1: `store/data.mdb`, `pki/`, and this file, written last, so that a folder without it is no backup.
const MANIFEST = 'backup.json';
const manifestSchema = z.object({ format: z.literal(1), takenAt: z.string(), revision: z.number().int(), objects: z.number().int() });

/** A backup, and when it was taken. */
export interface PlaneBackup extends BackupInfo {
  /** RFC 3339. */
  readonly takenAt: string;
}

/** The folder is no backup, or the state folder cannot take it. */
class BackupError extends DomainError<{ readonly code: 'notABackup' | 'exists'; readonly path: string }> {
  override readonly name = 'BackupError';
}

/** Copies a plane's objects as of one moment, and its keys. Throws StoreError and BackupError; an unfinished copy is removed. */
export async function backUpPlane(dataDir: string, target: string): Promise<PlaneBackup> {
  if (existsSync(target)) throw new BackupError({ code: 'exists', path: target }, `${target}: exists already`, { hint: 'choose a new folder for the backup' });
  await mkdir(target, { recursive: true, mode: 0o700 });
  try {
    const info = await backUpStore(join(dataDir, 'store'), join(target, 'store'));
    await cp(join(dataDir, 'pki'), join(target, 'pki'), { recursive: true });
    const backup: PlaneBackup = { ...info, takenAt: toTimestamp(Date.now()) };
    await writeFile(join(target, MANIFEST), `${JSON.stringify({ format: 1, ...backup })}\n`, { mode: 0o600 });
    return backup;
  } catch (error) {
    await rm(target, { recursive: true, force: true });
    throw error;
  }
}

/** Makes a plane from a backup. Its clients keep their certificates; what they have watched they list again. Throws StoreError and BackupError. */
export async function restorePlane(source: string, dataDir: string, options: { readonly replace: boolean }): Promise<PlaneBackup> {
  const backup = await readManifest(source);
  await restoreStore(join(source, 'store'), join(dataDir, 'store'), options);
  await rm(join(dataDir, 'pki'), { recursive: true, force: true });
  await cp(join(source, 'pki'), join(dataDir, 'pki'), { recursive: true });
  return backup;
}

async function readManifest(source: string): Promise<PlaneBackup> {
  try {
    return manifestSchema.parse(JSON.parse(await readFile(join(source, MANIFEST), 'utf8')));
  } catch (cause) {
    throw new BackupError({ code: 'notABackup', path: source }, `${source}: is not a finished backup of a plane`, {
      cause,
      hint: 'give the folder that `tiphys plane backup` made',
    });
  }
}

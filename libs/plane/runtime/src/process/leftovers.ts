import { readdir, readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { sleep, type Logger } from '@tiphys/kernel';
import { isSameProcess, signalGroup, type ProcessIdentity } from './process-identity.ts';

const POLL_MS = 20;

/** Ends the processes an earlier agent wrote down under `podsFolder` and left running. Never signals a process that started at another time. */
export async function endLeftovers(podsFolder: string, graceMs: number, logger: Logger): Promise<void> {
  const records = await findRecords(podsFolder);
  const alive = records.filter(({ identity }) => isSameProcess(identity));
  for (const { identity } of alive) signalGroup(identity.pid, 'SIGTERM');
  const deadline = performance.now() + graceMs;
  while (alive.some(({ identity }) => isSameProcess(identity)) && performance.now() < deadline) {
    await sleep(POLL_MS, AbortSignal.timeout(graceMs + 1_000));
  }
  for (const { identity } of alive) if (isSameProcess(identity)) signalGroup(identity.pid, 'SIGKILL');
  for (const { path } of records) await rm(path, { force: true });
  if (alive.length > 0) logger.info({ count: alive.length }, 'ended processes of an earlier run');
}

/** Removes the folders of pods that are no more. */
export async function removeStrangers(podsFolder: string, known: ReadonlySet<string>): Promise<void> {
  for (const uid of await readdir(podsFolder).catch(() => [])) {
    if (!known.has(uid)) await rm(join(podsFolder, uid), { recursive: true, force: true });
  }
}

async function findRecords(podsFolder: string): Promise<readonly { readonly path: string; readonly identity: ProcessIdentity }[]> {
  const found: { readonly path: string; readonly identity: ProcessIdentity }[] = [];
  for (const uid of await readdir(podsFolder).catch(() => [])) {
    const containers = join(podsFolder, uid, 'containers');
    for (const name of await readdir(containers).catch(() => [])) {
      const path = join(containers, name, 'process.json');
      const identity = parseIdentity(await readFile(path, 'utf8').catch(() => ''));
      if (identity !== undefined) found.push({ path, identity });
    }
  }
  return found;
}

function parseIdentity(text: string): ProcessIdentity | undefined {
  try {
    // Written by this runtime; a half-written file fails to parse or lacks a field.
    const value = JSON.parse(text) as Partial<ProcessIdentity>;
    return typeof value.pid === 'number' && value.pid > 1 && typeof value.startTime === 'string' ? { pid: value.pid, startTime: value.startTime } : undefined;
  } catch {
    return undefined;
  }
}

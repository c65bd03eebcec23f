import { randomBytes } from 'node:crypto';
import { link, mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { writePrivate } from './private-file.ts';

/** The secret kept in a file of the state folder, made at the first start. Processes that start at once get the same. */
export async function loadOrCreateToken(dataDir: string, name: string): Promise<string> {
  const path = join(dataDir, name);
  const kept = await readToken(path);
  if (kept !== undefined) return kept;
  const token = randomBytes(24).toString('base64url');
  await mkdir(dataDir, { recursive: true, mode: 0o700 });
  const own = `${path}.${process.pid}.tmp`;
  await writeFile(own, `${token}\n`, { mode: 0o600 });
  try {
    // A link appears whole and never over another: whoever is first decides.
    await link(own, path);
    return token;
  } catch (error) {
    if (!isCode(error, 'EEXIST')) throw error;
    const first = await readToken(path);
    if (first !== undefined) return first;
    await writePrivate(path, `${token}\n`); // What stands there is no token.
    return token;
  } finally {
    await rm(own, { force: true });
  }
}

async function readToken(path: string): Promise<string | undefined> {
  try {
    const token = (await readFile(path, 'utf8')).trim();
    return token.length >= 20 ? token : undefined;
  } catch (error) {
    if (isCode(error, 'ENOENT')) return undefined;
    throw error;
  }
}

function isCode(error: unknown, code: string): boolean {
  return error instanceof Error && 'code' in error && error.code === code;
}

import { randomBytes } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { writePrivate } from './private-file.ts';

/** The secret kept in a file of the state folder, made at the first start. */
export async function loadOrCreateToken(dataDir: string, name: string): Promise<string> {
  const path = join(dataDir, name);
  try {
    const token = (await readFile(path, 'utf8')).trim();
    if (token.length >= 20) return token;
  } catch (error) {
    if (!(error instanceof Error && 'code' in error && error.code === 'ENOENT')) throw error;
  }
  const token = randomBytes(24).toString('base64url');
  await writePrivate(path, `${token}\n`);
  return token;
}

import { mkdir, readFile, rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { CliError } from './cli-error.ts';

/** Where the delivery API is and how to be let in. */
export interface ApiContext {
  readonly server: string;
  readonly token: string;
}

/** What can name a context on the command line. */
export interface ContextFlags {
  readonly server?: string;
  readonly token?: string;
}

const FILE = 'cli.json';

/** The context of a command: flags, then environment, then what the last `tiphys up` or `tiphys server` on this machine left. */
export async function findContext(flags: ContextFlags, home: string, env: Readonly<Record<string, string | undefined>>): Promise<ApiContext> {
  const saved = await readContext(home);
  const server = flags.server ?? env['TIPHYS_SERVER'] ?? saved?.server;
  const token = flags.token ?? env['TIPHYS_TOKEN'] ?? (server === saved?.server ? saved?.token : undefined);
  if (server === undefined) throw new CliError({ code: 'usage' }, 'no server is known', { hint: 'start one with `tiphys up`, or give --server and --token' });
  if (token === undefined) throw new CliError({ code: 'usage' }, `${server}: no token is known`, { hint: 'give --token or set TIPHYS_TOKEN' });
  return { server: server.replace(/\/+$/, ''), token };
}

/** Remembers a context for later commands, readable by this user only. */
export async function saveContext(home: string, context: ApiContext): Promise<void> {
  await mkdir(home, { recursive: true, mode: 0o700 });
  const path = join(home, FILE);
  await writeFile(`${path}.tmp`, `${JSON.stringify(context)}\n`, { mode: 0o600 });
  await rename(`${path}.tmp`, path);
}

async function readContext(home: string): Promise<ApiContext | undefined> {
  try {
    const value: unknown = JSON.parse(await readFile(join(home, FILE), 'utf8'));
    if (
      typeof value === 'object' &&
      value !== null &&
      'server' in value &&
      'token' in value &&
      typeof value.server === 'string' &&
      typeof value.token === 'string'
    )
      return { server: value.server, token: value.token };
  } catch {
    // No server was started here yet, or the file is damaged: flags and environment still work.
  }
  return undefined;
}

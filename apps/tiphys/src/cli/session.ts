import { homedir } from 'node:os';
import { join } from 'node:path';
import type { Command } from 'commander';
import { ApiClient } from './api-client.ts';
import { findContext } from './contexts.ts';
import { parseFormat, type OutputFormat } from './output.ts';

/** What the outside gives to the program: everything a test may replace. */
export interface Host {
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly stdout: (text: string) => void;
  readonly stderr: (text: string) => void;
  readonly isTerminal: boolean;
  readonly now: () => number;
  readonly signal: AbortSignal;
  /** Ends the process with this code once everything is done. */
  readonly setExitCode: (code: number) => void;
}

/** What a client command works with. */
export interface ClientSession {
  readonly api: ApiClient;
  readonly host: Host;
  readonly format: OutputFormat;
}

/** The folder of this user's Tiphys state. */
export function tiphysHome(env: Host['env']): string {
  return env['TIPHYS_HOME'] ?? join(env['HOME'] ?? homedir(), '.tiphys');
}

/** Adds the options every client command has. */
export function withClientOptions(command: Command): Command {
  return command
    .option('--server <url>', 'delivery API to talk to (env TIPHYS_SERVER; default: the last one started here)')
    .option('--token <token>', 'token to authenticate with (env TIPHYS_TOKEN)')
    .option('-o, --output <format>', 'wide, json, yaml or name');
}

/** The options that open the session of a client command. */
export interface SessionOptions {
  readonly server?: string;
  readonly token?: string;
  readonly output?: string;
}

/** Opens the session of a client command. */
export async function openSession(options: SessionOptions, host: Host): Promise<ClientSession> {
  const format = parseFormat(options.output);
  const context = await findContext(options, tiphysHome(host.env), host.env);
  return { api: new ApiClient(context, host.signal), host, format };
}

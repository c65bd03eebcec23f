import { spawn, type ChildProcess } from 'node:child_process';
import { existsSync } from 'node:fs';
import { constants } from 'node:os';
import type { ExecOptions, ExecStreams } from '../runtime.ts';
import type { ProcessGuard } from './process-guard.ts';
import { identify, signalGroup } from './process-identity.ts';

/** Where and with what a command runs beside its container. */
export interface ExecPlace {
  readonly cwd: string;
  readonly env: Readonly<Record<string, string>>;
}

const SCRIPT = '/usr/bin/script';

/** Runs a command with the environment and folder of a container. Resolves with 127 when there is no such command. */
export async function execProcess(
  place: ExecPlace,
  options: ExecOptions,
  streams: ExecStreams,
  guard: ProcessGuard,
  signal: AbortSignal,
): Promise<{ readonly exitCode: number }> {
  signal.throwIfAborted();
  const [file = '', ...args] = options.tty ? withTerminal(options.command) : options.command;
  const child = spawn(file, args, { cwd: place.cwd, env: place.env, detached: true, stdio: [streams.stdin === undefined ? 'ignore' : 'pipe', 'pipe', 'pipe'] });
  const onAbort = (): void => void signalGroup(child.pid ?? 0, 'SIGKILL');
  signal.addEventListener('abort', onAbort, { once: true });
  try {
    child.stdout?.on('data', (chunk: Uint8Array) => streams.stdout(chunk));
    child.stderr?.on('data', (chunk: Uint8Array) => (options.tty ? streams.stdout(chunk) : streams.stderr(chunk)));
    // The exit code answers for the command; a broken pipe only means that it is over.
    child.stdin?.on('error', () => undefined);
    const ended = exitOf(child, streams);
    const identity = identify(child.pid ?? 0);
    if (identity !== undefined) guard.watch(identity);
    if (streams.stdin !== undefined) void feed(child, streams.stdin); // Catches its own failures.
    return { exitCode: await ended };
  } finally {
    signal.removeEventListener('abort', onAbort);
    guard.forget(child.pid ?? 0);
  }
}

function exitOf(child: ChildProcess, streams: ExecStreams): Promise<number> {
  return new Promise((resolve) => {
    child.once('error', (error) => {
      streams.stderr(new TextEncoder().encode(`exec failed: ${error.message}\n`));
      resolve(127);
    });
    child.once('close', (code, signal) => resolve(code ?? 128 + (signal === null ? 0 : constants.signals[signal])));
  });
}

async function feed(child: ChildProcess, input: AsyncIterable<Uint8Array>): Promise<void> {
  try {
    for await (const chunk of input) {
      if (child.stdin === null || child.stdin.destroyed) return;
      if (!child.stdin.write(chunk)) await new Promise<void>((resolve) => child.stdin?.once('drain', resolve).once('close', resolve));
    }
  } catch {
    // The client went away: the command sees the end of its input.
  }
  child.stdin?.end();
}

// script(1) gives the command a terminal without a native module; where it is missing plain pipes must do.
function withTerminal(command: readonly string[]): readonly string[] {
  if (!existsSync(SCRIPT)) return command;
  if (process.platform === 'darwin') return [SCRIPT, '-q', '/dev/null', ...command];
  return [SCRIPT, '-q', '-e', '-f', '-c', command.map(quote).join(' '), '/dev/null'];
}

function quote(word: string): string {
  return `'${word.replaceAll("'", `'\\''`)}'`;
}

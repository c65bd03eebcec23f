import { spawn } from 'node:child_process';
import { DomainError, messageOf } from '@tiphys/kernel';
import type { PluginCommand } from './plugin-config.ts';

/** Whom a plugin runs as. */
export interface PluginUser {
  readonly uid: number;
  readonly gid: number;
}

/** What one run of a program may use. */
export interface CommandLimits {
  /** Milliseconds from start to end. */
  readonly timeoutMs: number;
  /** Bytes of standard output. */
  readonly outputBytes: number;
  /** Megabytes of data a process may hold (RLIMIT_DATA). */
  readonly memoryMb: number;
}

/** One run of a program. */
export interface CommandRun {
  readonly command: PluginCommand;
  readonly folder: string;
  readonly env: Readonly<Record<string, string>>;
  readonly user: PluginUser | undefined;
  readonly limits: CommandLimits;
}

/** Why a program gave no output: `start` it could not be started · `failed` it ended with an error · `timeout` and `tooLarge` it was ended. */
export class CommandError extends DomainError<{ readonly code: 'start' | 'failed' | 'timeout' | 'tooLarge' }> {
  override readonly name = 'CommandError';
}

const ERROR_TAIL = 4096;
// A fixed text: what is run comes as arguments and is never read by the shell. Limits a system does not know are passed over.
const WITH_LIMITS = 'ulimit -t "$1" 2>/dev/null; ulimit -d "$2" 2>/dev/null; ulimit -f 4194304 2>/dev/null; ulimit -c 0 2>/dev/null; shift 2; exec "$@"';

/** Runs a program in a process group of its own, and answers what it printed. The group is ended with the signal, the deadline or the limit. Throws CommandError. */
export async function runCommand(run: CommandRun, signal: AbortSignal): Promise<string> {
  const { command, folder, env, user, limits } = run;
  const seconds = Math.ceil(limits.timeoutMs / 1000);
  const deadline = AbortSignal.timeout(limits.timeoutMs);
  const stop = AbortSignal.any([signal, deadline]);
  stop.throwIfAborted();
  const child = spawn('/bin/sh', ['-c', WITH_LIMITS, 'plugin', String(seconds), String(limits.memoryMb * 1024), ...command], {
    cwd: folder,
    env: { ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
    detached: true,
    ...(user === undefined ? {} : { uid: user.uid, gid: user.gid }),
  });
  let isTooLarge = false;
  const end = (): void => endGroup(child.pid);
  stop.addEventListener('abort', end, { once: true });
  try {
    const output: Buffer[] = [];
    let bytes = 0;
    let errors = '';
    child.stdout.on('data', (chunk: Buffer) => {
      bytes += chunk.byteLength;
      if (bytes <= limits.outputBytes) output.push(chunk);
      else if (!isTooLarge) {
        isTooLarge = true;
        end();
      }
    });
    child.stderr.on('data', (chunk: Buffer) => (errors = (errors + chunk.toString()).slice(-ERROR_TAIL)));
    const code = await new Promise<number | null>((resolve, reject) => {
      child.once('error', reject);
      child.once('close', resolve);
    });
    signal.throwIfAborted();
    if (deadline.aborted) throw new CommandError({ code: 'timeout' }, `${command[0]}: took longer than ${limits.timeoutMs} ms`);
    if (isTooLarge) throw new CommandError({ code: 'tooLarge' }, `${command[0]}: printed more than ${limits.outputBytes} bytes`);
    if (code !== 0) throw new CommandError({ code: 'failed' }, `${command[0]}: ended with ${code ?? 'a signal'}${errors === '' ? '' : `: ${errors.trim()}`}`);
    return Buffer.concat(output).toString();
  } catch (error) {
    if (error instanceof CommandError || signal.aborted) throw error;
    throw new CommandError({ code: 'start' }, `${command[0]}: could not be started: ${messageOf(error)}`, { cause: error });
  } finally {
    stop.removeEventListener('abort', end);
    // Children it left behind end with it.
    end();
  }
}

function endGroup(pid: number | undefined): void {
  if (pid === undefined) return;
  try {
    process.kill(-pid, 'SIGKILL');
  } catch {
    // The group is gone already.
  }
}

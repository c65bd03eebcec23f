import { execFile, spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { readdirSync, readFileSync } from 'node:fs';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';

// The built command; tests that run it need a build first.
const TIPHYS_MAIN = fileURLToPath(new URL('../../../apps/tiphys/dist/main.js', import.meta.url));

const READY_MS = 30_000;
const STOP_MS = 25_000;
const MAX_STDERR_CHARS = 32 * 1024 * 1024;

/** How a Tiphys process is started. */
export interface TiphysOptions {
  /** HOME and TIPHYS_HOME of the process: everything it keeps lies below. */
  readonly home: string;
  readonly env?: Readonly<Record<string, string>>;
}

/** How a process ended. */
export interface TiphysExit {
  readonly code: number | null;
  readonly killedBy: NodeJS.Signals | null;
}

/** A running `tiphys up`, `plane`, `server` or `controller`. */
export interface TiphysProcess extends AsyncDisposable {
  readonly pid: number;
  /** What the ready line says: `console`, `server`, `kubeconfig`, `runtime`, as far as the command has them. */
  readonly ready: Readonly<Record<string, string>>;
  /** Everything written to standard error until now. */
  stderr(): string;
  /** The first line of standard output, from now or before, that is this event. Rejects when the process ends without it. */
  event(name: string, timeoutMs?: number): Promise<Readonly<Record<string, unknown>>>;
  /** Resident memory in bytes. */
  rss(): number;
  /** Sends a signal (default SIGTERM) and waits for the end; what does not end is killed and fails. */
  stop(signal?: NodeJS.Signals): Promise<TiphysExit>;
}

// Only what the process needs, so that nothing of the machine decides a test.
function tiphysEnv({ home, env }: TiphysOptions): Record<string, string> {
  return { PATH: process.env['PATH'] ?? '/usr/bin:/bin', HOME: home, TIPHYS_HOME: home, ...env };
}

/** Starts a long-running command and waits for its ready line. Rejects with what it wrote when it ends before. */
export async function startTiphys(args: readonly string[], options: TiphysOptions): Promise<TiphysProcess> {
  const child = spawn(process.execPath, [TIPHYS_MAIN, ...args, '--log-format', 'json'], { env: tiphysEnv(options), stdio: ['ignore', 'pipe', 'pipe'] });
  let stderr = '';
  child.stderr.on('data', (chunk: Buffer) => (stderr = (stderr + chunk.toString()).slice(-MAX_STDERR_CHARS)));
  // A test run that is broken off leaves nothing behind.
  const end = (): void => void child.kill('SIGKILL');
  process.once('exit', end);
  child.once('exit', () => process.off('exit', end));
  const exited = once(child, 'exit').then(([code, killedBy]: unknown[]): TiphysExit => ({ code, killedBy }) as TiphysExit); // As Node documents.
  const events = followEvents(child, () => stderr);
  const handle: TiphysProcess = {
    pid: child.pid ?? 0,
    ready: {},
    stderr: () => stderr,
    event: events,
    rss: () => Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${child.pid ?? 0}/status`, 'utf8'))?.[1] ?? 0) * 1024,
    stop: (signal) => stop(child, exited, signal, () => stderr),
    [Symbol.asyncDispose]: async () => {
      if (child.exitCode === null && child.signalCode === null) await stop(child, exited, 'SIGTERM', () => stderr);
    },
  };
  try {
    // The ready line holds strings only.
    return { ...handle, ready: (await events('ready', READY_MS)) as Readonly<Record<string, string>> };
  } catch (error) {
    child.kill('SIGKILL');
    throw error;
  }
}

function followEvents(child: ChildProcess, stderr: () => string): TiphysProcess['event'] {
  const seen: Readonly<Record<string, unknown>>[] = [];
  const waiting = new Set<() => void>();
  let ended = false;
  const wake = (): void => {
    for (const look of waiting) look();
  };
  if (child.stdout !== null) {
    createInterface({ input: child.stdout }).on('line', (line) => {
      if (!line.startsWith('{')) return;
      seen.push(JSON.parse(line) as Readonly<Record<string, unknown>>); // One object a line, as --log-format json promises.
      wake();
    });
  }
  child.once('close', () => {
    ended = true;
    wake();
  });
  return (name, timeoutMs = READY_MS) =>
    new Promise((resolve, reject) => {
      const finish = (settle: () => void): void => {
        clearTimeout(timer);
        waiting.delete(look);
        settle();
      };
      const fail = (why: string): void => finish(() => reject(new Error(`tiphys: no "${name}" line: ${why}; it wrote: ${stderr().slice(-4_000)}`)));
      const look = (): void => {
        const found = seen.find((event) => event['event'] === name);
        if (found !== undefined) finish(() => resolve(found));
        else if (ended) fail('the process ended');
      };
      const timer = setTimeout(() => fail(`not within ${timeoutMs} ms`), timeoutMs);
      waiting.add(look);
      look();
    });
}

async function stop(child: ChildProcess, exited: Promise<TiphysExit>, signal: NodeJS.Signals = 'SIGTERM', stderr: () => string): Promise<TiphysExit> {
  child.kill(signal);
  let late = false;
  const timer = setTimeout(() => {
    late = true;
    child.kill('SIGKILL');
  }, STOP_MS);
  const exit = await exited;
  clearTimeout(timer);
  if (late) throw new Error(`tiphys: did not end within ${STOP_MS} ms of ${signal}; it wrote: ${stderr().slice(-4_000)}`);
  return exit;
}

/** What a finished command wrote and how it ended. */
export interface CommandResult {
  readonly code: number;
  readonly out: string;
  readonly err: string;
}

/** Runs a client command to its end; `input` is its standard input. A command that takes longer than a minute is killed. */
export function runTiphys(args: readonly string[], options: TiphysOptions, input?: string): Promise<CommandResult> {
  return new Promise((resolve) => {
    const limits = { env: tiphysEnv(options), timeout: 60_000, maxBuffer: 64 * 1024 * 1024 };
    const child = execFile(process.execPath, [TIPHYS_MAIN, ...args], limits, (error, out, err) =>
      resolve({ code: error === null ? 0 : typeof error.code === 'number' ? error.code : -1, out, err }),
    );
    child.stdin?.end(input ?? '');
  });
}

/** Ids of the processes whose environment names a folder, and of their children: all that runs for that home, also after its main process died. Linux only. */
export function processesOf(folder: string): readonly number[] {
  const parents = new Map<number, number>();
  const found = new Set<number>();
  for (const entry of readdirSync('/proc')) {
    const pid = Number(entry);
    if (!Number.isInteger(pid) || pid === process.pid) continue;
    try {
      if (readFileSync(`/proc/${pid}/environ`, 'utf8').includes(`=${folder}`)) found.add(pid);
      const stat = readFileSync(`/proc/${pid}/stat`, 'latin1');
      parents.set(pid, Number(stat.slice(stat.lastIndexOf(')') + 2).split(' ')[1]));
    } catch {
      // It ended, or is someone else's.
    }
  }
  for (const [pid, parent] of parents) if (found.has(parent)) found.add(pid);
  return [...found];
}

/** Those of the processes that still run. Linux only. */
export function stillRunning(pids: readonly number[]): readonly number[] {
  return pids.filter((pid) => {
    try {
      return !/^State:\s+[ZX]/m.test(readFileSync(`/proc/${pid}/status`, 'utf8'));
    } catch {
      return false;
    }
  });
}

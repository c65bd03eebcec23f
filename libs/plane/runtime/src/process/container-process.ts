import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { rmSync, writeFileSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { constants } from 'node:os';
import { messageOf, sleep, type Clock } from '@tiphys/kernel';
import type { corev1 } from '@tiphys/kube-model';
import { RuntimeError, type ContainerExit, type RunningContainer } from '../runtime.ts';
import { readLogFiles, type ContainerLog } from './container-log.ts';
import type { ProcessGuard } from './process-guard.ts';
import { identify, signalGroup } from './process-identity.ts';

/** What a container needs to become a process. */
export interface ProcessSpec {
  readonly container: corev1.Container;
  readonly argv: readonly string[];
  readonly env: Readonly<Record<string, string>>;
  readonly cwd: string;
  readonly log: ContainerLog;
  readonly terminationLog: string;
  /** Where pid and start time are written down while it runs. */
  readonly recordPath: string;
}

const MAX_MESSAGE_BYTES = 4096;
const FALLBACK_BYTES = 2048;
const FALLBACK_LINES = 80;
// Grandchildren may keep the pipes open after the main process ended; its own output has arrived long before.
const DRAIN_MS = 250;

/** Starts the process in a group of its own; throws RuntimeError when it cannot be started. */
export async function startProcess(spec: ProcessSpec, guard: ProcessGuard, clock: Clock): Promise<RunningContainer> {
  const [file = '', ...args] = spec.argv;
  const child = spawn(file, args, { cwd: spec.cwd, env: spec.env, detached: true, stdio: ['ignore', 'pipe', 'pipe'] });
  const startedAtMs = clock.now();
  try {
    await once(child, 'spawn');
  } catch (error) {
    spec.log.close();
    throw new RuntimeError({ code: 'RunContainerError' }, `container ${spec.container.name}: cannot start ${JSON.stringify(file)}: ${messageOf(error)}`, {
      cause: error,
    });
  }
  const pid = child.pid ?? 0;
  // The exit must be heard from the first moment: a short command may be over before the lines below.
  const exited = waitForExit(child, spec, startedAtMs, clock).finally(() => guard.forget(pid));
  const identity = identify(pid);
  if (identity !== undefined) {
    writeFileSync(spec.recordPath, JSON.stringify(identity), { mode: 0o600 });
    guard.watch(identity);
  }
  return {
    id: `process://${pid}-${identity?.startTime.replaceAll(/\W/g, '') ?? startedAtMs}`,
    startedAtMs,
    exited,
    stop: (graceMs) => stop(child, exited, graceMs),
  };
}

async function waitForExit(child: ChildProcess, spec: ProcessSpec, startedAtMs: number, clock: Clock): Promise<ContainerExit> {
  child.stdout?.on('data', (chunk: Uint8Array) => spec.log.write('stdout', chunk));
  child.stderr?.on('data', (chunk: Uint8Array) => spec.log.write('stderr', chunk));
  // Output is only read; an error of its pipe means its end.
  child.stdout?.on('error', () => undefined);
  child.stderr?.on('error', () => undefined);
  const closed = once(child, 'close');
  const { code, signal } = await new Promise<{ readonly code: number | null; readonly signal: NodeJS.Signals | null }>((resolve) => {
    child.once('exit', (exitCode, exitSignal) => resolve({ code: exitCode, signal: exitSignal }));
  });
  const finishedAtMs = clock.now();
  // A container ends with its first process: what it started goes too.
  signalGroup(child.pid ?? 0, 'SIGKILL');
  await Promise.race([closed, sleep(DRAIN_MS, AbortSignal.timeout(DRAIN_MS * 2))]).catch(() => undefined); // Either way the log ends now.
  child.stdout?.destroy();
  child.stderr?.destroy();
  spec.log.close();
  rmSync(spec.recordPath, { force: true });
  const signalNumber = signal === null ? undefined : constants.signals[signal];
  const exitCode = code ?? 128 + (signalNumber ?? 0);
  const message = await lastWords(spec, exitCode);
  return {
    exitCode,
    ...(signalNumber === undefined ? {} : { signal: signalNumber }),
    reason: exitCode === 0 ? 'Completed' : 'Error',
    ...(message === '' ? {} : { message }),
    startedAtMs,
    finishedAtMs,
  };
}

async function stop(child: ChildProcess, exited: Promise<ContainerExit>, graceMs: number): Promise<void> {
  const over = new AbortController();
  const ended = exited.then(() => over.abort());
  if (graceMs > 0) {
    signalGroup(child.pid ?? 0, 'SIGTERM');
    await sleep(graceMs, over.signal).catch(() => undefined); // Aborted: it ended in time.
  }
  if (!over.signal.aborted) signalGroup(child.pid ?? 0, 'SIGKILL');
  await ended;
}

async function lastWords(spec: ProcessSpec, exitCode: number): Promise<string> {
  const written = await readFile(spec.terminationLog).catch(() => Buffer.alloc(0)); // Removed by the process: it had nothing to say.
  if (written.length > 0) return written.subarray(0, MAX_MESSAGE_BYTES).toString('utf8');
  if (spec.container.terminationMessagePolicy !== 'FallbackToLogsOnError' || exitCode === 0) return '';
  const lines = readLogFiles(spec.log.path).slice(-FALLBACK_LINES);
  return lines
    .map((record) => `${record.text}\n`)
    .join('')
    .slice(-FALLBACK_BYTES);
}

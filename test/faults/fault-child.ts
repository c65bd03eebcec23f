import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import type { Rig } from '../e2e/delivery-harness.ts';

const CHILD = new URL('../e2e/delivery-child.mjs', import.meta.url).pathname;

/** How a controller process is started, and what becomes of it at a failpoint. */
export interface ChildOptions {
  /** Its name; a process of the same name takes its own runs back at once. */
  readonly identity: string;
  /** The namespace whose Applications it answers for. */
  readonly namespace: string;
  readonly point?: string;
  readonly index?: number | undefined;
  readonly how?: NodeJS.Signals;
}

/** A controller in a process of its own. Killed at the latest when it is disposed of. */
export interface Child extends AsyncDisposable {
  readonly process: ChildProcess;
  /** Sends a signal and resolves with what ended the process: a signal's name or an exit code. */
  end(signal: NodeJS.Signals): Promise<string | number>;
  /** Resolves with what ended the process. */
  ended(): Promise<string | number>;
}

/** Starts a controller from the built libraries. */
export function startChild({ server, folder }: Rig, options: ChildOptions): Child {
  const settings = { server: server.url, ca: server.caPem, token: server.adminToken, folder, ...options };
  const child = spawn(process.execPath, [CHILD, JSON.stringify(settings)], { stdio: ['ignore', 'inherit', 'inherit'] });
  const ended = async (): Promise<string | number> => {
    if (child.exitCode === null && child.signalCode === null) await once(child, 'exit', { signal: AbortSignal.timeout(60_000) });
    return child.signalCode ?? child.exitCode ?? -1;
  };
  return {
    process: child,
    ended,
    end(signal) {
      child.kill(signal);
      return ended();
    },
    async [Symbol.asyncDispose]() {
      child.kill('SIGKILL');
      await ended();
    },
  };
}

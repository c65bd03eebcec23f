import { spawn, type ChildProcess } from 'node:child_process';
import type { ProcessIdentity } from './process-identity.ts';

// Runs as a process of its own: told which process groups live, it ends them when the pipe to its parent closes,
// which happens even after kill -9. It lives in its own session so that Ctrl-C and a dying terminal do not reach it.
const GUARD_SOURCE = `
const { readFileSync } = require('node:fs');
const { execFileSync } = require('node:child_process');
const live = new Map();
let text = '';
for (const name of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.on(name, () => {});
function startTime(pid) {
  try {
    if (process.platform !== 'linux') return execFileSync('ps', ['-o', 'lstart=', '-p', String(pid)], { encoding: 'utf8' }).trim();
    const stat = readFileSync('/proc/' + pid + '/stat', 'latin1');
    return stat.slice(stat.lastIndexOf(')') + 2).split(' ')[19];
  } catch { return undefined; }
}
function signal(name) {
  for (const [pid, start] of live) {
    if (startTime(pid) !== start) { live.delete(pid); continue; }
    try { process.kill(-pid, name); } catch {}
  }
}
process.stdin.setEncoding('utf8');
process.stdin.on('data', (chunk) => {
  text += chunk;
  const lines = text.split('\\n');
  text = lines.pop();
  for (const line of lines) {
    const [sign, pid, start] = line.split('\\t');
    if (sign === '+') live.set(Number(pid), start); else live.delete(Number(pid));
  }
});
let ending = false;
function end() {
  if (ending) return;
  ending = true;
  signal('SIGTERM');
  const deadline = Date.now() + Number(process.argv[1]);
  (function wait() {
    for (const [pid, start] of live) if (startTime(pid) !== start) live.delete(pid);
    if (live.size === 0) process.exit(0);
    if (Date.now() >= deadline) { signal('SIGKILL'); process.exit(0); }
    setTimeout(wait, 50);
  })();
}
process.stdin.on('end', end);
process.stdin.on('error', end);
`;

/** Sees to it that process groups do not outlive this process, however it ends. */
export class ProcessGuard {
  readonly #graceMs: number;
  readonly #live = new Map<number, string>();
  #helper: ChildProcess | undefined;

  /** `graceMs` is the time between SIGTERM and SIGKILL once this process is gone. */
  constructor(graceMs: number) {
    this.#graceMs = graceMs;
  }

  /** From now on the group led by this process ends with us. Starts the helper when it is not there. */
  watch(identity: ProcessIdentity): void {
    this.#live.set(identity.pid, identity.startTime);
    if (this.#helper === undefined) this.#start();
    else this.#tell(`+\t${identity.pid}\t${identity.startTime}\n`);
  }

  /** The process has ended. */
  forget(pid: number): void {
    if (this.#live.delete(pid)) this.#tell(`-\t${pid}\n`);
  }

  /** Lets the helper end whatever is still watched, and itself. A later `watch` starts another. */
  close(): void {
    this.#live.clear();
    this.#helper?.stdin?.end();
    this.#helper = undefined;
  }

  #start(): void {
    const helper = spawn(process.execPath, ['-e', GUARD_SOURCE, '--', String(this.#graceMs)], { detached: true, stdio: ['pipe', 'ignore', 'ignore'], env: {} });
    this.#helper = helper;
    helper.unref();
    // A pipe that breaks means the helper died; the exit handler starts another.
    helper.stdin?.on('error', () => undefined);
    helper.on('error', () => undefined);
    helper.once('exit', () => {
      if (this.#helper !== helper) return;
      this.#helper = undefined;
      if (this.#live.size > 0) this.#start();
    });
    for (const [pid, startTime] of this.#live) this.#tell(`+\t${pid}\t${startTime}\n`);
  }

  #tell(line: string): void {
    if (this.#helper?.stdin?.writable === true) this.#helper.stdin.write(line);
  }
}

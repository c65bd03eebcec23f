import { DomainError } from '@tiphys/kernel';
import { Lane, type LaneOptions } from './lane.ts';
import { SCRIPT_LIMITS, type ScriptCall, type ScriptJob, type ScriptResult } from './script-call.ts';

/** How an engine is made. */
export interface ScriptEngineOptions {
  /** Workers at most; each is started when first needed and ended when idle. */
  readonly maxWorkers?: number;
  /** The time of one evaluation. */
  readonly timeoutMs?: number;
  /** Calls that wait at most; more are refused. */
  readonly maxPending?: number;
  /** The worker's file, where it is not beside this module (a bundled command). */
  readonly workerFile?: URL;
}

/** Thrown when scripts cannot be run at all; what a single script does wrong is a result. */
export class ScriptEngineError extends DomainError<{
  /** `unavailable`: no worker could be started. */
  readonly code: 'unavailable';
}> {
  override readonly name = 'ScriptEngineError';
}

/** Evaluates untrusted scripts in threads that can be ended. */
export interface ScriptEngine {
  /** Evaluates a batch in one round trip; results are in the order of the calls. Throws ScriptEngineError, or the signal's reason. */
  run(calls: readonly ScriptCall[], signal: AbortSignal): Promise<readonly ScriptResult[]>;
  close(): void;
}

const GROUP = 50;
const MAX_KNOWN_SLOW = 1_000;
// A script that ran into the limit is not tried again for a while: it would cost a thread each time.
const SLOW_FOR_MS = 60_000;
// Loading WebAssembly takes tens of milliseconds, on a busy machine seconds.
const START_TIMEOUT_MS = 30_000;
const IDLE_MS = 120_000;
const MAX_HEAP_MB = 128;
// Lua ends itself at the limit with a better message; the thread goes when it does not.
const GRACE_MS = 150;

/** Makes an engine. */
export function createScriptEngine(options: ScriptEngineOptions = {}): ScriptEngine {
  const { maxWorkers = 2, timeoutMs = SCRIPT_LIMITS.timeoutMs, maxPending = 100_000 } = options;
  const laneOptions: LaneOptions = {
    workerFile: options.workerFile ?? workerFile(),
    timeoutMs: timeoutMs + GRACE_MS,
    startTimeoutMs: START_TIMEOUT_MS,
    idleMs: IDLE_MS,
    maxHeapMb: MAX_HEAP_MB,
  };
  const lanes = Array.from({ length: maxWorkers }, () => ({ lane: new Lane(laneOptions), tail: Promise.resolve(), pending: 0 }));
  const slow = new SlowScripts();
  let pending = 0;

  async function run(calls: readonly ScriptCall[], signal: AbortSignal): Promise<readonly ScriptResult[]> {
    if (calls.length === 0) return [];
    if (pending + calls.length > maxPending) return calls.map(() => ({ kind: 'failed', reason: 'busy', message: 'too many scripts are waiting' }));
    const chosen = lanes.reduce((best, next) => (next.pending < best.pending ? next : best));
    const turn = chosen.tail;
    const done = turn.then(() => runBatch(calls, chosen.lane, slow, signal));
    // The next batch goes on whether or not this one failed.
    chosen.tail = done.then(
      () => undefined,
      () => undefined,
    );
    pending += calls.length;
    chosen.pending += calls.length;
    try {
      return await done;
    } finally {
      pending -= calls.length;
      chosen.pending -= calls.length;
    }
  }

  return { run, close: () => lanes.forEach(({ lane }) => lane.close()) };
}

// Under the test runner this module is TypeScript, which a worker of Node 20 cannot load: the built file is the same code.
function workerFile(): URL {
  return import.meta.url.endsWith('.ts') ? new URL('../dist/script-worker.js', import.meta.url) : new URL('./script-worker.js', import.meta.url);
}

interface PlacedJob {
  readonly indexes: readonly number[];
  readonly job: ScriptJob;
}

async function runBatch(calls: readonly ScriptCall[], lane: Lane, slow: SlowScripts, signal: AbortSignal): Promise<readonly ScriptResult[]> {
  const results: ScriptResult[] = [];
  // What ran into a limit lately is answered at once.
  const withoutSlow = (jobs: readonly PlacedJob[]): PlacedJob[] =>
    jobs.filter(({ indexes, job }) => {
      const refused = job[0] === undefined ? undefined : slow.refusalOf(job[0]);
      if (refused !== undefined) for (const index of indexes) results[index] = refused;
      return refused === undefined;
    });
  let waiting = withoutSlow(grouped(calls));
  while (waiting.length > 0) {
    const jobs = waiting;
    const keep = (done: number, answers: readonly ScriptResult[]): void =>
      jobs[done]?.indexes.forEach((index, position) => (results[index] = answers[position] ?? lost));
    const stopped = await runOn(lane, jobs, keep, signal);
    if (stopped === undefined) return results;
    const culprit = jobs[stopped.index];
    const rest = jobs.slice(stopped.index + 1);
    if (culprit === undefined) return results;
    if (culprit.indexes.length > 1) {
      // One of a group hung: each is tried alone.
      waiting = [...culprit.indexes.map((index, position) => ({ indexes: [index], job: culprit.job.slice(position, position + 1) })), ...rest];
      continue;
    }
    for (const index of culprit.indexes) results[index] = limitFailure(stopped.reason);
    for (const call of culprit.job) slow.add(call);
    waiting = withoutSlow(rest);
  }
  return results;
}

const lost: ScriptResult = { kind: 'failed', reason: 'error', message: 'the script gave no result' };

function limitFailure(reason: 'timeout' | 'memory'): ScriptResult {
  return {
    kind: 'failed',
    reason,
    message:
      reason === 'timeout' ? `the script took longer than ${SCRIPT_LIMITS.timeoutMs} ms and was ended` : 'the script needed more memory than it may have',
  };
}

async function runOn(
  lane: Lane,
  jobs: readonly PlacedJob[],
  keep: (index: number, results: readonly ScriptResult[]) => void,
  signal: AbortSignal,
): ReturnType<Lane['run']> {
  try {
    return await lane.run(
      jobs.map(({ job }) => job),
      keep,
      signal,
    );
  } catch (error) {
    signal.throwIfAborted();
    throw new ScriptEngineError({ code: 'unavailable' }, 'scripts: no worker could be started', { cause: error });
  }
}

/** Calls in jobs: neighbours and others with one jq expression together, the rest alone. */
function grouped(calls: readonly ScriptCall[]): PlacedJob[] {
  const open = new Map<string, { indexes: number[]; job: ScriptCall[] }>();
  const jobs: { indexes: number[]; job: ScriptCall[] }[] = [];
  for (const [index, call] of calls.entries()) {
    const group = call.kind === 'jqPaths' ? open.get(call.expression) : undefined;
    if (group !== undefined && group.job.length < GROUP) {
      group.indexes.push(index);
      group.job.push(call);
      continue;
    }
    const started = { indexes: [index], job: [call] };
    if (call.kind === 'jqPaths') open.set(call.expression, started);
    jobs.push(started);
  }
  return jobs;
}

/** Scripts that ran into a limit lately. */
class SlowScripts {
  readonly #until = new Map<string, number>();

  add(call: ScriptCall): void {
    if (this.#until.size >= MAX_KNOWN_SLOW) this.#until.clear();
    this.#until.set(textOf(call), performance.now() + SLOW_FOR_MS);
  }

  refusalOf(call: ScriptCall): ScriptResult | undefined {
    const until = this.#until.get(textOf(call));
    if (until === undefined) return undefined;
    if (until > performance.now())
      return { kind: 'failed', reason: 'timeout', message: 'the script ran into a limit less than a minute ago and was not tried again' };
    this.#until.delete(textOf(call));
    return undefined;
  }
}

function textOf(call: ScriptCall): string {
  return `${call.kind} ${call.kind === 'lua' ? call.script : call.expression}`;
}

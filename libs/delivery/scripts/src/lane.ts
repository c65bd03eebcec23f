import { Worker } from 'node:worker_threads';
import type { ScriptJob, ScriptResult, WorkerMessage } from './script-call.ts';

/** What a lane needs to know. */
export interface LaneOptions {
  readonly workerFile: URL;
  /** How long one job may take before its worker is ended. */
  readonly timeoutMs: number;
  readonly startTimeoutMs: number;
  readonly idleMs: number;
  readonly maxHeapMb: number;
}

interface Running {
  readonly worker: Worker;
  readonly ready: Promise<void>;
  /** The next message of the worker; undefined when it ended. */
  onMessage: (message: WorkerMessage | undefined) => void;
}

/**
 * One worker, kept warm between batches, ended when a job hangs or needs too much memory. Invariant: at most one batch
 * runs at a time; the owner queues.
 */
export class Lane {
  readonly #options: LaneOptions;
  #running: Running | undefined;
  #idle: NodeJS.Timeout | undefined;

  constructor(options: LaneOptions) {
    this.#options = options;
  }

  /**
   * Runs jobs in order and gives each one's results to `onDone`. Stops at the first job that hangs or takes the worker
   * with it, and says which that was and why; undefined when all are done. Throws the signal's reason.
   */
  async run(
    jobs: readonly ScriptJob[],
    onDone: (index: number, results: readonly ScriptResult[]) => void,
    signal: AbortSignal,
  ): Promise<{ readonly index: number; readonly reason: 'timeout' | 'memory' } | undefined> {
    signal.throwIfAborted();
    clearTimeout(this.#idle);
    const running = (this.#running ??= start(this.#options));
    try {
      await running.ready;
      return await this.#follow(running, jobs, onDone, signal);
    } catch (error) {
      this.#end();
      throw error;
    } finally {
      this.#idle = setTimeout(() => this.#end(), this.#options.idleMs);
      this.#idle.unref();
    }
  }

  async #follow(
    running: Running,
    jobs: readonly ScriptJob[],
    onDone: (index: number, results: readonly ScriptResult[]) => void,
    signal: AbortSignal,
  ): Promise<{ readonly index: number; readonly reason: 'timeout' | 'memory' } | undefined> {
    const inbox = new Inbox(running);
    running.worker.postMessage(jobs);
    for (let index = 0; index < jobs.length; index += 1) {
      const message = await inbox.next(this.#options.timeoutMs, signal);
      if (message === 'timeout' || message === 'ended') {
        this.#end();
        return { index, reason: message === 'timeout' ? 'timeout' : 'memory' };
      }
      onDone(index, message.results);
      if (!message.isSpent) continue;
      this.#end();
      // The job has its results; what comes after it needs another worker.
      return index + 1 < jobs.length
        ? this.run(jobs.slice(index + 1), (next, results) => onDone(index + 1 + next, results), signal).then(shift(index + 1))
        : undefined;
    }
    return undefined;
  }

  #end(): void {
    const running = this.#running;
    this.#running = undefined;
    // Nobody waits for the thread to be gone; a failure to end it leaves a thread that nobody talks to.
    void running?.worker.terminate();
  }

  /** Ends the worker. */
  close(): void {
    clearTimeout(this.#idle);
    this.#end();
  }
}

function shift<T extends { readonly index: number }>(by: number): (stop: T | undefined) => T | undefined {
  return (stop) => (stop === undefined ? undefined : { ...stop, index: stop.index + by });
}

type Done = Extract<WorkerMessage, { kind: 'done' }>;

// Messages of one batch, in order, each waited for no longer than a job may take.
class Inbox {
  readonly #waiting: (Done | 'ended')[] = [];
  #wake: () => void = () => undefined;

  constructor(running: Running) {
    running.onMessage = (message) => {
      if (message?.kind === 'ready') return;
      this.#waiting.push(message ?? 'ended');
      this.#wake();
    };
  }

  async next(timeoutMs: number, signal: AbortSignal): Promise<Done | 'ended' | 'timeout'> {
    const known = this.#waiting.shift();
    if (known !== undefined) return known;
    await this.#wait(timeoutMs, signal);
    signal.throwIfAborted();
    return this.#waiting.shift() ?? 'timeout';
  }

  #wait(timeoutMs: number, signal: AbortSignal): Promise<void> {
    return new Promise((resolve) => {
      const finish = (): void => {
        clearTimeout(timer);
        signal.removeEventListener('abort', finish);
        this.#wake = () => undefined;
        resolve();
      };
      // Where this thread was busy the answer may lie behind the timer in the loop: it gets one turn more.
      const timer = setTimeout(() => setImmediate(finish), timeoutMs);
      signal.addEventListener('abort', finish, { once: true });
      this.#wake = finish;
    });
  }
}

function start({ workerFile, startTimeoutMs, maxHeapMb }: LaneOptions): Running {
  const worker = new Worker(workerFile, {
    // The worker sees neither our environment nor our flags.
    env: {},
    execArgv: [],
    stdout: true,
    stderr: true,
    resourceLimits: { maxOldGenerationSizeMb: maxHeapMb, maxYoungGenerationSizeMb: 32, stackSizeMb: 4 },
  });
  worker.unref();
  // What the languages print on their way down is in the results already.
  worker.stdout.resume();
  worker.stderr.resume();
  const ready = new Promise<void>((resolve, reject) => {
    const timer = setTimeout(() => reject(new Error(`script worker: did not start within ${startTimeoutMs} ms`)), startTimeoutMs);
    const settle = (finish: () => void): void => {
      clearTimeout(timer);
      finish();
    };
    worker.on('message', (message: WorkerMessage) => {
      if (message.kind === 'ready') settle(resolve);
      running.onMessage(message);
    });
    // An error is the memory limit of the heap, or a worker that cannot be loaded.
    worker.on('error', (error) => {
      settle(() => reject(error instanceof Error ? error : new Error(String(error))));
      running.onMessage(undefined);
    });
    worker.on('exit', () => {
      settle(() => reject(new Error('script worker: ended before it was ready')));
      running.onMessage(undefined);
    });
  });
  const running: Running = { worker, ready, onMessage: () => undefined };
  // Who runs a batch waits for it and hears of it; until then it is nobody's.
  ready.catch(() => undefined);
  return running;
}

import { syncRunType, type SyncRun, type SyncRunStatus, type TaskResult } from '@tiphys/delivery-applications';
import type { SyncLedger } from '@tiphys/delivery-sync';
import { toTimestamp, type Clock } from '@tiphys/kernel';
import type { KubeClient } from '@tiphys/kube-client';
import { isStatus } from '@tiphys/kube-model';
import { DeliveryError } from './delivery-error.ts';

/** How long a claim counts without renewal, and how often it is renewed. */
export const LEASE_MS = 10_000;
const RENEW_MS = 3_000;

/** What a ledger writes with. */
export interface RunLedgerDeps {
  readonly client: KubeClient;
  readonly clock: Clock;
  readonly identity: string;
  /** The run's terminate wish was seen. */
  readonly onTerminate: () => void;
  /** The run says what it waits for. */
  readonly onSay: (run: SyncRun) => Promise<void>;
}

/**
 * The durable record of one claimed run: one write under way at a time, always with the latest state, fenced by resourceVersion.
 * A write that finds another owner or epoch is refused with DeliveryError `fenced`.
 */
export class RunLedger implements SyncLedger {
  readonly #deps: RunLedgerDeps;
  readonly #signal: AbortSignal;
  readonly #tasks = new Map<string, TaskResult>();
  #run: SyncRun;
  #status: SyncRunStatus;
  #isDirty = false;
  #isReleased = false;
  #writing: Promise<void> | undefined;
  #failure: Error | undefined;
  /** When the API last confirmed that the run is ours. */
  #heldAtMs: number;

  constructor(run: SyncRun, deps: RunLedgerDeps, signal: AbortSignal) {
    this.#run = run;
    this.#status = run.status ?? { phase: 'Running' };
    this.#deps = deps;
    this.#heldAtMs = deps.clock.monotonic();
    this.#signal = signal;
    for (const task of run.status?.tasks ?? []) this.#tasks.set(task.id, task);
  }

  /** The run as last written. */
  get run(): SyncRun {
    return this.#run;
  }

  /** Every task noted so far, durable or not. */
  get tasks(): readonly TaskResult[] {
    return [...this.#tasks.values()];
  }

  note(result: TaskResult): void {
    this.#tasks.set(result.id, result);
    this.#isDirty = true;
    void this.#write().catch(() => undefined); // Kept in #failure and thrown by the next flush.
  }

  /** Changes the status; durable after the next flush. */
  update(change: Partial<SyncRunStatus>): void {
    this.#status = { ...this.#status, ...change };
    if (change.tasks !== undefined) {
      this.#tasks.clear();
      for (const task of change.tasks) this.#tasks.set(task.id, task);
    }
    this.#isDirty = true;
  }

  async hold(): Promise<void> {
    // A process that was stopped for a while does not know what happened meanwhile: it asks before it acts.
    if (this.#deps.clock.monotonic() - this.#heldAtMs < RENEW_MS * 2) return;
    this.#isDirty = true;
    await this.flush();
  }

  async say(message: string): Promise<void> {
    this.update({ message });
    await this.flush();
    await this.#deps.onSay(this.#run);
  }

  async flush(): Promise<void> {
    while (this.#isDirty || this.#writing !== undefined) await this.#write();
    if (this.#failure !== undefined) throw this.#failure;
  }

  /** Gives the claim up: another controller need not wait for the lease. */
  async release(): Promise<void> {
    this.#isReleased = true;
    this.#isDirty = true;
    await this.flush();
  }

  /** Renews the lease until the signal aborts; ends early when fenced. */
  async keepLease(signal: AbortSignal): Promise<void> {
    for (;;) {
      await this.#deps.clock.sleep(RENEW_MS, signal);
      this.#isDirty = true;
      await this.flush();
    }
  }

  async #write(): Promise<void> {
    if (this.#failure !== undefined) {
      this.#isDirty = false;
      throw this.#failure;
    }
    this.#writing ??= this.#writeLatest().finally(() => (this.#writing = undefined));
    return this.#writing;
  }

  async #writeLatest(): Promise<void> {
    try {
      this.#isDirty = false;
      await this.#put();
    } catch (error) {
      this.#failure = error instanceof Error ? error : new Error(String(error));
      throw error;
    }
  }

  async #put(): Promise<void> {
    const { client, clock, identity } = this.#deps;
    for (let attempt = 1; ; attempt += 1) {
      const { owner: _, ...status } = this.#status;
      this.#status = {
        ...status,
        // Given up, the run is nobody's: the next one need not wait.
        ...(this.#isReleased ? {} : { owner: identity }),
        leaseUntil: toTimestamp(clock.now() + (this.#isReleased ? 0 : LEASE_MS + 1_000)),
        tasks: [...this.#tasks.values()],
      };
      const askedAtMs = clock.monotonic();
      try {
        this.#run = await client.update<SyncRun>(
          syncRunType,
          { ...this.#run, status: this.#status },
          { signal: this.#signal, fieldManager: 'tiphys-controller' },
        );
        this.#heldAtMs = askedAtMs;
        if (this.#run.spec.terminate === true) this.#deps.onTerminate();
        return;
      } catch (error) {
        this.#signal.throwIfAborted();
        if (isStatus(error, 'NotFound')) throw new DeliveryError({ code: 'fenced' }, `run ${this.#run.metadata.name ?? ''}: was deleted`);
        if (attempt >= 20) throw error;
        if (!isStatus(error, 'Conflict')) {
          await clock.sleep(Math.min(100 * attempt, 1_000), this.#signal);
          continue;
        }
        await this.#reread();
      }
    }
  }

  // Somebody else wrote: a wish to terminate is welcome, another owner fences us off.
  async #reread(): Promise<void> {
    const { client, identity } = this.#deps;
    const name = this.#run.metadata.name ?? '';
    const fresh = await client.get<SyncRun>(syncRunType, { name, namespace: this.#run.metadata.namespace }, { signal: this.#signal });
    if (fresh.status?.owner !== identity || fresh.status.epoch !== this.#status.epoch) {
      throw new DeliveryError({ code: 'fenced' }, `run ${name}: was taken over by ${fresh.status?.owner ?? 'nobody'}`);
    }
    this.#run = fresh;
  }
}

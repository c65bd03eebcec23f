import type { TaskResult } from '@tiphys/delivery-applications';
import { mapLimit, messageOf, retry, toTimestamp, withTimeout } from '@tiphys/kernel';
import { describeRef, formatApiVersion, StatusError, type KubeObject, type ResourceType } from '@tiphys/kube-model';
import { ConnectionError } from '@tiphys/kube-client';
import { dryRun, missingKind } from './dry-run.ts';
import { waitAtGate, type GatedTask } from './gate.ts';
import { settleHooks } from './settle-hooks.ts';
import type { SyncPlan, SyncStep, SyncTask } from './plan.ts';
import type { PerformDeps } from './sync-deps.ts';
import { isTransient, watchUntil } from './watch-until.ts';
import { writeTask } from './write-task.ts';

/** What performing starts from. */
export interface PerformContext {
  /** Results of an earlier, interrupted performance of the same run: these tasks are not done again. */
  readonly done: ReadonlyMap<string, TaskResult>;
  readonly dryRun: boolean;
}

/** How a performance ended. `superseded`: it gave up waiting because a newer commit is there. */
export interface PerformOutcome {
  readonly phase: 'Succeeded' | 'Failed';
  readonly message: string;
  readonly results: readonly TaskResult[];
  readonly superseded?: boolean;
}

const WRITES_AT_ONCE = 8;
const ESTABLISH_TIMEOUT_MS = 60_000;

/**
 * Performs a plan step by step and notes every result in the ledger. Rejects with the signal's reason when it aborts and
 * with the ledger's error when the run was taken over; every other failure is an outcome.
 */
export async function perform(plan: SyncPlan, context: PerformContext, deps: PerformDeps, signal: AbortSignal): Promise<PerformOutcome> {
  const performance = new Performance(plan, context, deps, signal);
  const refused = await performance.rehearse();
  if (refused !== undefined) return { phase: 'Failed', message: refused, results: performance.results };
  const failure = await performance.runSteps(plan.steps);
  if (failure === undefined) return { phase: 'Succeeded', message: 'successfully synced', results: performance.results };
  if (performance.isSuperseded) return { phase: 'Failed', message: failure, results: performance.results, superseded: true };
  await performance.runSteps(plan.onFailure);
  return { phase: 'Failed', message: failure, results: performance.results };
}

interface Written {
  readonly type: ResourceType;
  readonly object: KubeObject | undefined;
}

class Performance {
  readonly #plan: SyncPlan;
  readonly #context: PerformContext;
  readonly #deps: PerformDeps;
  readonly #signal: AbortSignal;
  readonly #results = new Map<string, TaskResult>();
  readonly #written = new Map<string, Written>();
  #writes = 0;
  #waves = 0;
  #isSuperseded = false;

  constructor(plan: SyncPlan, context: PerformContext, deps: PerformDeps, signal: AbortSignal) {
    this.#plan = plan;
    this.#context = context;
    this.#deps = deps;
    this.#signal = signal;
    for (const [id, result] of context.done) this.#results.set(id, result);
  }

  /** Whether it gave up because a newer commit is there. */
  get isSuperseded(): boolean {
    return this.#isSuperseded;
  }

  get results(): readonly TaskResult[] {
    return [...this.#results.values()];
  }

  /** The sentence of what the API would refuse, or undefined. A second start has been rehearsed before. */
  async rehearse(): Promise<string | undefined> {
    if (this.#context.dryRun || this.#context.done.size > 0) return undefined;
    const refusals = await dryRun(this.#plan, this.#deps, this.#signal);
    const startedAt = toTimestamp(this.#deps.clock.now());
    for (const { task, message } of refusals) this.#note(task, startedAt, task.action === 'hook' ? 'Failed' : 'SyncFailed', message, false);
    await this.#deps.failpoint?.('sync.dryRun');
    const shown = refusals.slice(0, 3).map(({ task, message }) => `${describeRef(task.ref)}: ${message}`);
    return refusals.length === 0 ? undefined : `one or more objects failed to apply (dry run): ${shown.join('; ')}`;
  }

  /** Runs steps in order; the sentence of the first failure, or undefined. */
  async runSteps(steps: readonly SyncStep[]): Promise<string | undefined> {
    let wave: SyncTask[] = [];
    for (const [index, step] of steps.entries()) {
      if (wave.length === 0 && index > 0) await this.#deps.mayGoOn?.(this.#signal);
      wave.push(...step.tasks);
      const givenUp = await this.#waitForApproval(step.tasks);
      if (givenUp === undefined) await mapLimit(step.tasks, WRITES_AT_ONCE, (task) => this.#runTask(task), this.#signal);
      const failed = givenUp ?? (await this.#establish(step)) ?? this.#failureOf(step.tasks);
      const verdict = failed ?? (step.isGate ? await this.#gate(wave, index < steps.length - 1) : undefined);
      await this.#deps.ledger.flush();
      if (step.isGate || verdict !== undefined) await this.#endWave(wave, verdict !== undefined);
      if (verdict !== undefined) return verdict;
      if (step.isGate) wave = [];
    }
    return undefined;
  }

  async #endWave(wave: readonly SyncTask[], hasFailed: boolean): Promise<void> {
    if (!this.#context.dryRun) await settleHooks(wave, this.#results, hasFailed, { ...this.#deps, runId: this.#plan.runId }, this.#signal);
    this.#waves += 1;
    await this.#deps.failpoint?.('sync.afterWave', this.#waves);
  }

  // The sentence of why it waits no more, or undefined when the prunes may be done.
  async #waitForApproval(tasks: readonly SyncTask[]): Promise<string | undefined> {
    const asking = tasks.filter((task) => task.needsApproval === true && this.#results.get(task.id)?.outcome !== 'Pruned');
    if (asking.length === 0 || this.#context.dryRun) return undefined;
    await this.#deps.ledger.say(`waiting for pruning confirmation of ${describe(asking)}`);
    const { approval, superseded } = this.#deps;
    try {
      await approval(superseded === undefined ? this.#signal : AbortSignal.any([this.#signal, superseded]));
      return undefined;
    } catch (error) {
      this.#signal.throwIfAborted();
      if (superseded?.aborted !== true) throw error;
      // A commit that takes the deletions back must not need a person who approves them first.
      this.#isSuperseded = true;
      return 'given up for a newer commit while waiting for pruning confirmation';
    }
  }

  async #runTask(task: SyncTask): Promise<void> {
    const before = this.#results.get(task.id);
    if (before !== undefined && before.outcome !== 'Running' && before.outcome !== 'SyncFailed' && before.outcome !== 'Failed') return;
    const startedAt = before?.startedAt ?? toTimestamp(this.#deps.clock.now());
    try {
      await this.#writeTask(task, startedAt);
    } catch (error) {
      this.#signal.throwIfAborted();
      if (!(error instanceof StatusError) && !(error instanceof ConnectionError)) this.#deps.logger.info({ task: task.id, err: error }, 'task failed');
      this.#note(task, startedAt, task.action === 'hook' ? 'Failed' : 'SyncFailed', messageOf(error), false);
    }
  }

  async #writeTask(task: SyncTask, startedAt: string): Promise<void> {
    const { kinds, check, failpoint } = this.#deps;
    const { application, runId } = this.#plan;
    const { dryRun: isDry } = this.#context;
    const type = await kinds.find(formatApiVersion(task.ref.group, task.ref.version), task.ref.kind, this.#signal);
    if (type === undefined) throw new Error(missingKind(task));
    const forbidden = check(task.ref, type.namespaced);
    if (forbidden !== undefined && task.action !== 'skip-prune') throw new Error(forbidden);
    if (task.unchanged === true) {
      this.#written.set(task.id, { type, object: undefined });
      this.#note(task, startedAt, 'Synced', 'unchanged', false);
      return;
    }
    await this.#deps.ledger.hold();
    await failpoint?.('sync.beforeWrite', this.#writes + 1);
    const outcome = await retry(() => writeTask({ task, type, application, runId, dryRun: isDry, signal: this.#signal }, this.#deps), {
      signal: this.#signal,
      attempts: 4,
      delayMs: 100,
      shouldRetry: isTransient,
    });
    this.#written.set(task.id, { type, object: outcome.object });
    const done = outcome.kind === 'written' ? 'Synced' : outcome.kind === 'pruned' ? 'Pruned' : 'PruneSkipped';
    this.#note(task, startedAt, task.action === 'hook' && !isDry ? 'Running' : done, outcome.message, outcome.changed);
    this.#writes += 1;
    await failpoint?.('sync.afterWrite', this.#writes);
  }

  #note(task: SyncTask, startedAt: string, outcome: TaskResult['outcome'], message: string, changed: boolean): void {
    const { id, action, phase, wave, ref } = task;
    const { group, version, kind, namespace, name } = ref;
    const finished = outcome === 'Running' ? {} : { finishedAt: toTimestamp(this.#deps.clock.now()) };
    const result: TaskResult = {
      id,
      action,
      phase,
      wave,
      group,
      version,
      kind,
      ...(namespace === undefined ? {} : { namespace }),
      name,
      outcome,
      message,
      startedAt,
      ...finished,
      changed: changed || this.#results.get(id)?.changed === true,
    };
    this.#results.set(id, result);
    this.#deps.ledger.note(result);
  }

  #failureOf(tasks: readonly SyncTask[]): string | undefined {
    const failed = tasks.flatMap((task) => {
      const result = this.#results.get(task.id);
      return result?.outcome === 'SyncFailed' || result?.outcome === 'Failed' ? [`${describeRef(task.ref)}: ${result.message}`] : [];
    });
    return failed.length === 0 ? undefined : `${failed.length === 1 ? 'one object' : `${failed.length} objects`} failed: ${failed.slice(0, 3).join('; ')}`;
  }

  // Kinds defined by this step must be served before the next step uses them.
  async #establish(step: SyncStep): Promise<string | undefined> {
    const definitions = step.tasks.filter(
      (task) => task.ref.kind === 'CustomResourceDefinition' && task.action !== 'prune' && this.#results.get(task.id)?.outcome === 'Synced',
    );
    const type = definitions.map((task) => this.#written.get(task.id)?.type).find((known) => known !== undefined);
    if (type === undefined || this.#context.dryRun) return undefined;
    const isSettled = (_name: string, object: KubeObject | undefined): boolean =>
      (object as (KubeObject & { status?: { conditions?: readonly { type: string; status: string }[] } }) | undefined)?.status?.conditions?.some(
        (condition) => condition.type === 'Established' && condition.status === 'True',
      ) === true;
    try {
      await withTimeout('CustomResourceDefinitions: being established', ESTABLISH_TIMEOUT_MS, this.#signal, (inner) =>
        watchUntil(this.#deps.client, this.#deps.clock, { type, namespace: undefined, names: definitions.map((task) => task.ref.name), isSettled }, inner),
      );
    } catch (error) {
      this.#signal.throwIfAborted();
      return messageOf(error);
    }
    await this.#deps.kinds.refresh(this.#signal);
    return undefined;
  }

  // With nothing after it a wave need not be healthy: the sync succeeds, health goes on being observed. Hooks are always waited for.
  async #gate(wave: readonly SyncTask[], hasMore: boolean): Promise<string | undefined> {
    if (this.#context.dryRun) return undefined;
    const gated = await this.#gated(wave, hasMore);
    const failures: string[] = [];
    const runningHooks = new Set(gated.filter(({ task }) => task.action === 'hook').map(({ task }) => task.id));
    const given = this.#deps.superseded;
    const giveUp = new AbortController();
    // A hook that has begun is seen to its end: what it does may not bear to be cut off.
    const onSuperseded = (): void => {
      if (given?.aborted === true && runningHooks.size === 0) giveUp.abort();
    };
    given?.addEventListener('abort', onSuperseded);
    try {
      await waitAtGate(
        gated,
        {
          ...this.#deps,
          onWait: async (waiting) => {
            await this.#deps.ledger.say(waitingFor(waiting));
            onSuperseded();
          },
          onVerdict: (task, { outcome, message }) => {
            if (task.action === 'hook')
              this.#note(task, this.#results.get(task.id)?.startedAt ?? '', outcome === 'failed' ? 'Failed' : 'Succeeded', message, true);
            if (outcome === 'failed') failures.push(`${describeRef(task.ref)}: ${message}`);
            if (runningHooks.delete(task.id)) onSuperseded();
          },
        },
        AbortSignal.any([this.#signal, giveUp.signal]),
      );
    } catch (error) {
      this.#signal.throwIfAborted();
      if (!giveUp.signal.aborted) throw error;
      this.#isSuperseded = true;
    } finally {
      given?.removeEventListener('abort', onSuperseded);
    }
    await this.#deps.failpoint?.('sync.hookEnded');
    if (failures.length > 0) return `waiting for health failed: ${failures.slice(0, 3).join('; ')}`;
    return this.#isSuperseded ? 'given up for a newer commit while waiting for health' : undefined;
  }

  async #gated(wave: readonly SyncTask[], hasMore: boolean): Promise<readonly GatedTask[]> {
    const gated: GatedTask[] = [];
    for (const task of wave) {
      const outcome = this.#results.get(task.id)?.outcome;
      const isWaited = task.action === 'hook' ? outcome === 'Running' : hasMore && task.action !== 'skip-prune' && outcome !== 'PruneSkipped';
      if (!isWaited) continue;
      const { group, version, kind } = task.ref;
      const type = this.#written.get(task.id)?.type ?? (await this.#deps.kinds.find(formatApiVersion(group, version), kind, this.#signal));
      if (type !== undefined) gated.push({ task, type, object: this.#written.get(task.id)?.object });
    }
    return gated;
  }
}

function describe(tasks: readonly SyncTask[]): string {
  const [first] = tasks;
  const name = first === undefined ? '' : describeRef(first.ref);
  return tasks.length === 1 ? name : `${name} and ${tasks.length - 1} more`;
}

function waitingFor(tasks: readonly SyncTask[]): string {
  const hooks = tasks.filter(({ action }) => action === 'hook');
  if (hooks.length > 0) return `waiting for completion of hook ${describe(hooks)}`;
  const resources = tasks.filter(({ action }) => action !== 'prune');
  return resources.length > 0 ? `waiting for healthy state of ${describe(resources)}` : `waiting for deletion of ${describe(tasks)}`;
}

import type { TaskResult } from '@tiphys/delivery-applications';
import { mapLimit, messageOf, retry, toTimestamp, withTimeout } from '@tiphys/kernel';
import { describeRef, formatApiVersion, isStatus, StatusError, type KubeObject, type ResourceType } from '@tiphys/kube-model';
import { ConnectionError } from '@tiphys/kube-client';
import { waitAtGate, type GatedTask } from './gate.ts';
import type { SyncPlan, SyncStep, SyncTask } from './plan.ts';
import type { PerformDeps } from './sync-deps.ts';
import { isTransient, watchUntil } from './watch-until.ts';
import { deleteAndWait, writeTask } from './write-task.ts';

/** What performing starts from. */
export interface PerformContext {
  /** Results of an earlier, interrupted performance of the same run: these tasks are not done again. */
  readonly done: ReadonlyMap<string, TaskResult>;
  readonly dryRun: boolean;
}

/** How a performance ended. */
export interface PerformOutcome {
  readonly phase: 'Succeeded' | 'Failed';
  readonly message: string;
  readonly results: readonly TaskResult[];
}

const WRITES_AT_ONCE = 8;
const ESTABLISH_TIMEOUT_MS = 60_000;

/**
 * Performs a plan step by step and notes every result in the ledger. Rejects with the signal's reason when it aborts and
 * with the ledger's error when the run was taken over; every other failure is an outcome.
 */
export async function perform(plan: SyncPlan, context: PerformContext, deps: PerformDeps, signal: AbortSignal): Promise<PerformOutcome> {
  const performance = new Performance(plan, context, deps, signal);
  const failure = await performance.runSteps(plan.steps);
  if (failure === undefined) return { phase: 'Succeeded', message: 'successfully synced', results: performance.results };
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

  constructor(plan: SyncPlan, context: PerformContext, deps: PerformDeps, signal: AbortSignal) {
    this.#plan = plan;
    this.#context = context;
    this.#deps = deps;
    this.#signal = signal;
    for (const [id, result] of context.done) this.#results.set(id, result);
  }

  get results(): readonly TaskResult[] {
    return [...this.#results.values()];
  }

  /** Runs steps in order; the sentence of the first failure, or undefined. */
  async runSteps(steps: readonly SyncStep[]): Promise<string | undefined> {
    let wave: SyncTask[] = [];
    for (const [index, step] of steps.entries()) {
      wave.push(...step.tasks);
      await mapLimit(step.tasks, WRITES_AT_ONCE, (task) => this.#runTask(task), this.#signal);
      const failed = (await this.#establish(step)) ?? this.#failureOf(step.tasks);
      const verdict = failed ?? (step.isGate ? await this.#gate(wave, index < steps.length - 1) : undefined);
      await this.#deps.ledger.flush();
      if (step.isGate || verdict !== undefined) await this.#removeHooks(wave, verdict !== undefined);
      if (verdict !== undefined) return verdict;
      if (step.isGate) wave = [];
    }
    return undefined;
  }

  async #runTask(task: SyncTask): Promise<void> {
    const before = this.#results.get(task.id);
    if (before !== undefined && before.outcome !== 'Running' && before.outcome !== 'SyncFailed' && before.outcome !== 'Failed') return;
    const startedAt = before?.startedAt ?? toTimestamp(this.#deps.clock.now());
    try {
      const type = await this.#deps.kinds.find(formatApiVersion(task.ref.group, task.ref.version), task.ref.kind, this.#signal);
      if (type === undefined)
        throw new Error(
          `the server serves no kind ${task.ref.kind} in ${formatApiVersion(task.ref.group, task.ref.version)}: install its CustomResourceDefinition first`,
        );
      const forbidden = this.#deps.check(task.ref, type.namespaced);
      if (forbidden !== undefined && task.action !== 'skip-prune') throw new Error(forbidden);
      if (task.unchanged === true) {
        this.#written.set(task.id, { type, object: undefined });
        this.#note(task, startedAt, 'Synced', 'unchanged', false);
        return;
      }
      const { application, runId } = this.#plan;
      const { dryRun } = this.#context;
      const outcome = await retry(() => writeTask({ task, type, application, runId, dryRun, signal: this.#signal }, this.#deps), {
        signal: this.#signal,
        attempts: 4,
        delayMs: 100,
        shouldRetry: isTransient,
      });
      this.#written.set(task.id, { type, object: outcome.object });
      const isRunning = task.action === 'hook' && !dryRun;
      this.#note(
        task,
        startedAt,
        isRunning ? 'Running' : outcome.kind === 'written' ? 'Synced' : outcome.kind === 'pruned' ? 'Pruned' : 'PruneSkipped',
        outcome.message,
        outcome.changed,
      );
      this.#writes += 1;
      await this.#deps.failpoint?.('sync.afterWrite', this.#writes);
    } catch (error) {
      this.#signal.throwIfAborted();
      if (!(error instanceof StatusError) && !(error instanceof ConnectionError)) this.#deps.logger.info({ task: task.id, err: error }, 'task failed');
      this.#note(task, startedAt, task.action === 'hook' ? 'Failed' : 'SyncFailed', messageOf(error), false);
    }
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

  // Hooks are always waited for; other objects only when something comes after them (gitops-engine sync_context.go).
  async #gate(wave: readonly SyncTask[], hasMore: boolean): Promise<string | undefined> {
    if (this.#context.dryRun) return undefined;
    const gated: GatedTask[] = [];
    for (const task of wave) {
      const isRunningHook = task.action === 'hook' && this.#results.get(task.id)?.outcome === 'Running';
      const isWaited =
        task.action === 'hook' ? isRunningHook : hasMore && task.action !== 'skip-prune' && this.#results.get(task.id)?.outcome !== 'PruneSkipped';
      if (!isWaited) continue;
      const type =
        this.#written.get(task.id)?.type ?? (await this.#deps.kinds.find(formatApiVersion(task.ref.group, task.ref.version), task.ref.kind, this.#signal));
      if (type !== undefined) gated.push({ task, type, object: this.#written.get(task.id)?.object });
    }
    const verdicts = await waitAtGate(gated, this.#deps, this.#signal);
    const failures: string[] = [];
    for (const { task } of gated) {
      const verdict = verdicts.get(task.id);
      if (verdict === undefined) continue;
      if (task.action === 'hook')
        this.#note(task, this.#results.get(task.id)?.startedAt ?? '', verdict.outcome === 'failed' ? 'Failed' : 'Succeeded', verdict.message, true);
      if (verdict.outcome === 'failed') failures.push(`${describeRef(task.ref)}: ${verdict.message}`);
    }
    return failures.length === 0 ? undefined : `waiting for health failed: ${failures.slice(0, 3).join('; ')}`;
  }

  // Invariant: a hook's end is durable before its object goes, so that a second start never runs it again.
  async #removeHooks(wave: readonly SyncTask[], hasFailed: boolean): Promise<void> {
    if (this.#context.dryRun) return;
    for (const task of wave) {
      const outcome = this.#results.get(task.id)?.outcome;
      const goes =
        (outcome === 'Succeeded' && !hasFailed && task.deletePolicies?.includes('HookSucceeded') === true) ||
        (outcome === 'Failed' && task.deletePolicies?.includes('HookFailed') === true);
      const type = this.#written.get(task.id)?.type;
      if (!goes || type === undefined) continue;
      await deleteAndWait(type, task, this.#deps, this.#signal).catch((error: unknown) => {
        this.#signal.throwIfAborted();
        if (!isStatus(error, 'NotFound')) this.#deps.logger.warn({ task: task.id, err: error }, 'hook could not be removed');
      });
    }
  }
}

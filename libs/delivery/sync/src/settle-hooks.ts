import type { TaskResult } from '@tiphys/delivery-applications';
import { formatApiVersion, isStatus } from '@tiphys/kube-model';
import type { SyncPlan, SyncTask } from './plan.ts';
import { isOfRun, releaseHook, removeHook } from './run-hook.ts';
import type { PerformDeps } from './sync-deps.ts';

type Reach = Pick<PerformDeps, 'client' | 'clock' | 'kinds' | 'logger'> & { readonly runId: string };

/**
 * Lets go of the hooks of a wave that have ended, and removes those whose policy says so. Invariant: a hook's end is durable
 * before this is called, so that a second start never runs it again.
 */
export async function settleHooks(
  wave: readonly SyncTask[],
  results: ReadonlyMap<string, TaskResult>,
  hasFailed: boolean,
  deps: Reach,
  signal: AbortSignal,
): Promise<void> {
  for (const task of wave) {
    const outcome = results.get(task.id)?.outcome;
    if (task.action !== 'hook' || (outcome !== 'Succeeded' && outcome !== 'Failed')) continue;
    const policy = outcome === 'Succeeded' ? 'HookSucceeded' : 'HookFailed';
    const goes = task.deletePolicies?.includes(policy) === true && (outcome === 'Failed' || !hasFailed);
    await attempt(task, goes ? removeHook : releaseHook, deps, signal);
  }
}

/** Ends the hooks of a run that was terminated while they ran. */
export async function abandonHooks(
  plan: Pick<SyncPlan, 'steps' | 'onFailure' | 'runId'>,
  results: readonly TaskResult[],
  deps: Omit<Reach, 'runId'>,
  signal: AbortSignal,
): Promise<void> {
  const running = new Set(results.filter(({ outcome, action }) => action === 'hook' && outcome === 'Running').map(({ id }) => id));
  for (const task of [...plan.steps, ...plan.onFailure].flatMap((step) => step.tasks)) {
    if (running.has(task.id)) await attempt(task, removeHook, { ...deps, runId: plan.runId }, signal);
  }
}

async function attempt(task: SyncTask, deed: typeof removeHook, deps: Reach, signal: AbortSignal): Promise<void> {
  const { group, version, kind } = task.ref;
  try {
    const type = await deps.kinds.find(formatApiVersion(group, version), kind, signal);
    if (type === undefined) return;
    // A hook that was refused was never written: what stands in its place belongs to others.
    const live = await deps.client.get(type, task.ref, { signal });
    if (isOfRun(live, deps.runId)) await deed(type, task.ref, deps, signal);
  } catch (error) {
    signal.throwIfAborted();
    if (isStatus(error, 'NotFound')) return;
    // The hook has done its work; that it is still there is no reason to fail.
    deps.logger.warn({ task: task.id, err: error }, 'hook could not be removed');
  }
}

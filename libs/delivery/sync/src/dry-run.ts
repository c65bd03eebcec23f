import { mapLimit, messageOf, retry } from '@tiphys/kernel';
import { fieldAt, formatApiVersion, isStatus } from '@tiphys/kube-model';
import type { SyncPlan, SyncTask } from './plan.ts';
import type { PerformDeps } from './sync-deps.ts';
import { isTransient } from './watch-until.ts';
import { writeTask } from './write-task.ts';

/** Why the API would refuse a task. */
export interface Refusal {
  readonly task: SyncTask;
  readonly message: string;
}

const CALLS_AT_ONCE = 16;

/**
 * Asks the API about every write of a plan before the first is made, so that what cannot be applied leaves nothing half done.
 * What the plan itself creates first (namespaces, kinds) is not missed. A plan of one write needs no rehearsal, only the project's
 * permission. What the project forbids is found before the API is asked about anything, hooks for a failure included.
 */
export async function dryRun(plan: SyncPlan, deps: PerformDeps, signal: AbortSignal): Promise<readonly Refusal[]> {
  const all = plan.steps.flatMap((step) => step.tasks);
  const forbidden = await forbiddenTasks([...all, ...plan.onFailure.flatMap((step) => step.tasks)], deps, signal);
  if (forbidden.length > 0) return forbidden;
  const writes = all.filter((task) => task.object !== undefined && task.unchanged !== true);
  if (writes.length <= 1) return [];
  const world = createdBy(all);
  const refusals: Refusal[] = [];
  await mapLimit(
    writes,
    CALLS_AT_ONCE,
    async (task) => {
      const message = await refusalOf(task, plan, world, deps, signal);
      if (message !== undefined) refusals.push({ task, message });
    },
    signal,
  );
  return refusals.toSorted((a, b) => (a.task.id < b.task.id ? -1 : 1));
}

async function forbiddenTasks(tasks: readonly SyncTask[], { kinds, check }: PerformDeps, signal: AbortSignal): Promise<readonly Refusal[]> {
  const refusals: Refusal[] = [];
  for (const task of tasks) {
    const { group, version, kind } = task.ref;
    const type = task.action === 'skip-prune' ? undefined : await kinds.find(formatApiVersion(group, version), kind, signal);
    const message = type === undefined ? undefined : check(task.ref, type.namespaced);
    if (message !== undefined) refusals.push({ task, message });
  }
  return refusals;
}

interface Created {
  readonly namespaces: ReadonlySet<string>;
  /** `group/Kind` of the definitions among the writes. */
  readonly kinds: ReadonlySet<string>;
}

function createdBy(tasks: readonly SyncTask[]): Created {
  const objects = tasks.flatMap(({ object }) => object ?? []);
  return {
    namespaces: new Set(objects.filter(({ kind }) => kind === 'Namespace').map(({ metadata }) => metadata.name ?? '')),
    kinds: new Set(
      objects
        .filter(({ kind }) => kind === 'CustomResourceDefinition')
        .map((object) => `${String(fieldAt(object, 'spec', 'group'))}/${String(fieldAt(object, 'spec', 'names', 'kind'))}`),
    ),
  };
}

async function refusalOf(task: SyncTask, plan: SyncPlan, created: Created, deps: PerformDeps, signal: AbortSignal): Promise<string | undefined> {
  const { ref } = task;
  const isPlanned = created.kinds.has(`${ref.group}/${ref.kind}`);
  try {
    const type = await deps.kinds.find(formatApiVersion(ref.group, ref.version), ref.kind, signal);
    if (type === undefined) return isPlanned || task.options.skipDryRunOnMissingResource ? undefined : missingKind(task);
    const { application, runId } = plan;
    await retry(() => writeTask({ task, type, application, runId, dryRun: true, signal }, deps), {
      signal,
      attempts: 4,
      delayMs: 100,
      shouldRetry: isTransient,
    });
    return undefined;
  } catch (error) {
    signal.throwIfAborted();
    return isForgiven(task, error, created, isPlanned) ? undefined : messageOf(error);
  }
}

/** Why a kind cannot be written. */
export function missingKind({ ref }: SyncTask): string {
  return `the server serves no kind ${ref.kind} in ${formatApiVersion(ref.group, ref.version)}: install its CustomResourceDefinition first`;
}

// What the real write will not meet any more, or what only a rehearsal meets.
function isForgiven(task: SyncTask, error: unknown, created: Created, isPlannedKind: boolean): boolean {
  if (isStatus(error, 'NotFound')) return isPlannedKind || created.namespaces.has(task.ref.namespace ?? '');
  if (isStatus(error, 'Invalid', 'Conflict') && task.options.force) return true;
  if (isStatus(error, 'AlreadyExists')) return task.action === 'hook';
  return isStatus(error, 'BadRequest') && /does not support dry run/i.test(messageOf(error));
}

import type { ObjectRef, KubeObject } from '@tiphys/kube-model';
import { refKey } from '@tiphys/kube-model';
import { compareRefs } from './kind-order.ts';
import type { SyncPhase, SyncStep, SyncTask } from './plan.ts';

const PHASES: readonly SyncPhase[] = ['PreDelete', 'PreSync', 'Sync', 'PostSync', 'SyncFail', 'PostDelete'];

/** The id of a task: the same in every plan of one run. */
export function taskId(phase: SyncPhase, action: SyncTask['action'], ref: ObjectRef): string {
  return `${phase}:${action}:${refKey(ref)}`;
}

/**
 * Tasks as steps: phases, in them waves, in a wave first what is pruned and then what is written, kind by kind; what is of one
 * kind goes together (gitops-engine pkg/sync/sync_tasks.go, sync_context.go runTasks).
 */
export function toSteps(tasks: readonly SyncTask[]): readonly SyncStep[] {
  const steps: { phase: SyncPhase; wave: number; tasks: SyncTask[]; isGate: boolean }[] = [];
  for (const task of tasks.toSorted(compareTasks)) {
    const last = steps.at(-1);
    const isSameWave = last?.phase === task.phase && last.wave === task.wave;
    if (last !== undefined && isSameWave && isSameGroup(last.tasks[0], task)) last.tasks.push(task);
    else {
      if (last !== undefined && isSameWave) last.isGate = false;
      steps.push({ phase: task.phase, wave: task.wave, tasks: [task], isGate: true });
    }
  }
  return steps;
}

function compareTasks(a: SyncTask, b: SyncTask): number {
  const [prunesA, prunesB] = [isPrune(a), isPrune(b)];
  return (
    comparePlace(a, b) ||
    Number(prunesB) - Number(prunesA) ||
    (prunesA ? -compareRefs(a.ref, b.ref) : compareRefs(a.ref, b.ref)) ||
    (a.id < b.id ? -1 : a.id > b.id ? 1 : 0)
  );
}

function isPrune({ action }: SyncTask): boolean {
  return action === 'prune' || action === 'skip-prune';
}

function isSameGroup(a: SyncTask | undefined, b: SyncTask): boolean {
  return a !== undefined && isPrune(a) === isPrune(b) && (isPrune(b) || a.ref.kind === b.ref.kind);
}

function comparePlace(a: SyncTask, b: SyncTask): number {
  return PHASES.indexOf(a.phase) - PHASES.indexOf(b.phase) || a.wave - b.wave;
}

/**
 * Prunes in the waves they run in: backwards, so that what was created last goes first. The waves that prune swap places
 * symmetrically; what is told to be pruned last comes after every other wave of Sync (sync_context.go getSyncTasks).
 */
export function withPruneWaves(prunes: readonly SyncTask[], writes: readonly SyncTask[]): readonly SyncTask[] {
  const waves = [...new Set(prunes.map(({ wave }) => wave))].toSorted((a, b) => a - b);
  const mirrored = new Map(waves.map((wave, index) => [wave, waves[waves.length - 1 - index] ?? wave]));
  const swapped = prunes.map((task) => ({ ...task, wave: mirrored.get(task.wave) ?? task.wave }));
  const last = Math.max(0, ...[...swapped, ...writes].filter(({ phase }) => phase === 'Sync').map(({ wave }) => wave));
  return swapped.map((task) => (task.options.pruneLast ? { ...task, wave: last + 1 } : task));
}

/** Tasks with each namespace, and each definition of a kind, no later than the first object that needs it (sync_tasks.go adjustDeps). */
export function withDependenciesFirst(tasks: readonly SyncTask[]): readonly SyncTask[] {
  return tasks.map((task) => {
    if (task.action === 'hook') return task;
    const needs = dependentsOf(task.ref, task.object);
    if (needs === undefined) return task;
    const first = tasks.filter((other) => other !== task && needs(other.ref)).toSorted(comparePlace)[0];
    return first === undefined || comparePlace(first, task) >= 0
      ? task
      : { ...task, id: taskId(first.phase, task.action, task.ref), phase: first.phase, wave: first.wave };
  });
}

function dependentsOf(ref: ObjectRef, object: KubeObject | undefined): ((other: ObjectRef) => boolean) | undefined {
  if (ref.group === '' && ref.kind === 'Namespace') return (other) => other.namespace === ref.name;
  if (ref.group !== 'apiextensions.k8s.io' || ref.kind !== 'CustomResourceDefinition') return undefined;
  const { spec } = object as KubeObject & { readonly spec?: { readonly group?: string; readonly names?: { readonly kind?: string } } };
  return (other) => other.group === spec?.group && other.kind === spec.names?.kind;
}

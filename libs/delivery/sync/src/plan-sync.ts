import { createHash } from 'node:crypto';
import { resourceSyncOptions, roleOf, RUN_ANNOTATION, waveOf, type SyncResource } from '@tiphys/delivery-applications';
import type { ResourceComparison } from '@tiphys/delivery-diff';
import { fnv32a, refKey, refOf, type KubeObject, type ObjectRef } from '@tiphys/kube-model';
import { compareRefs } from './kind-order.ts';
import type { PlanRequest, SyncPhase, SyncPlan, SyncStep, SyncTask } from './plan.ts';

const PHASES: readonly SyncPhase[] = ['PreSync', 'Sync', 'PostSync'];

/** Decides a sync: phases, waves, order, hooks and prunes. Pure; the same request makes the same plan, whatever the order of its lists. */
export function planSync(request: PlanRequest): SyncPlan {
  const resources = resourceTasks(request);
  const hooks = request.run.resources !== undefined || request.run.skipHooks === true ? [] : hookTasks(request);
  const writes = withDependenciesFirst([...resources, ...hooks.filter((task) => task.phase !== 'SyncFail')]);
  const namespace = namespaceTask(request, writes);
  const ordered = stepsOf([...namespace, ...writes], pruneTasks(request));
  const onFailure = toSteps(hooks.filter((task) => task.phase === 'SyncFail'));
  return { application: request.application, runId: request.runId, steps: ordered, onFailure, hash: hashOf([...ordered, ...onFailure]) };
}

function resourceTasks(request: PlanRequest): readonly SyncTask[] {
  const { run, syncOptions } = request;
  return request.comparison.resources.flatMap((resource) => {
    const { desired, ref } = resource;
    if (desired === undefined || !isSelected(ref, run.resources)) return [];
    const options = resourceSyncOptions(desired, syncOptions);
    const isUnchanged = resource.status === 'Synced';
    if (isUnchanged && options.applyOutOfSyncOnly) return [];
    const replaces = options.replace || (run.force === true && options.replace);
    const skips = isUnchanged && request.skipUnchanged && !options.replace && !options.force;
    return [
      {
        ...taskOf('Sync', replaces ? 'replace' : 'apply', ref, resource.wave),
        object: desired,
        options: run.force === true ? { ...options, force: true } : options,
        ...liveOf(resource),
        ...(skips ? { unchanged: true } : {}),
      },
    ];
  });
}

function hookTasks(request: PlanRequest): readonly SyncTask[] {
  return request.desired.flatMap((object) => {
    const role = roleOf(object);
    if (role.kind !== 'hook') return [];
    return role.phases.flatMap((phase) => {
      if (phase === 'PreDelete' || phase === 'PostDelete') return [];
      const hook = hookObject(object, phase, request);
      return [
        {
          ...taskOf(phase, 'hook', refOf(hook), waveOf(object)),
          object: hook,
          deletePolicies: role.deletePolicies,
          options: resourceSyncOptions(object, request.syncOptions),
        },
      ];
    });
  });
}

// A hook is known by its run: a second start of the same run finds its own hooks instead of making new ones.
function hookObject(object: KubeObject, phase: SyncPhase, { runId, revision }: PlanRequest): KubeObject {
  const { generateName, ...metadata } = object.metadata;
  const suffix = fnv32a(runId).toString(36);
  const name = metadata.name ?? `${generateName ?? 'hook-'}${revision.slice(0, 7)}-${phase.toLowerCase()}-${suffix}`.slice(-63).replace(/^[^a-z0-9]+/, '');
  return { ...object, metadata: { ...metadata, name, annotations: { ...metadata.annotations, [RUN_ANNOTATION]: runId } } };
}

function pruneTasks(request: PlanRequest): readonly SyncTask[] {
  const { run, syncOptions } = request;
  // What became a hook in Git is still wanted, only not compared.
  const wanted = new Set(request.desired.map((object) => refKey(refOf(object))));
  return request.comparison.resources.flatMap((resource) => {
    const { live, ref } = resource;
    if (wanted.has(refKey(ref))) return [];
    if (!resource.requiresPruning || live === undefined || !isSelected(ref, run.resources)) return [];
    const options = resourceSyncOptions(live, syncOptions);
    // Invariant: nothing is deleted unless a complete render omits it and policy allows it.
    const mayPrune = request.isComplete && run.prune === true && options.prune === 'yes';
    return [{ ...taskOf('Sync', mayPrune ? 'prune' : 'skip-prune', ref, resource.wave), options, ...liveOf(resource) }];
  });
}

function namespaceTask(request: PlanRequest, writes: readonly SyncTask[]): readonly SyncTask[] {
  const { destinationNamespace: name, syncOptions, namespaceMetadata = {} } = request;
  const isInGit = writes.some((task) => task.ref.kind === 'Namespace' && task.ref.group === '' && task.ref.name === name);
  if (!syncOptions.createNamespace || name === '' || request.destinationNamespaceExists || isInGit) return [];
  const first = Math.min(0, ...writes.filter((task) => task.phase === 'PreSync').map((task) => task.wave)) - 1;
  const object: KubeObject = { apiVersion: 'v1', kind: 'Namespace', metadata: { name, ...namespaceMetadata } };
  return [{ ...taskOf('PreSync', 'create-namespace', refOf(object), first), object, options: syncOptions }];
}

// A namespace, or the definition of a kind, is written no later than the first object that needs it (sync_tasks.go adjustDeps).
function withDependenciesFirst(tasks: readonly SyncTask[]): readonly SyncTask[] {
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

function stepsOf(writes: readonly SyncTask[], prunes: readonly SyncTask[]): readonly SyncStep[] {
  const before = toSteps(writes.filter((task) => task.phase !== 'PostSync'));
  const after = toSteps(writes.filter((task) => task.phase === 'PostSync'));
  return [...before, ...pruneSteps(prunes), ...after];
}

// Writes go by phase, wave and kind; what is of one kind goes together.
function toSteps(tasks: readonly SyncTask[]): readonly SyncStep[] {
  const sorted = tasks.toSorted((a, b) => comparePlace(a, b) || compareRefs(a.ref, b.ref) || (a.id < b.id ? -1 : 1));
  const steps: { phase: SyncPhase; wave: number; tasks: SyncTask[]; isGate: boolean }[] = [];
  for (const task of sorted) {
    const last = steps.at(-1);
    const isSameWave = last?.phase === task.phase && last.wave === task.wave;
    if (last !== undefined && isSameWave && last.tasks[0]?.ref.kind === task.ref.kind) last.tasks.push(task);
    else {
      if (last !== undefined && isSameWave) last.isGate = false;
      steps.push({ phase: task.phase, wave: task.wave, tasks: [task], isGate: true });
    }
  }
  return steps;
}

// Prunes come last and backwards: the highest wave first, and of one wave the kinds that need others first.
function pruneSteps(prunes: readonly SyncTask[]): readonly SyncStep[] {
  const sorted = prunes.toSorted((a, b) => b.wave - a.wave || -compareRefs(a.ref, b.ref));
  const steps: { phase: SyncPhase; wave: number; tasks: SyncTask[]; isGate: boolean }[] = [];
  for (const task of sorted) {
    const last = steps.at(-1);
    if (last?.wave === task.wave) last.tasks.push(task);
    else steps.push({ phase: 'Sync', wave: task.wave, tasks: [task], isGate: true });
  }
  return steps;
}

function isSelected(ref: ObjectRef, resources: readonly SyncResource[] | undefined): boolean {
  if (resources === undefined) return true;
  return resources.some(
    (wanted) =>
      (wanted.group ?? '') === ref.group &&
      wanted.kind === ref.kind &&
      wanted.name === ref.name &&
      (wanted.namespace === undefined || wanted.namespace === '' || wanted.namespace === (ref.namespace ?? '')),
  );
}

function taskOf(phase: SyncPhase, action: SyncTask['action'], ref: ObjectRef, wave: number): Pick<SyncTask, 'id' | 'phase' | 'action' | 'ref' | 'wave'> {
  return { id: taskId(phase, action, ref), phase, action, ref, wave };
}

function taskId(phase: SyncPhase, action: SyncTask['action'], ref: ObjectRef): string {
  return `${phase}:${action}:${refKey(ref)}`;
}

function liveOf({ live }: ResourceComparison): Pick<SyncTask, 'liveUid' | 'liveVersion'> {
  const { uid, resourceVersion } = live?.metadata ?? {};
  return { ...(uid === undefined ? {} : { liveUid: uid }), ...(resourceVersion === undefined ? {} : { liveVersion: resourceVersion }) };
}

function comparePlace(a: SyncTask, b: SyncTask): number {
  return PHASES.indexOf(a.phase) - PHASES.indexOf(b.phase) || a.wave - b.wave;
}

function hashOf(steps: readonly SyncStep[]): string {
  const hash = createHash('sha256');
  for (const { tasks } of steps) for (const { id, wave, object, unchanged = false } of tasks) hash.update(`${id}\0${wave}\0${unchanged}\0${stable(object)}\n`);
  return hash.digest('hex');
}

function stable(value: unknown): string {
  return (
    JSON.stringify(value, (_key, field: unknown) =>
      typeof field === 'object' && field !== null && !Array.isArray(field)
        ? Object.fromEntries(Object.entries(field).toSorted(([a], [b]) => (a < b ? -1 : 1)))
        : field,
    ) ?? ''
  );
}

import { createHash } from 'node:crypto';
import { resourceSyncOptions, type SyncOptions, type SyncResource } from '@tiphys/delivery-applications';
import type { ResourceComparison } from '@tiphys/delivery-diff';
import { refKey, refOf, type KubeObject, type ObjectRef } from '@tiphys/kube-model';
import { hookTasks } from './hook-tasks.ts';
import { appliesOnServer } from './ownership.ts';
import { taskId, toSteps, withDependenciesFirst, withPruneWaves } from './order-steps.ts';
import type { PlanRequest, SyncPhase, SyncPlan, SyncStep, SyncTask } from './plan.ts';

/** Decides a sync: phases, waves, order, hooks and prunes. Pure; the same request makes the same plan, whatever the order of its lists. */
export function planSync(request: PlanRequest): SyncPlan {
  const resources = resourceTasks(request);
  const hooks = request.run.resources !== undefined || request.run.skipHooks === true ? [] : hookTasks(request, ['PreSync', 'Sync', 'PostSync', 'SyncFail']);
  const writes = withDependenciesFirst([...resources, ...hooks.filter((task) => task.phase !== 'SyncFail')]);
  const steps = toSteps([...namespaceTask(request, writes), ...writes, ...withPruneWaves(pruneTasks(request), writes)]);
  const onFailure = toSteps(hooks.filter((task) => task.phase === 'SyncFail'));
  return { application: request.application, runId: request.runId, steps, onFailure, hash: hashOf([...steps, ...onFailure]) };
}

function resourceTasks(request: PlanRequest): readonly SyncTask[] {
  const { run } = request;
  return request.comparison.resources.flatMap((resource) => {
    const { desired, ref } = resource;
    if (desired === undefined || !isSelected(ref, run.resources)) return [];
    const options = optionsOf(resource, request);
    const isUnchanged = resource.status === 'Synced';
    if (isUnchanged && options.applyOutOfSyncOnly) return [];
    const skips = isUnchanged && request.skipUnchanged && !options.replace && !options.force;
    const adopts = options.clientSideApplyMigration && appliesOnServer(desired, options) && request.adopted?.has(refKey(ref)) === true;
    return [
      {
        ...taskOf('Sync', options.replace ? 'replace' : 'apply', ref, resource.wave),
        object: request.respected?.get(refKey(ref)) ?? desired,
        options,
        ...liveOf(resource),
        ...(skips ? { unchanged: true } : {}),
        ...(adopts ? { adopts } : {}),
      },
    ];
  });
}

// Replace may also stand on the live object (sync_context.go applyObject).
function optionsOf({ desired, live }: ResourceComparison, { syncOptions, run }: PlanRequest): SyncOptions {
  const options = desired === undefined ? syncOptions : resourceSyncOptions(desired, syncOptions);
  const replace = options.replace || (live !== undefined && resourceSyncOptions(live, syncOptions).replace);
  return { ...options, replace, force: options.force || run.force === true };
}

function pruneTasks(request: PlanRequest): readonly SyncTask[] {
  // What became a hook in Git is still wanted, only not compared.
  const wanted = new Set(request.desired.map((object) => refKey(refOf(object))));
  const extra = request.comparison.resources.flatMap((resource) => {
    const { live, ref, requiresPruning } = resource;
    return live === undefined || !requiresPruning || wanted.has(refKey(ref)) ? [] : [{ resource, options: resourceSyncOptions(live, request.syncOptions) }];
  });
  const asks = exceedsBudget(extra.length, request);
  return extra
    .filter(({ resource }) => isSelected(resource.ref, request.run.resources))
    .map(({ resource, options }) => {
      const reason = keptBecause(options, request);
      const task = { ...taskOf('Sync', reason === undefined ? 'prune' : 'skip-prune', resource.ref, resource.wave), options, ...liveOf(resource) };
      if (reason !== undefined) return { ...task, reason };
      return asks || options.prune === 'confirm' ? { ...task, needsApproval: true } : task;
    });
}

// Invariant: nothing is deleted unless a complete render omits it and policy allows it.
function keptBecause(options: SyncOptions, { isComplete, run, allowsEmpty, comparison }: PlanRequest): string | undefined {
  if (options.prune === 'no') return 'ignored (no prune)';
  if (run.prune !== true) return 'ignored (requires pruning)';
  if (!isComplete) return 'ignored (the render is incomplete)';
  const isEmpty = comparison.resources.every(({ requiresPruning }) => requiresPruning);
  return isEmpty && !allowsEmpty ? 'ignored (the render is empty: set syncPolicy.automated.allowEmpty)' : undefined;
}

function exceedsBudget(count: number, { pruneBudget, comparison }: PlanRequest): boolean {
  if (pruneBudget === undefined) return false;
  const living = comparison.resources.filter(({ live }) => live !== undefined).length;
  return count > pruneBudget.minimum && count * 100 > living * pruneBudget.percent;
}

function namespaceTask(request: PlanRequest, writes: readonly SyncTask[]): readonly SyncTask[] {
  const { destinationNamespace: name, syncOptions, namespaceMetadata, liveNamespace } = request;
  const isInGit = writes.some((task) => task.ref.kind === 'Namespace' && task.ref.group === '' && task.ref.name === name);
  if (!syncOptions.createNamespace || name === '' || isInGit || request.run.resources !== undefined) return [];
  if (liveNamespace !== undefined && carries(liveNamespace, namespaceMetadata)) return [];
  const first = Math.min(0, ...writes.filter((task) => task.phase === 'PreSync').map((task) => task.wave)) - 1;
  const object: KubeObject = { apiVersion: 'v1', kind: 'Namespace', metadata: { name, ...namespaceMetadata } };
  const { uid, resourceVersion } = liveNamespace?.metadata ?? {};
  return [
    {
      ...taskOf('PreSync', 'create-namespace', refOf(object), first),
      object,
      options: { ...syncOptions, serverSideApply: true },
      ...(uid === undefined ? {} : { liveUid: uid }),
      ...(resourceVersion === undefined ? {} : { liveVersion: resourceVersion }),
    },
  ];
}

function carries(live: KubeObject, metadata: PlanRequest['namespaceMetadata']): boolean {
  const has = (at: Readonly<Record<string, string>> | undefined, wanted: Readonly<Record<string, string>> | undefined): boolean =>
    Object.entries(wanted ?? {}).every(([name, value]) => at?.[name] === value);
  return has(live.metadata.labels, metadata?.labels) && has(live.metadata.annotations, metadata?.annotations);
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

function liveOf({ live }: ResourceComparison): Pick<SyncTask, 'liveUid' | 'liveVersion'> {
  const { uid, resourceVersion } = live?.metadata ?? {};
  return { ...(uid === undefined ? {} : { liveUid: uid }), ...(resourceVersion === undefined ? {} : { liveVersion: resourceVersion }) };
}

function hashOf(steps: readonly SyncStep[]): string {
  const hash = createHash('sha256');
  for (const { tasks } of steps) {
    for (const { id, wave, object, unchanged, adopts, needsApproval, options, action, liveUid } of tasks)
      hash.update(`${stable([id, wave, object, unchanged, adopts, needsApproval, options, action === 'prune' ? liveUid : ''])}\n`);
  }
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

import { applicationOf } from '@tiphys/delivery-applications';
import { normalizeDesired, withAdoptedFields } from '@tiphys/delivery-diff';
import { formatApiVersion, isStatus, type KubeObject, type ResourceType } from '@tiphys/kube-model';
import type { SchemaNode } from '@tiphys/kube-patch';
import { mergeOnClient } from './client-side-apply.ts';
import { appliesOnServer } from './ownership.ts';
import type { SyncTask } from './plan.ts';
import { deleteAndWait, isOfRun, removeHook } from './run-hook.ts';
import type { PerformDeps } from './sync-deps.ts';

/** What one write did. */
export interface WriteOutcome {
  readonly kind: 'written' | 'pruned' | 'pruneSkipped';
  readonly message: string;
  readonly changed: boolean;
  /** The object as the API answered. */
  readonly object?: KubeObject;
}

/** One write under way. */
export interface WriteContext {
  readonly task: SyncTask;
  readonly type: ResourceType;
  readonly application: string;
  readonly runId: string;
  readonly dryRun: boolean;
  readonly signal: AbortSignal;
}

const CONFLICT_ATTEMPTS = 5;

/** The deed of one task: the only place that changes delivered objects. Doing it twice is the same as once. */
export async function writeTask(context: WriteContext, deps: PerformDeps): Promise<WriteOutcome> {
  const { task } = context;
  switch (task.action) {
    case 'prune':
      return prune(context, deps);
    case 'skip-prune':
      return { kind: 'pruneSkipped', message: task.reason ?? 'ignored (requires pruning)', changed: false };
    case 'hook':
      return runHook(context, deps);
    case 'replace':
      return replace(context, deps);
    case 'apply':
    case 'create-namespace':
      return task.object === undefined || appliesOnServer(task.object, task.options) ? apply(context, deps) : applyOnClient(context, deps);
  }
}

function bodyOf({ task, type }: WriteContext): KubeObject {
  if (task.object === undefined) throw new Error(`invariant broken: task ${task.id} writes an object`);
  const body = normalizeDesired(task.object);
  return type.namespaced ? body : { ...body, metadata: withoutNamespace(body.metadata) };
}

function withoutNamespace(metadata: KubeObject['metadata']): KubeObject['metadata'] {
  const { namespace: _, ...rest } = metadata;
  return rest;
}

async function apply(context: WriteContext, deps: PerformDeps): Promise<WriteOutcome> {
  const { task, type, dryRun, signal } = context;
  const body = bodyOf(context);
  const write = (): Promise<KubeObject> =>
    deps.client.patch(type, task.ref, body, { type: 'apply', fieldManager: deps.manager, force: true, fieldValidation: validationOf(task), dryRun, signal });
  if (task.adopts === true && !dryRun) await adopt(context, deps);
  try {
    return written(task, await write());
  } catch (error) {
    if (!mayRecreate(context, error)) throw error;
    await remove(context, deps);
    return { kind: 'written', object: await write(), changed: true, message: 'recreated' };
  }
}

function validationOf({ options }: SyncTask): 'Strict' | 'Ignore' {
  return options.validate ? 'Strict' : 'Ignore';
}

function written(task: SyncTask, object: KubeObject): WriteOutcome {
  const created = task.liveUid === undefined;
  const changed = object.metadata.resourceVersion !== task.liveVersion;
  return { kind: 'written', object, changed, message: created ? 'created' : changed ? 'configured' : 'unchanged' };
}

// Only with Force: an immutable field is changed by making the object anew. Never what holds others: they would go with it.
function mayRecreate({ task, dryRun }: WriteContext, error: unknown): boolean {
  return task.options.force && !dryRun && !holdsOthers(task) && isStatus(error, 'Invalid', 'Conflict');
}

function holdsOthers({ ref }: SyncTask): boolean {
  return (ref.group === '' && ref.kind === 'Namespace') || ref.kind === 'CustomResourceDefinition';
}

// Fields that were applied under another name become ours, so that those Git dropped go with the apply that follows.
async function adopt(context: WriteContext, deps: PerformDeps): Promise<void> {
  const { task, type, signal } = context;
  for (let attempt = 1; ; attempt += 1) {
    const live = await readLive(context, deps);
    const adopted = live === undefined ? undefined : withAdoptedFields(live, deps.manager, schemaOf(type, deps), deps.earlierApplier);
    if (live === undefined || adopted === undefined || adopted === live) return;
    const patch = [
      { op: 'replace', path: '/metadata/managedFields', value: adopted.metadata.managedFields ?? [] },
      { op: 'replace', path: '/metadata/resourceVersion', value: live.metadata.resourceVersion },
    ];
    try {
      await deps.client.patch(type, task.ref, patch, { type: 'json', fieldManager: deps.manager, signal });
      return;
    } catch (error) {
      if (!isStatus(error, 'Conflict') || attempt >= CONFLICT_ATTEMPTS) throw error;
    }
  }
}

function schemaOf({ group, version, kind }: ResourceType, { schemaFor }: PerformDeps): SchemaNode | undefined {
  return schemaFor(formatApiVersion(group, version), kind);
}

async function applyOnClient(context: WriteContext, deps: PerformDeps): Promise<WriteOutcome> {
  const { task, type, dryRun, signal } = context;
  const options = { fieldManager: deps.manager, fieldValidation: validationOf(task), dryRun, signal };
  const schema = schemaOf(type, deps);
  for (let attempt = 1; ; attempt += 1) {
    const write = mergeOnClient(bodyOf(context), await readLive(context, deps), schema);
    if (write.kind === 'none') return { kind: 'written', object: write.object, changed: false, message: 'unchanged' };
    try {
      if (write.kind === 'create') return { kind: 'written', changed: true, message: 'created', object: await deps.client.create(type, write.object, options) };
      return { kind: 'written', changed: true, message: 'configured', object: await deps.client.update(type, write.object, options) };
    } catch (error) {
      if (isStatus(error, 'Conflict', 'AlreadyExists') && attempt < CONFLICT_ATTEMPTS) continue;
      if (!mayRecreate(context, error)) throw error;
      await remove(context, deps);
    }
  }
}

async function replace(context: WriteContext, deps: PerformDeps): Promise<WriteOutcome> {
  const { task, type, dryRun, signal } = context;
  const body = bodyOf(context);
  const live = await readLive(context, deps);
  const options = { fieldManager: deps.manager, fieldValidation: validationOf(task), dryRun, signal };
  if (live === undefined) return { kind: 'written', changed: true, message: 'created', object: await deps.client.create(type, body, options) };
  if (task.options.force && !dryRun && !holdsOthers(task)) {
    await remove(context, deps);
    return { kind: 'written', changed: true, message: 'recreated', object: await deps.client.create(type, body, options) };
  }
  const { resourceVersion } = live.metadata;
  const object = await deps.client.update(
    type,
    { ...body, metadata: { ...body.metadata, ...(resourceVersion === undefined ? {} : { resourceVersion }) } },
    options,
  );
  return { kind: 'written', object, changed: object.metadata.resourceVersion !== resourceVersion, message: 'replaced' };
}

async function runHook(context: WriteContext, deps: PerformDeps): Promise<WriteOutcome> {
  const { task, type, runId, dryRun, signal } = context;
  const live = await readLive(context, deps);
  if (live !== undefined && isOfRun(live, runId)) return { kind: 'written', object: live, changed: false, message: 'already created by this run' };
  const options = { fieldManager: deps.manager, fieldValidation: validationOf(task), dryRun, signal };
  if (dryRun) {
    if (live === undefined) await deps.client.create(type, bodyOf(context), options);
    return { kind: 'written', changed: false, message: 'would run' };
  }
  if (live !== undefined && task.deletePolicies?.includes('BeforeHookCreation') !== true) return apply(context, deps);
  if (live !== undefined) await removeHook(type, task.ref, deps, signal);
  try {
    return { kind: 'written', object: await deps.client.create(type, bodyOf(context), options), changed: true, message: 'created' };
  } catch (error) {
    // The answer to an earlier try of ours got lost.
    const mine = isStatus(error, 'AlreadyExists') ? await readLive(context, deps) : undefined;
    if (mine === undefined || !isOfRun(mine, runId)) throw error;
    return { kind: 'written', object: mine, changed: true, message: 'created' };
  }
}

async function prune(context: WriteContext, deps: PerformDeps): Promise<WriteOutcome> {
  const { task, type, application, dryRun, signal } = context;
  const live = await readLive(context, deps);
  if (live === undefined) return { kind: 'pruned', changed: false, message: 'already gone' };
  // The world may have changed since the plan: only this very object, and only while it is still ours.
  if (live.metadata.uid !== task.liveUid || applicationOf(live) !== application)
    return { kind: 'pruneSkipped', changed: false, message: 'no longer belongs to the application' };
  try {
    await deps.client.delete(type, task.ref, {
      propagationPolicy: task.options.prunePropagationPolicy,
      ...(task.liveUid === undefined ? {} : { preconditions: { uid: task.liveUid } }),
      dryRun,
      signal,
    });
  } catch (error) {
    if (!isStatus(error, 'NotFound')) throw error;
  }
  return { kind: 'pruned', changed: true, message: dryRun ? 'pruned (dry run)' : 'pruned' };
}

async function readLive({ task, type, signal }: WriteContext, deps: PerformDeps): Promise<KubeObject | undefined> {
  try {
    return await deps.client.get(type, task.ref, { signal });
  } catch (error) {
    if (isStatus(error, 'NotFound')) return undefined;
    throw error;
  }
}

async function remove({ task, type, signal }: WriteContext, deps: PerformDeps): Promise<void> {
  await deleteAndWait(type, { ref: task.ref }, deps, signal);
}

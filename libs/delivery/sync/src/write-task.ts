import { applicationOf, RUN_ANNOTATION } from '@tiphys/delivery-applications';
import { normalizeDesired } from '@tiphys/delivery-diff';
import { isStatus, type KubeObject, type ResourceType } from '@tiphys/kube-model';
import type { SyncTask } from './plan.ts';
import type { PerformDeps } from './sync-deps.ts';
import { watchUntil } from './watch-until.ts';

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

/** The deed of one task: the only place that changes delivered objects. Doing it twice is the same as once. */
export async function writeTask(context: WriteContext, deps: PerformDeps): Promise<WriteOutcome> {
  switch (context.task.action) {
    case 'prune':
      return prune(context, deps);
    case 'skip-prune':
      return { kind: 'pruneSkipped', message: 'ignored (requires pruning)', changed: false };
    case 'hook':
      return runHook(context, deps);
    case 'replace':
      return replace(context, deps);
    case 'apply':
    case 'create-namespace':
      return apply(context, deps);
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
  try {
    const object = await deps.client.patch(type, task.ref, body, {
      type: 'apply',
      fieldManager: deps.manager,
      force: true,
      fieldValidation: task.options.validate ? 'Strict' : 'Ignore',
      dryRun,
      signal,
    });
    const created = task.liveUid === undefined;
    const changed = object.metadata.resourceVersion !== task.liveVersion;
    return { kind: 'written', object, changed, message: created ? 'created' : changed ? 'configured' : 'unchanged' };
  } catch (error) {
    // Only with Force: an immutable field is changed by making the object anew.
    if (!task.options.force || dryRun || !isStatus(error, 'Invalid', 'Conflict')) throw error;
    await remove(context, deps);
    const object = await deps.client.patch(type, task.ref, body, { type: 'apply', fieldManager: deps.manager, force: true, signal });
    return { kind: 'written', object, changed: true, message: 'recreated' };
  }
}

async function replace(context: WriteContext, deps: PerformDeps): Promise<WriteOutcome> {
  const { task, type, dryRun, signal } = context;
  const body = bodyOf(context);
  const live = await readLive(context, deps);
  const options = { fieldManager: deps.manager, dryRun, signal };
  if (live === undefined) return { kind: 'written', changed: true, message: 'created', object: await deps.client.create(type, body, options) };
  if (task.options.force && !dryRun) {
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
  if (dryRun) return { kind: 'written', changed: false, message: 'would run' };
  if (live !== undefined && task.deletePolicies?.includes('BeforeHookCreation') !== true) return apply(context, deps);
  if (live !== undefined) await remove(context, deps);
  try {
    return {
      kind: 'written',
      object: await deps.client.create(type, bodyOf(context), { fieldManager: deps.manager, signal }),
      changed: true,
      message: 'created',
    };
  } catch (error) {
    // The answer to an earlier try of ours got lost.
    const mine = isStatus(error, 'AlreadyExists') ? await readLive(context, deps) : undefined;
    if (mine === undefined || !isOfRun(mine, runId)) throw error;
    return { kind: 'written', object: mine, changed: true, message: 'created' };
  }
}

function isOfRun(live: KubeObject, runId: string): boolean {
  return live.metadata.annotations?.[RUN_ANNOTATION] === runId && live.metadata.deletionTimestamp === undefined;
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
  await deleteAndWait(type, task, deps, signal);
}

/** Deletes an object and resolves when it is gone. */
export async function deleteAndWait(
  type: ResourceType,
  { ref }: Pick<SyncTask, 'ref'>,
  deps: Pick<PerformDeps, 'client' | 'clock'>,
  signal: AbortSignal,
): Promise<void> {
  let uid: string | undefined;
  try {
    const answer = await deps.client.delete(type, ref, { propagationPolicy: 'Background', signal });
    uid = answer.kind === 'Status' ? undefined : (answer as KubeObject).metadata.uid; // Either a Status or the object, told apart by kind.
  } catch (error) {
    if (isStatus(error, 'NotFound')) return;
    throw error;
  }
  const isSettled = (_name: string, object: KubeObject | undefined): boolean => object === undefined || (uid !== undefined && object.metadata.uid !== uid);
  await watchUntil(deps.client, deps.clock, { type, namespace: ref.namespace, names: [ref.name], isSettled }, signal);
}

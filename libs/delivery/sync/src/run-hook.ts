import { RUN_ANNOTATION } from '@tiphys/delivery-applications';
import { isStatus, type KubeObject, type ObjectRef, type ResourceType } from '@tiphys/kube-model';
import { HOOK_FINALIZER } from './hook-tasks.ts';
import type { PerformDeps } from './sync-deps.ts';
import { watchUntil } from './watch-until.ts';

type Reach = Pick<PerformDeps, 'client' | 'clock'>;

const CONFLICT_ATTEMPTS = 10;

/** Whether a live object is the hook a run has created. */
export function isOfRun(live: KubeObject, runId: string): boolean {
  return live.metadata.annotations?.[RUN_ANNOTATION] === runId;
}

/** Takes our finalizer off a hook whose end has been recorded. A hook that is gone needs none. */
export async function releaseHook(type: ResourceType, ref: ObjectRef, { client }: Reach, signal: AbortSignal): Promise<void> {
  for (let attempt = 1; ; attempt += 1) {
    try {
      const live = await client.get(type, ref, { signal });
      const { finalizers = [], resourceVersion } = live.metadata;
      if (!finalizers.includes(HOOK_FINALIZER)) return;
      const metadata = { resourceVersion, finalizers: finalizers.filter((finalizer) => finalizer !== HOOK_FINALIZER) };
      await client.patch(type, ref, { metadata }, { type: 'merge', signal });
      return;
    } catch (error) {
      if (isStatus(error, 'NotFound')) return;
      if (!isStatus(error, 'Conflict') || attempt >= CONFLICT_ATTEMPTS) throw error;
    }
  }
}

/** Removes a hook for good and resolves when it is gone. */
export async function removeHook(type: ResourceType, ref: ObjectRef, deps: Reach, signal: AbortSignal): Promise<void> {
  await releaseHook(type, ref, deps, signal);
  await deleteAndWait(type, { ref }, deps, signal);
}

/** Deletes an object and resolves when it is gone. */
export async function deleteAndWait(
  type: ResourceType,
  { ref, propagationPolicy = 'Background' }: { readonly ref: ObjectRef; readonly propagationPolicy?: 'Foreground' | 'Background' | 'Orphan' },
  deps: Reach,
  signal: AbortSignal,
): Promise<void> {
  let uid: string | undefined;
  try {
    const answer = await deps.client.delete(type, ref, { propagationPolicy, signal });
    uid = answer.kind === 'Status' ? undefined : (answer as KubeObject).metadata.uid; // Either a Status or the object, told apart by kind.
  } catch (error) {
    if (isStatus(error, 'NotFound')) return;
    throw error;
  }
  const isSettled = (_name: string, object: KubeObject | undefined): boolean => object === undefined || (uid !== undefined && object.metadata.uid !== uid);
  await watchUntil(deps.client, deps.clock, { type, namespace: ref.namespace, names: [ref.name], isSettled }, signal);
}

import type { ActionOperation } from '@tiphys/delivery-actions';
import type { KubeClient } from '@tiphys/kube-client';
import { describeObject, isJsonObject, isStatus, refOf, statusError, type KubeObject, type ObjectRef, type ResourceType } from '@tiphys/kube-model';
import { createMergePatch } from '@tiphys/kube-patch';
import type { KindResolver } from './sync-deps.ts';

/** What carrying out an action needs of the world. */
export interface OperationDeps {
  readonly client: KubeClient;
  readonly kinds: Pick<KindResolver, 'find'>;
  readonly manager: string;
  /** Project rules at the moment of writing: why an object may not be written. */
  readonly check: (ref: ObjectRef, namespaced: boolean) => string | undefined;
}

/**
 * Carries out the operations of a resource action: first the patch, which sends what differs from the live object and fails with
 * Conflict when somebody was faster, then what is created. So a Conflict says that nothing was created. Throws StatusError.
 */
export async function performOperations(live: KubeObject, operations: readonly ActionOperation[], deps: OperationDeps, signal: AbortSignal): Promise<void> {
  for (const { kind, object } of operations.toSorted((a, b) => Number(a.kind === 'create') - Number(b.kind === 'create'))) {
    const type = await deps.kinds.find(object.apiVersion, object.kind, signal);
    if (type === undefined) throw statusError('NotFound', `${describeObject(object)}: its kind is not served`);
    const refusal = deps.check(refOf(object), type.namespaced);
    if (refusal !== undefined) throw statusError('Forbidden', refusal);
    if (kind === 'create') await deps.client.create(type, object, { fieldManager: deps.manager, signal });
    else await patchObject({ live, object, type }, deps, signal);
  }
}

interface Patched {
  readonly live: KubeObject;
  readonly object: KubeObject;
  readonly type: ResourceType;
}

async function patchObject({ live, object, type }: Patched, { client, manager }: OperationDeps, signal: AbortSignal): Promise<void> {
  const ref = refOf(object);
  const options = { type: 'merge', fieldManager: manager, signal } as const;
  const { status, ...rest } = createMergePatch({ ...live }, { ...object });
  let { resourceVersion } = live.metadata;
  if (status !== undefined) {
    const body = { metadata: { resourceVersion }, status };
    // Kinds without the subresource keep their status in the object itself.
    const answer = await client.patch(type, ref, body, { ...options, subresource: 'status' }).catch((error: unknown) => {
      if (!isStatus(error, 'NotFound')) throw error;
      return client.patch(type, ref, body, options);
    });
    resourceVersion = answer.metadata.resourceVersion;
  }
  if (Object.keys(rest).length === 0) return;
  const metadata = isJsonObject(rest['metadata']) ? rest['metadata'] : {};
  await client.patch(type, ref, { ...rest, metadata: { ...metadata, resourceVersion } }, options);
}

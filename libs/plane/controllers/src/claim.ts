import { controllerOf, isStatus, matchesSelector, type KubeObject, type ResourceType, type Selector } from '@tiphys/kube-model';
import type { KubeClient } from '@tiphys/kube-client';
import { controllerRef, isControlledBy } from './pods.ts';

/** What a claim works on. */
export interface ClaimOptions<T extends KubeObject> {
  readonly client: KubeClient;
  readonly type: ResourceType;
  readonly owner: KubeObject;
  readonly ownerType: ResourceType;
  readonly selector: Selector;
  /** Candidates of the owner's namespace, from a cache. */
  readonly candidates: readonly T[];
  readonly signal: AbortSignal;
}

/**
 * The objects an owner controls: matching orphans are adopted, own ones that no longer match are released
 * (pkg/controller/controller_ref_manager.go). Nothing is adopted by an owner that is deleted or was made anew.
 */
export async function claim<T extends KubeObject>(options: ClaimOptions<T>): Promise<readonly T[]> {
  const { owner, selector, candidates } = options;
  const claimed: T[] = [];
  let mayAdopt: boolean | undefined;
  for (const object of candidates) {
    const matches = matchesSelector(selector, object.metadata.labels);
    if (isControlledBy(object, owner)) {
      if (matches) claimed.push(object);
      else if (owner.metadata.deletionTimestamp === undefined) await release(options, object);
    } else if (
      controllerOf(object) === undefined &&
      matches &&
      object.metadata.deletionTimestamp === undefined &&
      owner.metadata.deletionTimestamp === undefined
    ) {
      mayAdopt ??= await isStillThere(options);
      const adopted = mayAdopt ? await adopt(options, object) : undefined;
      if (adopted !== undefined) claimed.push(adopted);
    }
  }
  return claimed;
}

async function isStillThere<T extends KubeObject>({ client, owner, ownerType, signal }: ClaimOptions<T>): Promise<boolean> {
  try {
    const live = await client.get(ownerType, { namespace: owner.metadata.namespace, name: owner.metadata.name ?? '' }, { signal });
    return live.metadata.uid === owner.metadata.uid && live.metadata.deletionTimestamp === undefined;
  } catch (error) {
    if (isStatus(error, 'NotFound')) return false;
    throw error;
  }
}

function adopt<T extends KubeObject>(options: ClaimOptions<T>, object: T): Promise<T | undefined> {
  return setOwners(options, object, [...(object.metadata.ownerReferences ?? []), controllerRef(options.owner)]);
}

async function release<T extends KubeObject>(options: ClaimOptions<T>, object: T): Promise<void> {
  await setOwners(
    options,
    object,
    (object.metadata.ownerReferences ?? []).filter(({ uid }) => uid !== options.owner.metadata.uid),
  );
}

// Undefined when the object is gone or is another one by now.
async function setOwners<T extends KubeObject>(
  { client, type, signal }: ClaimOptions<T>,
  object: T,
  ownerReferences: readonly unknown[],
): Promise<T | undefined> {
  const { namespace, name = '', uid, resourceVersion } = object.metadata;
  try {
    return await client.patch<T>(type, { namespace, name }, { metadata: { uid, resourceVersion, ownerReferences } }, { type: 'merge', signal });
  } catch (error) {
    if (isStatus(error, 'NotFound', 'Invalid')) return undefined;
    throw error;
  }
}

import { isStatus, type KubeObject, type ResourceType } from '@tiphys/kube-model';
import type { DeleteOptions, KubeClient } from '@tiphys/kube-client';

/** Deletes an object if it is still the one that was seen. That it is gone, or that another has its name, is as good. */
export async function deleteSame(
  client: KubeClient,
  type: ResourceType,
  object: KubeObject,
  options: Pick<DeleteOptions, 'signal' | 'propagationPolicy'>,
): Promise<void> {
  const { namespace, name = '', uid } = object.metadata;
  try {
    await client.delete(type, { namespace, name }, { ...options, ...(uid === undefined ? {} : { preconditions: { uid } }) });
  } catch (error) {
    if (!isStatus(error, 'NotFound', 'Conflict')) throw error;
  }
}

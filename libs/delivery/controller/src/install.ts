import { crdManifests } from '@tiphys/delivery-applications';
import { watchUntil } from '@tiphys/delivery-sync';
import type { Clock } from '@tiphys/kernel';
import type { KubeClient } from '@tiphys/kube-client';
import { builtin, fieldAt, isStatus, type KubeObject } from '@tiphys/kube-model';

/** Creates or updates our definitions and the namespace of the Applications; resolves when the kinds are served. */
export async function installDefinitions(
  { client, clock, namespace }: { readonly client: KubeClient; readonly clock: Clock; readonly namespace: string },
  signal: AbortSignal,
): Promise<void> {
  const type = builtin('apiextensions.k8s.io/v1', 'CustomResourceDefinition');
  const manifests = crdManifests();
  for (const manifest of manifests)
    await client.patch(type, { name: manifest.metadata.name ?? '' }, manifest, { type: 'apply', fieldManager: 'tiphys', force: true, signal });
  await watchUntil(
    client,
    clock,
    { type, namespace: undefined, names: manifests.map((manifest) => manifest.metadata.name ?? ''), isSettled: (_name, object) => isEstablished(object) },
    signal,
  );
  const namespaces = builtin('v1', 'Namespace');
  await client.create(namespaces, { apiVersion: 'v1', kind: 'Namespace', metadata: { name: namespace } }, { signal }).catch((error: unknown) => {
    if (!isStatus(error, 'AlreadyExists')) throw error;
  });
}

function isEstablished(definition: KubeObject | undefined): boolean {
  const conditions = fieldAt(definition, 'status', 'conditions');
  return (
    Array.isArray(conditions) &&
    conditions.some((condition: unknown) => fieldAt(condition, 'type') === 'Established' && fieldAt(condition, 'status') === 'True')
  );
}

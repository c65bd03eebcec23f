import type { Service } from '@tiphys/kernel';
import { isStatus, keyOf, parseKey, type corev1, type KubeObject, type ResourceType } from '@tiphys/kube-model';
import { createController, DONE, type ReconcileResult } from './controller.ts';
import { KINDS, type ControllerDeps } from './kinds.ts';

const CLAIM_FINALIZER = 'kubernetes.io/pvc-protection';
const VOLUME_FINALIZER = 'kubernetes.io/pv-protection';

/** Lets a claim that is being deleted go once no pod uses it (kubernetes pkg/controller/volume/pvcprotection). */
export function createClaimProtectionController(deps: ControllerDeps): Service {
  const { informers, clock, logger } = deps;
  const claims = informers.informer<corev1.PersistentVolumeClaim>({ type: KINDS.persistentVolumeClaim });
  const pods = informers.informer<corev1.Pod>({ type: KINDS.pod });
  const reconcile = async (key: string, signal: AbortSignal): Promise<ReconcileResult> => {
    const { name, namespace } = parseKey(key);
    const claim = claims.get(name, namespace);
    const isUsed = pods.list().some((pod) => pod.metadata.namespace === namespace && usesClaim(pod, name));
    if (claim !== undefined && isProtected(claim, CLAIM_FINALIZER) && !isUsed)
      await dropFinalizer(deps, KINDS.persistentVolumeClaim, claim, CLAIM_FINALIZER, signal);
    return DONE;
  };
  return createController({
    name: 'pvc-protection',
    clock,
    logger,
    workers: 2,
    informers: [claims, pods],
    reconcile,
    subscribe: (queue) => [
      claims.onEvent(({ object }) => queue.add(keyOf(object))),
      pods.onEvent(({ object }) => {
        for (const name of claimsOf(object)) queue.add(`${object.metadata.namespace ?? ''}/${name}`);
      }),
    ],
  });
}

/** Lets a volume that is being deleted go once it is not bound (kubernetes pkg/controller/volume/pvprotection). */
export function createVolumeProtectionController(deps: ControllerDeps): Service {
  const { informers, clock, logger } = deps;
  const volumes = informers.informer<corev1.PersistentVolume>({ type: KINDS.persistentVolume });
  const reconcile = async (key: string, signal: AbortSignal): Promise<ReconcileResult> => {
    const volume = volumes.get(key);
    if (volume !== undefined && isProtected(volume, VOLUME_FINALIZER) && volume.status?.phase !== 'Bound')
      await dropFinalizer(deps, KINDS.persistentVolume, volume, VOLUME_FINALIZER, signal);
    return DONE;
  };
  return createController({
    name: 'pv-protection',
    clock,
    logger,
    workers: 1,
    informers: [volumes],
    reconcile,
    subscribe: (queue) => [volumes.onEvent(({ object }) => queue.add(keyOf(object)))],
  });
}

function isProtected({ metadata }: KubeObject, finalizer: string): boolean {
  return metadata.deletionTimestamp !== undefined && metadata.finalizers?.includes(finalizer) === true;
}

function claimsOf({ metadata, spec }: corev1.Pod): readonly string[] {
  return (spec?.volumes ?? []).flatMap(({ name, persistentVolumeClaim, ephemeral }) => {
    if (persistentVolumeClaim !== undefined) return [persistentVolumeClaim.claimName];
    return ephemeral === undefined ? [] : [`${metadata.name ?? ''}-${name}`];
  });
}

// A pod without a node holds nothing yet, and one that has ended no more.
function usesClaim(pod: corev1.Pod, claim: string): boolean {
  const phase = pod.status?.phase;
  return (pod.spec?.nodeName ?? '') !== '' && phase !== 'Succeeded' && phase !== 'Failed' && claimsOf(pod).includes(claim);
}

async function dropFinalizer(deps: ControllerDeps, type: ResourceType, object: KubeObject, finalizer: string, signal: AbortSignal): Promise<void> {
  const { name = '', namespace, resourceVersion, finalizers = [] } = object.metadata;
  const patch = { metadata: { resourceVersion, finalizers: finalizers.filter((candidate) => candidate !== finalizer) } };
  try {
    await deps.client.patch(type, { name, ...(namespace === undefined ? {} : { namespace }) }, patch, { type: 'merge', signal });
  } catch (error) {
    if (!isStatus(error, 'NotFound')) throw error;
  }
}

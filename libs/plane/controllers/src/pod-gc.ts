import type { Service } from '@tiphys/kernel';
import { isStatus, keyOf, parseKey, type corev1 } from '@tiphys/kube-model';
import { createController, DONE, type ReconcileResult } from './controller.ts';
import { KINDS, type ControllerDeps } from './kinds.ts';

// A node that has just registered may not be in the cache yet when its first pod is.
const DOUBT_MS = 2_000;

/** Removes pods nobody can end: those of nodes that are gone, and deleted ones that never had a node. */
export function createPodGcController(deps: ControllerDeps): Service {
  const { client, informers, clock, logger } = deps;
  const pods = informers.informer<corev1.Pod>({ type: KINDS.pod });
  const nodes = informers.informer<corev1.Node>({ type: KINDS.node });
  const missingSince = new Map<string, number>();

  async function reconcile(key: string, signal: AbortSignal): Promise<ReconcileResult> {
    const { name, namespace } = parseKey(key);
    const pod = pods.get(name, namespace);
    const nodeName = pod?.spec?.nodeName ?? '';
    if (pod === undefined || (nodeName === '' && pod.metadata.deletionTimestamp === undefined) || nodes.get(nodeName) !== undefined) {
      missingSince.delete(key);
      return DONE;
    }
    const since = missingSince.get(key) ?? clock.now();
    missingSince.set(key, since);
    const waitMs = since + DOUBT_MS - clock.now();
    if (nodeName !== '' && waitMs > 0) return { requeueAfterMs: waitMs };
    if (nodeName !== '' && (await nodeExists(nodeName, signal))) return DONE;
    missingSince.delete(key);
    const { uid } = pod.metadata;
    try {
      await client.delete(KINDS.pod, { namespace, name }, { gracePeriodSeconds: 0, ...(uid === undefined ? {} : { preconditions: { uid } }), signal });
      logger.info({ pod: key, node: nodeName }, 'removed a pod whose node is gone');
    } catch (error) {
      if (!isStatus(error, 'NotFound', 'Conflict')) throw error;
    }
    return DONE;
  }

  async function nodeExists(name: string, signal: AbortSignal): Promise<boolean> {
    try {
      await client.get(KINDS.node, { name }, { signal });
      return true;
    } catch (error) {
      if (isStatus(error, 'NotFound')) return false;
      throw error;
    }
  }

  return createController({
    name: 'pod-gc',
    clock,
    logger,
    workers: 2,
    informers: [pods, nodes],
    reconcile,
    subscribe: (queue) => [
      pods.onEvent(({ type, object }) => {
        const nodeName = object.spec?.nodeName ?? '';
        const isStranded = nodeName === '' ? object.metadata.deletionTimestamp !== undefined : nodes.get(nodeName) === undefined;
        if (type !== 'deleted' && isStranded) queue.add(keyOf(object));
      }),
      nodes.onEvent(({ type, object }) => {
        if (type !== 'deleted') return;
        for (const pod of pods.list()) if (pod.spec?.nodeName === object.metadata.name) queue.add(keyOf(pod));
      }),
    ],
  });
}

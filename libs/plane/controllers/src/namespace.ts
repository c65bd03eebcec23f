import { mapLimit, type Service } from '@tiphys/kernel';
import { isStatus, keyOf, type corev1, type metav1, type ResourceType } from '@tiphys/kube-model';
import { discover, type DiscoveredResource, type KubeClient } from '@tiphys/kube-client';
import { createController, DONE, type ReconcileResult } from './controller.ts';
import { KINDS, type ControllerDeps } from './kinds.ts';
import { withCondition } from './pods.ts';

const FINALIZER = 'kubernetes';
const PARALLEL = 8;
const LOOK_AGAIN_MS = 250;
const LOOK_AGAIN_MAX_MS = 5_000;

/** What of one resource is still in a namespace. */
interface Remaining {
  readonly type: ResourceType;
  readonly count: number;
  readonly finalizers: readonly string[];
}

/** Empties namespaces that are deleted, pods first, and lets them go once nothing is left. */
export function createNamespaceController(deps: ControllerDeps): Service {
  const { client, informers, clock, logger } = deps;
  const namespaces = informers.informer<corev1.Namespace>({ type: KINDS.namespace });
  const looks = new Map<string, number>();

  async function reconcile(name: string, signal: AbortSignal): Promise<ReconcileResult> {
    const namespace = namespaces.get(name);
    if (namespace?.metadata.deletionTimestamp === undefined || namespace.spec?.finalizers?.includes(FINALIZER) !== true) {
      looks.delete(name);
      return DONE;
    }
    const types = (await discover(client, signal)).filter(
      (row) => row.namespaced && row.preferred && row.verbs.includes('list') && row.verbs.includes('delete'),
    );
    // Pods first: what they use must not vanish under them (KEP-5080).
    const pods = types.filter(isPod);
    const others = types.filter((row) => !isPod(row));
    const left = await empty(name, pods, signal);
    const remaining = left.length > 0 ? left : await empty(name, others, signal);
    if (remaining.length > 0) {
      await report(namespace, remaining, signal);
      const tries = looks.get(name) ?? 0;
      looks.set(name, tries + 1);
      return { requeueAfterMs: Math.min(LOOK_AGAIN_MS * 1.5 ** tries, LOOK_AGAIN_MAX_MS) };
    }
    const finalizers = namespace.spec.finalizers.filter((finalizer) => finalizer !== FINALIZER);
    await client.update(KINDS.namespace, { ...namespace, spec: { ...namespace.spec, finalizers } }, { subresource: 'finalize', signal });
    return DONE;
  }

  async function empty(namespace: string, types: readonly DiscoveredResource[], signal: AbortSignal): Promise<readonly Remaining[]> {
    const results = await mapLimit(types, PARALLEL, (type) => emptyOne(namespace, type, signal), signal);
    return results.filter(({ count }) => count > 0);
  }

  async function emptyOne(namespace: string, type: DiscoveredResource, signal: AbortSignal): Promise<Remaining> {
    const items = await listMetadata(client, namespace, type, signal);
    if (items.length === 0) return { type, count: 0, finalizers: [] };
    const left = await mapLimit(items, PARALLEL, async (item) => {
      if (item.deletionTimestamp !== undefined) return item.finalizers ?? [];
      try {
        const answer = await client.delete(
          type,
          { namespace, name: item.name ?? '' },
          { propagationPolicy: 'Background', ...(item.uid === undefined ? {} : { preconditions: { uid: item.uid } }), signal },
        );
        const isWaiting =
          answer.kind !== 'Status' && 'metadata' in answer && 'deletionTimestamp' in answer.metadata && answer.metadata.deletionTimestamp !== undefined;
        return isWaiting && 'finalizers' in answer.metadata ? (answer.metadata.finalizers ?? []) : isWaiting ? [] : undefined;
      } catch (error) {
        if (isStatus(error, 'NotFound')) return undefined;
        if (isStatus(error, 'Conflict')) return [];
        throw error;
      }
    });
    const waiting = left.filter((finalizers) => finalizers !== undefined);
    return { type, count: waiting.length, finalizers: waiting.flat() };
  }

  async function report(namespace: corev1.Namespace, remaining: readonly Remaining[], signal: AbortSignal): Promise<void> {
    const known = namespace.status?.conditions ?? [];
    const conditions = conditionsOf(known, remaining, clock.now());
    if (conditions === known) return;
    await client.patch(KINDS.namespace, { name: namespace.metadata.name ?? '' }, { status: { conditions } }, { type: 'merge', subresource: 'status', signal });
  }

  return createController({
    name: 'namespace',
    clock,
    logger,
    informers: [namespaces],
    reconcile,
    subscribe: (queue) => [namespaces.onEvent(({ object }) => queue.add(keyOf(object)))],
  });
}

async function listMetadata(client: KubeClient, namespace: string, type: ResourceType, signal: AbortSignal): Promise<readonly metav1.ObjectMeta[]> {
  try {
    return (await client.list(type, { namespace, metadataOnly: true, signal })).items.map(({ metadata }) => metadata);
  } catch (error) {
    if (isStatus(error, 'NotFound', 'MethodNotAllowed')) return []; // The kind went away since it was discovered.
    throw error;
  }
}

function isPod(type: ResourceType): boolean {
  return type.group === '' && type.resource === 'pods';
}

type Conditions = ReadonlyArray<corev1.NamespaceCondition>;

function conditionsOf(known: Conditions, remaining: readonly Remaining[], nowMs: number): Conditions {
  const content = `Some resources are remaining: ${remaining.map(({ type, count }) => `${type.resource}.${type.group} has ${count} resource instances`).join(', ')}`;
  const finalizers = [...new Set(remaining.flatMap((row) => row.finalizers))];
  const blocked = `Some content in the namespace has finalizers remaining: ${finalizers.map((finalizer) => `${finalizer} in ${remaining.filter((row) => row.finalizers.includes(finalizer)).reduce((sum, row) => sum + row.count, 0)} resource instances`).join(', ')}`;
  const withContent = withCondition(known, { type: 'NamespaceContentRemaining', status: 'True', reason: 'SomeResourcesRemain', message: content }, nowMs);
  return finalizers.length === 0
    ? withContent
    : withCondition(withContent, { type: 'NamespaceFinalizersRemaining', status: 'True', reason: 'SomeFinalizersRemain', message: blocked }, nowMs);
}

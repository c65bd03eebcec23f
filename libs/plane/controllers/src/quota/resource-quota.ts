import type { Service } from '@tiphys/kernel';
import { deepEqual, keyOf, parseKey, type corev1, type KubeObject, type ResourceType } from '@tiphys/kube-model';
import { addAmounts, formatAmounts, maskAmounts, matchesScopes, quotaUsage, type Amounts, type ResourceList } from '@tiphys/plane-quota';
import { createController, DONE, type ReconcileResult } from '../controller.ts';
import { KINDS, type ControllerDeps } from '../kinds.ts';
import { CountedKinds, countedResource } from './counted-kinds.ts';

// Changes of a namespace come in bursts; one count answers them all.
const SETTLE_MS = 100;
const RESYNC_MS = 5 * 60_000;

/** Shows what the objects of a namespace use of its quotas. The API server counts for itself: nobody is let in by what stands here. */
export function createResourceQuotaController(deps: ControllerDeps): Service {
  const { client, informers, clock, logger } = deps;
  const quotas = informers.informer<corev1.ResourceQuota>({ type: KINDS.resourceQuota });
  const [pods, services] = [informers.informer<KubeObject>({ type: KINDS.pod }), informers.informer<KubeObject>({ type: KINDS.service })];
  let kinds: CountedKinds | undefined;

  async function reconcile(key: string, signal: AbortSignal): Promise<ReconcileResult> {
    const { name, namespace = '' } = parseKey(key);
    const quota = quotas.get(name, namespace);
    kinds?.keepOnly(new Set(quotas.list().flatMap(({ spec }) => Object.keys(spec?.hard ?? {}).map(countedResource))));
    if (quota === undefined || quota.metadata.deletionTimestamp !== undefined) return DONE;
    const hard = quota.spec?.hard ?? {};
    const used = await count(quota, namespace, signal);
    if (!deepEqual(quota.status?.hard ?? {}, hard) || !deepEqual(quota.status?.used ?? {}, used))
      await client.update(KINDS.resourceQuota, { ...quota, status: { hard, used } }, { subresource: 'status', signal });
    return { requeueAfterMs: RESYNC_MS };
  }

  async function count(quota: corev1.ResourceQuota, namespace: string, signal: AbortSignal): Promise<ResourceList> {
    const names = Object.keys(quota.spec?.hard ?? {});
    let used: Amounts = new Map();
    for (const id of new Set(names.map(countedResource))) {
      const informer = await kinds?.of(id, signal);
      if (informer !== undefined) used = addAmounts(used, usageOf(quota.spec ?? {}, informer.type, informer.list(namespace), clock.now()));
    }
    return formatAmounts(maskAmounts(used, names, true));
  }

  return createController({
    name: 'resource-quota',
    clock,
    logger,
    informers: [quotas, pods, services],
    reconcile,
    subscribe: (queue) => {
      const touch = (namespace: string): void => {
        for (const quota of quotas.list(namespace)) queue.addAfter(keyOf(quota), SETTLE_MS);
      };
      kinds = new CountedKinds(deps, touch);
      const counted = kinds;
      return [
        quotas.onEvent(({ object }) => {
          queue.add(keyOf(object));
          touch(object.metadata.namespace ?? '');
        }),
        ...[pods, services].map((informer) => informer.onEvent(({ object }) => touch(object.metadata.namespace ?? ''))),
        () => counted.keepOnly(new Set()),
      ];
    },
  });
}

function usageOf(spec: corev1.ResourceQuotaSpec, type: ResourceType, objects: readonly KubeObject[], nowMs: number): Amounts {
  let used: Amounts = new Map();
  for (const object of objects) if (matchesScopes(spec, object)) used = addAmounts(used, quotaUsage(type, object, nowMs));
  return used;
}

import type { Service as Loop } from '@tiphys/kernel';
import { deepEqual, isStatus, keyOf, parseKey, type corev1 } from '@tiphys/kube-model';
import { createController, DONE, type ReconcileResult } from './controller.ts';
import { KINDS, type ControllerDeps } from './kinds.ts';

/**
 * Gives Services of type LoadBalancer their address. On one machine that is the address the Service has anyway: whoever reaches the
 * machine's loopback reaches it. Services of another `loadBalancerClass` are left to whoever serves that class (KEP-1959).
 */
export function createLoadBalancerController({ client, informers, clock, logger }: ControllerDeps): Loop {
  const services = informers.informer<corev1.Service>({ type: KINDS.service });

  async function reconcile(key: string, signal: AbortSignal): Promise<ReconcileResult> {
    const { name, namespace } = parseKey(key);
    const service = services.get(name, namespace);
    if (service === undefined || service.metadata.deletionTimestamp !== undefined) return DONE;
    const wanted = wantedStatus(service);
    if (wanted === undefined || deepEqual(service.status?.loadBalancer ?? {}, wanted)) return DONE;
    await client
      .patch(KINDS.service, { namespace, name }, { status: { loadBalancer: wanted } }, { type: 'merge', subresource: 'status', signal })
      .catch((error: unknown) => {
        if (!isStatus(error, 'NotFound')) throw error;
      });
    return DONE;
  }

  return createController({
    name: 'load-balancer',
    clock,
    logger,
    informers: [services],
    reconcile,
    subscribe: (queue) => [services.onEvent(({ object }) => queue.add(keyOf(object)))],
  });
}

function wantedStatus({ spec = {} }: corev1.Service): corev1.LoadBalancerStatus | undefined {
  if (spec.loadBalancerClass !== undefined) return undefined;
  if (spec.type !== 'LoadBalancer') return {};
  const { clusterIP = '' } = spec;
  return clusterIP === '' || clusterIP === 'None' ? {} : { ingress: [{ ip: clusterIP, ipMode: 'VIP' }] };
}

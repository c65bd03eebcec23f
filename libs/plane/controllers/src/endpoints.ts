import type { Service as Loop } from '@tiphys/kernel';
import { deepEqual, isStatus, keyOf, matchesSelector, parseKey, selectorOfMap, type corev1, type discoveryv1 } from '@tiphys/kube-model';
import type { KubeClient } from '@tiphys/kube-client';
import { createController, DONE, type ReconcileResult } from './controller.ts';
import { isSameSlice, MANAGED_BY, MANAGED_LABEL, planEndpoints, planSlices, selectsPods, SERVICE_LABEL } from './endpoints-plan.ts';
import { KINDS, type ControllerDeps } from './kinds.ts';

const SLICE_INDEX = 'serviceOfSlice';

/** Tells where the pods of each Service can be reached: EndpointSlices, and Endpoints for older readers. */
export function createEndpointsController(deps: ControllerDeps): Loop {
  const { client, informers, clock, logger } = deps;
  const services = informers.informer<corev1.Service>({ type: KINDS.service });
  const pods = informers.informer<corev1.Pod>({ type: KINDS.pod });
  const slices = informers.informer<discoveryv1.EndpointSlice>({ type: KINDS.endpointSlice });
  const endpoints = informers.informer<corev1.Endpoints>({ type: KINDS.endpoints });
  slices.addIndex(SLICE_INDEX, (slice) => [`${slice.metadata.namespace ?? ''}/${slice.metadata.labels?.[SERVICE_LABEL] ?? ''}`]);

  async function reconcile(key: string, signal: AbortSignal): Promise<ReconcileResult> {
    const { name, namespace } = parseKey(key);
    const service = services.get(name, namespace);
    // What a Service leaves behind is collected by its owner references; Endpoints carry its name only.
    if (service === undefined) return removeEndpoints(name, namespace, signal);
    if (!selectsPods(service) || service.metadata.deletionTimestamp !== undefined) return DONE;
    const selector = selectorOfMap(service.spec?.selector ?? {});
    const wanted = planSlices(
      service,
      pods.list(namespace).filter((pod) => matchesSelector(selector, pod.metadata.labels)),
    );
    await writeSlices(key, wanted, signal);
    await writeEndpoints(client, endpoints.get(name, namespace), planEndpoints(service, wanted), signal);
    return DONE;
  }

  async function writeSlices(key: string, wanted: readonly discoveryv1.EndpointSlice[], signal: AbortSignal): Promise<void> {
    const live = new Map(
      slices
        .byIndex(SLICE_INDEX, key)
        .filter(({ metadata }) => metadata.labels?.[MANAGED_LABEL] === MANAGED_BY)
        .map((slice) => [slice.metadata.name ?? '', slice]),
    );
    for (const slice of wanted) {
      const known = live.get(slice.metadata.name ?? '');
      live.delete(slice.metadata.name ?? '');
      if (known === undefined) await createOrReplace(client, slice, signal);
      else if (!isSameSlice(known, slice)) await client.update(KINDS.endpointSlice, withVersion(slice, known), { signal });
    }
    // New ones are there before old ones go: a proxy never sees an endpoint vanish that only moved.
    for (const { metadata } of live.values())
      await ignoreMissing(client.delete(KINDS.endpointSlice, { namespace: metadata.namespace, name: metadata.name ?? '' }, { signal }));
  }

  async function removeEndpoints(name: string, namespace: string | undefined, signal: AbortSignal): Promise<ReconcileResult> {
    const live = endpoints.get(name, namespace);
    if (live?.metadata.labels?.['endpoints.kubernetes.io/managed-by'] === 'endpoint-controller')
      await ignoreMissing(client.delete(KINDS.endpoints, { namespace, name }, { signal }));
    return DONE;
  }

  return createController({
    name: 'endpoints',
    clock,
    logger,
    informers: [services, pods, slices, endpoints],
    reconcile,
    subscribe: (queue) => [
      services.onEvent(({ object }) => queue.add(keyOf(object))),
      slices.onEvent(({ object }) => {
        const service = object.metadata.labels?.[SERVICE_LABEL];
        if (service !== undefined && object.metadata.labels?.[MANAGED_LABEL] === MANAGED_BY) queue.add(`${object.metadata.namespace ?? ''}/${service}`);
      }),
      endpoints.onEvent(({ object }) => queue.add(keyOf(object))),
      pods.onEvent((event) => {
        for (const service of services.list(event.object.metadata.namespace)) {
          if (!selectsPods(service)) continue;
          const selector = selectorOfMap(service.spec?.selector ?? {});
          const matches =
            matchesSelector(selector, event.object.metadata.labels) || (event.type === 'updated' && matchesSelector(selector, event.old.metadata.labels));
          if (matches) queue.add(keyOf(service));
        }
      }),
    ],
  });
}

async function writeEndpoints(client: KubeClient, live: corev1.Endpoints | undefined, wanted: corev1.Endpoints, signal: AbortSignal): Promise<void> {
  if (live !== undefined && deepEqual(live.subsets ?? [], wanted.subsets ?? [])) return;
  if (live !== undefined) await client.update(KINDS.endpoints, withVersion(wanted, live), { signal });
  else await client.create(KINDS.endpoints, wanted, { signal });
}

async function createOrReplace(client: KubeClient, slice: discoveryv1.EndpointSlice, signal: AbortSignal): Promise<void> {
  try {
    await client.create(KINDS.endpointSlice, slice, { signal });
  } catch (error) {
    if (!isStatus(error, 'AlreadyExists')) throw error;
    // The cache was behind: the name is ours by its hash, so what is there is replaced.
    const live = await client.get<discoveryv1.EndpointSlice>(
      KINDS.endpointSlice,
      { namespace: slice.metadata.namespace, name: slice.metadata.name ?? '' },
      { signal },
    );
    if (!isSameSlice(live, slice)) await client.update(KINDS.endpointSlice, withVersion(slice, live), { signal });
  }
}

function withVersion<T extends { readonly metadata: { readonly resourceVersion?: string } }>(wanted: T, live: T): T {
  const { resourceVersion } = live.metadata;
  return { ...wanted, metadata: { ...wanted.metadata, ...(resourceVersion === undefined ? {} : { resourceVersion }) } };
}

async function ignoreMissing(deletion: Promise<unknown>): Promise<void> {
  try {
    await deletion;
  } catch (error) {
    if (!isStatus(error, 'NotFound')) throw error;
  }
}

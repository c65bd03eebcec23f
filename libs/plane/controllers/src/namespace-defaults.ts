import type { Service } from '@tiphys/kernel';
import { isStatus, keyOf, type corev1, type KubeObject } from '@tiphys/kube-model';
import { createController, DONE, type ReconcileResult } from './controller.ts';
import { KINDS, type ControllerDeps } from './kinds.ts';

const ROOT_CA_NAME = 'kube-root-ca.crt';

/** Sees to it that every namespace has its default ServiceAccount. */
export function createServiceAccountController(deps: ControllerDeps): Service {
  const accounts = deps.informers.informer<corev1.ServiceAccount>({ type: KINDS.serviceAccount });
  return perNamespace(deps, 'serviceaccount', accounts, 'default', async (namespace, signal) => {
    if (accounts.get('default', namespace) !== undefined) return;
    await createIfMissing(() =>
      deps.client.create<corev1.ServiceAccount>(
        KINDS.serviceAccount,
        { apiVersion: 'v1', kind: 'ServiceAccount', metadata: { namespace, name: 'default' } },
        { signal },
      ),
    );
  });
}

/** Publishes the API server's root certificate in every namespace, where pods look for it. */
export function createRootCaPublisher(deps: ControllerDeps, rootCaPem: string): Service {
  const configMaps = deps.informers.informer<corev1.ConfigMap>({ type: KINDS.configMap });
  const data = { 'ca.crt': rootCaPem };
  return perNamespace(deps, 'root-ca-publisher', configMaps, ROOT_CA_NAME, async (namespace, signal) => {
    const live = configMaps.get(ROOT_CA_NAME, namespace);
    if (live?.data?.['ca.crt'] === rootCaPem) return;
    const wanted: corev1.ConfigMap = {
      apiVersion: 'v1',
      kind: 'ConfigMap',
      metadata: {
        namespace,
        name: ROOT_CA_NAME,
        annotations: { 'kubernetes.io/description': 'Contains a CA bundle that can be used to verify the API server of this cluster.' },
      },
      data,
    };
    if (live === undefined) await createIfMissing(() => deps.client.create(KINDS.configMap, wanted, { signal }));
    else await deps.client.patch(KINDS.configMap, { namespace, name: ROOT_CA_NAME }, { data }, { type: 'merge', signal });
  });
}

interface Followed {
  waitForSync(signal: AbortSignal): Promise<void>;
  onEvent(handler: (event: { readonly object: KubeObject }) => void): () => void;
}

function perNamespace(
  deps: ControllerDeps,
  name: string,
  objects: Followed,
  objectName: string,
  ensure: (namespace: string, signal: AbortSignal) => Promise<void>,
): Service {
  const { informers, clock, logger } = deps;
  const namespaces = informers.informer<corev1.Namespace>({ type: KINDS.namespace });
  const reconcile = async (key: string, signal: AbortSignal): Promise<ReconcileResult> => {
    const namespace = namespaces.get(key);
    if (namespace !== undefined && namespace.metadata.deletionTimestamp === undefined) await ensure(key, signal);
    return DONE;
  };
  return createController({
    name,
    clock,
    logger,
    workers: 2,
    informers: [namespaces, objects],
    reconcile,
    subscribe: (queue) => [
      namespaces.onEvent(({ object }) => queue.add(keyOf(object))),
      objects.onEvent(({ object }) => {
        if (object.metadata.name === objectName) queue.add(object.metadata.namespace ?? '');
      }),
    ],
  });
}

// Someone else made it, or the namespace began to end: in both cases there is nothing to do.
async function createIfMissing(create: () => Promise<unknown>): Promise<void> {
  try {
    await create();
  } catch (error) {
    if (!isStatus(error, 'AlreadyExists', 'NotFound', 'Forbidden')) throw error;
  }
}

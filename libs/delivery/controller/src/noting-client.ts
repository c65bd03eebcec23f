import type { KubeClient, WriteOptions } from '@tiphys/kube-client';
import { refOf, type KubeObject } from '@tiphys/kube-model';
import type { Cluster } from './cluster.ts';

/** A client for writes to a cluster: the cache learns what was written, so that no decision is made on what it knew before. */
export function notingClient(cluster: Pick<Cluster, 'noteWrite' | 'writes'>, client: KubeClient): KubeClient {
  const noted = async <T extends KubeObject>(call: () => Promise<T>, { dryRun, signal }: WriteOptions): Promise<T> => {
    const object = await cluster.writes.run(signal, call);
    if (dryRun !== true && object.metadata.resourceVersion !== undefined && refOf(object).name !== '') cluster.noteWrite(object);
    return object;
  };
  return {
    server: client.server,
    get: (type, key, options) => client.get(type, key, options),
    list: (type, options) => client.list(type, options),
    watch: (type, options) => client.watch(type, options),
    raw: (request) => client.raw(request),
    delete: (type, key, options) => cluster.writes.run(options.signal, () => client.delete(type, key, options)),
    close: () => client.close(),
    impersonate: (user) => notingClient(cluster, client.impersonate(user)),
    create: (type, object, options) => noted(() => client.create(type, object, options), options),
    update: (type, object, options) => noted(() => client.update(type, object, options), options),
    patch: (type, key, patch, options) => noted(() => client.patch(type, key, patch, options), options),
  };
}

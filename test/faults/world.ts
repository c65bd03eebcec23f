import { isFinished, syncRunType, type SyncRun } from '@tiphys/delivery-applications';
import { systemClock } from '@tiphys/kernel';
import { createInformerFactory, type KubeClient } from '@tiphys/kube-client';
import { builtin, type KubeObject } from '@tiphys/kube-model';
import { logger, signal } from '../e2e/delivery-harness.ts';

/** A change of the world: `ConfigMap/web`, as it was at that moment. */
interface WorldChange {
  readonly type: 'added' | 'deleted';
  readonly name: string;
  readonly object: KubeObject;
}

/** Everything that happened to the objects of tests since the watch began, seen from beside the controller. */
export interface World extends AsyncDisposable {
  /** Names of the objects of a namespace that were created, each time, in order. */
  created(namespace: string): readonly string[];
  /** Names of the objects of a namespace that were deleted, each time, in order. */
  deleted(namespace: string): readonly string[];
}

/** Follows ConfigMaps and Jobs of all namespaces. */
export async function watchWorld(client: KubeClient): Promise<World> {
  const stop = new AbortController();
  const informers = createInformerFactory({ client, clock: systemClock, logger });
  const changes: WorldChange[] = [];
  for (const type of [builtin('v1', 'ConfigMap'), builtin('batch/v1', 'Job')])
    informers.informer({ type }).onEvent((event) => {
      if (event.type !== 'updated') changes.push({ type: event.type, name: `${type.kind}/${event.object.metadata.name ?? ''}`, object: event.object });
    });
  const running = informers.run(stop.signal);
  await informers.waitForSync(signal());
  const of = (wanted: WorldChange['type'], namespace: string): readonly string[] =>
    changes.filter(({ type, object }) => type === wanted && object.metadata.namespace === namespace).map(({ name }) => name);
  return {
    created: (namespace) => of('added', namespace),
    deleted: (namespace) => of('deleted', namespace),
    async [Symbol.asyncDispose]() {
      stop.abort();
      await running;
    },
  };
}

/** The runs of a namespace that holds Applications. */
export async function runsIn(client: KubeClient, namespace = 'argocd'): Promise<readonly SyncRun[]> {
  return (await client.list<SyncRun>(syncRunType, { namespace, signal: signal() })).items;
}

/** The number of runs that have not come to an end. */
export const unfinished = (runs: readonly SyncRun[]): number => runs.filter((run) => !isFinished(run)).length;

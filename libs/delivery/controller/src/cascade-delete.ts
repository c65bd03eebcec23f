import { defaultSyncOptions, resourceSyncOptions, waveOf, type Application } from '@tiphys/delivery-applications';
import { deleteAndWait } from '@tiphys/delivery-sync';
import { mapLimit, type Clock } from '@tiphys/kernel';
import { refOf } from '@tiphys/kube-model';
import type { Cluster } from './cluster.ts';

const DELETES_AT_ONCE = 8;

/** Deletes what an application manages: the highest wave first, a lower wave only when those above are gone. Objects with Delete=false stay. */
export async function deleteManaged(application: Application, cluster: Cluster, clock: Clock, signal: AbortSignal): Promise<void> {
  await cluster.follow(
    (application.status?.resources ?? []).map(({ group = '', version, kind }) => ({ group, version, kind })),
    signal,
  );
  const mine = cluster
    .tracked(application.metadata.name ?? '')
    .filter((object) => resourceSyncOptions(object, defaultSyncOptions).delete !== 'no' && (object.metadata.ownerReferences ?? []).length === 0);
  for (const wave of [...new Set(mine.map(waveOf))].toSorted((a, b) => b - a)) {
    const objects = mine.filter((object) => waveOf(object) === wave);
    await mapLimit(objects, DELETES_AT_ONCE, async (object) => {
      const type = await cluster.kinds.find(object.apiVersion, object.kind, signal);
      if (type !== undefined) await deleteAndWait(type, { ref: refOf(object) }, { client: cluster.client, clock }, signal);
    });
  }
}

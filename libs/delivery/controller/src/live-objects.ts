import { parseSyncOptions, resourceSyncOptions, type Application } from '@tiphys/delivery-applications';
import { asOurs } from '@tiphys/delivery-sync';
import { refKey, refOf, type KubeObject } from '@tiphys/kube-model';
import type { Cluster } from './cluster.ts';

const MIGRATION_MANAGER = 'argocd.argoproj.io/client-side-apply-migration-manager';

/** The live counterparts of desired objects, by key, as a comparison has to see them. */
export interface LiveObjects {
  readonly byKey: ReadonlyMap<string, KubeObject>;
  /** The same as they are stored: with who wrote them. */
  readonly stored: ReadonlyMap<string, KubeObject>;
  /** Keys of those whose fields another applier of the same manifests owns so far. */
  readonly adopted: ReadonlySet<string>;
}

/** Another manager whose fields an application takes over, besides the well-known ones. */
export function earlierApplierOf(application: Application): string | undefined {
  return application.metadata.annotations?.[MIGRATION_MANAGER];
}

/** Looks desired objects up in the cluster's cache. */
export function liveObjects(application: Application, desired: readonly KubeObject[], cluster: Cluster, manager: string): LiveObjects {
  const byKey = new Map<string, KubeObject>();
  const storedByKey = new Map<string, KubeObject>();
  const adopted = new Set<string>();
  const options = parseSyncOptions(application.spec.syncPolicy?.syncOptions ?? []);
  const earlierApplier = earlierApplierOf(application);
  for (const object of desired) {
    const ref = refOf(object);
    const stored = cluster.get(ref);
    if (stored === undefined) continue;
    const schema = cluster.schemaFor(object.apiVersion, object.kind);
    const seen = asOurs(stored, resourceSyncOptions(object, options), { manager, earlierApplier, schema });
    byKey.set(refKey(ref), seen.live);
    storedByKey.set(refKey(ref), stored);
    if (seen.adopted) adopted.add(refKey(ref));
  }
  return { byKey, stored: storedByKey, adopted };
}

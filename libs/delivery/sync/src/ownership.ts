import { defaultSyncOptions, type SyncOptions } from '@tiphys/delivery-applications';
import { lastAppliedOf, withAdoptedFields } from '@tiphys/delivery-diff';
import { isJsonObject, type KubeObject } from '@tiphys/kube-model';
import { serverSideApply, type SchemaNode } from '@tiphys/kube-patch';

// Merging needs some time to stamp; it is never written.
const EPOCH = '1970-01-01T00:00:00Z';

/** Whose objects are read as ours. */
export interface OwnershipContext {
  readonly manager: string;
  /** A further earlier applier (annotation `argocd.argoproj.io/client-side-apply-migration-manager` of the application). */
  readonly earlierApplier?: string | undefined;
  readonly schema: SchemaNode | undefined;
}

/**
 * A live object as a comparison has to see it: with the fields we answer for owned by us. `adopted` says that the API does not
 * know yet, so that a write has to move them first. A manager that has applied once under its own name is never overruled.
 */
export function asOurs(live: KubeObject, options: SyncOptions, context: OwnershipContext): { readonly live: KubeObject; readonly adopted: boolean } {
  if (!appliesOnServer(live, options)) return { live: ownedAsLastApplied(live, context), adopted: false };
  const { manager, schema, earlierApplier } = context;
  const seen = options.clientSideApplyMigration ? withAdoptedFields(live, manager, schema, earlierApplier) : live;
  return { live: seen, adopted: seen !== live };
}

/** Whether an object is applied on the server: Secrets always are, or the annotation would hold their values. */
export function appliesOnServer(object: KubeObject, options: SyncOptions = defaultSyncOptions): boolean {
  return options.serverSideApply || (object.kind === 'Secret' && object.apiVersion === 'v1');
}

/** The live object with exactly what was applied last owned by the manager. Without a readable annotation nothing is. */
export function ownedAsLastApplied(live: KubeObject, { manager, schema }: Pick<OwnershipContext, 'manager' | 'schema'>): KubeObject {
  const applied = manifestOf(live);
  if (applied === undefined) return { ...live, metadata: { ...live.metadata, managedFields: [] } };
  const first = serverSideApply({ live: undefined, applied, manager, force: true, schema, now: EPOCH });
  const managedFields = first.kind === 'applied' ? (first.object.metadata.managedFields ?? []) : [];
  return { ...live, metadata: { ...live.metadata, managedFields } };
}

function manifestOf(live: KubeObject): KubeObject | undefined {
  const value = lastAppliedOf(live);
  if (!isJsonObject(value) || !('metadata' in value)) return undefined;
  const { apiVersion, kind } = live;
  // Written by a client that applied a manifest of this object; a damaged one fails in the merge at the worst.
  return { ...value, apiVersion, kind } as unknown as KubeObject;
}

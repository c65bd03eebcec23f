import { defaultSyncOptions, type SyncOptions } from '@tiphys/delivery-applications';
import type { KubeObject } from '@tiphys/kube-model';
import { moveOwnership, serverSideApply, type SchemaNode } from '@tiphys/kube-patch';

/** Annotation in which a client that merges on its side keeps what it applied last. */
export const LAST_APPLIED_ANNOTATION = 'kubectl.kubernetes.io/last-applied-configuration';

/** Managers under which the same manifests were applied before us: kubectl, and Argo CD in either of its ways. */
const EARLIER_APPLIERS: readonly string[] = ['kubectl-client-side-apply', 'argocd-controller'];

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
  const managedFields = options.clientSideApplyMigration ? adoptedFields(live, context) : undefined;
  return managedFields === undefined ? { live, adopted: false } : { live: { ...live, metadata: { ...live.metadata, managedFields } }, adopted: true };
}

/** Whether an object is applied on the server: Secrets always are, or the annotation would hold their values. */
export function appliesOnServer(object: KubeObject, options: SyncOptions = defaultSyncOptions): boolean {
  return options.serverSideApply || (object.kind === 'Secret' && object.apiVersion === 'v1');
}

/** `managedFields` after earlier appliers of the same manifests handed their fields to us; undefined when nothing is to be moved. */
export function adoptedFields(live: KubeObject, { manager, earlierApplier }: Omit<OwnershipContext, 'schema'>): KubeObject['metadata']['managedFields'] {
  const entries = live.metadata.managedFields ?? [];
  if (entries.some((entry) => entry.manager === manager && entry.operation === 'Apply')) return undefined;
  const from = new Set([...EARLIER_APPLIERS, ...(earlierApplier === undefined ? [] : [earlierApplier])]);
  return moveOwnership(live, { from, manager, exceptAnnotations: [LAST_APPLIED_ANNOTATION] });
}

/** The live object with exactly what was applied last owned by the manager. Without a readable annotation nothing is. */
export function ownedAsLastApplied(live: KubeObject, { manager, schema }: Pick<OwnershipContext, 'manager' | 'schema'>): KubeObject {
  const applied = lastAppliedOf(live);
  if (applied === undefined) return { ...live, metadata: { ...live.metadata, managedFields: [] } };
  const first = serverSideApply({ live: undefined, applied, manager, force: true, schema, now: EPOCH });
  const managedFields = first.kind === 'applied' ? (first.object.metadata.managedFields ?? []) : [];
  return { ...live, metadata: { ...live.metadata, managedFields } };
}

function lastAppliedOf(live: KubeObject): KubeObject | undefined {
  try {
    const value: unknown = JSON.parse(live.metadata.annotations?.[LAST_APPLIED_ANNOTATION] ?? 'null');
    if (typeof value !== 'object' || value === null || !('metadata' in value)) return undefined;
    const { apiVersion, kind } = live;
    // Written by a client that applied a manifest of this object; a damaged one fails in the merge at the worst.
    return { ...value, apiVersion, kind } as KubeObject;
  } catch {
    return undefined;
  }
}

import { LAST_APPLIED_ANNOTATION } from '@tiphys/delivery-diff';
import { deepEqual, type KubeObject } from '@tiphys/kube-model';
import { serverSideApply, withoutManagedFields, type SchemaNode } from '@tiphys/kube-patch';
import { ownedAsLastApplied } from './ownership.ts';

const SELF = 'client-side';
const EPOCH = '1970-01-01T00:00:00Z';

/** What a client-side apply sends: a new object, a changed one, or nothing. */
export type ClientSideWrite = { readonly kind: 'create' | 'update'; readonly object: KubeObject } | { readonly kind: 'none'; readonly object: KubeObject };

/**
 * The three-way merge of `kubectl apply`: what was applied last and is no longer desired goes, what is desired is set, the rest
 * of the live object stays. Lists with keys merge by key. Pure.
 */
export function mergeOnClient(desired: KubeObject, live: KubeObject | undefined, schema: SchemaNode | undefined): ClientSideWrite {
  const annotated = withLastApplied(desired);
  if (live === undefined) return { kind: 'create', object: annotated };
  const result = serverSideApply({
    live: ownedAsLastApplied(live, { manager: SELF, schema }),
    applied: annotated,
    manager: SELF,
    force: true,
    schema,
    now: EPOCH,
  });
  // With force there is no conflict; the annotated object alone is the safe answer should that ever change.
  const merged = withoutManagedFields(result.kind === 'applied' ? result.object : annotated);
  if (deepEqual(merged, withoutManagedFields(live))) return { kind: 'none', object: live };
  const { managedFields, resourceVersion } = live.metadata;
  const bookkeeping = { ...(managedFields === undefined ? {} : { managedFields }), ...(resourceVersion === undefined ? {} : { resourceVersion }) };
  return { kind: 'update', object: { ...merged, metadata: { ...merged.metadata, ...bookkeeping } } };
}

function withLastApplied(desired: KubeObject): KubeObject {
  const { [LAST_APPLIED_ANNOTATION]: _, ...annotations } = desired.metadata.annotations ?? {};
  const bare = { ...desired, metadata: { ...desired.metadata, annotations } };
  return { ...bare, metadata: { ...bare.metadata, annotations: { ...annotations, [LAST_APPLIED_ANNOTATION]: `${JSON.stringify(bare)}\n` } } };
}

import { deepEqual, isJsonObject, type KubeObject } from '@tiphys/kube-model';
import { EMPTY_SET, FieldSetBuilder, intersectSets, isEmptySet, pathsOf, subtractSets, subtractSubtrees, unionSets, type FieldSet } from './field-set.ts';
import { formatManagedFields, managerId, parseManagedFields, stampChanged, withoutManagedFields, type ManagedEntry } from './managed-fields.ts';
import { formatPath, type PathElement } from './path-element.ts';
import { UNTYPED, type SchemaNode } from './schema-node.ts';
import { compareValues, ensureNamedFields, mergeValues, removePlaces, toFieldSet } from './typed-value.ts';

/** What both ways of writing say of themselves. */
export interface WriteRequest {
  readonly live: KubeObject | undefined;
  readonly manager: string;
  /** The kind's schema; undefined for kinds nobody described, whose maps merge and whose lists are atomic. */
  readonly schema: SchemaNode | undefined;
  /** Time of the write, RFC 3339 with seconds. */
  readonly now: string;
  readonly subresource?: string;
  /** Top-level fields the write cannot set and so never owns: `status` on the main resource, `spec` on `/status`. */
  readonly resetFields?: readonly string[];
}

/** A server-side apply. */
export interface ApplyRequest extends WriteRequest {
  readonly applied: KubeObject;
  /** Take fields over from their owners instead of reporting conflicts. */
  readonly force: boolean;
}

/** A field that another manager owns with another value. */
export interface FieldConflict {
  readonly manager: string;
  readonly operation: 'Apply' | 'Update';
  readonly apiVersion: string;
  readonly subresource: string;
  readonly time: string | undefined;
  readonly path: string;
  readonly elements: readonly PathElement[];
}

/** What an apply leads to. `changed` is false when nothing but timestamps would be written. */
export type ApplyResult =
  | { readonly kind: 'applied'; readonly object: KubeObject; readonly changed: boolean }
  | { readonly kind: 'conflict'; readonly conflicts: readonly FieldConflict[] };

/** Who owns what was there before anybody was noted (apiserver fieldmanager/skipnonapplied.go). */
export const BEFORE_FIRST_APPLY = 'before-first-apply';

// Identity and bookkeeping belong to no manager (apiserver fieldmanager/stripmeta.go).
const STRIPPED = stripSet(['name', 'namespace', 'creationTimestamp', 'selfLink', 'uid', 'clusterName', 'generation', 'managedFields', 'resourceVersion']);

function stripSet(metadata: readonly string[]): FieldSet {
  const builder = new FieldSetBuilder();
  for (const field of ['apiVersion', 'kind', 'metadata']) builder.add(`f:${field}`);
  for (const field of metadata) builder.child('f:metadata').add(`f:${field}`);
  return builder.build();
}

/**
 * Server-side apply (KEP-555; structured-merge-diff merge.Updater.Apply): lays what is applied over what is live, removes what
 * this manager applied before and nobody owns any more, and reports or takes over fields owned by others. Pure.
 * Managers at other apiVersions are read with the schema given, which is exact while the versions share their fields.
 */
export function serverSideApply(request: ApplyRequest): ApplyResult {
  const { applied, manager, force, now, subresource = '', resetFields = [] } = request;
  const node = request.schema ?? UNTYPED;
  const live = request.live ?? emptyOf(applied);
  const before = entriesBeforeApply(request.live, node, now);
  const acting: ManagedEntry = {
    manager,
    operation: 'Apply',
    apiVersion: applied.apiVersion,
    subresource,
    time: now,
    fields: ownable(toFieldSet(withoutManagedFields(applied), node), resetFields),
  };
  const actingId = managerId(acting);
  const last = before.find((entry) => managerId(entry) === actingId);
  const entries = [...before.filter((entry) => managerId(entry) !== actingId), acting];

  const bareLive = withoutManagedFields(live);
  // Objects in, objects out: merging two KubeObjects yields one.
  const merged = mergeValues(bareLive, identityOf(withoutManagedFields(applied), live), node) as KubeObject;
  const pruned = last === undefined ? merged : prune(merged, last.fields, entries, node);
  const { entries: after, conflicts } = takeOver({ before: bareLive, after: pruned, entries, actingId, node });
  if (conflicts.length > 0 && !force) return { kind: 'conflict', conflicts };

  const managedFields = formatManagedFields(stampChanged(after, before, actingId, now));
  const object: KubeObject = { ...pruned, metadata: { ...pruned.metadata, managedFields } };
  const changed = request.live === undefined || !deepEqual(bareLive, pruned) || !sameOwnership(request.live.metadata.managedFields, managedFields);
  return { kind: 'applied', object: changed || request.live === undefined ? object : request.live, changed };
}

/** A create, update or patch whose result is known. */
export interface UpdateRequest extends WriteRequest {
  readonly updated: KubeObject;
}

/**
 * The updated object with `managedFields` that say who changed what (structured-merge-diff merge.Updater.Update): the manager
 * gains what it added or changed, everyone loses what it removed or changed. Pure.
 */
export function trackUpdate(request: UpdateRequest): KubeObject {
  const { updated, manager, now, subresource = '', resetFields = [] } = request;
  const node = request.schema ?? UNTYPED;
  const before = parseManagedFields(request.live ?? updated);
  const kept = ownersToKeep(request, before);
  const bare = withoutManagedFields(updated);
  const bareLive = withoutManagedFields(request.live ?? emptyOf(updated));
  const identity: ManagedEntry = { manager, operation: 'Update', apiVersion: updated.apiVersion, subresource, time: now, fields: EMPTY_SET };
  const actingId = managerId(identity);
  const { entries, comparison } = takeOver({ before: bareLive, after: bare, entries: kept, actingId, node });
  const old = entries.find((entry) => managerId(entry) === actingId)?.fields ?? EMPTY_SET;
  const fields = ownable(unionSets(unionSets(subtractSets(old, comparison.removed), comparison.modified), comparison.added), resetFields);
  const after = [...entries.filter((entry) => managerId(entry) !== actingId), { ...identity, fields }];
  const managedFields = formatManagedFields(stampChanged(after, before, actingId, now));
  return managedFields.length === 0 ? bare : { ...bare, metadata: { ...bare.metadata, managedFields } };
}

// Clients may rewrite ownership (fieldmanager decodeLiveOrNew): what they send counts, an empty list forgets all owners, none at all changes nothing.
function ownersToKeep({ live, updated, subresource = '' }: UpdateRequest, before: readonly ManagedEntry[]): readonly ManagedEntry[] {
  const sent = updated.metadata.managedFields;
  if (live === undefined || sent === undefined || subresource !== '') return before;
  if (sent.length === 0) return [];
  const entries = parseManagedFields(updated);
  return entries.every((entry) => isEmptySet(entry.fields)) ? before : entries;
}

function emptyOf(object: KubeObject): KubeObject {
  return { apiVersion: object.apiVersion, kind: object.kind, metadata: {} };
}

// An apply may leave out or repeat the identity, but never move it.
function identityOf(applied: KubeObject, live: KubeObject): KubeObject {
  const { uid, resourceVersion, generation, creationTimestamp, ...metadata } = applied.metadata;
  const kept = {
    uid: live.metadata.uid,
    resourceVersion: live.metadata.resourceVersion,
    generation: live.metadata.generation,
    creationTimestamp: live.metadata.creationTimestamp,
  };
  return { ...applied, metadata: { ...metadata, ...Object.fromEntries(Object.entries(kept).filter(([, value]) => value !== undefined)) } };
}

/** The set without what belongs to no manager or cannot be set by the write. */
export function ownable(set: FieldSet, resetFields: readonly string[]): FieldSet {
  const builder = new FieldSetBuilder();
  for (const field of resetFields) builder.add(`f:${field}`);
  return subtractSubtrees(subtractSets(set, STRIPPED), builder.build());
}

function entriesBeforeApply(live: KubeObject | undefined, node: SchemaNode, now: string): readonly ManagedEntry[] {
  if (live === undefined) return [];
  const entries = parseManagedFields(live);
  if (entries.length > 0) return entries;
  const fields = ownable(toFieldSet(withoutManagedFields(live), node), []);
  return [
    { manager: BEFORE_FIRST_APPLY, operation: 'Update', apiVersion: live.apiVersion, subresource: '', time: live.metadata.creationTimestamp ?? now, fields },
  ];
}

// The three removals of merge.Updater.prune: what the manager let go, plus what others own, plus what nobody ever applied.
function prune(merged: KubeObject, last: FieldSet, entries: readonly ManagedEntry[], node: SchemaNode): KubeObject {
  const lastNamed = ensureNamedFields(last, node);
  const mergedSet = ensureNamedFields(toFieldSet(merged, node), node);
  const owned = entries.reduce((all, entry) => unionSets(all, entry.fields), EMPTY_SET);
  const withoutLast = removePlaces(merged, lastNamed, node, owned);
  const kept = unionSets(ensureNamedFields(toFieldSet(withoutLast, node), node), ensureNamedFields(owned, node));
  const withOwned = removePlaces(merged, subtractSets(mergedSet, kept), node, owned);
  const gone = subtractSets(intersectSets(subtractSets(mergedSet, ensureNamedFields(toFieldSet(withOwned, node), node)), lastNamed), STRIPPED);
  // Without the identity, which belongs to no manager, the result would be no object.
  return isEmptySet(gone) ? merged : (removePlaces(merged, gone, node, owned) as KubeObject);
}

interface TakeOver {
  readonly before: KubeObject;
  readonly after: KubeObject;
  readonly entries: readonly ManagedEntry[];
  readonly actingId: string;
  readonly node: SchemaNode;
}

function takeOver({ before, after, entries, actingId, node }: TakeOver): {
  readonly entries: readonly ManagedEntry[];
  readonly conflicts: readonly FieldConflict[];
  readonly comparison: ReturnType<typeof compareValues>;
} {
  const comparison = compareValues(before, after, node);
  const touched = unionSets(comparison.modified, comparison.added);
  const conflicts: FieldConflict[] = [];
  const rest = entries.map((entry) => {
    if (managerId(entry) === actingId) return entry;
    const lost = intersectSets(entry.fields, touched);
    for (const elements of pathsOf(lost)) {
      const { manager, operation, apiVersion, subresource, time } = entry;
      conflicts.push({ manager, operation, apiVersion, subresource, time, elements, path: formatPath(elements) });
    }
    return { ...entry, fields: subtractSets(subtractSets(entry.fields, lost), comparison.removed) };
  });
  return { entries: rest, conflicts: conflicts.toSorted((a, b) => (`${a.manager} ${a.path}` < `${b.manager} ${b.path}` ? -1 : 1)), comparison };
}

function sameOwnership(before: unknown, after: readonly unknown[]): boolean {
  const untimed = (entries: unknown): unknown =>
    Array.isArray(entries) ? entries.map((entry: unknown) => (isJsonObject(entry) ? { ...entry, time: undefined } : entry)) : [];
  return deepEqual(untimed(before), untimed(after));
}

import type { KubeObject, metav1 } from '@tiphys/kube-model';
import { EMPTY_SET, equalSets, formatFieldsV1, isEmptySet, parseFieldsV1, pathsOf, unionSets, type FieldSet } from './field-set.ts';
import type { PathElement } from './path-element.ts';

/** What one manager owns, as an entry of `metadata.managedFields` says it. */
export interface ManagedEntry {
  readonly manager: string;
  readonly operation: 'Apply' | 'Update';
  readonly apiVersion: string;
  readonly subresource: string;
  readonly time: string | undefined;
  readonly fields: FieldSet;
}

/** At most this many Update managers are kept apart (apiserver fieldmanager/capmanagers.go). */
const MAX_UPDATE_MANAGERS = 10;
const ANCIENT = 'ancient-changes';

/** Reads `metadata.managedFields`. */
export function parseManagedFields(object: KubeObject): readonly ManagedEntry[] {
  return (object.metadata.managedFields ?? []).map((entry) => ({
    manager: entry.manager ?? '',
    operation: entry.operation === 'Apply' ? 'Apply' : 'Update',
    apiVersion: entry.apiVersion ?? '',
    subresource: entry.subresource ?? '',
    time: entry.time,
    fields: parseFieldsV1(entry.fieldsV1),
  }));
}

/** Identity of a manager: an applier is the same at every apiVersion, an updater is not. */
export function managerId(entry: Omit<ManagedEntry, 'time' | 'fields'>): string {
  return [entry.manager, entry.operation, entry.operation === 'Apply' ? '' : entry.apiVersion, entry.subresource].join('\u0000');
}

/** Writes entries as `metadata.managedFields`: appliers first, then by time and name; empty ones are dropped, old updaters folded. */
export function formatManagedFields(entries: readonly ManagedEntry[]): readonly metav1.ManagedFieldsEntry[] {
  return capUpdaters(entries.filter((entry) => !isEmptySet(entry.fields)))
    .toSorted(
      (a, b) =>
        compare(a.operation, b.operation) ||
        compare(a.time ?? '', b.time ?? '') ||
        compare(a.manager, b.manager) ||
        compare(a.apiVersion, b.apiVersion) ||
        compare(a.subresource, b.subresource),
    )
    .map((entry) => ({
      manager: entry.manager,
      operation: entry.operation,
      apiVersion: entry.apiVersion,
      ...(entry.time === undefined ? {} : { time: entry.time }),
      fieldsType: 'FieldsV1',
      fieldsV1: formatFieldsV1(entry.fields),
      ...(entry.subresource === '' ? {} : { subresource: entry.subresource }),
    }));
}

function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}

function capUpdaters(entries: readonly ManagedEntry[]): readonly ManagedEntry[] {
  const updaters = entries.filter((entry) => entry.operation === 'Update').toSorted((a, b) => compare(a.time ?? '', b.time ?? ''));
  const surplus = updaters.length - MAX_UPDATE_MANAGERS;
  if (surplus <= 0) return entries;
  const oldest = updaters.slice(0, surplus + 1);
  const folded = new Map<string, ManagedEntry>();
  for (const entry of oldest) {
    const ancient = folded.get(entry.apiVersion);
    folded.set(entry.apiVersion, { ...entry, manager: ANCIENT, subresource: '', fields: unionSets(ancient?.fields ?? EMPTY_SET, entry.fields) });
  }
  return [...entries.filter((entry) => !oldest.includes(entry)), ...folded.values()];
}

/** The entries with `time` renewed for each whose fields changed against `before`. */
export function stampChanged(entries: readonly ManagedEntry[], before: readonly ManagedEntry[], actingId: string, now: string): readonly ManagedEntry[] {
  const known = new Map(before.map((entry) => [managerId(entry), entry]));
  return entries.map((entry) => {
    const id = managerId(entry);
    const old = known.get(id);
    if (id !== actingId) return entry;
    return old !== undefined && old.time !== undefined && equalSets(old.fields, entry.fields) ? { ...entry, time: old.time } : { ...entry, time: now };
  });
}

/** Who owns a field, by what operation, since when. */
export interface FieldOwner {
  readonly path: readonly PathElement[];
  readonly manager: string;
  readonly operation: 'Apply' | 'Update';
  readonly subresource: string;
  readonly time: string | undefined;
}

/** Every owned path of an object with its owners. */
export function fieldOwners(object: KubeObject): readonly FieldOwner[] {
  return parseManagedFields(object).flatMap(({ manager, operation, subresource, time, fields }) =>
    [...pathsOf(fields)].map((path) => ({ path, manager, operation, subresource, time })),
  );
}

/**
 * The owner of a place: of several, the one that changed last. A place nobody owns itself is answered by whoever owns something
 * above it (an atomic parent) or, failing that, below it.
 */
export function ownerAt(object: KubeObject, path: readonly PathElement[]): FieldOwner | undefined {
  const target = path.map(stepKey);
  const candidates = fieldOwners(object).flatMap((owner) => {
    const steps = owner.path.map(stepKey);
    const shared = Math.min(steps.length, target.length);
    if (steps.slice(0, shared).some((step, index) => step !== target[index])) return [];
    const rank = steps.length === target.length ? 0 : steps.length < target.length ? 1 : 2;
    return [{ owner, rank, depth: Math.abs(steps.length - target.length) }];
  });
  return candidates.toSorted((a, b) => a.rank - b.rank || a.depth - b.depth || compare(b.owner.time ?? '', a.owner.time ?? ''))[0]?.owner;
}

function stepKey(element: PathElement): string {
  return JSON.stringify(element.kind === 'key' ? Object.entries(element.keys).toSorted(([a], [b]) => compare(a, b)) : element);
}

/** The object without its `managedFields`, as comparisons need it. */
export function withoutManagedFields<T extends KubeObject>(object: T): T {
  if (object.metadata.managedFields === undefined) return object;
  const { managedFields: _, ...metadata } = object.metadata;
  return { ...object, metadata };
}

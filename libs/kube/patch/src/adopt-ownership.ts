import { isJsonObject, type KubeObject } from '@tiphys/kube-model';
import { EMPTY_SET, isEmptySet, subtractSets, unionSets } from './field-set.ts';
import { formatManagedFields, parseManagedFields, withoutManagedFields, type ManagedEntry } from './managed-fields.ts';
import { UNTYPED, type SchemaNode } from './schema-node.ts';
import { BEFORE_FIRST_APPLY, ownable } from './server-side-apply.ts';
import { toFieldSet } from './typed-value.ts';

/** Whose fields an applier takes over from those who applied before it. */
export interface AdoptRequest {
  readonly live: KubeObject;
  /** The applier. */
  readonly manager: string;
  /** Managers that applied the object before, by whatever way. */
  readonly previous: ReadonlySet<string>;
  /** What a client-side apply sent last (its annotation, parsed). */
  readonly lastApplied?: unknown;
  readonly schema: SchemaNode | undefined;
}

/**
 * The object with the fields of previous appliers owned by a new one, so that its next apply lets go of what it does not want
 * (client-go util/csaupgrade). The object itself when the new applier has applied before, or when there is nothing to take over.
 * Pure; only `metadata.managedFields` differs.
 */
export function adoptOwnership({ live, manager, previous, lastApplied, schema }: AdoptRequest): KubeObject {
  const entries = parseManagedFields(live);
  const isOwn = (entry: ManagedEntry): boolean => entry.manager === manager && entry.operation === 'Apply' && entry.subresource === '';
  if (entries.some(isOwn)) return live;
  const isAdopted = (entry: ManagedEntry): boolean => previous.has(entry.manager) && entry.operation === 'Apply' && entry.subresource === '';
  const node = schema ?? UNTYPED;
  const sent = isJsonObject(lastApplied) ? ownable(toFieldSet(withoutEmpty(lastApplied), node), []) : EMPTY_SET;
  const fields = entries.filter(isAdopted).reduce((all, entry) => unionSets(all, entry.fields), sent);
  if (isEmptySet(fields)) return live;
  // Where nobody was ever noted, what is not taken over stays as it is, as with a first apply.
  const known = entries.length > 0 ? entries : [unnoted(live, node)];
  const rest = known
    .filter((entry) => !isAdopted(entry))
    .map((entry) => (previous.has(entry.manager) || entries.length === 0 ? { ...entry, fields: subtractSets(entry.fields, fields) } : entry));
  const time = entries.find(({ manager: name }) => previous.has(name))?.time ?? live.metadata.creationTimestamp;
  const own: ManagedEntry = { manager, operation: 'Apply', apiVersion: live.apiVersion, subresource: '', time, fields };
  return { ...live, metadata: { ...live.metadata, managedFields: formatManagedFields([...rest, own]) } };
}

function unnoted(live: KubeObject, node: SchemaNode): ManagedEntry {
  const fields = ownable(toFieldSet(withoutManagedFields(live), node), []);
  return { manager: BEFORE_FIRST_APPLY, operation: 'Update', apiVersion: live.apiVersion, subresource: '', time: live.metadata.creationTimestamp, fields };
}

// kubectl notes `annotations: {}`: an empty map would own whatever others put into it.
function withoutEmpty(value: unknown): unknown {
  if (!isJsonObject(value)) return value;
  const entries = Object.entries(value).map(([key, item]) => [key, withoutEmpty(item)] as const);
  return Object.fromEntries(entries.filter(([, item]) => item !== null && !(isJsonObject(item) && Object.keys(item).length === 0)));
}

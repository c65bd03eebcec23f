import { isJsonObject, type KubeObject } from '@tiphys/kube-model';
import { EMPTY_SET, FieldSetBuilder, isEmptySet, subtractSets, unionSets, type FieldSet } from './field-set.ts';
import { formatManagedFields, parseManagedFields, withoutManagedFields, type ManagedEntry } from './managed-fields.ts';
import { UNTYPED, type SchemaNode } from './schema-node.ts';
import { BEFORE_FIRST_APPLY, ownable } from './server-side-apply.ts';
import { toFieldSet } from './typed-value.ts';

const NONE: ReadonlySet<string> = new Set();

/** Whose fields an applier takes over from those who applied before it. */
export interface AdoptRequest {
  readonly live: KubeObject;
  /** The applier. */
  readonly manager: string;
  /** Managers that applied the object before, by whatever way. */
  readonly previous: ReadonlySet<string>;
  /** Managers whose updates are taken over as well, whatever they wrote. */
  readonly updaters?: ReadonlySet<string>;
  /** Annotations that stay with whoever wrote them. */
  readonly exceptAnnotations?: readonly string[];
  /** What a client-side apply sent last (its annotation, parsed). */
  readonly lastApplied?: unknown;
  readonly schema: SchemaNode | undefined;
}

/**
 * The object with the fields of previous appliers owned by a new one, so that its next apply lets go of what it does not want
 * (client-go util/csaupgrade). The object itself when the new applier has applied before, or when there is nothing to take over.
 * Pure; only `metadata.managedFields` differs.
 */
export function adoptOwnership(request: AdoptRequest): KubeObject {
  const { live, manager, previous, lastApplied, schema, updaters = NONE } = request;
  const entries = parseManagedFields(live);
  const isOwn = (entry: ManagedEntry): boolean => entry.manager === manager && entry.operation === 'Apply' && entry.subresource === '';
  if (entries.some(isOwn)) return live;
  const isTheirs = ({ manager: name }: ManagedEntry): boolean => previous.has(name) || updaters.has(name);
  const isAdopted = (entry: ManagedEntry): boolean =>
    entry.subresource === '' && isTheirs(entry) && (entry.operation === 'Apply' || updaters.has(entry.manager));
  const staying = annotationsSet(request.exceptAnnotations ?? []);
  const node = schema ?? UNTYPED;
  const sent = isJsonObject(lastApplied) ? ownable(toFieldSet(withoutEmpty(lastApplied), node), []) : EMPTY_SET;
  const fields = entries.filter(isAdopted).reduce((all, entry) => unionSets(all, subtractSets(entry.fields, staying)), sent);
  if (isEmptySet(fields)) return live;
  // Where nobody was ever noted, what is not taken over stays as it is, as with a first apply.
  const known = entries.length > 0 ? entries : [unnoted(live, node)];
  const rest = known.map((entry) => (isTheirs(entry) || entries.length === 0 ? { ...entry, fields: subtractSets(entry.fields, fields) } : entry));
  const time = entries.find(isTheirs)?.time ?? live.metadata.creationTimestamp;
  const own: ManagedEntry = { manager, operation: 'Apply', apiVersion: live.apiVersion, subresource: '', time, fields };
  return { ...live, metadata: { ...live.metadata, managedFields: formatManagedFields([...rest, own]) } };
}

function annotationsSet(names: readonly string[]): FieldSet {
  const set = new FieldSetBuilder();
  for (const name of names) set.child('f:metadata').child('f:annotations').add(`f:${name}`);
  return set.build();
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

import { deepEqual, type apiextensionsv1, type Mutable } from '@tiphys/kube-model';
import type { Core } from '../core.ts';
import { parseStored } from '../registry/stored.ts';
import { asCrd, CRD_PREFIX, type Crd } from './crd.ts';

type Names = Mutable<apiextensionsv1.CustomResourceDefinitionNames>;

/** Which of a CRD's names it may have, and why not the others. */
export interface NameVerdict {
  readonly accepted: Names;
  /** The last name that is taken, as upstream reports it; undefined when none is. */
  readonly conflict: { readonly reason: string; readonly message: string } | undefined;
}

/** Names of resources and of kinds that others of a group have. */
interface Taken {
  readonly resources: ReadonlySet<string>;
  readonly kinds: ReadonlySet<string>;
}

/** Decides which names a CRD gets: those nobody else of its group has (apiextensions controller/status/naming_controller.go). */
export function judgeNames(core: Core, crd: Crd): NameVerdict {
  const wanted = crd.spec.names;
  const had = crd.status?.acceptedNames;
  const taken = takenNames(core, crd);
  const accepted: Names = structuredClone<Names>({ ...(had ?? { plural: '', kind: '' }) } as Names); // A copy of our own.
  let conflict: NameVerdict['conflict'];
  const claim = (field: 'plural' | 'singular' | 'kind' | 'listKind', used: ReadonlySet<string>): void => {
    const name = wanted[field];
    if (name === undefined) return;
    if (name === had?.[field] || !used.has(name)) accepted[field] = name;
    else conflict = { reason: `${field[0]?.toUpperCase()}${field.slice(1)}Conflict`, message: `${JSON.stringify(name)} is already in use` };
  };
  claim('plural', taken.resources);
  claim('singular', taken.resources);
  const short = shortNames(wanted.shortNames ?? [], had?.shortNames ?? [], taken.resources);
  if (short === undefined) setOrDelete(accepted, 'shortNames', wanted.shortNames);
  else conflict = short;
  claim('kind', taken.kinds);
  claim('listKind', taken.kinds);
  setOrDelete(accepted, 'categories', wanted.categories);
  return { accepted, conflict };
}

function setOrDelete(names: Names, field: 'shortNames' | 'categories', value: readonly string[] | undefined): void {
  if (value === undefined) delete names[field];
  else names[field] = [...value];
}

function shortNames(wanted: readonly string[], had: readonly string[], used: ReadonlySet<string>): NameVerdict['conflict'] {
  if (deepEqual(wanted, had)) return undefined;
  const texts = wanted.filter((name) => !had.includes(name) && used.has(name)).map((name) => `${JSON.stringify(name)} is already in use`);
  if (texts.length === 0) return undefined;
  return { reason: 'ShortNamesConflict', message: texts.length === 1 ? (texts[0] ?? '') : `[${texts.join(', ')}]` };
}

function takenNames(core: Core, crd: Crd): Taken {
  const resources = new Set<string>();
  const kinds = new Set<string>();
  const note = (set: Set<string>, ...names: readonly (string | undefined)[]): void =>
    names.forEach((name) => (name === undefined || name === '' ? undefined : set.add(name)));
  for (const entry of core.store.list({ prefix: CRD_PREFIX }).entries) {
    const other = asCrd(parseStored(entry.value));
    if (other === undefined || other.spec.group !== crd.spec.group || other.metadata.name === crd.metadata.name) continue;
    const names = other.status?.acceptedNames;
    note(resources, names?.plural, names?.singular, ...(names?.shortNames ?? []));
    note(kinds, names?.kind, names?.listKind);
  }
  // What is built in has its names too.
  for (const served of core.catalog.all()) {
    if (served.group !== crd.spec.group || served.custom !== undefined) continue;
    note(resources, served.resource, served.singular, ...served.shortNames);
    note(kinds, served.kind, served.listKind);
  }
  return { resources, kinds };
}

import { fail } from '../kustomize-error.ts';
import { BUILD, ORIGIN } from './annotations.ts';
import { contentField, eachField, setField, clearField } from '../yaml/fields.ts';
import { mapNode, RNode, TAG, textOf } from '../yaml/rnode.ts';
import { effectiveNamespace, equalIds, formatId, goStringOfId, idKey, NO_NAMESPACE, type ResId } from './res-id.ts';
import type { Resource } from './resource.ts';
import { selects, type Selector } from './selector.ts';

/** The objects of a build in their order, no two with one present id (kustomize v5.8.1 api/resmap). */
export class ResMap {
  #list: readonly Resource[] = [];

  constructor(list: readonly Resource[] = []) {
    this.appendAll(list);
  }

  get resources(): readonly Resource[] {
    return this.#list;
  }

  /** Keys of the present ids, for `appendAll`. */
  idKeys(): Set<string> {
    return new Set(this.#list.map(({ id }) => idKey(id)));
  }

  /** Adds objects at the end. `ids` are those of the objects there are, and grow. Throws where one has the id of another. */
  appendAll(list: readonly Resource[], ids: Set<string> = this.idKeys()): void {
    for (const resource of list) {
      const { id } = resource;
      const key = idKey(id);
      if (ids.has(key)) fail(`may not add resource with an already registered id: ${formatId(id)}`);
      ids.add(key);
    }
    this.#list = [...this.#list, ...list];
  }

  /** Puts other objects in the place of all, in any order and without a look at ids. */
  replaceAll(list: readonly Resource[]): void {
    this.#list = list;
  }

  dropEmpties(): void {
    if (this.#list.some(({ isEmpty }) => isEmpty)) this.#list = this.#list.filter(({ isEmpty }) => !isEmpty);
  }

  /** Objects of a name one of whose ids, former ones included, matches. */
  byAnyId(name: string, matches: (id: ResId) => boolean): readonly Resource[] {
    const isMeant = (id: ResId): boolean => id.name === name && matches(id);
    return this.#list.filter((resource) => resource.hasHadName(name) && !resource.isEmpty && (resource.previousIds.some(isMeant) || isMeant(resource.id)));
  }

  select(selector: Selector): readonly Resource[] {
    return this.#list.filter((resource) => selects(selector, resource));
  }

  /** The one object a patch is for. Throws KustomizeError `patch-target` where there is none, or several. */
  patchTarget(wanted: ResId): Resource {
    const found = this.byAnyId(wanted.name, (id) => equalIds(wanted, id));
    const [only] = found;
    if (only !== undefined && found.length === 1) return only;
    const count = found.length > 1 ? 'multiple matches' : 'no matches';
    return fail(`${count} for Id ${formatId(wanted)}; failed to find unique target for patch ${formatId(wanted)}`, 'patch-target');
  }

  /** Adds what generators made: as it is, or into the object of that id, as its behavior says. */
  absorbAll(list: readonly Resource[]): void {
    const known = new Map<string, Resource[]>();
    const note = (resource: Resource): void => {
      for (const key of keysOf(resource)) known.set(key, [...(known.get(key) ?? []), resource]);
    };
    for (const resource of this.#list) if (!resource.isEmpty) note(resource);
    const added: Resource[] = [];
    const replaced = new Map<Resource, Resource>();
    for (const resource of list) {
      const key = idKey(resource.id);
      const [old, ...others] = known.get(key) ?? [];
      if (others.length > 0) fail(`found multiple objects that could accept merge of ${formatId(resource.id)}`);
      if (old === undefined) {
        if (resource.behavior === 'merge' || resource.behavior === 'replace') fail(`id ${goStringOfId(resource.id)} does not exist; cannot merge or replace`);
        added.push(resource);
        note(resource);
        continue;
      }
      mergeGenerated(resource, old);
      for (const other of keysOf(old))
        known.set(
          other,
          (known.get(other) ?? []).map((owner) => (owner === old ? resource : owner)),
        );
      replaced.set(old, resource);
    }
    this.#list = [...this.#list, ...added].map((resource) => lastOf(resource, replaced));
  }

  /**
   * Objects a reference in `referrer` can mean: those of its namespace, those of none, and for a RoleBinding those of the
   * namespaces its service accounts are in.
   */
  referableFrom(referrer: Resource): readonly Resource[] {
    const { id } = referrer;
    if (id.isClusterScoped) return this.#list;
    const namespaces = serviceAccountNamespaces(referrer);
    const own = effectiveNamespace(id);
    return this.#list.filter((target) => {
      const namespace = effectiveNamespace(target.id);
      return namespace === NO_NAMESPACE || namespace === own || namespaces.has(target.namespace);
    });
  }
}

function keysOf(resource: Resource): ReadonlySet<string> {
  return new Set([...resource.previousIds, resource.id].map(idKey));
}

function lastOf(resource: Resource, replaced: ReadonlyMap<Resource, Resource>): Resource {
  let last = resource;
  for (let next = replaced.get(last); next !== undefined; next = replaced.get(last)) last = next;
  return last;
}

function mergeGenerated(resource: Resource, old: Resource): void {
  const { id, behavior } = resource;
  if (behavior !== 'merge' && behavior !== 'replace') {
    fail(`id ${goStringOfId(id)} exists; can not use behavior: '${behavior}', behavior must be merge or replace`);
  }
  const origin = old.annotation(ORIGIN);
  resource.mergeMetadataFrom(old);
  if (behavior === 'replace') return;
  mergeData(resource, old, 'data');
  mergeData(resource, old, 'binaryData');
  if (origin !== undefined) resource.setAnnotations(resource.annotations.set(ORIGIN, origin));
}

function serviceAccountNamespaces(referrer: Resource): ReadonlySet<string> {
  const namespaces = new Set<string>();
  if (referrer.kind !== 'RoleBinding') return namespaces;
  const subjects = contentField(referrer.node.content, 'subjects');
  for (const subject of subjects?.kind === 'list' ? subjects.content : []) {
    const namespace = contentField(subject.content, 'namespace');
    if (namespace === undefined || contentField(subject.content, 'kind')?.value !== 'ServiceAccount') continue;
    if (namespace.tag === TAG.null) fail(`Invalid Input: namespace is blank for resource "${formatId(referrer.id)}"\n`);
    namespaces.add(namespace.value);
  }
  return namespaces;
}

function mergeData(resource: Resource, old: Resource, field: 'data' | 'binaryData'): void {
  const merged = new Map<string, string>();
  for (const { node } of [old, resource]) {
    eachField(contentField(node.content, field)?.content ?? [], (key, value) => merged.set(textOf(key), textOf(value)));
  }
  clearField(resource.node, field);
  for (const key of [...merged.keys()].sort()) setDataField(resource.node, field, key, merged.get(key) ?? '');
}

/** Sets a key of `data` or `binaryData` to a text. */
export function setDataField(node: RNode, field: 'data' | 'binaryData', key: string, text: string): void {
  let target = contentField(node.content, field);
  if (target === undefined) {
    target = mapNode();
    setField(node, field, target);
  }
  const value = new RNode('scalar', TAG.string, text);
  if (text.includes('\n')) value.style = 'literal';
  setField(target, key, value);
}

/** Whether an object came out of a chart. */
export function isHelmGenerated(resource: Resource): boolean {
  return resource.annotation(BUILD.helmGenerated) === 'true';
}

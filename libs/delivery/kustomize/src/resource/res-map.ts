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

  /** Adds objects at the end. Throws where one has the id of another. */
  appendAll(list: readonly Resource[]): void {
    const ids = new Set(this.#list.map(({ id }) => idKey(id)));
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

  /** Objects one of whose ids, former ones included, matches. */
  byAnyId(matches: (id: ResId) => boolean): readonly Resource[] {
    return this.#list.filter((resource) => !resource.isEmpty && (resource.previousIds.some(matches) || matches(resource.id)));
  }

  select(selector: Selector): readonly Resource[] {
    return this.#list.filter((resource) => selects(selector, resource));
  }

  /** The one object a patch is for. Throws KustomizeError `patch-target` where there is none, or several. */
  patchTarget(wanted: ResId): Resource {
    const found = this.byAnyId((id) => equalIds(wanted, id));
    const [only] = found;
    if (only !== undefined && found.length === 1) return only;
    const count = found.length > 1 ? 'multiple matches' : 'no matches';
    return fail(`${count} for Id ${formatId(wanted)}; failed to find unique target for patch ${formatId(wanted)}`, 'patch-target');
  }

  /** Adds what a generator made: as it is, or into the object of that id, as its behavior says. */
  absorbAll(list: readonly Resource[]): void {
    for (const resource of list) this.#absorb(resource);
  }

  #absorb(resource: Resource): void {
    const { id, behavior } = resource;
    const matches = this.byAnyId((other) => equalIds(id, other));
    const [old] = matches;
    if (matches.length > 1) fail(`found multiple objects that could accept merge of ${formatId(id)}`);
    if (old === undefined) {
      if (behavior === 'merge' || behavior === 'replace') fail(`id ${goStringOfId(id)} does not exist; cannot merge or replace`);
      this.appendAll([resource]);
      return;
    }
    if (behavior !== 'merge' && behavior !== 'replace') {
      fail(`id ${goStringOfId(id)} exists; can not use behavior: '${behavior}', behavior must be merge or replace`);
    }
    const origin = old.annotation(ORIGIN);
    resource.mergeMetadataFrom(old);
    if (behavior === 'merge') {
      mergeData(resource, old, 'data');
      mergeData(resource, old, 'binaryData');
      if (origin !== undefined) resource.setAnnotations(resource.annotations.set(ORIGIN, origin));
    }
    this.#list = this.#list.map((other) => (other === old ? resource : other));
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

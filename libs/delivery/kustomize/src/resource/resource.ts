import { toValue } from '../yaml/value.ts';
import { mergePatch } from '../patch/merge.ts';
import type { Schemas } from '../patch/merge-schema.ts';
import { clearField, contentField, eachField, lookUp, setField } from '../yaml/fields.ts';
import { isMissing, isNilOrEmpty, mapNode, RNode, scalarNode, stringNode, TAG } from '../yaml/rnode.ts';
import { BUILD, BUILD_ANNOTATIONS, ENABLED } from './annotations.ts';
import { apiVersionOf, parseGroupVersion, type Gvk } from './gvk.ts';
import { effectiveNamespace, type ResId } from './res-id.ts';
import type { GoValue } from '@tiphys/delivery-helm';

/** What a generator's object does to one of the same id. */
export type Behavior = 'unspecified' | 'create' | 'replace' | 'merge';

/**
 * An object of a build (kustomize v5.8.1 api/resource). What Kustomize remembers about it stands in annotations of the object, as
 * there: a patch that replaces the annotations forgets it. `file` is where the object comes from.
 */
export class Resource {
  readonly node: RNode;
  readonly #schemas: Schemas;
  readonly file: string;
  /** Names of vars that read this object. */
  refVarNames: readonly string[] = [];

  constructor(node: RNode, schemas: Schemas, file: string) {
    this.node = node;
    this.#schemas = schemas;
    this.file = file;
  }

  copy(): Resource {
    const copy = new Resource(this.node.copy(), this.#schemas, this.file);
    copy.refVarNames = this.refVarNames;
    return copy;
  }

  get isEmpty(): boolean {
    return isNilOrEmpty(this.node);
  }

  /** Makes the object vanish: it is dropped at the next turn. */
  clear(): void {
    this.node.become(new RNode('none', TAG.null));
  }

  get kind(): string {
    return contentField(this.node.content, 'kind')?.value ?? '';
  }

  get apiVersion(): string {
    return contentField(this.node.content, 'apiVersion')?.value ?? '';
  }

  get gvk(): Gvk {
    return { ...parseGroupVersion(this.apiVersion), kind: this.kind };
  }

  get name(): string {
    return this.#metaText('name');
  }

  get namespace(): string {
    return this.#metaText('namespace');
  }

  setKind(kind: string): void {
    setField(this.node, 'kind', scalarNode(kind));
  }

  setGvk(gvk: Gvk): void {
    this.setKind(gvk.kind);
    setField(this.node, 'apiVersion', scalarNode(apiVersionOf(gvk)));
  }

  setName(name: string): void {
    this.#setMeta('name', name);
  }

  setNamespace(namespace: string): void {
    if (namespace !== '') {
      this.#setMeta('namespace', namespace);
      return;
    }
    const metadata = lookUp(this.node, ['metadata']);
    if (metadata !== undefined) clearField(metadata, 'namespace');
  }

  #setMeta(field: string, value: string): void {
    const metadata = lookUp(this.node, ['metadata'], 'map');
    if (metadata !== undefined) setField(metadata, field, scalarNode(value));
  }

  #metadata(): RNode | undefined {
    const metadata = isMissing(this.node) ? undefined : contentField(this.node.content, 'metadata');
    return isNilOrEmpty(metadata) ? undefined : metadata;
  }

  #metaText(name: string): string {
    const field = contentField(this.#metadata()?.content ?? [], name);
    return field === undefined || isNilOrEmpty(field) ? '' : field.value;
  }

  #metaMap(name: string): Map<string, string> {
    const result = new Map<string, string>();
    eachField(contentField(this.#metadata()?.content ?? [], name)?.content ?? [], (key, value) => result.set(key.value, value.value));
    return result;
  }

  #setMetaMap(name: string, map: ReadonlyMap<string, string>): void {
    const metadata = lookUp(this.node, ['metadata'], 'map');
    if (metadata === undefined) return;
    clearField(metadata, name);
    if (map.size === 0) return;
    const target = mapNode();
    for (const key of [...map.keys()].sort()) setField(target, key, stringNode(map.get(key) ?? ''));
    setField(metadata, name, target);
  }

  get labels(): Map<string, string> {
    return this.#metaMap('labels');
  }

  setLabels(labels: ReadonlyMap<string, string>): void {
    this.#setMetaMap('labels', labels);
  }

  get annotations(): Map<string, string> {
    return this.#metaMap('annotations');
  }

  setAnnotations(annotations: ReadonlyMap<string, string>): void {
    this.#setMetaMap('annotations', annotations);
  }

  annotation(name: string): string | undefined {
    return contentField(contentField(this.#metadata()?.content ?? [], 'annotations')?.content ?? [], name)?.value;
  }

  /** Sets one annotation, the others as they are. */
  annotate(name: string, value: string): void {
    const metadata = lookUp(this.node, ['metadata']);
    if (metadata !== undefined) clearField(metadata, 'annotations', true);
    clearField(this.node, 'metadata', true);
    const target = lookUp(this.node, ['metadata', 'annotations'], 'map');
    const node = stringNode(value);
    node.style = 'single';
    if (target !== undefined) setField(target, name, node);
  }

  #list(name: string): readonly string[] {
    return this.annotation(name)?.split(',') ?? [];
  }

  #append(name: string, value: string): void {
    if (value !== '') this.annotate(name, [...this.#list(name), value].join(','));
  }

  get behavior(): Behavior {
    const text = this.annotation(BUILD.behavior);
    return text === 'create' || text === 'replace' || text === 'merge' ? text : 'unspecified';
  }

  isEnabled(annotation: string): boolean {
    return this.annotation(annotation) === ENABLED;
  }

  enable(annotation: string): void {
    this.setAnnotations(this.annotations.set(annotation, ENABLED));
  }

  removeBuildAnnotations(): void {
    const { annotations } = this;
    if (annotations.size === 0) return;
    for (const name of BUILD_ANNOTATIONS) annotations.delete(name);
    this.setAnnotations(annotations);
  }

  get namePrefixes(): readonly string[] {
    return this.#list(BUILD.prefixes);
  }

  get nameSuffixes(): readonly string[] {
    return this.#list(BUILD.suffixes);
  }

  addNamePrefix(prefix: string): void {
    this.#append(BUILD.prefixes, prefix);
  }

  addNameSuffix(suffix: string): void {
    this.#append(BUILD.suffixes, suffix);
  }

  /** Notes the id of an object that refers to this one. */
  addReferrer(id: string): void {
    this.#append(BUILD.refBy, id);
  }

  get id(): ResId {
    return { ...this.gvk, name: this.name, namespace: this.namespace, isClusterScoped: this.#schemas.isClusterScoped(this.apiVersion, this.kind) };
  }

  /** Former ids, the oldest first. */
  get previousIds(): readonly ResId[] {
    if (this.annotation(BUILD.previousNames) === undefined) return [];
    const names = this.#list(BUILD.previousNames);
    const namespaces = this.#list(BUILD.previousNamespaces);
    const kinds = this.#list(BUILD.previousKinds);
    const { group, version } = this.gvk;
    return names.map((name, index) => ({ group, version, kind: kinds[index] ?? '', name, namespace: namespaces[index] ?? '', isClusterScoped: false }));
  }

  /** Whether it has or had the name: to be asked before ids are looked at. */
  hasHadName(name: string): boolean {
    return this.name === name || this.annotation(BUILD.previousNames)?.includes(name) === true;
  }

  /** The id it was read with. */
  get originalId(): ResId {
    return this.previousIds[0] ?? this.id;
  }

  storePreviousId(): void {
    const { id } = this;
    this.#append(BUILD.previousNames, id.name);
    this.#append(BUILD.previousNamespaces, effectiveNamespace(id));
    this.#append(BUILD.previousKinds, id.kind);
  }

  /** Merges a strategic merge patch; name, kind and namespace stay unless the patch may change them. Throws KustomizeError. */
  applyPatch(patch: Resource): void {
    const { name, namespace, kind } = this;
    const changesName = patch.isEnabled(BUILD.allowNameChange);
    const changesKind = patch.isEnabled(BUILD.allowKindChange);
    if (changesName || changesKind) this.storePreviousId();
    const merged = mergePatch(this.node, patch.node, this.#schemas);
    if (merged === undefined || isNilOrEmpty(this.node)) {
      this.clear();
      return;
    }
    if (!changesKind) this.setKind(kind);
    if (!changesName) this.setName(name);
    this.setNamespace(namespace);
  }

  /** Takes over what `other` says about labels, annotations, name and namespace, its own values winning (`CopyMergeMetaDataFieldsFrom`). */
  mergeMetadataFrom(other: Resource): void {
    this.setLabels(new Map([...other.labels, ...this.labels]));
    const own = this.annotations;
    const theirs = other.annotations;
    const merged = new Map([...theirs, ...own]);
    for (const name of BUILD_ANNOTATIONS) {
      const value = theirs.get(name);
      if (value === undefined) merged.delete(name);
      else merged.set(name, value);
    }
    if (!own.has(BUILD.needsHash)) merged.delete(BUILD.needsHash);
    this.setAnnotations(merged);
    this.setName(other.name);
    this.setNamespace(other.namespace);
    this.refVarNames = other.refVarNames;
  }

  /** The object as JSON data. Throws KustomizeError where JSON has no form for it. */
  value(): GoValue {
    return toValue(this.node);
  }
}

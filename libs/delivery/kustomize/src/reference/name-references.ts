import { fail, within } from '../kustomize-error.ts';
import type { FieldSpec } from '../load/fields.ts';
import { isSelected, type Gvk } from '../resource/gvk.ts';
import { effectiveNamespace, formatId, type ResId } from '../resource/res-id.ts';
import type { ResMap } from '../resource/res-map.ts';
import type { Resource } from '../resource/resource.ts';
import { applyFieldSpec } from '../transform/field-spec.ts';
import type { NameReference } from '../transform/transformer-config.ts';
import { contentField, lookUp, setField, setScalar } from '../yaml/fields.ts';
import { isMissing, scalarNode, type RNode } from '../yaml/rnode.ts';
import { describeAmbiguity } from './ambiguity.ts';

/** An object that may be referred to, with what is asked of it again and again. Ids do not change while references are fixed. */
interface Candidate {
  readonly resource: Resource;
  readonly id: ResId;
  readonly originalId: ResId;
  readonly previousIds: readonly ResId[];
}

/** Gives references the names their objects have now (kustomize v5.8.1 api/filters/nameref). Throws where it cannot tell which object is meant. */
export function fixNameReferences(map: ResMap, references: readonly NameReference[]): void {
  const known = new Map<Resource, Candidate>(
    map.resources.map((resource) => [resource, { resource, id: resource.id, originalId: resource.originalId, previousIds: resource.previousIds }]),
  );
  for (const { resource: referrer, originalId } of known.values()) {
    const specs = references.flatMap(({ fieldSpecs, ...target }) =>
      fieldSpecs.filter((spec) => isSelected(originalId, spec)).map((spec): [FieldSpec, Gvk] => [spec, target]),
    );
    if (specs.length === 0) continue;
    const candidates = map.referableFrom(referrer).flatMap((resource) => known.get(resource) ?? []);
    for (const [spec, target] of specs) new ReferenceFixer(referrer, spec, target, candidates).run();
  }
}

class ReferenceFixer {
  readonly #referrer: Resource;
  readonly #spec: FieldSpec;
  readonly #target: Gvk;
  readonly #candidates: readonly Candidate[];

  constructor(referrer: Resource, spec: FieldSpec, target: Gvk, candidates: readonly Candidate[]) {
    this.#referrer = referrer;
    this.#spec = spec;
    this.#target = target;
    this.#candidates = candidates;
  }

  run(): void {
    const spec = { ...this.#spec, ...this.#referrer.gvk };
    within(
      () => `updating name reference in '${spec.path}' field of '${formatId(this.#referrer.id)}'`,
      () => applyFieldSpec(this.#referrer, spec, (node) => this.#fix(node)),
    );
  }

  #fix(node: RNode): void {
    if (isMissing(node)) return;
    if (node.kind === 'scalar') this.#fixScalar(node);
    else if (node.kind === 'map') this.#fixMap(node);
    else if (node.kind === 'list') node.content.forEach((item) => this.#fixItem(item));
    else fail('node must be a scalar, sequence or map');
  }

  #fixItem(item: RNode): void {
    if (isMissing(item)) return;
    if (item.kind === 'scalar') this.#fixScalar(item);
    else if (item.kind === 'map') this.#fixMap(item);
    else fail('node is expected to be either a string or a map of string');
  }

  #fixScalar(node: RNode): void {
    const referral = this.#select(node.value, this.#candidates, (one, other) => one.name === other.name);
    if (referral === undefined) return;
    referral.addReferrer(formatId(this.#referrer.id));
    if (referral.name !== node.value) setScalar(node, scalarNode(referral.name));
  }

  // A map refers by name and namespace; both are fixed.
  #fixMap(node: RNode): void {
    const name = contentField(node.content, 'name') ?? fail("path config error; no 'name' field in node");
    const oldName = name.value;
    const referral = this.#select(oldName, this.#inNamespaceOf(node), (one, other) => one.name === other.name && one.namespace === other.namespace);
    if (referral === undefined) return;
    referral.addReferrer(formatId(this.#referrer.id));
    if (referral.name === oldName && referral.namespace === '') return;
    setField(node, 'name', scalarNode(referral.name));
    if (referral.namespace !== '') setField(node, 'namespace', scalarNode(referral.namespace));
  }

  #inNamespaceOf(node: RNode): readonly Candidate[] {
    const field = contentField(node.content, 'namespace');
    if (field === undefined) return this.#candidates;
    const original = this.#candidates.filter(({ originalId }) => effectiveNamespace(originalId) === field.value && !isCluster(originalId));
    if (original.length > 0) return original;
    return this.#candidates.filter(({ id }) => effectiveNamespace(id) === field.value && !isCluster(id));
  }

  #select(oldName: string, among: readonly Candidate[], isSame: (one: Resource, other: Resource) => boolean): Resource | undefined {
    const named = among.filter(({ previousIds }) => previousIds.some(({ name }) => name === oldName) && previousIds.some((id) => isSelected(id, this.#target)));
    const role = named.length === 0 ? undefined : this.#roleKind();
    const near = named.filter((candidate) => (role === undefined || candidate.previousIds.some((id) => isSelected(id, role))) && this.#isNear(candidate));
    if (near.length === 1) return near[0]?.resource;
    let left = near.map(({ resource }) => resource).filter((resource) => hasSameAffixes(resource, this.#referrer, true));
    if (left.length > 1) left = left.filter((resource) => hasSameAffixes(resource, this.#referrer, false));
    const [first] = left;
    if (first === undefined || left.every((resource) => isSame(first, resource))) return first;
    return fail(describeAmbiguity(this.#referrer, left));
  }

  // A role reference says itself which kind of role it means.
  #roleKind(): Gvk | undefined {
    if (!this.#spec.path.endsWith('roleRef/name')) return undefined;
    const roleRef = lookUp(this.#referrer.node, ['roleRef']);
    if (roleRef?.kind !== 'map') return undefined;
    const group = contentField(roleRef.content, 'apiGroup');
    const kind = contentField(roleRef.content, 'kind');
    return group === undefined || kind === undefined ? undefined : { group: group.value, version: '', kind: kind.value };
  }

  #isNear({ resource, id }: Candidate): boolean {
    const own = this.#referrer.id;
    return own.isClusterScoped || id.isClusterScoped || resource.kind === 'ServiceAccount' || effectiveNamespace(own) === effectiveNamespace(id);
  }
}

function isCluster(id: ResId): boolean {
  return effectiveNamespace(id) === '_non_namespaceable_';
}

function hasSameAffixes(one: Resource, other: Resource, allowsNone: boolean): boolean {
  const isSame = (a: readonly string[], b: readonly string[]): boolean => (allowsNone && (a.length === 0 || b.length === 0)) || hasSameEnd(a, b);
  return isSame(one.namePrefixes, other.namePrefixes) && isSame(one.nameSuffixes, other.nameSuffixes);
}

function hasSameEnd(a: readonly string[], b: readonly string[]): boolean {
  const [short, long] = a.length <= b.length ? [a, b] : [b, a];
  if (short.length === 0) return long.length === 0;
  return short.every((part, index) => part === long[index + long.length - short.length]);
}

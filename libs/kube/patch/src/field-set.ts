import { isJsonObject, type JsonObject } from '@tiphys/kube-model';
import { decodeElement, type EncodedElement, type PathElement } from './path-element.ts';

/** A set of field paths as a trie; immutable. An element can be a member itself and have members below it. */
export interface FieldSet {
  readonly members: ReadonlySet<EncodedElement>;
  readonly children: ReadonlyMap<EncodedElement, FieldSet>;
}

/** The set without members. */
export const EMPTY_SET: FieldSet = { members: new Set(), children: new Map() };

/** A set under construction. */
export class FieldSetBuilder {
  readonly #members = new Set<EncodedElement>();
  readonly #children = new Map<EncodedElement, FieldSetBuilder>();

  add(element: EncodedElement): void {
    this.#members.add(element);
  }

  child(element: EncodedElement): FieldSetBuilder {
    const found = this.#children.get(element);
    if (found !== undefined) return found;
    const made = new FieldSetBuilder();
    this.#children.set(element, made);
    return made;
  }

  build(): FieldSet {
    return {
      members: this.#members,
      children: new Map([...this.#children].map(([element, child]) => [element, child.build()] as const).filter(([, child]) => !isEmptySet(child))),
    };
  }
}

/** Whether a set has no members anywhere. Sets made here hold no empty children. */
export function isEmptySet(set: FieldSet): boolean {
  return set.members.size === 0 && set.children.size === 0;
}

/** Paths in either set. */
export function unionSets(a: FieldSet, b: FieldSet): FieldSet {
  if (isEmptySet(a)) return b;
  if (isEmptySet(b)) return a;
  const children = new Map(a.children);
  for (const [element, child] of b.children) {
    const other = children.get(element);
    children.set(element, other === undefined ? child : unionSets(other, child));
  }
  return { members: new Set([...a.members, ...b.members]), children };
}

/** Paths in both sets. */
export function intersectSets(a: FieldSet, b: FieldSet): FieldSet {
  return combine(
    a,
    (element) => b.members.has(element),
    (element, child) => {
      const other = b.children.get(element);
      return other === undefined ? EMPTY_SET : intersectSets(child, other);
    },
  );
}

/** Paths of `a` that are not in `b`. */
export function subtractSets(a: FieldSet, b: FieldSet): FieldSet {
  return combine(
    a,
    (element) => !b.members.has(element),
    (element, child) => {
      const other = b.children.get(element);
      return other === undefined ? child : subtractSets(child, other);
    },
  );
}

/** Paths of `a` that neither are in `b` nor lie below a path of `b`. */
export function subtractSubtrees(a: FieldSet, b: FieldSet): FieldSet {
  return combine(
    a,
    (element) => !b.members.has(element),
    (element, child) => {
      if (b.members.has(element)) return EMPTY_SET;
      const other = b.children.get(element);
      return other === undefined ? child : subtractSubtrees(child, other);
    },
  );
}

function combine(a: FieldSet, keep: (element: EncodedElement) => boolean, below: (element: EncodedElement, child: FieldSet) => FieldSet): FieldSet {
  const children = new Map<EncodedElement, FieldSet>();
  for (const [element, child] of a.children) {
    const rest = below(element, child);
    if (!isEmptySet(rest)) children.set(element, rest);
  }
  return { members: new Set([...a.members].filter(keep)), children };
}

/** Whether two sets hold the same paths. */
export function equalSets(a: FieldSet, b: FieldSet): boolean {
  return (
    a.members.size === b.members.size &&
    a.children.size === b.children.size &&
    [...a.members].every((element) => b.members.has(element)) &&
    [...a.children].every(([element, child]) => {
      const other = b.children.get(element);
      return other !== undefined && equalSets(child, other);
    })
  );
}

/** Reads `fieldsV1`. Elements of no known form are left out. */
export function parseFieldsV1(fields: unknown): FieldSet {
  return parseLevel(fields).set;
}

function parseLevel(fields: unknown): { readonly set: FieldSet; readonly self: boolean } {
  const members = new Set<EncodedElement>();
  const children = new Map<EncodedElement, FieldSet>();
  if (!isJsonObject(fields)) return { set: EMPTY_SET, self: true };
  let self = false;
  let count = 0;
  for (const [key, value] of Object.entries(fields)) {
    if (key === '.') {
      self = true;
      continue;
    }
    count += 1;
    const element = decodeElement(key);
    if (element === undefined) continue;
    const below = parseLevel(value);
    if (below.self) members.add(key);
    if (!isEmptySet(below.set)) children.set(key, below.set);
  }
  return { set: { members, children }, self: self || count === 0 };
}

/** Writes a set as `fieldsV1`. */
export function formatFieldsV1(set: FieldSet): JsonObject {
  const elements = [...new Set([...set.members, ...set.children.keys()])].toSorted();
  return Object.fromEntries(
    elements.map((element) => {
      const child = set.children.get(element);
      if (child === undefined) return [element, {}];
      return [element, set.members.has(element) ? { '.': {}, ...formatFieldsV1(child) } : formatFieldsV1(child)];
    }),
  );
}

/** All paths of a set, in no promised order. */
export function* pathsOf(set: FieldSet, prefix: readonly PathElement[] = []): Generator<readonly PathElement[]> {
  for (const element of set.members) {
    const decoded = decodeElement(element);
    if (decoded !== undefined) yield [...prefix, decoded];
  }
  for (const [element, child] of set.children) {
    const decoded = decodeElement(element);
    if (decoded !== undefined) yield* pathsOf(child, [...prefix, decoded]);
  }
}

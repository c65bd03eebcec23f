import { deepEqual, isJsonObject } from '@tiphys/kube-model';
import { EMPTY_SET, FieldSetBuilder, type FieldSet } from './field-set.ts';
import { decodeElement, encodeElement, itemElement, type EncodedElement } from './path-element.ts';
import type { SchemaNode } from './schema-node.ts';

/** What a value is at a place, after looking at both the schema and the value itself. */
type Shape = 'map' | 'list' | 'leaf';

/** The shape a value has under a schema node; untyped lists and whatever is atomic are leaves. */
export function shapeOf(value: unknown, node: SchemaNode): Shape {
  if (node.atomic) return 'leaf';
  if (isJsonObject(value)) return node.form === 'list' || node.form === 'scalar' ? 'leaf' : 'map';
  if (Array.isArray(value)) return node.form === 'list' && hasIdentities(value, node) ? 'list' : 'leaf';
  return 'leaf';
}

// A list whose items cannot be told apart (a key missing, a key twice) is handled as one value.
function hasIdentities(list: readonly unknown[], node: SchemaNode): boolean {
  const seen = new Set<EncodedElement>();
  for (const item of list) {
    const element = itemElement(node, item);
    if (element === undefined) return false;
    const encoded = encodeElement(element);
    if (seen.has(encoded)) return false;
    seen.add(encoded);
  }
  return true;
}

/** List items by the step that names them, in the list's order. */
function itemsByElement(list: readonly unknown[], node: SchemaNode): ReadonlyMap<EncodedElement, unknown> {
  return new Map(
    list.flatMap((item) => {
      const element = itemElement(node, item);
      return element === undefined ? [] : [[encodeElement(element), item] as const];
    }),
  );
}

/** The paths a value sets: what an applier owns (structured-merge-diff typed.ToFieldSet). */
export function toFieldSet(value: unknown, node: SchemaNode): FieldSet {
  const builder = new FieldSetBuilder();
  collect(value, node, builder);
  return builder.build();
}

function collect(value: unknown, node: SchemaNode, into: FieldSetBuilder): void {
  const shape = shapeOf(value, node);
  if (shape === 'map' && isJsonObject(value)) {
    for (const [name, field] of Object.entries(value)) {
      if (field === undefined) continue;
      const element = `f:${name}`;
      const child = node.child(name);
      const below = shapeOf(field, child);
      const empty = field === null || (isJsonObject(field) && Object.keys(field).length === 0);
      if (below === 'leaf' || empty || !node.hasField(name)) into.add(element);
      if (below !== 'leaf') collect(field, child, into.child(element));
    }
  } else if (shape === 'list' && Array.isArray(value)) {
    for (const [element, item] of itemsByElement(value, node)) {
      into.add(element);
      if (shapeOf(item, node.items()) !== 'leaf') collect(item, node.items(), into.child(element));
    }
  }
}

/** What differs between two states of an object, as sets of paths. */
export interface Comparison {
  readonly added: FieldSet;
  readonly modified: FieldSet;
  readonly removed: FieldSet;
}

/** Compares two states place by place (structured-merge-diff typed.Compare). */
export function compareValues(before: unknown, after: unknown, node: SchemaNode): Comparison {
  const builders = { added: new FieldSetBuilder(), modified: new FieldSetBuilder(), removed: new FieldSetBuilder() };
  compareLevel(before, after, node, builders);
  return { added: builders.added.build(), modified: builders.modified.build(), removed: builders.removed.build() };
}

type Builders = Readonly<Record<keyof Comparison, FieldSetBuilder>>;

function compareLevel(before: unknown, after: unknown, node: SchemaNode, into: Builders): void {
  const left = entriesOf(before, node);
  const right = entriesOf(after, node);
  for (const element of new Set([...left.keys(), ...right.keys()])) {
    const l = left.get(element);
    const r = right.get(element);
    const child = childNode(node, element);
    const shapes = [l, r].filter((value) => value !== undefined).map((value) => shapeOf(value, child));
    if (l === undefined) into.added.add(element);
    else if (r === undefined) into.removed.add(element);
    else if (shapes[0] !== shapes[1] || shapes[0] === 'leaf') {
      if (!deepEqual(l, r)) into.modified.add(element);
      continue;
    }
    if (shapes.every((shape) => shape !== 'leaf')) {
      compareLevel(l, r, child, { added: into.added.child(element), modified: into.modified.child(element), removed: into.removed.child(element) });
    }
  }
}

/** The entries of a map or an identified list by their steps; empty for a leaf. */
function entriesOf(value: unknown, node: SchemaNode): ReadonlyMap<EncodedElement, unknown> {
  const shape = shapeOf(value, node);
  if (shape === 'list' && Array.isArray(value)) return itemsByElement(value, node);
  if (shape === 'map' && isJsonObject(value))
    return new Map(
      Object.entries(value)
        .filter(([, field]) => field !== undefined)
        .map(([name, field]) => [`f:${name}`, field]),
    );
  return new Map();
}

/** The schema node one step below. */
function childNode(node: SchemaNode, element: EncodedElement): SchemaNode {
  const decoded = decodeElement(element);
  return decoded?.kind === 'field' ? node.child(decoded.name) : node.items();
}

/** Lays `applied` over `live`: maps and identified lists merge, everything else is taken from `applied`. */
export function mergeValues(live: unknown, applied: unknown, node: SchemaNode): unknown {
  if (live === undefined) return applied;
  const shape = shapeOf(applied, node);
  if (shape === 'leaf' || shapeOf(live, node) !== shape) return applied;
  if (shape === 'list' && Array.isArray(live) && Array.isArray(applied)) return mergeLists(live, applied, node);
  if (!isJsonObject(live) || !isJsonObject(applied)) return applied;
  const merged: Record<string, unknown> = { ...live };
  for (const [name, value] of Object.entries(applied))
    setOwn(merged, name, mergeValues(Object.hasOwn(live, name) ? live[name] : undefined, value, node.child(name)));
  return merged;
}

// Items of `applied` keep their order, items only `live` has keep their place among their neighbours.
function mergeLists(live: readonly unknown[], applied: readonly unknown[], node: SchemaNode): readonly unknown[] {
  const left = [...itemsByElement(live, node)];
  const right = [...itemsByElement(applied, node)];
  const leftByElement = new Map(left);
  const rightElements = new Set(right.map(([element]) => element));
  const placed = new Set<EncodedElement>();
  const merged: unknown[] = [];
  let next = 0;
  const placeNext = (): void => {
    const entry = right[next];
    if (entry === undefined) return;
    next += 1;
    placed.add(entry[0]);
    merged.push(mergeValues(leftByElement.get(entry[0]), entry[1], node.items()));
  };
  for (const [element, item] of left) {
    if (!rightElements.has(element)) merged.push(item);
    else while (!placed.has(element)) placeNext();
  }
  while (next < right.length) placeNext();
  return merged;
}

/** Removes the places of a set with all that lies below them; containers left empty by it go too, unless `keep` names them. */
export function removePlaces(value: unknown, places: FieldSet, node: SchemaNode, keep: FieldSet = EMPTY_SET): unknown {
  const shape = shapeOf(value, node);
  if (shape === 'list' && Array.isArray(value)) {
    const rest: unknown[] = [];
    for (const [element, item] of itemsByElement(value, node)) {
      if (places.members.has(element)) continue;
      const below = places.children.get(element);
      rest.push(below === undefined ? item : removePlaces(item, below, node.items(), keep.children.get(element)));
    }
    return rest;
  }
  if (shape !== 'map' || !isJsonObject(value)) return value;
  const rest: Record<string, unknown> = {};
  for (const [name, field] of Object.entries(value)) {
    const element = `f:${name}`;
    if (places.members.has(element)) continue;
    const below = places.children.get(element);
    const kept = below === undefined ? field : removePlaces(field, below, node.child(name), keep.children.get(element));
    if (below !== undefined && isEmptyContainer(kept) && !isEmptyContainer(field) && !keep.members.has(element)) continue;
    setOwn(rest, name, kept);
  }
  return rest;
}

function isEmptyContainer(value: unknown): boolean {
  return Array.isArray(value) ? value.length === 0 : isJsonObject(value) && Object.keys(value).length === 0;
}

/** The set with every field on the way to a member a member too, where the schema names it (EnsureNamedFieldsAreMembers). */
export function ensureNamedFields(set: FieldSet, node: SchemaNode): FieldSet {
  const members = new Set(set.members);
  const children = new Map<EncodedElement, FieldSet>();
  for (const [element, child] of set.children) {
    const decoded = decodeElement(element);
    if (decoded?.kind === 'field' && (node.hasField(decoded.name) || node.form === 'untyped')) members.add(element);
    children.set(element, ensureNamedFields(child, childNode(node, element)));
  }
  return { members, children };
}

/** Sets a key as data, whatever its name: `__proto__` is a field like any other. */
export function setOwn(target: Record<string, unknown>, key: string, value: unknown): void {
  if (key === '__proto__') Object.defineProperty(target, key, { value, enumerable: true, configurable: true, writable: true });
  else target[key] = value;
}

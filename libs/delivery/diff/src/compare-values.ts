import { canonicalQuantity, deepEqual, isJsonObject } from '@tiphys/kube-model';
import { itemElement, UNTYPED, type PathElement, type SchemaNode } from '@tiphys/kube-patch';

/** One difference between two values. */
export interface Difference {
  readonly elements: readonly PathElement[];
  readonly kind: 'added' | 'removed' | 'changed';
  readonly desired?: unknown;
  readonly live?: unknown;
}

interface Place {
  readonly node: SchemaNode;
  readonly elements: readonly PathElement[];
}

/** Where the desired value differs from the live one: canonically, as deep as both have the same shape. */
export function differences(desired: unknown, live: unknown, node: SchemaNode, elements: readonly PathElement[] = []): readonly Difference[] {
  if (isBlank(desired, node) && isBlank(live, node)) return [];
  if (live === undefined || live === null) return [{ elements, kind: 'added', desired }];
  if (desired === undefined || desired === null) return [{ elements, kind: 'removed', live }];
  if (isJsonObject(desired) && isJsonObject(live)) return objectDifferences(desired, live, { node, elements });
  if (Array.isArray(desired) && Array.isArray(live)) return listDifferences(desired, live, { node, elements });
  return sameScalar(desired, live, node) ? [] : [{ elements, kind: 'changed', desired, live }];
}

// The API drops empty maps and lists when it stores an object; an empty struct may mean something (`emptyDir: {}`).
function isBlank(value: unknown, node: SchemaNode): boolean {
  if (value === undefined || value === null) return true;
  if (Array.isArray(value)) return value.length === 0;
  return (node.form === 'map' || node.form === 'untyped') && isJsonObject(value) && Object.keys(value).length === 0;
}

function objectDifferences(
  desired: Readonly<Record<string, unknown>>,
  live: Readonly<Record<string, unknown>>,
  { node, elements }: Place,
): readonly Difference[] {
  const names = [...new Set([...Object.keys(live), ...Object.keys(desired)])];
  return names.flatMap((name) => {
    const child = Object.hasOwn(desired, name) ? desired[name] : undefined;
    const other = Object.hasOwn(live, name) ? live[name] : undefined;
    if (child === other || (child === undefined && isDefault(other, node.keyDefault(name)))) return [];
    if (other === undefined && node.omits?.(name, child) === true) return [];
    return differences(child, other, node.child(name), [...elements, { kind: 'field', name }]);
  });
}

// The server fills in what a schema has a default for: that nobody asked for it is no difference.
function isDefault(live: unknown, fallback: unknown): boolean {
  return fallback !== undefined && deepEqual(live, fallback);
}

function listDifferences(desired: readonly unknown[], live: readonly unknown[], { node, elements }: Place): readonly Difference[] {
  if (node.listKind !== undefined && !node.atomic) return keyedDifferences(desired, live, { node, elements });
  if (desired.length !== live.length) return [{ elements, kind: 'changed', desired, live }];
  return desired.flatMap((item, index) => differences(item, live[index], node.items(), [...elements, { kind: 'index', index }]));
}

function keyedDifferences(desired: readonly unknown[], live: readonly unknown[], { node, elements }: Place): readonly Difference[] {
  const wanted = indexItems(desired, node);
  const found = indexItems(live, node);
  if (wanted === undefined || found === undefined) return deepEqual(desired, live) ? [] : [{ elements, kind: 'changed', desired, live }];
  return [...new Set([...found.keys(), ...wanted.keys()])].flatMap((key) => {
    const mine = wanted.get(key);
    const theirs = found.get(key);
    const element = mine?.element ?? theirs?.element;
    return element === undefined ? [] : differences(mine?.item, theirs?.item, node.items() ?? UNTYPED, [...elements, element]);
  });
}

// Undefined when an item has no identity or two have the same: then only the whole list can be compared.
function indexItems(items: readonly unknown[], node: SchemaNode): ReadonlyMap<string, { readonly item: unknown; readonly element: PathElement }> | undefined {
  const byKey = new Map<string, { readonly item: unknown; readonly element: PathElement }>();
  for (const item of items) {
    const element = itemElement(node, item);
    if (element === undefined) return undefined;
    const key = JSON.stringify(element);
    if (byKey.has(key)) return undefined;
    byKey.set(key, { item, element });
  }
  return byKey;
}

function sameScalar(desired: unknown, live: unknown, node: SchemaNode): boolean {
  if (desired === live || node.isSame?.(desired, live) === true) return true;
  if (node.scalar === 'quantity' && isAmount(desired) && isAmount(live)) {
    const amount = canonicalQuantity(desired);
    return amount !== undefined && amount === canonicalQuantity(live);
  }
  if (node.scalar === 'bytes') return String(desired).replace(/\s/g, '') === String(live).replace(/\s/g, '');
  return false;
}

function isAmount(value: unknown): value is string | number {
  return typeof value === 'string' || typeof value === 'number';
}

import { isJsonObject } from '@tiphys/kube-model';
import { encodeElement, itemElement, type PathElement, type SchemaNode } from '@tiphys/kube-patch';

/** The value at a place; undefined when the place is not there. */
export function valueAt(value: unknown, elements: readonly PathElement[], node: SchemaNode): unknown {
  const [first, ...rest] = elements;
  if (first === undefined) return value;
  const child = childAt(value, first, node);
  return child === undefined ? undefined : valueAt(child.value, rest, child.node);
}

/**
 * A copy with another value at a place, or without the place where there is none to set. What is missing on the way is made:
 * maps, and list items with the keys of the step. Index steps only reach items that are there.
 */
export function withValueAt(value: unknown, elements: readonly PathElement[], node: SchemaNode, wanted: unknown): unknown {
  const [first, ...rest] = elements;
  if (first === undefined) return wanted;
  const child = childAt(value, first, node);
  if (child === undefined && wanted === undefined) return value;
  const below = child?.node ?? nodeBelow(first, node);
  const next = rest.length === 0 ? wanted : withValueAt(child?.value ?? emptyFor(first, rest), rest, below, wanted);
  return first.kind === 'field' ? withField(value, first.name, next) : withItem(value, first, node, next);
}

function childAt(value: unknown, element: PathElement, node: SchemaNode): { readonly value: unknown; readonly node: SchemaNode } | undefined {
  if (element.kind === 'field')
    return isJsonObject(value) && Object.hasOwn(value, element.name) ? { value: value[element.name], node: node.child(element.name) } : undefined;
  const index = indexOf(value, element, node);
  return index === -1 || !Array.isArray(value) ? undefined : { value: value[index], node: node.items() };
}

function nodeBelow(element: PathElement, node: SchemaNode): SchemaNode {
  return element.kind === 'field' ? node.child(element.name) : node.items();
}

function indexOf(value: unknown, element: PathElement, node: SchemaNode): number {
  if (!Array.isArray(value)) return -1;
  if (element.kind === 'index') return element.index < value.length ? element.index : -1;
  const wanted = encodeElement(element);
  return value.findIndex((item) => {
    const own = itemElement(node, item);
    return own !== undefined && encodeElement(own) === wanted;
  });
}

function emptyFor(element: PathElement, rest: readonly PathElement[]): unknown {
  if (element.kind === 'key') return { ...element.keys };
  return rest[0]?.kind === 'field' ? {} : [];
}

function withField(value: unknown, name: string, next: unknown): unknown {
  const fields = isJsonObject(value) ? value : {};
  if (next !== undefined) return Object.fromEntries([...Object.entries(fields).filter(([key]) => key !== name), [name, next]]);
  return Object.fromEntries(Object.entries(fields).filter(([key]) => key !== name));
}

function withItem(value: unknown, element: PathElement, node: SchemaNode, next: unknown): unknown {
  const items: readonly unknown[] = Array.isArray(value) ? value : [];
  const index = indexOf(items, element, node);
  if (index === -1) return next === undefined || element.kind === 'index' ? value : [...items, next];
  return next === undefined ? items.toSpliced(index, 1) : items.with(index, next);
}

/** A path of keys and indexes, as jq and JSON pointers give it, as steps that name list items by what identifies them. */
export function toElements(value: unknown, path: readonly (string | number)[], node: SchemaNode): readonly PathElement[] {
  const elements: PathElement[] = [];
  let at = value;
  let below = node;
  for (const step of path) {
    if (Array.isArray(at)) {
      const index = Number(step);
      elements.push((below.listKind === undefined ? undefined : itemElement(below, at[index])) ?? { kind: 'index', index });
      at = at[index];
      below = below.items();
      continue;
    }
    const name = String(step);
    elements.push({ kind: 'field', name });
    at = isJsonObject(at) && Object.hasOwn(at, name) ? at[name] : undefined;
    below = below.child(name);
  }
  return elements;
}

import { isJsonObject } from '@tiphys/kube-model';
import type { SchemaNode } from './schema-node.ts';

/** One step of a field path (structured-merge-diff fieldpath.PathElement). */
export type PathElement =
  | { readonly kind: 'field'; readonly name: string }
  | { readonly kind: 'key'; readonly keys: Readonly<Record<string, unknown>> }
  | { readonly kind: 'value'; readonly value: unknown }
  | { readonly kind: 'index'; readonly index: number };

/** The form a step has in `fieldsV1`, such as `f:spec` or `k:{"name":"app"}`. What field sets are keyed by. */
export type EncodedElement = string;

/** Writes a step as `fieldsV1` does. */
export function encodeElement(element: PathElement): EncodedElement {
  switch (element.kind) {
    case 'field':
      return `f:${element.name}`;
    case 'key':
      return `k:${JSON.stringify(element.keys, Object.keys(element.keys).toSorted())}`;
    case 'value':
      return `v:${JSON.stringify(element.value)}`;
    case 'index':
      return `i:${element.index}`;
  }
}

/** Reads a step of `fieldsV1`; undefined when it is of no known form. */
export function decodeElement(encoded: EncodedElement): PathElement | undefined {
  const body = encoded.slice(2);
  if (encoded.startsWith('f:')) return { kind: 'field', name: body };
  if (encoded.startsWith('i:')) return { kind: 'index', index: Number(body) };
  try {
    const value: unknown = JSON.parse(body);
    if (encoded.startsWith('v:')) return { kind: 'value', value };
    if (encoded.startsWith('k:') && isJsonObject(value)) return { kind: 'key', keys: value };
  } catch {
    return undefined; // managedFields are client input: what cannot be read owns nothing.
  }
  return undefined;
}

/** The path of the steps as a person reads it: `.spec.containers[name="app"].image`. */
export function formatPath(path: readonly PathElement[]): string {
  return path.map(formatElement).join('');
}

function formatElement(element: PathElement): string {
  switch (element.kind) {
    case 'field':
      return /^[A-Za-z_$][\w$-]*$/.test(element.name) ? `.${element.name}` : `["${element.name}"]`;
    case 'key':
      return `[${Object.entries(element.keys)
        .toSorted(([a], [b]) => (a < b ? -1 : 1))
        .map(([key, value]) => `${key}=${JSON.stringify(value)}`)
        .join(',')}]`;
    case 'value':
      return `[=${JSON.stringify(element.value)}]`;
    case 'index':
      return `[${element.index}]`;
  }
}

/** The step that names a list item: by its value in a set, by its keys in a map; undefined when the item lacks a key. */
export function itemElement(node: SchemaNode, item: unknown): PathElement | undefined {
  if (node.listKind === 'set') return { kind: 'value', value: item };
  if (!isJsonObject(item)) return undefined;
  const element = node.items();
  const keys = (node.listMapKeys ?? []).map((key): readonly [string, unknown] => [key, item[key] ?? element.keyDefault(key)]);
  // An item may leave out some keys, but one without any has no identity.
  const present = keys.filter(([, value]) => value !== undefined);
  return present.length === 0 ? undefined : { kind: 'key', keys: Object.fromEntries(present) };
}

import { deepEqual, isJsonObject, type JsonObject } from '@tiphys/kube-model';
import { PatchError } from './patch-error.ts';
import type { SchemaNode } from './schema-node.ts';
import { setOwn } from './typed-value.ts';

const PATCH = '$patch';
const RETAIN_KEYS = '$retainKeys';
const ORDER = '$setElementOrder/';
const DELETE_PRIMITIVES = '$deleteFromPrimitiveList/';

/**
 * Applies a strategic merge patch (apimachinery strategicpatch/patch.go): objects merge, lists merge where the schema names a
 * merge key or a merge strategy, and the directives $patch, $retainKeys, $setElementOrder and $deleteFromPrimitiveList are
 * obeyed. Throws PatchError.
 */
export function applyStrategicMergePatch(document: unknown, patch: unknown, schema: SchemaNode): unknown {
  if (!isJsonObject(patch)) throw new PatchError({ code: 'invalid' }, 'strategic merge patch: must be an object');
  return mergeObject(isJsonObject(document) ? document : {}, patch, schema) ?? {};
}

// Undefined: the patch deletes the object.
function mergeObject(original: JsonObject, patch: JsonObject, node: SchemaNode): JsonObject | undefined {
  const directive = patch[PATCH];
  if (directive === 'replace') return withoutDirectives(patch);
  if (directive === 'delete') return undefined;
  if (directive !== undefined && directive !== 'merge')
    throw new PatchError({ code: 'invalid' }, `strategic merge patch: unknown directive $patch: ${JSON.stringify(directive)}`);
  const result: Record<string, unknown> = retained(original, patch);
  for (const [key, value] of Object.entries(patch)) {
    if (key.startsWith('$')) continue;
    if (value === null) delete result[key];
    else {
      const merged = mergeField({
        original: Object.hasOwn(result, key) ? result[key] : undefined,
        value,
        order: patch[ORDER + key],
        node: node.child(key),
        key,
      });
      if (merged === undefined) delete result[key];
      else setOwn(result, key, merged);
    }
  }
  for (const [key, value] of Object.entries(patch)) {
    if (key.startsWith(DELETE_PRIMITIVES)) deletePrimitives(result, key.slice(DELETE_PRIMITIVES.length), value);
    // An order without a patch of the list itself only sorts it.
    if (key.startsWith(ORDER) && !Object.hasOwn(patch, key.slice(ORDER.length))) sortField(result, key.slice(ORDER.length), value, node);
  }
  // Values come from two JSON documents.
  return result as JsonObject;
}

function retained(original: JsonObject, patch: JsonObject): Record<string, unknown> {
  const keys = patch[RETAIN_KEYS];
  if (keys === undefined) return { ...original };
  if (!Array.isArray(keys)) throw new PatchError({ code: 'invalid' }, 'strategic merge patch: $retainKeys must be a list');
  return Object.fromEntries(Object.entries(original).filter(([key]) => keys.includes(key)));
}

interface FieldMerge {
  readonly original: unknown;
  readonly value: unknown;
  readonly order: unknown;
  readonly node: SchemaNode;
  readonly key: string;
}

function mergeField({ original, value, order, node, key }: FieldMerge): unknown {
  if (isJsonObject(value)) return mergeObject(isJsonObject(original) && !replaces(node) ? original : {}, value, node);
  if (!Array.isArray(value)) return value;
  if (node.patchStrategy?.includes('merge') !== true) return value.map(stripValue);
  const items: readonly unknown[] = Array.isArray(original) ? original : [];
  const mergeKey = node.patchMergeKey;
  if (mergeKey === undefined) {
    return sorted([...items, ...value.filter((item) => !items.some((other) => deepEqual(other, item)))], order, (item) => item, items);
  }
  return sorted(
    mergeItems({ items, patches: value, mergeKey, node, key }),
    orderKeys(order, mergeKey),
    (item) => (isJsonObject(item) ? item[mergeKey] : item),
    items,
  );
}

function replaces(node: SchemaNode): boolean {
  return node.patchStrategy?.includes('replace') === true;
}

interface ItemMerge {
  readonly items: readonly unknown[];
  readonly patches: readonly unknown[];
  readonly mergeKey: string;
  readonly node: SchemaNode;
  readonly key: string;
}

function mergeItems({ items, patches, mergeKey, node, key }: ItemMerge): readonly unknown[] {
  if (patches.some((patch) => isJsonObject(patch) && patch[PATCH] === 'replace')) {
    return patches.filter((patch) => !isJsonObject(patch) || patch[PATCH] !== 'replace' || patch[mergeKey] !== undefined).map(stripValue);
  }
  let result = [...items];
  for (const patch of patches) {
    if (!isJsonObject(patch) || patch[mergeKey] === undefined || patch[mergeKey] === null) {
      throw new PatchError(
        { code: 'invalid' },
        `strategic merge patch: map: ${JSON.stringify(patch)} does not contain declared merge key: ${mergeKey} (in ${key})`,
      );
    }
    const matches = (item: unknown): boolean => isJsonObject(item) && deepEqual(item[mergeKey], patch[mergeKey]);
    const index = result.findIndex(matches);
    if (patch[PATCH] === 'delete') result = result.filter((item) => !matches(item));
    else if (index < 0) result.push(mergeObject({}, patch, node.items()) ?? {});
    else result[index] = mergeObject(result[index] as JsonObject, patch, node.items()) ?? {}; // `matches` accepts objects only.
  }
  return result;
}

function orderKeys(order: unknown, mergeKey: string): unknown {
  return Array.isArray(order) ? order.map((item: unknown) => (isJsonObject(item) ? item[mergeKey] : item)) : undefined;
}

// Items the order names follow it; items it does not name stay behind the neighbour they followed in the live list.
function sorted(items: readonly unknown[], order: unknown, keyOf: (item: unknown) => unknown, live: readonly unknown[]): readonly unknown[] {
  if (!Array.isArray(order)) return items;
  const positionOf = (item: unknown): number => order.findIndex((key: unknown) => deepEqual(key, keyOf(item)));
  const named = items.filter((item) => positionOf(item) >= 0).toSorted((a, b) => positionOf(a) - positionOf(b));
  const result = [...named];
  for (const item of items.filter((candidate) => positionOf(candidate) < 0)) {
    const place = live.findIndex((other) => deepEqual(keyOf(other), keyOf(item)));
    const before = live.slice(0, Math.max(place, 0)).findLast((other) => result.some((placed) => deepEqual(keyOf(placed), keyOf(other))));
    const at = before === undefined ? 0 : result.findIndex((placed) => deepEqual(keyOf(placed), keyOf(before))) + 1;
    if (place < 0) result.push(item);
    else result.splice(at, 0, item);
  }
  return result;
}

function deletePrimitives(target: Record<string, unknown>, key: string, values: unknown): void {
  const list = target[key];
  if (!Array.isArray(list) || !Array.isArray(values)) return;
  target[key] = list.filter((item: unknown) => !values.some((value) => deepEqual(value, item)));
}

function sortField(target: Record<string, unknown>, key: string, order: unknown, node: SchemaNode): void {
  const list: unknown = target[key];
  if (!Array.isArray(list)) return;
  const mergeKey = node.child(key).patchMergeKey;
  target[key] =
    mergeKey === undefined
      ? sorted(list, order, (item) => item, list)
      : sorted(list, orderKeys(order, mergeKey), (item) => (isJsonObject(item) ? item[mergeKey] : item), list);
}

function withoutDirectives(value: JsonObject): JsonObject {
  // Every value is JSON already.
  return Object.fromEntries(
    Object.entries(value)
      .filter(([key, field]) => !key.startsWith('$') && field !== null)
      .map(([key, field]) => [key, stripValue(field)]),
  ) as JsonObject;
}

function stripValue(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(stripValue);
  return isJsonObject(value) ? withoutDirectives(value) : value;
}

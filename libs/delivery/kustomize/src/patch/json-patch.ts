import { fromJson, GoInt, GoMap, GoSlice, readYaml, type GoValue } from '@tiphys/delivery-helm';
import { fail, reading } from '../kustomize-error.ts';
import type { Budget } from '../limits.ts';
import { INTERNAL_PREFIX } from '../resource/annotations.ts';
import type { Resource } from '../resource/resource.ts';
import { fromJsonData } from '../yaml/value.ts';

/** JSON data that is changed in place; maps keep any key. */
type Json = null | boolean | number | string | Json[] | Map<string, Json>;

/** One operation of a JSON patch. */
export interface Operation {
  readonly op: string;
  readonly path: string | undefined;
  readonly from: string | undefined;
  readonly value: GoValue;
}

const MAX_OPERATIONS = 10_000;

/** Reads a JSON patch, in JSON or YAML (RFC 6902, as evanphx/json-patch reads it). Throws KustomizeError where it is none. */
export function parseJsonPatch(text: string): readonly Operation[] {
  if (text === '') fail('empty json patch operations');
  // What begins like JSON must be JSON.
  const value = reading(() => (text.startsWith('[') ? fromJson(JSON.parse(text)) : readYaml(text)));
  if (value === null) return [];
  if (!(value instanceof GoSlice)) return fail('json: cannot unmarshal object into Go value of type jsonpatch.Patch');
  if (value.items.length > MAX_OPERATIONS) fail(`a JSON patch has more than ${MAX_OPERATIONS} operations`, 'limit');
  return value.items.map((item) => {
    if (!(item instanceof GoMap)) return fail('json: cannot unmarshal value into Go value of type jsonpatch.Operation');
    const text = (name: string): string | undefined => {
      const field = item.entries.get(name);
      return typeof field === 'string' ? field : undefined;
    };
    return { op: text('op') ?? 'unknown', path: text('path'), from: text('from'), value: item.entries.get('value') ?? null };
  });
}

/** Applies a JSON patch to an object; what Kustomize has noted on the object survives. Throws KustomizeError. */
export function applyJsonPatch(resource: Resource, patch: readonly Operation[], budget: Budget): void {
  const internal = [...resource.annotations].filter(
    ([name]) => name.startsWith(`${INTERNAL_PREFIX}/`) || /^config\.(?:kubernetes\.io\/(?:path|index)|k8s\.io\/id)$/.test(name),
  );
  let root = toJson(resource.value());
  for (const operation of patch) {
    root = applyOperation(root, operation, budget);
  }
  if (!(root instanceof Map)) return fail('json: cannot unmarshal array into Go value of type map[string]interface {}');
  resource.node.become(fromJsonData(root));
  const annotations = resource.annotations;
  for (const [name, value] of internal) annotations.set(name, value);
  resource.setAnnotations(annotations);
}

function toJson(value: GoValue): Json {
  if (value instanceof GoMap) return new Map([...value.entries].map(([key, item]): [string, Json] => [key, toJson(item)]));
  if (value instanceof GoSlice) return value.items.map(toJson);
  if (value instanceof GoInt) return Number(value.value);
  return typeof value === 'object' ? null : value;
}

function applyOperation(root: Json, operation: Operation, budget: Budget): Json {
  budget.spend('nodes', 1);
  const { op } = operation;
  if (!['add', 'remove', 'replace', 'move', 'test', 'copy'].includes(op)) return fail(`Unexpected kind: ${op}`);
  const path = operation.path ?? fail(`${op} operation failed to decode path: missing value`);
  switch (op) {
    case 'add':
      add(root, path, toJson(operation.value), `add operation does not apply: doc is missing path: "${path}"`);
      return root;
    case 'remove':
      remove(root, path, `remove operation does not apply: doc is missing path: "${path}"`);
      return root;
    case 'replace':
      return replace(root, path, toJson(operation.value));
    case 'test':
      test(root, path, toJson(operation.value));
      return root;
    default:
      transfer(root, operation, path, budget);
      return root;
  }
}

interface Place {
  readonly holder: Json[] | Map<string, Json>;
  readonly key: string;
}

function locate(root: Json, path: string, message: string): Place {
  const parts = path.split('/').map((part) => part.replaceAll('~1', '/').replaceAll('~0', '~'));
  let at: Json | undefined = parts.length < 2 ? undefined : root;
  for (const part of parts.slice(1, -1)) at = at instanceof Map ? at.get(part) : Array.isArray(at) ? at[itemIndex(part, at.length) ?? at.length] : undefined;
  return at instanceof Map || Array.isArray(at) ? { holder: at, key: parts.at(-1) ?? '' } : fail(`${message}: missing value`);
}

// strconv.Atoi; a negative number counts from the end.
function itemIndex(part: string, length: number): number | undefined {
  if (!/^[-+]?\d+$/.test(part)) return undefined;
  const index = Number(part) < 0 ? Number(part) + length : Number(part);
  return index >= 0 && index < length ? index : undefined;
}

function add(root: Json, path: string, value: Json, message: string): void {
  const { holder, key } = locate(root, path, message);
  if (holder instanceof Map) holder.set(key, value);
  else if (key === '-') holder.push(value);
  else holder.splice(itemIndex(key, holder.length + 1) ?? badIndex('add', path, key), 0, value);
}

function badIndex(op: string, path: string, key: string): never {
  const what = /^[-+]?\d+$/.test(key) ? `Unable to access invalid index: ${key}: invalid index referenced` : `value was not a proper array index: '${key}'`;
  return fail(`error in ${op} for path: '${path}': ${what}`);
}

function remove(root: Json, path: string, message: string): Json {
  const { holder, key } = locate(root, path, message);
  if (Array.isArray(holder)) return holder.splice(itemIndex(key, holder.length) ?? badIndex('remove', path, key), 1)[0] ?? null;
  const value = holder.get(key);
  if (value === undefined) return fail(`error in remove for path: '${path}': Unable to remove nonexistent key: ${key}: missing value`);
  holder.delete(key);
  return value;
}

function valueAt({ holder, key }: Place): Json | undefined {
  return holder instanceof Map ? holder.get(key) : holder[itemIndex(key, holder.length) ?? holder.length];
}

function replace(root: Json, path: string, value: Json): Json {
  if (path === '') return value instanceof Map || Array.isArray(value) ? value : fail('replace operation value must be object or array');
  const place = locate(root, path, `replace operation does not apply: doc is missing path: ${path}`);
  if (valueAt(place) === undefined) fail(`replace operation does not apply: doc is missing key: ${path}: missing value`);
  if (place.holder instanceof Map) place.holder.set(place.key, value);
  else place.holder[itemIndex(place.key, place.holder.length) ?? 0] = value;
  return root;
}

function test(root: Json, path: string, value: Json): void {
  const found = path === '' ? root : (valueAt(locate(root, path, `test operation does not apply: is missing path: ${path}`)) ?? null);
  if (!isEqual(found, value)) fail(`testing value ${path} failed: test failed`);
}

function isEqual(a: Json, b: Json): boolean {
  if (a instanceof Map && b instanceof Map) return a.size === b.size && [...a].every(([key, item]) => b.has(key) && isEqual(item, b.get(key) ?? null));
  if (Array.isArray(a) && Array.isArray(b)) return a.length === b.length && a.every((item, index) => isEqual(item, b[index] ?? null));
  return a === b;
}

function countValues(value: Json): number {
  const items = value instanceof Map ? [...value.values()] : Array.isArray(value) ? value : [];
  return items.reduce((sum: number, item) => sum + countValues(item), 1);
}

function transfer(root: Json, { op, from }: Operation, path: string, budget: Budget): void {
  const source = from ?? fail(`${op} operation failed to decode from: missing value`);
  const message = `${op} operation does not apply: doc is missing from path: ${source}`;
  const found = valueAt(locate(root, source, message));
  if (found === undefined) fail(`error in ${op} for ${op === 'copy' ? 'from' : 'path'}: '${source}': unable to get nonexistent key: missing value`);
  if (op === 'copy') budget.spend('nodes', countValues(found));
  const value = op === 'move' ? remove(root, source, message) : structuredClone(found);
  add(root, path, value, `${op} operation does not apply: doc is missing destination path: ${path}`);
}

import type { metav1 } from './generated/types/index.ts';

/** Any JSON value. */
export type JsonValue = null | boolean | number | string | readonly JsonValue[] | JsonObject;

/** Any JSON object. */
export interface JsonObject {
  readonly [key: string]: JsonValue | undefined;
}

/** What every object of the Kubernetes API has. Kinds we know have their own types in the `corev1`… modules. */
export interface KubeObject {
  readonly apiVersion: string;
  readonly kind: string;
  readonly metadata: metav1.ObjectMeta;
}

/** An object as a list returns it. */
export interface KubeList<T extends KubeObject = KubeObject> {
  readonly apiVersion: string;
  readonly kind: string;
  readonly metadata: metav1.ListMeta;
  readonly items: readonly T[];
}

/** Group, version and kind (apimachinery schema.GroupVersionKind). */
export interface GroupVersionKind {
  readonly group: string;
  readonly version: string;
  readonly kind: string;
}

/** An object's name and namespace; cluster-scoped objects have none. */
export interface ObjectKey {
  readonly namespace?: string | undefined;
  readonly name: string;
}

/** Names one object among all kinds: what an inventory, a plan or a tree node refers to. */
export interface ObjectRef extends GroupVersionKind, ObjectKey {}

/** Deeply mutable copy type: what `cloneMutable` returns. */
export type Mutable<T> = T extends (...args: never[]) => unknown
  ? T
  : T extends ReadonlyArray<infer Item>
    ? Mutable<Item>[]
    : T extends object
      ? { -readonly [Key in keyof T]: Mutable<T[Key]> }
      : T;

/** A deep copy that may be changed. Objects from a store, an informer or Git are shared and must not be. */
export function cloneMutable<T>(value: T): Mutable<T> {
  return structuredClone(value) as Mutable<T>;
}

/** Splits `apps/v1` into group and version; the core group is the empty string. */
export function parseApiVersion(apiVersion: string): { readonly group: string; readonly version: string } {
  const slash = apiVersion.indexOf('/');
  return slash < 0 ? { group: '', version: apiVersion } : { group: apiVersion.slice(0, slash), version: apiVersion.slice(slash + 1) };
}

/** Joins group and version as `apiVersion` has it. */
export function formatApiVersion(group: string, version: string): string {
  return group === '' ? version : `${group}/${version}`;
}

/** The group, version and kind an object claims to be. */
export function gvkOf(object: { readonly apiVersion: string; readonly kind: string }): GroupVersionKind {
  return { ...parseApiVersion(object.apiVersion), kind: object.kind };
}

/** The full reference of an object. */
export function refOf(object: KubeObject): ObjectRef {
  const { namespace, name = '' } = object.metadata;
  return { ...gvkOf(object), ...(namespace === undefined || namespace === '' ? {} : { namespace }), name };
}

/** `namespace/name`, or `name` for a cluster-scoped object: client-go's MetaNamespaceKeyFunc. */
export function keyOf(object: { readonly metadata: metav1.ObjectMeta }): string {
  return toKey({ namespace: object.metadata.namespace, name: object.metadata.name ?? '' });
}

/** The string form of a name and namespace. */
export function toKey(key: ObjectKey): string {
  return key.namespace === undefined || key.namespace === '' ? key.name : `${key.namespace}/${key.name}`;
}

/** The name and namespace of a string made by `toKey`. */
export function parseKey(key: string): ObjectKey {
  const slash = key.indexOf('/');
  return slash < 0 ? { name: key } : { namespace: key.slice(0, slash), name: key.slice(slash + 1) };
}

/** Identity across versions of one kind: `group/Kind/namespace/name`. What inventories and trees are keyed by. */
export function refKey(ref: Omit<ObjectRef, 'version'>): string {
  return `${ref.group}/${ref.kind}/${ref.namespace ?? ''}/${ref.name}`;
}

/** `Kind/namespace/name` for sentences to a human. */
export function describeRef(ref: { readonly kind: string } & ObjectKey): string {
  return `${ref.kind}/${toKey(ref)}`;
}

/** `Kind/namespace/name` of an object, for sentences to a human. */
export function describeObject(object: KubeObject): string {
  return describeRef(refOf(object));
}

/** The owner reference that controls the object, when it has one. */
export function controllerOf(object: KubeObject): metav1.OwnerReference | undefined {
  return object.metadata.ownerReferences?.find((owner) => owner.controller === true);
}

/** Walks into unknown data by keys; undefined where the way ends. */
export function fieldAt(value: unknown, ...path: readonly (string | number)[]): unknown {
  let at: unknown = value;
  for (const step of path) {
    if (typeof at !== 'object' || at === null || !Object.hasOwn(at, step)) return undefined;
    at = (at as Readonly<Record<string | number, unknown>>)[step];
  }
  return at;
}

/** Whether a value is a plain JSON object. */
export function isJsonObject(value: unknown): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** Structural equality of JSON values; an undefined field equals an absent one. */
export function deepEqual(a: unknown, b: unknown): boolean {
  if (a === b) return true;
  if (typeof a !== 'object' || typeof b !== 'object' || a === null || b === null) return false;
  if (Array.isArray(a) || Array.isArray(b)) {
    return Array.isArray(a) && Array.isArray(b) && a.length === b.length && a.every((item, index) => deepEqual(item, b[index]));
  }
  const left = a as Readonly<Record<string, unknown>>;
  const right = b as Readonly<Record<string, unknown>>;
  const leftKeys = Object.keys(left).filter((key) => left[key] !== undefined);
  const rightKeys = Object.keys(right).filter((key) => right[key] !== undefined);
  return leftKeys.length === rightKeys.length && leftKeys.every((key) => Object.hasOwn(right, key) && deepEqual(left[key], right[key]));
}

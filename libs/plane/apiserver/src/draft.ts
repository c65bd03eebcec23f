import type { KubeObject, metav1, Mutable } from '@tiphys/kube-model';

/** Metadata that may still change. */
export type DraftMeta = Mutable<metav1.ObjectMeta>;

/** An object on its way into the store: ours alone, so it may be changed. */
export interface Draft {
  apiVersion: string;
  kind: string;
  metadata: DraftMeta;
  spec?: unknown;
  status?: unknown;
}

/** A JSON object whose fields are looked up by name. */
export type JsonMap = Record<string, unknown>;

/** Views a draft as its kind. The caller has looked at apiVersion and kind; fields were checked against the kind's schema. */
export function draftAs<T extends KubeObject>(draft: Draft): Mutable<T> {
  return draft as unknown as Mutable<T>; // Boundary: coerceObject has given the draft the shape of its kind.
}

/** The value as a JSON object, or undefined when it is something else. */
export function asMap(value: unknown): JsonMap | undefined {
  // An object that is not an array, as JSON.parse makes it, has string keys.
  return typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as JsonMap) : undefined;
}

/** The value as a list; empty when it is none. */
export function asList(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? value : [];
}

/** The value as text; undefined when it is none. */
export function asText(value: unknown): string | undefined {
  return typeof value === 'string' ? value : undefined;
}

/** Sets an own field, also one named `__proto__`, which plain assignment would send to the prototype. */
export function setField(target: JsonMap, key: string, value: unknown): void {
  if (key === '__proto__') Object.defineProperty(target, key, { value, writable: true, enumerable: true, configurable: true });
  else target[key] = value;
}

/** The object with apiVersion, kind and metadata first: the order every stored object is written in. */
export function encodeDraft(draft: Draft): Buffer {
  const { apiVersion, kind, metadata, ...rest } = draft;
  return Buffer.from(JSON.stringify({ apiVersion, kind, metadata, ...rest }));
}

/** Reads an object that this server has written. */
export function decodeDraft(bytes: Uint8Array): Draft {
  // Boundary: the bytes come from encodeDraft.
  return JSON.parse(Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('utf8')) as Draft;
}

import { isJsonObject, type JsonObject, type KubeObject } from '@tiphys/kube-model';
import type { PathElement } from '@tiphys/kube-patch';
import type { Change, Digest } from './change.ts';
import { LAST_APPLIED_ANNOTATION } from './known-kinds.ts';
import { encodeBase64 } from './normalize.ts';

/** Covers secret values in changes: of a Secret its data, of any object the annotations that are named. */
export function changeMask(desired: KubeObject, digest: Digest | undefined, sensitiveAnnotations: readonly string[]): (change: Change) => Change {
  const isSecret = desired.kind === 'Secret';
  const hidden = new Set([...sensitiveAnnotations, ...(isSecret ? [LAST_APPLIED_ANNOTATION] : [])]);
  if (!isSecret && hidden.size === 0) return (change) => change;
  const hide = (value: unknown): unknown => (digest === undefined ? '[redacted]' : digest(typeof value === 'string' ? value : JSON.stringify(value)));
  const cover = (value: unknown, elements: readonly PathElement[]): unknown => {
    const [first, second, third] = elements.map((element) => (element.kind === 'field' ? element.name : ''));
    if (isSecret && (first === 'data' || first === 'stringData')) {
      if (second !== undefined || typeof value !== 'object' || value === null) return hide(value);
      return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, hide(item)]));
    }
    if (first === 'metadata' && second === 'annotations' && third !== undefined) return hidden.has(third) ? hide(value) : value;
    if (typeof value !== 'object' || value === null || Array.isArray(value) || elements.length > 2) return value;
    return Object.fromEntries(Object.entries(value).map(([name, item]) => [name, cover(item, [...elements, { kind: 'field', name }])]));
  };
  return (change) => ({
    ...change,
    ...(change.desired === undefined ? {} : { desired: cover(change.desired, change.elements) }),
    ...(change.live === undefined ? {} : { live: cover(change.live, change.elements) }),
  });
}

const SHORTEST = 8;
const LONGER = 4;

/**
 * Two states of a Secret with plus signs for values: within one key equal values have equally many, others differ, and the
 * number says nothing else. The note of client-side apply is covered inside; one that cannot be read is covered as a whole.
 * Annotations that are named are covered likewise. Objects that are no Secrets keep everything but those annotations.
 */
export function maskStates(
  desired: KubeObject | undefined,
  live: KubeObject | undefined,
  sensitiveAnnotations: readonly string[] = [],
): {
  readonly desired: KubeObject | undefined;
  readonly live: KubeObject | undefined;
} {
  const cover = maskers();
  const states = [desired, live].map((state) => (state === undefined ? undefined : { state: withStringData(state), note: noteOf(state) }));
  // What is wanted comes first, then what lives, then the notes: so the shortest mask is that of the wish.
  const masked = states.map((entry) => (entry === undefined ? undefined : maskObject(entry.state, cover, sensitiveAnnotations)));
  const done = masked.map((object, index) => (object === undefined ? undefined : withNote(object, states[index]?.note, cover, sensitiveAnnotations)));
  return { desired: done[0], live: done[1] };
}

type Cover = (place: string, value: unknown) => string;

// A mask for each distinct value of a place, in the order of their coming.
function maskers(): Cover {
  const known = new Map<string, Map<string, string>>();
  return (place, value) => {
    const masks = known.get(place) ?? new Map<string, string>();
    known.set(place, masks);
    const text = JSON.stringify(value);
    const mask = masks.get(text) ?? '+'.repeat(SHORTEST + LONGER * masks.size);
    masks.set(text, mask);
    return mask;
  };
}

function isSecretObject(object: JsonObject | KubeObject): boolean {
  return object.kind === 'Secret';
}

// The API keeps stringData as data; a value is never told by its place.
function withStringData(object: KubeObject): KubeObject {
  // Read as data: a Secret from Git may hold anything.
  const { stringData, ...rest } = object as KubeObject & { readonly stringData?: unknown; readonly data?: unknown };
  if (!isSecretObject(object) || !isJsonObject(stringData)) return object;
  const encoded = Object.entries(stringData).map(([key, value]) => [key, typeof value === 'string' ? encodeBase64(value) : value]);
  return { ...rest, data: { ...mapOf(rest.data), ...Object.fromEntries(encoded) } } as KubeObject;
}

function maskObject<T extends JsonObject | KubeObject>(object: T, cover: Cover, sensitiveAnnotations: readonly string[]): T {
  const fields = object as JsonObject;
  const data = fields['data'];
  const metadata = fields['metadata'];
  const annotations = isJsonObject(metadata) ? metadata['annotations'] : undefined;
  const masked: Record<string, unknown> = { ...fields };
  if (isSecretObject(object) && isJsonObject(data))
    masked['data'] = Object.fromEntries(Object.entries(data).map(([key, value]) => [key, cover(`data ${key}`, value)]));
  if (isSecretObject(object) && data !== undefined && data !== null && !isJsonObject(data)) masked['data'] = cover('data', data);
  if (isJsonObject(metadata) && isJsonObject(annotations)) {
    const covered = Object.entries(annotations).map(([key, value]) => [key, sensitiveAnnotations.includes(key) ? cover(`annotation ${key}`, value) : value]);
    masked['metadata'] = { ...metadata, annotations: Object.fromEntries(covered) };
  }
  // The same object with other values in some places.
  return masked as T;
}

function noteOf(object: KubeObject): unknown {
  return object.metadata.annotations?.[LAST_APPLIED_ANNOTATION];
}

function withNote(object: KubeObject, note: unknown, cover: Cover, sensitiveAnnotations: readonly string[]): KubeObject {
  if (note === undefined || sensitiveAnnotations.includes(LAST_APPLIED_ANNOTATION)) return object;
  if (!isSecretObject(object) && sensitiveAnnotations.length === 0) return object;
  const parsed = parsedNote(note, object.kind);
  const text = parsed === undefined ? cover('note', note) : JSON.stringify(maskObject(parsed, cover, sensitiveAnnotations));
  return { ...object, metadata: { ...object.metadata, annotations: { ...object.metadata.annotations, [LAST_APPLIED_ANNOTATION]: text } } };
}

function parsedNote(note: unknown, kind: string): JsonObject | undefined {
  if (typeof note !== 'string') return undefined;
  try {
    const value: unknown = JSON.parse(note);
    if (!isJsonObject(value)) return undefined;
    // The note is of the object that carries it, whatever it calls itself.
    return { ...value, kind, data: { ...mapOf(value['data']), ...mapOf(value['stringData']) }, stringData: undefined };
  } catch {
    return undefined; // Written by clients: what cannot be read is covered as a whole.
  }
}

function mapOf(value: unknown): JsonObject {
  return isJsonObject(value) ? value : {};
}

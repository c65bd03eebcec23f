import { isJsonObject, type JsonValue, type KubeObject } from '@tiphys/kube-model';

// What the server fills in or refuses to take: never part of what Git wants.
const SERVER_METADATA = ['creationTimestamp', 'deletionTimestamp', 'generation', 'managedFields', 'resourceVersion', 'selfLink', 'uid'];

/**
 * A desired object in the form the API would store it: no nulls, no status (unless it is kept), no server-side metadata, a
 * Secret's `stringData` written as `data`.
 */
export function normalizeDesired(object: KubeObject, options: { readonly keepStatus?: boolean } = {}): KubeObject {
  const { status, ...others } = object as KubeObject & { readonly status?: unknown };
  const rest = options.keepStatus === true && status !== undefined ? { ...others, status } : others;
  const metadata = Object.fromEntries(Object.entries(object.metadata).filter(([key]) => !SERVER_METADATA.includes(key)));
  // Dropping nulls keeps the shape of an object.
  const clean = dropNulls({ ...rest, metadata } as unknown as JsonValue) as unknown as KubeObject;
  return clean.kind === 'Secret' && clean.apiVersion === 'v1' ? withStringData(clean) : clean;
}

function dropNulls(value: JsonValue): JsonValue {
  if (Array.isArray(value)) return value.map(dropNulls);
  if (!isJsonObject(value)) return value;
  return Object.fromEntries(Object.entries(value).flatMap(([key, field]) => (field === null || field === undefined ? [] : [[key, dropNulls(field)]])));
}

function withStringData(secret: KubeObject): KubeObject {
  // A Secret's two maps hold strings; anything else is left for the API to refuse.
  const { stringData, data, ...rest } = secret as KubeObject & { readonly stringData?: Readonly<Record<string, unknown>>; readonly data?: object };
  if (stringData === undefined) return secret;
  const encoded = Object.fromEntries(Object.entries(stringData).map(([key, value]) => [key, encodeBase64(String(value))]));
  return { ...rest, data: { ...data, ...encoded } } as KubeObject;
}

const ALPHABET = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/';

/** Text as base64 of its UTF-8, without a platform's help. */
export function encodeBase64(text: string): string {
  const bytes = new TextEncoder().encode(text);
  let encoded = '';
  for (let index = 0; index < bytes.length; index += 3) {
    const [a = 0, b = 0, c = 0] = bytes.subarray(index, index + 3);
    const left = bytes.length - index;
    encoded += ALPHABET.charAt(a >> 2) + ALPHABET.charAt(((a & 3) << 4) | (b >> 4));
    encoded += left > 1 ? ALPHABET.charAt(((b & 15) << 2) | (c >> 6)) : '=';
    encoded += left > 2 ? ALPHABET.charAt(c & 63) : '=';
  }
  return encoded;
}

import { encodeKubeMessage, encodeKubeProtobuf, hasKubeProtobuf } from '@tiphys/kube-model';
import { formatYaml } from '@tiphys/kube-yaml';
import { asMap, type Draft } from '../draft.ts';
import { readAs } from '../registry/objects.ts';
import type { ServedResource } from '../registry/served.ts';
import { MEDIA_TYPES, type Encoding } from './accept.ts';

/** How a value is written out. */
export interface Style {
  readonly encoding: Encoding;
  readonly isPretty: boolean;
}

/** A value as it goes over the wire. */
export interface Encoded {
  readonly contentType: string;
  readonly bytes: Uint8Array;
}

/** Encodes a value. What has no protobuf form is sent as JSON. */
export function encodeValue(value: unknown, { encoding, isPretty }: Style): Encoded {
  if (encoding === 'yaml') return { contentType: MEDIA_TYPES.yaml, bytes: Buffer.from(formatYaml(value)) };
  const object = encoding === 'protobuf' ? asKind(value) : undefined;
  if (object !== undefined) return { contentType: MEDIA_TYPES.protobuf, bytes: encodeKubeProtobuf(object) };
  return { contentType: MEDIA_TYPES.json, bytes: Buffer.from(`${JSON.stringify(value, undefined, isPretty ? 2 : undefined)}\n`) };
}

function asKind(value: unknown): { readonly apiVersion: string; readonly kind: string } | undefined {
  const map = asMap(value);
  // The discovery document of the core group has no apiVersion.
  const { apiVersion = 'v1', kind } = map ?? {};
  if (typeof apiVersion !== 'string' || typeof kind !== 'string' || !hasKubeProtobuf(apiVersion, kind)) return undefined;
  return { ...map, apiVersion, kind };
}

// Messages of stored objects by the identity of their bytes, in the version they were last asked for.
const messages = new WeakMap<Uint8Array, { readonly apiVersion: string; readonly message: Uint8Array }>();

/** The protobuf message of stored bytes in the served version. */
export function storedMessage(served: ServedResource, stored: Uint8Array): Uint8Array {
  const known = messages.get(stored);
  if (known?.apiVersion === served.apiVersion) return known.message;
  const draft: Draft = readAs(served, stored);
  const message = encodeKubeMessage(served.apiVersion, served.kind, draft);
  messages.set(stored, { apiVersion: served.apiVersion, message });
  return message;
}

// Clients of people, which read what they are answered (apiserver responsewriters isPrettyPrint).
const READ_BY_PEOPLE = /^(curl|Wget|Mozilla\/5\.0)/;

/** Whether JSON is indented: as `pretty` says, else for browsers and their like. */
export function isPretty(query: URLSearchParams, userAgent: string | undefined): boolean {
  const asked = query.get('pretty') ?? '';
  return asked === '' ? READ_BY_PEOPLE.test(userAgent ?? '') : /^(1|t|true)$/i.test(asked);
}

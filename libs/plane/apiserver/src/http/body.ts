import { LIMITS, messageOf } from '@tiphys/kernel';
import { decodeKubeProtobuf, ProtobufError, statusError } from '@tiphys/kube-model';
import { parseDocuments } from '@tiphys/kube-yaml';
import { asMap, type Draft } from '../draft.ts';
import { badRequest } from '../failures.ts';
import { MEDIA_TYPE_LIST } from './accept.ts';
import { scanJson } from './json-scan.ts';

/** A decoded body, and what its text says of keys that stand twice. */
export interface DecodedBody {
  readonly value: unknown;
  readonly duplicates: readonly string[];
}

/** Reads a request's body. Throws 413 beyond the limit. */
export async function readBody(chunks: AsyncIterable<unknown>): Promise<Buffer> {
  const parts: Buffer[] = [];
  let size = 0;
  for await (const chunk of chunks) {
    const part = Buffer.isBuffer(chunk) ? chunk : Buffer.from(String(chunk));
    size += part.length;
    if (size > LIMITS.requestBodyBytes) throw statusError('RequestEntityTooLarge', `Request entity too large: limit is ${LIMITS.requestBodyBytes}`);
    parts.push(part);
  }
  return Buffer.concat(parts, size);
}

/** Decodes a body by its media type. Throws 400 and 415. */
export function decodeBody(bytes: Buffer, contentType: string | undefined): DecodedBody {
  const type = (contentType ?? 'application/json').split(';')[0]?.trim().toLowerCase() ?? '';
  if (type === 'application/vnd.kubernetes.protobuf') return { value: decodeProtobuf(bytes), duplicates: [] };
  if (type === 'application/yaml' || type === 'application/apply-patch+yaml' || type === 'text/yaml') return decodeYaml(bytes);
  if (type === '' || type === 'application/json' || type.endsWith('+json')) return decodeJson(bytes);
  throw unsupported();
}

function unsupported(): Error {
  return statusError('UnsupportedMediaType', `the body of the request was in an unknown format - accepted media types include: ${MEDIA_TYPE_LIST}`);
}

function decodeProtobuf(bytes: Buffer): unknown {
  try {
    return decodeKubeProtobuf(bytes);
  } catch (error) {
    // Custom resources have no message: their clients may try again with JSON.
    if (error instanceof ProtobufError && error.code === 'unknownKind') throw unsupported();
    throw badRequest(`unable to decode protobuf: ${messageOf(error)}`);
  }
}

function decodeJson(bytes: Buffer): DecodedBody {
  const text = bytes.toString('utf8');
  if (text.trim() === '') throw badRequest('unexpected end of JSON input: the body is empty');
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    throw badRequest(`error decoding: ${messageOf(error)}`);
  }
  const { duplicates, depth, inexact } = scanJson(text);
  if (depth > LIMITS.manifestDepth) throw badRequest(`error decoding: exceeded max depth of ${LIMITS.manifestDepth}`);
  if (inexact !== undefined) throw badRequest(`error decoding: the integer ${inexact} cannot be kept exactly; integers go up to ${Number.MAX_SAFE_INTEGER}`);
  return { value, duplicates: duplicates.map((path) => `duplicate field "${path}"`) };
}

function decodeYaml(bytes: Buffer): DecodedBody {
  const text = bytes.toString('utf8');
  // Most clients send JSON under this type, which YAML contains.
  if (text.trimStart().startsWith('{')) {
    try {
      JSON.parse(text);
      return decodeJson(bytes);
    } catch {
      // Flow style YAML.
    }
  }
  const { values, problems } = parseDocuments(text, { source: 'body', allowDuplicateKeys: true });
  const [first] = problems;
  if (first !== undefined) throw badRequest(`error converting YAML to JSON: ${first.message}`);
  const [only] = values;
  if (only === undefined || values.length > 1) throw badRequest('error decoding: the body must hold one object');
  return {
    value: structuredClone(only.value),
    duplicates: only.duplicates.map(({ key, line }) => `line ${line}: key ${JSON.stringify(key)} already set in map`),
  };
}

/** A body as an object with metadata. Throws 400. */
export function bodyAsDraft(value: unknown, apiVersion: string, kind: string): Draft {
  const map = asMap(value);
  if (map === undefined)
    throw badRequest(
      `couldn't get version/kind; json parse error: json: cannot unmarshal ${Array.isArray(value) ? 'array' : typeof value} into Go value of type struct`,
    );
  // Upstream takes the kind from the path where the body has none.
  if (map['apiVersion'] === undefined || map['apiVersion'] === '') map['apiVersion'] = apiVersion;
  if (map['kind'] === undefined || map['kind'] === '') map['kind'] = kind;
  if (typeof map['apiVersion'] !== 'string' || typeof map['kind'] !== 'string') throw badRequest('apiVersion and kind must be strings');
  if (map['metadata'] === undefined || map['metadata'] === null) map['metadata'] = {};
  if (asMap(map['metadata']) === undefined)
    throw badRequest(
      `${kind} in version "${apiVersion}" cannot be handled as a ${kind}: json: cannot unmarshal into Go struct field ${kind}.metadata of type v1.ObjectMeta`,
    );
  return map as unknown as Draft; // apiVersion, kind and metadata were checked.
}

import { DomainError } from '@tiphys/kernel';
import { PROTOBUF_LINES } from './generated/protobuf.ts';
import { parseApiVersion, type KubeObject } from './object.ts';
import { ProtobufReader } from './protobuf-reader.ts';

/** A body that is not the protobuf form of a Kubernetes object. */
export class ProtobufError extends DomainError<
  { readonly code: 'malformed' } | { readonly code: 'unknownKind'; readonly apiVersion: string; readonly kind: string }
> {
  override readonly name = 'ProtobufError';
}

interface FieldRow {
  readonly name: string;
  readonly type: string;
  readonly form: 'one' | 'list' | 'map';
}

type JsonMap = Record<string, unknown>;

// The envelope: four bytes, then runtime.Unknown (apimachinery runtime/serializer/protobuf).
const MAGIC = [0x6b, 0x38, 0x73, 0x00];
const MAX_DEPTH = 100;
const META = '~m.v1.';

/** Whether bytes begin with the envelope of the Kubernetes protobuf form. */
export function isKubeProtobuf(bytes: Uint8Array): boolean {
  return MAGIC.every((byte, index) => bytes[index] === byte);
}

/** Decodes an object from the protobuf form typed Go clients send. Throws ProtobufError. */
export function decodeKubeProtobuf(bytes: Uint8Array): KubeObject {
  if (!isKubeProtobuf(bytes)) throw new ProtobufError({ code: 'malformed' }, 'protobuf body: does not begin with the k8s envelope');
  try {
    const envelope = decodeMessage(new ProtobufReader(bytes.subarray(MAGIC.length)), '~apimachinery.pkg.runtime.Unknown', 0);
    const { apiVersion = '', kind = '' } = (envelope['typeMeta'] ?? {}) as { readonly apiVersion?: string; readonly kind?: string }; // As the table says.
    const raw = envelope['raw'];
    const message = messageName(apiVersion, kind);
    if (message === undefined)
      throw new ProtobufError({ code: 'unknownKind', apiVersion, kind }, `${apiVersion} ${kind}: has no protobuf form`, { hint: 'send JSON' });
    const object = withBase64(raw instanceof Uint8Array ? decodeMessage(new ProtobufReader(raw), message, 0) : {});
    return { apiVersion, kind, metadata: {}, ...object };
  } catch (error) {
    if (error instanceof ProtobufError) throw error;
    throw new ProtobufError({ code: 'malformed' }, 'protobuf body: cannot be read', { cause: error });
  }
}

// Options travel under the version of the resource they are for, but their message is meta's.
const META_KINDS = /^(Create|Update|Patch|Delete|List|Get|Apply)Options$/;

function messageName(apiVersion: string, kind: string): string | undefined {
  const { group, version } = parseApiVersion(apiVersion);
  if (META_KINDS.test(kind)) return `${META}${kind}`;
  const short = group === '' ? 'core' : group.split('.')[0];
  const candidates = [
    `~a.${group === 'rbac.authorization.k8s.io' ? 'rbac' : group === 'flowcontrol.apiserver.k8s.io' ? 'flowcontrol' : short}.${version}.${kind}`,
    `~apiextensions_apiserver.pkg.apis.apiextensions.${version}.${kind}`,
    `~kube_aggregator.pkg.apis.apiregistration.${version}.${kind}`,
  ];
  return candidates.find((name) => lines().has(name));
}

let table: ReadonlyMap<string, string> | undefined;
const parsed = new Map<string, ReadonlyMap<number, FieldRow>>();

function lines(): ReadonlyMap<string, string> {
  table ??= new Map(
    PROTOBUF_LINES.split('\n')
      .filter((line) => line !== '')
      .map((line) => [line.slice(0, line.indexOf(' ')), line]),
  );
  return table;
}

function fieldsOf(message: string): ReadonlyMap<number, FieldRow> {
  const known = parsed.get(message);
  if (known !== undefined) return known;
  const fields = new Map(
    (lines().get(message) ?? '')
      .split(' ')
      .slice(1)
      .filter((text) => text !== '')
      .map(parseField),
  );
  parsed.set(message, fields);
  return fields;
}

function parseField(text: string): readonly [number, FieldRow] {
  const [number = '', name = '', type = '', form] = text.split(':');
  return [Number(number), { name, type, form: form === 'r' ? 'list' : form === 'm' ? 'map' : 'one' }];
}

function decodeMessage(reader: ProtobufReader, message: string, depth: number): JsonMap {
  if (depth > MAX_DEPTH) throw new ProtobufError({ code: 'malformed' }, `protobuf body: nested deeper than ${MAX_DEPTH}`);
  const fields = fieldsOf(message);
  const object: JsonMap = {};
  while (!reader.atEnd) {
    const { field: number, wireType } = reader.tag();
    const field = fields.get(number);
    if (field === undefined) reader.skip(wireType);
    else decodeField(reader, field, wireType, object, depth);
  }
  return object;
}

function decodeField(reader: ProtobufReader, field: FieldRow, wireType: number, object: JsonMap, depth: number): void {
  const name = jsonName(field.name);
  if (field.form === 'map') {
    const [key, value] = decodeEntry(reader.message(), field.type, depth);
    const map = (object[name] ?? {}) as JsonMap; // Only this branch writes the field.
    define(map, key, value);
    object[name] = map;
    return;
  }
  const value = decodeValue(reader, field.type, wireType, depth);
  if (field.form === 'list') {
    const list = (object[name] ?? []) as unknown[]; // Only this branch writes the field.
    list.push(value);
    object[name] = list;
  } else if (INLINED.has(field.name)) Object.assign(object, value);
  else if (!isZero(field.name, value)) object[name] = value;
}

function decodeEntry(reader: ProtobufReader, type: string, depth: number): readonly [string, unknown] {
  let key = '';
  let value: unknown = type === 'string' ? '' : type.startsWith('~') ? {} : type === 'bytes' ? '' : 0;
  while (!reader.atEnd) {
    const { field, wireType } = reader.tag();
    if (field === 1) key = reader.text();
    else if (field === 2) value = decodeValue(reader, type, wireType, depth);
    else reader.skip(wireType);
  }
  return [key, value];
}

function decodeValue(reader: ProtobufReader, type: string, wireType: number, depth: number): unknown {
  switch (type) {
    case 'string':
      return reader.text();
    case 'bytes':
      return reader.bytes();
    case 'bool':
      return reader.varint() !== 0n;
    case 'double':
      return reader.double();
    case 'int32':
    case 'int64':
      return Number(BigInt.asIntN(64, reader.varint()));
    case 'uint32':
    case 'uint64':
      return Number(reader.varint());
    default:
      if (wireType !== 2) {
        reader.skip(wireType);
        return undefined;
      }
      return toJson(type, decodeMessage(reader.message(), type, depth + 1));
  }
}

const CRD = '~apiextensions_apiserver.pkg.apis.apiextensions.v1.';

// Messages whose JSON form is not an object of their fields.
function toJson(type: string, message: JsonMap): unknown {
  switch (type) {
    case `${META}Time`:
    case `${META}MicroTime`:
      return timeOf(message, type.endsWith('MicroTime'));
    case '~apimachinery.pkg.api.resource.Quantity':
      return message['string'] ?? '0';
    case '~apimachinery.pkg.util.intstr.IntOrString':
      return message['type'] === 1 ? (message['strVal'] ?? '') : (message['intVal'] ?? 0);
    case '~apimachinery.pkg.runtime.RawExtension':
    case `${META}FieldsV1`:
    case `${CRD}JSON`:
      return jsonOf(message['raw'] ?? message['Raw']);
    case `${CRD}JSONSchemaPropsOrBool`:
      return message['schema'] ?? message['allows'] ?? false;
    case `${CRD}JSONSchemaPropsOrArray`:
      return message['schema'] ?? message['jSONSchemas'] ?? [];
    case `${CRD}JSONSchemaPropsOrStringArray`:
      return message['schema'] ?? message['property'] ?? [];
    case `${CRD}JSONSchemaProps`:
      return Object.fromEntries(Object.entries(message).map(([name, value]) => [SCHEMA_NAMES[name] ?? name, value]));
    default:
      return type.endsWith('.ExtraValue') || type === `${META}Verbs` ? (message['items'] ?? []) : withBase64(message);
  }
}

function timeOf({ seconds, nanos }: JsonMap, isMicro: boolean): string | undefined {
  if (typeof seconds !== 'number') return undefined;
  // oxlint-disable-next-line no-restricted-globals -- formats the time it is given, reads no clock
  const text = new Date(seconds * 1_000).toISOString().slice(0, 19);
  return isMicro ? `${text}.${String(Math.floor(Number(nanos ?? 0) / 1_000)).padStart(6, '0')}Z` : `${text}Z`;
}

function jsonOf(raw: unknown): unknown {
  if (!(raw instanceof Uint8Array) || raw.length === 0) return undefined;
  // An embedded object of a typed client is an envelope of its own.
  if (isKubeProtobuf(raw)) return decodeKubeProtobuf(raw);
  return JSON.parse(new TextDecoder().decode(raw)) as unknown;
}

function withBase64(message: JsonMap): JsonMap {
  for (const [name, value] of Object.entries(message)) {
    if (value instanceof Uint8Array) message[name] = toBase64(value);
    else if (name === 'data' || name === 'binaryData') encodeEntries(value);
  }
  return message;
}

function encodeEntries(map: unknown): void {
  if (typeof map !== 'object' || map === null) return;
  for (const [key, value] of Object.entries(map)) if (value instanceof Uint8Array) define(map as JsonMap, key, toBase64(value)); // A map of this decoder.
}

function toBase64(bytes: Uint8Array): string {
  let binary = '';
  for (const byte of bytes) binary += String.fromCharCode(byte);
  return btoa(binary);
}

function define(map: JsonMap, key: string, value: unknown): void {
  Object.defineProperty(map, key, { value, writable: true, enumerable: true, configurable: true });
}

// Go embeds these structs: their fields stand in the parent's JSON.
const INLINED: ReadonlySet<string> = new Set([
  'volumeSource',
  'persistentVolumeSource',
  'handler',
  'ephemeralContainerCommon',
  'localObjectReference',
  'ruleWithOperations',
  'rule',
]);

const SCHEMA_NAMES: Readonly<Record<string, string>> = {
  schema: '$schema',
  ref: '$ref',
  xKubernetesPreserveUnknownFields: 'x-kubernetes-preserve-unknown-fields',
  xKubernetesEmbeddedResource: 'x-kubernetes-embedded-resource',
  xKubernetesIntOrString: 'x-kubernetes-int-or-string',
  xKubernetesListMapKeys: 'x-kubernetes-list-map-keys',
  xKubernetesListType: 'x-kubernetes-list-type',
  xKubernetesMapType: 'x-kubernetes-map-type',
  xKubernetesValidations: 'x-kubernetes-validations',
};

function jsonName(name: string): string {
  return name === 'Webhooks' ? 'webhooks' : name === 'Validations' ? 'validations' : name;
}

// Go writes zero values of plain fields, which JSON leaves out; those of pointers are meant. The table cannot tell
// them apart, so a zero is kept where it says something and dropped where it is the default anyway.
const EMPTY_TEXT_KEPT: ReadonlySet<string> = new Set(['storageClassName', 'volumeAttributesClassName']);
const ZERO_DROPPED: ReadonlySet<string> = new Set([
  'hostPort',
  'nodePort',
  'healthCheckNodePort',
  'minReadySeconds',
  'initialDelaySeconds',
  'timeoutSeconds',
  'periodSeconds',
  'successThreshold',
  'failureThreshold',
  'generation',
  'observedGeneration',
  'partition',
  'hostNetwork',
  'hostPID',
  'hostIPC',
  'stdin',
  'stdinOnce',
  'tty',
  'paused',
  'readOnly',
  'publishNotReadyAddresses',
  'unschedulable',
  'exclusiveMaximum',
  'exclusiveMinimum',
  'uniqueItems',
  'nullable',
  'xKubernetesEmbeddedResource',
  'xKubernetesIntOrString',
  'deprecated',
]);

function isZero(name: string, value: unknown): boolean {
  if (value === undefined) return true;
  if (value === '') return !EMPTY_TEXT_KEPT.has(name);
  if (value instanceof Uint8Array && value.length === 0) return true;
  return (value === 0 || value === false) && ZERO_DROPPED.has(name);
}

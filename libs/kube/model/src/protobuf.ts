import { type KubeObject } from './object.ts';
import { ProtobufReader } from './protobuf-reader.ts';
import { CRD, fieldsOf, INT_OR_STRING, MAGIC, messageName, META, ProtobufError, QUANTITY, RAW_EXTENSION, UNKNOWN, type FieldRow } from './protobuf-table.ts';

type JsonMap = Record<string, unknown>;

const MAX_DEPTH = 100;

/** Whether bytes begin with the envelope of the Kubernetes protobuf form. */
export function isKubeProtobuf(bytes: Uint8Array): boolean {
  return MAGIC.every((byte, index) => bytes[index] === byte);
}

/** Decodes an object from the protobuf form typed Go clients send. Throws ProtobufError. */
export function decodeKubeProtobuf(bytes: Uint8Array): KubeObject {
  if (!isKubeProtobuf(bytes)) throw new ProtobufError({ code: 'malformed' }, 'protobuf body: does not begin with the k8s envelope');
  try {
    const envelope = decodeMessage(new ProtobufReader(bytes.subarray(MAGIC.length)), UNKNOWN, 0);
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

const numbered = new Map<string, ReadonlyMap<number, FieldRow>>();

function fieldsByNumber(message: string): ReadonlyMap<number, FieldRow> {
  const known = numbered.get(message) ?? new Map(fieldsOf(message).map((field) => [field.number, field]));
  numbered.set(message, known);
  return known;
}

function decodeMessage(reader: ProtobufReader, message: string, depth: number): JsonMap {
  if (depth > MAX_DEPTH) throw new ProtobufError({ code: 'malformed' }, `protobuf body: nested deeper than ${MAX_DEPTH}`);
  const fields = fieldsByNumber(message);
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
  const { name } = field;
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
  } else if (field.form === 'inlined') Object.assign(object, value);
  else if (!isZero(field.name, value)) object[name] = value;
}

function decodeEntry(reader: ProtobufReader, type: string, depth: number): readonly [string, unknown] {
  let key = '';
  let value: unknown = type === 'string' || type === 'bytes' ? '' : type.startsWith('~') ? toJson(type, {}) : 0;
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

// Messages whose JSON form is not an object of their fields.
function toJson(type: string, message: JsonMap): unknown {
  switch (type) {
    case `${META}Time`:
    case `${META}MicroTime`:
      return timeOf(message, type.endsWith('MicroTime'));
    case QUANTITY:
      return message['string'] ?? '0';
    case INT_OR_STRING:
      return message['type'] === 1 ? (message['strVal'] ?? '') : (message['intVal'] ?? 0);
    case RAW_EXTENSION:
    case `${META}FieldsV1`:
    case `${CRD}JSON`:
      return jsonOf(message['raw'] ?? message['Raw']);
    case `${CRD}JSONSchemaPropsOrBool`:
      return message['schema'] ?? message['allows'] ?? false;
    case `${CRD}JSONSchemaPropsOrArray`:
      return message['schema'] ?? message['jSONSchemas'] ?? [];
    case `${CRD}JSONSchemaPropsOrStringArray`:
      return message['schema'] ?? message['property'] ?? [];
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

// Go writes zero values of plain fields, which JSON leaves out; those of pointers are meant. The table cannot tell
// them apart, so a zero is kept where it says something and dropped where it is the default anyway.
const EMPTY_TEXT_KEPT: ReadonlySet<string> = new Set([
  'storageClassName',
  'volumeAttributesClassName',
  'ingressClassName',
  'loadBalancerClass',
  'appProtocol',
  'runtimeClassName',
]);
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
  'x-kubernetes-embedded-resource',
  'x-kubernetes-int-or-string',
  'deprecated',
  'globalDefault',
  'insecureSkipTLSVerify',
  'preserveUnknownFields',
  'sslEnabled',
  'chapAuthDiscovery',
  'chapAuthSession',
  'denied',
  'count',
  'deprecatedCount',
  'number',
  'signal',
  'templateGeneration',
  'active',
  'succeeded',
  'failed',
  'availableReplicas',
  'readyReplicas',
  'updatedReplicas',
  'currentReplicas',
  'unavailableReplicas',
  'fullyLabeledReplicas',
  'numberAvailable',
  'numberUnavailable',
  'updatedNumberScheduled',
  'sizeBytes',
  'clusterScope',
]);

function isZero(name: string, value: unknown): boolean {
  return value === undefined || (value instanceof Uint8Array && value.length === 0) || isOmittedZero(name, value);
}

/** Whether a field's value is a zero that Go's types do not write: that of a plain field, where those of pointers are meant. */
export function isOmittedZero(name: string, value: unknown): boolean {
  if (value === '') return !EMPTY_TEXT_KEPT.has(name);
  return (value === 0 || value === false) && ZERO_DROPPED.has(name);
}

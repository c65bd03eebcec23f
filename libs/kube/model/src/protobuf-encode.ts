import { CRD, fieldsOf, INT_OR_STRING, MAGIC, messageName, META, ProtobufError, QUANTITY, RAW_EXTENSION, type FieldRow } from './protobuf-table.ts';
import { ProtobufWriter } from './protobuf-writer.ts';

type JsonMap = Readonly<Record<string, unknown>>;

/** Whether a kind has a protobuf form. */
export function hasKubeProtobuf(apiVersion: string, kind: string): boolean {
  return messageName(apiVersion, kind) !== undefined;
}

/** Encodes an object as typed Go clients read it: the envelope with the kind's message in it. Throws ProtobufError `unknownKind`. */
export function encodeKubeProtobuf(object: { readonly apiVersion: string; readonly kind: string }): Uint8Array {
  return wrapKubeProtobuf(object.apiVersion, object.kind, encodeKubeMessage(object.apiVersion, object.kind, object));
}

/** The message of an object of a kind, without envelope: what an item of a list is. Throws ProtobufError `unknownKind`. */
export function encodeKubeMessage(apiVersion: string, kind: string, object: object): Uint8Array {
  const writer = new ProtobufWriter();
  writeMessage(writer, mustName(apiVersion, kind), object as JsonMap); // Fields are looked up by name, whatever the object's type.
  return writer.finish();
}

/** Puts a message of a kind into the envelope. */
export function wrapKubeProtobuf(apiVersion: string, kind: string, message: Uint8Array): Uint8Array {
  const writer = new ProtobufWriter();
  writer.raw(message);
  writeEnvelopeHead(writer, apiVersion, kind, message.length);
  return writer.finish();
}

/** The chunks of a list whose items are encoded already. */
export function encodeKubeList(
  list: { readonly apiVersion: string; readonly kind: string; readonly metadata: object },
  items: readonly Uint8Array[],
): readonly Uint8Array[] {
  mustName(list.apiVersion, list.kind);
  const heads = items.map((item) => {
    const writer = new ProtobufWriter();
    writer.varint(item.length);
    writer.tag(LIST_ITEMS, 2);
    return writer.finish();
  });
  const head = new ProtobufWriter();
  writeMessage(head, `${META}ListMeta`, list.metadata as JsonMap); // As above.
  head.close(LIST_METADATA, 0);
  let length = head.length;
  for (const [index, item] of items.entries()) length += item.length + (heads[index]?.length ?? 0);
  writeEnvelopeHead(head, list.apiVersion, list.kind, length);
  return [head.finish(), ...items.flatMap((item, index) => [heads[index] ?? EMPTY, item])];
}

/** One frame of a watch: four bytes of length, then a WatchEvent whose object is in an envelope. */
export function encodeKubeWatchEvent(type: string, envelope: Uint8Array): Uint8Array {
  const writer = new ProtobufWriter();
  writer.raw(envelope);
  writer.close(1, 0);
  writer.close(2, 0);
  const end = writer.length;
  writer.text(type);
  writer.close(1, end);
  const frame = new Uint8Array(4 + writer.length);
  new DataView(frame.buffer).setUint32(0, writer.length);
  frame.set(writer.finish(), 4);
  return frame;
}

const EMPTY = new Uint8Array();
// Every list of the API has its metadata and items at these numbers.
const LIST_METADATA = 1;
const LIST_ITEMS = 2;

function mustName(apiVersion: string, kind: string): string {
  const name = messageName(apiVersion, kind);
  if (name === undefined)
    throw new ProtobufError({ code: 'unknownKind', apiVersion, kind }, `${apiVersion} ${kind}: has no protobuf form`, { hint: 'ask for JSON' });
  return name;
}

// runtime.Unknown {typeMeta, raw, contentEncoding, contentType} around a message that lies behind it already.
function writeEnvelopeHead(writer: ProtobufWriter, apiVersion: string, kind: string, length: number): void {
  writer.varint(length);
  writer.tag(2, 2);
  const end = writer.length;
  writeText(writer, 2, kind);
  writeText(writer, 1, apiVersion);
  writer.close(1, end);
  writer.raw(Uint8Array.from(MAGIC));
}

function writeText(writer: ProtobufWriter, field: number, text: string): void {
  const since = writer.length;
  writer.text(text);
  writer.close(field, since);
}

function writeMessage(writer: ProtobufWriter, message: string, object: JsonMap): void {
  const fields = fieldsOf(message);
  for (let index = fields.length - 1; index >= 0; index -= 1) {
    const field = fields[index];
    if (field === undefined) continue;
    if (field.form === 'inlined') {
      const since = writer.length;
      writeMessage(writer, field.type, object);
      // A struct without fields is as good as none.
      if (writer.length > since) writer.close(field.number, since);
      continue;
    }
    const value = Object.hasOwn(object, field.name) ? object[field.name] : undefined;
    if (value !== undefined && value !== null) writeField(writer, field, value);
  }
}

function writeField(writer: ProtobufWriter, field: FieldRow, value: unknown): void {
  if (field.form === 'list') {
    if (!Array.isArray(value)) return;
    for (let index = value.length - 1; index >= 0; index -= 1) writeValue(writer, field.number, field.type, value[index]);
  } else if (field.form === 'map') writeMap(writer, field, value);
  else writeValue(writer, field.number, field.type, value);
}

// Go writes the entries of a map in the order of their keys.
function writeMap(writer: ProtobufWriter, field: FieldRow, value: unknown): void {
  if (typeof value !== 'object' || value === null) return;
  for (const [key, item] of Object.entries(value).toSorted(([a], [b]) => (a < b ? 1 : -1))) {
    const since = writer.length;
    writeValue(writer, 2, field.type, item);
    writeText(writer, 1, key);
    writer.close(field.number, since);
  }
}

// A value that is not of its field's type cannot be in a stored object; it is left out rather than guessed.
function writeValue(writer: ProtobufWriter, number: number, type: string, value: unknown): void {
  const since = writer.length;
  switch (type) {
    case 'string':
      writer.text(typeof value === 'string' ? value : String(value ?? ''));
      writer.close(number, since);
      return;
    case 'bytes':
      writer.raw(typeof value === 'string' ? fromBase64(value) : EMPTY);
      writer.close(number, since);
      return;
    case 'bool':
      writer.varint(value === true ? 1 : 0);
      writer.tag(number, 0);
      return;
    case 'double':
      writer.double(Number(value));
      writer.tag(number, 1);
      return;
    case 'int32':
    case 'int64':
    case 'uint32':
    case 'uint64':
      writer.varint(typeof value === 'number' && Number.isFinite(value) ? value : 0);
      writer.tag(number, 0);
      return;
    default:
      if (writeSpecial(writer, type, value)) writer.close(number, since);
  }
}

// Writes the content of a message by its JSON form. False: there is nothing to write.
function writeSpecial(writer: ProtobufWriter, type: string, value: unknown): boolean {
  switch (type) {
    case `${META}Time`:
    case `${META}MicroTime`:
      return writeTime(writer, String(value));
    case QUANTITY:
      writeText(writer, 1, String(value));
      return true;
    case INT_OR_STRING:
      writeIntOrString(writer, value);
      return true;
    case RAW_EXTENSION:
    case `${META}FieldsV1`:
    case `${CRD}JSON`:
      writeText(writer, 1, JSON.stringify(value));
      return true;
    case `${CRD}JSONSchemaPropsOrBool`:
      if (typeof value === 'object' && value !== null) writeValue(writer, 2, `${CRD}JSONSchemaProps`, value);
      writeValue(writer, 1, 'bool', value !== false);
      return true;
    case `${CRD}JSONSchemaPropsOrArray`:
      return writeEither(writer, value, `${CRD}JSONSchemaProps`);
    case `${CRD}JSONSchemaPropsOrStringArray`:
      return writeEither(writer, value, 'string');
    default:
      return writeObject(writer, type, value);
  }
}

function writeObject(writer: ProtobufWriter, type: string, value: unknown): boolean {
  // Lists of strings with a name of their own: ExtraValue and Verbs.
  if (Array.isArray(value)) {
    for (const item of value.toReversed()) writeValue(writer, 1, 'string', item);
    return true;
  }
  if (typeof value !== 'object' || value === null) return false;
  writeMessage(writer, type, value as JsonMap); // An object that is no array.
  return true;
}

function writeEither(writer: ProtobufWriter, value: unknown, itemType: string): boolean {
  if (Array.isArray(value)) for (const item of value.toReversed()) writeValue(writer, 2, itemType, item);
  else writeValue(writer, 1, `${CRD}JSONSchemaProps`, value);
  return true;
}

function writeIntOrString(writer: ProtobufWriter, value: unknown): void {
  if (typeof value === 'string') {
    writeText(writer, 3, value);
    writer.varint(1);
  } else {
    writer.varint(Number(value));
    writer.tag(2, 0);
    writer.varint(0);
  }
  writer.tag(1, 0);
}

const TIME = /^(.*?)(?:\.(\d{1,9}))?(Z|[+-]\d\d:\d\d)$/;

function writeTime(writer: ProtobufWriter, text: string): boolean {
  const [, whole = '', fraction = '', zone = ''] = TIME.exec(text) ?? [];
  // oxlint-disable-next-line no-restricted-globals -- reads the time it is given, no clock
  const ms = Date.parse(`${whole}${zone}`);
  if (Number.isNaN(ms)) return false;
  const nanos = Number(fraction.padEnd(9, '0'));
  if (nanos > 0) writeValue(writer, 2, 'int32', nanos);
  writeValue(writer, 1, 'int64', Math.floor(ms / 1_000));
  return true;
}

function fromBase64(text: string): Uint8Array {
  try {
    const binary = atob(text);
    return Uint8Array.from(binary, (char) => char.charCodeAt(0));
  } catch {
    // Not base64: validation refuses such values, so nothing was lost.
    return EMPTY;
  }
}

import { ProtobufWriter } from '@tiphys/kube-model';
import { asList, asMap, asText, type JsonMap } from '../draft.ts';

// Numbers of google/gnostic-models openapiv2/OpenAPIv2.proto. The writer goes backwards: fields stand in descending order.

/** An OpenAPI v2 document in the form kubectl before 1.29 asks for. */
export function encodeGnostic(document: JsonMap): Uint8Array {
  const writer = new ProtobufWriter();
  within(writer, 9, () => named(writer, 1, asMap(document['definitions']) ?? {}, (value) => schema(writer, value)));
  within(writer, 8, () => named(writer, 2, asMap(document['paths']) ?? {}, (value) => pathItem(writer, value)));
  within(writer, 2, () => {
    const info = asMap(document['info']) ?? {};
    text(writer, 2, info['version']);
    text(writer, 1, info['title']);
  });
  text(writer, 1, document['swagger']);
  return writer.finish();
}

function within(writer: ProtobufWriter, field: number, write: () => void): void {
  const since = writer.length;
  write();
  writer.close(field, since);
}

function text(writer: ProtobufWriter, field: number, value: unknown): void {
  if (typeof value === 'string' && value !== '') within(writer, field, () => writer.text(value));
}

function texts(writer: ProtobufWriter, field: number, value: unknown): void {
  for (const item of asList(value).toReversed()) within(writer, field, () => writer.text(String(item)));
}

function flag(writer: ProtobufWriter, field: number, value: unknown): void {
  if (value !== true) return;
  writer.varint(1);
  writer.tag(field, 0);
}

// Named{Any,Schema,PathItem,…}: a map as a list of name = 1 and value = 2.
function named(writer: ProtobufWriter, field: number, map: JsonMap, write: (value: JsonMap) => void): void {
  for (const [name, value] of Object.entries(map).toReversed()) {
    within(writer, field, () => {
      within(writer, 2, () => write(asMap(value) ?? {}));
      text(writer, 1, name);
    });
  }
}

// Any {yaml = 2}; JSON is YAML.
function any(writer: ProtobufWriter, field: number, value: unknown): void {
  if (value !== undefined) within(writer, field, () => text(writer, 2, `${JSON.stringify(value)}\n`));
}

function extensions(writer: ProtobufWriter, field: number, map: JsonMap): void {
  for (const [name, value] of Object.entries(map).toReversed()) {
    if (!name.startsWith('x-')) continue;
    within(writer, field, () => {
      any(writer, 2, value);
      text(writer, 1, name);
    });
  }
}

function integer(writer: ProtobufWriter, field: number, value: unknown): void {
  if (typeof value !== 'number') return;
  writer.varint(value);
  writer.tag(field, 0);
}

function double(writer: ProtobufWriter, field: number, value: unknown): void {
  if (typeof value !== 'number') return;
  writer.double(value);
  writer.tag(field, 1);
}

function schema(writer: ProtobufWriter, value: JsonMap): void {
  extensions(writer, 31, value);
  const properties = asMap(value['properties']);
  if (properties !== undefined) within(writer, 25, () => named(writer, 1, properties, (each) => schema(writer, each)));
  const items = asMap(value['items']);
  if (items !== undefined) within(writer, 23, () => within(writer, 1, () => schema(writer, items)));
  const type = asText(value['type']);
  if (type !== undefined) within(writer, 22, () => text(writer, 1, type));
  additional(writer, value['additionalProperties']);
  for (const item of asList(value['enum']).toReversed()) any(writer, 20, item);
  texts(writer, 19, value['required']);
  integer(writer, 18, value['minProperties']);
  integer(writer, 17, value['maxProperties']);
  flag(writer, 16, value['uniqueItems']);
  integer(writer, 15, value['minItems']);
  integer(writer, 14, value['maxItems']);
  text(writer, 13, value['pattern']);
  integer(writer, 12, value['minLength']);
  integer(writer, 11, value['maxLength']);
  flag(writer, 10, value['exclusiveMinimum']);
  double(writer, 9, value['minimum']);
  flag(writer, 8, value['exclusiveMaximum']);
  double(writer, 7, value['maximum']);
  double(writer, 6, value['multipleOf']);
  any(writer, 5, value['default']);
  text(writer, 4, value['description']);
  text(writer, 3, value['title']);
  text(writer, 2, value['format']);
  text(writer, 1, value['$ref']);
}

function additional(writer: ProtobufWriter, value: unknown): void {
  const map = asMap(value);
  if (map !== undefined) within(writer, 21, () => within(writer, 1, () => schema(writer, map)));
  else if (typeof value === 'boolean')
    within(writer, 21, () => {
      writer.varint(value ? 1 : 0);
      writer.tag(2, 0);
    });
}

const METHODS = [
  ['patch', 8],
  ['head', 7],
  ['options', 6],
  ['delete', 5],
  ['post', 4],
  ['put', 3],
  ['get', 2],
] as const;

function pathItem(writer: ProtobufWriter, value: JsonMap): void {
  extensions(writer, 10, value);
  parameters(writer, 9, value['parameters']);
  for (const [method, field] of METHODS) {
    const each = asMap(value[method]);
    if (each !== undefined) within(writer, field, () => operation(writer, each));
  }
}

function operation(writer: ProtobufWriter, value: JsonMap): void {
  extensions(writer, 13, value);
  texts(writer, 10, value['schemes']);
  within(writer, 9, () =>
    named(writer, 1, asMap(value['responses']) ?? {}, (response) =>
      within(writer, 1, () => {
        const answer = asMap(response['schema']);
        if (answer !== undefined) within(writer, 2, () => within(writer, 1, () => schema(writer, answer)));
        text(writer, 1, response['description']);
      }),
    ),
  );
  parameters(writer, 8, value['parameters']);
  texts(writer, 7, value['consumes']);
  texts(writer, 6, value['produces']);
  text(writer, 5, value['operationId']);
  texts(writer, 1, value['tags']);
}

// ParametersItem {parameter = 1 {body_parameter = 1 | non_body_parameter = 2 {query = 3 | path = 4}}}
function parameters(writer: ProtobufWriter, field: number, list: unknown): void {
  for (const item of asList(list).toReversed()) {
    const value = asMap(item) ?? {};
    within(writer, field, () =>
      within(writer, 1, () => {
        if (value['in'] === 'body') within(writer, 1, () => bodyParameter(writer, value));
        else within(writer, 2, () => within(writer, value['in'] === 'path' ? 4 : 3, () => plainParameter(writer, value)));
      }),
    );
  }
}

function bodyParameter(writer: ProtobufWriter, value: JsonMap): void {
  within(writer, 5, () => schema(writer, asMap(value['schema']) ?? {}));
  flag(writer, 4, value['required']);
  text(writer, 3, value['in']);
  text(writer, 2, value['name']);
}

// In a path and in a query alike, but that the type of a path's parameter stands one earlier.
function plainParameter(writer: ProtobufWriter, value: JsonMap): void {
  const isPath = value['in'] === 'path';
  flag(writer, isPath ? 19 : 20, value['uniqueItems']);
  text(writer, isPath ? 5 : 6, value['type']);
  text(writer, 4, value['name']);
  text(writer, 2, value['in']);
  flag(writer, 1, value['required']);
}

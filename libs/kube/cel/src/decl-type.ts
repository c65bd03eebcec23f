import { BOOL, BYTES, DOUBLE, DURATION, DYN, INT, listOf, mapOf, STRING, TIMESTAMP, type CelType, type ObjectType } from './cel-type.ts';
import { escapeFieldName, fieldNamed } from './field-name.ts';
import { MAX_REQUEST_BYTES } from './limits.ts';
import type { ListIdentity } from './value.ts';

/** A field of a declared object type. */
export interface DeclField {
  /** Its name in the data; expressions may know it by an escaped one. */
  readonly name: string;
  readonly type: DeclType;
}

/** The type of data with what a schema says of its size, for adapting values and estimating costs (apiserver pkg/cel/types.go). */
export interface DeclType {
  readonly celType: CelType;
  /** Most characters, bytes, items or entries; 0 for scalars and objects, of which upstream counts none. */
  readonly maxElements: number;
  /** Fewest bytes of it as JSON. */
  readonly minSize: number;
  /** By the name in expressions. */
  readonly fields?: ReadonlyMap<string, DeclField>;
  /** Of items, or of map values. */
  readonly element?: DeclType;
  readonly key?: DeclType;
  readonly identity?: ListIdentity;
  /** How text is read that is not a string in expressions. */
  readonly format?: 'bytes' | 'duration' | 'date' | 'timestamp';
}

/** What of a schema matters here; OpenAPI v3 as structural schemas have it. */
export type OpenApiSchema = Readonly<Record<string, unknown>>;

const MIN_STRING = 2;
const MAX_STRING = MAX_REQUEST_BYTES - 2;
const BOUND_DURATION = 32;
const BOUND_DATETIME = 32;
const BOUND_DATE = 12;

/** Keys of maps: upstream counts no size for them. */
const KEY_TYPE: DeclType = { celType: STRING, maxElements: 0, minSize: MIN_STRING };
const STRING_TYPE: DeclType = { celType: STRING, maxElements: MAX_STRING, minSize: MIN_STRING };

/**
 * The declared type of a structural schema; undefined where expressions cannot reach: data without a schema
 * (apiserver pkg/cel/common/schemas.go SchemaDeclType). `isRoot`: apiVersion, kind, metadata.name and .generateName are there.
 */
export function declTypeOf(schema: OpenApiSchema, name: string, isRoot: boolean): DeclType | undefined {
  if (schema['x-kubernetes-int-or-string'] === true) {
    const max = numberAt(schema, 'maxLength');
    return { celType: DYN, maxElements: max === undefined ? MAX_STRING : max * 4, minSize: 1 };
  }
  switch (isRoot ? 'object' : schema['type']) {
    case 'array':
      return arrayType(schema, name);
    case 'object':
      return objectOrMap(schema, name, isRoot);
    case 'string':
      return textType(schema);
    case 'boolean':
      return { celType: BOOL, maxElements: 0, minSize: 4 };
    case 'number':
      return { celType: DOUBLE, maxElements: 0, minSize: 1 };
    case 'integer':
      return { celType: INT, maxElements: 0, minSize: 1 };
    default:
      return undefined;
  }
}

function numberAt(schema: OpenApiSchema, key: string): number | undefined {
  const value = schema[key];
  return typeof value === 'number' ? Math.max(0, value) : undefined;
}

function schemaAt(schema: OpenApiSchema, key: string): OpenApiSchema | undefined {
  const value = schema[key];
  // An object of a JSON document has string keys.
  return typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as OpenApiSchema) : undefined;
}

function isEmbedded(schema: OpenApiSchema): boolean {
  return schema['x-kubernetes-embedded-resource'] === true;
}

function arrayType(schema: OpenApiSchema, name: string): DeclType | undefined {
  const items = schemaAt(schema, 'items');
  const element = items === undefined ? undefined : declTypeOf(items, `${name}.@idx`, isEmbedded(items));
  if (element === undefined) return undefined;
  const identity = identityOf(schema);
  return {
    celType: listOf(element.celType),
    element,
    maxElements: numberAt(schema, 'maxItems') ?? Math.floor((MAX_REQUEST_BYTES - 2) / (element.minSize + 1)),
    minSize: 2,
    ...(identity === undefined ? {} : { identity }),
  };
}

function identityOf(schema: OpenApiSchema): ListIdentity | undefined {
  const keys = schema['x-kubernetes-list-map-keys'];
  switch (schema['x-kubernetes-list-type']) {
    case 'set':
      return { kind: 'set' };
    case 'map':
      return { kind: 'map', keys: Array.isArray(keys) ? keys.map(String) : [] };
    default:
      return undefined;
  }
}

function objectOrMap(schema: OpenApiSchema, name: string, isRoot: boolean): DeclType | undefined {
  const values = schemaAt(schema, 'additionalProperties');
  if (values === undefined) return objectTypeOf(schema, name, isRoot);
  const element = declTypeOf(values, `${name}.@elem`, isEmbedded(values));
  if (element === undefined) return undefined;
  return {
    celType: mapOf(STRING, element.celType),
    key: KEY_TYPE,
    element,
    maxElements: numberAt(schema, 'maxProperties') ?? Math.floor((MAX_REQUEST_BYTES - 2) / (element.minSize + 6)),
    minSize: 2,
  };
}

const TEXT = { type: 'string' };
const ROOT_FIELDS: OpenApiSchema = {
  kind: TEXT,
  apiVersion: TEXT,
  metadata: { type: 'object', properties: { name: TEXT, generateName: TEXT } },
};

// A schema that describes its metadata is taken at its word.
function hasRootFields(properties: OpenApiSchema): boolean {
  const metadata = schemaAt(schemaAt(properties, 'metadata') ?? {}, 'properties') ?? {};
  const isText = (of: OpenApiSchema, name: string): boolean => schemaAt(of, name)?.['type'] === 'string';
  return isText(properties, 'kind') && isText(properties, 'apiVersion') && isText(metadata, 'name') && isText(metadata, 'generateName');
}

function objectTypeOf(schema: OpenApiSchema, name: string, isRoot: boolean): DeclType {
  const declared = schemaAt(schema, 'properties') ?? {};
  const properties = isRoot && !hasRootFields(declared) ? { ...declared, ...ROOT_FIELDS } : declared;
  const required: ReadonlySet<unknown> = new Set(Array.isArray(schema['required']) ? schema['required'] : []);
  const fields = new Map<string, DeclField>();
  let minSize = 2;
  for (const field of Object.keys(properties)) {
    const property = schemaAt(properties, field);
    const type = property === undefined ? undefined : declTypeOf(property, `${name}.${field}`, isEmbedded(property));
    if (type === undefined || property === undefined) continue;
    const escaped = escapeFieldName(field);
    if (escaped !== undefined) fields.set(escaped, { name: field, type });
    // Defaults are filled in by the server: they cost the request nothing.
    if (required.has(field) && property['default'] === undefined) minSize += field.length + type.minSize + 4;
  }
  return objectDecl(name, fields, minSize);
}

/** An object type with the fields given, by their names in expressions. */
export function objectDecl(name: string, fields: ReadonlyMap<string, DeclField>, minSize: number = 2): DeclType {
  const celType: ObjectType = { kind: 'object', name, field: (field) => fieldNamed(fields, field)?.type.celType };
  return { celType, fields, maxElements: 0, minSize };
}

function textType(schema: OpenApiSchema): DeclType {
  switch (schema['format']) {
    case 'byte':
      return { celType: BYTES, format: 'bytes', maxElements: numberAt(schema, 'maxLength') ?? MAX_STRING, minSize: MIN_STRING };
    case 'duration':
      return { celType: DURATION, format: 'duration', maxElements: BOUND_DURATION, minSize: 3 };
    case 'date':
      return { celType: TIMESTAMP, format: 'date', maxElements: BOUND_DATE, minSize: BOUND_DATE };
    case 'date-time':
      return { celType: TIMESTAMP, format: 'timestamp', maxElements: BOUND_DATETIME, minSize: 21 };
    default:
      return { ...STRING_TYPE, maxElements: maxText(schema) };
  }
}

function maxText(schema: OpenApiSchema): number {
  const max = numberAt(schema, 'maxLength');
  // Lengths of schemas are characters, of up to four bytes each.
  if (max !== undefined) return max * 4;
  const allowed = schema['enum'];
  if (!Array.isArray(allowed) || allowed.length === 0) return MAX_STRING;
  return Math.max(0, ...allowed.map((value) => (typeof value === 'string' ? value.length : 0)));
}

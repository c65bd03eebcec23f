import { asList, asMap, asText, setField, type JsonMap } from '../draft.ts';

/** A structural schema of a custom resource, read once when the CRD is established. Only what the server acts on. */
export interface StructuralSchema {
  readonly type: string | undefined;
  readonly properties: ReadonlyMap<string, StructuralSchema>;
  readonly additional: StructuralSchema | undefined;
  /** `additionalProperties: true`, or fields to be kept as they are. */
  readonly keepsUnknown: boolean;
  readonly items: StructuralSchema | undefined;
  readonly required: readonly string[];
  readonly nullable: boolean;
  readonly intOrString: boolean;
  readonly embedded: boolean;
  /** Whether an embedded resource is here or below. */
  readonly embedsBelow: boolean;
  readonly listType: string | undefined;
  readonly listMapKeys: readonly string[];
  readonly hasDefault: boolean;
  readonly defaultValue: unknown;
  /** Whether this schema or one below it sets a default. */
  readonly defaultsBelow: boolean;
  readonly raw: JsonMap;
}

const MAX_SCHEMA_DEPTH = 100;

/** Reads `openAPIV3Schema`. Fields the server does not know are left in `raw`. */
export function parseStructuralSchema(value: unknown, depth: number = 0): StructuralSchema {
  const raw = asMap(value) ?? {};
  const deeper = (child: unknown): StructuralSchema => parseStructuralSchema(depth > MAX_SCHEMA_DEPTH ? {} : child, depth + 1);
  const properties = new Map(Object.entries(asMap(raw['properties']) ?? {}).map(([name, child]) => [name, deeper(child)] as const));
  const additional = asMap(raw['additionalProperties']) === undefined ? undefined : deeper(raw['additionalProperties']);
  const items = asMap(raw['items']) === undefined ? undefined : deeper(raw['items']);
  const hasDefault = raw['default'] !== undefined;
  return {
    type: asText(raw['type']),
    properties,
    additional,
    keepsUnknown: raw['x-kubernetes-preserve-unknown-fields'] === true || raw['additionalProperties'] === true,
    items,
    required: asList(raw['required']).map(String),
    nullable: raw['nullable'] === true,
    intOrString: raw['x-kubernetes-int-or-string'] === true,
    embedded: raw['x-kubernetes-embedded-resource'] === true,
    embedsBelow: raw['x-kubernetes-embedded-resource'] === true || [...properties.values(), additional, items].some((child) => child?.embedsBelow === true),
    listType: asText(raw['x-kubernetes-list-type']),
    listMapKeys: asList(raw['x-kubernetes-list-map-keys']).map(String),
    hasDefault,
    defaultValue: raw['default'],
    defaultsBelow: hasDefault || [...properties.values(), additional, items].some((child) => child?.defaultsBelow === true),
    raw,
  };
}

const OBJECT_FIELDS: ReadonlySet<string> = new Set(['apiVersion', 'kind', 'metadata']);

/** Removes fields the schema does not name and reports their paths. The object's own apiVersion, kind and metadata stay. */
export function pruneCustom(object: JsonMap, schema: StructuralSchema, unknown: string[]): void {
  pruneMap(object, schema, '', OBJECT_FIELDS, unknown);
}

function pruneValue(value: unknown, schema: StructuralSchema, path: string, unknown: string[]): void {
  if (Array.isArray(value)) {
    if (schema.items !== undefined) for (const [index, item] of value.entries()) pruneValue(item, schema.items, `${path}[${index}]`, unknown);
    return;
  }
  const map = asMap(value);
  if (map !== undefined) pruneMap(map, schema, path, schema.embedded ? OBJECT_FIELDS : new Set(), unknown);
}

function pruneMap(map: JsonMap, schema: StructuralSchema, path: string, kept: ReadonlySet<string>, unknown: string[]): void {
  for (const [key, value] of Object.entries(map)) {
    const child = schema.properties.get(key) ?? schema.additional;
    const childPath = path === '' ? key : `${path}.${key}`;
    if (kept.has(key) && (path !== '' || OBJECT_FIELDS.has(key))) continue;
    if (child !== undefined) pruneValue(value, child, childPath, unknown);
    else if (!schema.keepsUnknown) {
      delete map[key];
      unknown.push(childPath);
    }
  }
}

/** Whether a value is a null the schema does not allow. */
function isForbiddenNull(value: unknown, schema: StructuralSchema | undefined): boolean {
  return value === null && schema !== undefined && !schema.nullable;
}

/** Sets the schema's defaults where values are absent, and for nulls the schema does not allow (apiextensions schema/defaulting/algorithm.go). */
export function defaultCustom(value: unknown, schema: StructuralSchema): void {
  if (!schema.defaultsBelow) return;
  if (Array.isArray(value)) {
    if (schema.items !== undefined) defaultItems(value, schema.items);
    return;
  }
  const map = asMap(value);
  if (map === undefined) return;
  for (const [name, child] of schema.properties) {
    if (child.hasDefault && (!Object.hasOwn(map, name) || isForbiddenNull(map[name], child))) setField(map, name, structuredClone(child.defaultValue));
    if (Object.hasOwn(map, name)) defaultCustom(map[name], child);
  }
  const { additional } = schema;
  if (additional === undefined) return;
  for (const key of Object.keys(map)) {
    if (schema.properties.has(key)) continue;
    if (additional.hasDefault && isForbiddenNull(map[key], additional)) setField(map, key, structuredClone(additional.defaultValue));
    defaultCustom(map[key], additional);
  }
}

function defaultItems(list: unknown[], items: StructuralSchema): void {
  for (const [index, item] of list.entries()) {
    if (items.hasDefault && isForbiddenNull(item, items)) list[index] = structuredClone(items.defaultValue);
    defaultCustom(list[index], items);
  }
}

/** Removes nulls the schema does not allow; those with a default are left for it (schema/defaulting/prunenulls.go). */
export function pruneNulls(value: unknown, schema: StructuralSchema | undefined): void {
  if (Array.isArray(value)) {
    for (const item of value) pruneNulls(item, schema?.items);
    return;
  }
  const map = asMap(value);
  if (map === undefined) return;
  for (const [key, child] of Object.entries(map)) {
    const below = schema?.properties.get(key) ?? schema?.additional;
    if (isForbiddenNull(child, below) && below?.hasDefault !== true) delete map[key];
    else pruneNulls(child, below);
  }
}

import { fieldAt, isJsonObject, isOmittedZero, schemaByName, schemaOf, type FieldSchema, type ObjectSchema } from '@tiphys/kube-model';

/**
 * What patches and server-side apply must know of one place in an object: its form, how it merges and what lies below.
 * One shape for built-in kinds (from the generated table) and for custom resources (from their OpenAPI v3 schema).
 */
export interface SchemaNode {
  readonly form: 'object' | 'map' | 'list' | 'scalar' | 'untyped';
  /** The type of a scalar, for canonical comparison. */
  readonly scalar?: FieldSchema['type'] | undefined;
  /** Whether the value is owned and replaced as a whole. */
  readonly atomic: boolean;
  /** How list items are told apart; only lists that are not atomic have one. */
  readonly listKind?: 'set' | 'map';
  readonly listMapKeys?: readonly string[] | undefined;
  readonly patchStrategy?: readonly string[] | undefined;
  readonly patchMergeKey?: string | undefined;
  /** Whether the field is named by the schema, rather than a key of a map. */
  hasField(name: string): boolean;
  /** The node of a field or map value; the untyped node where the schema says nothing. */
  child(name: string): SchemaNode;
  /** The node of list items. */
  items(): SchemaNode;
  /** Whether two values mean the same, for scalars with a form of their own that no type of a schema names. */
  readonly isSame?: (a: unknown, b: unknown) => boolean;
  /** Whether the API server keeps no such value in a field: zeros that the types of built-in kinds do not write. */
  readonly omits?: (name: string, value: unknown) => boolean;
  /** The default a list item's key has when the item leaves it out. */
  keyDefault(key: string): unknown;
}

const SCALAR: Omit<SchemaNode, 'form' | 'atomic'> = { hasField: () => false, child: () => UNTYPED, items: () => UNTYPED, keyDefault: () => undefined };

/** Where no schema says anything: maps merge, lists are atomic (structured-merge-diff's deduced schema). */
export const UNTYPED: SchemaNode = { ...SCALAR, form: 'untyped', atomic: false };

/** The node of a built-in kind; undefined when the kind is not built in. */
export function schemaNodeOf(apiVersion: string, kind: string): SchemaNode | undefined {
  const schema = schemaOf(apiVersion, kind);
  return schema === undefined ? undefined : objectNode(schema, {});
}

/** The node of a built-in type by its OpenAPI name, such as `io.k8s.api.core.v1.PodSpec`; undefined when there is none. */
export function schemaNodeOfType(name: string): SchemaNode | undefined {
  const schema = schemaByName(name);
  return schema === undefined ? undefined : objectNode(schema, {});
}

const objectNodes = new Map<string, SchemaNode>();

function objectNode(schema: ObjectSchema, field: Omit<FieldSchema, 'type'>): SchemaNode {
  const plain = field.mapType === undefined && field.patchStrategy === undefined && field.patchMergeKey === undefined;
  const known = plain ? objectNodes.get(schema.name) : undefined;
  if (known !== undefined) return known;
  const children = new Map<string, SchemaNode>();
  const node: SchemaNode = {
    form: 'object',
    atomic: (field.mapType ?? schema.mapType) === 'atomic',
    patchStrategy: field.patchStrategy,
    patchMergeKey: field.patchMergeKey,
    hasField: (name) => Object.hasOwn(schema.fields, name),
    omits: (name, value) => schema.required?.includes(name) !== true && Object.hasOwn(schema.fields, name) && isOmittedZero(name, value),
    child: (name) => {
      const found = children.get(name);
      if (found !== undefined) return found;
      const made = Object.hasOwn(schema.fields, name) ? fieldNode(schema.fields[name]) : UNTYPED;
      children.set(name, made);
      return made;
    },
    items: () => UNTYPED,
    // The table has no defaults; `protocol` is the one list key that has one (ContainerPort, ServicePort).
    keyDefault: (key) => (key === 'protocol' && Object.hasOwn(schema.fields, 'protocol') ? 'TCP' : undefined),
  };
  if (plain) objectNodes.set(schema.name, node);
  return node;
}

function fieldNode(field: FieldSchema | undefined): SchemaNode {
  if (field === undefined || field.type === 'any') return UNTYPED;
  if (field.type === 'object') {
    const schema = schemaByName(field.ref ?? '');
    return schema === undefined ? UNTYPED : objectNode(schema, field);
  }
  const { patchStrategy, patchMergeKey } = field;
  if (field.type === 'map') {
    const value = fieldNode(field.items);
    return { ...SCALAR, form: 'map', atomic: field.mapType === 'atomic', patchStrategy, patchMergeKey, child: () => value };
  }
  if (field.type === 'array') {
    const item = fieldNode(field.items);
    return { ...SCALAR, ...listTraits(field.listType, field.listMapKeys), form: 'list', patchStrategy, patchMergeKey, items: () => item };
  }
  return { ...SCALAR, form: 'scalar', scalar: field.type, atomic: true, patchStrategy };
}

function listTraits(listType: unknown, keys: readonly string[] | undefined): Pick<SchemaNode, 'atomic' | 'listKind' | 'listMapKeys'> {
  if (listType === 'map' && keys !== undefined && keys.length > 0) return { atomic: false, listKind: 'map', listMapKeys: keys };
  return listType === 'set' ? { atomic: false, listKind: 'set' } : { atomic: true };
}

// metadata is never part of a custom resource's own schema, but merges as that of any object.
const META_SCHEMA = 'io.k8s.apimachinery.pkg.apis.meta.v1.ObjectMeta';

/** The node of a custom resource from its `openAPIV3Schema` (structural, so every place has one type). */
export function schemaNodeFromOpenApi(openAPIV3Schema: unknown): SchemaNode {
  const root = openApiNode(openAPIV3Schema);
  const metadata = schemaByName(META_SCHEMA);
  if (metadata === undefined) return root;
  return {
    ...root,
    form: 'object',
    atomic: false,
    hasField: (name) => name === 'metadata' || root.hasField(name),
    child: (name) => (name === 'metadata' ? objectNode(metadata, {}) : root.child(name)),
  };
}

function openApiNode(schema: unknown): SchemaNode {
  if (!isJsonObject(schema)) return UNTYPED;
  if (schema['x-kubernetes-int-or-string'] === true) return { ...SCALAR, form: 'scalar', scalar: 'intstr', atomic: true };
  const type = schema['type'];
  if (type === 'array') {
    const item = openApiNode(schema['items']);
    const keys = schema['x-kubernetes-list-map-keys'];
    return { ...SCALAR, ...listTraits(schema['x-kubernetes-list-type'], Array.isArray(keys) ? keys.map(String) : undefined), form: 'list', items: () => item };
  }
  if (type === 'object' || schema['properties'] !== undefined || schema['additionalProperties'] !== undefined) return openApiObjectNode(schema);
  if (type === undefined) return UNTYPED;
  return { ...SCALAR, form: 'scalar', scalar: type === 'integer' || type === 'number' || type === 'boolean' ? type : 'string', atomic: true };
}

function openApiObjectNode(schema: unknown): SchemaNode {
  const properties = fieldAt(schema, 'properties');
  const fields = isJsonObject(properties) ? properties : {};
  const additional = fieldAt(schema, 'additionalProperties');
  const value = isJsonObject(additional) ? openApiNode(additional) : UNTYPED;
  const children = new Map<string, SchemaNode>();
  return {
    form: isJsonObject(properties) ? 'object' : 'map',
    atomic: fieldAt(schema, 'x-kubernetes-map-type') === 'atomic',
    hasField: (name) => Object.hasOwn(fields, name),
    child: (name) => {
      if (!Object.hasOwn(fields, name)) return value;
      const node = children.get(name) ?? openApiNode(fields[name]);
      children.set(name, node);
      return node;
    },
    items: () => UNTYPED,
    keyDefault: (key) => fieldAt(fields, key, 'default'),
  };
}

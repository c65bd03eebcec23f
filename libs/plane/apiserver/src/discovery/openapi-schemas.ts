import { schemaByName, schemaNames, type FieldSchema, type ObjectSchema } from '@tiphys/kube-model';
import type { JsonMap } from '../draft.ts';

/** Which OpenAPI a document is written in. */
export type Dialect = 'v2' | 'v3';

const META = 'io.k8s.apimachinery.pkg.apis.meta.v1.';
/** Names of the definitions every document needs. */
export const NAMES: Readonly<Record<'deleteOptions' | 'status' | 'objectMeta' | 'listMeta' | 'patch' | 'watchEvent', string>> = {
  deleteOptions: `${META}DeleteOptions`,
  status: `${META}Status`,
  objectMeta: `${META}ObjectMeta`,
  listMeta: `${META}ListMeta`,
  patch: `${META}Patch`,
  watchEvent: `${META}WatchEvent`,
};
const QUANTITY = 'io.k8s.apimachinery.pkg.api.resource.Quantity';
const INT_OR_STRING = 'io.k8s.apimachinery.pkg.util.intstr.IntOrString';
const TIME = `${META}Time`;
const MICRO_TIME = `${META}MicroTime`;

/** A reference to a definition. */
export function refTo(name: string, dialect: Dialect): JsonMap {
  return { $ref: dialect === 'v2' ? `#/definitions/${name}` : `#/components/schemas/${name}` };
}

/** Definitions whose JSON is not an object of fields. */
export function scalarDefinitions(dialect: Dialect): JsonMap {
  const isV2 = dialect === 'v2';
  return {
    [QUANTITY]: isV2 ? { type: 'string' } : { oneOf: [{ type: 'string' }, { type: 'number' }] },
    [INT_OR_STRING]: isV2 ? { type: 'string', format: 'int-or-string' } : { oneOf: [{ type: 'integer' }, { type: 'string' }], format: 'int-or-string' },
    [TIME]: { type: 'string', format: 'date-time' },
    [MICRO_TIME]: { type: 'string', format: 'date-time' },
    [NAMES.patch]: { type: 'object' },
  };
}

/** Adds the names of a definition and of all it refers to. */
export function collectNames(name: string, needed: Set<string>): void {
  const schema = schemaByName(name);
  if (schema === undefined || needed.has(name)) return;
  needed.add(name);
  for (const field of Object.values(schema.fields)) {
    const { ref } = innermost(field);
    if (ref !== undefined) collectNames(ref, needed);
  }
}

function innermost(field: FieldSchema): FieldSchema {
  return field.items === undefined ? field : innermost(field.items);
}

let namesByKind: ReadonlyMap<string, string> | undefined;

/** The definition of a kind, also of kinds that are no resource, such as Scale and Eviction. */
export function definitionName(group: string, version: string, kind: string): string | undefined {
  namesByKind ??= new Map(
    schemaNames().flatMap((name) => {
      const gvk = schemaByName(name)?.gvk;
      return gvk === undefined ? [] : [[gvk.join('/'), name] as const];
    }),
  );
  return namesByKind.get(`${group}/${version}/${kind}`);
}

/** A built-in definition. */
export function builtinDefinition(name: string, dialect: Dialect): JsonMap {
  const schema = schemaByName(name);
  if (schema === undefined) return { type: 'object' };
  // Upstream's prose is its own; the kind's name has to do.
  const description = name.slice(name.lastIndexOf('.') + 1);
  const properties = Object.fromEntries(Object.entries(schema.fields).map(([field, value]) => [field, fieldSchema(value, name, dialect)]));
  return {
    description,
    ...(schema.required === undefined ? {} : { required: schema.required }),
    ...(Object.keys(properties).length === 0 ? {} : { properties }),
    type: 'object',
    ...(schema.mapType === undefined ? {} : { 'x-kubernetes-map-type': schema.mapType }),
    ...kindsOf(name, schema),
  };
}

// Options and watch events have a kind in every group; those of the core group stand for all.
function kindsOf(name: string, schema: ObjectSchema): JsonMap {
  const { gvk } = schema;
  if (gvk !== undefined) return { 'x-kubernetes-group-version-kind': [{ group: gvk[0], kind: gvk[2], version: gvk[1] }] };
  if (name !== NAMES.deleteOptions && name !== NAMES.watchEvent) return {};
  return { 'x-kubernetes-group-version-kind': [{ group: '', kind: name.slice(META.length), version: 'v1' }] };
}

function fieldSchema(field: FieldSchema, owner: string, dialect: Dialect): JsonMap {
  return {
    ...typeSchema(field, owner, dialect),
    ...(field.listType === undefined ? {} : { 'x-kubernetes-list-type': field.listType }),
    ...(field.listMapKeys === undefined ? {} : { 'x-kubernetes-list-map-keys': field.listMapKeys }),
    ...(field.mapType === undefined ? {} : { 'x-kubernetes-map-type': field.mapType }),
    ...(field.patchStrategy === undefined ? {} : { 'x-kubernetes-patch-strategy': field.patchStrategy.join(',') }),
    ...(field.patchMergeKey === undefined ? {} : { 'x-kubernetes-patch-merge-key': field.patchMergeKey }),
  };
}

function typeSchema(field: FieldSchema, owner: string, dialect: Dialect): JsonMap {
  const items = (): JsonMap => (field.items === undefined ? {} : fieldSchema(field.items, owner, dialect));
  switch (field.type) {
    case 'object':
      return objectRef(field.ref ?? '', dialect);
    case 'map':
      return { type: 'object', additionalProperties: items() };
    case 'array':
      return { type: 'array', items: items() };
    case 'quantity':
      return refTo(QUANTITY, dialect);
    case 'intstr':
      return refTo(INT_OR_STRING, dialect);
    case 'time':
      return refTo(TIME, dialect);
    case 'microtime':
      return refTo(MICRO_TIME, dialect);
    case 'bytes':
      return { type: 'string', format: 'byte' };
    case 'integer':
      return { type: 'integer', format: field.format ?? 'int32' };
    case 'number':
      return { type: 'number', format: 'double' };
    case 'any':
      // Defaults and enums in the schema of a CRD may be anything, not only objects.
      return owner.includes('.apiextensions.') ? {} : { type: 'object' };
    case 'string':
    case 'boolean':
      return { type: field.type };
  }
}

// A $ref of OpenAPI v3 may have nothing beside it.
function objectRef(name: string, dialect: Dialect): JsonMap {
  return dialect === 'v2' ? refTo(name, dialect) : { allOf: [refTo(name, dialect)], default: {} };
}

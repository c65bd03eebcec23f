import { createHash } from 'node:crypto';
import { schemaByName, schemaNames, type FieldSchema, type ObjectSchema } from '@tiphys/kube-model';
import { asMap, type JsonMap } from '../draft.ts';
import type { Catalog } from '../registry/catalog.ts';
import type { ServedResource } from '../registry/served.ts';

/** Path of a version inside the OpenAPI v3 index: `api/v1`, `apis/apps/v1`. */
function openApiPath(group: string, version: string): string {
  return group === '' ? `api/${version}` : `apis/${group}/${version}`;
}

/** `/openapi/v3`: where the document of each version lies. */
export function openApiIndex(catalog: Catalog): unknown {
  const paths = catalog.groups().flatMap(({ name, versions }) =>
    versions.map((version) => {
      const path = openApiPath(name, version);
      // The hash changes whenever the document may have: built-in versions never do.
      const isCustom = catalog.resourcesOf(name, version).some((served) => served.custom !== undefined);
      const hash = createHash('sha256')
        .update(`${path} ${isCustom ? catalog.generation : 0}`)
        .digest('hex')
        .slice(0, 32)
        .toUpperCase();
      return [path, { serverRelativeURL: `/openapi/v3/${path}?hash=${hash}` }] as const;
    }),
  );
  return { paths: Object.fromEntries(paths) };
}

/** The OpenAPI v3 document of one version; undefined when there is none. */
export function openApiDocument(catalog: Catalog, group: string, version: string): unknown {
  const resources = catalog.resourcesOf(group, version);
  if (resources.length === 0) return undefined;
  const needed = new Set<string>();
  for (const name of [DELETE_OPTIONS, STATUS, OBJECT_META, LIST_META]) collect(schemaByName(name), needed);
  const own: JsonMap = {};
  for (const served of resources) {
    if (served.schema !== undefined) collect(served.schema, needed);
    if (served.custom !== undefined) Object.assign(own, customSchemas(served));
    for (const sub of served.subresources) collectKind(sub.kind, sub.group ?? served.group, sub.version ?? served.version, needed);
  }
  const schemas = Object.fromEntries(
    [...needed].map((name) => [name, definition(schemaByName(name), name)]).toSorted(([a], [b]) => (String(a) < String(b) ? -1 : 1)),
  );
  return {
    openapi: '3.0.0',
    info: { title: 'Kubernetes', version: 'v1.33.0' },
    paths: Object.fromEntries(resources.flatMap(pathsOf)),
    components: { schemas: { ...schemas, ...SCALARS, ...own } },
  };
}

const META = 'io.k8s.apimachinery.pkg.apis.meta.v1.';
const DELETE_OPTIONS = `${META}DeleteOptions`;
const STATUS = `${META}Status`;
const OBJECT_META = `${META}ObjectMeta`;
const LIST_META = `${META}ListMeta`;
const QUANTITY = 'io.k8s.apimachinery.pkg.api.resource.Quantity';
const INT_OR_STRING = 'io.k8s.apimachinery.pkg.util.intstr.IntOrString';
const TIME = `${META}Time`;
const MICRO_TIME = `${META}MicroTime`;
const SCALARS: JsonMap = {
  [QUANTITY]: { oneOf: [{ type: 'string' }, { type: 'number' }] },
  [INT_OR_STRING]: { oneOf: [{ type: 'integer' }, { type: 'string' }], format: 'int-or-string' },
  [TIME]: { type: 'string', format: 'date-time' },
  [MICRO_TIME]: { type: 'string', format: 'date-time' },
};

function collect(schema: ObjectSchema | undefined, needed: Set<string>): void {
  if (schema === undefined || needed.has(schema.name)) return;
  needed.add(schema.name);
  for (const field of Object.values(schema.fields)) {
    const ref = innermost(field).ref;
    if (ref !== undefined && !needed.has(ref)) collect(schemaByName(ref), needed);
  }
}

function collectKind(kind: string, group: string, version: string, needed: Set<string>): void {
  const name = schemaNames().find(
    (candidate) => candidate.endsWith(`.${version}.${kind}`) && (group === '' ? candidate.includes('.core.') : candidate.includes(`.${group.split('.')[0]}.`)),
  );
  if (name !== undefined) collect(schemaByName(name), needed);
}

function innermost(field: FieldSchema): FieldSchema {
  return field.items === undefined ? field : innermost(field.items);
}

function definition(schema: ObjectSchema | undefined, name: string): unknown {
  if (schema === undefined) return { type: 'object' };
  const { gvk } = schema;
  return {
    type: 'object',
    description: name.slice(name.lastIndexOf('.') + 1),
    ...(schema.required === undefined ? {} : { required: schema.required }),
    properties: Object.fromEntries(Object.entries(schema.fields).map(([field, value]) => [field, fieldSchema(value)])),
    ...(schema.mapType === undefined ? {} : { 'x-kubernetes-map-type': schema.mapType }),
    ...(name === DELETE_OPTIONS
      ? { 'x-kubernetes-group-version-kind': [{ group: '', version: 'v1', kind: 'DeleteOptions' }] }
      : gvk === undefined
        ? {}
        : { 'x-kubernetes-group-version-kind': [{ group: gvk[0], version: gvk[1], kind: gvk[2] }] }),
  };
}

const ref = (name: string): object => ({ allOf: [{ $ref: `#/components/schemas/${name}` }], default: {} });

function fieldSchema(field: FieldSchema): unknown {
  const extensions = {
    ...(field.listType === undefined ? {} : { 'x-kubernetes-list-type': field.listType }),
    ...(field.listMapKeys === undefined ? {} : { 'x-kubernetes-list-map-keys': field.listMapKeys }),
    ...(field.mapType === undefined ? {} : { 'x-kubernetes-map-type': field.mapType }),
    ...(field.patchStrategy === undefined ? {} : { 'x-kubernetes-patch-strategy': field.patchStrategy.join(',') }),
    ...(field.patchMergeKey === undefined ? {} : { 'x-kubernetes-patch-merge-key': field.patchMergeKey }),
  };
  return { ...typeSchema(field), ...extensions };
}

function typeSchema(field: FieldSchema): object {
  switch (field.type) {
    case 'object':
      return ref(field.ref ?? '');
    case 'map':
      return { type: 'object', additionalProperties: field.items === undefined ? {} : fieldSchema(field.items) };
    case 'array':
      return { type: 'array', items: field.items === undefined ? {} : fieldSchema(field.items) };
    case 'quantity':
      return { $ref: `#/components/schemas/${QUANTITY}` };
    case 'intstr':
      return { $ref: `#/components/schemas/${INT_OR_STRING}` };
    case 'time':
      return { $ref: `#/components/schemas/${TIME}` };
    case 'microtime':
      return { $ref: `#/components/schemas/${MICRO_TIME}` };
    case 'bytes':
      return { type: 'string', format: 'byte' };
    case 'integer':
      return { type: 'integer', format: 'int32' };
    case 'any':
      return { type: 'object' };
    case 'string':
    case 'number':
    case 'boolean':
      return { type: field.type };
  }
}

/** The component a CRD's kind has: the group's parts reversed, as upstream names it. */
function customName(served: ServedResource, kind: string): string {
  return `${served.group.split('.').toReversed().join('.')}.${served.version}.${kind}`;
}

function customSchemas(served: ServedResource): JsonMap {
  const gvk = (kind: string): object[] => [{ group: served.group, version: served.version, kind }];
  const given = asMap(served.custom?.openApiSchema) ?? {};
  const properties = { ...asMap(given['properties']), apiVersion: { type: 'string' }, kind: { type: 'string' }, metadata: ref(OBJECT_META) };
  return {
    [customName(served, served.kind)]: { ...given, type: 'object', properties, 'x-kubernetes-group-version-kind': gvk(served.kind) },
    [customName(served, served.listKind)]: {
      type: 'object',
      required: ['items'],
      'x-kubernetes-group-version-kind': gvk(served.listKind),
      properties: {
        apiVersion: { type: 'string' },
        kind: { type: 'string' },
        metadata: ref(LIST_META),
        items: { type: 'array', items: ref(customName(served, served.kind)) },
      },
    },
  };
}

const query = (name: string, type: string = 'string'): object => ({ name, in: 'query', schema: { type, uniqueItems: true } });
const WRITE_PARAMETERS = [query('dryRun'), query('fieldManager'), query('fieldValidation')];

function pathsOf(served: ServedResource): readonly (readonly [string, unknown])[] {
  const base = `/${openApiPath(served.group, served.version)}${served.namespaced ? '/namespaces/{namespace}' : ''}/${served.resource}`;
  const gvk = { group: served.group, version: served.version, kind: served.kind };
  const component = served.schema?.name ?? (served.custom === undefined ? STATUS : customName(served, served.kind));
  const body = (types: readonly string[]): object => ({
    content: Object.fromEntries(types.map((type) => [type, { schema: { $ref: `#/components/schemas/${component}` } }])),
  });
  const answer = {
    responses: { '200': { description: 'OK', content: { 'application/json': { schema: { $ref: `#/components/schemas/${component}` } } } } },
    'x-kubernetes-group-version-kind': gvk,
  };
  const operation = (action: string, extra: object = {}): object => ({ 'x-kubernetes-action': action, ...answer, ...extra });
  const has = (verb: string): boolean => served.verbs.includes(verb);
  const patchTypes = [
    'application/apply-patch+yaml',
    'application/json-patch+json',
    'application/merge-patch+json',
    ...(served.custom === undefined ? ['application/strategic-merge-patch+json'] : []),
  ];
  const collection = {
    ...(has('list')
      ? {
          get: operation('list', {
            parameters: [query('labelSelector'), query('fieldSelector'), query('limit', 'integer'), query('continue'), query('watch', 'boolean')],
          }),
        }
      : {}),
    ...(has('create')
      ? {
          post: operation('post', {
            parameters: WRITE_PARAMETERS,
            requestBody: body(['application/json', 'application/yaml', ...(served.custom === undefined ? ['application/vnd.kubernetes.protobuf'] : [])]),
          }),
        }
      : {}),
    ...(has('deletecollection') ? { delete: operation('deletecollection') } : {}),
  };
  const single = {
    ...(has('get') ? { get: operation('get') } : {}),
    ...(has('update') ? { put: operation('put', { parameters: WRITE_PARAMETERS, requestBody: body(['application/json', 'application/yaml']) }) } : {}),
    ...(has('patch') ? { patch: operation('patch', { parameters: [...WRITE_PARAMETERS, query('force', 'boolean')], requestBody: body(patchTypes) }) } : {}),
    ...(has('delete') ? { delete: operation('delete') } : {}),
  };
  return [[base, collection], ...(Object.keys(single).length > 0 ? [[`${base}/{name}`, single] as const] : [])];
}

/** The smallest OpenAPI v2 document that old kubectls accept: `swagger: "2.0"` as gnostic protobuf. */
export const OPENAPI_V2_PROTOBUF: Buffer = Buffer.from([0x0a, 0x03, 0x32, 0x2e, 0x30]);

/** The OpenAPI v2 document in JSON: definitions of every kind, for clients that read types from it. */
export function openApiV2(catalog: Catalog): unknown {
  const rename = (value: unknown): unknown => JSON.parse(JSON.stringify(value).replaceAll('#/components/schemas/', '#/definitions/'));
  const definitions = Object.fromEntries(schemaNames().map((name) => [name, rename(definition(schemaByName(name), name))]));
  const custom = Object.assign(
    {},
    ...catalog
      .all()
      .filter((served) => served.custom !== undefined)
      .map((served) => rename(customSchemas(served))),
  ) as JsonMap; // Object.assign of maps.
  return {
    swagger: '2.0',
    info: { title: 'Kubernetes', version: 'v1.33.0' },
    paths: Object.fromEntries(
      catalog
        .all()
        .flatMap(pathsOf)
        .map(([path]) => [path, {}]),
    ),
    definitions: { ...definitions, ...(rename(SCALARS) as JsonMap), ...custom },
  };
}

import { asList, asMap, type JsonMap } from '../draft.ts';
import type { ServedResource } from '../registry/served.ts';
import { NAMES, refTo, type Dialect } from './openapi-schemas.ts';

const PRESERVE = 'x-kubernetes-preserve-unknown-fields';

/** The definition a custom kind has: the group's parts reversed, then version and kind. */
export function customName(served: ServedResource, kind: string): string {
  return `${served.group.split('.').toReversed().join('.')}.${served.version}.${kind}`;
}

/** The definitions a version of a CRD adds: its kind and the list of it (apiextensions-apiserver controller/openapi/builder). */
export function customDefinitions(served: ServedResource, dialect: Dialect): JsonMap {
  return {
    [customName(served, served.kind)]: { ...kindSchema(served, dialect), ...gvk(served, served.kind) },
    [customName(served, served.listKind)]: {
      description: `${served.listKind} is a list of ${served.kind}`,
      type: 'object',
      required: ['items'],
      properties: {
        ...TYPE_META,
        items: { type: 'array', items: refTo(customName(served, served.kind), dialect), description: `List of ${served.resource}` },
        metadata: metaRef(NAMES.listMeta, dialect),
      },
      ...gvk(served, served.listKind),
    },
  };
}

const TYPE_META: JsonMap = {
  apiVersion: { type: 'string', description: 'Version of the schema this object has.' },
  kind: { type: 'string', description: 'Kind of this object.' },
};

function gvk(served: ServedResource, kind: string): JsonMap {
  return { 'x-kubernetes-group-version-kind': [{ group: served.group, kind, version: served.version }] };
}

function metaRef(name: string, dialect: Dialect): JsonMap {
  return dialect === 'v2' ? refTo(name, dialect) : { allOf: [refTo(name, dialect)] };
}

function kindSchema(served: ServedResource, dialect: Dialect): JsonMap {
  const schema = asMap(served.custom?.openApiSchema) ?? {};
  // kubectl takes properties as all there are, so a root that takes anything is published without any.
  if (dialect === 'v2' && schema[PRESERVE] === true) return { type: 'object' };
  const published = publish(schema, dialect);
  return { ...published, type: 'object', properties: { ...asMap(published['properties']), ...TYPE_META, metadata: metaRef(NAMES.objectMeta, dialect) } };
}

/** A schema as clients see it. */
function publish(schema: JsonMap, dialect: Dialect): JsonMap {
  const walked = walk(schema, dialect);
  if (schema['x-kubernetes-embedded-resource'] === true)
    walked['properties'] = { ...asMap(walked['properties']), ...TYPE_META, metadata: metaRef(NAMES.objectMeta, dialect) };
  // Rules in CEL are for the server and for tools that read v3.
  return dialect === 'v2' ? forV2(walked, schema) : walked;
}

function walk(schema: JsonMap, dialect: Dialect): JsonMap {
  const result: JsonMap = { ...schema };
  const properties = asMap(schema['properties']);
  const items = asMap(schema['items']);
  const additional = asMap(schema['additionalProperties']);
  if (properties !== undefined)
    result['properties'] = Object.fromEntries(Object.entries(properties).map(([name, value]) => [name, publish(asMap(value) ?? {}, dialect)]));
  if (items !== undefined) result['items'] = publish(items, dialect);
  if (additional !== undefined) result['additionalProperties'] = publish(additional, dialect);
  return result;
}

// What v2 cannot say, or kubectl before 1.29 would take wrongly (apiextensions-apiserver controller/openapi/v2/conversion.go).
function forV2(walked: JsonMap, given: JsonMap): JsonMap {
  for (const name of ['allOf', 'anyOf', 'oneOf', 'not', 'nullable']) delete walked[name];
  if (given['nullable'] === true) for (const name of ['type', 'items', 'properties']) delete walked[name];
  if (given[PRESERVE] === true) for (const name of ['items', 'properties']) delete walked[name];
  if (given['x-kubernetes-int-or-string'] === true) delete walked['type'];
  if (walked['type'] === 'array' && walked['items'] === undefined) delete walked['type'];
  // A field that may be null may be absent for these clients.
  const properties = asMap(given['properties']) ?? {};
  const required = asList(given['required']).filter((name) => asMap(properties[String(name)])?.['nullable'] !== true);
  if (required.length > 0) walked['required'] = required;
  else delete walked['required'];
  return walked;
}

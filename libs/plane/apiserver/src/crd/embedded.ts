import { coerceObject } from '../registry/coerce.ts';
import { asMap, setField, type DraftMeta, type JsonMap } from '../draft.ts';
import { problem, type FieldProblem } from '../failures.ts';
import { validateMetadata } from '../validation/names.ts';
import type { StructuralSchema } from './structural-schema.ts';

// The schema of metadata, which embedded objects and custom resources never state themselves.
const OBJECT_META = { name: 'CustomResource', fields: { metadata: { type: 'object', ref: 'io.k8s.apimachinery.pkg.apis.meta.v1.ObjectMeta' } } } as const;

/** Gives an object's metadata the shape of ObjectMeta; returns the paths of fields it does not have. Throws 400 for wrong types. */
export function shapeMetadata(map: JsonMap, apiVersion: string, kind: string): readonly string[] {
  if (map['metadata'] === undefined) return [];
  const holder: JsonMap = { metadata: map['metadata'] };
  const { unknown } = coerceObject(holder, OBJECT_META, apiVersion, kind);
  setField(map, 'metadata', holder['metadata'] ?? {});
  return unknown;
}

/** Visits every embedded resource (`x-kubernetes-embedded-resource`) below a value. */
export function visitEmbedded(value: unknown, schema: StructuralSchema, visit: (path: string, object: JsonMap) => void, path: string = ''): void {
  if (!schema.embedsBelow) return;
  if (Array.isArray(value)) {
    const { items } = schema;
    if (items !== undefined) for (const [index, item] of value.entries()) visitEmbedded(item, items, visit, `${path}[${index}]`);
    return;
  }
  const map = asMap(value);
  if (map === undefined) return;
  if (schema.embedded) visit(path, map);
  for (const [key, child] of Object.entries(map)) {
    const below = schema.properties.get(key) ?? schema.additional;
    if (below !== undefined) visitEmbedded(child, below, visit, path === '' ? key : `${path}.${key}`);
  }
}

const KIND_TEXT =
  "may have mixed case, but should otherwise match: a DNS-1035 label must consist of lower case alphanumeric characters or '-', start with an alphabetic character, and end with an alphanumeric character (e.g. 'my-name',  or 'abc-123', regex used for validation is '[a-z]([-a-z0-9]*[a-z0-9])?')";

/** What is wrong with the identity of the embedded resources of an object (apiextensions schema/objectmeta/validation.go). */
export function validateEmbedded(object: JsonMap, schema: StructuralSchema): readonly FieldProblem[] {
  const problems: FieldProblem[] = [];
  visitEmbedded(object, schema, (path, embedded) => problems.push(...validateIdentity(path, embedded)));
  return problems;
}

function validateIdentity(path: string, embedded: JsonMap): readonly FieldProblem[] {
  const { apiVersion, kind, metadata } = embedded;
  return [
    ...textProblems(`${path}.apiVersion`, apiVersion),
    ...(typeof apiVersion === 'string' && apiVersion.split('/').length > 2
      ? [problem.invalid(`${path}.apiVersion`, apiVersion, `unexpected GroupVersion string: ${apiVersion}`)]
      : []),
    ...textProblems(`${path}.kind`, kind),
    ...(typeof kind === 'string' && kind !== '' && !/^[a-z]([-a-z0-9]{0,61}[a-z0-9])?$/.test(kind.toLowerCase())
      ? [problem.invalid(`${path}.kind`, kind, KIND_TEXT)]
      : []),
    ...metadataProblems(path, metadata),
  ];
}

function textProblems(path: string, value: unknown): readonly FieldProblem[] {
  if (value === undefined) return [problem.required(path, 'must not be empty')];
  if (typeof value !== 'string') return [problem.invalid(path, value, 'must be a string')];
  return value === '' ? [problem.invalid(path, value, 'must not be empty')] : [];
}

function metadataProblems(path: string, value: unknown): readonly FieldProblem[] {
  if (value === undefined) return [];
  const metadata = asMap(value);
  if (metadata === undefined) return [problem.invalid(`${path}.metadata`, value, 'must be an object')];
  // The body was given the shape of ObjectMeta. An embedded object needs no name and may have any namespace.
  const meta = { name: 'fakename', ...metadata } as DraftMeta;
  return validateMetadata({ kind: '', custom: undefined }, meta).map((found) => ({
    ...found,
    field: `${path}.${found.field}`,
  }));
}

import { schemaNames } from '@tiphys/kube-model';
import type { JsonMap } from '../draft.ts';
import type { Catalog } from '../registry/catalog.ts';
import { customDefinitions } from './openapi-custom.ts';
import { documentPaths } from './openapi-documents.ts';
import { pathsOf, type Operation, type PathItem } from './openapi-paths.ts';
import { builtinDefinition, refTo, scalarDefinitions } from './openapi-schemas.ts';

/** The OpenAPI v2 document of everything that is served. */
export function openApiV2(catalog: Catalog, version: string): JsonMap {
  const custom = catalog.all().filter((served) => served.custom !== undefined);
  return {
    swagger: '2.0',
    info: { title: 'Kubernetes', version },
    paths: Object.fromEntries([...documentPaths(catalog), ...catalog.all().flatMap(pathsOf)].map((item) => [item.path, pathItem(item)])),
    definitions: {
      ...Object.fromEntries(schemaNames().map((name) => [name, builtinDefinition(name, 'v2')])),
      ...scalarDefinitions('v2'),
      ...Object.fromEntries(custom.flatMap((served) => Object.entries(customDefinitions(served, 'v2')))),
    },
    securityDefinitions: { BearerToken: { type: 'apiKey', name: 'authorization', in: 'header', description: 'Bearer Token authentication' } },
    security: [{ BearerToken: [] }],
  };
}

function pathItem({ pathParameters, operations }: PathItem): JsonMap {
  return {
    ...Object.fromEntries(operations.map((each) => [each.method, operation(each)])),
    parameters: [
      ...pathParameters.map((name) => ({ name, in: 'path', required: true, type: 'string', uniqueItems: true })),
      { name: 'pretty', in: 'query', type: 'string', uniqueItems: true },
    ],
  };
}

function operation(each: Operation): JsonMap {
  const { body, answer } = each;
  const parameters = [
    ...(body === undefined ? [] : [{ name: 'body', in: 'body', ...(body.isRequired ? { required: true } : {}), schema: refTo(body.name, 'v2') }]),
    ...each.parameters.map(({ name, type }) => ({ name, in: 'query', type, uniqueItems: true })),
  ];
  return {
    operationId: each.operationId,
    ...(each.tag === '' ? {} : { tags: [each.tag] }),
    schemes: ['https'],
    consumes: body?.types ?? ['*/*'],
    produces: each.produces,
    ...(parameters.length === 0 ? {} : { parameters }),
    responses: {
      ...Object.fromEntries(
        each.codes.map((code) => [String(code), { description: CODES[code] ?? 'OK', schema: answer === undefined ? { type: 'string' } : refTo(answer, 'v2') }]),
      ),
      '401': { description: 'Unauthorized' },
    },
    ...(each.action === '' ? {} : { 'x-kubernetes-action': each.action, 'x-kubernetes-group-version-kind': each.kind }),
  };
}

const CODES: Readonly<Record<number, string>> = { 200: 'OK', 201: 'Created', 202: 'Accepted' };

import { createHash } from 'node:crypto';
import type { JsonMap } from '../draft.ts';
import type { RemoteVersions } from '../aggregation/remote-versions.ts';
import type { Catalog } from '../registry/catalog.ts';
import type { ServedResource } from '../registry/served.ts';
import { customDefinitions } from './openapi-custom.ts';
import { documentPaths } from './openapi-documents.ts';
import { pathsOf, versionPath, type Operation, type PathItem } from './openapi-paths.ts';
import { builtinDefinition, collectNames, definitionName, NAMES, refTo, scalarDefinitions } from './openapi-schemas.ts';

/** `/openapi/v3`: where the document of each version lies, under a name that changes with its content. */
export function openApiIndex(catalog: Catalog, remotes: RemoteVersions, gitVersion: string): JsonMap {
  const paths = catalog.groups().flatMap(({ name, versions }) =>
    versions.map((version) => {
      const path = versionPath(name, version);
      return [path, { serverRelativeURL: `/openapi/v3/${path}?hash=${versionHash(catalog, name, version, gitVersion)}` }] as const;
    }),
  );
  const documents = documentPaths(catalog).flatMap(({ path }) => {
    const name = path.replace(/^\/|\/$/g, '');
    return isVersionPath(name) ? [] : [[name, { serverRelativeURL: `/openapi/v3/${name}?hash=${documentHash(name, gitVersion)}` }] as const];
  });
  const others = remotes.all().map(({ group, version }) => {
    const path = versionPath(group, version);
    return [path, { serverRelativeURL: `/openapi/v3/${path}` }] as const;
  });
  return { paths: Object.fromEntries([...documents, ...others, ...paths].toSorted(([a], [b]) => (a < b ? -1 : 1))) };
}

function isVersionPath(name: string): boolean {
  return /^(api\/[^/]+|apis\/[^/]+\/[^/]+)$/.test(name);
}

/** Names the content of a document that describes no version, which only a new release changes. */
export function documentHash(name: string, gitVersion: string): string {
  return createHash('sha256').update(`${gitVersion} ${name}`).digest('hex').slice(0, 32).toUpperCase();
}

/** The OpenAPI v3 document of a path that is no version, such as `apis` or `version`; undefined when there is none. */
export function openApiV3Path(catalog: Catalog, name: string, gitVersion: string): JsonMap | undefined {
  const item = documentPaths(catalog).find(({ path }) => path === `/${name}/`);
  if (item === undefined || isVersionPath(name)) return undefined;
  const needed = new Set<string>();
  for (const { answer } of item.operations) if (answer !== undefined) collectNames(answer, needed);
  return {
    openapi: '3.0.0',
    info: { title: 'Kubernetes', version: gitVersion },
    paths: { [item.path]: pathItem(item) },
    components: { schemas: Object.fromEntries([...needed].toSorted().map((each) => [each, builtinDefinition(each, 'v3')])), securitySchemes: SECURITY },
  };
}

// What every version lists itself by.
const APIS = 'io.k8s.apimachinery.pkg.apis.meta.v1.APIResourceList';
const SECURITY: JsonMap = { BearerToken: { type: 'apiKey', name: 'authorization', in: 'header', description: 'Bearer Token authentication' } };

const hashes = new WeakMap<ServedResource, string>();

/** Names the content of a version's document: the release, and what its resources are. */
export function versionHash(catalog: Catalog, group: string, version: string, gitVersion: string): string {
  const digest = createHash('sha256').update(`${gitVersion} ${versionPath(group, version)}`);
  for (const served of catalog.resourcesOf(group, version)) digest.update(resourceHash(served));
  return digest.digest('hex').slice(0, 32).toUpperCase();
}

function resourceHash(served: ServedResource): string {
  const known = hashes.get(served);
  if (known !== undefined) return known;
  const { resource, kind, verbs, subresources, custom } = served;
  const hash = createHash('sha256')
    .update(JSON.stringify([resource, kind, verbs, subresources, custom?.openApiSchema]))
    .digest('hex');
  hashes.set(served, hash);
  return hash;
}

/** The OpenAPI v3 document of one version; undefined when there is none. */
export function openApiV3(catalog: Catalog, group: string, version: string, gitVersion: string): JsonMap | undefined {
  const resources = catalog.resourcesOf(group, version);
  if (resources.length === 0) return undefined;
  const needed = new Set<string>();
  collectNames(APIS, needed);
  for (const name of [NAMES.deleteOptions, NAMES.status, NAMES.objectMeta, NAMES.listMeta, NAMES.watchEvent]) collectNames(name, needed);
  for (const served of resources) collectOf(served, needed);
  const custom = resources.filter((served) => served.custom !== undefined);
  return {
    openapi: '3.0.0',
    info: { title: 'Kubernetes', version: gitVersion },
    paths: Object.fromEntries(
      [...documentPaths(catalog).filter(({ path }) => path === `/${versionPath(group, version)}/`), ...resources.flatMap(pathsOf)].map((item) => [
        item.path,
        pathItem(item),
      ]),
    ),
    components: {
      schemas: {
        ...Object.fromEntries([...needed].toSorted().map((name) => [name, builtinDefinition(name, 'v3')])),
        ...scalarDefinitions('v3'),
        ...Object.fromEntries(custom.flatMap((served) => Object.entries(customDefinitions(served, 'v3')))),
      },
      securitySchemes: SECURITY,
    },
  };
}

function collectOf(served: ServedResource, needed: Set<string>): void {
  const names = [
    served.schema?.name,
    definitionName(served.group, served.version, served.listKind),
    ...served.subresources.map((sub) => definitionName(sub.group ?? served.group, sub.version ?? served.version, sub.kind)),
  ];
  for (const name of names) if (name !== undefined) collectNames(name, needed);
}

function pathItem({ pathParameters, operations }: PathItem): JsonMap {
  return {
    parameters: [
      ...pathParameters.map((name) => ({ name, in: 'path', required: true, schema: { type: 'string', uniqueItems: true } })),
      parameter('pretty', 'string'),
    ],
    ...Object.fromEntries(operations.map((each) => [each.method, operation(each)])),
  };
}

const parameter = (name: string, type: string): JsonMap => ({ name, in: 'query', schema: { type, uniqueItems: true } });

function operation(each: Operation): JsonMap {
  const { body, answer } = each;
  const content = (types: readonly string[], schema: JsonMap): JsonMap => ({ content: Object.fromEntries(types.map((type) => [type, { schema }])) });
  const answerSchema = answer === undefined ? { type: 'string' } : refTo(answer, 'v3');
  return {
    ...(each.tag === '' ? {} : { tags: [each.tag] }),
    operationId: each.operationId,
    ...(each.parameters.length === 0 ? {} : { parameters: each.parameters.map(({ name, type }) => parameter(name, type)) }),
    ...(body === undefined ? {} : { requestBody: { ...content(body.types, refTo(body.name, 'v3')), ...(body.isRequired ? { required: true } : {}) } }),
    responses: {
      ...Object.fromEntries(
        each.codes.map((code) => [
          String(code),
          { description: code === 201 ? 'Created' : code === 202 ? 'Accepted' : 'OK', ...content(each.produces, answerSchema) },
        ]),
      ),
      '401': { description: 'Unauthorized' },
    },
    ...(each.action === '' ? {} : { 'x-kubernetes-action': each.action, 'x-kubernetes-group-version-kind': each.kind }),
  };
}

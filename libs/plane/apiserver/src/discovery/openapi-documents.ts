import type { Catalog } from '../registry/catalog.ts';
import type { PathItem } from './openapi-paths.ts';

const TYPES = ['application/json', 'application/yaml', 'application/vnd.kubernetes.protobuf'];

/** Paths that list what there is, and that no resource describes. */
export function documentPaths(catalog: Catalog): readonly PathItem[] {
  const one = (path: string, id: string, answer: string | undefined): PathItem => ({
    path,
    pathParameters: [],
    operations: [
      {
        method: 'get',
        action: '',
        operationId: id,
        tag: '',
        kind: { group: '', version: '', kind: '' },
        parameters: [],
        answer,
        codes: [200],
        produces: TYPES,
      },
    ],
  });
  const meta = (kind: string): string => `io.k8s.apimachinery.pkg.apis.meta.v1.${kind}`;
  const idOf = (group: string): string =>
    group
      .replace(/\.k8s\.io$/, '')
      .split(/[.-]/)
      .map((word) => `${word.slice(0, 1).toUpperCase()}${word.slice(1)}`)
      .join('');
  return [
    one('/api/', 'getCoreAPIVersions', meta('APIVersions')),
    one('/apis/', 'getAPIVersions', meta('APIGroupList')),
    one('/version/', 'getCodeVersion', 'io.k8s.apimachinery.pkg.version.Info'),
    one('/.well-known/openid-configuration/', 'getServiceAccountIssuerOpenIDConfiguration', undefined),
    one('/openid/v1/jwks/', 'getServiceAccountIssuerOpenIDKeyset', undefined),
    ...catalog
      .groups()
      .flatMap(({ name, versions }) => [
        ...(name === '' ? [] : [one(`/apis/${name}/`, `get${idOf(name)}APIGroup`, meta('APIGroup'))]),
        ...versions.map((version) =>
          one(
            name === '' ? `/api/${version}/` : `/apis/${name}/${version}/`,
            `get${idOf(name === '' ? 'core' : name)}${idOf(version)}APIResources`,
            meta('APIResourceList'),
          ),
        ),
      ]),
  ];
}

import { isStatus, parseApiVersion, type ResourceType } from '@tiphys/kube-model';
import type { KubeClient } from './client.ts';
import { ConnectionError } from './connection.ts';

/** A resource as discovery announces it. */
export interface DiscoveredResource extends ResourceType {
  readonly verbs: readonly string[];
  readonly singular: string;
  readonly shortNames: readonly string[];
  readonly categories: readonly string[];
  readonly subresources: readonly string[];
  /** Whether this is the version its group prefers. */
  readonly preferred: boolean;
}

interface AggregatedList {
  readonly kind: string;
  readonly items?: readonly { readonly metadata: { readonly name?: string }; readonly versions?: readonly AggregatedVersion[] }[];
}

interface AggregatedVersion {
  readonly version: string;
  readonly freshness?: string;
  readonly resources?: readonly {
    readonly resource: string;
    readonly responseKind?: { readonly kind: string };
    readonly scope: string;
    readonly verbs: readonly string[];
    readonly singularResource?: string;
    readonly shortNames?: readonly string[];
    readonly categories?: readonly string[];
    readonly subresources?: readonly { readonly subresource: string }[];
  }[];
}

const AGGREGATED =
  'application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList,application/json;g=apidiscovery.k8s.io;v=v2beta1;as=APIGroupDiscoveryList,application/json';

/** Everything the API serves, by aggregated discovery, or group by group where the server has none. */
export async function discover(client: KubeClient, signal: AbortSignal): Promise<readonly DiscoveredResource[]> {
  const [core, groups] = await Promise.all(['/api', '/apis'].map((path) => getJson<AggregatedList>(client, path, signal, AGGREGATED)));
  if (core?.kind === 'APIGroupDiscoveryList' && groups?.kind === 'APIGroupDiscoveryList') return [...fromAggregated(core), ...fromAggregated(groups)];
  return discoverLegacy(client, signal);
}

function fromAggregated(list: AggregatedList): readonly DiscoveredResource[] {
  return (list.items ?? []).flatMap((group) =>
    (group.versions ?? []).flatMap((version, index) =>
      (version.resources ?? []).map((row) => ({
        group: group.metadata.name ?? '',
        version: version.version,
        kind: row.responseKind?.kind ?? '',
        resource: row.resource,
        namespaced: row.scope === 'Namespaced',
        verbs: row.verbs,
        singular: row.singularResource ?? '',
        shortNames: row.shortNames ?? [],
        categories: row.categories ?? [],
        subresources: (row.subresources ?? []).map((sub) => sub.subresource),
        preferred: index === 0,
      })),
    ),
  );
}

interface LegacyResourceList {
  readonly resources?: readonly {
    readonly name: string;
    readonly kind: string;
    readonly namespaced: boolean;
    readonly verbs: readonly string[];
    readonly singularName?: string;
    readonly shortNames?: readonly string[];
    readonly categories?: readonly string[];
  }[];
}

async function discoverLegacy(client: KubeClient, signal: AbortSignal): Promise<readonly DiscoveredResource[]> {
  const { groups = [] } = await getJson<{
    groups?: readonly { readonly versions: readonly { readonly groupVersion: string }[]; readonly preferredVersion?: { readonly groupVersion: string } }[];
  }>(client, '/apis', signal);
  const versions = [
    { groupVersion: 'v1', preferred: true },
    ...groups.flatMap((group) =>
      group.versions.map(({ groupVersion }) => ({ groupVersion, preferred: groupVersion === group.preferredVersion?.groupVersion })),
    ),
  ];
  const lists = await Promise.all(
    versions.map(async ({ groupVersion, preferred }) => {
      const path = groupVersion.includes('/') ? `/apis/${groupVersion}` : `/api/${groupVersion}`;
      // One broken aggregated API must not hide the others.
      const list = await getJson<LegacyResourceList>(client, path, signal).catch((error: unknown) => {
        if (isStatus(error, 'NotFound', 'ServiceUnavailable', 'InternalError')) return {};
        throw error;
      });
      return fromLegacy(list, groupVersion, preferred);
    }),
  );
  return lists.flat();
}

function fromLegacy(list: LegacyResourceList, groupVersion: string, preferred: boolean): readonly DiscoveredResource[] {
  const rows = list.resources ?? [];
  return rows
    .filter((row) => !row.name.includes('/'))
    .map((row) => ({
      ...parseApiVersion(groupVersion),
      kind: row.kind,
      resource: row.name,
      namespaced: row.namespaced,
      verbs: row.verbs,
      singular: row.singularName ?? '',
      shortNames: row.shortNames ?? [],
      categories: row.categories ?? [],
      subresources: rows.filter((sub) => sub.name.startsWith(`${row.name}/`)).map((sub) => sub.name.slice(row.name.length + 1)),
      preferred,
    }));
}

async function getJson<T>(client: KubeClient, path: string, signal: AbortSignal, accept: string = 'application/json'): Promise<T> {
  const response = await client.raw({ method: 'GET', path, headers: { accept }, signal });
  const chunks: Uint8Array[] = [];
  for await (const chunk of response.body) chunks.push(chunk);
  try {
    // The caller names the type the path promises.
    return JSON.parse(Buffer.concat(chunks).toString('utf8')) as T;
  } catch (cause) {
    throw new ConnectionError({ code: 'invalidAnswer', server: client.server, status: response.status }, `GET ${path}: the server did not answer with JSON`, {
      cause,
    });
  }
}

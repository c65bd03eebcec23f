import { createHash } from 'node:crypto';
import type { RemoteResource, RemoteVersion, RemoteVersions } from '../aggregation/remote-versions.ts';
import { compareVersions, type Catalog } from '../registry/catalog.ts';
import type { ServedResource } from '../registry/served.ts';
import { compareGroups, priorityOf } from './group-order.ts';

/** What discovery tells of: what this server serves, and what others do for it. */
export interface Discovered {
  readonly catalog: Catalog;
  readonly remotes: RemoteVersions;
}

interface GroupVersion {
  readonly version: string;
  readonly remote: RemoteVersion | undefined;
}

interface Group {
  readonly name: string;
  readonly priority: number;
  readonly versions: readonly GroupVersion[];
}

/** `/api`. */
export function apiVersions(address: string): unknown {
  return { kind: 'APIVersions', versions: ['v1'], serverAddressByClientCIDRs: [{ clientCIDR: '0.0.0.0/0', serverAddress: address }] };
}

/** `/apis`. */
export function apiGroupList(discovered: Discovered): unknown {
  return { kind: 'APIGroupList', apiVersion: 'v1', groups: namedGroups(discovered).map(groupOf) };
}

/** `/apis/<group>`; undefined when there is no such group. */
export function apiGroup(discovered: Discovered, name: string): unknown {
  const group = namedGroups(discovered).find((candidate) => candidate.name === name);
  return group === undefined ? undefined : { kind: 'APIGroup', apiVersion: 'v1', ...groupOf(group) };
}

// Versions of this server have the priority that upstream gives those of CRDs; others say theirs.
const LOCAL_PRIORITY = 100;

function allGroups({ catalog, remotes }: Discovered): readonly Group[] {
  const groups = new Map<string, { priority: number; versions: GroupVersion[] }>();
  const of = (name: string): { priority: number; versions: GroupVersion[] } => {
    const known = groups.get(name) ?? { priority: 0, versions: [] };
    groups.set(name, known);
    return known;
  };
  for (const { name, versions } of catalog.groups()) {
    const group = of(name);
    group.priority = priorityOf(name);
    group.versions.push(...versions.map((version) => ({ version, remote: undefined })));
  }
  for (const remote of remotes.all()) {
    const group = of(remote.group);
    // What this server serves itself is never another's.
    if (group.versions.some(({ version }) => version === remote.version)) continue;
    group.priority = Math.max(group.priority, remote.groupPriority);
    group.versions.push({ version: remote.version, remote });
  }
  const priority = ({ remote }: GroupVersion): number => remote?.versionPriority ?? LOCAL_PRIORITY;
  return [...groups]
    .map(([name, group]) => ({
      name,
      priority: group.priority,
      versions: group.versions.toSorted((a, b) => priority(b) - priority(a) || compareVersions(a.version, b.version)),
    }))
    .toSorted(compareGroups);
}

function namedGroups(discovered: Discovered): readonly Group[] {
  return allGroups(discovered).filter((group) => group.name !== '');
}

function groupOf({ name, versions }: Group): object {
  const described = versions.map(({ version }) => ({ groupVersion: `${name}/${version}`, version }));
  return { name, versions: described, preferredVersion: described[0] };
}

/** `/api/v1` and `/apis/<group>/<version>` of this server; undefined when there is no such version. */
export function apiResourceList(catalog: Catalog, group: string, version: string): unknown {
  const resources = catalog.resourcesOf(group, version);
  if (resources.length === 0) return undefined;
  return {
    kind: 'APIResourceList',
    ...(group === '' ? {} : { apiVersion: 'v1' }),
    groupVersion: group === '' ? version : `${group}/${version}`,
    resources: resources.flatMap(resourceRows),
  };
}

function resourceRows(served: ServedResource): readonly object[] {
  return [
    {
      name: served.resource,
      singularName: served.singular,
      namespaced: served.namespaced,
      kind: served.kind,
      verbs: served.verbs,
      ...(served.shortNames.length === 0 ? {} : { shortNames: served.shortNames }),
      ...(served.categories.length === 0 ? {} : { categories: served.categories }),
      ...(served.verbs.includes('get') ? { storageVersionHash: storageHash(served) } : {}),
    },
    ...served.subresources.map((sub) => ({
      name: `${served.resource}/${sub.name}`,
      singularName: '',
      namespaced: served.namespaced,
      ...(sub.group === undefined ? {} : { group: sub.group, version: sub.version }),
      kind: sub.kind,
      verbs: sub.verbs,
    })),
  ];
}

// Changes with the version objects are stored in (apiserver discovery.StorageVersionHash).
function storageHash(served: ServedResource): string {
  const stored = served.storedApiVersion.includes('/') ? served.storedApiVersion : `/${served.storedApiVersion}`;
  return createHash('sha256').update(`${stored}/${served.kind}`).digest().subarray(0, 8).toString('base64');
}

/** The aggregated form of `/api` (core) and `/apis` (the rest), in version `v2` or `v2beta1`. */
export function aggregatedDiscovery(discovered: Discovered, core: boolean, version: string): unknown {
  const groups = core ? allGroups(discovered).filter((group) => group.name === '') : namedGroups(discovered);
  return {
    kind: 'APIGroupDiscoveryList',
    apiVersion: `apidiscovery.k8s.io/${version}`,
    metadata: {},
    items: groups.map(({ name, versions }) => ({
      metadata: { ...(name === '' ? {} : { name }), creationTimestamp: null },
      versions: versions.map((each) => ({
        version: each.version,
        resources: (each.remote?.resources ?? discovered.catalog.resourcesOf(name, each.version)).map(aggregatedResource),
        // The resources of a server that is gone are those it had.
        freshness: each.remote?.isAvailable === false ? 'Stale' : 'Current',
      })),
    })),
  };
}

function aggregatedResource(served: RemoteResource): unknown {
  return {
    resource: served.resource,
    responseKind: { group: served.group, version: served.version, kind: served.kind },
    scope: served.namespaced ? 'Namespaced' : 'Cluster',
    singularResource: served.singular,
    verbs: served.verbs,
    ...(served.shortNames.length === 0 ? {} : { shortNames: served.shortNames }),
    ...(served.categories.length === 0 ? {} : { categories: served.categories }),
    ...(served.subresources.length === 0
      ? {}
      : {
          subresources: served.subresources.map((sub) => ({
            subresource: sub.name,
            responseKind: { group: sub.group ?? served.group, version: sub.version ?? served.version, kind: sub.kind },
            verbs: sub.verbs,
          })),
        }),
  };
}

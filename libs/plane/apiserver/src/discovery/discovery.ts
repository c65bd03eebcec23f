import { createHash } from 'node:crypto';
import type { Catalog, ServedGroup } from '../registry/catalog.ts';
import type { ServedResource } from '../registry/served.ts';

/** `/api`. */
export function apiVersions(address: string): unknown {
  return { kind: 'APIVersions', versions: ['v1'], serverAddressByClientCIDRs: [{ clientCIDR: '0.0.0.0/0', serverAddress: address }] };
}

/** `/apis`. */
export function apiGroupList(catalog: Catalog): unknown {
  return { kind: 'APIGroupList', apiVersion: 'v1', groups: namedGroups(catalog).map(groupOf) };
}

/** `/apis/<group>`; undefined when there is no such group. */
export function apiGroup(catalog: Catalog, name: string): unknown {
  const group = namedGroups(catalog).find((candidate) => candidate.name === name);
  return group === undefined ? undefined : { kind: 'APIGroup', apiVersion: 'v1', ...groupOf(group) };
}

function namedGroups(catalog: Catalog): readonly ServedGroup[] {
  return catalog.groups().filter((group) => group.name !== '');
}

function groupOf({ name, versions }: ServedGroup): object {
  const described = versions.map((version) => ({ groupVersion: `${name}/${version}`, version }));
  return { name, versions: described, preferredVersion: described[0] };
}

/** `/api/v1` and `/apis/<group>/<version>`; undefined when there is no such version. */
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

function storageHash(served: ServedResource): string {
  return createHash('sha256').update(`${served.storedApiVersion}/${served.kind}`).digest().subarray(0, 8).toString('base64');
}

/** The aggregated form of `/api` (core) and `/apis` (the rest), in version `v2` or `v2beta1`. */
export function aggregatedDiscovery(catalog: Catalog, core: boolean, version: string): unknown {
  const groups = core ? catalog.groups().filter((group) => group.name === '') : namedGroups(catalog);
  return {
    kind: 'APIGroupDiscoveryList',
    apiVersion: `apidiscovery.k8s.io/${version}`,
    metadata: {},
    items: groups.map(({ name, versions }) => ({
      metadata: { ...(name === '' ? {} : { name }), creationTimestamp: null },
      versions: versions.map((each) => ({ version: each, resources: catalog.resourcesOf(name, each).map(aggregatedResource), freshness: 'Current' })),
    })),
  };
}

function aggregatedResource(served: ServedResource): unknown {
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

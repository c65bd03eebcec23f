import { BUILTIN_RESOURCES, BUILTIN_SUBRESOURCES, formatApiVersion, schemaByName, type ObjectSchema, type ResourceRow } from '@tiphys/kube-model';
import type { CustomVersion } from '../crd/custom-version.ts';

/** A subresource as discovery lists it. */
export interface ServedSubresource {
  readonly name: string;
  readonly kind: string;
  readonly verbs: readonly string[];
  /** Group and version of the body where they differ from the resource's own. */
  readonly group?: string;
  readonly version?: string;
}

/** A resource the server answers for, built in or custom: what every verb is generic over. */
export interface ServedResource {
  readonly group: string;
  readonly version: string;
  readonly apiVersion: string;
  readonly resource: string;
  readonly kind: string;
  readonly listKind: string;
  readonly singular: string;
  readonly namespaced: boolean;
  readonly verbs: readonly string[];
  readonly shortNames: readonly string[];
  readonly categories: readonly string[];
  readonly subresources: readonly ServedSubresource[];
  /** Prefix of the resource's keys in the store; versions and aliases of one resource share it. */
  readonly keyPrefix: string;
  /** apiVersion objects are stored in. */
  readonly storedApiVersion: string;
  /** What whoever uses the resource is told. */
  readonly deprecation?: string;
  readonly schema: ObjectSchema | undefined;
  readonly custom: CustomVersion | undefined;
}

// Alpha groups are off in a real cluster too; mutating policies have no other version in 1.33. Two betas are off by default and would only confuse `api-resources`.
const isServed = (row: ResourceRow): boolean =>
  (!/alpha/.test(row.version) || row.resource.startsWith('mutatingadmissionpolic')) &&
  !(row.group === 'resource.k8s.io') &&
  row.resource !== 'componentstatuses' &&
  row.group !== 'internal.apiserver.k8s.io';

// One store for events of both groups, in the core form.
const STORED_AS: Readonly<Record<string, { readonly group: string; readonly apiVersion: string }>> = {
  'events.k8s.io/events': { group: '', apiVersion: 'v1' },
  'autoscaling/horizontalpodautoscalers': { group: 'autoscaling', apiVersion: 'autoscaling/v2' },
};

// Resources that only answer, and store nothing.
const SINGULAR_OF: Readonly<Record<string, string>> = { endpoints: 'endpoints' };

// Built-in APIs that are to be used no more (KEP-4974).
const DEPRECATED: Readonly<Record<string, string>> = {
  'v1/Endpoints': 'v1 Endpoints is deprecated in v1.33+; use discovery.k8s.io/v1 EndpointSlice',
};

/** The built-in resources this server serves. */
export function builtinResources(): readonly ServedResource[] {
  return BUILTIN_RESOURCES.filter(isServed).map(servedBuiltin);
}

function servedBuiltin(row: ResourceRow): ServedResource {
  const stored = STORED_AS[`${row.group}/${row.resource}`];
  const storedGroup = stored?.group ?? row.group;
  const deprecation = DEPRECATED[`${formatApiVersion(row.group, row.version)}/${row.kind}`];
  return {
    group: row.group,
    version: row.version,
    apiVersion: formatApiVersion(row.group, row.version),
    resource: row.resource,
    kind: row.kind,
    listKind: `${row.kind}List`,
    singular: SINGULAR_OF[row.resource] ?? row.singular,
    namespaced: row.namespaced,
    verbs: row.verbs,
    shortNames: row.shortNames ?? [],
    categories: row.categories ?? [],
    subresources: BUILTIN_SUBRESOURCES.filter((sub) => sub.group === row.group && sub.version === row.version && sub.resource === row.resource).map(
      servedSubresource,
    ),
    keyPrefix: keyPrefixOf(storedGroup, row.resource),
    storedApiVersion: stored?.apiVersion ?? storedVersion(row),
    ...(deprecation === undefined ? {} : { deprecation }),
    schema: row.schema === undefined ? undefined : schemaByName(row.schema),
    custom: undefined,
  };
}

// A resource served in v1 and a beta is stored as v1, whatever version a write comes in.
function storedVersion(row: ResourceRow): string {
  const versions = BUILTIN_RESOURCES.filter((other) => other.group === row.group && other.resource === row.resource).map((other) => other.version);
  return formatApiVersion(row.group, versions.includes('v1') ? 'v1' : row.version);
}

function servedSubresource(row: ResourceRow): ServedSubresource {
  const slash = row.bodyApiVersion?.indexOf('/') ?? -1;
  const body =
    row.bodyApiVersion === undefined ? {} : { group: slash < 0 ? '' : row.bodyApiVersion.slice(0, slash), version: row.bodyApiVersion.slice(slash + 1) };
  return { name: row.subresource ?? '', kind: row.kind, verbs: row.verbs, ...body };
}

/** Where the objects of a resource lie in the store. */
export function keyPrefixOf(group: string, resource: string): string {
  return `/${group === '' ? 'core' : group}/${resource}/`;
}

/** The store's key of one object. */
export function objectKey(served: ServedResource, namespace: string | undefined, name: string): string {
  return served.namespaced ? `${served.keyPrefix}${namespace ?? ''}/${name}` : `${served.keyPrefix}${name}`;
}

/** The prefix of a list, over one namespace or all. */
export function listPrefix(served: ServedResource, namespace: string | undefined): string {
  return served.namespaced && namespace !== undefined && namespace !== '' ? `${served.keyPrefix}${namespace}/` : served.keyPrefix;
}

// Registries with ReturnDeletedObject.
const RETURNS_DELETED: ReadonlySet<string> = new Set([
  'pods',
  'services',
  'serviceaccounts',
  'persistentvolumes',
  'persistentvolumeclaims',
  'resourcequotas',
  'podtemplates',
  'storageclasses',
  'csidrivers',
  'csinodes',
  'volumeattachments',
  'volumeattributesclasses',
]);

/** Whether a finished deletion is answered with the object, and not with a Status. */
export function returnsDeletedObject(served: ServedResource): boolean {
  return served.custom === undefined && RETURNS_DELETED.has(served.resource);
}

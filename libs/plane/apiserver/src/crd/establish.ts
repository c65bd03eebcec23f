import { toTimestamp } from '@tiphys/kernel';
import { formatApiVersion, type apiextensionsv1, type Mutable } from '@tiphys/kube-model';
import type { Core } from '../core.ts';
import { draftAs, type Draft } from '../draft.ts';
import { keyPrefixOf, type ServedResource, type ServedSubresource } from '../registry/served.ts';
import type { CustomVersion } from './custom-version.ts';
import { parseStructuralSchema } from './structural-schema.ts';

type Crd = Mutable<apiextensionsv1.CustomResourceDefinition> & { spec: Mutable<apiextensionsv1.CustomResourceDefinitionSpec> };

/** The draft as a CRD whose spec names what it defines; undefined when it does not, and validation will say so. */
export function asCrd(draft: Draft): Crd | undefined {
  const crd = draftAs<apiextensionsv1.CustomResourceDefinition>(draft);
  if (typeof crd.spec?.names?.kind !== 'string' || !Array.isArray(crd.spec.versions)) return undefined;
  return crd as Crd; // spec was looked at.
}

/** Finalizer that keeps a CRD until its objects are gone. */
export const CRD_FINALIZER = 'customresourcecleanup.apiextensions.k8s.io';

/** Completes a CRD's names and says in its status that it is served: names are checked and accepted in the same write. */
export function settleCrd(core: Core, draft: Draft): void {
  const crd = asCrd(draft);
  if (crd === undefined) return;
  const { names } = crd.spec;
  names.singular ??= names.kind.toLowerCase();
  names.listKind ??= `${names.kind}List`;
  crd.spec.conversion ??= { strategy: 'None' };
  if (crd.metadata.deletionTimestamp !== undefined) return;
  const storage = crd.spec.versions.find((version) => version.storage)?.name ?? '';
  const taken = isTaken(core, crd);
  const now = toTimestamp(core.clock.now());
  const condition = (type: string, ok: boolean, reason: string, message: string): Mutable<apiextensionsv1.CustomResourceDefinitionCondition> => {
    const before = crd.status?.conditions?.find((candidate) => candidate.type === type);
    const status = ok ? 'True' : 'False';
    return { type, status, reason, message, lastTransitionTime: before?.status === status ? (before.lastTransitionTime ?? now) : now };
  };
  crd.status = {
    ...crd.status,
    acceptedNames: taken ? { plural: '', kind: '' } : structuredClone(names),
    storedVersions: [...new Set([...(crd.status?.storedVersions ?? []), storage])],
    conditions: [
      condition(
        'NamesAccepted',
        !taken,
        taken ? 'MultipleNamesConflict' : 'NoConflicts',
        taken ? `${names.plural} or ${names.kind} is already in use` : 'no conflicts found',
      ),
      condition(
        'Established',
        !taken,
        taken ? 'NotAccepted' : 'InitialNamesAccepted',
        taken ? 'not all names are accepted' : 'the initial names have been accepted',
      ),
    ],
  };
}

function isTaken(core: Core, crd: Crd): boolean {
  const own = new Set(core.catalog.customOf(crd.metadata.name ?? '').map((served) => served.kind));
  return core.catalog
    .all()
    .some(
      (served) =>
        served.group === crd.spec.group &&
        served.custom?.crd !== crd.metadata.name &&
        (served.resource === crd.spec.names.plural || served.kind === crd.spec.names.kind) &&
        !own.has(served.kind),
    );
}

/** The resources an established CRD serves, one for each served version. */
export function servedResourcesOf(draft: Draft): readonly ServedResource[] {
  const crd = asCrd(draft);
  if (crd === undefined) return [];
  const established = crd.status?.conditions?.some((condition) => condition.type === 'Established' && condition.status === 'True');
  if (established !== true) return [];
  const storage = crd.spec.versions.find((version) => version.storage)?.name ?? '';
  return crd.spec.versions.filter((version) => version.served).map((version) => servedVersion(crd, version, storage));
}

function servedVersion(crd: Crd, version: Mutable<apiextensionsv1.CustomResourceDefinitionVersion>, storage: string): ServedResource {
  const { names, group, scope } = crd.spec;
  return {
    group,
    version: version.name,
    apiVersion: formatApiVersion(group, version.name),
    resource: names.plural,
    kind: names.kind,
    listKind: names.listKind ?? `${names.kind}List`,
    singular: names.singular ?? names.kind.toLowerCase(),
    namespaced: scope === 'Namespaced',
    verbs: ['delete', 'deletecollection', 'get', 'list', 'patch', 'create', 'update', 'watch'],
    shortNames: names.shortNames ?? [],
    categories: names.categories ?? [],
    subresources: subresourcesOf(names.kind, version),
    keyPrefix: keyPrefixOf(group, names.plural),
    storedApiVersion: formatApiVersion(group, storage),
    schema: undefined,
    custom: customVersion(crd, version),
  };
}

function subresourcesOf(kind: string, version: Mutable<apiextensionsv1.CustomResourceDefinitionVersion>): readonly ServedSubresource[] {
  const verbs = ['get', 'patch', 'update'];
  return [
    ...(version.subresources?.status === undefined ? [] : [{ name: 'status', kind, verbs }]),
    ...(version.subresources?.scale === undefined ? [] : [{ name: 'scale', kind: 'Scale', group: 'autoscaling', version: 'v1', verbs }]),
  ];
}

function customVersion(crd: Crd, version: Mutable<apiextensionsv1.CustomResourceDefinitionVersion>): CustomVersion {
  return {
    crd: crd.metadata.name ?? '',
    schema: parseStructuralSchema(version.schema?.openAPIV3Schema),
    openApiSchema: version.schema?.openAPIV3Schema ?? { type: 'object', 'x-kubernetes-preserve-unknown-fields': true },
    hasStatus: version.subresources?.status !== undefined,
    scale: version.subresources?.scale,
    columns: version.additionalPrinterColumns ?? [],
    selectableFields: (version.selectableFields ?? []).map((field) => field.jsonPath),
    deprecationWarning:
      version.deprecated === true
        ? (version.deprecationWarning ?? `${formatApiVersion(crd.spec.group, version.name)} ${crd.spec.names.kind} is deprecated`)
        : undefined,
  };
}

/** Stops to serve what a CRD defined. */
export function withdrawCrd(core: Core, name: string): void {
  core.catalog.setCustom(name, []);
}

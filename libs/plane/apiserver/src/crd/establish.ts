import { toTimestamp } from '@tiphys/kernel';
import { deepEqual, formatApiVersion, type apiextensionsv1, type Mutable } from '@tiphys/kube-model';
import type { Core } from '../core.ts';
import { asMap, type Draft } from '../draft.ts';
import { keyPrefixOf, type ServedResource, type ServedSubresource } from '../registry/served.ts';
import { approvalOf } from './approval.ts';
import { asCrd, isTrue, type Crd } from './crd.ts';
import type { CustomVersion } from './custom-version.ts';
import { judgeNames } from './names.ts';
import { compileRuleTree } from './rules.ts';
import { parseStructuralSchema } from './structural-schema.ts';

/** Completes a CRD's names and says in its status that it is served: names are checked and accepted in the same write. */
export function settleCrd(core: Core, draft: Draft): void {
  const crd = asCrd(draft);
  if (crd === undefined) return;
  const { names } = crd.spec;
  if ((names.singular ?? '') === '') names.singular = names.kind.toLowerCase();
  if ((names.listKind ?? '') === '' && names.kind !== '') names.listKind = `${names.kind}List`;
  crd.spec.conversion ??= { strategy: 'None' };
  if (crd.metadata.deletionTimestamp !== undefined) return;
  const storage = crd.spec.versions.find((version) => version.storage)?.name;
  const stored = new Set(crd.status?.storedVersions);
  if (storage !== undefined) stored.add(storage);
  crd.status = { ...crd.status, storedVersions: [...stored] };
  settleNames(core, crd);
  settleApproval(core, crd);
}

type Condition = Mutable<apiextensionsv1.CustomResourceDefinitionCondition>;

/** Decides anew which names a CRD has and whether it is established. Returns whether that changed anything. */
export function settleNames(core: Core, crd: Crd): boolean {
  const before = structuredClone(crd.status);
  const { accepted, conflict } = judgeNames(core, crd);
  crd.status = { ...crd.status, acceptedNames: accepted };
  setCondition(core, crd, {
    type: 'NamesAccepted',
    status: conflict === undefined ? 'True' : 'False',
    reason: conflict?.reason ?? 'NoConflicts',
    message: conflict?.message ?? 'no conflicts found',
  });
  // A CRD that was once established keeps being served by the names it had.
  if (!isTrue(crd, 'Established')) {
    const established = conflict === undefined;
    setCondition(core, crd, {
      type: 'Established',
      status: established ? 'True' : 'False',
      reason: established ? 'InitialNamesAccepted' : 'NotAccepted',
      message: established ? 'the initial names have been accepted' : 'not all names are accepted',
    });
  }
  return !deepEqual(before, crd.status);
}

function conditionOf(crd: Crd, type: string): Condition | undefined {
  return crd.status?.conditions?.find((condition) => condition.type === type);
}

/** Sets a condition; its time moves only when its status does. */
export function setCondition(core: Core, crd: Crd, condition: Pick<Condition, 'type' | 'status' | 'reason' | 'message'>): void {
  const before = conditionOf(crd, condition.type);
  const now = toTimestamp(core.clock.now());
  const next: Condition = { ...condition, lastTransitionTime: before?.status === condition.status ? (before.lastTransitionTime ?? now) : now };
  const conditions = crd.status?.conditions ?? [];
  const kept = before === undefined ? [...conditions, next] : conditions.map((known) => (known.type === condition.type ? next : known));
  crd.status = { ...crd.status, conditions: kept };
}

const APPROVAL_REASONS = {
  approved: 'ApprovedAnnotation',
  bypassed: 'UnapprovedAnnotation',
  missing: 'MissingAnnotation',
  invalid: 'InvalidAnnotation',
} as const;

function settleApproval(core: Core, crd: Crd): void {
  const approval = approvalOf(crd);
  if (approval === undefined) return;
  setCondition(core, crd, {
    type: 'KubernetesAPIApprovalPolicyConformant',
    status: approval.state === 'approved' ? 'True' : 'False',
    reason: APPROVAL_REASONS[approval.state],
    message: approval.reason,
  });
}

/** The resources an established CRD serves, one for each served version. */
export function servedResourcesOf(draft: Draft): readonly ServedResource[] {
  const crd = asCrd(draft);
  if (crd === undefined) return [];
  if (!isTrue(crd, 'Established')) return [];
  const storage = crd.spec.versions.find((version) => version.storage);
  if (storage === undefined) return [];
  const stored = { apiVersion: formatApiVersion(crd.spec.group, storage.name), schema: parseStructuralSchema(storage.schema?.openAPIV3Schema) };
  // What other objects are made of is looked at once more: a version without a name would break the documents of all.
  const isServed = ({ served, name }: Partial<(typeof crd.spec.versions)[number]>): boolean => served === true && (name ?? '') !== '';
  return crd.spec.versions.filter(isServed).map((version) => servedVersion(crd, version, stored));
}

type Version = Mutable<apiextensionsv1.CustomResourceDefinitionVersion>;

function servedVersion(crd: Crd, version: Version, storage: CustomVersion['storage']): ServedResource {
  const { group, scope } = crd.spec;
  // What was accepted, where a later wish for other names was not.
  const names = { ...crd.spec.names, ...crd.status?.acceptedNames };
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
    storedApiVersion: storage.apiVersion,
    schema: undefined,
    custom: customVersion(crd, version, storage),
  };
}

function subresourcesOf(kind: string, version: Version): readonly ServedSubresource[] {
  const verbs = ['get', 'patch', 'update'];
  return [
    ...(version.subresources?.status === undefined ? [] : [{ name: 'status', kind, verbs }]),
    ...(version.subresources?.scale === undefined ? [] : [{ name: 'scale', kind: 'Scale', group: 'autoscaling', version: 'v1', verbs }]),
  ];
}

function customVersion(crd: Crd, version: Version, storage: CustomVersion['storage']): CustomVersion {
  const apiVersion = formatApiVersion(crd.spec.group, version.name);
  let rules: { readonly tree: CustomVersion['rules'] } | undefined;
  return {
    crd: crd.metadata.name ?? '',
    apiVersion,
    schema: apiVersion === storage.apiVersion ? storage.schema : parseStructuralSchema(version.schema?.openAPIV3Schema),
    storage,
    conversion: crd.spec.conversion?.strategy === 'Webhook' ? crd.spec.conversion.webhook : undefined,
    // Compiled for the first object: a server with many CRDs starts no slower for their rules.
    get rules() {
      rules ??= { tree: compileRuleTree(asMap(version.schema?.openAPIV3Schema) ?? {}, true) };
      return rules.tree;
    },
    openApiSchema: version.schema?.openAPIV3Schema ?? { type: 'object', 'x-kubernetes-preserve-unknown-fields': true },
    hasStatus: version.subresources?.status !== undefined,
    scale: version.subresources?.scale,
    columns: version.additionalPrinterColumns ?? [],
    selectableFields: (version.selectableFields ?? []).map((field) => field.jsonPath),
    deprecationWarning: version.deprecated === true ? (version.deprecationWarning ?? `${apiVersion} ${crd.spec.names.kind} is deprecated`) : undefined,
  };
}

/** Stops to serve what a CRD defined. */
export function withdrawCrd(core: Core, name: string): void {
  core.catalog.setCustom(name, []);
}

import { isDnsLabel, isDnsSubdomain } from '@tiphys/kube-model';
import type { DraftMeta } from '../draft.ts';
import { problem, type FieldProblem } from '../failures.ts';
import type { ServedResource } from '../registry/served.ts';

const SUBDOMAIN_DETAIL =
  "a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or '.', and must start and end with an alphanumeric character (e.g. 'example.com', regex used for validation is '[a-z0-9]([-a-z0-9]*[a-z0-9])?(\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*')";
const LABEL_DETAIL =
  "a lowercase RFC 1123 label must consist of lower case alphanumeric characters or '-', and must start and end with an alphanumeric character (e.g. 'my-name',  or '123-abc', regex used for validation is '[a-z0-9]([-a-z0-9]*[a-z0-9])?')";
const DNS1035_DETAIL =
  "a DNS-1035 label must consist of lower case alphanumeric characters or '-', start with an alphabetic character, and end with an alphanumeric character (e.g. 'my-name',  or 'abc-123', regex used for validation is '[a-z]([-a-z0-9]*[a-z0-9])?')";
const LABEL_VALUE_DETAIL =
  "a valid label must be an empty string or consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character (e.g. 'MyValue',  or 'my_value',  or '12345', regex used for validation is '(([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9])?')";
const QUALIFIED_DETAIL =
  "name part must consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character (e.g. 'MyName',  or 'my.name',  or '123-abc', regex used for validation is '([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]')";
const MAX_ANNOTATION_BYTES = 262_144;

/** Detail texts shared with the rules of kinds. */
export const NAME_DETAILS: { readonly label: string; readonly subdomain: string } = { label: LABEL_DETAIL, subdomain: SUBDOMAIN_DETAIL };

const PATH_SEGMENT_NAMES = new Set(['APIService', 'Role', 'ClusterRole', 'RoleBinding', 'ClusterRoleBinding']);

/** Why a name is not one of its kind; undefined when it is. */
function nameDetail(served: ServedResource, name: string): string | undefined {
  if (served.custom === undefined && PATH_SEGMENT_NAMES.has(served.kind))
    return name === '.' || name === '..' || /[/%]/.test(name) ? "may not be '.' or '..' or contain '/' or '%'" : undefined;
  if (served.custom === undefined && served.kind === 'Namespace') return isDnsLabel(name) ? undefined : (tooLong(name, 63) ?? LABEL_DETAIL);
  if (served.custom === undefined && served.kind === 'Service')
    return /^[a-z]([-a-z0-9]*[a-z0-9])?$/.test(name) && name.length <= 63 ? undefined : (tooLong(name, 63) ?? DNS1035_DETAIL);
  return isDnsSubdomain(name) ? undefined : (tooLong(name, 253) ?? SUBDOMAIN_DETAIL);
}

function tooLong(name: string, limit: number): string | undefined {
  return name.length > limit ? `must be no more than ${limit} characters` : undefined;
}

/** Problems of an object's metadata. */
export function validateMetadata(served: ServedResource, metadata: DraftMeta): readonly FieldProblem[] {
  const { name = '' } = metadata;
  const detail = nameDetail(served, name);
  return [
    ...(name === ''
      ? [problem.required('metadata.name', 'name or generateName is required')]
      : detail === undefined
        ? []
        : [problem.invalid('metadata.name', name, detail)]),
    ...validateLabels(metadata.labels, 'metadata.labels'),
    ...validateAnnotations(metadata.annotations),
    ...validateOwners(metadata),
    ...validateFinalizers(metadata.finalizers ?? []),
  ];
}

/** Whether text is a key of labels, annotations or taints. */
function isQualifiedName(key: string): boolean {
  const slash = key.indexOf('/');
  const name = key.slice(slash + 1);
  return (slash < 0 || (slash > 0 && isDnsSubdomain(key.slice(0, slash)))) && name.length <= 63 && /^([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]$/.test(name);
}

/** Whether text can be the value of a label. */
function isLabelValue(value: string): boolean {
  return value.length <= 63 && /^(([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9])?$/.test(value);
}

/** Problems of a map of labels. */
export function validateLabels(labels: Readonly<Record<string, string>> | undefined, field: string): readonly FieldProblem[] {
  return Object.entries(labels ?? {}).flatMap(([key, value]) => [
    ...(isQualifiedName(key) ? [] : [problem.invalid(field, key, QUALIFIED_DETAIL)]),
    ...(isLabelValue(value) ? [] : [problem.invalid(field, value, value.length > 63 ? 'must be no more than 63 characters' : LABEL_VALUE_DETAIL)]),
  ]);
}

function validateAnnotations(annotations: Readonly<Record<string, string>> | undefined): readonly FieldProblem[] {
  const entries = Object.entries(annotations ?? {});
  const bytes = entries.reduce((sum, [key, value]) => sum + Buffer.byteLength(key) + Buffer.byteLength(value), 0);
  return [
    ...entries.filter(([key]) => !isQualifiedName(key.toLowerCase())).map(([key]) => problem.invalid('metadata.annotations', key, QUALIFIED_DETAIL)),
    ...(bytes > MAX_ANNOTATION_BYTES
      ? [{ field: 'metadata.annotations', reason: 'FieldValueTooLong', message: `Too long: may not be more than ${MAX_ANNOTATION_BYTES} bytes` } as const]
      : []),
  ];
}

function validateOwners({ ownerReferences = [] }: DraftMeta): readonly FieldProblem[] {
  const missing = ownerReferences.flatMap((owner, index) =>
    (['apiVersion', 'kind', 'name', 'uid'] as const)
      .filter((field) => (owner[field] ?? '') === '')
      .map((field) => problem.invalid(`metadata.ownerReferences[${index}].${field}`, '', `${field === 'apiVersion' ? 'version' : field} must not be empty`)),
  );
  const controllers = ownerReferences.filter((owner) => owner.controller === true);
  const detail = 'Only one reference can have Controller set to true';
  return [
    ...missing,
    ...(controllers.length > 1
      ? [
          problem.invalid(
            'metadata.ownerReferences',
            controllers.map((owner) => owner.name),
            `${detail}. Found "true" in references for ${controllers.map((owner) => owner.name).join(' and ')}`,
          ),
        ]
      : []),
  ];
}

function validateFinalizers(finalizers: readonly string[]): readonly FieldProblem[] {
  // A finalizer without a domain is legal (apimachinery ValidateFinalizerName asks for a qualified name only), and Argo CD's own has none.
  const names = finalizers
    .filter((finalizer) => !isQualifiedName(finalizer))
    .map((finalizer) => problem.invalid('metadata.finalizers', finalizer, QUALIFIED_DETAIL));
  const both = finalizers.includes('orphan') && finalizers.includes('foregroundDeletion');
  return [...names, ...(both ? [problem.invalid('metadata.finalizers', finalizers, 'finalizer orphan and foregroundDeletion cannot be both set')] : [])];
}

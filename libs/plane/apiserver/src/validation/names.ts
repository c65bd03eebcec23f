import type { DraftMeta } from '../draft.ts';
import { problem, type FieldProblem } from '../failures.ts';
import type { ServedResource } from '../registry/served.ts';
import { dnsLabel, dnsLabel1035, dnsSubdomain, pathSegment, qualifiedName, type Format } from './formats.ts';
import { labels as checkLabels } from './selectors.ts';

const MAX_ANNOTATION_BYTES = 262_144;

// Names that are not subdomains, by kind of the built-in groups.
const NAME_FORMATS: Readonly<Record<string, Format>> = {
  Namespace: dnsLabel,
  APIService: pathSegment,
  Service: dnsLabel1035,
  Role: pathSegment,
  ClusterRole: pathSegment,
  RoleBinding: pathSegment,
  ClusterRoleBinding: pathSegment,
  // Pods of a StatefulSet bear its name as their host's.
  StatefulSet: dnsLabel,
};

/** Why a name is not one of its kind; undefined when it is. */
function nameDetail(served: NamedKind, name: string): string | undefined {
  // An address with colons is no subdomain; the rules of IPAddress look at it.
  if (served.custom === undefined && served.kind === 'IPAddress') return undefined;
  return ((served.custom === undefined ? NAME_FORMATS[served.kind] : undefined) ?? dnsSubdomain)(name);
}

/** What the rules of names depend on. */
type NamedKind = Pick<ServedResource, 'kind' | 'custom'>;

/** Problems of an object's metadata. */
export function validateMetadata(served: NamedKind, metadata: DraftMeta): readonly FieldProblem[] {
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

/** Problems of labels. */
export function validateLabels(labels: Readonly<Record<string, string>> | undefined, field: string): readonly FieldProblem[] {
  const problems: FieldProblem[] = [];
  checkLabels(labels, field, problems);
  return problems;
}

function validateAnnotations(annotations: Readonly<Record<string, string>> | undefined): readonly FieldProblem[] {
  const entries = Object.entries(annotations ?? {});
  const bytes = entries.reduce((sum, [key, value]) => sum + Buffer.byteLength(key) + Buffer.byteLength(value), 0);
  return [
    ...entries.flatMap(([key]) => {
      const detail = qualifiedName(key.toLowerCase());
      return detail === undefined ? [] : [problem.invalid('metadata.annotations', key, detail)];
    }),
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
  const names = finalizers.flatMap((finalizer) => {
    const detail = qualifiedName(finalizer);
    return detail === undefined ? [] : [problem.invalid('metadata.finalizers', finalizer, detail)];
  });
  const both = finalizers.includes('orphan') && finalizers.includes('foregroundDeletion');
  return [...names, ...(both ? [problem.invalid('metadata.finalizers', finalizers, 'finalizer orphan and foregroundDeletion cannot be both set')] : [])];
}

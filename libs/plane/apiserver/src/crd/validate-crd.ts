import { deepEqual, isDnsSubdomain, type apiextensionsv1 } from '@tiphys/kube-model';
import { asMap, draftAs, type Draft } from '../draft.ts';
import { problem, type FieldProblem } from '../failures.ts';

const LABEL_1035 = /^[a-z]([-a-z0-9]*[a-z0-9])?$/;

/** Problems of a CustomResourceDefinition. */
export function validateCrd(draft: Draft, before: Draft | undefined): readonly FieldProblem[] {
  const { spec, metadata } = draftAs<apiextensionsv1.CustomResourceDefinition>(draft);
  const live = before === undefined ? undefined : draftAs<apiextensionsv1.CustomResourceDefinition>(before).spec;
  const problems: FieldProblem[] = [];
  if (spec === undefined) return [problem.required('spec')];
  const name = `${spec.names?.plural ?? ''}.${spec.group ?? ''}`;
  if (metadata.name !== name) problems.push(problem.invalid('metadata.name', metadata.name, 'must be spec.names.plural+"."+spec.group'));
  if (!isDnsSubdomain(spec.group ?? '') || spec.group?.includes('.') !== true)
    problems.push(problem.invalid('spec.group', spec.group, 'should be a domain with at least one dot'));
  if (spec.scope !== 'Cluster' && spec.scope !== 'Namespaced') problems.push(problem.notSupported('spec.scope', spec.scope ?? '', ['Cluster', 'Namespaced']));
  checkNames(spec, problems);
  checkVersions(spec, problems);
  if (live === undefined) return problems;
  for (const field of ['group', 'scope'] as const)
    if (spec[field] !== live[field]) problems.push(problem.invalid(`spec.${field}`, spec[field], 'field is immutable'));
  for (const field of ['plural', 'kind'] as const)
    if (!deepEqual(spec.names[field], live.names[field])) problems.push(problem.invalid(`spec.names.${field}`, spec.names[field], 'field is immutable'));
  return problems;
}

function checkNames(spec: apiextensionsv1.CustomResourceDefinitionSpec, problems: FieldProblem[]): void {
  const { names } = spec;
  if ((names?.kind ?? '') === '') problems.push(problem.required('spec.names.kind'));
  for (const field of ['plural', 'singular'] as const) {
    if (!LABEL_1035.test(names?.[field] ?? ''))
      problems.push(
        problem.invalid(
          `spec.names.${field}`,
          names?.[field] ?? '',
          "a DNS-1035 label must consist of lower case alphanumeric characters or '-', start with an alphabetic character, and end with an alphanumeric character",
        ),
      );
  }
}

function checkVersions(spec: apiextensionsv1.CustomResourceDefinitionSpec, problems: FieldProblem[]): void {
  const versions = spec.versions ?? [];
  if (versions.filter((version) => version.storage).length !== 1)
    problems.push(
      problem.invalid(
        'spec.versions',
        versions.map((version) => version.name),
        'must have exactly one version marked as storage version',
      ),
    );
  const names = new Set<string>();
  for (const [index, version] of versions.entries()) {
    const at = `spec.versions[${index}]`;
    if (!LABEL_1035.test(version.name ?? '')) problems.push(problem.invalid(`${at}.name`, version.name, 'must be a DNS-1035 label'));
    if (names.has(version.name)) problems.push(problem.duplicate(`${at}.name`, version.name));
    names.add(version.name);
    const schema = asMap(version.schema?.openAPIV3Schema);
    if (schema === undefined) problems.push(problem.required(`${at}.schema.openAPIV3Schema`, 'schemas are required'));
    else if (schema['type'] !== 'object')
      problems.push(problem.invalid(`${at}.schema.openAPIV3Schema.type`, schema['type'] ?? '', 'must be object at the root'));
  }
}

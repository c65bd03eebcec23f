import { deepEqual, type apiextensionsv1 } from '@tiphys/kube-model';
import { asMap, type Draft, type JsonMap } from '../draft.ts';
import { problem, type FieldProblem } from '../failures.ts';
import { dnsLabel1035, dnsSubdomain } from '../validation/formats.ts';
import { approvalOf } from './approval.ts';
import { asCrd, isTrue, type Crd } from './crd.ts';
import { parseFieldPath } from './field-path.ts';
import { validateConversion } from './validate-conversion.ts';
import { validateDefaults } from './validate-defaults.ts';
import { validateOpenApi } from './validate-openapi.ts';
import { validateStructural } from './validate-structural.ts';

type Spec = apiextensionsv1.CustomResourceDefinitionSpec;
type Version = apiextensionsv1.CustomResourceDefinitionVersion;

/** Problems of a CustomResourceDefinition (apiextensions pkg/apis/apiextensions/validation/validation.go). */
export function validateCrd(draft: Draft, before: Draft | undefined): readonly FieldProblem[] {
  const crd = asCrd(draft);
  if (crd === undefined) return [problem.required('spec')];
  const live = before === undefined ? undefined : asCrd(before);
  const { spec, metadata } = crd;
  const name = `${spec.names?.plural ?? ''}.${spec.group ?? ''}`;
  return [
    ...(metadata.name === name ? [] : [problem.invalid('metadata.name', metadata.name, 'must be spec.names.plural+"."+spec.group')]),
    ...groupProblems(spec),
    ...spec.versions.flatMap((version, index) => versionProblems(version, index, live?.spec)),
    ...versionListProblems(spec),
    ...requiredNames(spec),
    ...nameProblems(spec.names ?? {}),
    ...validateConversion(spec.conversion, live),
    ...(spec.preserveUnknownFields === true
      ? [
          problem.invalid(
            'spec.preserveUnknownFields',
            true,
            'cannot set to true, set x-kubernetes-preserve-unknown-fields to true in spec.versions[*].schema instead',
          ),
        ]
      : []),
    ...(live === undefined ? [] : immutableProblems(spec, live)),
    ...storedVersionProblems(crd.status?.storedVersions ?? [], spec),
    ...approvalProblems(crd, live),
  ];
}

function groupProblems(spec: Spec): readonly FieldProblem[] {
  const group = spec.group ?? '';
  const scope = spec.scope ?? '';
  return [
    ...(group === '' ? [problem.required('spec.group')] : badGroup(group)),
    ...(scope === ''
      ? [problem.required('spec.scope')]
      : ['Cluster', 'Namespaced'].includes(scope)
        ? []
        : [problem.notSupported('spec.scope', scope, ['Cluster', 'Namespaced'])]),
  ];
}

function badGroup(group: string): readonly FieldProblem[] {
  const detail = dnsSubdomain(group) ?? (group.includes('.') ? undefined : 'should be a domain with at least one dot');
  return detail === undefined ? [] : [problem.invalid('spec.group', group, detail)];
}

function labelProblem(field: string, text: string, prefix: string = ''): readonly FieldProblem[] {
  const detail = dnsLabel1035(prefix === '' ? text : text.toLowerCase());
  return detail === undefined ? [] : [problem.invalid(field, text, `${prefix}${detail}`)];
}

const MIXED_CASE = 'may have mixed case, but should otherwise match: ';

function requiredNames({ names }: Spec): readonly FieldProblem[] {
  return (['plural', 'singular', 'kind', 'listKind'] as const)
    .filter((field) => (names?.[field] ?? '') === '')
    .map((field) => problem.required(`spec.names.${field}`));
}

function nameProblems(names: Partial<apiextensionsv1.CustomResourceDefinitionNames>): readonly FieldProblem[] {
  const given = (field: 'plural' | 'singular' | 'kind' | 'listKind', prefix: string = ''): readonly FieldProblem[] => {
    const text = names[field] ?? '';
    return text === '' ? [] : labelProblem(`spec.names.${field}`, text, prefix);
  };
  return [
    ...given('plural'),
    ...given('singular'),
    ...given('kind', MIXED_CASE),
    ...given('listKind', MIXED_CASE),
    ...(names.shortNames ?? []).flatMap((name, index) => labelProblem(`spec.names.shortNames[${index}]`, name)),
    ...((names.kind ?? '') !== '' && names.kind === names.listKind
      ? [problem.invalid('spec.names.listKind', names.listKind, 'kind and listKind may not be the same')]
      : []),
    ...(names.categories ?? []).flatMap((name, index) => labelProblem(`spec.names.categories[${index}]`, name)),
  ];
}

function versionListProblems(spec: Spec): readonly FieldProblem[] {
  const versions = spec.versions ?? [];
  const names = versions.map((version) => version.name);
  return [
    ...(versions.length === 0 ? [problem.required('spec.versions')] : []),
    ...(new Set(names).size === names.length ? [] : [problem.invalid('spec.versions', names, 'must contain unique version names')]),
    ...(versions.filter((version) => version.storage).length === 1
      ? []
      : [problem.invalid('spec.versions', names, 'must have exactly one version marked as storage version')]),
  ];
}

function versionProblems(version: Version, index: number, live: Spec | undefined): readonly FieldProblem[] {
  const path = `spec.versions[${index}]`;
  const schema = asMap(version.schema?.openAPIV3Schema);
  return [
    ...labelProblem(`${path}.name`, version.name ?? ''),
    ...deprecationProblems(version, `${path}.deprecationWarning`),
    ...(schema === undefined
      ? [problem.required(`${path}.schema.openAPIV3Schema`, 'schemas are required')]
      : schemaProblems(schema, version, `${path}.schema.openAPIV3Schema`, live)),
    ...scaleProblems(version, `${path}.subresources.scale`),
    ...(version.additionalPrinterColumns ?? []).flatMap((column, at) => columnProblems(column, `${path}.additionalPrinterColumns[${at}]`)),
    ...(schema === undefined ? [] : selectableProblems(version, schema, `${path}.selectableFields`)),
  ];
}

const MAX_WARNING = 256;

function deprecationProblems({ deprecated, deprecationWarning: text }: Version, path: string): readonly FieldProblem[] {
  if (text === undefined) return [];
  if (deprecated !== true) return [problem.invalid(path, text, 'can only be set for deprecated versions')];
  const at = [...text].findIndex((char) => /[\p{C}]/u.test(char));
  return [
    ...(text.length > MAX_WARNING ? [problem.invalid(path, text, `must be <= ${MAX_WARNING} characters long`)] : []),
    ...(text === '' ? [problem.invalid(path, text, 'must not be an empty string')] : []),
    ...(at < 0 ? [] : [problem.invalid(path, text, `must only contain printable UTF-8 characters; non-printable character found at index ${at}`)]),
  ];
}

// What may stand beside properties at the root when status has a subresource: all else would be lost to `properties.status`.
const ROOT_KEYWORDS: ReadonlySet<string> = new Set(
  'description type format title maximum exclusiveMaximum minimum exclusiveMinimum maxLength minLength pattern maxItems minItems uniqueItems multipleOf required items properties externalDocs example x-kubernetes-preserve-unknown-fields x-kubernetes-validations'.split(
    ' ',
  ),
);
const ROOT_KEYWORDS_TEXT =
  'only [Description Type Format Title Maximum ExclusiveMaximum Minimum ExclusiveMinimum MaxLength MinLength Pattern MaxItems MinItems UniqueItems MultipleOf Required Items Properties ExternalDocs Example XPreserveUnknownFields XValidations] fields are allowed at the root of the schema if the status subresource is enabled';

function schemaProblems(schema: JsonMap, version: Version, path: string, live: Spec | undefined): readonly FieldProblem[] {
  // What was accepted before stays: a server that learns new rules breaks no CRD.
  const before = live?.versions.find((candidate) => candidate.name === version.name)?.schema?.openAPIV3Schema;
  if (before !== undefined && deepEqual(before, schema)) return [];
  const root = [
    ...rootProblems(schema, version, path),
    ...(schema['nullable'] === true ? [problem.forbidden(`${path}.nullable`, 'nullable cannot be true at the root')] : []),
  ];
  const structural = validateStructural(path, schema);
  const defaults = structural.length > 0 ? [] : validateDefaults(path, schema);
  return [...root, ...structural, ...defaults, ...validateOpenApi(path, schema, structural.length === 0 && defaults.length === 0)];
}

function rootProblems(schema: JsonMap, version: Version, path: string): readonly FieldProblem[] {
  if (version.subresources?.status === undefined) return [];
  const { type } = schema;
  const problems: FieldProblem[] = [];
  if (type !== 'object')
    problems.push(
      problem.invalid(`${path}.type`, type ?? '', 'only "object" is allowed as the type at the root of the schema if the status subresource is enabled'),
    );
  if (Object.entries(schema).some(([keyword, value]) => !ROOT_KEYWORDS.has(keyword) && keyword !== 'nullable' && value !== undefined && value !== false))
    problems.push(problem.invalid(path, schema, ROOT_KEYWORDS_TEXT));
  return problems;
}

function pathProblems(path: string, text: string | undefined, roots: readonly string[], place: string): readonly FieldProblem[] {
  if ((text ?? '') === '') return [problem.required(path)];
  if (text?.startsWith('.') !== true) return [problem.invalid(path, text, 'must be a simple json path starting with .')];
  return roots.some((root) => text.startsWith(root)) ? [] : [problem.invalid(path, text, `should be a json path under ${place}`)];
}

function scaleProblems(version: Version, path: string): readonly FieldProblem[] {
  const scale = version.subresources?.scale;
  if (scale === undefined) return [];
  return [
    ...pathProblems(`${path}.specReplicasPath`, scale.specReplicasPath, ['.spec.'], '.spec'),
    ...pathProblems(`${path}.statusReplicasPath`, scale.statusReplicasPath, ['.status.'], '.status'),
    ...((scale.labelSelectorPath ?? '') === ''
      ? []
      : pathProblems(`${path}.labelSelectorPath`, scale.labelSelectorPath, ['.spec.', '.status.'], 'either .spec or .status')),
  ];
}

const COLUMN_TYPES = ['boolean', 'date', 'integer', 'number', 'string'];
const COLUMN_FORMATS = ['byte', 'date', 'date-time', 'double', 'float', 'int32', 'int64', 'password'];

function columnProblems(column: apiextensionsv1.CustomResourceColumnDefinition, path: string): readonly FieldProblem[] {
  const types = `must be one of ${COLUMN_TYPES.join(',')}`;
  const jsonPath = column.jsonPath ?? '';
  return [
    ...((column.name ?? '') === '' ? [problem.required(`${path}.name`)] : []),
    ...((column.type ?? '') === ''
      ? [problem.required(`${path}.type`, types)]
      : COLUMN_TYPES.includes(column.type)
        ? []
        : [problem.invalid(`${path}.type`, column.type, types)]),
    ...((column.format ?? '') === '' || COLUMN_FORMATS.includes(column.format ?? '')
      ? []
      : [problem.invalid(`${path}.format`, column.format, `must be one of ${COLUMN_FORMATS.join(',')}`)]),
    ...(jsonPath === ''
      ? [problem.required(`${path}.JSONPath`)]
      : jsonPath.startsWith('.')
        ? []
        : [problem.invalid(`${path}.JSONPath`, jsonPath, 'must be a simple json path starting with .')]),
  ];
}

const MAX_SELECTABLE = 8;

function selectableProblems(version: Version, schema: JsonMap, path: string): readonly FieldProblem[] {
  const seen = new Set<string>();
  const problems = (version.selectableFields ?? []).flatMap(({ jsonPath }, index): readonly FieldProblem[] => {
    const at = `${path}[${index}].jsonPath`;
    if (((jsonPath as string | undefined) ?? '') === '') return [problem.required(at)]; // Coerced, not yet known to be there.
    const found = parseFieldPath(jsonPath, schema, { arrayNotation: false });
    if (typeof found === 'string') return [problem.invalid(at, jsonPath, `is an invalid path: ${found}`)];
    const isKnown = seen.has(found.text);
    seen.add(found.text);
    return [
      ...(found.steps[0] === 'metadata' ? [problem.invalid(at, jsonPath, 'must not point to fields in metadata')] : []),
      ...(['string', 'boolean', 'integer'].includes(String(found.schema['type']))
        ? []
        : [
            problem.invalid(at, jsonPath, 'must point to a field of type string, boolean or integer. Enum string fields and strings with formats are allowed.'),
          ]),
      ...(isKnown ? [problem.duplicate(at, jsonPath)] : []),
    ];
  });
  if (seen.size <= MAX_SELECTABLE) return problems;
  return [...problems, { field: path, reason: 'FieldValueTooMany', message: `Too many: ${seen.size}: must have at most ${MAX_SELECTABLE} items` }];
}

function immutableProblems(spec: Spec, live: Crd): readonly FieldProblem[] {
  const established = isTrue(live, 'Established');
  const same = (field: string, now: unknown, before: unknown): readonly FieldProblem[] =>
    now === before ? [] : [problem.invalid(field, now ?? '', 'field is immutable')];
  return [
    ...(established ? [...same('spec.scope', spec.scope, live.spec.scope), ...same('spec.names.kind', spec.names.kind, live.spec.names.kind)] : []),
    ...same('spec.group', spec.group, live.spec.group),
    ...same('spec.names.plural', spec.names.plural, live.spec.names.plural),
  ];
}

function storedVersionProblems(stored: readonly string[], spec: Spec): readonly FieldProblem[] {
  const path = 'status.storedVersions';
  const names = new Set((spec.versions ?? []).map((version) => version.name));
  return [
    ...(stored.length === 0 ? [problem.invalid(path, stored, 'must have at least one stored version')] : []),
    ...(spec.versions ?? [])
      .filter((version) => version.storage && !stored.includes(version.name))
      .map((version) => problem.invalid(path, stored, `must have the storage version ${version.name}`)),
    ...stored.flatMap((version, index) =>
      names.has(version)
        ? []
        : [
            problem.invalid(
              `${path}[${index}]`,
              version,
              `missing from spec.versions; ${version} was previously a storage version, and must remain in spec.versions until a storage migration ensures no data remains persisted in ${version} and removes ${version} from status.storedVersions`,
            ),
          ],
    ),
  ];
}

function approvalProblems(crd: Crd, live: Crd | undefined): readonly FieldProblem[] {
  const approval = approvalOf(crd);
  if (approval === undefined || (approval.state !== 'missing' && approval.state !== 'invalid')) return [];
  // One that was let in without approval may stay.
  if (live !== undefined && approvalOf(live)?.state === approval.state) return [];
  const field = 'metadata.annotations[api-approved.kubernetes.io]';
  return [approval.state === 'missing' ? problem.required(field, approval.reason) : problem.invalid(field, approval.value, approval.reason)];
}

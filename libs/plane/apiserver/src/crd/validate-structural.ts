import { regexProblem } from '@tiphys/kube-cel';
import { deepEqual } from '@tiphys/kube-model';
import { asList, asMap, asText, type JsonMap } from '../draft.ts';
import { problem, type FieldProblem } from '../failures.ts';

type Level = 'root' | 'items' | 'field';

/** Why a schema is not structural (apiextensions pkg/apiserver/schema/validation.go and complete.go), in the order of the texts. */
export function validateStructural(path: string, schema: JsonMap): readonly FieldProblem[] {
  return [...invariants(schema, 'root', path), ...completeness(schema, schema, path, path)].toSorted((a, b) =>
    `${a.field}: ${a.message}` < `${b.field}: ${b.message}` ? -1 : 1,
  );
}

const MISSING_TYPE: Readonly<Record<Level, string>> = {
  root: 'must not be empty at the root',
  items: 'must not be empty for specified array items',
  field: 'must not be empty for specified object fields',
};

function invariants(schema: JsonMap, level: Level, path: string): readonly FieldProblem[] {
  return [
    ...children(schema, level, path),
    ...extensions(schema, path),
    ...junctors(schema, path, level),
    ...typeRules(schema, level, path),
    ...metaRules(schema, level, path),
  ];
}

function children(schema: JsonMap, level: Level, path: string): readonly FieldProblem[] {
  const problems: FieldProblem[] = [];
  const items = asMap(schema['items']);
  if (schema['type'] === 'array' && items === undefined) problems.push(problem.required(`${path}.items`, 'must be specified'));
  if (items !== undefined) problems.push(...invariants(items, 'items', `${path}.items`));
  for (const [name, child] of Object.entries(asMap(schema['properties']) ?? {}))
    problems.push(...invariants(asMap(child) ?? {}, 'field', `${path}.properties[${name}]`));
  const additional = schema['additionalProperties'];
  if (additional !== undefined && level === 'root') problems.push(problem.forbidden(`${path}.additionalProperties`, 'must not be used at the root'));
  const values = asMap(additional);
  if (values !== undefined) problems.push(...invariants(values, 'field', `${path}.additionalProperties`));
  return problems;
}

const isSet = (schema: JsonMap, name: string): boolean => schema[`x-kubernetes-${name}`] === true;

function extensions(schema: JsonMap, path: string): readonly FieldProblem[] {
  if (!isSet(schema, 'int-or-string')) return [];
  return ['preserve-unknown-fields', 'embedded-resource']
    .filter((name) => isSet(schema, name))
    .map((name) => problem.invalid(`${path}.x-kubernetes-${name}`, true, 'must be false if x-kubernetes-int-or-string is true'));
}

function typeRules(schema: JsonMap, level: Level, path: string): readonly FieldProblem[] {
  const type = asText(schema['type']) ?? '';
  const problems: FieldProblem[] = [];
  if (isSet(schema, 'embedded-resource') && type !== 'object') {
    const text = 'must be object if x-kubernetes-embedded-resource is true';
    problems.push(type === '' ? problem.required(`${path}.type`, text) : problem.invalid(`${path}.type`, type, text));
  } else if (type === '' && !isSet(schema, 'int-or-string') && !isSet(schema, 'preserve-unknown-fields'))
    problems.push(problem.required(`${path}.type`, MISSING_TYPE[level]));
  if (level === 'root' && type !== '' && type !== 'object') problems.push(problem.invalid(`${path}.type`, type, 'must be object at the root'));
  if (!isSet(schema, 'embedded-resource')) return problems;
  if (schema['additionalProperties'] !== undefined)
    problems.push(problem.forbidden(`${path}.additionalProperties`, 'must not be used if x-kubernetes-embedded-resource is set'));
  if (!isSet(schema, 'preserve-unknown-fields') && Object.keys(asMap(schema['properties']) ?? {}).length === 0)
    problems.push(
      problem.required(`${path}.properties`, 'must not be empty if x-kubernetes-embedded-resource is true without x-kubernetes-preserve-unknown-fields'),
    );
  return problems;
}

// Where a resource stands, the schema may only restrict its names.
function metaRules(schema: JsonMap, level: Level, path: string): readonly FieldProblem[] {
  const properties = asMap(schema['properties']) ?? {};
  if (level !== 'root' && !isSet(schema, 'embedded-resource')) return [];
  const wrongType = (name: string, wanted: string): readonly FieldProblem[] => {
    const type = asMap(properties[name])?.['type'];
    return properties[name] === undefined || type === wanted ? [] : [problem.invalid(`${path}.properties[${name}].type`, type ?? '', `must be ${wanted}`)];
  };
  const problems = [...wrongType('kind', 'string'), ...wrongType('apiVersion', 'string'), ...wrongType('metadata', 'object')];
  const metadata = asMap(properties['metadata']);
  if (level === 'root' && metadata !== undefined && !namesOnly(metadata))
    problems.push(
      problem.forbidden(`${path}.properties[metadata]`, 'must not specify anything other than name and generateName, but metadata is implicitly specified'),
    );
  return problems;
}

function namesOnly(metadata: JsonMap): boolean {
  const { type: _type, properties, default: _default, description: _description, ...rest } = metadata;
  return Object.keys(rest).length === 0 && Object.keys(asMap(properties) ?? {}).every((name) => name === 'name' || name === 'generateName');
}

const INT_OR_STRING = [{ type: 'integer' }, { type: 'string' }];

// Value validations under allOf, anyOf, oneOf and not. The two patterns of int-or-string may state types.
function junctors(schema: JsonMap, path: string, level: Level): readonly FieldProblem[] {
  const skipsAny = isSet(schema, 'int-or-string') && deepEqual(schema['anyOf'], INT_OR_STRING);
  const skipsAll = isSet(schema, 'int-or-string') && deepEqual(asMap(asList(schema['allOf'])[0])?.['anyOf'], INT_OR_STRING);
  return valueValidation(schema, path, level, { skipsAny, skipsAll });
}

interface Skips {
  readonly skipsAny: boolean;
  readonly skipsAll: boolean;
}

const NO_SKIPS: Skips = { skipsAny: false, skipsAll: false };

function valueValidation(schema: JsonMap, path: string, level: Level, { skipsAny, skipsAll }: Skips): readonly FieldProblem[] {
  const problems: FieldProblem[] = [];
  const each = (name: string): void => {
    for (const [index, child] of asList(schema[name]).entries()) {
      const skips = { skipsAny: name === 'allOf' && index === 0 && skipsAll, skipsAll: false };
      problems.push(...nested(asMap(child) ?? {}, `${path}.${name}[${index}]`, level, skips));
    }
  };
  if (!skipsAny) each('anyOf');
  each('allOf');
  each('oneOf');
  const not = asMap(schema['not']);
  if (not !== undefined) problems.push(...nested(not, `${path}.not`, level, NO_SKIPS));
  const pattern = asText(schema['pattern']) ?? '';
  const wrong = pattern === '' ? undefined : regexProblem(pattern);
  if (wrong !== undefined) problems.push(problem.invalid(`${path}.pattern`, pattern, `must be a valid regular expression, but isn't: ${wrong}`));
  return problems;
}

// What value validations may not say, and how it is told.
const FORBIDDEN: readonly (readonly [field: string, text: string])[] = [
  ['type', 'must be empty to be structural'],
  ['additionalProperties', 'must be undefined to be structural'],
  ['default', 'must be undefined to be structural'],
  ['title', 'must be empty to be structural'],
  ['description', 'must be empty to be structural'],
  ['nullable', 'must be false to be structural'],
  ['x-kubernetes-preserve-unknown-fields', 'must be false to be structural'],
  ['x-kubernetes-embedded-resource', 'must be false to be structural'],
  ['x-kubernetes-int-or-string', 'must be false to be structural'],
  ['x-kubernetes-list-map-keys', 'must be empty to be structural'],
  ['x-kubernetes-list-type', 'must be undefined to be structural'],
  ['x-kubernetes-map-type', 'must be undefined to be structural'],
  ['x-kubernetes-validations', 'must be empty to be structural'],
];

function nested(schema: JsonMap, path: string, level: Level, skips: Skips): readonly FieldProblem[] {
  const problems = [...valueValidation(schema, path, level, skips)];
  const items = asMap(schema['items']);
  if (items !== undefined) problems.push(...nested(items, `${path}.items`, level, NO_SKIPS));
  const properties = asMap(schema['properties']) ?? {};
  for (const [name, child] of Object.entries(properties)) problems.push(...nested(asMap(child) ?? {}, `${path}.properties[${name}]`, 'field', NO_SKIPS));
  for (const [field, text] of FORBIDDEN) {
    const value = schema[field];
    if (value !== undefined && value !== false && value !== '' && !(Array.isArray(value) && value.length === 0))
      problems.push(problem.forbidden(`${path}.${field}`, text));
  }
  if (properties['metadata'] !== undefined) problems.push(problem.forbidden(`${path}.properties[metadata]`, 'must not be specified in a nested context'));
  return problems;
}

// Every field a value validation speaks of is stated by the schema itself. `at`: the path of the validation, `path`: that of the schema.
function completeness(validation: JsonMap, schema: JsonMap, path: string, at: string): readonly FieldProblem[] {
  return [
    ...['allOf', 'anyOf', 'oneOf'].flatMap((name) =>
      asList(validation[name]).flatMap((child, index) => nestedCompleteness(asMap(child) ?? {}, schema, path, `${at}.${name}[${index}]`)),
    ),
    ...(asMap(validation['not']) === undefined ? [] : nestedCompleteness(asMap(validation['not']) ?? {}, schema, path, `${at}.not`)),
    ...(validation === schema ? structuralChildren(schema, path) : []),
  ];
}

function structuralChildren(schema: JsonMap, path: string): readonly FieldProblem[] {
  const [items, values] = [asMap(schema['items']), asMap(schema['additionalProperties'])];
  return [
    ...(items === undefined ? [] : completeness(items, items, `${path}.items`, `${path}.items`)),
    ...(values === undefined ? [] : completeness(values, values, `${path}.additionalProperties`, `${path}.additionalProperties`)),
    ...Object.entries(asMap(schema['properties']) ?? {}).flatMap(([name, child]) => {
      const below = asMap(child) ?? {};
      return completeness(below, below, `${path}.properties[${name}]`, `${path}.properties[${name}]`);
    }),
  ];
}

function nestedCompleteness(validation: JsonMap, schema: JsonMap | undefined, path: string, at: string): readonly FieldProblem[] {
  if (schema === undefined) return [problem.required(path, `because it is defined in ${at}`)];
  const items = asMap(validation['items']);
  const properties = asMap(schema['properties']) ?? {};
  return [
    ...completeness(validation, schema, path, at),
    ...(items === undefined ? [] : nestedCompleteness(items, asMap(schema['items']), `${path}.items`, `${at}.items`)),
    ...Object.entries(asMap(validation['properties']) ?? {}).flatMap(([name, child]) =>
      nestedCompleteness(asMap(child) ?? {}, asMap(properties[name]), `${path}.properties[${name}]`, `${at}.properties[${name}]`),
    ),
  ];
}

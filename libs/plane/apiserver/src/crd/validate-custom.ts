import { matchesFormat, matchesRegex, regexProblem } from '@tiphys/kube-cel';
import { deepEqual } from '@tiphys/kube-model';
import { asList, asMap, asText, type JsonMap } from '../draft.ts';
import { problem, quoteValue, type FieldProblem } from '../failures.ts';
import type { Correlation } from './correlation.ts';
import { parseStructuralSchema, type StructuralSchema } from './structural-schema.ts';

const MAX_PROBLEMS = 100;

/**
 * Everything the schema finds wrong with a custom object. On an update `correlation` holds what it was before: what is
 * wrong in a part that did not change is left out (KEP-4008).
 */
export function validateCustom(object: JsonMap, schema: StructuralSchema, correlation?: Correlation): readonly FieldProblem[] {
  const problems: FieldProblem[] = [];
  for (const [name, child] of schema.properties) {
    if (Object.hasOwn(object, name)) validateValue(object[name], child, { path: name, problems, correlation: correlation?.field(name) });
  }
  if (correlation?.isUnchanged === true) return problems;
  const place = { path: '', problems, correlation };
  checkRequired(object, schema, place);
  checkLogic(object, schema, place);
  return problems;
}

/** Everything a schema finds wrong with a value at a path. */
export function validateAt(path: string, value: unknown, schema: StructuralSchema, correlation?: Correlation): readonly FieldProblem[] {
  const problems: FieldProblem[] = [];
  validateValue(value, schema, { path, problems, correlation });
  return problems;
}

interface Place {
  readonly path: string;
  readonly problems: FieldProblem[];
  readonly correlation: Correlation | undefined;
}

function validateValue(value: unknown, schema: StructuralSchema, place: Place): void {
  const { problems } = place;
  if (problems.length >= MAX_PROBLEMS) return;
  const before = problems.length;
  checkValue(value, schema, place);
  if (problems.length > before && place.correlation?.isUnchanged === true) problems.length = before;
}

function checkValue(value: unknown, schema: StructuralSchema, place: Place): void {
  const { path, problems } = place;
  if (value === null && (schema.nullable || (schema.type === undefined && !schema.intOrString))) return;
  const actual = typeOf(value);
  if (!hasType(value, actual, schema)) {
    const expected = schema.intOrString ? 'integer,string' : (schema.type ?? '');
    problems.push(typeProblem(path, expected, actual));
    return;
  }
  checkEnum(value, schema, place);
  if (typeof value === 'number') checkNumber(value, schema.raw, place);
  else if (typeof value === 'string') checkString(value, schema.raw, place);
  else if (Array.isArray(value)) checkArray(value, schema, place);
  else checkMap(value, schema, place);
  checkLogic(value, schema, place);
}

function typeProblem(path: string, expected: string, shown: unknown): FieldProblem {
  const text = quoteValue(shown);
  return { field: path, reason: 'FieldValueTypeInvalid', message: `Invalid value: ${text}: ${path} in body must be of type ${expected}: ${text}` };
}

function typeOf(value: unknown): string {
  if (value === null) return 'null';
  if (Array.isArray(value)) return 'array';
  if (typeof value === 'number') return Number.isInteger(value) ? 'integer' : 'number';
  return typeof value;
}

function hasType(value: unknown, actual: string, schema: StructuralSchema): boolean {
  if (schema.intOrString) return actual === 'integer' || actual === 'string';
  if (schema.type === undefined) return true;
  return actual === schema.type || (schema.type === 'number' && typeof value === 'number');
}

function checkEnum(value: unknown, schema: StructuralSchema, { path, problems }: Place): void {
  const allowed = schema.raw['enum'];
  if (!Array.isArray(allowed) || allowed.some((candidate) => deepEqual(candidate, value))) return;
  problems.push(
    problem.notSupported(
      path,
      value,
      allowed.map((candidate) => (typeof candidate === 'string' ? candidate : quoteValue(candidate))),
    ),
  );
}

function checkNumber(value: number, raw: JsonMap, { path, problems }: Place): void {
  const { minimum, maximum, multipleOf } = raw;
  const reject = (text: string): void => void problems.push(problem.invalid(path, value, `${path} in body should be ${text}`));
  if (typeof minimum === 'number' && (value < minimum || (raw['exclusiveMinimum'] === true && value === minimum)))
    reject(`greater than ${raw['exclusiveMinimum'] === true ? '' : 'or equal to '}${minimum}`);
  if (typeof maximum === 'number' && (value > maximum || (raw['exclusiveMaximum'] === true && value === maximum)))
    reject(`less than ${raw['exclusiveMaximum'] === true ? '' : 'or equal to '}${maximum}`);
  if (typeof multipleOf === 'number' && multipleOf > 0 && !Number.isInteger(value / multipleOf)) reject(`a multiple of ${multipleOf}`);
}

function checkString(value: string, raw: JsonMap, { path, problems }: Place): void {
  const { minLength, maxLength } = raw;
  const length = [...value].length;
  if (typeof minLength === 'number' && length < minLength)
    problems.push(problem.invalid(path, value, `${path} in body should be at least ${minLength} chars long`));
  if (typeof maxLength === 'number' && length > maxLength)
    problems.push({ field: path, reason: 'FieldValueTooLong', message: `Too long: may not be more than ${maxLength} bytes` });
  const pattern = asText(raw['pattern']);
  // A CRD with a pattern that is none of RE2 is refused; one that an older server let in rejects nothing.
  if (pattern !== undefined && regexProblem(pattern) === undefined && !matchesRegex(pattern, value))
    problems.push(problem.invalid(path, value, `${path} in body should match '${pattern}'`));
  const format = asText(raw['format']);
  if (format !== undefined && !matchesFormat(format, value)) problems.push(typeProblem(path, format, value));
}

function checkArray(value: readonly unknown[], schema: StructuralSchema, place: Place): void {
  const { path, problems, correlation } = place;
  const { minItems, maxItems } = schema.raw;
  if (typeof minItems === 'number' && value.length < minItems)
    problems.push(problem.invalid(path, value.length, `${path} in body should have at least ${minItems} items`));
  if (typeof maxItems === 'number' && value.length > maxItems)
    problems.push({ field: path, reason: 'FieldValueTooMany', message: `Too many: ${value.length}: must have at most ${maxItems} items` });
  const { items } = schema;
  if (items === undefined) return;
  for (const [index, item] of value.entries()) validateValue(item, items, { path: `${path}[${index}]`, problems, correlation: correlation?.item(index) });
}

/** Items of sets and maps that stand twice (`x-kubernetes-list-type`), in the value and below it. */
export function validateListTypes(value: unknown, schema: StructuralSchema, path: string = ''): readonly FieldProblem[] {
  if (Array.isArray(value)) {
    const { items } = schema;
    const own = duplicates(value, schema, path);
    return items === undefined ? own : [...own, ...value.flatMap((item, index) => validateListTypes(item, items, `${path}[${index}]`))];
  }
  return Object.entries(asMap(value) ?? {}).flatMap(([key, child]) => {
    const below = schema.properties.get(key) ?? schema.additional;
    return below === undefined ? [] : validateListTypes(child, below, path === '' ? key : `${path}.${key}`);
  });
}

function duplicates(value: readonly unknown[], { listType, listMapKeys, items }: StructuralSchema, path: string): readonly FieldProblem[] {
  if (listType !== 'set' && listType !== 'map') return [];
  const seen = new Set<string>();
  return value.flatMap((item, index) => {
    // A key that is absent is the key's default.
    const keys = Object.fromEntries(listMapKeys.map((key) => [key, asMap(item)?.[key] ?? items?.properties.get(key)?.defaultValue]));
    const identity = stableText(listType === 'set' ? item : keys);
    if (seen.has(identity)) return [problem.duplicate(`${path}[${index}]`, listType === 'set' ? item : keys)];
    seen.add(identity);
    return [];
  });
}

// One text for equal values, whatever the order of their fields.
function stableText(value: unknown): string {
  return JSON.stringify(value, (_key, part: unknown) => {
    const map = asMap(part);
    return map === undefined ? part : Object.fromEntries(Object.entries(map).toSorted(([a], [b]) => (a < b ? -1 : 1)));
  });
}

function checkMap(value: unknown, schema: StructuralSchema, place: Place): void {
  const map = asMap(value);
  if (map === undefined) return;
  const { path, problems, correlation } = place;
  const { minProperties, maxProperties } = schema.raw;
  const size = Object.keys(map).length;
  if (typeof minProperties === 'number' && size < minProperties)
    problems.push(problem.invalid(path, size, `${path} in body should have at least ${minProperties} properties`));
  if (typeof maxProperties === 'number' && size > maxProperties)
    problems.push({ field: path, reason: 'FieldValueTooMany', message: `Too many: ${size}: must have at most ${maxProperties} items` });
  checkRequired(map, schema, place);
  for (const [key, child] of Object.entries(map)) {
    const childSchema = schema.properties.get(key) ?? schema.additional;
    if (childSchema !== undefined)
      validateValue(child, childSchema, { path: path === '' ? key : `${path}.${key}`, problems, correlation: correlation?.field(key) });
  }
}

function checkRequired(map: JsonMap, schema: StructuralSchema, { path, problems }: Place): void {
  for (const name of schema.required) {
    if (map[name] === undefined) problems.push(problem.required(path === '' ? name : `${path}.${name}`));
  }
}

const nested = new WeakMap<object, StructuralSchema>();

// Schemas of allOf and its like, parsed once each.
function nestedSchema(value: unknown): StructuralSchema {
  const raw = asMap(value) ?? {};
  const known = nested.get(raw) ?? parseStructuralSchema(raw);
  nested.set(raw, known);
  return known;
}

// allOf, anyOf, oneOf and not only constrain: they never add fields.
function checkLogic(value: unknown, schema: StructuralSchema, { path, problems }: Place): void {
  const { raw } = schema;
  const failures = (child: unknown): readonly FieldProblem[] => {
    const found: FieldProblem[] = [];
    checkValue(value, nestedSchema(child), { path, problems: found, correlation: undefined });
    return found;
  };
  for (const child of asList(raw['allOf'])) problems.push(...failures(child));
  const shown = asMap(value) === undefined && !Array.isArray(value) ? value : '';
  const any = asList(raw['anyOf']);
  if (any.length > 0 && !any.some((child) => failures(child).length === 0))
    problems.push(problem.invalid(path, shown, `${quoteValue(path)} must validate at least one schema (anyOf)`));
  const one = asList(raw['oneOf']);
  if (one.length > 0 && one.filter((child) => failures(child).length === 0).length !== 1)
    problems.push(
      problem.invalid(
        path,
        shown,
        `${quoteValue(path)} must validate one and only one schema (oneOf). ${ONE_OF[Number(one.some((child) => failures(child).length === 0))]}`,
      ),
    );
  if (asMap(raw['not']) !== undefined && failures(raw['not']).length === 0)
    problems.push(problem.invalid(path, shown, `${quoteValue(path)} must not validate the schema (not)`));
}

const ONE_OF = ['Found none valid', 'Found 2 valid alternatives'];

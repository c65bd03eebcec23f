import { deepEqual } from '@tiphys/kube-model';
import { asList, asMap, asText, type JsonMap } from '../draft.ts';
import { problem, quoteValue, type FieldProblem } from '../failures.ts';
import { parseStructuralSchema, type StructuralSchema } from './structural-schema.ts';

const MAX_PROBLEMS = 100;

/** Everything the schema finds wrong with a custom object. */
export function validateCustom(object: JsonMap, schema: StructuralSchema): readonly FieldProblem[] {
  const problems: FieldProblem[] = [];
  for (const [name, child] of schema.properties) {
    if (name === 'apiVersion' || name === 'kind' || name === 'metadata') continue;
    if (Object.hasOwn(object, name)) validateValue(object[name], child, name, problems);
  }
  checkRequired(object, schema, '', problems);
  checkLogic(object, schema, '', problems);
  return problems;
}

function validateValue(value: unknown, schema: StructuralSchema, path: string, problems: FieldProblem[]): void {
  if (problems.length >= MAX_PROBLEMS) return;
  if (value === null && (schema.nullable || schema.type === undefined)) return;
  const actual = typeOf(value);
  if (!hasType(value, actual, schema)) {
    const expected = schema.intOrString ? 'integer,string' : (schema.type ?? '');
    problems.push({
      field: path,
      reason: 'FieldValueTypeInvalid',
      message: `Invalid value: ${quoteValue(actual)}: ${path} in body must be of type ${expected}: ${quoteValue(actual)}`,
    });
    return;
  }
  checkEnum(value, schema, path, problems);
  if (typeof value === 'number') checkNumber(value, schema.raw, path, problems);
  else if (typeof value === 'string') checkString(value, schema.raw, path, problems);
  else if (Array.isArray(value)) checkArray(value, schema, path, problems);
  else checkMap(value, schema, path, problems);
  checkLogic(value, schema, path, problems);
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

function checkEnum(value: unknown, schema: StructuralSchema, path: string, problems: FieldProblem[]): void {
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

function checkNumber(value: number, raw: JsonMap, path: string, problems: FieldProblem[]): void {
  const { minimum, maximum, multipleOf } = raw;
  const reject = (text: string): void => void problems.push(problem.invalid(path, value, `${path} in body should be ${text}`));
  if (typeof minimum === 'number' && (value < minimum || (raw['exclusiveMinimum'] === true && value === minimum)))
    reject(`greater than ${raw['exclusiveMinimum'] === true ? '' : 'or equal to '}${minimum}`);
  if (typeof maximum === 'number' && (value > maximum || (raw['exclusiveMaximum'] === true && value === maximum)))
    reject(`less than ${raw['exclusiveMaximum'] === true ? '' : 'or equal to '}${maximum}`);
  if (typeof multipleOf === 'number' && multipleOf > 0 && !Number.isInteger(value / multipleOf)) reject(`a multiple of ${multipleOf}`);
}

function checkString(value: string, raw: JsonMap, path: string, problems: FieldProblem[]): void {
  const { minLength, maxLength } = raw;
  const length = [...value].length;
  if (typeof minLength === 'number' && length < minLength)
    problems.push(problem.invalid(path, value, `${path} in body should be at least ${minLength} chars long`));
  if (typeof maxLength === 'number' && length > maxLength)
    problems.push({ field: path, reason: 'FieldValueTooLong', message: `Too long: may not be more than ${maxLength} bytes` });
  const pattern = asText(raw['pattern']);
  if (pattern !== undefined && !matchesPattern(pattern, value)) problems.push(problem.invalid(path, value, `${path} in body should match '${pattern}'`));
  if (raw['format'] === 'date-time' && Number.isNaN(Date.parse(value)))
    problems.push(problem.invalid(path, value, `${path} in body must be of type date-time: ${quoteValue(value)}`));
}

// Values longer than this are not matched: JavaScript's engine may need exponential time for a hostile pattern.
const MAX_MATCHED_LENGTH = 4_096;
const compiled = new Map<string, RegExp | undefined>();

function matchesPattern(pattern: string, value: string): boolean {
  if (!compiled.has(pattern)) compiled.set(pattern, compile(pattern));
  return value.length > MAX_MATCHED_LENGTH || compiled.get(pattern)?.test(value) !== false;
}

function compile(pattern: string): RegExp | undefined {
  try {
    return new RegExp(pattern.replace(/\(\?P</g, '(?<').replace(/^\(\?[ims]+\)/, ''), 'u');
  } catch {
    // A pattern of RE2 that JavaScript does not have rejects nothing.
    return undefined;
  }
}

function checkArray(value: readonly unknown[], schema: StructuralSchema, path: string, problems: FieldProblem[]): void {
  const { minItems, maxItems } = schema.raw;
  if (typeof minItems === 'number' && value.length < minItems)
    problems.push(problem.invalid(path, value.length, `${path} in body should have at least ${minItems} items`));
  if (typeof maxItems === 'number' && value.length > maxItems)
    problems.push({ field: path, reason: 'FieldValueTooMany', message: `Too many: ${value.length}: must have at most ${maxItems} items` });
  checkListKeys(value, schema.raw, path, problems);
  const { items } = schema;
  if (items !== undefined) for (const [index, item] of value.entries()) validateValue(item, items, `${path}[${index}]`, problems);
}

function checkListKeys(value: readonly unknown[], raw: JsonMap, path: string, problems: FieldProblem[]): void {
  const listType = raw['x-kubernetes-list-type'];
  if (listType !== 'set' && listType !== 'map') return;
  const keys = asList(raw['x-kubernetes-list-map-keys']).map(String);
  const seen = new Set<string>();
  for (const [index, item] of value.entries()) {
    const identity = JSON.stringify(listType === 'set' ? item : keys.map((key) => asMap(item)?.[key] ?? null));
    if (seen.has(identity))
      problems.push(problem.duplicate(`${path}[${index}]`, listType === 'set' ? item : Object.fromEntries(keys.map((key) => [key, asMap(item)?.[key]]))));
    seen.add(identity);
  }
}

function checkMap(value: unknown, schema: StructuralSchema, path: string, problems: FieldProblem[]): void {
  const map = asMap(value);
  if (map === undefined) return;
  const { minProperties, maxProperties } = schema.raw;
  const size = Object.keys(map).length;
  if (typeof minProperties === 'number' && size < minProperties)
    problems.push(problem.invalid(path, size, `${path} in body should have at least ${minProperties} properties`));
  if (typeof maxProperties === 'number' && size > maxProperties)
    problems.push({ field: path, reason: 'FieldValueTooMany', message: `Too many: ${size}: must have at most ${maxProperties} items` });
  checkRequired(map, schema, path, problems);
  for (const [key, child] of Object.entries(map)) {
    const childSchema = schema.properties.get(key) ?? schema.additional;
    if (childSchema !== undefined) validateValue(child, childSchema, `${path}.${key}`, problems);
  }
}

function checkRequired(map: JsonMap, schema: StructuralSchema, path: string, problems: FieldProblem[]): void {
  for (const name of schema.required) {
    if (map[name] === undefined) problems.push(problem.required(path === '' ? name : `${path}.${name}`));
  }
}

// allOf, anyOf, oneOf and not only constrain: they never add fields.
function checkLogic(value: unknown, schema: StructuralSchema, path: string, problems: FieldProblem[]): void {
  const { raw } = schema;
  const failures = (child: unknown): readonly FieldProblem[] => {
    const found: FieldProblem[] = [];
    validateValue(value, parseStructuralSchema(child), path, found);
    return found;
  };
  for (const child of asList(raw['allOf'])) problems.push(...failures(child));
  const any = asList(raw['anyOf']);
  if (any.length > 0 && !any.some((child) => failures(child).length === 0))
    problems.push(problem.invalid(path, value, `${path} in body must validate at least one schema (anyOf)`));
  const one = asList(raw['oneOf']);
  if (one.length > 0 && one.filter((child) => failures(child).length === 0).length !== 1)
    problems.push(problem.invalid(path, value, `${path} in body must validate one and only one schema (oneOf)`));
  if (asMap(raw['not']) !== undefined && failures(raw['not']).length === 0)
    problems.push(problem.invalid(path, value, `${path} in body must not validate the schema (not)`));
}

import { CEL_LIMITS } from '@tiphys/kube-cel';
import { asList, asMap, asText, type JsonMap } from '../draft.ts';
import { problem, type FieldProblem } from '../failures.ts';
import { listTypeProblems, mapTypeProblems } from './validate-list-types.ts';
import { parseFieldPath } from './field-path.ts';
import { compileRules, costProblem, maxCardinality, parseRule, ruleType, type CompiledRule, type Rule } from './rule-program.ts';

/** Where in a schema a check stands, and what holds there. */
interface Place {
  readonly path: string;
  readonly isRoot: boolean;
  readonly insideMeta: boolean;
  /** Why defaults may not be set here; undefined where they may. */
  readonly noDefaults: string | undefined;
  /** Path of the first part above whose items have no counterpart in an older object. */
  readonly uncorrelatable: string | undefined;
  /** How often data may stand here in one object; undefined: without bound. */
  readonly cardinality: number | undefined;
  /** Whether the expressions of rules are looked at: not inside allOf and the like, nor in schemas that are not structural. */
  readonly checksRules: boolean;
}

interface Findings {
  readonly schema: FieldProblem[];
  readonly rules: FieldProblem[];
  readonly costs: { readonly path: string; readonly cost: number }[];
}

/**
 * What is wrong with a schema as OpenAPI of custom resources (apiextensions validation.go
 * ValidateCustomResourceDefinitionOpenAPISchema): keywords it may not have, list types, rules and their cost.
 */
export function validateOpenApi(path: string, schema: JsonMap, checksRules: boolean): readonly FieldProblem[] {
  const findings: Findings = { schema: [], rules: [], costs: [] };
  const place: Place = { path, isRoot: true, insideMeta: false, noDefaults: undefined, uncorrelatable: undefined, cardinality: 1, checksRules };
  checkSchema(schema, place, findings);
  return [...findings.schema, ...findings.rules, ...totalCost(path, findings)];
}

const NAMED_EXPENSIVE = 4;

function totalCost(path: string, { costs }: Findings): readonly FieldProblem[] {
  const total = costs.reduce((sum, { cost }) => sum + cost, 0);
  if (total <= CEL_LIMITS.crd) return [];
  const expensive = costs.toSorted((a, b) => b.cost - a.cost).slice(0, NAMED_EXPENSIVE);
  return [
    ...expensive.map((found) => problem.forbidden(found.path, 'contributed to estimated rule cost total exceeding cost limit for entire OpenAPIv3 schema')),
    problem.forbidden(path, costProblem('x-kubernetes-validations estimated rule cost total for entire OpenAPIv3 schema', total, CEL_LIMITS.crd)),
  ];
}

function checkSchema(schema: JsonMap, place: Place, findings: Findings): void {
  const before = findings.schema.length;
  findings.schema.push(...keywordProblems(schema, place), ...mapTypeProblems(schema, place.path), ...listTypeProblems(schema, place.path));
  checkChildren(schema, place, findings);
  checkJunctors(schema, place, findings);
  const rules = asList(schema['x-kubernetes-validations']);
  if (rules.length === 0) return;
  findings.schema.push(...rules.flatMap((rule, index) => ruleFormProblems(schema, parseRule(rule), `${place.path}.x-kubernetes-validations[${index}]`)));
  // A schema that is wrong here or below cannot be made a type of.
  if (place.checksRules && findings.schema.length === before) checkRules(schema, rules, place, findings);
}

const TYPES = ['array', 'boolean', 'integer', 'number', 'object', 'string'];
const UNSUPPORTED = ['id', 'additionalItems', 'patternProperties', 'definitions', 'dependencies', '$ref'];

function keywordProblems(schema: JsonMap, place: Place): readonly FieldProblem[] {
  const { path } = place;
  const type = asText(schema['type']) ?? '';
  const problems: FieldProblem[] = [];
  if (type !== '' && !TYPES.includes(type)) problems.push(problem.notSupported(`${path}.type`, type, TYPES));
  if (schema['default'] !== undefined && place.noDefaults !== undefined)
    problems.push(problem.forbidden(`${path}.default`, `must not be set ${place.noDefaults}`));
  for (const keyword of UNSUPPORTED) if (isPresent(schema[keyword])) problems.push(problem.forbidden(`${path}.${keyword}`, `${keyword} is not supported`));
  if (type === 'null') problems.push(problem.forbidden(`${path}.type`, 'type cannot be set to null, use nullable as an alternative'));
  if (Array.isArray(schema['items'])) problems.push(problem.forbidden(`${path}.items`, 'items must be a schema object and not an array'));
  if (place.insideMeta && schema['x-kubernetes-embedded-resource'] === true)
    problems.push(problem.forbidden(`${path}.x-kubernetes-embedded-resource`, 'must not be used inside of resource meta'));
  if (schema['uniqueItems'] === true)
    problems.push(problem.forbidden(`${path}.uniqueItems`, 'uniqueItems cannot be set to true since the runtime complexity becomes quadratic'));
  const additional = schema['additionalProperties'];
  if (additional !== undefined && additional !== true && Object.keys(asMap(schema['properties']) ?? {}).length > 0)
    problems.push(problem.forbidden(`${path}.additionalProperties`, 'additionalProperties and properties are mutual exclusive'));
  if (schema['x-kubernetes-preserve-unknown-fields'] === false)
    problems.push(problem.invalid(`${path}.x-kubernetes-preserve-unknown-fields`, false, 'must be true or undefined'));
  return problems;
}

function isPresent(value: unknown): boolean {
  return value !== undefined && value !== '' && !(asMap(value) !== undefined && Object.keys(asMap(value) ?? {}).length === 0);
}

function checkChildren(schema: JsonMap, place: Place, findings: Findings): void {
  const { path } = place;
  const below = { ...place, isRoot: false };
  const values = asMap(schema['additionalProperties']);
  if (values !== undefined) {
    const noDefaults = place.insideMeta ? 'inside additionalProperties applying to object metadata' : place.noDefaults;
    checkSchema(values, { ...below, path: `${path}.additionalProperties`, noDefaults, cardinality: multiplied(place, schema['maxProperties']) }, findings);
  }
  for (const [name, child] of Object.entries(asMap(schema['properties']) ?? {})) {
    const isMeta = (place.isRoot || schema['x-kubernetes-embedded-resource'] === true) && ['metadata', 'kind', 'apiVersion'].includes(name);
    const noDefaults = isMeta && place.isRoot ? `in top-level ${name}` : place.noDefaults;
    checkSchema(asMap(child) ?? {}, { ...below, path: `${path}.properties[${name}]`, insideMeta: place.insideMeta || isMeta, noDefaults }, findings);
  }
  const items = asMap(schema['items']);
  if (items === undefined) return;
  const uncorrelatable = schema['x-kubernetes-list-type'] === 'map' ? place.uncorrelatable : (place.uncorrelatable ?? path);
  checkSchema(items, { ...below, path: `${path}.items`, uncorrelatable, cardinality: multiplied(place, schema['maxItems']) }, findings);
}

function multiplied({ cardinality }: Place, bound: unknown): number | undefined {
  return cardinality === undefined || typeof bound !== 'number' ? undefined : cardinality * Math.max(0, bound);
}

function checkJunctors(schema: JsonMap, place: Place, findings: Findings): void {
  const inside = { ...place, isRoot: false, checksRules: false };
  for (const name of ['allOf', 'oneOf', 'anyOf'])
    for (const [index, child] of asList(schema[name]).entries())
      checkSchema(asMap(child) ?? {}, { ...inside, path: `${place.path}.${name}[${index}]` }, findings);
  const not = asMap(schema['not']);
  if (not !== undefined) checkSchema(not, { ...inside, path: `${place.path}.not` }, findings);
}

const REASONS = ['FieldValueDuplicate', 'FieldValueForbidden', 'FieldValueInvalid', 'FieldValueRequired'];
const hasLineBreak = (text: string): boolean => /[\n\r]/.test(text);

function ruleFormProblems(schema: JsonMap, rule: Rule, path: string): readonly FieldProblem[] {
  const [text, message] = [rule.rule.trim(), rule.message.trim()];
  const problems: FieldProblem[] = [];
  if (text === '') problems.push(problem.required(`${path}.rule`, 'rule is not specified'));
  else if (rule.message !== '' && message === '') problems.push(problem.invalid(`${path}.message`, rule.message, 'must be non-empty if specified'));
  else if (hasLineBreak(message)) problems.push(problem.invalid(`${path}.message`, rule.message, 'must not contain line breaks'));
  else if (hasLineBreak(text) && message === '') problems.push(problem.required(`${path}.message`, 'message must be specified if rule contains line breaks'));
  if (rule.messageExpression !== '' && rule.messageExpression.trim() === '')
    problems.push(problem.required(`${path}.messageExpression`, 'messageExpression must be non-empty if specified'));
  if (rule.reason !== undefined && !REASONS.includes(rule.reason)) problems.push(problem.notSupported(`${path}.reason`, rule.reason, REASONS));
  if (rule.fieldPath === '') return problems;
  if (rule.fieldPath.trim() === '') problems.push(problem.invalid(`${path}.fieldPath`, rule.fieldPath, 'must be non-empty if specified'));
  if (hasLineBreak(rule.fieldPath)) problems.push(problem.invalid(`${path}.fieldPath`, rule.fieldPath, 'must not contain line breaks'));
  if (typeof parseFieldPath(rule.fieldPath, schema, { arrayNotation: true }) === 'string')
    problems.push(problem.invalid(`${path}.fieldPath`, rule.fieldPath, 'must be a valid path'));
  return problems;
}

function checkRules(schema: JsonMap, rules: readonly unknown[], place: Place, findings: Findings): void {
  const path = `${place.path}.x-kubernetes-validations`;
  const type = ruleType(schema, place.isRoot || schema['x-kubernetes-embedded-resource'] === true);
  if (type === undefined) {
    findings.rules.push({
      field: path,
      reason: 'FieldValueInvalid',
      message: 'Internal error: failed to retrieve type information for x-kubernetes-validations',
    });
    return;
  }
  const cardinality = place.cardinality ?? maxCardinality(type);
  for (const [index, compiled] of compileRules(schema, rules, type).entries()) checkRule(compiled, `${path}[${index}]`, { place, cardinality }, findings);
}

function checkRule(
  compiled: CompiledRule,
  path: string,
  { place, cardinality }: { readonly place: Place; readonly cardinality: number },
  findings: Findings,
): void {
  const { rule, program, messageProgram } = compiled;
  const cost = (name: string, field: string, units: number): void => {
    if (units > CEL_LIMITS.rule) findings.rules.push(problem.forbidden(`${path}.${field}`, costProblem(`estimated ${name} cost`, units, CEL_LIMITS.rule)));
    findings.costs.push({ path: `${path}.${field}`, cost: units });
  };
  if (program !== undefined) cost('rule', 'rule', program.maxCost === 0 ? 0 : program.maxCost * cardinality);
  if (compiled.problem !== undefined) findings.rules.push(problem.invalid(`${path}.rule`, shown(rule), compiled.problem));
  if (compiled.messageProblem !== undefined) findings.rules.push(problem.invalid(`${path}.messageExpression`, shown(rule), compiled.messageProblem));
  if (messageProgram !== undefined) cost('messageExpression', 'messageExpression', messageProgram.maxCost);
  if (compiled.usesOldSelf && place.uncorrelatable !== undefined)
    findings.rules.push(
      problem.invalid(`${path}.rule`, rule.rule, `oldSelf cannot be used on the uncorrelatable portion of the schema within ${place.uncorrelatable}`),
    );
  if (!compiled.usesOldSelf && rule.optionalOldSelf !== undefined && program !== undefined)
    findings.rules.push(problem.invalid(`${path}.optionalOldSelf`, rule.optionalOldSelf, 'may not be set if oldSelf is not used in rule'));
}

// The rule as upstream's errors quote it: the fields of the Go type.
function shown({ rule, message, messageExpression, reason, fieldPath, optionalOldSelf }: Rule): unknown {
  return {
    Rule: rule,
    Message: message,
    MessageExpression: messageExpression,
    Reason: reason ?? null,
    FieldPath: fieldPath,
    OptionalOldSelf: optionalOldSelf ?? null,
  };
}

import { BOOL, compile, declTypeOf, optionalOf, STRING, yields, type CelProgram, type DeclType } from '@tiphys/kube-cel';
import { asMap, asText, type JsonMap } from '../draft.ts';
import { parseFieldPath } from './field-path.ts';

/** One of `x-kubernetes-validations` as the CRD has it. */
export interface Rule {
  readonly rule: string;
  readonly message: string;
  readonly messageExpression: string;
  readonly reason: string | undefined;
  readonly fieldPath: string;
  readonly optionalOldSelf: boolean | undefined;
}

/** Reads a rule. */
export function parseRule(value: unknown): Rule {
  const raw = asMap(value) ?? {};
  const { optionalOldSelf } = raw;
  return {
    rule: asText(raw['rule']) ?? '',
    message: asText(raw['message']) ?? '',
    messageExpression: asText(raw['messageExpression']) ?? '',
    reason: asText(raw['reason']),
    fieldPath: asText(raw['fieldPath']) ?? '',
    optionalOldSelf: typeof optionalOldSelf === 'boolean' ? optionalOldSelf : undefined,
  };
}

/** A rule made ready, or what is wrong with it. */
export interface CompiledRule {
  readonly rule: Rule;
  /** Undefined for a rule that is empty or does not compile. */
  readonly program: CelProgram | undefined;
  readonly problem: string | undefined;
  readonly messageProgram: CelProgram | undefined;
  readonly messageProblem: string | undefined;
  readonly usesOldSelf: boolean;
  /** What is appended to the path of the value. */
  readonly fieldPath: string;
}

/** What expressions of a schema's rules see; undefined where they can see nothing. */
export function ruleType(schema: JsonMap, isRoot: boolean): DeclType | undefined {
  return declTypeOf(schema, 'selfType', isRoot);
}

/** Compiles the rules of one schema against its type (apiextensions schema/cel/compilation.go). */
export function compileRules(schema: JsonMap, rules: readonly unknown[], type: DeclType): readonly CompiledRule[] {
  return rules.map((value) => compileRule(schema, parseRule(value), type));
}

function compileRule(schema: JsonMap, rule: Rule, type: DeclType): CompiledRule {
  const path = rule.fieldPath === '' ? '' : parseFieldPath(rule.fieldPath, schema, { arrayNotation: true });
  const base = { rule, messageProgram: undefined, messageProblem: undefined, usesOldSelf: false, fieldPath: typeof path === 'string' ? '' : path.text };
  if (rule.rule.trim() === '') return { ...base, program: undefined, problem: undefined };
  const oldSelf = rule.optionalOldSelf === true ? optionalOf(type.celType) : type.celType;
  const options = { variables: { self: type.celType, oldSelf }, declared: { self: type, oldSelf: type } };
  const compiled = compile(rule.rule, options);
  if (!compiled.ok) return { ...base, program: undefined, problem: `compilation failed: ${compiled.message}` };
  const { program } = compiled;
  if (!yields(program, BOOL)) return { ...base, program: undefined, problem: 'cel expression must evaluate to a bool' };
  const message = compileMessage(rule.messageExpression, options);
  return {
    ...base,
    program,
    problem: undefined,
    usesOldSelf: program.references.has('oldSelf'),
    messageProgram: typeof message === 'string' ? undefined : message,
    messageProblem: typeof message === 'string' ? message : undefined,
  };
}

function compileMessage(expression: string, options: Parameters<typeof compile>[1]): CelProgram | string | undefined {
  if (expression === '') return undefined;
  const compiled = compile(expression, options);
  if (!compiled.ok) return `messageExpression compilation failed: ${compiled.message}`;
  return yields(compiled.program, STRING) ? compiled.program : 'messageExpression must evaluate to a string';
}

/** What an estimate that is beyond its limit is told as. */
export function costProblem(name: string, cost: number, limit: number): string {
  const factor = cost / limit;
  const times = factor > 100 ? 'more than 100x' : factor < 1.5 ? `${factor.toFixed(6)}x` : `${factor.toFixed(1)}x`;
  return `${name} exceeds budget by factor of ${times} (try simplifying the rule, or adding maxItems, maxProperties, and maxLength where arrays, maps, and strings are declared)`;
}

/** How often data of a type can stand in one request at most, where the schema above it sets no bound. */
export function maxCardinality(type: DeclType): number {
  return Math.floor(MAX_REQUEST_BYTES / (type.minSize + 1));
}

const MAX_REQUEST_BYTES = 3 * 1024 * 1024;

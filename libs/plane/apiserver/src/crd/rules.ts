import { adapt, CEL_LIMITS, CelOptional, evaluate, NONE, type CelValue, type DeclType, type Evaluation } from '@tiphys/kube-cel';
import { asList, asMap, type JsonMap } from '../draft.ts';
import { problem, quoteValue, type FieldProblem } from '../failures.ts';
import { findByKeys, type Correlation } from './correlation.ts';
import { compileRules, ruleType, type CompiledRule } from './rule-program.ts';

/** The rules of a schema and of those below it; parts without any rule are left out. */
export interface RuleNode {
  readonly type: string;
  readonly decl: DeclType | undefined;
  readonly rules: readonly CompiledRule[];
  readonly properties: ReadonlyMap<string, RuleNode>;
  readonly additional: RuleNode | undefined;
  readonly items: RuleNode | undefined;
  /** Keys that tell items of a list apart; empty where they cannot be. */
  readonly listMapKeys: readonly string[];
}

/** Compiles all rules of a schema; undefined when it has none. */
export function compileRuleTree(schema: JsonMap, isRoot: boolean): RuleNode | undefined {
  const rules = asList(schema['x-kubernetes-validations']);
  const properties = new Map<string, RuleNode>();
  for (const [name, child] of Object.entries(asMap(schema['properties']) ?? {})) {
    const node = childTree(child);
    if (node !== undefined) properties.set(name, node);
  }
  const additional = childTree(schema['additionalProperties']);
  const items = childTree(schema['items']);
  if (rules.length === 0 && properties.size === 0 && additional === undefined && items === undefined) return undefined;
  const decl = rules.length === 0 ? undefined : ruleType(schema, isRoot);
  return {
    type: String(schema['type'] ?? ''),
    decl,
    rules: decl === undefined ? [] : compileRules(schema, rules, decl),
    properties,
    additional,
    items,
    listMapKeys: schema['x-kubernetes-list-type'] === 'map' ? asList(schema['x-kubernetes-list-map-keys']).map(String) : [],
  };
}

function childTree(value: unknown): RuleNode | undefined {
  const schema = asMap(value);
  return schema === undefined ? undefined : compileRuleTree(schema, schema['x-kubernetes-embedded-resource'] === true);
}

/** What evaluating the rules of one object shares. */
export interface RuleRun {
  /** Cost units left; negative when the budget is gone and no rule runs any more. */
  budget: number;
  readonly problems: FieldProblem[];
  /** Told what is wrong but was wrong before. */
  readonly warn: (text: string) => void;
}

/** A value with its place, its old value where one corresponds, and how far it is unchanged. */
export interface RulePlace {
  readonly path: string;
  readonly value: unknown;
  readonly old: unknown;
  readonly correlation: Correlation | undefined;
  /** The nearest part above that has an old value. */
  readonly parent: Correlation | undefined;
}

/**
 * Evaluates the rules of a value and of everything below it (apiextensions schema/cel/validation.go). Rules about changes
 * run only where an old value corresponds; failures of what did not change are warnings (KEP-4008).
 */
export function runRules(node: RuleNode, place: RulePlace, run: RuleRun): void {
  if (place.value === null || place.value === undefined || run.budget < 0) return;
  if (node.rules.length > 0) runOwnRules(node, place, run);
  if (Array.isArray(place.value)) runItems(node, place.value, place, run);
  else {
    const map = asMap(place.value);
    if (map !== undefined) runFields(node, map, place, run);
  }
}

function runItems(node: RuleNode, items: readonly unknown[], place: RulePlace, run: RuleRun): void {
  if (node.items === undefined) return;
  const olds = asList(place.old);
  for (const [index, value] of items.entries()) {
    if (run.budget < 0) return;
    const old = node.listMapKeys.length === 0 ? undefined : findByKeys(olds, value, node.listMapKeys);
    const correlation = place.correlation?.item(index);
    runRules(node.items, { path: `${place.path}[${index}]`, value, old, correlation, parent: place.correlation ?? place.parent }, run);
  }
}

function runFields(node: RuleNode, map: JsonMap, place: RulePlace, run: RuleRun): void {
  const olds = asMap(place.old) ?? {};
  for (const [name, value] of Object.entries(map)) {
    const child = node.properties.get(name) ?? node.additional;
    if (child === undefined || run.budget < 0) continue;
    const path = node.properties.has(name) ? (place.path === '' ? name : `${place.path}.${name}`) : `${place.path}[${name}]`;
    const old = Object.hasOwn(olds, name) ? olds[name] : undefined;
    runRules(child, { path, value, old, correlation: place.correlation?.field(name), parent: place.correlation ?? place.parent }, run);
  }
}

function runOwnRules(node: RuleNode, place: RulePlace, run: RuleRun): void {
  const { value, old } = place;
  const hasOld = old !== undefined && old !== null;
  const self = adapt(value, node.decl);
  const oldSelf = hasOld ? adapt(old, node.decl) : undefined;
  for (const compiled of node.rules) {
    if (run.budget < 0) return;
    const optional = compiled.rule.optionalOldSelf === true;
    if (compiled.usesOldSelf && !hasOld && !optional) continue;
    const optionalOld = oldSelf === undefined ? NONE : new CelOptional(oldSelf);
    const resolve = (name: string): CelValue | undefined => (name === 'self' ? self : optional ? optionalOld : oldSelf);
    runRule(node, compiled, { place, run, resolve });
  }
}

interface RuleCall {
  readonly place: RulePlace;
  readonly run: RuleRun;
  readonly resolve: (name: string) => CelValue | undefined;
}

const OUT_OF_BUDGET = 'validation failed due to running out of cost budget, no further validation rules will be run';

function runRule(node: RuleNode, compiled: CompiledRule, { place, run, resolve }: RuleCall): void {
  const reject = (detail: string): void => void run.problems.push(problem.invalid(place.path, node.type, detail));
  const text = (compiled.rule.message === '' ? compiled.rule.rule : compiled.rule.message).trim();
  if (compiled.problem !== undefined) return reject(`rule compile error: ${compiled.problem}`);
  if (compiled.program === undefined) return undefined;
  const result = evaluate(compiled.program, resolve, Math.min(CEL_LIMITS.perCall, run.budget));
  const isWhole = run.budget >= CEL_LIMITS.perCall;
  run.budget -= result.cost;
  if (result.kind === 'costLimit') {
    run.budget = -1;
    return reject(isWhole ? `'${result.message}': no further validation rules will be run due to call cost exceeds limit for rule: ${text}` : OUT_OF_BUDGET);
  }
  if (result.kind === 'error') return reject(describeError(result.message, text));
  if (result.value === true) return undefined;
  const path = `${place.path}${compiled.fieldPath}`.replace(/^\./, '');
  const message = failureMessage(compiled, run, resolve);
  if (message.stop === true) {
    run.problems.push(problem.invalid(path, node.type, message.text));
    return undefined;
  }
  const failure = failureOf(path, node.type, message.text, compiled.rule.reason);
  // Rules about changes are never ratcheted: they say what may become of the old value.
  if (!compiled.usesOldSelf && isUnchanged(place)) run.warn(`${failure.field}: ${failure.message}`);
  else run.problems.push(failure);
  return undefined;
}

function isUnchanged(place: RulePlace): boolean {
  return (place.correlation ?? place.parent)?.isUnchanged === true;
}

function describeError(message: string, text: string): string {
  return message.startsWith('no such overload')
    ? `'${message}': call arguments did not match a supported operator, function or macro signature for rule: ${text}`
    : `${message} evaluating rule: ${text}`;
}

function failureOf(path: string, type: string, detail: string, reason: string | undefined): FieldProblem {
  if (reason === 'FieldValueForbidden') return problem.forbidden(path, detail);
  if (reason === 'FieldValueRequired') return problem.required(path, detail);
  return reason === 'FieldValueDuplicate' ? problem.duplicate(path, type) : problem.invalid(path, type, detail);
}

interface FailureMessage {
  readonly text: string;
  /** No rule runs any more. */
  readonly stop?: boolean;
}

// A messageExpression that yields nothing usable gives way to the message, and that to the rule itself.
function failureMessage(compiled: CompiledRule, run: RuleRun, resolve: RuleCall['resolve']): FailureMessage {
  const { message, rule, messageExpression } = compiled.rule;
  const fallback = message === '' ? `failed rule: ${rule.trim()}` : message.trim();
  if (compiled.messageProgram === undefined) return { text: fallback };
  const isWhole = run.budget >= CEL_LIMITS.perCall;
  const result = evaluate(compiled.messageProgram, resolve, Math.min(CEL_LIMITS.perCall, Math.max(0, run.budget)));
  if (result.kind === 'costLimit') {
    run.budget = -1;
    const text = isWhole
      ? `no further validation rules will be run due to call cost exceeds limit for messageExpression: ${quoteValue(messageExpression)}`
      : 'messageExpression evaluation failed due to running out of cost budget, no further validation rules will be run';
    return { text, stop: true };
  }
  run.budget -= result.cost;
  return { text: usableMessage(result) ?? fallback };
}

/** The text of a message expression's result; undefined when it is none that can be shown: empty, too long or with line breaks. */
function usableMessage(result: Evaluation): string | undefined {
  if (result.kind !== 'value' || typeof result.value !== 'string') return undefined;
  const text = result.value.trim();
  return text === '' || text.includes('\n') || Buffer.byteLength(text) > CEL_LIMITS.messageBytes ? undefined : text;
}

import { sameType, type CelType } from './cel-type.ts';
import { check, type CelEnv, type Checked } from './checker.ts';
import type { DeclType } from './decl-type.ts';
import type { Expr } from './expr.ts';
import { ADDRESSES } from './library/addresses.ts';
import { AUTHORIZERS } from './library/authorizers.ts';
import { CONVERSIONS } from './library/conversions.ts';
import { FORMATS_LIBRARY } from './library/formats.ts';
import { LISTS } from './library/lists.ts';
import { OPTIONALS } from './library/optionals.ts';
import { QUANTITIES } from './library/quantities.ts';
import { REGEXES } from './library/regexes.ts';
import { SEMVERS } from './library/semvers.ts';
import { SETS } from './library/sets.ts';
import { STANDARD } from './library/standard.ts';
import { STRINGS } from './library/strings.ts';
import { TIMES } from './library/times.ts';
import { URLS } from './library/urls.ts';
import { functionTable, type FunctionTable } from './overload.ts';
import { parse } from './parser.ts';
import { plan, type Frame, type Step } from './planner.ts';
import { CelCostError, CelError, CelSyntaxError, formatProblems, type CelProblem } from './problem.ts';
import { regexProblem } from './regex.ts';
import { estimateCost } from './static-cost.ts';
import { isTimestamp, parseDuration, parseTimestamp } from './time.ts';
import type { CelValue } from './value.ts';

/** Every function an expression has in Kubernetes 1.33 (apiserver pkg/cel/environment/base.go). */
const KUBERNETES_FUNCTIONS: FunctionTable = functionTable(
  STANDARD,
  CONVERSIONS,
  TIMES,
  OPTIONALS,
  STRINGS,
  SETS,
  LISTS,
  REGEXES,
  URLS,
  ADDRESSES,
  QUANTITIES,
  FORMATS_LIBRARY,
  SEMVERS,
  AUTHORIZERS,
);

/** What an expression may refer to, besides the functions of Kubernetes. */
export interface CompileOptions {
  /** Variables and their types. */
  readonly variables: Readonly<Record<string, CelType>>;
  /** Sizes of variables that follow a schema, for estimates. */
  readonly declared?: Readonly<Record<string, DeclType>>;
  readonly struct?: CelEnv['struct'];
  /** Functions in addition to those of Kubernetes. */
  readonly functions?: FunctionTable;
}

/** An expression ready to be evaluated. Immutable; may be kept and shared. */
export interface CelProgram {
  readonly source: string;
  readonly resultType: CelType;
  /** What an evaluation costs at most; `Infinity` when nothing bounds it. */
  readonly maxCost: number;
  /** Names of the variables it refers to. */
  readonly references: ReadonlySet<string>;
  readonly step: Step;
}

/** A program, or what is wrong with the expression in the words upstream has for it: place, line and mark. */
export type Compilation = { readonly ok: true; readonly program: CelProgram } | { readonly ok: false; readonly message: string };

/** Parses, checks and plans an expression. Never throws. */
export function compile(source: string, options: CompileOptions): Compilation {
  const fail = (problems: readonly CelProblem[]): Compilation => ({ ok: false, message: formatProblems(source, problems) });
  let expr: Expr;
  try {
    expr = parse(source);
  } catch (error) {
    if (error instanceof CelSyntaxError) return fail([{ at: error.at, message: error.message }]);
    throw error;
  }
  const result = check(expr, environment(options));
  if ('problems' in result) return fail(result.problems);
  const literals = literalProblems(expr);
  if (literals.length > 0) return fail(literals);
  return { ok: true, program: program(source, result.checked, options) };
}

function environment({ variables, struct, functions }: CompileOptions): CelEnv {
  return {
    variables: new Map(Object.entries(variables)),
    functions: functions === undefined ? KUBERNETES_FUNCTIONS : new Map([...KUBERNETES_FUNCTIONS, ...functions]),
    ...(struct === undefined ? {} : { struct }),
  };
}

function program(source: string, checked: Checked, { declared = {} }: CompileOptions): CelProgram {
  const references = new Set<string>();
  visit(checked.expr, new Set(), (node) => {
    if (node.kind === 'ident') references.add(node.name);
    const dotted = checked.variableNamed(node);
    if (dotted !== undefined) references.add(dotted);
  });
  return {
    source,
    resultType: checked.type,
    maxCost: estimateCost(checked, new Map(Object.entries(declared))).max,
    references,
    step: plan(checked),
  };
}

/** Whether a program's result is of a type, or may be: dyn is known only when it runs. */
export function yields(program: CelProgram, type: CelType): boolean {
  return sameType(program.resultType, type);
}

/** How an evaluation ended, and what it cost. `costLimit`: it was stopped. */
export type Evaluation =
  | { readonly kind: 'value'; readonly value: CelValue; readonly cost: number }
  | { readonly kind: 'error'; readonly message: string; readonly cost: number }
  | { readonly kind: 'costLimit'; readonly message: string; readonly cost: number };

/** Evaluates a program. `resolve` yields the variables; `limit` is the most it may cost, in units. Never throws what expressions cause. */
export function evaluate(program: CelProgram, resolve: Frame['resolve'], limit: number): Evaluation {
  const frame: Frame = { resolve, locals: [], limit, cost: 0 };
  try {
    return { kind: 'value', value: program.step(frame), cost: frame.cost };
  } catch (error) {
    if (error instanceof CelCostError) return { kind: 'costLimit', message: error.message, cost: frame.cost };
    if (error instanceof CelError) return { kind: 'error', message: error.message, cost: frame.cost };
    throw error;
  }
}

// Literals that can only fail when the expression runs are refused before (cel-go's AST validators).
function literalProblems(root: Expr): readonly CelProblem[] {
  const problems: CelProblem[] = [];
  visit(root, new Set(), (node) => {
    if (node.kind !== 'call') return;
    const text = node.name.startsWith('find') ? node.args[0] : node.args.at(-1);
    if (text?.kind !== 'literal') return;
    if (node.name === 'timestamp' && typeof text.value === 'bigint' && !isTimestamp(text.value))
      problems.push({ at: text.at, message: 'invalid timestamp argument' });
    if (typeof text.value !== 'string') return;
    if (node.name === 'duration' && parseDuration(text.value) === undefined) problems.push({ at: text.at, message: `invalid duration argument` });
    if (node.name === 'timestamp' && parseTimestamp(text.value) === undefined) problems.push({ at: text.at, message: 'invalid timestamp argument' });
    const pattern = node.name === 'find' || node.name === 'findAll' ? regexProblem(text.value) : undefined;
    if (pattern !== undefined) problems.push({ at: text.at, message: pattern });
    if (node.name === 'matches' && regexProblem(text.value) !== undefined) problems.push({ at: text.at, message: 'invalid matches argument' });
  });
  return problems;
}

function visit(expr: Expr, seen: Set<Expr>, found: (node: Expr) => void): void {
  if (seen.has(expr)) return;
  seen.add(expr);
  found(expr);
  for (const child of childrenOf(expr)) visit(child, seen, found);
}

function childrenOf(expr: Expr): readonly Expr[] {
  switch (expr.kind) {
    case 'literal':
    case 'ident':
      return [];
    case 'select':
      return [expr.operand];
    case 'call':
      return expr.target === undefined ? expr.args : [expr.target, ...expr.args];
    case 'list':
      return expr.elements;
    case 'map':
      return expr.entries.flatMap(({ key, value }) => [key, value]);
    case 'struct':
      return expr.fields.map(({ value }) => value);
    case 'comprehension':
      return [expr.range, expr.init, expr.condition, expr.step, expr.result];
  }
}

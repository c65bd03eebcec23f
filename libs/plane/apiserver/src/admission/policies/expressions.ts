import {
  BOOL,
  CEL_LIMITS,
  CelError,
  compile,
  DYN,
  evaluate,
  formatType,
  type CelMap,
  type CelProgram,
  type CelType,
  type CelValue,
  type CompileOptions,
  type ObjectType,
} from '@tiphys/kube-cel';

/** An expression made ready, or what is wrong with it. */
export type Compiled = { readonly kind: 'program'; readonly program: CelProgram } | { readonly kind: 'problem'; readonly problem: string };

/** Named expressions that others refer to as `variables.name`. Each sees those before it. */
export interface Variables {
  readonly type: ObjectType;
  readonly compiled: ReadonlyMap<string, Compiled>;
}

/** Compiles variables in order; those that fail are dyn to the others and fail when they are read. */
export function compileVariables(variables: readonly { readonly name: string; readonly expression?: string }[], options: CompileOptions): Variables {
  const compiled = new Map<string, Compiled>();
  const types = new Map<string, CelType>();
  const type: ObjectType = { kind: 'object', name: 'kubernetes.variables', field: (name) => types.get(name) };
  for (const { name, expression } of variables) {
    const one = compileExpression(expression, undefined, { ...options, variables: { ...options.variables, variables: type } });
    compiled.set(name, one);
    types.set(name, one.kind === 'program' ? one.program.resultType : DYN);
  }
  return { type, compiled };
}

/** Compiles an expression whose result is to be of one of the types; any will do where none is given. */
export function compileExpression(expression: string | undefined, results: readonly CelType[] | undefined, options: CompileOptions): Compiled {
  // One that was left out is told as missing by validation, which comes here all the same.
  const compiled = compile(expression ?? '', options);
  if (!compiled.ok) return { kind: 'problem', problem: `compilation failed: ${compiled.message}` };
  const { program } = compiled;
  const got = formatType(program.resultType);
  const wanted = results?.map(formatType);
  if (wanted === undefined || wanted.includes(got)) return { kind: 'program', program };
  const [only = ''] = wanted;
  return {
    kind: 'problem',
    problem: wanted.length === 1 ? `must evaluate to ${only} but got ${got}` : `must evaluate to one of [${wanted.join(' ')}] but got ${got}`,
  };
}

/** What the expressions of one policy share for one request: the values, and the cost that is left. */
export class Run {
  readonly #resolve: (name: string) => CelValue | undefined;
  readonly #variables: VariableValues;
  #budget: number;

  constructor(resolve: (name: string) => CelValue | undefined, variables: Variables, budget: number) {
    this.#budget = budget;
    this.#variables = new VariableValues(variables, (program) => this.#spend(program));
    this.#resolve = (name) => (name === 'variables' ? this.#variables : resolve(name));
  }

  /** Whether the budget is gone and nothing is evaluated any more. */
  get isOut(): boolean {
    return this.#budget < 0;
  }

  /** The value of an expression, or why there is none. */
  evaluate(compiled: Compiled): Outcome {
    if (compiled.kind === 'problem') return { kind: 'error', message: `compilation error: ${compiled.problem}` };
    if (this.isOut) return { kind: 'error', message: OUT_OF_BUDGET };
    const result = this.#spend(compiled.program);
    if (this.isOut) return { kind: 'error', message: OUT_OF_BUDGET };
    if (result.kind === 'value') return result;
    return { kind: 'error', message: `expression '${compiled.program.source}' resulted in error: ${result.message}` };
  }

  #spend(program: CelProgram): Outcome {
    const isWhole = this.#budget >= CEL_LIMITS.perCall;
    const result = evaluate(program, this.#resolve, Math.min(CEL_LIMITS.perCall, Math.max(0, this.#budget)));
    // A limit that was the budget's ends it; one that was the call's only ends the call.
    this.#budget = result.kind === 'costLimit' && !isWhole ? -1 : this.#budget - result.cost;
    if (result.kind === 'value') return { kind: 'value', value: result.value };
    return { kind: 'error', message: result.message };
  }
}

const OUT_OF_BUDGET = 'validation failed due to running out of cost budget, no further validation rules will be run';

/** How an expression ended. */
export type Outcome = { readonly kind: 'value'; readonly value: CelValue } | { readonly kind: 'error'; readonly message: string };

// `variables`: each evaluated when it is first read, and then kept, also when it fails.
class VariableValues implements CelMap {
  readonly form = 'object';
  readonly typeName = 'kubernetes.variables';
  readonly #variables: Variables;
  readonly #evaluate: (program: CelProgram) => Outcome;
  readonly #known = new Map<string, Outcome>();

  constructor(variables: Variables, evaluateOne: (program: CelProgram) => Outcome) {
    this.#variables = variables;
    this.#evaluate = evaluateOne;
  }

  get size(): number {
    return this.#variables.compiled.size;
  }

  has(key: CelValue): boolean {
    return typeof key === 'string' && this.#variables.compiled.has(key);
  }

  get(key: CelValue): CelValue | undefined {
    if (typeof key !== 'string') return undefined;
    const compiled = this.#variables.compiled.get(key);
    if (compiled === undefined) return undefined;
    const outcome = this.#known.get(key) ?? this.#first(compiled);
    this.#known.set(key, outcome);
    if (outcome.kind === 'value') return outcome.value;
    throw new CelError(`composited variable ${JSON.stringify(key)} ${outcome.message}`);
  }

  keys(): Iterable<CelValue> {
    return this.#variables.compiled.keys();
  }

  #first(compiled: Compiled): Outcome {
    if (compiled.kind === 'problem') return { kind: 'error', message: `fails to compile: ${compiled.problem}` };
    const outcome = this.#evaluate(compiled.program);
    return outcome.kind === 'value' ? outcome : { kind: 'error', message: `fails to evaluate: ${outcome.message}` };
  }
}

/** One condition under which a policy or webhook is asked at all. */
export interface MatchCondition {
  readonly name: string;
  readonly compiled: Compiled;
}

/** Compiles match conditions (KEP-3716). */
export function compileConditions(
  conditions: readonly { readonly name: string; readonly expression?: string }[],
  options: CompileOptions,
): readonly MatchCondition[] {
  return conditions.map(({ name, expression }) => ({ name, compiled: compileExpression(expression, [BOOL], options) }));
}

/** Whether all conditions hold; one that is false decides, whatever else fails. */
export function holdAll(
  conditions: readonly MatchCondition[],
  run: Run,
): { readonly kind: 'match' | 'noMatch' } | { readonly kind: 'failed'; readonly reason: string } {
  const failures: string[] = [];
  for (const { compiled } of conditions) {
    const outcome = run.evaluate(compiled);
    if (outcome.kind === 'error') failures.push(outcome.message);
    else if (outcome.value === false) return { kind: 'noMatch' };
  }
  if (failures.length === 0) return { kind: 'match' };
  return { kind: 'failed', reason: failures.length === 1 ? (failures[0] ?? '') : `[${failures.join(', ')}]` };
}

import { isTrue } from '../go/type-names.ts';
import { GoMap, GoSlice, type GoMethod, type GoValue } from '../go/value.ts';
import { validate } from './assign.ts';
import { BudgetError } from './budget.ts';
import type { Eval, Execution, Expression } from './execution.ts';
import type { FunctionTable, TemplateFunction } from './function-table.ts';
import type { TemplateNode, TermNode } from './nodes.ts';
import { compileArgument, type Argument, type CompileTerm } from './operands.ts';

/** A compiled stage of a pipeline: `final` is the value of the stage before. */
export type Stage = (run: Execution, dot: Eval, final: Eval) => Eval;

/** A call as written. */
export interface CallSite {
  readonly name: string;
  /** The identifier, where errors of the arguments' count point. */
  readonly identifier: TemplateNode;
  /** The whole command, where errors of the call point. */
  readonly command: TemplateNode;
  readonly args: readonly TermNode[];
  readonly hasFinal: boolean;
}

/** Go's evalCall for functions. */
export function compileCall(site: CallSite, functions: FunctionTable, compileTerm: CompileTerm): Stage {
  const fn = functions.get(site.name);
  if (fn === undefined) return (run) => run.fail(`"${site.name}" is not a defined function`);
  const complaint = countComplaint(site, fn.params.length, fn.variadic);
  if (complaint !== undefined) {
    return (run) => {
      run.node = site.identifier;
      return run.fail(complaint);
    };
  }
  if (site.name === 'and' || site.name === 'or') return compileShortCircuit(site, compileTerm);
  const args = site.args.map((arg, index) => compileArgument(arg, paramAt(fn, index), compileTerm));
  return invoke(site, fn, args);
}

function invoke(site: CallSite, fn: TemplateFunction, args: readonly Argument[]): Stage {
  const { identifier, command, hasFinal, name } = site;
  const finalType = paramAt(fn, args.length);
  const count = args.length;
  return (run, dot, final) => {
    run.host.budget.step();
    run.node = identifier;
    const values: GoValue[] = [];
    for (let index = 0; index < count; index += 1) values.push(args[index]?.(run, dot) ?? null);
    if (hasFinal) values.push(validate(run, final, finalType));
    try {
      const result = fn.call(values, run.host.context);
      const size = sizeOf(result);
      // A worker whose heap overflows inside one huge allocation takes its process along, so growth is stopped here.
      if (size > LARGE_VALUE_BYTES) run.host.budget.hold(size);
      return result;
    } catch (error) {
      return callFailed(run, command, name, error);
    }
  };
}

const LARGE_VALUE_BYTES = 64 * 1024;

function sizeOf(value: GoValue): number {
  if (typeof value === 'string') return value.length;
  if (value instanceof GoSlice) return value.items.length * 16;
  return value instanceof GoMap ? value.entries.size * 64 : 0;
}

function callFailed(run: Execution, command: TemplateNode, name: string, error: unknown): never {
  if (error instanceof BudgetError || !(error instanceof Error)) throw error;
  if (isStackOverflow(error)) throw error;
  run.node = command;
  return run.fail(`error calling ${name}: ${error.message}`, error);
}

/** Whether the JavaScript stack ran out. */
export function isStackOverflow(error: unknown): boolean {
  return error instanceof RangeError && error.message.startsWith('Maximum call stack');
}

function countComplaint(site: CallSite, params: number, variadic: boolean): string | undefined {
  const given = site.args.length + (site.hasFinal ? 1 : 0);
  if (variadic) return given < params - 1 ? `wrong number of args for ${site.name}: want at least ${params - 1} got ${site.args.length}` : undefined;
  return given === params ? undefined : `wrong number of args for ${site.name}: want ${params} got ${given}`;
}

function paramAt(fn: { readonly params: readonly string[]; readonly variadic?: boolean }, index: number): string {
  return fn.params[Math.min(index, fn.params.length - 1)] ?? 'interface {}';
}

// The builtins and/or stop at the first operand that decides, and give that operand.
function compileShortCircuit(site: CallSite, compileTerm: CompileTerm): Stage {
  const args = site.args.map((arg) => compileArgument(arg, 'reflect.Value', compileTerm));
  const stopAt = site.name === 'or';
  return (run, dot, final) => {
    run.host.budget.step();
    run.node = site.identifier;
    let value: Eval = undefined;
    for (const arg of args) {
      value = arg(run, dot);
      if (isTrue(value) === stopAt) return value;
    }
    return site.hasFinal ? final : value;
  };
}

/** How a method is called: the site, and the values known where it runs. */
export interface MethodCall {
  readonly site: CallSite;
  readonly dot: Eval;
  readonly final: Eval;
  readonly compileTerm: CompileTerm;
}

/** Go's evalCall for a method with arguments. */
export function callWithArguments(run: Execution, method: GoMethod, { site, dot, final, compileTerm }: MethodCall): Eval {
  const variadic = method.variadic === true;
  const complaint = countComplaint(site, method.params.length, variadic);
  if (complaint !== undefined) run.fail(complaint);
  const values = site.args.map((arg, index) => compileArgument(arg, paramAt(method, index), compileTerm)(run, dot));
  if (site.hasFinal) values.push(validate(run, final, paramAt(method, values.length)));
  try {
    return method.call(values);
  } catch (error) {
    return callFailed(run, site.command, site.name, error);
  }
}

/** A stage that takes no value from the stage before. */
export function asExpression(stage: Stage): Expression {
  return (run, dot) => stage(run, dot, undefined);
}

import type { GoValue } from '../go/value.ts';
import { Budget } from './budget.ts';
import type { FunctionEnvironment, FunctionTable } from './function-table.ts';

/** What a set is made of. */
export interface TemplateSetOptions {
  readonly functions: FunctionTable;
  readonly environment: FunctionEnvironment;
  readonly budget?: Budget;
  readonly missingKey?: 'zero' | 'error';
}

/** Named templates that call each other. */
export interface TemplateSet {
  /** Adds a template and its defines. Throws TemplateParseError with Go's message. */
  parse(name: string, text: string): void;
  has(name: string): boolean;
  /** Renders a template. Throws TemplateExecError with Go's message, BudgetError when the budget is spent. */
  execute(name: string, dot: GoValue): string;
}

/** Makes an empty set. */
export function createTemplateSet(options: TemplateSetOptions): TemplateSet {
  throw new Error(`not yet: ${String(options)}`);
}

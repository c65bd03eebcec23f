import { DomainError } from '@tiphys/kernel';

/** Limits of one render. */
export interface BudgetLimits {
  /** Template nodes executed. */
  readonly steps: number;
  /** Bytes (UTF-16 units) written by all templates, nested ones included. */
  readonly outputBytes: number;
  /** Templates active at once, through `template`, `include` and `tpl`. */
  readonly depth: number;
}

/** Limits that every chart of the public corpora stays far below. */
export const defaultBudgetLimits: BudgetLimits = { steps: 50_000_000, outputBytes: 512 * 1024 * 1024, depth: 2_000 };

/** Thrown when a render used up its budget. It ends the whole render: no template can catch it. */
export class BudgetError extends DomainError<{ readonly code: 'steps' | 'output' | 'depth'; readonly limit: number }> {
  override readonly name = 'BudgetError';
}

/** The account of one render. Templates and functions spend from it. */
export class Budget {
  readonly limits: BudgetLimits;
  #steps = 0;
  #output = 0;

  constructor(limits: BudgetLimits = defaultBudgetLimits) {
    this.limits = limits;
  }

  /** Counts work; throws BudgetError when there is none left. */
  step(amount = 1): void {
    this.#steps += amount;
    if (this.#steps > this.limits.steps) throw exceeded('steps', this.limits.steps);
  }

  /** Counts output; throws BudgetError when there is too much. */
  write(length: number): void {
    this.#output += length;
    if (this.#output > this.limits.outputBytes) throw exceeded('output', this.limits.outputBytes);
  }

  /** Checks the number of active templates; throws BudgetError beyond the limit. */
  enter(depth: number): void {
    if (depth > this.limits.depth) throw exceeded('depth', this.limits.depth);
  }
}

function exceeded(code: 'steps' | 'output' | 'depth', limit: number): BudgetError {
  const what = { steps: 'execution steps', output: 'output bytes', depth: 'nested templates' }[code];
  return new BudgetError({ code, limit }, `template: render stopped: more than ${limit} ${what}; look for an endless loop or recursion`);
}

import { DomainError } from '@tiphys/kernel';

/** Limits of one render. */
export interface BudgetLimits {
  /** Template nodes executed. */
  readonly steps: number;
  /** Bytes (UTF-16 units) written by all templates, nested ones included. */
  readonly outputBytes: number;
  /** Templates active at once, through `template`, `include` and `tpl`. */
  readonly depth: number;
  /** Bytes of all large values that functions returned: what a render may pile up in memory. Default 256 MiB. */
  readonly heldBytes?: number;
}

/** Limits that every chart of the public corpora stays far below. */
export const defaultBudgetLimits: BudgetLimits = { steps: 50_000_000, outputBytes: 512 * 1024 * 1024, depth: 2_000 };

/** Thrown when a render used up its budget. It ends the whole render: no template can catch it. */
export class BudgetError extends DomainError<{ readonly code: 'steps' | 'output' | 'depth' | 'memory'; readonly limit: number }> {
  override readonly name = 'BudgetError';
}

/** The account of one render. Templates and functions spend from it. */
export class Budget {
  readonly limits: BudgetLimits;
  #steps = 0;
  #output = 0;
  #held = 0;

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

  /** Counts the memory of a large value; throws BudgetError when a render has made too much of it. */
  hold(bytes: number): void {
    this.#held += bytes;
    const limit = this.limits.heldBytes ?? DEFAULT_HELD_BYTES;
    if (this.#held > limit) throw exceeded('memory', limit);
  }

  /** Checks the number of active templates; throws BudgetError beyond the limit. */
  enter(depth: number): void {
    if (depth > this.limits.depth) throw exceeded('depth', this.limits.depth);
  }
}

const DEFAULT_HELD_BYTES = 256 * 1024 * 1024;

function exceeded(code: BudgetError['code'], limit: number): BudgetError {
  const what = { steps: 'execution steps', output: 'output bytes', depth: 'nested templates', memory: 'bytes of large values' }[code];
  return new BudgetError({ code, limit }, `template: render stopped: more than ${limit} ${what}; look for an endless loop or recursion`);
}

import type { CelType } from './cel-type.ts';
import type { Expr } from './expr.ts';

/** From how little to how much, in cost units or elements. `Infinity`: no bound (cel-go saturates at 2^64). */
export interface Range {
  readonly min: number;
  readonly max: number;
}

/** What a call may cost besides its arguments, and how large its result may be. */
export interface CallEstimate {
  readonly cost: Range;
  readonly resultSize?: Range;
}

/** An argument as cost estimates see it. */
export interface EstimatedNode {
  readonly expr: Expr;
  readonly type: CelType;
  readonly size: Range;
  /** Size of the items of a list; undefined when it is no list of a known element type. */
  readonly elementSize: Range | undefined;
}

/** Cost of reading a text once, for each character. */
export const TRAVERSAL = 0.1;
/** Cost of applying a regular expression to a text of unit cost, for each of its characters. */
export const REGEX = 0.25;
/** Costs of making a list, map or object. */
export const LIST_COST = 10;
export const MAP_COST = 30;
export const STRUCT_COST = 40;

/** Where nothing is known. */
export const UNKNOWN: Range = { min: 0, max: Infinity };
export const ZERO: Range = { min: 0, max: 0 };

/** A range of one number. */
export function exactly(count: number): Range {
  return { min: count, max: count };
}

export function add(...ranges: readonly Range[]): Range {
  return { min: ranges.reduce((sum, range) => sum + range.min, 0), max: ranges.reduce((sum, range) => sum + range.max, 0) };
}

export function multiply(a: Range, b: Range): Range {
  return { min: product(a.min, b.min), max: product(a.max, b.max) };
}

// Nothing times without bound is nothing.
function product(a: number, b: number): number {
  return a === 0 || b === 0 ? 0 : a * b;
}

/** Scaled by a factor and rounded up. */
export function scale(range: Range, factor: number): Range {
  return { min: Math.ceil(range.min * factor), max: Math.ceil(range.max * factor) };
}

/** The range that holds both. */
export function union(a: Range, b: Range): Range {
  return { min: Math.min(a.min, b.min), max: Math.max(a.max, b.max) };
}

import { encodeUtf8 } from '../bytes.ts';
import { add, exactly, multiply, REGEX, scale, TRAVERSAL, UNKNOWN, type CallEstimate, type EstimatedNode, type Range } from '../estimate.ts';
import type { OverloadBody } from '../overload.ts';
import { CelList, isMap, sizeOf, type CelValue } from '../value.ts';

/** How a function's cost is counted when it runs and estimated before. */
export type CostRule = Required<Pick<OverloadBody, 'cost' | 'estimate'>>;

/** Size of an argument; without bound when there is no such argument. */
export function sizeAt(args: readonly EstimatedNode[], index: number): Range {
  return args[index]?.size ?? UNKNOWN;
}

/** Size of a value among arguments. */
export function valueSize(args: readonly CelValue[], index: number): number {
  const value = args[index];
  return value === undefined ? 0 : sizeOf(value);
}

/** The cost of looking at everything a value holds. */
export function traversalOf(value: CelValue): number {
  if (typeof value === 'string') return Math.floor(encodeUtf8(value).length * TRAVERSAL);
  if (value instanceof Uint8Array) return Math.floor(value.length * TRAVERSAL);
  let cost = 0;
  if (value instanceof CelList) for (const item of value) cost += traversalOf(item);
  else if (isMap(value)) for (const key of value.keys()) cost += traversalOf(key) + traversalOf(value.get(key) ?? null);
  else return 1;
  return cost;
}

/** A fixed cost. */
export function constantCost(units: number): CostRule {
  return { cost: () => units, estimate: () => ({ cost: exactly(units) }) };
}

/** Reading the argument at an index `times` times over; `keepsSize`: the result is at most as large. */
export function traversal(index: number = 0, times: number = 1, keepsSize: boolean = false): CostRule {
  return {
    cost: (args) => Math.ceil(valueSize(args, index) * times * TRAVERSAL),
    estimate: (args) => {
      const size = sizeAt(args, index);
      const cost = scale(size, times * TRAVERSAL);
      return keepsSize ? { cost, resultSize: size } : { cost };
    },
  };
}

/** Matching a text against a regular expression (cel-go: matches; Kubernetes: find, findAll). */
export const regexCost: CostRule = {
  cost: (args) => Math.ceil((1 + valueSize(args, 0)) * TRAVERSAL) * Math.ceil(valueSize(args, 1) * REGEX),
  estimate: (args) => ({ cost: multiply(scale(add(sizeAt(args, 0), exactly(1)), TRAVERSAL), scale(sizeAt(args, 1), REGEX)) }),
};

/** Comparing two texts, bytes or containers as far as the shorter goes. */
export const comparisonCost: CostRule = {
  cost: (args) => Math.ceil(Math.min(valueSize(args, 0), valueSize(args, 1)) * TRAVERSAL),
  estimate: (args) => {
    const max = Math.min(sizeAt(args, 0).max, sizeAt(args, 1).max);
    return { cost: scale({ min: max > 0 ? 1 : 0, max }, TRAVERSAL) };
  },
};

/** Joining two texts or bytes. */
export const joinCost: CostRule = {
  cost: (args) => Math.ceil((valueSize(args, 0) + valueSize(args, 1)) * TRAVERSAL),
  estimate: (args): CallEstimate => {
    const resultSize = add(sizeAt(args, 0), sizeAt(args, 1));
    return { cost: scale(resultSize, TRAVERSAL), resultSize };
  },
};

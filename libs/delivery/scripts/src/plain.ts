import { SCRIPT_LIMITS } from './script-call.ts';

/** Thrown when a script gives back what is not data: a function, a cycle, or far too much. */
class NotPlainError extends Error {
  override readonly name = 'NotPlainError';
}

/** The JSON data in what a script gave back. Throws NotPlainError. */
export function toPlain(value: unknown): unknown {
  const budget = { nodes: SCRIPT_LIMITS.valueNodes };
  return copy(value, SCRIPT_LIMITS.valueDepth, budget);
}

function copy(value: unknown, depth: number, budget: { nodes: number }): unknown {
  budget.nodes -= 1;
  if (budget.nodes < 0) throw new NotPlainError('the result is too large');
  if (depth === 0) throw new NotPlainError('the result is nested too deep');
  if (typeof value === 'bigint') return Number(value);
  if (value === undefined || value === null || typeof value === 'string' || typeof value === 'boolean' || typeof value === 'number') return value;
  if (typeof value !== 'object') throw new NotPlainError(`the result holds a ${typeof value}`);
  if (Array.isArray(value)) return value.map((item) => copy(item, depth - 1, budget));
  const entries = value instanceof Map ? [...value.entries()] : Object.entries(value);
  return Object.fromEntries(entries.map(([key, item]) => [String(key), copy(item, depth - 1, budget)]));
}

/** A copy without nulls, which no Lua table can hold. */
export function withoutNulls(value: unknown): unknown {
  if (Array.isArray(value)) return value.filter((item) => item !== null && item !== undefined).map(withoutNulls);
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(Object.entries(value).flatMap(([key, item]) => (item === null || item === undefined ? [] : [[key, withoutNulls(item)]])));
}

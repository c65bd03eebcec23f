import { runtimeError } from '../machine.ts';
import { Thunk, type Value } from '../value.ts';
import type { StdTools } from './define.ts';

/** Plain data as a value of the language. */
export function fromPlain(std: StdTools, plain: unknown): Value {
  if (plain === null || typeof plain === 'string' || typeof plain === 'number' || typeof plain === 'boolean') return plain;
  if (Array.isArray(plain)) return std.array(plain.map((item) => std.machine.enter(() => fromPlain(std, item))));
  if (typeof plain !== 'object') throw runtimeError(`no value of the language: ${typeof plain}`);
  return std.object(Object.entries(plain).map(([name, value]) => [name, new Thunk(() => std.machine.enter(() => fromPlain(std, value)))] as const));
}

import { runtimeError, type Machine } from '../machine.ts';
import type { Operators } from '../operators.ts';
import { bindArguments } from '../parameters.ts';
import { callWith, JsonnetArray, JsonnetFunction, JsonnetObject, Thunk, typeOf, type Value } from '../value.ts';

/** What the functions of `std` work with. */
export class StdTools {
  readonly machine: Machine;
  readonly operators: Operators;

  constructor(machine: Machine, operators: Operators) {
    this.machine = machine;
    this.operators = operators;
  }

  call(target: JsonnetFunction, ...args: readonly Value[]): Value {
    return callWith(this.machine, target, ...args.map((value) => Thunk.of(value)));
  }

  /** A call that is made when its value is needed. */
  later(target: JsonnetFunction, ...args: readonly Thunk[]): Thunk {
    return new Thunk(() => callWith(this.machine, target, ...args));
  }

  array(values: readonly Value[]): JsonnetArray {
    return this.lazyArray(values.map((value) => Thunk.of(value)));
  }

  lazyArray(items: readonly Thunk[]): JsonnetArray {
    this.machine.chargeItems(items.length);
    return new JsonnetArray(items);
  }

  object(fields: Iterable<readonly [string, Thunk]>): JsonnetObject {
    const rules = new Map([...fields].map(([name, value]) => [name, { visibility: ':' as const, isAdded: false, valueFor: () => value.force() }]));
    this.machine.chargeItems(rules.size);
    return new JsonnetObject([{ fields: rules }], this.machine, this.operators.add);
  }

  text(value: string): string {
    this.machine.chargeText(value.length);
    return value;
  }
}

/** A function of `std`: arguments that were left out are ABSENT. */
export interface StdFunction {
  readonly names: readonly string[];
  readonly isOptional: readonly boolean[];
  readonly run: (std: StdTools, ...args: readonly Thunk[]) => Value;
}

/** Functions by name. */
export type StdFunctions = Readonly<Record<string, StdFunction>>;

/** Stands for an argument that was not given. */
export const ABSENT: Thunk = Thunk.of(null);

/** Defines a function by its parameters, `name` or `name=` where it may be left out. */
export function fn(parameters: string, run: StdFunction['run']): StdFunction {
  const words = parameters.split(' ').filter((word) => word !== '');
  return { names: words.map((word) => word.replace('=', '')), isOptional: words.map((word) => word.endsWith('=')), run };
}

/** A function of the language that runs one of `std`. */
export function toFunction(std: StdTools, { names, isOptional, run }: StdFunction): JsonnetFunction {
  return new JsonnetFunction(isOptional.filter((optional) => !optional).length, (args) =>
    run(std, ...bindArguments(names, isOptional, args).map((thunk) => thunk ?? ABSENT)),
  );
}

function mismatch(value: Value, wanted: string): Error {
  return runtimeError(`Unexpected type ${typeOf(value)}, expected ${wanted}`);
}

/** The text of an argument. Throws JsonnetError where it is none; so do the others below. */
export function str(thunk: Thunk): string {
  const value = thunk.force();
  if (typeof value !== 'string') throw mismatch(value, 'string');
  return value;
}

export function num(thunk: Thunk): number {
  const value = thunk.force();
  if (typeof value !== 'number') throw mismatch(value, 'number');
  return value;
}

export function int(thunk: Thunk): number {
  const value = num(thunk);
  if (!Number.isInteger(value)) throw runtimeError(`Expected an integer, but got ${value}`);
  return value;
}

export function bool(thunk: Thunk): boolean {
  const value = thunk.force();
  if (typeof value !== 'boolean') throw mismatch(value, 'boolean');
  return value;
}

export function arr(thunk: Thunk): JsonnetArray {
  const value = thunk.force();
  if (!(value instanceof JsonnetArray)) throw mismatch(value, 'array');
  return value;
}

export function obj(thunk: Thunk): JsonnetObject {
  const value = thunk.force();
  if (!(value instanceof JsonnetObject)) throw mismatch(value, 'object');
  return value;
}

export function func(thunk: Thunk): JsonnetFunction {
  const value = thunk.force();
  if (!(value instanceof JsonnetFunction)) throw mismatch(value, 'function');
  return value;
}

/** Items of an array, or the characters of a text. */
export function itemsOf(thunk: Thunk): readonly Thunk[] {
  const value = thunk.force();
  if (typeof value === 'string') return [...value].map((char) => Thunk.of(char));
  if (!(value instanceof JsonnetArray)) throw mismatch(value, 'array');
  return value.items;
}

import type { Checked } from './checker.ts';
import { LIST_COST, MAP_COST, STRUCT_COST } from './estimate.ts';
import { OPERATORS, type Comprehension, type Expr } from './expr.ts';
import { optionalAt, valueAt } from './library/standard.ts';
import { equals } from './operations.ts';
import type { Overload } from './overload.ts';
import { CelCostError, CelError, noSuchOverload } from './problem.ts';
import { fits } from './type-of.ts';
import { CelList, CelLiteralMap, CelOptional, CelStruct, CelUint, describeKey, isMap, typeNameOf, type CelValue } from './value.ts';

/** What an evaluation reads and spends. */
export interface Frame {
  /** The value of a declared variable; undefined when it was not given. */
  readonly resolve: (name: string) => CelValue | undefined;
  readonly locals: (CelValue | CelError)[];
  readonly limit: number;
  cost: number;
}

/** A part of a program, ready to run. Throws `CelError` and `CelCostError`. */
export type Step = (frame: Frame) => CelValue;

/** Turns a checked expression into a program that counts what it costs as cel-go does (interpreter/runtimecost.go). */
export function plan(checked: Checked): Step {
  return new Planner(checked).plan(checked.expr, { names: new Map(), next: 0 });
}

function charge(frame: Frame, units: number): void {
  frame.cost += units;
  if (frame.cost > frame.limit) throw new CelCostError();
}

/** Variables of comprehensions, the slots they lie in, and the first free slot. */
interface Slots {
  readonly names: ReadonlyMap<string, number>;
  readonly next: number;
}

class Planner {
  readonly #checked: Checked;
  // Macros may use one node twice, in the same scope.
  readonly #planned = new Map<Expr, Step>();
  // Steps whose value is known before: they cost nothing (cel-go's OptOptimize).
  readonly #constants = new Map<Step, CelValue>();

  constructor(checked: Checked) {
    this.#checked = checked;
  }

  plan(expr: Expr, slots: Slots): Step {
    const known = this.#planned.get(expr);
    if (known !== undefined) return known;
    const step = this.#make(expr, slots);
    this.#planned.set(expr, step);
    return step;
  }

  #make(expr: Expr, slots: Slots): Step {
    switch (expr.kind) {
      case 'literal':
        return this.#constant(expr.value);
      case 'ident':
        return this.#ident(expr, slots);
      case 'select':
        return this.#select(expr, slots);
      case 'call':
        return this.#call(expr, slots);
      case 'list':
        return this.#list(expr, slots);
      case 'map':
        return this.#map(expr, slots);
      case 'struct':
        return this.#struct(expr, slots);
      case 'comprehension':
        return this.#comprehension(expr, slots);
    }
  }

  #constant(value: CelValue): Step {
    const step = (): CelValue => value;
    this.#constants.set(step, value);
    return step;
  }

  // The value of an expression that depends on nothing; a failure is left for when it runs.
  #folded(make: Step): Step {
    const value = attempt(make, { resolve: () => undefined, locals: [], limit: Infinity, cost: 0 });
    return value instanceof CelError ? make : this.#constant(value);
  }

  // What a variable leads to, without the unit for naming the variable: cel-go counts none for branches and keys.
  #bare(expr: Expr, slots: Slots): Step {
    if (expr.kind === 'ident') return this.#ident(expr, slots, 0);
    if (expr.kind === 'select' && !expr.testOnly) return this.#select(expr, slots, true);
    if (expr.kind === 'call' && expr.name === OPERATORS.index) return this.#call(expr, slots, true);
    return this.plan(expr, slots);
  }

  #ident(expr: Extract<Expr, { kind: 'ident' }>, slots: Slots, units: number = 1): Step {
    const type = this.#checked.typeNamed(expr);
    if (type !== undefined) return () => type;
    const slot = slots.names.get(expr.name);
    const { name } = expr;
    if (slot !== undefined) {
      return (frame) => {
        charge(frame, units);
        const value = frame.locals[slot];
        if (value instanceof CelError) throw value;
        if (value === undefined) throw new CelError(`no such attribute(s): ${name}`);
        return value;
      };
    }
    return planVariable(name, units);
  }

  #select(expr: Extract<Expr, { kind: 'select' }>, slots: Slots, isBare: boolean = false): Step {
    const type = this.#checked.typeNamed(expr);
    if (type !== undefined) return () => type;
    const variable = this.#checked.variableNamed(expr);
    if (variable !== undefined) return planVariable(variable, isBare ? 0 : 1);
    const operand = isBare ? this.#bare(expr.operand, slots) : this.plan(expr.operand, slots);
    const { field } = expr;
    // Presence tests cost nothing themselves: Kubernetes keeps cel-go's older count (apiserver environment/base.go).
    if (expr.testOnly) return (frame) => isPresent(operand(frame), field);
    return (frame) => {
      const container = operand(frame);
      charge(frame, 1);
      return selectField(container, field);
    };
  }

  #call(expr: Extract<Expr, { kind: 'call' }>, slots: Slots, isBare: boolean = false): Step {
    const target = expr.target === undefined || this.#checked.isQualified(expr) ? [] : [expr.target];
    const isBareAt = (index: number): boolean =>
      (expr.name === OPERATORS.conditional && index > 0) || (expr.name === OPERATORS.index && (index === 1 || isBare));
    const args = [...target, ...expr.args].map((arg, index) => (isBareAt(index) ? this.#bare(arg, slots) : this.plan(arg, slots)));
    const [first, second, third] = args;
    if (first !== undefined && second !== undefined) {
      if (expr.name === OPERATORS.and) return planLogic(first, second, false);
      if (expr.name === OPERATORS.or) return planLogic(first, second, true);
      if (expr.name === OPERATORS.conditional && third !== undefined) return planConditional(first, second, third);
    }
    if (expr.name === OPERATORS.notStrictlyFalse && first !== undefined) return planNotStrictlyFalse(first);
    const overloads = this.#checked.overloadsOf(expr);
    if (first !== undefined && second !== undefined) {
      if (target.length > 0 && (expr.name === 'or' || expr.name === 'orValue')) return planOtherwise(first, second, expr.name === 'or');
      if (expr.name === OPERATORS.optSelect || expr.name === OPERATORS.optIndex) return planOptional(first, second);
      const items = this.#constants.get(second);
      if (expr.name === OPERATORS.in && items instanceof CelList && [...items].every(isPrimitive)) return planMembership(first, items);
    }
    const call = planCall(overloads, args);
    return first !== undefined && args.length === 1 && CONVERSIONS.has(expr.name) && this.#constants.has(first) ? this.#folded(call) : call;
  }

  #list(expr: Extract<Expr, { kind: 'list' }>, slots: Slots): Step {
    const steps = expr.elements.map((element) => this.plan(element, slots));
    const { optionals } = expr;
    if (steps.every((step) => this.#constants.has(step))) {
      const items = steps.map((step) => this.#constants.get(step) ?? null);
      // With room behind it, so that what is appended goes to a copy.
      return this.#constant(new CelList([...items, null], items.length));
    }
    return (frame) => {
      const items: CelValue[] = [];
      for (const [index, step] of steps.entries()) {
        const value = step(frame);
        const item = optionals.has(index) ? unwrap(value) : value;
        if (item !== undefined) items.push(item);
      }
      charge(frame, LIST_COST);
      return new CelList(items);
    };
  }

  #map(expr: Extract<Expr, { kind: 'map' }>, slots: Slots): Step {
    const entries = expr.entries.map(({ key, value, optional }) => ({ key: this.plan(key, slots), value: this.plan(value, slots), optional }));
    // The accumulator of a macro: a map of its own each time, for nothing.
    if (entries.length === 0) return () => new CelLiteralMap();
    const make: Step = (frame) => {
      const map = new CelLiteralMap();
      for (const entry of entries) {
        const key = entry.key(frame);
        const value = entry.value(frame);
        const item = entry.optional ? unwrap(value) : value;
        if (item !== undefined) map.insert(key, item);
      }
      charge(frame, MAP_COST);
      return map;
    };
    return entries.every(({ key, value }) => this.#constants.has(key) && this.#constants.has(value)) ? this.#folded(make) : make;
  }

  #struct(expr: Extract<Expr, { kind: 'struct' }>, slots: Slots): Step {
    const fields = expr.fields.map(({ name, value, optional }) => ({ name, value: this.plan(value, slots), optional }));
    const { name } = expr;
    return (frame) => {
      const made = new Map<string, CelValue>();
      for (const field of fields) {
        const value = field.value(frame);
        const item = field.optional ? unwrap(value) : value;
        if (item !== undefined) made.set(field.name, item);
      }
      charge(frame, STRUCT_COST);
      return new CelStruct(name, made);
    };
  }

  #comprehension(expr: Comprehension, slots: Slots): Step {
    const base = slots.next;
    const accu = base;
    const names = new Map(slots.names).set(expr.accuVar, accu);
    const withAccu: Slots = { names, next: base + 3 };
    const inner: Slots = { names: new Map(names).set(expr.iterVar, base + 1), next: base + 3 };
    const withSecond: Slots = expr.iterVar2 === undefined ? inner : { ...inner, names: new Map(inner.names).set(expr.iterVar2, base + 2) };
    const range = this.plan(expr.range, slots);
    const init = this.plan(expr.init, slots);
    const condition = this.plan(expr.condition, withSecond);
    const step = this.plan(expr.step, withSecond);
    const result = this.plan(expr.result, withAccu);
    const pairs = expr.iterVar2 === undefined ? singles : doubles;
    return (frame) => {
      const over = range(frame);
      frame.locals[accu] = init(frame);
      for (const [first, second] of pairs(over)) {
        frame.locals[base + 1] = first;
        frame.locals[base + 2] = second;
        if (condition(frame) !== true) break;
        frame.locals[accu] = attempt(step, frame);
      }
      return result(frame);
    };
  }
}

function planVariable(name: string, units: number): Step {
  return (frame) => {
    charge(frame, units);
    const value = frame.resolve(name);
    if (value === undefined) throw new CelError(`no such attribute(s): ${name}`);
    return value;
  };
}

// An error of one step may yet be absorbed by a later one: `all` and `exists` are chains of && and ||.
function attempt(step: Step, frame: Frame): CelValue | CelError {
  try {
    return step(frame);
  } catch (error) {
    if (error instanceof CelError) return error;
    throw error;
  }
}

function* singles(range: CelValue): Generator<readonly [CelValue, CelValue]> {
  if (range instanceof CelList) for (const item of range) yield [item, null];
  else if (isMap(range)) for (const key of range.keys()) yield [key, null];
  else throw noSuchOverload();
}

function* doubles(range: CelValue): Generator<readonly [CelValue, CelValue]> {
  if (range instanceof CelList) {
    let index = 0n;
    for (const item of range) {
      yield [index, item];
      index += 1n;
    }
  } else if (isMap(range)) for (const key of range.keys()) yield [key, range.get(key) ?? null];
  else throw noSuchOverload();
}

function unwrap(value: CelValue): CelValue | undefined {
  if (!(value instanceof CelOptional)) throw noSuchOverload();
  return value.value;
}

function isPresent(container: CelValue, field: string): boolean {
  if (container instanceof CelOptional) return container.value !== undefined && isPresent(container.value, field);
  if (isMap(container)) return container.has(field);
  throw new CelError(`no such key: ${field}`);
}

function selectField(container: CelValue, field: string): CelValue {
  if (container instanceof CelOptional) return optionalAt(container, field);
  if (isMap(container)) return valueAt(container, field);
  if (container === null) throw new CelError(`no such key: ${field}`);
  throw new CelError(`unsupported type for field selection: ${typeNameOf(container)}, no such key: ${describeKey(field)}`);
}

// Each side may make up for an error or a wrong type of the other.
function planLogic(left: Step, right: Step, decisive: boolean): Step {
  return (frame) => {
    const first = attempt(left, frame);
    if (first === decisive) return decisive;
    const second = attempt(right, frame);
    if (second === decisive) return decisive;
    if (first instanceof CelError) throw first;
    if (second instanceof CelError) throw second;
    if (typeof first !== 'boolean' || typeof second !== 'boolean') throw noSuchOverload();
    return !decisive;
  };
}

function planConditional(condition: Step, yes: Step, no: Step): Step {
  return (frame) => {
    const value = condition(frame);
    if (typeof value !== 'boolean') throw noSuchOverload();
    return value ? yes(frame) : no(frame);
  };
}

function planNotStrictlyFalse(operand: Step): Step {
  return (frame) => {
    const value = attempt(operand, frame);
    charge(frame, 1);
    return value !== false;
  };
}

// Conversions whose value is known before when that of their argument is (cel-go overloads.IsTypeConversionFunction).
const CONVERSIONS: ReadonlySet<string> = new Set(['bool', 'bytes', 'double', 'duration', 'dyn', 'int', 'string', 'timestamp', 'type', 'uint']);

const isPrimitive = (value: CelValue): boolean => typeof value !== 'object' || value instanceof CelUint;

// Whether a value is among literals, which costs nothing.
function planMembership(item: Step, items: CelList): Step {
  const list = [...items];
  const texts: ReadonlySet<CelValue> | undefined = list.every((one) => typeof one === 'string') ? new Set(list) : undefined;
  return (frame) => {
    const value = item(frame);
    return texts === undefined ? list.some((one) => equals(value, one)) : texts.has(value);
  };
}

// The second is asked for only when the first is absent, and neither costs more than it is.
function planOtherwise(optional: Step, otherwise: Step, isOptional: boolean): Step {
  return (frame) => {
    const value = optional(frame);
    if (!(value instanceof CelOptional)) throw noSuchOverload();
    if (value.value === undefined) return otherwise(frame);
    return isOptional ? value : value.value;
  };
}

// A unit for what is there; what is absent costs nothing.
function planOptional(container: Step, key: Step): Step {
  return (frame) => {
    const found = optionalAt(container(frame), key(frame));
    if (found.value !== undefined) charge(frame, 1);
    return found;
  };
}

function planCall(candidates: readonly Overload[], steps: readonly Step[]): Step {
  const isIndex = candidates[0]?.name === OPERATORS.index;
  return (frame) => {
    const args: CelValue[] = [];
    try {
      for (const step of steps) args.push(step(frame));
    } catch (error) {
      if (error instanceof CelError && !isIndex) chargeFailed(steps, args.length, frame);
      throw error;
    }
    const overload = candidates.find((candidate) => takes(candidate, args));
    if (overload === undefined) throw noSuchOverload();
    // Charged before it is done: what costs too much is not done.
    charge(frame, overload.cost === undefined ? 1 : overload.cost(args));
    return overload.run(args);
  };
}

// Both arguments of a call are evaluated and the call is counted although one of them failed.
function chargeFailed(steps: readonly Step[], failed: number, frame: Frame): void {
  if (steps.length > 2) return;
  for (const step of steps.slice(failed + 1)) attempt(step, frame);
  charge(frame, 1);
}

function takes({ name, params }: Overload, args: readonly CelValue[]): boolean {
  // An index of dyn may be a whole number of any type: the function judges it.
  const judged = name === OPERATORS.index || name === OPERATORS.optIndex ? args.slice(0, 1) : args;
  return judged.every((arg, index) => fits(arg, params[index] ?? { kind: 'dyn' }));
}

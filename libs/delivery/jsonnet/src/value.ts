import type { Visibility } from './ast.ts';
import { runtimeError, type Machine } from './machine.ts';

/** A value of the language. Texts are counted in code points, numbers are doubles. */
export type Value = null | boolean | number | string | JsonnetArray | JsonnetObject | JsonnetFunction;

/** A value that is worked out when first needed, and once. */
export class Thunk {
  #compute: (() => Value) | undefined;
  #value: Value = null;
  #isRunning = false;

  constructor(compute: () => Value) {
    this.#compute = compute;
  }

  /** A value that is there already. */
  static of(value: Value): Thunk {
    const thunk = new Thunk(() => value);
    thunk.force();
    return thunk;
  }

  force(): Value {
    const compute = this.#compute;
    if (compute === undefined) return this.#value;
    if (this.#isRunning) throw runtimeError('infinite recursion: a value needs itself');
    this.#isRunning = true;
    try {
      this.#value = compute();
      this.#compute = undefined;
      return this.#value;
    } finally {
      this.#isRunning = false;
    }
  }
}

/** A list; its items are worked out when needed. */
export class JsonnetArray {
  readonly items: readonly Thunk[];

  constructor(items: readonly Thunk[]) {
    this.items = items;
  }

  values(): Value[] {
    return this.items.map((item) => item.force());
  }
}

/** Arguments of a call. */
export interface CallArguments {
  readonly positional: readonly Thunk[];
  readonly named: readonly (readonly [string, Thunk])[];
}

/** A function. `call` may answer a TailCall, which `callFunction` carries on with. */
export class JsonnetFunction {
  readonly arity: number;
  readonly invoke: (args: CallArguments) => Value | TailCall;

  constructor(arity: number, invoke: (args: CallArguments) => Value | TailCall) {
    this.arity = arity;
    this.invoke = invoke;
  }
}

/** A strict call in the last place of a function: made by whoever called the function, so that loops need no stack. */
export class TailCall {
  readonly target: JsonnetFunction;
  readonly args: CallArguments;

  constructor(target: JsonnetFunction, args: CallArguments) {
    this.target = target;
    this.args = args;
  }
}

/** Calls a function to its value. */
export function callFunction(machine: Machine, target: JsonnetFunction, args: CallArguments): Value {
  let answer: Value | TailCall = new TailCall(target, args);
  while (answer instanceof TailCall) {
    const call: TailCall = answer;
    answer = machine.enter(() => call.target.invoke(call.args));
  }
  return answer;
}

/** Calls a function with values by position. */
export function callWith(machine: Machine, target: JsonnetFunction, ...args: readonly Thunk[]): Value {
  return callFunction(machine, target, { positional: args, named: [] });
}

/** A field of one layer: what it is for an object whose layer `index` this is. */
export interface FieldRule {
  readonly visibility: Visibility;
  readonly isAdded: boolean;
  valueFor(self: JsonnetObject, index: number): Value;
}

/** What one object literal contributes: its fields and what it asserts. */
export interface Layer {
  readonly fields: ReadonlyMap<string, FieldRule>;
  check?(self: JsonnetObject, index: number): void;
}

/** An object: layers, later ones over earlier ones. `self` is the whole, `super` what lies below a layer. */
export class JsonnetObject {
  readonly layers: readonly Layer[];
  readonly #machine: Machine;
  readonly #combine: (below: Value, above: Value) => Value;
  readonly #values = new Map<string, Thunk>();
  #visibilities: ReadonlyMap<string, boolean> | undefined;
  #isChecked = false;

  /** `combine` is the `+` of the language, which `+:` fields use. */
  constructor(layers: readonly Layer[], machine: Machine, combine: (below: Value, above: Value) => Value) {
    this.layers = layers;
    this.#machine = machine;
    this.#combine = combine;
  }

  /** This object with the layers of another one on top. */
  extend(over: JsonnetObject): JsonnetObject {
    return new JsonnetObject([...this.layers, ...over.layers], this.#machine, this.#combine);
  }

  /** Whether the fields are shown, by name, in no order. */
  visibilities(): ReadonlyMap<string, boolean> {
    if (this.#visibilities !== undefined) return this.#visibilities;
    const shown = new Map<string, boolean>();
    for (const { fields } of this.layers) {
      for (const [name, { visibility }] of fields) shown.set(name, visibility === ':' ? (shown.get(name) ?? true) : visibility === ':::');
    }
    this.#visibilities = shown;
    return shown;
  }

  /** Names in the order of their code points; hidden ones only where asked for. */
  names(withHidden: boolean): string[] {
    return [...this.visibilities()]
      .filter(([, isShown]) => isShown || withHidden)
      .map(([name]) => name)
      .toSorted(compareText);
  }

  has(name: string, below: number = this.layers.length): boolean {
    return this.layers.some(({ fields }, index) => index < below && fields.has(name));
  }

  /** The value of a field; the object's assertions must hold. */
  get(name: string): Value {
    this.check();
    return this.lookUp(name, this.layers.length);
  }

  /** The value of a field as the layers below `below` have it. */
  lookUp(name: string, below: number): Value {
    const key = below === this.layers.length ? `.${name}` : `${below}.${name}`;
    let thunk = this.#values.get(key);
    if (thunk === undefined) {
      thunk = new Thunk(() => this.#machine.enter(() => this.#compute(name, below)));
      this.#values.set(key, thunk);
    }
    return thunk.force();
  }

  #compute(name: string, below: number): Value {
    for (let index = below - 1; index >= 0; index -= 1) {
      const rule = this.layers[index]?.fields.get(name);
      if (rule === undefined) continue;
      const value = rule.valueFor(this, index);
      return rule.isAdded && this.has(name, index) ? this.#combine(this.lookUp(name, index), value) : value;
    }
    throw runtimeError(`Field does not exist: ${name}`);
  }

  /** Works out every assertion of every layer, once. */
  check(): void {
    if (this.#isChecked) return;
    // Assertions read the object themselves.
    this.#isChecked = true;
    try {
      for (const [index, layer] of this.layers.entries()) layer.check?.(this, index);
    } catch (error) {
      this.#isChecked = false;
      throw error;
    }
  }
}

/** Orders texts by code points, as Jsonnet does; UTF-16 order differs where surrogates meet U+E000 and above. */
export function compareText(a: string, b: string): number {
  const length = Math.min(a.length, b.length);
  for (let at = 0; at < length; at += 1) {
    const left = a.charCodeAt(at);
    const right = b.charCodeAt(at);
    if (left === right) continue;
    const isSurrogate = (unit: number): boolean => unit >= 0xd800 && unit <= 0xdfff;
    if (isSurrogate(left) !== isSurrogate(right)) return isSurrogate(left) ? 1 : -1;
    return left - right;
  }
  return a.length - b.length;
}

/** What `std.type` says. */
export function typeOf(value: Value): string {
  if (value === null) return 'null';
  if (value instanceof JsonnetArray) return 'array';
  if (value instanceof JsonnetFunction) return 'function';
  if (value instanceof JsonnetObject) return 'object';
  return typeof value;
}

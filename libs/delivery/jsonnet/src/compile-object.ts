import type { Bind, ComprehensionStep, Expression, Field, ObjectLiteral } from './ast.ts';
import { compileAssertion, compileBinds, delay, mustBoolean, placed, type Runtime } from './compile-parts.ts';
import type { Place } from './jsonnet-error.ts';
import { at, runtimeError } from './machine.ts';
import { innerFrame, type Code, type Frame, type Scope } from './scope.ts';
import { JsonnetArray, JsonnetObject, Thunk, typeOf, type FieldRule, type Value } from './value.ts';

// What stands inside of an object sees its locals, and `$` where the object is the outermost one.
function objectScope(locals: readonly Bind[], isOutermost: boolean, parent: Scope): Scope {
  return { names: [...locals.map(({ name }) => name), ...(isOutermost ? ['$'] : [])], parent };
}

function openFrames(
  locals: readonly Bind[],
  isOutermost: boolean,
  scope: Scope,
  runtime: Runtime,
): (outer: Frame, self: JsonnetObject, layer: number) => Frame {
  const fill = compileBinds(locals, scope, runtime);
  return (outer, self, layer) => {
    const frame = fill({ slots: [], parent: outer, self, layer });
    if (isOutermost) frame.slots.push(Thunk.of(self));
    return frame;
  };
}

function fieldName(value: Value, place: Place): string | undefined {
  if (value === null) return undefined;
  if (typeof value !== 'string') throw at(place, runtimeError(`Field name must be string, got ${typeOf(value)}`));
  return value;
}

/** Compiles an object literal. */
export function compileObject(expression: ObjectLiteral & { readonly place: Place }, scope: Scope, runtime: Runtime): Code {
  const { locals, assertions, fields, isOutermost } = expression;
  const inner = objectScope(locals, isOutermost, scope);
  const open = openFrames(locals, isOutermost, inner, runtime);
  const checks = assertions.map((assertion) => compileAssertion(assertion, inner, runtime));
  const compiled = fields.map((field) => ({
    ...field,
    name: runtime.compile(field.name, scope, runtime),
    body: runtime.compile(field.body, inner, runtime),
    place: field.name.place,
  }));
  return (outer) => {
    const frames = new WeakMap<JsonnetObject, Frame[]>();
    // All fields of one layer in one object share a frame.
    const frameOf = (self: JsonnetObject, index: number): Frame => {
      const known = frames.get(self) ?? [];
      frames.set(self, known);
      return (known[index] ??= open(outer, self, index));
    };
    const rules = new Map<string, FieldRule>();
    for (const { name, visibility, isAdded, body, place } of compiled) {
      const key = fieldName(name(outer), place);
      if (key === undefined) continue;
      if (rules.has(key)) throw at(place, runtimeError(`Duplicate field name: ${JSON.stringify(key)}`));
      rules.set(key, { visibility, isAdded, valueFor: (self, index) => body(frameOf(self, index)) });
    }
    const check = (self: JsonnetObject, index: number): void => {
      for (const holds of checks) holds(frameOf(self, index));
    };
    return new JsonnetObject([checks.length === 0 ? { fields: rules } : { fields: rules, check }], runtime.machine, runtime.operators.add);
  };
}

/** Compiles an object comprehension: each field has the loop's values of its turn. */
export function compileObjectComprehension(expression: Expression & { readonly kind: 'objectComprehension' }, scope: Scope, runtime: Runtime): Code {
  const { locals, field, steps, isOutermost, place } = expression;
  const loop = compileSteps(steps, scope, runtime);
  const inner = objectScope(locals, isOutermost, loop.scope);
  const open = openFrames(locals, isOutermost, inner, runtime);
  const name = runtime.compile(field.name, loop.scope, runtime);
  const body = runtime.compile(field.body, inner, runtime);
  return placed(place, (outer) => {
    const rules = new Map<string, FieldRule>();
    loop.run(outer, (frame) => {
      const key = fieldName(name(frame), place);
      if (key === undefined) return;
      if (rules.has(key)) throw runtimeError(`Duplicate field name: ${JSON.stringify(key)}`);
      rules.set(
        key,
        ruleOf(field, (self, index) => body(open(frame, self, index))),
      );
    });
    runtime.machine.chargeItems(rules.size);
    return new JsonnetObject([{ fields: rules }], runtime.machine, runtime.operators.add);
  });
}

function ruleOf({ visibility, isAdded }: Field, valueFor: FieldRule['valueFor']): FieldRule {
  return { visibility, isAdded, valueFor };
}

/** Compiles an array comprehension. */
export function compileArrayComprehension(expression: Expression & { readonly kind: 'arrayComprehension' }, scope: Scope, runtime: Runtime): Code {
  const loop = compileSteps(expression.steps, scope, runtime);
  const item = runtime.compile(expression.item, loop.scope, runtime);
  return placed(expression.place, (outer) => {
    const items: Thunk[] = [];
    loop.run(outer, (frame) => {
      runtime.machine.chargeItems(1);
      items.push(delay(item, frame, runtime));
    });
    return new JsonnetArray(items);
  });
}

interface Loop {
  readonly scope: Scope;
  run(frame: Frame, turn: (frame: Frame) => void): void;
}

function compileSteps(steps: readonly ComprehensionStep[], scope: Scope, runtime: Runtime): Loop {
  const [step, ...rest] = steps;
  if (step === undefined) return { scope, run: (frame, turn) => turn(frame) };
  if (step.kind === 'if') {
    const condition = runtime.compile(step.condition, scope, runtime);
    const next = compileSteps(rest, scope, runtime);
    const run: Loop['run'] = (frame, turn) => {
      if (mustBoolean(condition(frame), step.condition.place)) next.run(frame, turn);
    };
    return { scope: next.scope, run };
  }
  const list = runtime.compile(step.list, scope, runtime);
  const next = compileSteps(rest, { names: [step.name], parent: scope }, runtime);
  const run: Loop['run'] = (frame, turn) => {
    const items = list(frame);
    if (!(items instanceof JsonnetArray)) throw at(step.place, runtimeError(`In comprehension, can only iterate over array, got ${typeOf(items)}`));
    for (const value of items.items) runtime.machine.enter(() => next.run(innerFrame(frame, [value]), turn));
  };
  return { scope: next.scope, run };
}

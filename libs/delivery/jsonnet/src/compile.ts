import type { Argument, Expression } from './ast.ts';
import { compileAssertion, compileBinds, delay, mustBoolean, placed, type Runtime } from './compile-parts.ts';
import { compileArrayComprehension, compileObject, compileObjectComprehension } from './compile-object.ts';
import type { Place } from './jsonnet-error.ts';
import { at, runtimeError, type Machine } from './machine.ts';
import { toText } from './manifest.ts';
import { complement } from './operators.ts';
import { bindArguments } from './parameters.ts';
import { innerFrame, resolve, type Code, type Frame, type Scope, type TailCode } from './scope.ts';
import { sliceValue } from './std/slice.ts';
import { callFunction, JsonnetArray, JsonnetFunction, JsonnetObject, TailCall, Thunk, typeOf, type Value } from './value.ts';

/** Compiles an expression to a function of its frame. Throws JsonnetError for names that are not there. */
export function compile(expression: Expression, scope: Scope, runtime: Runtime): Code {
  // Only in tail positions a TailCall is answered.
  return compileTail(expression, scope, runtime, false) as Code;
}

function compileTail(expression: Expression, scope: Scope, runtime: Runtime, isTail: boolean): TailCode {
  const inner = (of: Expression): Code => compile(of, scope, runtime);
  switch (expression.kind) {
    case 'if':
      return compileIf(expression, scope, runtime, isTail);
    case 'local':
      return compileLocal(expression, scope, runtime, isTail);
    case 'assert': {
      const check = compileAssertion(expression.assertion, scope, runtime);
      const body = compileTail(expression.body, scope, runtime, isTail);
      return (frame) => {
        check(frame);
        return body(frame);
      };
    }
    case 'call':
      return compileCall(expression, scope, runtime, isTail);
    case 'function':
      return compileFunction(expression, scope, runtime);
    case 'object':
      return compileObject(expression, scope, runtime);
    case 'objectComprehension':
      return compileObjectComprehension(expression, scope, runtime);
    case 'arrayComprehension':
      return compileArrayComprehension(expression, scope, runtime);
    case 'array': {
      const items = expression.items.map((item) => inner(item));
      return (frame) => {
        runtime.machine.chargeItems(items.length);
        return new JsonnetArray(items.map((item) => delay(item, frame, runtime)));
      };
    }
    case 'error': {
      const message = inner(expression.message);
      return placed(expression.place, (frame) => {
        throw runtimeError(toText(runtime.machine, message(frame)));
      });
    }
    case 'literal':
    case 'variable':
    case 'self':
    case 'super':
    case 'inSuper':
    case 'index':
    case 'slice':
    case 'unary':
    case 'binary':
    case 'import':
      return compileSimple(expression, scope, runtime);
  }
}

type Simple = Exclude<
  Expression,
  { readonly kind: 'if' | 'local' | 'assert' | 'call' | 'function' | 'object' | 'objectComprehension' | 'arrayComprehension' | 'array' | 'error' }
>;

function compileSimple(expression: Simple, scope: Scope, runtime: Runtime): Code {
  const inner = (of: Expression): Code => compile(of, scope, runtime);
  switch (expression.kind) {
    case 'literal': {
      const { value } = expression;
      return () => value;
    }
    case 'variable':
      return compileVariable(expression.name, expression.place, scope);
    case 'self':
      return selfOf;
    case 'super': {
      const field = inner(expression.field);
      return placed(expression.place, (frame) => selfOf(frame).lookUp(mustName(field(frame)), frame.layer));
    }
    case 'inSuper': {
      const field = inner(expression.field);
      return placed(expression.place, (frame) => selfOf(frame).has(mustName(field(frame)), frame.layer));
    }
    case 'index': {
      const [target, field] = [inner(expression.target), inner(expression.field)];
      return placed(expression.place, (frame) => indexValue(runtime.machine, target(frame), field(frame)));
    }
    case 'slice': {
      const target = inner(expression.target);
      const bounds = expression.bounds.map((bound) => bound && inner(bound));
      return placed(expression.place, (frame) =>
        sliceValue(
          runtime.machine,
          target(frame),
          bounds.map((bound) => bound?.(frame) ?? null),
        ),
      );
    }
    case 'unary':
      return compileUnary(expression.operator, inner(expression.operand), expression.place);
    case 'binary':
      return compileBinary(expression, scope, runtime);
    case 'import': {
      const { form, path, place } = expression;
      return placed(place, () => runtime.imported(place.file, form, path));
    }
  }
}

function compileVariable(name: string, place: Place, scope: Scope): Code {
  const { hops, slot } = resolve(scope, name, place);
  return (frame) => {
    let holder: Frame | undefined = frame;
    for (let left = hops; left > 0; left -= 1) holder = holder?.parent;
    const thunk = holder?.slots[slot];
    if (thunk === undefined) throw new TypeError(`no value for ${name}`);
    return thunk.force();
  };
}

function selfOf(frame: Frame): JsonnetObject {
  if (frame.self === undefined) throw new TypeError('self outside of an object is refused by the parser');
  return frame.self;
}

function mustName(value: Value): string {
  if (typeof value !== 'string') throw runtimeError(`Unexpected type ${typeOf(value)}, expected string`);
  return value;
}

function compileIf(expression: Expression & { readonly kind: 'if' }, scope: Scope, runtime: Runtime, isTail: boolean): TailCode {
  const condition = compile(expression.condition, scope, runtime);
  const then = compileTail(expression.then, scope, runtime, isTail);
  const otherwise = expression.otherwise === undefined ? undefined : compileTail(expression.otherwise, scope, runtime, isTail);
  const { place } = expression.condition;
  return (frame) => {
    if (mustBoolean(condition(frame), place)) return then(frame);
    return otherwise === undefined ? null : otherwise(frame);
  };
}

function compileLocal(expression: Expression & { readonly kind: 'local' }, scope: Scope, runtime: Runtime, isTail: boolean): TailCode {
  const inner: Scope = { names: expression.binds.map(({ name }) => name), parent: scope };
  const fill = compileBinds(expression.binds, inner, runtime);
  const body = compileTail(expression.body, inner, runtime, isTail);
  return (frame) => body(fill(innerFrame(frame, [])));
}

function compileFunction(expression: Expression & { readonly kind: 'function' }, scope: Scope, runtime: Runtime): Code {
  const { parameters, place } = expression;
  const names = parameters.map(({ name }) => name);
  const inner: Scope = { names, parent: scope };
  const fallbacks = parameters.map(({ fallback }) => fallback && compile(fallback, inner, runtime));
  const body = compileTail(expression.body, inner, runtime, true);
  const waiting = fallbacks.map((fallback) => fallback && ((frame: Frame): Thunk => delay(fallback, frame, runtime)));
  return (frame) =>
    new JsonnetFunction(fallbacks.filter((fallback) => fallback === undefined).length, (args) => {
      try {
        const given = bindArguments(
          names,
          waiting.map((fallback) => fallback !== undefined),
          args,
        );
        const called = innerFrame(frame, []);
        for (const [index, thunk] of given.entries()) {
          const value = thunk ?? waiting[index]?.(called);
          if (value !== undefined) called.slots.push(value);
        }
        return body(called);
      } catch (error) {
        throw at(place, error);
      }
    });
}

function compileCall(expression: Expression & { readonly kind: 'call' }, scope: Scope, runtime: Runtime, isTail: boolean): TailCode {
  const { isStrict, place } = expression;
  const target = compile(expression.target, scope, runtime);
  const args = expression.args.map(({ name, value }: Argument) => ({ name, code: compile(value, scope, runtime) }));
  const prepare = (frame: Frame): TailCall => {
    const callee = target(frame);
    if (!(callee instanceof JsonnetFunction)) throw runtimeError(`Unexpected type ${typeOf(callee)}, expected function`);
    const positional: Thunk[] = [];
    const named: (readonly [string, Thunk])[] = [];
    for (const { name, code } of args) {
      const thunk = isStrict ? Thunk.of(code(frame)) : delay(code, frame, runtime);
      if (name === undefined) positional.push(thunk);
      else named.push([name, thunk]);
    }
    return new TailCall(callee, { positional, named });
  };
  if (isTail && isStrict) return prepare;
  return placed(place, (frame) => {
    const call = prepare(frame);
    return callFunction(runtime.machine, call.target, call.args);
  });
}

/** `target[field]`. */
function indexValue(machine: Machine, target: Value, field: Value): Value {
  if (target instanceof JsonnetObject) return target.get(mustName(field));
  if (!(target instanceof JsonnetArray) && typeof target !== 'string')
    throw runtimeError(`Value non indexable: ${typeOf(target) === 'function' ? 'function' : toText(machine, target)}`);
  if (typeof field !== 'number') throw runtimeError(`Unexpected type ${typeOf(field)}, expected number`);
  if (!Number.isInteger(field)) throw runtimeError(`Index must be an integer, but got ${field}`);
  if (target instanceof JsonnetArray) {
    const item = target.items[field];
    if (item === undefined) throw runtimeError(`Index ${field} out of bounds, not within [0, ${target.items.length})`);
    return item.force();
  }
  const char = [...target][field];
  if (char === undefined) throw runtimeError(`Index ${field} out of bounds, not within [0, ${[...target].length})`);
  return char;
}

function compileUnary(operator: '+' | '-' | '!' | '~', operand: Code, place: Place): Code {
  return placed(place, (frame) => {
    const value = operand(frame);
    if (operator === '!') return !mustBoolean(value, place);
    if (typeof value !== 'number') throw runtimeError(`Unexpected type ${typeOf(value)}, expected number`);
    if (operator === '~') return complement(value);
    return operator === '-' ? -value : value;
  });
}

function compileBinary(expression: Expression & { readonly kind: 'binary' }, scope: Scope, runtime: Runtime): Code {
  const { operator, place } = expression;
  const left = compile(expression.left, scope, runtime);
  const right = compile(expression.right, scope, runtime);
  if (operator === '&&') return (frame) => mustBoolean(left(frame), place) && mustBoolean(right(frame), place);
  if (operator === '||') return (frame) => mustBoolean(left(frame), place) || mustBoolean(right(frame), place);
  return placed(place, (frame) => runtime.operators.binary(operator, left(frame), right(frame)));
}

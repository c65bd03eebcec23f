import type { Assertion, Bind, Expression } from './ast.ts';
import type { Place } from './jsonnet-error.ts';
import { at, runtimeError, type Machine } from './machine.ts';
import { toText } from './manifest.ts';
import type { Operators } from './operators.ts';
import type { Code, Frame, Scope } from './scope.ts';
import { Thunk, typeOf, type Value } from './value.ts';

/** What compiled code uses besides its frames. */
export interface Runtime {
  /** Compiles an expression of a scope. */
  readonly compile: (expression: Expression, scope: Scope, runtime: Runtime) => Code;
  readonly machine: Machine;
  readonly operators: Operators;
  /** The value of an imported file. */
  readonly imported: (from: string, form: 'import' | 'importstr' | 'importbin', path: string) => Value;
}

/** A value that waits. */
export function delay(code: Code, frame: Frame, runtime: Runtime): Thunk {
  return new Thunk(() => runtime.machine.enter(() => code(frame)));
}

/** Code whose errors say where they happened. */
export function placed(place: Place, code: Code): Code {
  return (frame) => {
    try {
      return code(frame);
    } catch (error) {
      throw at(place, error);
    }
  };
}

/** A condition must be true or false. */
export function mustBoolean(value: Value, place: Place): boolean {
  if (typeof value !== 'boolean') throw at(place, runtimeError(`Unexpected type ${typeOf(value)}, expected boolean`));
  return value;
}

/** Compiles binds of a scope: the answer fills a frame of it, each value seeing all the others. */
export function compileBinds(binds: readonly Bind[], scope: Scope, runtime: Runtime): (frame: Frame) => Frame {
  const bodies = binds.map(({ body }) => runtime.compile(body, scope, runtime));
  return (frame) => {
    for (const body of bodies) frame.slots.push(delay(body, frame, runtime));
    return frame;
  };
}

/** Compiles `assert`. */
export function compileAssertion({ condition, message, place }: Assertion, scope: Scope, runtime: Runtime): (frame: Frame) => void {
  const isMet = runtime.compile(condition, scope, runtime);
  const text = message && runtime.compile(message, scope, runtime);
  return (frame) => {
    if (mustBoolean(isMet(frame), place)) return;
    throw at(place, runtimeError(text === undefined ? 'Object assertion failed.' : toText(runtime.machine, text(frame))));
  };
}

import { runtimeError } from './machine.ts';
import type { CallArguments, Thunk } from './value.ts';

/** Puts arguments to their parameters: undefined where a parameter's own value stands in. Throws JsonnetError. */
export function bindArguments(names: readonly string[], isOptional: readonly boolean[], { positional, named }: CallArguments): readonly (Thunk | undefined)[] {
  if (positional.length > names.length) throw runtimeError(`function expected ${names.length} positional argument(s), but got ${positional.length}`);
  const given: (Thunk | undefined)[] = names.map((_, index) => positional[index]);
  for (const [name, value] of named) {
    const index = names.indexOf(name);
    if (index < 0) throw runtimeError(`function has no parameter ${name}`);
    if (given[index] !== undefined) throw runtimeError(`Argument ${name} already provided`);
    given[index] = value;
  }
  const missing = names.find((_, index) => given[index] === undefined && isOptional[index] !== true);
  if (missing !== undefined) throw runtimeError(`Missing argument: ${missing}`);
  return given;
}

import { quote } from '../go/strconv.ts';
import { typeOf } from '../go/type-names.ts';
import { GoBytes, GoMap, GoObject, GoSlice, type GoMethod, type GoValue } from '../go/value.ts';
import { zeroOf } from './assign.ts';
import type { Eval, Execution } from './execution.ts';

/**
 * Go's evalField without arguments: a method, a struct field or a map element. `isInterface` says that the
 * receiver came out of an interface (an element of an untyped collection), which only the error texts show.
 */
export function fieldOf(run: Execution, receiver: Eval, name: string, isInterface: boolean): Eval {
  if (receiver instanceof GoMap && receiver.methods === undefined) {
    const found = receiver.entries.get(name);
    return found === undefined ? missingKey(run, receiver, name) : found;
  }
  if (receiver === undefined) {
    if (run.host.missingKey === 'error') run.fail(`nil data; no entry for key ${quote(name)}`);
    return undefined;
  }
  if (receiver === null) return run.fail(`nil pointer evaluating interface {}.${name}`);
  const method = methodOf(receiver, name);
  if (method !== undefined) return callMethod(run, method, name, []);
  if (receiver instanceof GoMap) {
    const found = receiver.entries.get(name);
    return found === undefined ? missingKey(run, receiver, name) : found;
  }
  if (receiver instanceof GoObject && Object.hasOwn(receiver.fields, name)) return receiver.fields[name];
  return run.fail(`can't evaluate field ${name} in type ${isInterface ? 'interface {}' : typeOf(receiver)}`);
}

/** The method of a value by its Go name. */
export function methodOf(receiver: Eval, name: string): GoMethod | undefined {
  if (receiver === null || typeof receiver !== 'object' || receiver instanceof GoBytes) return undefined;
  const { methods } = receiver;
  return methods !== undefined && Object.hasOwn(methods, name) ? methods[name] : undefined;
}

/** Calls a method whose arguments have been converted; an Error it throws becomes Go's `error calling`. */
function callMethod(run: Execution, method: GoMethod, name: string, args: readonly GoValue[]): Eval {
  const wanted = method.params.length;
  if (method.variadic === true ? args.length < wanted - 1 : args.length !== wanted) {
    run.fail(`wrong number of args for ${name}: want ${method.variadic === true ? `at least ${wanted - 1}` : wanted} got ${args.length}`);
  }
  return method.call(args);
}

/** Whether fields of the receiver have the static type interface{}. */
export function givesInterface(receiver: Eval): boolean {
  return (receiver instanceof GoMap || receiver instanceof GoSlice) && !(receiver instanceof GoMap && receiver.elemType !== 'interface {}');
}

function missingKey(run: Execution, receiver: GoMap, name: string): Eval {
  if (run.host.missingKey === 'error') run.fail(`map has no entry for key ${quote(name)}`);
  if (run.host.missingKey === 'default') return undefined;
  return receiver.elemType === 'interface {}' ? null : zeroOf(receiver.elemType);
}

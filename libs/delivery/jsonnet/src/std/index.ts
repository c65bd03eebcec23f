import { JsonnetObject, type FieldRule, type Thunk, type Value } from '../value.ts';
import { runtimeError } from '../machine.ts';
import { arrayFunctions } from './arrays.ts';
import { fn, str, toFunction, type StdFunctions, type StdTools } from './define.ts';
import { digestFunctions } from './digests.ts';
import { manifestFunctions } from './manifests.ts';
import { mathFunctions } from './math.ts';
import { setFunctions } from './sets.ts';
import { stringFunctions } from './strings.ts';
import { objectFunctions } from './objects.ts';

const FUNCTIONS: StdFunctions = {
  ...objectFunctions,
  ...mathFunctions,
  ...stringFunctions,
  ...arrayFunctions,
  ...setFunctions,
  ...digestFunctions,
  ...manifestFunctions,
};

/** The object `std` of a file. External variables are worked out when asked for. */
export function createStd(std: StdTools, thisFile: string, externals: ReadonlyMap<string, Thunk>): JsonnetObject {
  const extVar = fn('x', (_, name) => {
    const value = externals.get(str(name));
    if (value === undefined) throw runtimeError(`Undefined external variable: ${str(name)}`);
    return value.force();
  });
  const functions = Object.entries({ ...FUNCTIONS, extVar }).map(([name, body]) => [name, () => toFunction(std, body)] as const);
  const constants: (readonly [string, () => Value])[] = [
    ['pi', () => Math.PI],
    ['thisFile', () => thisFile],
  ];
  const fields = new Map<string, FieldRule>([...functions, ...constants].map(([name, value]) => [name, { visibility: '::', isAdded: false, valueFor: value }]));
  return new JsonnetObject([{ fields }], std.machine, std.operators.add);
}

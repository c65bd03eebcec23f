import { compile } from './compile.ts';
import type { Runtime } from './compile-parts.ts';
import { JsonnetError } from './jsonnet-error.ts';
import { defaultJsonnetLimits, Machine, runtimeError, type JsonnetLimits } from './machine.ts';
import { toJson, type Json } from './manifest.ts';
import { createOperators } from './operators.ts';
import { parse } from './parse.ts';
import { importKey, type Library, type Program } from './load.ts';
import { createStd } from './std/index.ts';
import { StdTools } from './std/define.ts';
import { callFunction, JsonnetFunction, Thunk, type Value } from './value.ts';

/** A value handed to a program: a text, or code that is worked out. */
export interface ExternalValue {
  readonly name: string;
  readonly value: string;
  readonly isCode: boolean;
}

/** What a program is given. */
export interface EvaluateOptions {
  readonly extVars?: readonly ExternalValue[];
  /** Arguments, where the program is a function. */
  readonly tlas?: readonly ExternalValue[];
  readonly limits?: Partial<JsonnetLimits>;
}

/** Works out a loaded program to plain data. Nothing but what was loaded is read. Throws JsonnetError. */
export function evaluate(program: Program, options: EvaluateOptions = {}): Json {
  try {
    return evaluateWithin(program, options);
  } catch (error) {
    // Deep programs may use up the stack of this thread before their own depth.
    if (error instanceof RangeError) throw new JsonnetError({ code: 'budget' }, 'RUNTIME ERROR: max stack frames exceeded.', { cause: error });
    throw error;
  }
}

function evaluateWithin({ main, library }: Program, { extVars = [], tlas = [], limits = {} }: EvaluateOptions): Json {
  const machine = new Machine({ ...defaultJsonnetLimits, ...limits });
  const tools = new StdTools(machine, createOperators(machine));
  const externals = new Map<string, Thunk>();
  const files = new Map<string, Thunk>();
  const runtime: Runtime = {
    compile,
    machine,
    operators: tools.operators,
    imported: (from, form, path) => imported(importFile(library, from, path), form),
  };

  function run(file: string): Value {
    let value = files.get(file);
    if (value === undefined) {
      const ast = library.programs.get(file);
      if (ast === undefined) throw new TypeError(`${file} was not loaded`);
      const frame = { slots: [Thunk.of(createStd(tools, file, externals))], parent: undefined, self: undefined, layer: 0 };
      const code = compile(ast, { names: ['std'] }, runtime);
      value = new Thunk(() => machine.enter(() => code(frame)));
      files.set(file, value);
    }
    return value.force();
  }

  function imported(file: string, form: 'import' | 'importstr' | 'importbin'): Value {
    if (form === 'import') return run(file);
    const bytes = library.bytes.get(file);
    if (bytes === undefined) throw new TypeError(`${file} was not loaded`);
    return form === 'importstr' ? tools.text(new TextDecoder().decode(bytes)) : tools.array([...bytes]);
  }

  function external({ name, value, isCode }: ExternalValue, what: string): Thunk {
    if (!isCode) return Thunk.of(value);
    const frame = { slots: [Thunk.of(createStd(tools, `<${what}:${name}>`, externals))], parent: undefined, self: undefined, layer: 0 };
    const code = compile(parse(value, `<${what}:${name}>`), { names: ['std'] }, runtime);
    return new Thunk(() => machine.enter(() => code(frame)));
  }

  for (const variable of extVars) externals.set(variable.name, external(variable, 'extvar'));
  const value = run(main);
  if (!(value instanceof JsonnetFunction)) return toJson(machine, value);
  const named = tlas.map((argument) => [argument.name, external(argument, 'top-level-arg')] as const);
  return toJson(machine, callFunction(machine, value, { positional: [], named }));
}

function importFile({ found: files }: Library, from: string, path: string): string {
  const found = files.get(importKey(from, path));
  if (found === undefined) throw runtimeError(`couldn't open import ${JSON.stringify(path)}: no match locally or in the Jsonnet library paths`);
  return found;
}

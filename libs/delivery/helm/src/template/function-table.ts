import type { GoMap, GoValue } from '../go/value.ts';

/** What functions may reach of the world: everything is handed in, nothing is read from the process. */
export interface FunctionEnvironment {
  /** YAML as Helm writes and reads it. `fromYaml` throws an Error with Go's message; callers turn it into `{Error: …}`. */
  readonly yaml: YamlHooks;
  /** The time `now` gives, in milliseconds since the epoch. */
  readonly nowMs: () => number;
  /** Fills a new array with random bytes. */
  readonly randomBytes: (length: number) => Uint8Array;
  /** An object or list of the cluster, an empty map where there is none. */
  readonly lookup?: (apiVersion: string, kind: string, namespace: string, name: string) => GoMap;
  /** DNS for `getHostByName`; without it the answer is empty. */
  readonly getHostByName?: (name: string) => string;
  /** Called whenever a function gives a value that another run would not give. */
  readonly onNonDeterminism?: (functionName: string) => void;
}

/** YAML in and out. */
export interface YamlHooks {
  readonly toYaml: (value: GoValue) => string;
  readonly toYamlPretty: (value: GoValue) => string;
  readonly fromYaml: (text: string) => GoValue;
}

/** What a function sees of the execution it is called from. */
export interface FunctionContext {
  readonly environment: FunctionEnvironment;
  /** Counts `amount` bytes of work against the budget of the run. */
  readonly spend: (amount: number) => void;
  readonly include: (name: string, data: GoValue) => string;
  readonly tpl: (text: string, data: GoValue) => string;
}

/** A template function: its Go signature and its body. An Error thrown by the body is the error Go would return. */
export interface TemplateFunction {
  readonly params: readonly string[];
  readonly variadic: boolean;
  readonly call: (args: readonly GoValue[], context: FunctionContext) => GoValue;
}

/** Functions by name. One table is shared by many sets: compiled templates are cached per table. */
export type FunctionTable = ReadonlyMap<string, TemplateFunction>;

import type { FunctionContext, TemplateFunction } from '../template/function-table.ts';
import { GoBytes, GoInt, GoMap, GoSlice, type GoValue } from '../go/value.ts';
import { GoError } from '../template/errors.ts';

/** The body of a function. */
export type Body = (args: readonly GoValue[], context: FunctionContext) => GoValue;

/** Functions by name, as each group of functions lists its own. */
export type FunctionGroup = Readonly<Record<string, TemplateFunction>>;

const SHORT: Readonly<Record<string, string>> = { any: 'interface {}', value: 'reflect.Value', map: 'map[string]interface {}', list: '[]interface {}' };

/**
 * A function with its Go signature in short: `int, string`, `...any`. `any` is interface{}, `map` and `list` are
 * the untyped map and slice, `value` is what the builtins take (any value, nil included).
 */
export function define(signature: string, call: Body): TemplateFunction {
  const names = signature === '' ? [] : signature.split(',').map((part) => part.trim());
  const variadic = names.at(-1)?.startsWith('...') ?? false;
  const params = names.map((name) => {
    const bare = name.replace('...', '');
    return SHORT[bare] ?? bare;
  });
  return { params, variadic, call };
}

/** A function of one string. */
export function ofString(call: (text: string) => GoValue): TemplateFunction {
  return define('string', ([text]) => call(asString(text)));
}

/** A function of two strings. */
export function ofStrings(call: (a: string, b: string) => GoValue): TemplateFunction {
  return define('string, string', ([a, b]) => call(asString(a), asString(b)));
}

/** An argument whose parameter is `string`. */
export function asString(value: GoValue | undefined): string {
  return typeof value === 'string' ? value : '';
}

/** An argument whose parameter is `int`, bounded to what a number holds exactly. */
export function asInt(value: GoValue | undefined): number {
  return value instanceof GoInt ? Number(value.value) : 0;
}

/** An argument whose parameter is `float64`. */
export function asFloat(value: GoValue | undefined): number {
  return typeof value === 'number' ? value : 0;
}

/** An argument whose parameter is an untyped map. Throws as Go does on writing to a nil map. */
export function asMap(value: GoValue | undefined): GoMap {
  if (value instanceof GoMap) return value;
  throw new GoError('assignment to entry in nil map');
}

/** The items of a slice of any kind; undefined for anything else. */
export function itemsOf(value: GoValue | undefined): readonly GoValue[] | undefined {
  if (value instanceof GoSlice) return value.items;
  if (value instanceof GoBytes) return [...value.bytes].map((byte) => new GoInt('uint8', BigInt(byte)));
  return undefined;
}

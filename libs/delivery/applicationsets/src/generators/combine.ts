import { isJsonObject, type JsonValue } from '@tiphys/kube-model';
import type { MatrixGenerator, MergeGenerator, Parameters } from '../application-set.ts';
import { GenerateError } from '../generate-error.ts';
import { isGo, MAX_PARAMETERS, type GeneratorContext } from './context.ts';

/** Every pair of two generators' parameters; the second may use those of the first (applicationset/generators/matrix.go). */
export async function matrixParameters({ generators: [first, second] }: MatrixGenerator, context: GeneratorContext): Promise<readonly Parameters[]> {
  if (first === undefined || second === undefined) throw new GenerateError({ code: 'invalid' }, 'matrix generator: needs two generators');
  const pairs: Parameters[] = [];
  for (const left of await context.generate(first, context.outer)) {
    for (const right of await context.generate(second, { ...context.outer, ...left })) {
      pairs.push(isGo(context) ? mergeDeep(right, left) : joinTexts(left, right));
      if (pairs.length > MAX_PARAMETERS) throw new GenerateError({ code: 'tooMany' }, `matrix generator: gives more than ${MAX_PARAMETERS} sets of parameters`);
    }
  }
  return pairs;
}

function joinTexts(left: Parameters, right: Parameters): Parameters {
  for (const [name, value] of Object.entries(right)) {
    if (Object.hasOwn(left, name) && left[name] !== value)
      throw new GenerateError(
        { code: 'invalid' },
        `matrix generator: parameter '${name}' is given as ${JSON.stringify(left[name])} and as ${JSON.stringify(value)}`,
      );
  }
  return { ...left, ...right };
}

/** The first generator's parameters; those of the others with the same values under the keys win over them (applicationset/generators/merge.go). */
export async function mergeParameters({ generators, mergeKeys }: MergeGenerator, context: GeneratorContext): Promise<readonly Parameters[]> {
  if (mergeKeys.length === 0) throw new GenerateError({ code: 'invalid' }, 'merge generator: no merge keys were specified, Merge requires at least one');
  const sets = await Promise.all(generators.map((generator) => context.generate(generator, context.outer)));
  const [base = [], ...others] = sets.map((set) => byKey(set, mergeKeys));
  const merged = new Map(base);
  for (const other of others) {
    for (const [key, parameters] of other) {
      const below = merged.get(key);
      if (below !== undefined) merged.set(key, isGo(context) ? mergeDeep(below, parameters) : { ...below, ...parameters });
    }
  }
  return [...merged.values()];
}

function byKey(set: readonly Parameters[], mergeKeys: readonly string[]): ReadonlyMap<string, Parameters> {
  const keyed = new Map<string, Parameters>();
  for (const parameters of set) {
    const key = JSON.stringify(mergeKeys.map((name) => lookUp(parameters, name)));
    if (keyed.has(key))
      throw new GenerateError({ code: 'invalid' }, `merge generator: the parameters from a generator were not unique by the given mergeKeys: ${key}`);
    keyed.set(key, parameters);
  }
  return keyed;
}

// A key may be the name of a parameter or lead into nested ones.
function lookUp(parameters: Parameters, name: string): JsonValue {
  if (Object.hasOwn(parameters, name)) return parameters[name] ?? null;
  let at: JsonValue = parameters;
  for (const part of name.split('.')) {
    if (!isJsonObject(at) || !Object.hasOwn(at, part)) return null;
    // What isJsonObject holds for is a map of JSON.
    at = at[part] as JsonValue;
  }
  return at;
}

/** `below` with what `above` says: maps are merged, everything else is replaced. */
function mergeDeep(below: Parameters, above: Parameters): Parameters {
  const merged: Record<string, JsonValue> = { ...below };
  for (const [name, value] of Object.entries(above)) {
    const own = Object.hasOwn(merged, name) ? merged[name] : undefined;
    merged[name] = isJsonObject(own) && isJsonObject(value) ? (mergeDeep(own as Parameters, value as Parameters) as JsonValue) : value;
  }
  return merged;
}

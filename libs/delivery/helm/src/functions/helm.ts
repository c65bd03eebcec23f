import { DomainError } from '@tiphys/kernel';
import { measure } from '../go/measure.ts';
import { goMap, GoMap, GoSlice, type GoValue } from '../go/value.ts';
import { FailError, GoError } from '../template/errors.ts';
import type { FunctionContext } from '../template/function-table.ts';
import { asString, define, type FunctionGroup } from './define.ts';
import { parseJson } from './parse-json.ts';

// sigs.k8s.io/yaml turns YAML into JSON and says so.
const YAML_PREFIX = 'error unmarshaling JSON: while decoding JSON: ';

/** Helm's own functions, without TOML. */
export const helm: FunctionGroup = {
  include: define('string, any', ([name, data], context) => context.include(asString(name), data ?? null)),
  tpl: define('string, any', ([text, data], context) => context.tpl(asString(text), data ?? null)),
  required: define('string, any', ([message, value]) => {
    if (value === null || value === undefined || value === '') throw new FailError(asString(message));
    return value;
  }),
  lookup: define(
    'string, string, string, string',
    ([apiVersion, kind, namespace, name], context) =>
      context.environment.lookup?.(asString(apiVersion), asString(kind), asString(namespace), asString(name)) ?? goMap(),
  ),
  getHostByName: define('string', ([name], context) => context.environment.getHostByName?.(asString(name)) ?? ''),
  toYaml: define('any', ([value], context) => orEmpty(() => written(value, 'toYaml', context))),
  mustToYaml: define('any', ([value], context) => written(value, 'toYaml', context)),
  toYamlPretty: define('any', ([value], context) => orEmpty(() => written(value, 'toYamlPretty', context))),
  fromYaml: define('string', ([text], context) => mapOrError(() => context.environment.yaml.fromYaml(asString(text)), YAML_PREFIX)),
  fromYamlArray: define('string', ([text], context) => listOrError(() => context.environment.yaml.fromYaml(asString(text)), YAML_PREFIX)),
  fromJson: define('string', ([text]) => mapOrError(() => parseJson(asString(text)), '')),
  fromJsonArray: define('string', ([text]) => listOrError(() => parseJson(asString(text)), '')),
  mustFromJson: define('string', ([text]) => parseJson(asString(text))),
};

function written(value: GoValue | undefined, form: 'toYaml' | 'toYamlPretty', context: FunctionContext): string {
  measure(value ?? null);
  const text = context.environment.yaml[form](value ?? null);
  context.spend(text.length);
  return text;
}

// Helm answers an encoding error with the empty string.
function orEmpty(work: () => string): string {
  try {
    return work();
  } catch (error) {
    if (error instanceof GoError) return '';
    throw error;
  }
}

function mapOrError(read: () => GoValue, prefix: string): GoMap {
  try {
    const value = read();
    if (value === null) return goMap();
    if (value instanceof GoMap) return value;
    return goMap([['Error', prefix + mismatch(value, 'map[string]interface {}')]]);
  } catch (error) {
    return goMap([['Error', messageOf(error)]]);
  }
}

function listOrError(read: () => GoValue, prefix: string): GoSlice {
  try {
    const value = read();
    if (value === null) return new GoSlice([]);
    if (value instanceof GoSlice) return value;
    return new GoSlice([prefix + mismatch(value, '[]interface {}')]);
  } catch (error) {
    return new GoSlice([messageOf(error)]);
  }
}

function messageOf(error: unknown): string {
  if (error instanceof Error && !(error instanceof RangeError) && !(error instanceof DomainError)) return error.message;
  throw error;
}

function mismatch(value: GoValue, wanted: string): string {
  const kind = value instanceof GoMap ? 'object' : value instanceof GoSlice ? 'array' : typeof value === 'boolean' ? 'bool' : typeof value;
  return `json: cannot unmarshal ${kind} into Go value of type ${wanted}`;
}

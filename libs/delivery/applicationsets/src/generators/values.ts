import type { JsonValue } from '@tiphys/kube-model';
import type { Parameters } from '../application-set.ts';
import { isGo, type GeneratorContext } from './context.ts';

/** Parameters with a generator's `values`, whose texts may use the other parameters. */
export function withValues(parameters: Parameters, values: Readonly<Record<string, string>> | undefined, context: GeneratorContext): Parameters {
  if (values === undefined) return parameters;
  const filled = Object.entries(values).map(([name, text]): readonly [string, JsonValue] => [name, context.render(text, parameters)]);
  if (isGo(context)) return { ...parameters, values: Object.fromEntries(filled) };
  return { ...parameters, ...Object.fromEntries(filled.map(([name, text]) => [`values.${name}`, text])) };
}

import { isJsonObject, type JsonObject } from '@tiphys/kube-model';
import type { Parameters, PluginGenerator } from '../application-set.ts';
import { GenerateError } from '../generate-error.ts';
import { flatten } from '../render-text.ts';
import { isGo, type GeneratorContext } from './context.ts';
import { secretText, tokenOf } from './secret-text.ts';
import { withValues } from './values.ts';

/** Parameters a service answers with (applicationset/generators/plugin.go): its ConfigMap holds where it is and which token it wants. Throws GenerateError. */
export async function pluginParameters({ configMapRef, input, values }: PluginGenerator, context: GeneratorContext): Promise<readonly Parameters[]> {
  const settings = context.world.configMap(configMapRef.name)?.data ?? {};
  const { baseUrl = '', token = '' } = settings;
  if (baseUrl === '' || token === '')
    throw new GenerateError({ code: 'invalid' }, `plugin generator: ConfigMap ${configMapRef.name} does not name baseUrl and token`);
  const answer = await context.world.http(
    {
      url: `${baseUrl.replace(/\/$/, '')}/api/v1/getparams.execute`,
      method: 'POST',
      headers: { authorization: `Bearer ${pluginToken(token, context)}`, 'content-type': 'application/json' },
      body: { applicationSetName: context.set.metadata.name ?? '', input: input ?? {} },
    },
    context.signal,
  );
  const output = isJsonObject(answer.body) ? answer.body['output'] : undefined;
  const parameters = isJsonObject(output) ? output['parameters'] : undefined;
  if (answer.status !== 200 || !Array.isArray(parameters) || !parameters.every((item: unknown): item is JsonObject => isJsonObject(item)))
    throw new GenerateError({ code: 'source' }, `plugin generator: ${configMapRef.name}: answered ${answer.status} without output.parameters`);
  const given = { generator: { input: { parameters: input?.parameters ?? {} } } };
  return parameters.map((item) => {
    const own = isGo(context) ? { ...(item as Parameters), ...given } : { ...flatten(item as Parameters), ...flatten(given) };
    return withValues(own, values, context);
  });
}

// `$key` is in argocd-secret, `$secret:key` in another Secret.
function pluginToken(reference: string, { world }: GeneratorContext): string {
  if (!reference.startsWith('$')) return reference;
  const [first = '', second] = reference.slice(1).split(':');
  if (second === undefined) return secretText(world, 'argocd-secret', first);
  return tokenOf(world, { secretName: first, key: second });
}

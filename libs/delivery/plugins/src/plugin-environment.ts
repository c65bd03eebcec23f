import { substituteWith } from '@tiphys/delivery-helm';
import type { RenderRequest, SourceReads } from '@tiphys/delivery-render';
import { z } from 'zod';

const parameter = z.looseObject({
  name: z.string().min(1),
  string: z.string().optional(),
  array: z.array(z.string()).optional(),
  map: z.record(z.string(), z.string()).optional(),
});
const block = z.looseObject({
  name: z.string().default(''),
  env: z.array(z.looseObject({ name: z.string().min(1), value: z.string().default('') })).nullish(),
  parameters: z.array(parameter).nullish(),
});

/** A parameter for a plugin: a text, a list or a map. */
interface PluginParameter {
  readonly name: string;
  readonly string?: string | undefined;
  readonly array?: readonly string[] | undefined;
  readonly map?: Readonly<Record<string, string>> | undefined;
}

/** The `plugin` block of a source (types.go ApplicationSourcePlugin). Without a name it is found by discovery. */
export interface PluginBlock {
  readonly name: string;
  readonly env?: readonly { readonly name: string; readonly value: string }[] | null | undefined;
  readonly parameters?: readonly PluginParameter[] | null | undefined;
}

/** Reads the block; what is wrong with it is the message of the error. */
export function readPluginBlock(value: unknown): PluginBlock {
  const parsed = block.safeParse(value ?? {});
  if (parsed.success) return parsed.data;
  const [issue] = parsed.error.issues;
  throw new TypeError(`spec.source.plugin.${issue?.path.map(String).join('.') ?? ''}: ${issue?.message ?? 'is invalid'}`);
}

/** Everything a plugin finds in its environment (argo-cd docs/operator-manual/config-management-plugins.md). Nothing of ours is among it. */
export async function pluginEnvironment(
  { source, path, environment }: RenderRequest,
  plugin: PluginBlock,
  reads: Pick<SourceReads, 'capabilities' | 'revision'>,
): Promise<Readonly<Record<string, string>>> {
  const revision = await reads.revision();
  const { kubeVersion, apiVersions } = await reads.capabilities();
  const version = /^v?(\d+\.\d+(?:\.\d+)?)/.exec(kubeVersion)?.[1] ?? kubeVersion;
  const substitute = substituteWith({
    ...environment,
    path,
    repoUrl: source.repoURL,
    targetRevision: source.targetRevision ?? '',
    revision: () => Promise.resolve(revision),
    kubeVersion: () => Promise.resolve(version),
    apiVersions: () => Promise.resolve(apiVersions),
  });
  const own = await Promise.all((plugin.env ?? []).map(async ({ name, value }) => [`ARGOCD_ENV_${name}`, await substitute(value)] as const));
  return {
    ARGOCD_APP_NAME: environment.application,
    ARGOCD_APP_NAMESPACE: environment.namespace,
    ARGOCD_APP_PROJECT_NAME: environment.project,
    ARGOCD_APP_REVISION: revision,
    ARGOCD_APP_REVISION_SHORT: revision.slice(0, 7),
    ARGOCD_APP_REVISION_SHORT_8: revision.slice(0, 8),
    ARGOCD_APP_SOURCE_PATH: path,
    ARGOCD_APP_SOURCE_REPO_URL: source.repoURL,
    ARGOCD_APP_SOURCE_TARGET_REVISION: source.targetRevision ?? '',
    KUBE_VERSION: version,
    KUBE_API_VERSIONS: apiVersions.join(','),
    ...Object.fromEntries(own),
    ...parameterVariables(plugin),
  };
}

function parameterVariables({ parameters }: PluginBlock): Readonly<Record<string, string>> {
  const variables: Record<string, string> = { ARGOCD_APP_PARAMETERS: JSON.stringify(parameters ?? []) };
  for (const { name, string, array = [], map = {} } of parameters ?? []) {
    const base = `PARAM_${variableName(name)}`;
    if (string !== undefined) variables[base] = string;
    for (const [index, item] of array.entries()) variables[`${base}_${index}`] = item;
    for (const [key, item] of Object.entries(map)) variables[`${base}_${variableName(key)}`] = item;
  }
  return variables;
}

function variableName(name: string): string {
  return name.toUpperCase().replaceAll(/[^A-Z0-9_]/g, '_');
}

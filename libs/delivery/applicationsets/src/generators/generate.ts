import { matchesSelector, selectorOf, type JsonValue } from '@tiphys/kube-model';
import type { ApplicationSet, ApplicationTemplate, Generator, Parameters } from '../application-set.ts';
import { GenerateError } from '../generate-error.ts';
import { fillBraces, flatten, renderDeep, textRenderer } from '../render-text.ts';
import { pullRequestParameters } from '../scm/pull-requests.ts';
import { scmProviderParameters } from '../scm/repositories.ts';
import { clusterDecisionParameters } from './cluster-decision.ts';
import { clusterParameters } from './clusters.ts';
import { matrixParameters, mergeParameters } from './combine.ts';
import type { GeneratorContext, GeneratorWorld } from './context.ts';
import { gitParameters } from './git.ts';
import { listParameters } from './list.ts';
import { pluginParameters } from './plugin.ts';

/** Parameters and the template they go into. */
export interface Generated {
  readonly parameters: Parameters;
  readonly template: ApplicationTemplate;
}

/** Runs every generator of a set. Throws GenerateError or SourceError: then nothing is known of what the set wants. */
export async function generate(set: ApplicationSet, world: GeneratorWorld, signal: AbortSignal): Promise<readonly Generated[]> {
  const render = textRenderer(set.spec);
  const run = async (generator: Generator, outer: Parameters): Promise<readonly Parameters[]> => {
    signal.throwIfAborted();
    const filled = Object.keys(outer).length === 0 ? generator : fillGenerator(generator, outer, set);
    const context: GeneratorContext = { set, world, render, signal, outer, generate: run };
    return selected(await parametersOf(filled, context), filled);
  };
  const all: Generated[] = [];
  for (const generator of set.spec.generators) {
    const template = mergeTemplates(set.spec.template, templateOf(generator));
    for (const parameters of await run(generator, {})) all.push({ parameters, template });
  }
  return all;
}

async function parametersOf(generator: Generator, context: GeneratorContext): Promise<readonly Parameters[]> {
  const { list, clusters, git, matrix, merge, scmProvider, pullRequest, clusterDecisionResource, plugin } = generator;
  if (list !== undefined) return listParameters(list, context);
  if (clusters !== undefined) return clusterParameters(clusters, context);
  if (git !== undefined) return gitParameters(git, context);
  if (matrix !== undefined) return matrixParameters(matrix, context);
  if (merge !== undefined) return mergeParameters(merge, context);
  if (scmProvider !== undefined) return scmProviderParameters(scmProvider, context);
  if (pullRequest !== undefined) return pullRequestParameters(pullRequest, context);
  if (clusterDecisionResource !== undefined) return clusterDecisionParameters(clusterDecisionResource, context);
  if (plugin !== undefined) return pluginParameters(plugin, context);
  throw new GenerateError({ code: 'invalid' }, 'a generator names none of the kinds that are known');
}

// The second of a pair is a template of the first one's parameters; its own template and values wait for its own.
function fillGenerator(generator: Generator, outer: Parameters, { spec }: ApplicationSet): Generator {
  const text = spec.goTemplate === true ? textRenderer(spec) : fillBraces;
  const fill = (value: JsonValue, name: string): JsonValue =>
    name === 'template' || name === 'values' ? value : renderDeep(value, (part) => text(part, outer));
  const fields = (kind: object): object => Object.fromEntries(Object.entries(kind).map(([name, value]) => [name, fill(value as JsonValue, name)]));
  // The generator came as JSON and keeps its shape.
  return Object.fromEntries(Object.entries(generator).map(([name, value]) => [name, fields(value as object)])) as Generator;
}

function selected(all: readonly Parameters[], { selector }: Generator): readonly Parameters[] {
  if (selector === undefined) return all;
  const wanted = selectorOf(selector);
  return all.filter((parameters) => matchesSelector(wanted, flatten(parameters)));
}

function templateOf(generator: Generator): ApplicationTemplate | undefined {
  const [own] = Object.entries(generator).flatMap(([name, value]) =>
    name === 'selector' || value === undefined ? [] : [value as { readonly template?: ApplicationTemplate }],
  );
  return own?.template;
}

/** The set's template with what a generator's own one says. */
function mergeTemplates(below: ApplicationTemplate, above: ApplicationTemplate | undefined): ApplicationTemplate {
  return above === undefined ? below : (mergeValues(below as JsonValue, above as JsonValue) as ApplicationTemplate);
}

function mergeValues(below: JsonValue, above: JsonValue): JsonValue {
  const isEmpty = above === null || above === '' || above === false || above === 0 || (typeof above === 'object' && Object.keys(above).length === 0);
  if (isEmpty) return below;
  if (!isMap(below) || !isMap(above)) return above;
  const names = [...new Set([...Object.keys(below), ...Object.keys(above)])];
  return Object.fromEntries(
    names.map((name) => [name, Object.hasOwn(above, name) ? mergeValues(below[name] ?? null, above[name] ?? null) : (below[name] ?? null)]),
  );
}

function isMap(value: JsonValue): value is { readonly [name: string]: JsonValue } {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

import { randomBytes } from 'node:crypto';
import { makeCapabilities } from '../chart/capabilities.ts';
import type { Chart } from '../chart/chart.ts';
import { coalesceValues } from '../chart/coalesce.ts';
import { missingDependencies, processDependencies } from '../chart/dependencies.ts';
import { atStage, HelmError } from '../chart/helm-error.ts';
import type { HelmCompat } from '../chart/load-chart.ts';
import { validateSchemas } from '../chart/schema.ts';
import { isCompatibleRange } from '../chart/version-range.ts';
import { helmFunctions } from '../functions/table.ts';
import { fromBytes } from '../go/text.ts';
import { goInt, goMap, type GoMap } from '../go/value.ts';
import { Budget, type BudgetLimits } from '../template/budget.ts';
import type { FunctionEnvironment } from '../template/function-table.ts';
import { createTemplateSet } from '../template/template-set.ts';
import { helmYaml } from '../yaml/hooks.ts';
import { sortManifests, trimSpace, type RenderedHook, type RenderedManifest } from './manifests.ts';
import { renderTemplates } from './render-templates.ts';

/** How a chart is rendered: the flags of `helm template`, and what a caller may hand in of the world. */
export interface ChartRenderOptions {
  readonly release: string;
  readonly namespace: string;
  readonly kubeVersion?: string;
  readonly apiVersions?: readonly string[];
  readonly isUpgrade?: boolean;
  readonly skipSchemaValidation?: boolean;
  readonly compat?: HelmCompat;
  readonly helmVersion?: string;
  readonly budget?: BudgetLimits;
  readonly lookup?: NonNullable<FunctionEnvironment['lookup']>;
  /** Milliseconds since the epoch; the system's time unless given. */
  readonly nowMs?: () => number;
  readonly randomBytes?: (length: number) => Uint8Array;
}

/** A release as rendered. */
export interface RenderedRelease {
  readonly crds: readonly { readonly path: string; readonly text: string }[];
  readonly manifests: readonly RenderedManifest[];
  readonly hooks: readonly RenderedHook[];
  readonly notes: string;
  /** Functions used that give another result in every run; empty for a render that can be repeated. */
  readonly nonDeterministic: readonly string[];
}

const NOTES = 'NOTES.txt';

/** Renders a chart with the user's values. The chart is not changed. Throws HelmError, BudgetError. */
export function renderChart(source: Chart, values: GoMap, options: ChartRenderOptions): RenderedRelease {
  const { compat = 'helm4' } = options;
  checkInstallable(source);
  const chart = source.clone();
  atStage('process', () => processDependencies(chart, values, compat));
  const capabilities = atStage('values', () => makeCapabilities(options));
  const coalesced = atStage('process', () => coalesceValues(chart, values, compat));
  if (options.skipSchemaValidation !== true) atStage('schema', () => validateSchemas(chart, coalesced));
  const { kubeVersion } = chart.metadata;
  if (kubeVersion !== '' && !isCompatibleRange(kubeVersion, capabilities.normalizedKubeVersion))
    throw new HelmError({ code: 'kube' }, `chart requires kubeVersion: ${kubeVersion} which is incompatible with Kubernetes ${capabilities.kubeVersion}`);
  const used = new Set<string>();
  const set = createTemplateSet({ functions: helmFunctions, environment: environmentOf(options, used), budget: new Budget(options.budget) });
  const scope = { values: coalesced, release: releaseObject(options), capabilities: capabilities.object };
  const files = renderTemplates(chart, scope, set, compat);
  const notes = takeNotes(files, `${chart.name}/templates/${NOTES}`);
  const sorted = atStage('manifest', () => sortManifests(files, compat));
  const crds = chart.crds().map(({ path, file }) => ({ path, text: fromBytes(file.data) }));
  return { ...sorted, crds, notes, nonDeterministic: [...used].sort() };
}

/** Prints a release as `helm template` does. */
export function formatRelease(
  { crds, manifests, hooks }: RenderedRelease,
  options: { readonly includeCrds?: boolean; readonly skipTests?: boolean } = {},
): string {
  const print = ({ path, text }: { readonly path: string; readonly text: string }): string => `---\n# Source: ${path}\n${text}\n`;
  const body = [...(options.includeCrds === true ? crds : []), ...manifests].map(print).join('');
  const shown = options.skipTests === true ? hooks.filter(({ events }) => !events.includes('test')) : hooks;
  return `${trimSpace(body)}\n${shown.map(print).join('')}`;
}

function checkInstallable(chart: Chart): void {
  if (!['', 'application'].includes(chart.metadata.type)) throw new HelmError({ code: 'load' }, `${chart.metadata.type} charts are not installable`);
  const missing = missingDependencies(chart);
  if (missing.length === 0) return;
  throw new HelmError({ code: 'deps', missing }, `found in Chart.yaml, but missing in charts/ directory: ${missing.join(', ')}`);
}

function releaseObject({ release, namespace, isUpgrade = false }: ChartRenderOptions): GoMap {
  return goMap([
    ['Name', release],
    ['Namespace', namespace],
    ['IsUpgrade', isUpgrade],
    ['IsInstall', !isUpgrade],
    ['Revision', goInt(1)],
    ['Service', 'Helm'],
  ]);
}

function environmentOf(options: ChartRenderOptions, used: Set<string>): FunctionEnvironment {
  return {
    yaml: helmYaml,
    nowMs: options.nowMs ?? Date.now,
    randomBytes: options.randomBytes ?? randomBytes,
    onNonDeterminism: (name) => used.add(name),
    ...(options.lookup === undefined ? {} : { lookup: options.lookup }),
  };
}

function takeNotes(files: Map<string, string>, own: string): string {
  const notes = files.get(own) ?? '';
  for (const path of files.keys()) if (path.endsWith(NOTES)) files.delete(path);
  return notes;
}

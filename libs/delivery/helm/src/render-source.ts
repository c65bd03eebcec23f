import type { ApplicationSource } from '@tiphys/delivery-applications';
import type { LocatedObject, ManifestProblem } from '@tiphys/kube-yaml';
import type { Chart, ChartFile } from './chart/chart.ts';
import { atStage, HelmError } from './chart/helm-error.ts';
import { loadChart } from './chart/load-chart.ts';
import { readChartFolder } from './chart/read-folder.ts';
import { setValues } from './chart/set-values.ts';
import { mergeMaps, readValues } from './chart/user-values.ts';
import { copyValues } from './chart/coalesce.ts';
import { GoMap } from './go/value.ts';
import { readYaml } from './yaml/read-yaml.ts';
import { splitManifests } from './render/manifests.ts';
import { renderChart, type ChartRenderOptions, type RenderedRelease } from './render/render-chart.ts';
import { substituteWith, type Substitute } from './source/build-environment.ts';
import { toObjects } from './source/objects.ts';
import { readHelmBlock, type HelmBlock } from './source/options.ts';
import { completeSubcharts, type FetchChart } from './source/subcharts.ts';
import { readParameterFile, readValueFiles, type ValueReads } from './source/value-files.ts';

/** What is rendered: a source, its folder in the repository (empty for the root), and the application it belongs to. */
export interface HelmSourceRequest {
  readonly source: ApplicationSource;
  readonly path: string;
  readonly environment: { readonly application: string; readonly namespace: string; readonly project: string };
}

/** The reads a Helm source may make. Structurally those of a render tool. */
export interface HelmSourceReads extends ValueReads {
  capabilities(): Promise<{ readonly kubeVersion: string; readonly apiVersions: readonly string[] }>;
  revision(): Promise<string>;
}

/** What may be handed in besides: charts of repositories, and limits. */
export interface HelmSourceOptions extends Pick<ChartRenderOptions, 'budget' | 'lookup' | 'compat'> {
  readonly fetch?: FetchChart;
}

/** What a Helm source renders to. */
export interface HelmSourceOutput {
  readonly objects: readonly LocatedObject[];
  readonly problems: readonly ManifestProblem[];
  /** Functions used that give another result in every run (`randAlphaNum`, `genCA`, …): the application would never be in sync. */
  readonly nonDeterministic: readonly string[];
  readonly notes: string;
}

/** Whether a source is Helm's: by its block, by its chart, or by a Chart.yaml in its folder. */
export async function detectHelmSource({ source, path }: HelmSourceRequest, reads: HelmSourceReads): Promise<boolean> {
  if (source.helm !== undefined || source.chart !== undefined) return true;
  if (source.directory !== undefined || source.kustomize !== undefined || source.plugin !== undefined) return false;
  return ((await reads.list(path)) ?? []).some(({ name, kind }) => name === 'Chart.yaml' && kind !== 'directory');
}

/** Renders a Helm source as Argo CD would have `helm template` do it. Throws HelmError, BudgetError and what the reads throw. */
export async function renderHelmSource(request: HelmSourceRequest, reads: HelmSourceReads, options: HelmSourceOptions = {}): Promise<HelmSourceOutput> {
  const block = readHelmBlock(request.source.helm);
  const substitute = substitution(request, reads, block);
  const values = await userValues(block, request.path, reads, substitute);
  const chart = await loadSource(request.path, reads, options);
  const cluster = block.kubeVersion === '' || block.apiVersions.length === 0 ? await reads.capabilities() : undefined;
  const release = renderChart(chart, values, {
    ...options,
    release: block.releaseName === '' ? request.environment.application : block.releaseName,
    namespace: block.namespace === '' ? request.environment.namespace : block.namespace,
    kubeVersion: plainVersion(block.kubeVersion === '' ? (cluster?.kubeVersion ?? '') : block.kubeVersion),
    apiVersions: block.apiVersions.length === 0 ? (cluster?.apiVersions ?? []) : block.apiVersions,
    skipSchemaValidation: block.skipSchemaValidation,
  });
  return { ...toObjects(documentsOf(release, block)), nonDeterministic: release.nonDeterministic, notes: release.notes };
}

// Argo CD hands on major, minor and patch only: suffixes of vendors would fail version ranges.
function plainVersion(version: string): string {
  return /^v?\d+\.\d+(?:\.\d+)?/.exec(version)?.[0] ?? version;
}

function documentsOf(release: RenderedRelease, { skipCrds, skipTests }: HelmBlock): Parameters<typeof toObjects>[0] {
  const crds = skipCrds
    ? []
    : release.crds.flatMap(({ path, text }) => splitManifests(text, 'helm4').map((document) => ({ path, value: readDocument(path, document) })));
  const hooks = skipTests ? release.hooks.filter(({ events }) => !events.includes('test')) : release.hooks;
  return [...crds, ...release.manifests, ...hooks];
}

function readDocument(path: string, text: string): ReturnType<typeof readYaml> {
  return atStage(
    'manifest',
    () => readYaml(text),
    (message) => `YAML parse error on ${path}: ${message}`,
  );
}

function substitution({ source, path, environment }: HelmSourceRequest, reads: HelmSourceReads, block: HelmBlock): Substitute {
  return substituteWith({
    ...environment,
    path,
    repoUrl: source.repoURL,
    targetRevision: source.targetRevision ?? '',
    revision: () => reads.revision(),
    kubeVersion: async () => (block.kubeVersion === '' ? (await reads.capabilities()).kubeVersion : block.kubeVersion),
    apiVersions: async () => (block.apiVersions.length === 0 ? (await reads.capabilities()).apiVersions : block.apiVersions),
  });
}

// Files, then inline values as one more file, then parameters: typed ones, strings, files, as Helm orders its flags.
async function userValues(block: HelmBlock, folder: string, reads: ValueReads, substitute: Substitute): Promise<GoMap> {
  let values = new GoMap();
  const files = await readValueFiles(block.valueFiles, { folder, ignoreMissing: block.ignoreMissingValueFiles, reads, substitute });
  for (const { path, text } of files) {
    values = mergeMaps(
      values,
      atStage(
        'values',
        () => readValues(text, 'helm4'),
        (message) => `failed to parse ${path}: ${message}`,
      ),
    );
  }
  const inline =
    block.valuesObject ??
    atStage(
      'values',
      () => readValues(block.values, 'helm4'),
      (message) => `failed to parse spec.source.helm.values: ${message}`,
    );
  values = copyValues(mergeMaps(values, inline));
  for (const isForced of [false, true]) {
    for (const { name, value } of block.parameters.filter(({ forceString }) => forceString === isForced)) {
      const line = `${name}=${escapeCommas(await substitute(value))}`;
      const flag = isForced ? '--set-string' : '--set';
      atStage(
        'values',
        () => setValues(line, values, isForced ? 'string' : 'typed'),
        (message) => `failed parsing ${flag} data: ${message}`,
      );
    }
  }
  for (const { name, path } of block.fileParameters) {
    const text = await readParameterFile(path, folder, reads, substitute);
    atStage(
      'values',
      () => setValues(`${name}=file`, values, () => text),
      (message) => `failed parsing --set-file data: ${message}`,
    );
  }
  return values;
}

// A comma of a parameter is meant as such, unless the value is a list.
function escapeCommas(value: string): string {
  return value.startsWith('{') && value.endsWith('}') ? value : value.replaceAll(/(?<!\\),/g, String.raw`\,`);
}

async function loadSource(folder: string, reads: HelmSourceReads, options: HelmSourceOptions): Promise<Chart> {
  const files = await readChartFolder(reads, folder);
  if (!files.some(({ name }) => name === 'Chart.yaml')) throw new HelmError({ code: 'load' }, 'Chart.yaml file is missing');
  const load = (all: readonly ChartFile[]): Chart => atStage('load', () => loadChart(all, options.compat));
  const chart = load(files);
  // A lock file may be unreadable only where it is needed; loading has checked it.
  const added = await completeSubcharts(chart, files, { folder, reads, fetch: options.fetch });
  return added.length === 0 ? chart : load([...files, ...added]);
}

import {
  BudgetError,
  completeSubcharts,
  formatRelease,
  fromBytes,
  fromJson,
  GoMap,
  HelmError,
  loadChart,
  mergeUserValues,
  readArchive,
  readChartFolder,
  renderChart,
  toBytes,
  toPlain,
  writeYaml,
  type ChartFile,
} from '@tiphys/delivery-helm';
import { fail, KustomizeError } from '../kustomize-error.ts';
import type { HelmChart, HelmGlobals } from '../load/generator-fields.ts';
import type { Loader } from '../load/loader.ts';
import { readResources } from '../load/resources.ts';
import { mergePatch } from '../patch/merge.ts';
import { BUILD } from '../resource/annotations.ts';
import type { Resource } from '../resource/resource.ts';
import type { BuildContext } from '../target/context.ts';
import { readDocument } from '../yaml/read.ts';
import { mapNode } from '../yaml/rnode.ts';
import { fromJsonData, toValue } from '../yaml/value.ts';

const MERGE_OPTIONS = ['merge', 'override', 'replace'];

/** Checks a chart's configuration before anything is rendered (kustomize v5.8.1 HelmChartInflationGenerator `Config`). Throws KustomizeError. */
export async function checkChart(chart: HelmChart, loader: Loader, context: BuildContext): Promise<void> {
  if (!context.enableHelm) fail('must specify --enable-helm', 'helm');
  if (chart.name === '') fail('chart name cannot be empty', 'helm');
  for (const file of chart.additionalValuesFiles ?? []) await loader.load(file);
  if (chart.valuesMerge !== '' && !MERGE_OPTIONS.includes(chart.valuesMerge)) fail(`valuesMerge must be one of [${MERGE_OPTIONS.join(' ')}]`, 'helm');
  if (chart.nameTemplate.includes('{{')) fail(`${chart.name}: nameTemplate is not supported; set releaseName`, 'helm');
}

/** Renders a chart. Throws KustomizeError `helm`. */
export async function inflateChart(chart: HelmChart, globals: HelmGlobals, loader: Loader, context: BuildContext): Promise<readonly Resource[]> {
  try {
    return await render(chart, globals, loader, context);
  } catch (error) {
    if (!(error instanceof HelmError || error instanceof BudgetError)) throw error;
    throw new KustomizeError({ code: error instanceof BudgetError ? 'limit' : 'helm' }, `${chart.name}: helm: ${error.message}`, { cause: error });
  }
}

async function render(chart: HelmChart, globals: HelmGlobals, loader: Loader, context: BuildContext): Promise<readonly Resource[]> {
  const home = chartHome(chart, globals);
  const files = await chartFiles(chart, home, loader, context);
  const capabilities = context.capabilities;
  const kubeVersion = chart.kubeVersion === '' ? capabilities?.kubeVersion : chart.kubeVersion;
  const apiVersions = chart.apiVersions ?? capabilities?.apiVersions;
  const release = renderChart(loadChart(files), mergeUserValues({ files: await valuesFiles(chart, files, loader, context) }), {
    release: chart.nameTemplate || chart.releaseName || 'release-name',
    namespace: chart.namespace === '' ? 'default' : chart.namespace,
    ...(kubeVersion === undefined ? {} : { kubeVersion }),
    ...(apiVersions === undefined ? {} : { apiVersions }),
  });
  const text = formatRelease(chart.skipHooks ? { ...release, hooks: [] } : release, { includeCrds: chart.includeCRDs, skipTests: chart.skipTests });
  context.budget.spend('bytes', text.length);
  const resources = readResources(text, `${home}/${chart.name}`, context);
  for (const resource of resources) resource.annotate(BUILD.helmGenerated, 'true');
  return resources;
}

function chartHome({ name, version, repo }: HelmChart, globals: HelmGlobals): string {
  const home = globals.chartHome === '' ? 'charts' : globals.chartHome;
  return version !== '' && repo !== '' ? `${home}/${name}-${version}` : home;
}

async function chartFiles(chart: HelmChart, home: string, loader: Loader, context: BuildContext): Promise<readonly ChartFile[]> {
  const folder = loader.folder(`${home}/${chart.name}`);
  if (folder !== undefined && (await folder.reads.list(folder.path)) !== undefined) {
    const files = await readChartFolder(folder.reads, folder.path);
    const options = { folder: folder.path, reads: folder.reads, fetch: context.fetchChart };
    return [...files, ...(await completeSubcharts(loadChart(files), files, options))];
  }
  if (chart.repo === '') return fail(`no repo specified for pull, no chart found at '${home}/${chart.name}'`, 'helm');
  const archive = await context.fetchChart?.({ name: chart.name, version: chart.version, repository: chart.repo });
  if (archive === undefined) return fail(`${chart.name}: chart of ${chart.repo} cannot be fetched`, 'helm');
  return readArchive(archive);
}

async function valuesFiles(
  chart: HelmChart,
  files: readonly ChartFile[],
  loader: Loader,
  context: BuildContext,
): Promise<readonly { readonly path: string; readonly text: string }[]> {
  const own = files.find(({ name }) => name === 'values.yaml');
  const bytes = chart.valuesFile === '' ? (own?.data ?? toBytes('')) : await loader.load(chart.valuesFile);
  const additional = await Promise.all((chart.additionalValuesFiles ?? []).map(async (path) => ({ path, text: fromBytes(await loader.load(path)) })));
  const path = chart.valuesFile === '' ? 'values.yaml' : chart.valuesFile;
  return [{ path, text: mergeInline(fromBytes(bytes), chart, context) }, ...additional];
}

// `override` lets inline values win, `merge` those of the file, `replace` leaves the file out.
function mergeInline(text: string, { valuesInline, valuesMerge }: HelmChart, { budget, schemas }: BuildContext): string {
  if (valuesInline === undefined || valuesInline.size === 0) return text;
  const inline = fromJsonData(toPlain(new GoMap(new Map(valuesInline))));
  if (valuesMerge === 'replace') return writeYaml(toValue(inline));
  const file = readDocument(text, budget) ?? mapNode();
  const merged = valuesMerge === 'merge' ? mergePatch(inline, file, schemas) : mergePatch(file, inline, schemas);
  return writeYaml(merged === undefined ? fromJson({}) : toValue(merged));
}

import { fromBytes } from '../go/text.ts';
import { GoMap } from '../go/value.ts';
import { readYaml } from '../yaml/read-yaml.ts';
import { Chart, type ChartFile } from './chart.ts';
import { readMetadata, type ChartMetadata } from './metadata.ts';
import { readArchive } from './read-archive.ts';
import { readValues } from './user-values.ts';
import { validateMetadata } from './validate-metadata.ts';

const MAX_NESTING = 32;

/** Which Helm a chart is read and rendered for: 4.2 or the last of 3. */
export type HelmCompat = 'helm4' | 'helm3';

/** Makes a chart of its files, subcharts in folders and archives included. Throws an Error with Helm's words. */
export function loadChart(files: readonly ChartFile[], compat: HelmCompat = 'helm4', depth = 0): Chart {
  if (depth > MAX_NESTING) throw new Error(`charts are nested deeper than ${MAX_NESTING}`);
  const parts = sortFiles(files, compat);
  const chart = new Chart({ ...parts, metadata: validateMetadata(parts.metadata) });
  for (const [name, own] of [...parts.subcharts].sort(([a], [b]) => (a < b ? -1 : 1))) {
    if (name.startsWith('_') || name.startsWith('.')) continue;
    try {
      chart.addDependency(loadSubchart(name, own, chart.name, compat, depth + 1));
    } catch (error) {
      if (!(error instanceof Error)) throw error;
      throw new Error(`error unpacking subchart ${name} in ${chart.name}: ${error.message}`, { cause: error });
    }
  }
  return chart;
}

function loadSubchart(name: string, files: readonly ChartFile[], parent: string, compat: HelmCompat, depth: number): Chart {
  if (!name.endsWith('.tgz')) {
    const inside = files.filter((file) => file.name.includes('/')).map((file) => ({ name: file.name.slice(file.name.indexOf('/') + 1), data: file.data }));
    return loadChart(inside, compat, depth);
  }
  const [archive] = files;
  if (archive?.name !== name) throw new Error(`error unpacking subchart tar in ${parent}: expected ${name}, got ${archive?.name ?? ''}`);
  return loadChart(readArchive(archive.data), compat, depth);
}

interface Parts {
  metadata: ChartMetadata;
  values: GoMap;
  schema: string | undefined;
  readonly templates: ChartFile[];
  readonly files: ChartFile[];
  readonly subcharts: Map<string, ChartFile[]>;
}

function step<T>(file: string, body: () => T): T {
  try {
    return body();
  } catch (error) {
    if (!(error instanceof Error)) throw error;
    throw new Error(`cannot load ${file}: ${error.message}`, { cause: error });
  }
}

function sortFiles(files: readonly ChartFile[], compat: HelmCompat): Parts {
  let metadata: ChartMetadata | undefined;
  for (const { name, data } of files) {
    if (name !== 'Chart.yaml') continue;
    const read = step('Chart.yaml', () => readMetadata(fromBytes(data), metadata));
    metadata = read.apiVersion === '' ? { ...read, apiVersion: 'v1' } : read;
  }
  if (metadata === undefined) throw new Error('Chart.yaml file is missing');
  const parts: Parts = { metadata, values: new GoMap(), schema: undefined, templates: [], files: [], subcharts: new Map() };
  for (const file of files) sortFile(parts, file, compat);
  return parts;
}

function sortFile(parts: Parts, file: ChartFile, compat: HelmCompat): void {
  const { name, data } = file;
  if (name === 'Chart.yaml') return;
  if (name === 'Chart.lock') step(name, () => readYaml(fromBytes(data)));
  else if (name === 'values.yaml') parts.values = step(name, () => readValues(fromBytes(data), compat));
  else if (name === 'values.schema.json') parts.schema = fromBytes(data);
  else if (name === 'requirements.yaml') {
    parts.metadata = step(name, () => readMetadata(fromBytes(data), parts.metadata));
    if (parts.metadata.apiVersion === 'v1') parts.files.push(file);
  } else if (name === 'requirements.lock') {
    step(name, () => readYaml(fromBytes(data)));
    if (parts.metadata.apiVersion === 'v1') parts.files.push(file);
  } else if (name.startsWith('templates/')) parts.templates.push(file);
  else if (name.startsWith('charts/') && !name.endsWith('.prov')) {
    const inside = name.slice('charts/'.length);
    const [owner = ''] = inside.split('/', 1);
    const own = parts.subcharts.get(owner);
    if (own === undefined) parts.subcharts.set(owner, [{ name: inside, data }]);
    else own.push({ name: inside, data });
  } else parts.files.push(file);
}

import type { ChartFile } from '../chart/chart.ts';
import { HelmError } from '../chart/helm-error.ts';
import type { Chart } from '../chart/chart.ts';
import type { ChartDependency } from '../chart/metadata.ts';
import { missingDependencies } from '../chart/dependencies.ts';
import { readChartFolder, type ChartReads } from '../chart/read-folder.ts';
import { fromBytes } from '../go/text.ts';
import { GoMap, GoSlice } from '../go/value.ts';
import { readYaml } from '../yaml/read-yaml.ts';

/** A subchart to fetch: the exact version of the lock file where there is one, else the range of Chart.yaml. */
export interface WantedChart {
  readonly name: string;
  readonly version: string;
  readonly repository: string;
}

/** Fetches the archive (.tgz) of a chart; undefined where the repository may not be asked. */
export type FetchChart = (wanted: WantedChart) => Promise<Uint8Array | undefined>;

const MAX_LEVELS = 16;

/** Files of the subcharts a chart names and does not carry: `file://` ones of the repository, others by `fetch`. Throws HelmError of stage `deps`. */
export async function completeSubcharts(
  chart: Chart,
  files: readonly ChartFile[],
  options: { readonly folder: string; readonly reads: ChartReads; readonly fetch?: FetchChart | undefined; readonly level?: number },
): Promise<readonly ChartFile[]> {
  const missing = new Set(missingDependencies(chart));
  const wanted = (chart.metadata.dependencies ?? []).filter(({ name }) => missing.has(name));
  const locked = lockedVersions(files);
  const level = options.level ?? 0;
  if (wanted.length > 0 && level > MAX_LEVELS) throw new HelmError({ code: 'deps' }, `${chart.name}: subcharts are nested deeper than ${MAX_LEVELS}`);
  const added: ChartFile[] = [];
  const done = new Set<string>();
  for (const dependency of wanted) {
    const key = `${dependency.repository} ${dependency.name} ${dependency.version}`;
    if (done.has(key)) continue;
    done.add(key);
    added.push(...(await subchartFiles(dependency, locked.get(dependency.name), options)));
  }
  return added;
}

async function subchartFiles(
  { name, version, repository }: ChartDependency,
  lockedVersion: string | undefined,
  { folder, reads, fetch }: { readonly folder: string; readonly reads: ChartReads; readonly fetch?: FetchChart | undefined },
): Promise<readonly ChartFile[]> {
  if (repository.startsWith('file://')) {
    const from = resolveFolder(folder, repository.slice('file://'.length));
    if (from === undefined) throw new HelmError({ code: 'deps', missing: [name] }, `${name}: ${repository} leads out of the repository`);
    return (await readChartFolder(reads, from)).map((file) => ({ name: `charts/${name}/${file.name}`, data: file.data }));
  }
  const archive = await fetch?.({ name, version: lockedVersion ?? version, repository });
  return archive === undefined ? [] : [{ name: `charts/${name}-${lockedVersion ?? 'fetched'}.tgz`, data: archive }];
}

function resolveFolder(folder: string, path: string): string | undefined {
  const parts: string[] = [];
  for (const part of (path.startsWith('/') ? path : `${folder}/${path}`).split('/')) {
    if (part === '' || part === '.') continue;
    if (part !== '..') parts.push(part);
    else if (parts.pop() === undefined) return undefined;
  }
  return parts.join('/');
}

function lockedVersions(files: readonly ChartFile[]): ReadonlyMap<string, string> {
  const lock = files.find(({ name }) => name === 'Chart.lock') ?? files.find(({ name }) => name === 'requirements.lock');
  const root = lock === undefined ? null : readYaml(fromBytes(lock.data));
  const items = root instanceof GoMap ? root.entries.get('dependencies') : undefined;
  const versions = new Map<string, string>();
  for (const item of items instanceof GoSlice ? items.items : []) {
    if (!(item instanceof GoMap)) continue;
    const name = item.entries.get('name');
    const version = item.entries.get('version');
    if (typeof name === 'string' && typeof version === 'string') versions.set(name, version);
  }
  return versions;
}

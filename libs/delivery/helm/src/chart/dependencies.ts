import { GoMap, type GoValue } from '../go/value.ts';
import { formatValue } from '../go/format.ts';
import { cloneMetadata, type Chart } from './chart.ts';
import { coalesceTables, coalesceValues, copyValues, mergeValues } from './coalesce.ts';
import type { HelmCompat } from './load-chart.ts';
import type { ChartDependency } from './metadata.ts';
import { isCompatibleRange } from './version-range.ts';

/** The subcharts Chart.yaml names that the chart does not carry. */
export function missingDependencies(chart: Chart): readonly string[] {
  const present = new Set(chart.dependencies.map(({ name }) => name));
  return (chart.metadata.dependencies ?? []).map(({ name }) => name).filter((name) => !present.has(name));
}

/** Applies aliases, tags, conditions and imports to a chart tree, in place. Throws an Error with Helm's words. */
export function processDependencies(chart: Chart, user: GoMap, compat: HelmCompat): void {
  enableDependencies(chart, user, '', compat);
  importValues(chart, compat);
}

/** The table at a dotted path; undefined where there is none. */
function tableAt(values: GoMap, path: string): GoMap | undefined {
  let table: GoMap = values;
  for (const part of path.split('.')) {
    const next = table.entries.get(part);
    if (!(next instanceof GoMap)) return undefined;
    table = next;
  }
  return table;
}

function valueAt(values: GoMap, path: string): GoValue | undefined {
  const dot = path.lastIndexOf('.');
  const table = dot < 0 ? values : tableAt(values, path.slice(0, dot));
  const value = table?.entries.get(path.slice(dot + 1));
  return value instanceof GoMap ? undefined : value;
}

function applyTags(dependencies: readonly ChartDependency[], values: GoMap): void {
  const tags = tableAt(values, 'tags');
  if (tags === undefined) return;
  for (const dependency of dependencies) {
    const chosen = dependency.tags.map((tag) => tags.entries.get(tag));
    dependency.enabled = chosen.includes(true) || !chosen.includes(false);
  }
}

function applyConditions(dependencies: readonly ChartDependency[], values: GoMap, prefix: string): void {
  for (const dependency of dependencies) {
    for (const path of dependency.condition.trim().split(',')) {
      const value = path === '' ? undefined : valueAt(values, prefix + path);
      if (typeof value !== 'boolean') continue;
      dependency.enabled = value;
      break;
    }
  }
}

function aliased(charts: readonly Chart[], wanted: ChartDependency): Chart | undefined {
  const found = charts.find(({ name, metadata }) => name === wanted.name && isCompatibleRange(wanted.version, metadata.version));
  if (found === undefined) return undefined;
  const metadata = cloneMetadata(found.metadata);
  const copy = found.copy(wanted.alias === '' ? metadata : { ...metadata, name: wanted.alias });
  for (const child of found.dependencies) copy.addDependency(child.clone());
  return copy;
}

function enableDependencies(chart: Chart, values: GoMap, path: string, compat: HelmCompat): void {
  const wanted = chart.metadata.dependencies;
  if (wanted === undefined) return;
  const isWanted = (child: Chart): boolean => wanted.some(({ name, version }) => name === child.name && isCompatibleRange(version, child.metadata.version));
  const charts = chart.dependencies.filter((child) => !isWanted(child));
  for (const dependency of wanted) {
    const child = aliased(chart.dependencies, dependency);
    if (child !== undefined) charts.push(child);
    if (dependency.alias !== '') dependency.name = dependency.alias;
  }
  chart.setDependencies(charts);
  for (const dependency of wanted) dependency.enabled = true;
  const coalesced = coalesceValues(chart, values, compat);
  applyTags(wanted, coalesced);
  applyConditions(wanted, coalesced, path);
  const disabled = new Set(wanted.filter(({ enabled }) => !enabled).map(({ name }) => name));
  const enabled = chart.dependencies.filter(({ name }) => !disabled.has(name));
  for (const child of enabled) enableDependencies(child, coalesced, `${path}${child.name}.`, compat);
  const kept = wanted.filter(({ name }) => !disabled.has(name));
  chart.metadata.dependencies = kept.length === 0 ? undefined : kept;
  chart.setDependencies(enabled);
}

function nested(path: string, values: GoMap): GoMap {
  if (path === '.') return values;
  return path.split('.').reduceRight<GoMap>((inner, part) => new GoMap(new Map([[part, inner]])), values);
}

// Children first: what they import themselves can be imported from them.
function importValues(chart: Chart, compat: HelmCompat): void {
  for (const child of chart.dependencies) importValues(child, compat);
  const wanted = chart.metadata.dependencies;
  if (wanted === undefined) return;
  const values = mergeValues(chart, new GoMap(), compat);
  let imported = new GoMap();
  for (const dependency of wanted) {
    const paths = dependency.importValues.map(importPaths).filter((pair) => pair !== undefined);
    for (const { child, parent } of paths) {
      const table = tableAt(values, `${dependency.name}.${child}`);
      if (table !== undefined) imported = coalesceTables(imported, nested(parent, table), true);
    }
    dependency.importValues = paths.map(
      ({ child, parent }) =>
        new GoMap(
          new Map<string, GoValue>([
            ['child', child],
            ['parent', parent],
          ]),
          'map[string]string',
          { elemType: 'string' },
        ),
    );
  }
  chart.values = coalesceTables(copyValues(values), imported, true);
}

function importPaths(value: GoValue): { readonly child: string; readonly parent: string } | undefined {
  if (typeof value === 'string') return { child: `exports.${value}`, parent: '.' };
  if (!(value instanceof GoMap)) return undefined;
  return { child: formatValue(value.entries.get('child') ?? null), parent: formatValue(value.entries.get('parent') ?? null) };
}

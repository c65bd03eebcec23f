import { sprintf } from '../go/printf.ts';
import { GoMap, GoSlice, type GoValue } from '../go/value.ts';
import type { Chart } from './chart.ts';
import type { HelmCompat } from './load-chart.ts';

const GLOBAL = 'global';

/** Copies maps and lists of a value tree, so that templates can write into the copy. */
export function copyValues<T extends GoValue>(value: T): T {
  // Each branch returns the class it was given.
  if (value instanceof GoMap) {
    const entries = new Map<string, GoValue>();
    for (const [key, item] of value.entries) entries.set(key, copyValues(item));
    return new GoMap(entries, value.typeName) as unknown as T;
  }
  if (value instanceof GoSlice) return new GoSlice(value.items.map(copyValues), value.typeName) as unknown as T;
  return value;
}

/** Values of a chart and its subcharts, the user's over the chart's own; null deletes. Throws an Error with Helm's words. */
export function coalesceValues(chart: Chart, user: GoMap, compat: HelmCompat = 'helm4'): GoMap {
  return coalesce(chart, copyValues(user), { keepsNull: false, compat });
}

/** As `coalesceValues`, but nulls stay: for imports, which are coalesced again later. */
export function mergeValues(chart: Chart, user: GoMap, compat: HelmCompat = 'helm4'): GoMap {
  return coalesce(chart, copyValues(user), { keepsNull: true, compat });
}

interface Mode {
  readonly keepsNull: boolean;
  readonly compat: HelmCompat;
}

function coalesce(chart: Chart, target: GoMap, mode: Mode): GoMap {
  coalesceOwn(chart, target.entries, mode);
  for (const child of chart.dependencies) {
    const own = target.entries.get(child.name) ?? (target.entries.has(child.name) ? null : new GoMap());
    if (!(own instanceof GoMap)) throw new Error(sprintf('type mismatch on %s: %t', [child.name, own]));
    target.entries.set(child.name, own);
    coalesceGlobals(own.entries, target.entries);
    coalesce(child, own, mode);
  }
  return target;
}

// The parent's globals win over the child's.
function coalesceGlobals(target: Map<string, GoValue>, source: ReadonlyMap<string, GoValue>): void {
  const into = target.has(GLOBAL) ? target.get(GLOBAL) : new GoMap();
  const from = source.has(GLOBAL) ? source.get(GLOBAL) : new GoMap();
  if (!(into instanceof GoMap) || !(from instanceof GoMap)) return;
  for (const [key, value] of from.entries) {
    const before = into.entries.get(key);
    if (value instanceof GoMap) {
      const copy = new GoMap(new Map(value.entries));
      if (before === undefined && !into.entries.has(key)) into.entries.set(key, copy);
      else if (before instanceof GoMap) {
        coalesceTables(copy, before, true);
        into.entries.set(key, copy);
      }
    } else if (!(before instanceof GoMap)) into.entries.set(key, value);
  }
  target.set(GLOBAL, into);
}

function coalesceOwn(chart: Chart, target: Map<string, GoValue>, { keepsNull, compat }: Mode): void {
  for (const [key, value] of copyValues(chart.values).entries) {
    const wanted = target.get(key);
    if (wanted === undefined) {
      addDefault(target, key, value, keepsNull || compat === 'helm3');
    } else if (wanted === null && !keepsNull) target.delete(key);
    else if (wanted instanceof GoMap && value instanceof GoMap) {
      const keepsInside = keepsNull || chart.dependencies.some((child) => child.name === key);
      if (!keepsInside && compat === 'helm4') dropNulls(value.entries);
      coalesceTables(wanted, value, keepsInside, compat);
    }
  }
}

function addDefault(target: Map<string, GoValue>, key: string, value: GoValue, keepsNull: boolean): void {
  if (!keepsNull) {
    if (value === null) return;
    if (value instanceof GoMap) dropNulls(value.entries);
  }
  target.set(key, value);
}

function dropNulls(entries: Map<string, GoValue>): void {
  for (const [key, value] of entries) {
    if (value === null) entries.delete(key);
    else if (value instanceof GoMap) dropNulls(value.entries);
  }
}

/**
 * Adds to `target` what only `source` has, deeply. A null in `target` deletes, unless `keepsNull`; in Helm 4 only where
 * `source` has something to delete. Writes into both.
 */
export function coalesceTables(target: GoMap, source: GoMap, keepsNull: boolean, compat: HelmCompat = 'helm4'): GoMap {
  const given = new Set<string>();
  for (const [key, value] of source.entries) if (value !== null || compat === 'helm3') given.add(key);
  if (compat === 'helm4') for (const [key, value] of target.entries) if (value === null) source.entries.set(key, null);
  for (const [key, value] of source.entries) {
    const before = target.entries.get(key);
    if (before === null && !keepsNull && given.has(key)) target.entries.delete(key);
    else if (before === undefined) target.entries.set(key, value);
    else if (value instanceof GoMap && before instanceof GoMap) coalesceTables(before, value, keepsNull, compat);
  }
  return target;
}

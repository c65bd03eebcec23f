import type { FieldSpec } from '../load/fields.ts';
import type { ResMap } from '../resource/res-map.ts';
import { TAG } from '../yaml/rnode.ts';
import { applyFieldSpec, setEntry } from './field-spec.ts';

const MAP = { kind: 'map', tag: TAG.map } as const;

/** Adds labels or annotations in all places (kustomize v5.8.1 api/filters/labels, annotations). */
export function addEntries(map: ResMap, entries: ReadonlyMap<string, string>, specs: readonly FieldSpec[]): void {
  const keys = [...entries.keys()].sort();
  for (const resource of map.resources) {
    for (const key of keys) {
      const set = setEntry(key, entries.get(key) ?? '');
      for (const spec of specs) applyFieldSpec(resource, spec, set, MAP);
    }
  }
}

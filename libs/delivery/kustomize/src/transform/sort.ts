import { fail } from '../kustomize-error.ts';
import type { SortOptions } from '../load/fields.ts';
import { equalGvk, formatGvk, gvkSortText, kindRanks, type Gvk } from '../resource/gvk.ts';
import type { ResMap } from '../resource/res-map.ts';
import type { ResId } from '../resource/res-id.ts';

/** Sorts the objects of a build (kustomize v5.8.1 SortOrderTransformer). Throws KustomizeError for options that contradict each other. */
export function sortObjects(map: ResMap, { order, legacySortOptions }: SortOptions): void {
  if (order !== 'fifo' && order !== 'legacy') fail("the field 'sortOptions.order' must be one of [fifo, legacy]");
  if (order === 'fifo') {
    if (legacySortOptions !== undefined) fail("the field 'sortOptions.legacySortOptions' is set but the selected sort order is 'fifo', not 'legacy'");
    return;
  }
  const ranks = legacySortOptions === undefined ? kindRanks() : kindRanks(legacySortOptions.orderFirst ?? [], legacySortOptions.orderLast ?? []);
  const keyed = map.resources.map((resource) => ({ resource, id: resource.id }));
  map.replaceAll(keyed.toSorted((a, b) => compareIds(a.id, b.id, ranks)).map(({ resource }) => resource));
}

function compareIds(a: ResId, b: ResId, ranks: ReadonlyMap<string, number>): number {
  if (equalGvk(a, b)) return compareTexts(idText(a), idText(b));
  const rank = (ranks.get(a.kind) ?? 0) - (ranks.get(b.kind) ?? 0);
  if (rank !== 0) return rank;
  const order = compareTexts(gvkSortText(a), gvkSortText(b));
  // Namespaces of the core come before those of other groups.
  return isNamespace(a) && isNamespace(b) && (a.group === '' || b.group === '') ? -order : order;
}

function isNamespace({ kind }: Gvk): boolean {
  return kind === 'Namespace';
}

function idText(id: ResId): string {
  return `${formatGvk(id)}|${id.namespace === '' ? '~X' : id.namespace}|${id.name === '' ? '~N' : id.name}`;
}

function compareTexts(a: string, b: string): number {
  return a === b ? 0 : a < b ? -1 : 1;
}

import type { KubeObject } from '@tiphys/kube-model';
import { objectProblem, openLists, type LocatedObject, type ManifestProblem } from '@tiphys/kube-yaml';
import { GoInt, GoMap, GoSlice, type GoValue } from '../go/value.ts';

/** Objects and problems of rendered documents. */
export interface RenderedObjects {
  readonly objects: readonly LocatedObject[];
  readonly problems: readonly ManifestProblem[];
}

/** Turns documents into objects; `List` kinds are opened, empty documents skipped, documents that are no objects reported. */
export function toObjects(documents: readonly { readonly path: string; readonly value: GoValue }[]): RenderedObjects {
  const objects: LocatedObject[] = [];
  const problems: ManifestProblem[] = [];
  const counts = new Map<string, number>();
  for (const { path, value } of documents) {
    const document = counts.get(path) ?? 0;
    counts.set(path, document + 1);
    if (value === null) continue;
    for (const item of openLists(toPlain(value))) {
      const problem = objectProblem(item);
      if (problem !== undefined) problems.push({ file: path, message: problem });
      // objectProblem has just checked what makes a KubeObject.
      else objects.push({ object: item as KubeObject, file: path, document, line: 1 });
    }
  }
  return { objects, problems };
}

/** Plain JSON data of a value, with ordinary objects. An integer that a number cannot hold is its digits, as in manifests that are read. */
export function toPlain(value: GoValue): unknown {
  if (value instanceof GoMap) return Object.fromEntries([...value.entries].map(([key, item]) => [key, toPlain(item)]));
  if (value instanceof GoSlice) return value.items.map(toPlain);
  if (value instanceof GoInt) return Number.isSafeInteger(Number(value.value)) ? Number(value.value) : String(value.value);
  return value;
}

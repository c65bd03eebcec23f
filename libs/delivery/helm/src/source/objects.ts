import { isJsonObject, type KubeObject } from '@tiphys/kube-model';
import type { LocatedObject, ManifestProblem } from '@tiphys/kube-yaml';
import { GoMap, GoSlice, type GoValue } from '../go/value.ts';

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
      const problem = problemOf(item);
      if (problem !== undefined) problems.push({ file: path, message: problem });
      // problemOf has just checked what makes a KubeObject.
      else objects.push({ object: item as KubeObject, file: path, document, line: 1 });
    }
  }
  return { objects, problems };
}

/** Plain JSON data of a value, with ordinary objects. */
function toPlain(value: GoValue): unknown {
  if (value instanceof GoMap) return Object.fromEntries([...value.entries].map(([key, item]) => [key, toPlain(item)]));
  if (value instanceof GoSlice) return value.items.map(toPlain);
  return value;
}

function openLists(value: unknown): readonly unknown[] {
  if (!isJsonObject(value) || typeof value['kind'] !== 'string' || !value['kind'].endsWith('List')) return [value];
  const items = value['items'];
  if (items === null) return [];
  return Array.isArray(items) ? items.flatMap(openLists) : [value];
}

function problemOf(value: unknown): string | undefined {
  if (!isJsonObject(value)) return 'not a Kubernetes object: the document is not a map';
  const { kind, apiVersion, metadata } = value as Readonly<Record<string, unknown>>;
  if (typeof kind !== 'string' || kind === '') return 'not a Kubernetes object: "kind" is missing';
  if (typeof apiVersion !== 'string' || apiVersion === '') return `${kind}: "apiVersion" is missing`;
  if (!isJsonObject(metadata)) return `${kind}: "metadata" is missing`;
  const { name, generateName } = metadata as Readonly<Record<string, unknown>>;
  const isNamed = (typeof name === 'string' && name !== '') || (typeof generateName === 'string' && generateName !== '');
  return isNamed ? undefined : `${kind}: "metadata.name" is missing`;
}

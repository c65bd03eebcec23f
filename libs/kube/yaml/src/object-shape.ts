import { isJsonObject } from '@tiphys/kube-model';

/** The objects of a value: the items of a `List` kind, opened all the way down; any other value as it is. */
export function openLists(value: unknown): readonly unknown[] {
  if (!isJsonObject(value) || typeof value['kind'] !== 'string' || !value['kind'].endsWith('List')) return [value];
  const items = value['items'];
  if (items === null) return [];
  return Array.isArray(items) ? items.flatMap(openLists) : [value];
}

/** Why a value is no Kubernetes object (apiVersion, kind, metadata with a name or generateName), or undefined when it is one. */
export function objectProblem(value: unknown): string | undefined {
  if (!isJsonObject(value)) return 'not a Kubernetes object: the document is not a map';
  const { kind, apiVersion, metadata } = value as Readonly<Record<string, unknown>>;
  if (typeof kind !== 'string' || kind === '') return 'not a Kubernetes object: "kind" is missing';
  if (typeof apiVersion !== 'string' || apiVersion === '') return `${kind}: "apiVersion" is missing`;
  if (!isJsonObject(metadata)) return `${kind}: "metadata" is missing`;
  const { name, generateName } = metadata as Readonly<Record<string, unknown>>;
  if ((typeof name === 'string' && name !== '') || (typeof generateName === 'string' && generateName !== '')) return undefined;
  return name === undefined ? `${kind}: "metadata.name" is missing` : `${kind}: "metadata.name" must be a non-empty string`;
}

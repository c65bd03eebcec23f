import { isSelectorProblem, matchesSelector, parseLabelSelector } from '@tiphys/kube-model';
import { fail } from '../kustomize-error.ts';
import { matchesWhole } from '../regex.ts';
import type { Gvk } from './gvk.ts';
import { effectiveNamespace } from './res-id.ts';
import type { Resource } from './resource.ts';

/** Which objects are meant: expressions that must match as a whole, and label selectors. Empty parts select everything. */
export interface Selector extends Gvk {
  readonly name: string;
  readonly namespace: string;
  readonly labelSelector: string;
  readonly annotationSelector: string;
}

/** Whether the kind matches the selector's expressions. */
export function matchesGvk(selector: Gvk, { group, version, kind }: Gvk): boolean {
  return matchesWhole(selector.group, group) && matchesWhole(selector.version, version) && matchesWhole(selector.kind, kind);
}

/** Whether labels and annotations are those the selector asks for. Throws KustomizeError for a bad selector. */
export function matchesLabels({ labelSelector, annotationSelector }: Selector, resource: Resource): boolean {
  return matchesText(labelSelector, () => resource.labels) && matchesText(annotationSelector, () => resource.annotations);
}

function matchesText(text: string, labels: () => ReadonlyMap<string, string>): boolean {
  if (text === '') return true;
  const selector = parseLabelSelector(text);
  if (isSelectorProblem(selector)) return fail(selector.message);
  return matchesSelector(selector, Object.fromEntries(labels()));
}

/** Whether a patch's or transformer's selector means the object, by its first or present id (kustomize v5.8.1 resmap `Select`). */
export function selects(selector: Selector, resource: Resource): boolean {
  const { id, originalId } = resource;
  return (
    (matchesWhole(selector.namespace, effectiveNamespace(originalId)) || matchesWhole(selector.namespace, effectiveNamespace(id))) &&
    (matchesWhole(selector.name, originalId.name) || matchesWhole(selector.name, id.name)) &&
    matchesGvk(selector, resource.gvk) &&
    matchesLabels(selector, resource)
  );
}

import { equalGvk, formatGvk, isSelected, type Gvk } from './gvk.ts';

/** What identifies an object inside a build (kyaml v0.21 `ResId`). */
export interface ResId extends Gvk {
  readonly name: string;
  readonly namespace: string;
  /** Whether the kind is known to have no namespaces. Unknown kinds have them. */
  readonly isClusterScoped: boolean;
}

/** The namespace of objects that can have none. */
export const NO_NAMESPACE = '_non_namespaceable_';

/** The namespace an object is in: `default` where it names none. */
export function effectiveNamespace({ namespace, isClusterScoped }: ResId): string {
  if (isClusterScoped) return NO_NAMESPACE;
  return namespace === '' ? 'default' : namespace;
}

/** Whether two ids mean one object. */
export function equalIds(a: ResId, b: ResId): boolean {
  return a.name === b.name && effectiveNamespace(a) === effectiveNamespace(b) && equalGvk(a, b);
}

/** A text that is equal for equal ids. */
export function idKey(id: ResId): string {
  return `${id.group}\u0000${id.version}\u0000${id.kind}\u0000${effectiveNamespace(id)}\u0000${id.name}`;
}

/** The form of Kustomize's messages: `Deployment.v1.apps/web.shop`. */
export function formatId(id: ResId): string {
  return `${formatGvk(id)}/${id.name === '' ? '[noName]' : id.name}.${id.namespace === '' ? '[noNs]' : id.namespace}`;
}

/** Go's `%#v` of an id, as the messages of generators have it. */
export function goStringOfId({ group, version, kind, name, namespace, isClusterScoped }: ResId): string {
  const text = (part: string): string => JSON.stringify(part);
  const gvk = `resid.Gvk{Group:${text(group)}, Version:${text(version)}, Kind:${text(kind)}, isClusterScoped:${String(isClusterScoped)}}`;
  return `resid.ResId{Gvk:${gvk}, Name:${text(name)}, Namespace:${text(namespace)}}`;
}

/** Whether a selector's non-empty parts are those of the id. */
export function isIdSelected(id: ResId, selector: ResId): boolean {
  return (
    (selector.name === '' || selector.name === id.name) &&
    (selector.namespace === '' || effectiveNamespace(selector) === effectiveNamespace(id)) &&
    isSelected(id, selector)
  );
}

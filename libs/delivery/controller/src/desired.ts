import { roleOf, withTracking } from '@tiphys/delivery-applications';
import { describeRef, fieldAt, refKey, refOf, type KubeObject, type ResourceType } from '@tiphys/kube-model';

/** Rendered objects made ready for comparison. */
export interface Desired {
  /** With namespace and tracking id; each identity once; hooks included, skipped objects left out. */
  readonly objects: readonly KubeObject[];
  readonly warnings: readonly string[];
}

/**
 * Completes rendered objects: cluster-scoped ones lose their namespace, others get the destination's; of two with one identity
 * the later wins. The scope of a kind comes from the API, or from its definition among the objects.
 */
export function prepareDesired(
  rendered: readonly KubeObject[],
  application: string,
  destinationNamespace: string,
  typeOf: (apiVersion: string, kind: string) => ResourceType | undefined,
): Desired {
  const byKey = new Map<string, KubeObject>();
  const warnings: string[] = [];
  const definedScopes = scopesDefinedBy(rendered);
  for (const object of rendered) {
    const role = roleOf(object);
    if (role.kind === 'skip') continue;
    const isNamespaced = typeOf(object.apiVersion, object.kind)?.namespaced ?? definedScopes.get(`${refOf(object).group}/${object.kind}`) ?? true;
    const placed = place(object, isNamespaced, destinationNamespace);
    const generated = placed.metadata.name === undefined || placed.metadata.name === '';
    const key = generated ? `${refKey(refOf(placed))}${placed.metadata.generateName ?? ''}/${byKey.size}` : refKey(refOf(placed));
    if (byKey.has(key)) warnings.push(`${describeRef(refOf(placed))}: is rendered more than once; the last one counts`);
    byKey.set(key, withTracking(placed, application));
  }
  return { objects: [...byKey.values()], warnings };
}

function place(object: KubeObject, isNamespaced: boolean, destinationNamespace: string): KubeObject {
  const { namespace, ...metadata } = object.metadata;
  if (!isNamespaced) return { ...object, metadata };
  const own = namespace === undefined || namespace === '' ? destinationNamespace : namespace;
  return { ...object, metadata: { ...metadata, ...(own === '' ? {} : { namespace: own }) } };
}

function scopesDefinedBy(objects: readonly KubeObject[]): ReadonlyMap<string, boolean> {
  const scopes = new Map<string, boolean>();
  for (const object of objects) {
    if (object.kind !== 'CustomResourceDefinition') continue;
    scopes.set(
      `${String(fieldAt(object, 'spec', 'group'))}/${String(fieldAt(object, 'spec', 'names', 'kind'))}`,
      fieldAt(object, 'spec', 'scope') !== 'Cluster',
    );
  }
  return scopes;
}

/** The kinds among objects, each once. */
export function kindsOf(objects: readonly KubeObject[]): readonly { readonly group: string; readonly version: string; readonly kind: string }[] {
  return [...new Map(objects.map((object) => [`${object.apiVersion}/${object.kind}`, refOf(object)])).values()].map(({ group, version, kind }) => ({
    group,
    version,
    kind,
  }));
}

import { fail, within } from '../kustomize-error.ts';
import type { FieldSpec } from '../load/fields.ts';
import { isHelmGenerated, type ResMap } from '../resource/res-map.ts';
import { formatId, idKey } from '../resource/res-id.ts';
import type { Resource } from '../resource/resource.ts';
import { getField, itemsOf, lookUp, setField, setScalar } from '../yaml/fields.ts';
import { isMissing, isNilOrEmpty, RNode, TAG } from '../yaml/rnode.ts';
import { applyFieldSpec, type SetNode } from './field-spec.ts';

/** Which subjects of role bindings are moved too. */
export type SubjectMode = 'defaultOnly' | 'allServiceAccounts' | 'none';

/** How objects are moved to a namespace. */
export interface NamespaceOptions {
  readonly namespace: string;
  readonly specs: readonly FieldSpec[];
  readonly unsetOnly: boolean;
  readonly subjects: SubjectMode;
}

const STRING = { kind: 'scalar', tag: TAG.string } as const;
const UNTAGGED = { kind: 'scalar', tag: '' } as const;
const NAMESPACE_FIELD: FieldSpec = { group: '', version: '', kind: '', path: 'metadata/namespace', create: true };

/** Moves objects to a namespace (kustomize v5.8.1 NamespaceTransformer, api/filters/namespace). Throws where two get one id. */
export function setNamespace(map: ResMap, options: NamespaceOptions): void {
  if (options.namespace === '') return;
  const counts = new Map<string, number>();
  const count = (resource: Resource, change: number): number => {
    const key = idKey(resource.id);
    const next = (counts.get(key) ?? 0) + change;
    counts.set(key, next);
    return next;
  };
  for (const resource of map.resources) count(resource, 1);
  for (const resource of map.resources) {
    if (resource.isEmpty || isHelmGenerated(resource)) continue;
    count(resource, -1);
    resource.storePreviousId();
    moveToNamespace(resource, options);
    if (count(resource, 1) !== 1) fail(`namespace transformation produces ID conflict: ${formatId(resource.id)}`);
  }
}

/** Moves one object, whatever ids others have. */
export function moveToNamespace(resource: Resource, options: NamespaceOptions): void {
  const set = setter(options);
  const isBinding = resource.kind === 'RoleBinding' || resource.kind === 'ClusterRoleBinding';
  const specs = options.specs.filter(
    ({ kind, path }) =>
      path !== 'metadata/namespace' &&
      (path !== 'metadata/name' || resource.apiVersion === 'v1') &&
      !(isBinding && (kind === 'RoleBinding' || kind === 'ClusterRoleBinding') && path === 'subjects/namespace'),
  );
  if (!resource.id.isClusterScoped) applyFieldSpec(resource, NAMESPACE_FIELD, set, UNTAGGED);
  if (isBinding) within('setting namespace on (cluster)role binding subjects', () => moveSubjects(resource, options.subjects, set));
  within('namespace transformation failed', () => specs.forEach((spec) => applyFieldSpec(resource, spec, set, STRING)));
}

function setter({ namespace, unsetOnly }: NamespaceOptions): SetNode {
  const value = new RNode('scalar', TAG.string, namespace);
  return (node) => {
    if (unsetOnly && !isNilOrEmpty(node) && node.value !== '') return;
    setScalar(node, value);
  };
}

function moveSubjects(resource: Resource, mode: SubjectMode, set: SetNode): void {
  if (mode === 'none') return;
  const subjects = lookUp(resource.node, ['subjects']);
  if (isMissing(subjects)) return;
  const [field, wanted] = mode === 'defaultOnly' ? ['name', 'default'] : ['kind', 'ServiceAccount'];
  for (const subject of itemsOf(subjects)) {
    if (getField(subject, field ?? '')?.value !== wanted) continue;
    let namespace = getField(subject, 'namespace');
    if (namespace === undefined) {
      namespace = new RNode('scalar', '');
      setField(subject, 'namespace', namespace);
    }
    set(namespace);
  }
}

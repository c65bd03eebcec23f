import type { rbacv1 } from '@tiphys/kube-model';
import type { Core, UserInfo } from '../core.ts';
import { draftAs } from '../draft.ts';
import { parseStored } from '../registry/objects.ts';
import type { Attributes } from './attributes.ts';
import { authorizeNode } from './node-authorizer.ts';

export type { Attributes } from './attributes.ts';

/** Whether the user may. A node by what its pods need, everybody by RBAC over the roles in the store; system:masters may everything. */
export function isAllowed(core: Core, user: UserInfo, attributes: Attributes): boolean {
  if (user.groups.includes('system:masters')) return true;
  if (authorizeNode(core, user, attributes)) return true;
  return rulesFor(core, user, attributes.kind === 'resource' ? attributes.namespace : '').some((rule) => matchesRule(rule, attributes));
}

/** The rules that hold for a user in a namespace. */
export function rulesFor(core: Core, user: UserInfo, namespace: string): readonly rbacv1.PolicyRule[] {
  const objects = <T extends rbacv1.RoleBinding | rbacv1.ClusterRoleBinding>(prefix: string): readonly T[] =>
    core.store.list({ prefix }).entries.map((entry) => draftAs<T>(parseStored(entry.value)) as unknown as T); // Read only.
  const cluster = objects<rbacv1.ClusterRoleBinding>(`${RBAC}clusterrolebindings/`).filter((binding) => concerns(binding.subjects, user, ''));
  const local =
    namespace === '' ? [] : objects<rbacv1.RoleBinding>(`${RBAC}rolebindings/${namespace}/`).filter((binding) => concerns(binding.subjects, user, namespace));
  return [
    ...cluster.flatMap((binding) => rulesOfRole(core, binding.roleRef, '')),
    ...local.flatMap((binding) => rulesOfRole(core, binding.roleRef, namespace)),
  ];
}

const RBAC = '/rbac.authorization.k8s.io/';

function concerns(subjects: readonly rbacv1.Subject[] | undefined, user: UserInfo, namespace: string): boolean {
  return (subjects ?? []).some((subject) => {
    if (subject.kind === 'User') return subject.name === user.username;
    if (subject.kind === 'Group') return user.groups.includes(subject.name);
    return subject.kind === 'ServiceAccount' && user.username === `system:serviceaccount:${subject.namespace ?? namespace}:${subject.name}`;
  });
}

/** The rules of the role a binding names; none when there is no such role. */
export function rulesOfRole(core: Core, ref: rbacv1.RoleRef | undefined, namespace: string): readonly rbacv1.PolicyRule[] {
  if (ref === undefined) return [];
  const key = ref.kind === 'Role' ? `${RBAC}roles/${namespace}/${ref.name}` : `${RBAC}clusterroles/${ref.name}`;
  const entry = core.store.get(key);
  if (entry === undefined) return [];
  const role = draftAs<rbacv1.ClusterRole>(parseStored(entry.value)) as rbacv1.ClusterRole; // Read only.
  return role.aggregationRule === undefined ? (role.rules ?? []) : [...(role.rules ?? []), ...aggregated(core, role)];
}

// Aggregation is resolved when asked, so it holds without a controller.
function aggregated(core: Core, role: rbacv1.ClusterRole): readonly rbacv1.PolicyRule[] {
  const selectors = role.aggregationRule?.clusterRoleSelectors ?? [];
  return core.store
    .list({ prefix: `${RBAC}clusterroles/` })
    .entries.map((entry) => draftAs<rbacv1.ClusterRole>(parseStored(entry.value)) as rbacv1.ClusterRole)
    .filter((candidate) => candidate.metadata.name !== role.metadata.name)
    .filter((candidate) =>
      selectors.some((selector) => Object.entries(selector.matchLabels ?? {}).every(([key, value]) => candidate.metadata.labels?.[key] === value)),
    )
    .flatMap((candidate) => candidate.rules ?? []);
}

/** Whether a rule allows something. */
export function matchesRule(rule: rbacv1.PolicyRule, attributes: Attributes): boolean {
  if (!has(rule.verbs, attributes.verb)) return false;
  if (attributes.kind === 'path')
    return (rule.nonResourceURLs ?? []).some(
      (pattern) => pattern === '*' || pattern === attributes.path || (pattern.endsWith('*') && attributes.path.startsWith(pattern.slice(0, -1))),
    );
  const { group, resource, subresource, name } = attributes;
  const full = subresource === '' ? resource : `${resource}/${subresource}`;
  if (!has(rule.apiGroups, group)) return false;
  if (!(has(rule.resources, full) || (subresource !== '' && (rule.resources ?? []).includes(`*/${subresource}`)))) return false;
  return (rule.resourceNames ?? []).length === 0 || (rule.resourceNames ?? []).includes(name);
}

function has(list: readonly string[] | undefined, value: string): boolean {
  return (list ?? []).some((candidate) => candidate === '*' || candidate === value);
}

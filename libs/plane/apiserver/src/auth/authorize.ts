import { matchesSelector, selectorOf, type rbacv1 } from '@tiphys/kube-model';
import { createView } from '../admission/view.ts';
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

const RBAC = '/rbac.authorization.k8s.io/';

/** Roles by whom they are bound to: `User name`, `Group name`, `ServiceAccount namespace name`. */
type RefsBySubject = ReadonlyMap<string, readonly rbacv1.RoleRef[]>;

const bindingsOf = createView((objects): RefsBySubject => {
  const bySubject = new Map<string, rbacv1.RoleRef[]>();
  for (const object of objects) {
    const { metadata, roleRef, subjects = [] } = draftAs<rbacv1.RoleBinding>(object);
    if (roleRef === undefined) continue;
    for (const { kind, name, namespace = metadata.namespace ?? '' } of subjects) {
      const subject = kind === 'ServiceAccount' ? `${kind} ${namespace} ${name}` : `${kind} ${name}`;
      bySubject.set(subject, [...(bySubject.get(subject) ?? []), roleRef]);
    }
  }
  return bySubject;
});

/** The rules that hold for a user in a namespace. */
export function rulesFor(core: Core, user: UserInfo, namespace: string): readonly rbacv1.PolicyRule[] {
  const subjects = subjectsOf(user);
  const refs = (prefix: string): readonly rbacv1.RoleRef[] => {
    const bySubject = bindingsOf(core, prefix);
    return subjects.flatMap((subject) => bySubject.get(subject) ?? []);
  };
  return [
    ...refs(`${RBAC}clusterrolebindings/`).flatMap((ref) => rulesOfRole(core, ref, '')),
    ...(namespace === '' ? [] : refs(`${RBAC}rolebindings/${namespace}/`).flatMap((ref) => rulesOfRole(core, ref, namespace))),
  ];
}

function subjectsOf({ username, groups }: UserInfo): readonly string[] {
  const [, namespace, account] = /^system:serviceaccount:([^:]+):([^:]+)$/.exec(username) ?? [];
  return [
    `User ${username}`,
    ...(namespace === undefined || account === undefined ? [] : [`ServiceAccount ${namespace} ${account}`]),
    ...groups.map((group) => `Group ${group}`),
  ];
}

const clusterRolesOf = createView((objects) => {
  const roles = objects.map((object) => draftAs<rbacv1.ClusterRole>(object) as rbacv1.ClusterRole); // Read only.
  // Aggregation is resolved when asked, so it holds without a controller.
  return new Map(roles.map((role) => [role.metadata.name ?? '', [...(role.rules ?? []), ...aggregatedRules(role, roles)]]));
});

/** The rules of the role a binding names; none when there is no such role. */
export function rulesOfRole(core: Core, ref: rbacv1.RoleRef | undefined, namespace: string): readonly rbacv1.PolicyRule[] {
  if (ref === undefined) return [];
  if (ref.kind !== 'Role') return clusterRolesOf(core, `${RBAC}clusterroles/`).get(ref.name) ?? [];
  const entry = core.store.get(`${RBAC}roles/${namespace}/${ref.name}`);
  return entry === undefined ? [] : (draftAs<rbacv1.Role>(parseStored(entry.value)).rules ?? []);
}

/** The rules of the roles that a role's aggregation rule selects, itself apart. */
export function aggregatedRules({ metadata, aggregationRule }: rbacv1.ClusterRole, roles: readonly rbacv1.ClusterRole[]): readonly rbacv1.PolicyRule[] {
  const selectors = aggregationRule?.clusterRoleSelectors ?? [];
  return roles
    .filter((candidate) => candidate.metadata.name !== metadata.name)
    .filter((candidate) => selectors.some((selector) => matchesSelector(selectorOf(selector), candidate.metadata.labels)))
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

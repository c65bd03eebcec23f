import { matchesSelector, selectorOf, type rbacv1 } from '@tiphys/kube-model';
import type { Core, UserInfo } from '../core.ts';
import { draftAs } from '../draft.ts';
import { parseStored } from '../registry/objects.ts';
import type { Attributes } from './attributes.ts';
import { authorizeNode } from './node-authorizer.ts';

export type { Attributes } from './attributes.ts';

/** Whether somebody may, and by what; the reason is empty where nothing allows it. */
export interface Decision {
  readonly isAllowed: boolean;
  readonly reason: string;
}

const DENIED: Decision = { isAllowed: false, reason: '' };

/** Decides what a user may: a node by what its pods need, everybody by RBAC over the roles in the store; system:masters may everything. */
export function decide(core: Core, user: UserInfo, attributes: Attributes): Decision {
  if (user.groups.includes('system:masters')) return { isAllowed: true, reason: '' };
  if (authorizeNode(core, user, attributes)) return { isAllowed: true, reason: '' };
  const namespace = attributes.kind === 'resource' ? attributes.namespace : '';
  for (const { binding, subject } of bindingsFor(core, user, namespace)) {
    if (!rulesOfRole(core, binding.roleRef, binding.metadata.namespace ?? '').some((rule) => matchesRule(rule, attributes))) continue;
    return { isAllowed: true, reason: `RBAC: allowed by ${describeBinding(binding)} to ${describeSubject(subject)}` };
  }
  return DENIED;
}

/** Whether a user may. */
export function isAllowed(core: Core, user: UserInfo, attributes: Attributes): boolean {
  return decide(core, user, attributes).isAllowed;
}

/** The rules that hold for a user in a namespace. */
export function rulesFor(core: Core, user: UserInfo, namespace: string): readonly rbacv1.PolicyRule[] {
  return bindingsFor(core, user, namespace).flatMap(({ binding }) => rulesOfRole(core, binding.roleRef, binding.metadata.namespace ?? ''));
}

type Binding = rbacv1.RoleBinding | rbacv1.ClusterRoleBinding;

interface Bound {
  readonly binding: Binding;
  readonly subject: rbacv1.Subject;
}

function bindingsFor(core: Core, user: UserInfo, namespace: string): readonly Bound[] {
  const bound = (prefix: string): readonly Bound[] =>
    core.store.list({ prefix }).entries.flatMap((entry) => {
      const binding = draftAs<Binding>(parseStored(entry.value)) as unknown as Binding; // Read only.
      const subject = (binding.subjects ?? []).find((each) => isSubject(each, user, binding.metadata.namespace ?? ''));
      return subject === undefined ? [] : [{ binding, subject }];
    });
  return [...bound(`${RBAC}clusterrolebindings/`), ...(namespace === '' ? [] : bound(`${RBAC}rolebindings/${namespace}/`))];
}

function describeBinding({ kind, metadata, roleRef }: Binding): string {
  const name = metadata.namespace === undefined ? (metadata.name ?? '') : `${metadata.name ?? ''}/${metadata.namespace}`;
  return `${kind} ${JSON.stringify(name)} of ${roleRef?.kind ?? ''} ${JSON.stringify(roleRef?.name ?? '')}`;
}

function describeSubject({ kind, name, namespace }: rbacv1.Subject): string {
  return `${kind} ${JSON.stringify(namespace === undefined ? name : `${name}/${namespace}`)}`;
}

const RBAC = '/rbac.authorization.k8s.io/';

function isSubject(subject: rbacv1.Subject, user: UserInfo, namespace: string): boolean {
  if (subject.kind === 'User') return subject.name === user.username;
  if (subject.kind === 'Group') return user.groups.includes(subject.name);
  return subject.kind === 'ServiceAccount' && user.username === `system:serviceaccount:${subject.namespace ?? namespace}:${subject.name}`;
}

/** The rules of the role a binding names; none when there is no such role. */
export function rulesOfRole(core: Core, ref: rbacv1.RoleRef | undefined, namespace: string): readonly rbacv1.PolicyRule[] {
  if (ref === undefined) return [];
  const key = ref.kind === 'Role' ? `${RBAC}roles/${namespace}/${ref.name}` : `${RBAC}clusterroles/${ref.name}`;
  const entry = core.store.get(key);
  if (entry === undefined) return [];
  const role = draftAs<rbacv1.ClusterRole>(parseStored(entry.value)) as rbacv1.ClusterRole; // Read only.
  return role.aggregationRule === undefined ? (role.rules ?? []) : aggregated(core, role);
}

// Aggregation is resolved when asked, so it holds before the rules are written into the role.
function aggregated(core: Core, role: rbacv1.ClusterRole): readonly rbacv1.PolicyRule[] {
  const selectors = (role.aggregationRule?.clusterRoleSelectors ?? []).map((selector) => selectorOf(selector));
  return core.store
    .list({ prefix: `${RBAC}clusterroles/` })
    .entries.map((entry) => draftAs<rbacv1.ClusterRole>(parseStored(entry.value)) as rbacv1.ClusterRole)
    .filter((candidate) => candidate.metadata.name !== role.metadata.name)
    .filter((candidate) => selectors.some((selector) => matchesSelector(selector, candidate.metadata.labels)))
    .flatMap((candidate) => candidate.rules ?? []);
}

function matchesRule(rule: rbacv1.PolicyRule, attributes: Attributes): boolean {
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

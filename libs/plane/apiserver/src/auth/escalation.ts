import { deepEqual, type rbacv1 } from '@tiphys/kube-model';
import type { Core, Scope } from '../core.ts';
import { draftAs, type Draft } from '../draft.ts';
import { forbidden, notFound } from '../failures.ts';
import { isAllowed, rulesFor, rulesOfRole, type Attributes } from './authorize.ts';
import { compactRules, formatRule, missingRules } from './rules.ts';

const GROUP = 'rbac.authorization.k8s.io';
const EVERYTHING: readonly rbacv1.PolicyRule[] = [
  { verbs: ['*'], apiGroups: ['*'], resources: ['*'] },
  { verbs: ['*'], nonResourceURLs: ['*'] },
];

/** Refuses a role or binding by which its writer would hand out rights they do not have (registry/rbac policybased storage). */
export function checkEscalation(core: Core, scope: Scope, draft: Draft, live: Draft | undefined): void {
  const { served, user } = scope;
  if (served.group !== GROUP || user.groups.includes('system:masters')) return;
  if (served.resource === 'roles' || served.resource === 'clusterroles') checkRole(core, scope, draft, live);
  else checkBinding(core, scope, draft, live);
}

function checkRole(core: Core, scope: Scope, draft: Draft, live: Draft | undefined): void {
  const [role, before] = [draft, live].map((each) => (each === undefined ? undefined : draftAs<rbacv1.ClusterRole>(each)));
  if (before !== undefined && deepEqual(role?.rules, before.rules) && deepEqual(role?.aggregationRule, before.aggregationRule)) return;
  if (mayDo(core, scope, 'escalate', scope.served.resource, draft.metadata.name ?? '')) return;
  const grown = role?.aggregationRule !== undefined && !deepEqual(role.aggregationRule, before?.aggregationRule);
  // What an aggregated role will hold is not known when it is written.
  if (grown && missingRules(held(core, scope), EVERYTHING).length > 0)
    throw forbidden(scope.served, draft.metadata.name ?? '', 'must have cluster-admin privileges to use an aggregationRule');
  refuseMissing(core, scope, draft, role?.rules ?? []);
}

function checkBinding(core: Core, scope: Scope, draft: Draft, live: Draft | undefined): void {
  const binding = draftAs<rbacv1.RoleBinding>(draft);
  const before = live === undefined ? undefined : draftAs<rbacv1.RoleBinding>(live);
  if (before !== undefined && deepEqual(before.roleRef, binding.roleRef) && deepEqual(before.subjects, binding.subjects)) return;
  const { kind, name = '' } = binding.roleRef ?? {};
  const resource = kind === 'Role' ? 'roles' : 'clusterroles';
  if (mayDo(core, scope, 'bind', resource, name)) return;
  const key = kind === 'Role' ? `/${GROUP}/roles/${scope.namespace ?? ''}/${name}` : `/${GROUP}/clusterroles/${name}`;
  if (core.store.get(key) === undefined) throw notFound({ group: GROUP, resource }, name);
  refuseMissing(core, scope, draft, binding.roleRef === undefined ? [] : rulesOfRole(core, binding.roleRef, scope.namespace ?? ''));
}

function mayDo(core: Core, scope: Scope, verb: string, resource: string, name: string): boolean {
  const attributes: Attributes = { kind: 'resource', verb, group: GROUP, resource, subresource: '', namespace: scope.namespace ?? '', name };
  return isAllowed(core, scope.user, attributes);
}

function held(core: Core, { user, namespace = '' }: Scope): readonly rbacv1.PolicyRule[] {
  return rulesFor(core, user, namespace);
}

function refuseMissing(core: Core, scope: Scope, draft: Draft, wanted: readonly rbacv1.PolicyRule[]): void {
  const missing = missingRules(held(core, scope), wanted);
  if (missing.length === 0) return;
  const { user } = scope;
  const groups = user.groups.map((name) => JSON.stringify(name)).join(' ');
  const rules = compactRules(missing).map(formatRule).toSorted().join('\n');
  throw forbidden(
    scope.served,
    draft.metadata.name ?? '',
    `user ${JSON.stringify(user.username)} (groups=[${groups}]) is attempting to grant RBAC permissions not currently held:\n${rules}`,
  );
}

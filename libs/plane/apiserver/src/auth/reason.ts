import type { rbacv1 } from '@tiphys/kube-model';
import type { Core, UserInfo } from '../core.ts';
import { draftAs } from '../draft.ts';
import { parseStored } from '../registry/objects.ts';
import type { Attributes } from './attributes.ts';
import { matchesRule, rulesOfRole } from './authorize.ts';

const RBAC = '/rbac.authorization.k8s.io/';

type Binding = rbacv1.RoleBinding | rbacv1.ClusterRoleBinding;

/** By which binding a user may something, for reviews and the audit log; empty where no binding allows it. */
export function reasonOf(core: Core, user: UserInfo, attributes: Attributes): string {
  const namespace = attributes.kind === 'resource' ? attributes.namespace : '';
  const prefixes = [`${RBAC}clusterrolebindings/`, ...(namespace === '' ? [] : [`${RBAC}rolebindings/${namespace}/`])];
  for (const prefix of prefixes) {
    for (const entry of core.store.list({ prefix }).entries) {
      const binding = draftAs<Binding>(parseStored(entry.value)) as unknown as Binding; // Read only.
      const subject = (binding.subjects ?? []).find((each) => isSubject(each, user, namespace));
      if (subject === undefined || !rulesOfRole(core, binding.roleRef, namespace).some((rule) => matchesRule(rule, attributes))) continue;
      return `RBAC: allowed by ${describeBinding(binding)} to ${describeSubject(subject)}`;
    }
  }
  return '';
}

function isSubject(subject: rbacv1.Subject, user: UserInfo, namespace: string): boolean {
  if (subject.kind === 'User') return subject.name === user.username;
  if (subject.kind === 'Group') return user.groups.includes(subject.name);
  return subject.kind === 'ServiceAccount' && user.username === `system:serviceaccount:${subject.namespace ?? namespace}:${subject.name}`;
}

function describeBinding({ kind, metadata, roleRef }: Binding): string {
  const name = metadata.namespace === undefined ? (metadata.name ?? '') : `${metadata.name ?? ''}/${metadata.namespace}`;
  return `${kind} ${JSON.stringify(name)} of ${roleRef?.kind ?? ''} ${JSON.stringify(roleRef?.name ?? '')}`;
}

function describeSubject({ kind, name, namespace }: rbacv1.Subject): string {
  return `${kind} ${JSON.stringify(namespace === undefined ? name : `${name}/${namespace}`)}`;
}

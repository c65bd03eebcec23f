import { deepEqual, type rbacv1 } from '@tiphys/kube-model';
import { problem, type FieldProblem } from '../failures.ts';
import { kindRules, type KindRules } from './kind-rules.ts';
import { labelSelector } from './selectors.ts';

function checkRules(rules: readonly rbacv1.PolicyRule[], isNamespaced: boolean, problems: FieldProblem[]): void {
  for (const [index, rule] of rules.entries()) {
    const at = `rules[${index}]`;
    const { apiGroups = [], resources = [], resourceNames = [], nonResourceURLs = [] } = rule;
    if ((rule.verbs ?? []).length === 0) problems.push(problem.required(`${at}.verbs`, 'verbs must contain at least one value'));
    if (nonResourceURLs.length > 0) {
      if (isNamespaced) problems.push(problem.invalid(`${at}.nonResourceURLs`, nonResourceURLs, 'namespaced rules cannot apply to non-resource URLs'));
      if (apiGroups.length > 0 || resources.length > 0 || resourceNames.length > 0)
        problems.push(problem.invalid(`${at}.nonResourceURLs`, nonResourceURLs, 'rules cannot apply to both regular resources and non-resource URLs'));
      continue;
    }
    if (apiGroups.length === 0) problems.push(problem.required(`${at}.apiGroups`, 'resource rules must supply at least one api group'));
    if (resources.length === 0) problems.push(problem.required(`${at}.resources`, 'resource rules must supply at least one resource'));
  }
}

export const role: KindRules = kindRules<rbacv1.Role>({ check: ({ rules = [] }, problems) => checkRules(rules ?? [], true, problems) });

export const clusterRole: KindRules = kindRules<rbacv1.ClusterRole>({
  rows: [['aggregationRule.clusterRoleSelectors[]', labelSelector]],
  check: ({ rules, aggregationRule }, problems) => {
    checkRules(rules ?? [], false, problems);
    if (aggregationRule !== undefined && (aggregationRule.clusterRoleSelectors ?? []).length === 0)
      problems.push(problem.required('aggregationRule.clusterRoleSelectors', 'at least one clusterRoleSelector required if aggregationRule is non-nil'));
  },
});

const RBAC_GROUP = 'rbac.authorization.k8s.io';

function bindingRules<T extends rbacv1.RoleBinding | rbacv1.ClusterRoleBinding>(kinds: readonly string[]): KindRules {
  return kindRules<T>({
    check: ({ kind, roleRef, subjects }, problems) => {
      if (roleRef?.apiGroup !== RBAC_GROUP) problems.push(problem.notSupported('roleRef.apiGroup', roleRef?.apiGroup ?? '', [RBAC_GROUP]));
      if (!kinds.includes(roleRef?.kind ?? '')) problems.push(problem.notSupported('roleRef.kind', roleRef?.kind ?? '', kinds));
      const name = roleRef?.name ?? '';
      if (name === '') problems.push(problem.required('roleRef.name'));
      else if (/[/%]/.test(name) || name === '.' || name === '..') problems.push(problem.invalid('roleRef.name', name, "may not contain '/' or '%'"));
      for (const [index, subject] of (subjects ?? []).entries()) checkSubject(subject, kind === 'RoleBinding', `subjects[${index}]`, problems);
    },
    update: ({ roleRef }, { roleRef: old }, problems) => {
      if (!deepEqual(roleRef, old)) problems.push(problem.invalid('roleRef', roleRef, 'cannot change roleRef'));
    },
  });
}

export const roleBinding: KindRules = bindingRules<rbacv1.RoleBinding>(['Role', 'ClusterRole']);
export const clusterRoleBinding: KindRules = bindingRules<rbacv1.ClusterRoleBinding>(['ClusterRole']);

function checkSubject({ kind, name, namespace, apiGroup = '' }: rbacv1.Subject, isNamespaced: boolean, at: string, problems: FieldProblem[]): void {
  if ((name ?? '') === '') problems.push(problem.required(`${at}.name`));
  if (kind === 'ServiceAccount') {
    if (apiGroup !== '') problems.push(problem.notSupported(`${at}.apiGroup`, apiGroup, ['']));
    if (!isNamespaced && (namespace ?? '') === '') problems.push(problem.required(`${at}.namespace`));
  } else if (kind === 'User' || kind === 'Group') {
    if (apiGroup !== RBAC_GROUP) problems.push(problem.notSupported(`${at}.apiGroup`, apiGroup, [RBAC_GROUP]));
  } else problems.push(problem.notSupported(`${at}.kind`, kind ?? '', ['Group', 'ServiceAccount', 'User']));
}

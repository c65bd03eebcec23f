import type { admissionregistrationv1 } from '@tiphys/kube-model';
import { problem, type FieldProblem } from '../failures.ts';
import { oneOf } from './checks.ts';
import type { Row } from './rows.ts';

const OPERATIONS = ['*', 'CONNECT', 'CREATE', 'DELETE', 'UPDATE'];

/** Rows about the rules that say which requests a webhook or policy is for. */
export function matchRuleRows(path: string): readonly Row[] {
  return [
    [`${path}.operations[]`, oneOf(...OPERATIONS)],
    [`${path}.scope`, oneOf('*', 'Cluster', 'Namespaced')],
  ];
}

/** Problems of one rule: none of its lists is empty, and a star stands alone in each but that of resources. */
export function checkMatchRule(rule: admissionregistrationv1.RuleWithOperations, at: string, problems: FieldProblem[]): void {
  for (const list of ['operations', 'apiGroups', 'apiVersions', 'resources'] as const) {
    const items = rule[list] ?? [];
    if (items.length === 0) problems.push(problem.required(`${at}.${list}`));
    if (list !== 'resources' && items.length > 1 && items.includes('*'))
      problems.push(problem.invalid(`${at}.${list}`, items, "if '*' is present, must not specify other values"));
    if (list !== 'apiGroups') for (const [index, item] of items.entries()) if (item === '') problems.push(problem.required(`${at}.${list}[${index}]`));
  }
  const resources = rule.resources ?? [];
  if (resources.length > 1 && resources.includes('*/*'))
    problems.push(problem.invalid(`${at}.resources`, resources, "if '*/*' is present, must not specify other resources"));
  else if (resources.includes('*') && resources.some((resource) => resource !== '*' && !resource.includes('/')))
    problems.push(problem.invalid(`${at}.resources`, resources, "if '*' is present, must not specify other resources without subresources"));
}

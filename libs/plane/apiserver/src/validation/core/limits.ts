import { deepEqual, parseQuantity, type corev1 } from '@tiphys/kube-model';
import { problem, type FieldProblem } from '../../failures.ts';
import { format, quantity } from '../checks.ts';
import { qualifiedName } from '../formats.ts';
import { checkUnchanged, kindRules, type KindRules } from '../kind-rules.ts';

const nano = (text: string): bigint => parseQuantity(text)?.nano ?? 0n;
const NANO = 1_000_000_000n;

export const limitRange: KindRules = kindRules<corev1.LimitRange>({
  rows: [['spec.limits[].type', format(qualifiedName), 'required']],
  check: ({ spec }, problems) => {
    const types = new Set<string>();
    for (const [index, item] of (spec?.limits ?? []).entries()) {
      const at = `spec.limits[${index}]`;
      if (types.has(item.type)) problems.push(problem.duplicate(`${at}.type`, item.type));
      types.add(item.type);
      checkLimitItem(item, at, problems);
    }
  },
});

function checkLimitItem(item: corev1.LimitRangeItem, at: string, problems: FieldProblem[]): void {
  const { type, min = {}, max = {}, default: limits = {}, defaultRequest: requests = {}, maxLimitRequestRatio: ratios = {} } = item;
  if (type === 'Pod') {
    for (const field of ['default', 'defaultRequest'] as const)
      if (Object.keys(item[field] ?? {}).length > 0) problems.push(problem.forbidden(`${at}.${field}`, "may not be specified when `type` is 'Pod'"));
  }
  if (type === 'PersistentVolumeClaim' && min['storage'] === undefined && max['storage'] === undefined)
    problems.push(problem.required(`${at}.limits`, 'either minimum or maximum storage value is required, but neither was provided'));
  for (const name of new Set([...Object.keys(min), ...Object.keys(max), ...Object.keys(limits), ...Object.keys(requests), ...Object.keys(ratios)])) {
    const notMore = (field: string, small: string | undefined, what: string, large: string | undefined): void => {
      if (small !== undefined && large !== undefined && nano(small) > nano(large))
        problems.push(problem.invalid(`${at}.${field}[${name}]`, small, `${what} value ${small} is greater than ${large}`));
    };
    notMore('min', min[name], 'min', max[name]);
    notMore('defaultRequest', min[name], 'min', requests[name]);
    notMore('defaultRequest', requests[name], 'default request', max[name]);
    notMore('defaultRequest', requests[name], 'default request', limits[name]);
    notMore('default', min[name], 'min', limits[name]);
    notMore('default', limits[name], 'default', max[name]);
    const ratio = ratios[name];
    if (ratio !== undefined && nano(ratio) < NANO)
      problems.push(problem.invalid(`${at}.maxLimitRequestRatio[${name}]`, ratio, `ratio ${ratio} is less than 1`));
    const [low, high] = [min[name], max[name]];
    if (ratio !== undefined && low !== undefined && high !== undefined && nano(low) > 0n && nano(ratio) * nano(low) > nano(high) * NANO)
      problems.push(
        problem.invalid(`${at}.maxLimitRequestRatio[${name}]`, ratio, `ratio ${ratio} is greater than max/min = ${Number(nano(high)) / Number(nano(low))}`),
      );
  }
}

const COMPUTE = ['cpu', 'memory', 'requests.cpu', 'requests.memory', 'limits.cpu', 'limits.memory'];
const OF_SCOPE: Readonly<Record<string, readonly string[]>> = {
  BestEffort: ['pods'],
  NotBestEffort: ['pods', ...COMPUTE],
  Terminating: ['pods', ...COMPUTE],
  NotTerminating: ['pods', ...COMPUTE],
  PriorityClass: [
    'pods',
    ...COMPUTE,
    'requests.storage',
    'ephemeral-storage',
    'requests.ephemeral-storage',
    'limits.ephemeral-storage',
    'persistentvolumeclaims',
  ],
  CrossNamespacePodAffinity: ['pods', ...COMPUTE],
};
const OPPOSITES = [
  ['Terminating', 'NotTerminating'],
  ['BestEffort', 'NotBestEffort'],
] as const;
const KNOWN =
  /^(pods|services(\.nodeports|\.loadbalancers)?|replicationcontrollers|resourcequotas|secrets|configmaps|persistentvolumeclaims|((requests|limits)\.)?(cpu|memory|ephemeral-storage)|requests\.storage|((requests|limits)\.)?hugepages-.+|count\/.+)$/;
const WHOLE = /^(pods|services.*|replicationcontrollers|resourcequotas|secrets|configmaps|persistentvolumeclaims|count\/.*)$/;

export const resourceQuota: KindRules = kindRules<corev1.ResourceQuota>({
  check: checkQuota,
  update: ({ spec }, { spec: old }, problems) => {
    if (!deepEqual([...(spec?.scopes ?? [])].toSorted(), [...(old?.scopes ?? [])].toSorted())) checkUnchanged({ spec }, { spec: old }, 'spec.scopes', problems);
  },
});

function checkQuota({ spec }: corev1.ResourceQuota, problems: FieldProblem[]): void {
  for (const [name, amount] of Object.entries(spec?.hard ?? {})) {
    const at = `spec.hard[${name}]`;
    if (!KNOWN.test(name) && !name.includes('/')) problems.push(problem.invalid(at, name, 'must be a standard resource for quota'));
    quantity(amount, at, problems);
    if (WHOLE.test(name) && nano(amount) % NANO !== 0n) problems.push(problem.invalid(at, amount, 'must be an integer'));
  }
  const scopes = spec?.scopes ?? [];
  for (const scope of scopes) checkScope(scope, 'spec.scopes', Object.keys(spec?.hard ?? {}), problems);
  for (const [a, b] of OPPOSITES) if (scopes.includes(a) && scopes.includes(b)) problems.push(problem.invalid('spec.scopes', scopes, 'conflicting scopes'));
  for (const [index, expression] of (spec?.scopeSelector?.matchExpressions ?? []).entries()) {
    const at = `spec.scopeSelector.matchExpressions[${index}]`;
    const given = (expression.values ?? []).length;
    checkScope(expression.scopeName, `${at}.scopeName`, Object.keys(spec?.hard ?? {}), problems);
    if (!['In', 'NotIn', 'Exists', 'DoesNotExist'].includes(expression.operator))
      problems.push(problem.invalid(`${at}.operator`, expression.operator, 'not a valid selector operator'));
    if (['In', 'NotIn'].includes(expression.operator) && given === 0)
      problems.push(problem.required(`${at}.values`, "must be at least one value when `operator` is 'In' or 'NotIn' for scope selector"));
    if (['Exists', 'DoesNotExist'].includes(expression.operator) && given > 0)
      problems.push(problem.invalid(`${at}.values`, expression.values, "must be no value when `operator` is 'Exists' or 'DoesNotExist' for scope selector"));
    if (expression.scopeName !== 'PriorityClass' && expression.operator !== 'Exists')
      problems.push(
        problem.invalid(
          `${at}.operator`,
          expression.operator,
          "must be 'Exist' when scope is any of ResourceQuotaScopeTerminating, ResourceQuotaScopeNotTerminating, ResourceQuotaScopeBestEffort, ResourceQuotaScopeNotBestEffort or ResourceQuotaScopeCrossNamespacePodAffinity",
        ),
      );
  }
}

function checkScope(scope: string, field: string, hard: readonly string[], problems: FieldProblem[]): void {
  const allowed = OF_SCOPE[scope];
  if (allowed === undefined) return void problems.push(problem.invalid(field, scope, 'unsupported scope'));
  if (
    hard.some(
      (name) => (KNOWN.test(name) || name.startsWith('count/')) && !name.startsWith('count/') && !name.includes('hugepages-') && !allowed.includes(name),
    )
  )
    problems.push(problem.invalid(field, scope, 'unsupported scope applied to resource'));
}

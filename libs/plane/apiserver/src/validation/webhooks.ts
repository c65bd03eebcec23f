import type { admissionregistrationv1 } from '@tiphys/kube-model';
import { problem, type FieldProblem } from '../failures.ts';
import { between, format, maxItems, oneOf, portNumber, unique } from './checks.ts';
import { dnsSubdomain, qualifiedName } from './formats.ts';
import { kindRules, type KindRules } from './kind-rules.ts';
import { table, type Row } from './rows.ts';
import { labelSelector } from './selectors.ts';

type Webhook = admissionregistrationv1.MutatingWebhook;

const OPERATIONS = ['*', 'CONNECT', 'CREATE', 'DELETE', 'UPDATE'];

/** Rules about which requests a webhook or policy is for. */
function ruleRows(path: string): readonly Row[] {
  return [
    [`${path}.operations[]`, oneOf(...OPERATIONS)],
    [`${path}.scope`, oneOf('*', 'Cluster', 'Namespaced')],
  ];
}

/** Problems of one rule: none of its lists is empty, and a star stands alone in each but that of resources. */
function checkRule(rule: admissionregistrationv1.RuleWithOperations, at: string, problems: FieldProblem[]): void {
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

const rows = table([
  ['webhooks', unique('name')],
  ['webhooks[].failurePolicy', oneOf('Fail', 'Ignore')],
  ['webhooks[].matchPolicy', oneOf('Equivalent', 'Exact')],
  ['webhooks[].reinvocationPolicy', oneOf('IfNeeded', 'Never')],
  ['webhooks[].sideEffects', oneOf('None', 'NoneOnDryRun'), 'required'],
  ['webhooks[].timeoutSeconds', between(1, 30)],
  ['webhooks[].namespaceSelector', labelSelector],
  ['webhooks[].objectSelector', labelSelector],
  ...ruleRows('webhooks[].rules[]'),
  ['webhooks[].clientConfig.service.name', undefined, { required: 'service name is required' }],
  ['webhooks[].clientConfig.service.namespace', undefined, { required: 'service namespace is required' }],
  ['webhooks[].clientConfig.service.port', portNumber],
  ['webhooks[].matchConditions', maxItems(64)],
  ['webhooks[].matchConditions', unique('name')],
  ['webhooks[].matchConditions[].name', format(qualifiedName), 'required'],
  ['webhooks[].matchConditions[].expression', undefined, 'required'],
]);

export const webhookConfiguration: KindRules = kindRules<admissionregistrationv1.MutatingWebhookConfiguration>({
  check: (object, problems) => {
    rows(object, '', problems);
    for (const [index, webhook] of (object.webhooks ?? []).entries()) checkWebhook(webhook, `webhooks[${index}]`, problems);
  },
});

const REVIEW_VERSIONS = ['v1', 'v1beta1'];

function checkWebhook(webhook: Webhook, at: string, problems: FieldProblem[]): void {
  const { clientConfig, rules = [] } = webhook;
  // Absent in a body that leaves them out, whatever the type says.
  const name: string = webhook.name ?? '';
  const versions: readonly string[] = webhook.admissionReviewVersions ?? [];
  if (name === '') problems.push(problem.required(`${at}.name`));
  else if (name.split('.').length < 3 || dnsSubdomain(name) !== undefined)
    problems.push(problem.invalid(`${at}.name`, name, dnsSubdomain(name) ?? 'should be a domain with at least three segments separated by dots'));
  if (versions.length === 0) problems.push(problem.required(`${at}.admissionReviewVersions`, `must specify one of ${REVIEW_VERSIONS.join(', ')}`));
  else if (!versions.some((version) => REVIEW_VERSIONS.includes(version)))
    problems.push(problem.invalid(`${at}.admissionReviewVersions`, versions, `must include at least one of ${REVIEW_VERSIONS.join(', ')}`));
  unique()(versions, `${at}.admissionReviewVersions`, problems);
  for (const [index, rule] of rules.entries()) checkRule(rule, `${at}.rules[${index}]`, problems);
  if (clientConfig === undefined || (clientConfig.url === undefined) === (clientConfig.service === undefined))
    problems.push(problem.required(`${at}.clientConfig`, 'exactly one of url or service is required'));
  if (clientConfig?.url !== undefined) checkUrl(clientConfig.url, `${at}.clientConfig.url`, problems);
}

const URL_FORM = 'desired format: https://host[/path]';

function checkUrl(text: string, field: string, problems: FieldProblem[]): void {
  if (!URL.canParse(text)) return void problems.push(problem.required(field, `url must be a valid URL: ${URL_FORM}`));
  const url = new URL(text);
  if (url.protocol !== 'https:') problems.push(problem.invalid(field, url.protocol.replace(':', ''), `'https' is the only allowed URL scheme; ${URL_FORM}`));
  if (url.username !== '' || url.password !== '') problems.push(problem.invalid(field, url.username, 'user information is not permitted in the URL'));
  if (url.hash !== '') problems.push(problem.invalid(field, url.hash.slice(1), 'fragments are not permitted in the URL'));
  if (url.search !== '') problems.push(problem.invalid(field, url.search.slice(1), 'query parameters are not permitted in the URL'));
}

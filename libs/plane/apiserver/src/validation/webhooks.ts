import type { admissionregistrationv1 } from '@tiphys/kube-model';
import { WEBHOOK_CONTEXT } from '../admission/webhooks/match-conditions.ts';
import { problem, type FieldProblem } from '../failures.ts';
import { between, oneOf, unique } from './checks.ts';
import { dnsSubdomain } from './formats.ts';
import { kindRules, type KindRules } from './kind-rules.ts';
import { checkMatchConditions } from './match-conditions.ts';
import { checkMatchRule, matchRuleRows } from './match-rules.ts';
import { table } from './rows.ts';
import { labelSelector } from './selectors.ts';
import { checkWebhookClient } from './webhook-client.ts';

type Webhook = admissionregistrationv1.MutatingWebhook;

const rows = table([
  ['webhooks', unique('name')],
  ['webhooks[].failurePolicy', oneOf('Fail', 'Ignore')],
  ['webhooks[].matchPolicy', oneOf('Equivalent', 'Exact')],
  ['webhooks[].reinvocationPolicy', oneOf('IfNeeded', 'Never')],
  ['webhooks[].sideEffects', oneOf('None', 'NoneOnDryRun'), 'required'],
  ['webhooks[].timeoutSeconds', between(1, 30)],
  ['webhooks[].namespaceSelector', labelSelector],
  ['webhooks[].objectSelector', labelSelector],
  ...matchRuleRows('webhooks[].rules[]'),
]);

export const webhookConfiguration: KindRules = kindRules<admissionregistrationv1.MutatingWebhookConfiguration>({
  check: (object, problems) => {
    rows(object, '', problems);
    for (const [index, webhook] of (object.webhooks ?? []).entries()) checkWebhook(webhook, `webhooks[${index}]`, problems);
  },
});

const REVIEW_VERSIONS = ['v1', 'v1beta1'];

function checkWebhook(webhook: Webhook, at: string, problems: FieldProblem[]): void {
  const { clientConfig, rules = [], matchConditions = [] } = webhook;
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
  for (const [index, rule] of rules.entries()) checkMatchRule(rule, `${at}.rules[${index}]`, problems);
  checkWebhookClient(clientConfig, `${at}.clientConfig`, problems);
  checkMatchConditions(matchConditions, `${at}.matchConditions`, WEBHOOK_CONTEXT, problems);
}

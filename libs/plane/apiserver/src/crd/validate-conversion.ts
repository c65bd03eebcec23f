import type { apiextensionsv1 } from '@tiphys/kube-model';
import { problem, type FieldProblem } from '../failures.ts';
import { dnsLabel1035 } from '../validation/formats.ts';
import { checkWebhookClient } from '../validation/webhook-client.ts';
import { isTrue, type Crd } from './crd.ts';

const PATH = 'spec.conversion';
const CLIENT = `${PATH}.webhookClientConfig`; // As upstream names spec.conversion.webhook.clientConfig in its errors.
const ACCEPTED = ['v1', 'v1beta1'];

/** What is wrong with a CRD's conversion (apiextensions validation.go validateCustomResourceConversion). */
export function validateConversion(conversion: apiextensionsv1.CustomResourceConversion | undefined, live: Crd | undefined): readonly FieldProblem[] {
  if (conversion === undefined) return [];
  const { strategy, webhook } = conversion;
  if (!strategy) return [problem.required(`${PATH}.strategy`)];
  if (strategy === 'None') return webhook === undefined ? [] : [problem.forbidden(CLIENT, 'should not be set when strategy is not set to Webhook')];
  if (strategy !== 'Webhook') return [problem.notSupported(`${PATH}.strategy`, strategy, ['None', 'Webhook'])];
  return [...clientProblems(webhook?.clientConfig, live), ...reviewVersionProblems(webhook?.conversionReviewVersions ?? [])];
}

function clientProblems(client: apiextensionsv1.WebhookClientConfig | undefined, live: Crd | undefined): readonly FieldProblem[] {
  if (client === undefined) return [problem.required(CLIENT, 'required when strategy is set to Webhook')];
  const { caBundle = '' } = client;
  const problems: FieldProblem[] = [];
  checkWebhookClient(client, CLIENT, problems);
  // Until a CRD is established a broken bundle may still be put right.
  if (live !== undefined && isTrue(live, 'Established') && caBundle !== '' && !isPem(caBundle))
    problems.push(problem.invalid(`${CLIENT}.caBundle`, caBundle, 'unable to load root certificates: unable to parse bytes as PEM block'));
  return problems;
}

function isPem(base64: string): boolean {
  return Buffer.from(base64, 'base64').toString('latin1').includes('-----BEGIN CERTIFICATE-----');
}

function reviewVersionProblems(versions: readonly string[]): readonly FieldProblem[] {
  const path = `${PATH}.conversionReviewVersions`;
  if (versions.length === 0) return [problem.required(path)];
  return [
    ...versions.flatMap((version, index) => {
      if (versions.indexOf(version) < index) return [problem.invalid(`${path}[${index}]`, version, 'duplicate version')];
      const detail = dnsLabel1035(version);
      return detail === undefined ? [] : [problem.invalid(`${path}[${index}]`, version, detail)];
    }),
    ...(versions.some((version) => ACCEPTED.includes(version)) ? [] : [problem.invalid(path, versions, `must include at least one of ${ACCEPTED.join(', ')}`)]),
  ];
}

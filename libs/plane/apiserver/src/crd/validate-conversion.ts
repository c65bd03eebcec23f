import type { apiextensionsv1 } from '@tiphys/kube-model';
import { problem, type FieldProblem } from '../failures.ts';
import { dnsLabel1035, dnsSubdomain } from '../validation/formats.ts';
import { isTrue, type Crd } from './crd.ts';

const PATH = 'spec.conversion';
const ACCEPTED = ['v1', 'v1beta1'];

/** What is wrong with a CRD's conversion (apiextensions validation.go validateCustomResourceConversion). */
export function validateConversion(conversion: apiextensionsv1.CustomResourceConversion | undefined, live: Crd | undefined): readonly FieldProblem[] {
  if (conversion === undefined) return [];
  const { strategy, webhook } = conversion;
  if (!strategy) return [problem.required(`${PATH}.strategy`)];
  if (strategy === 'None')
    return webhook === undefined ? [] : [problem.forbidden(`${PATH}.webhookClientConfig`, 'should not be set when strategy is not set to Webhook')];
  if (strategy !== 'Webhook') return [problem.notSupported(`${PATH}.strategy`, strategy, ['None', 'Webhook'])];
  return [...clientProblems(webhook?.clientConfig, live), ...reviewVersionProblems(webhook?.conversionReviewVersions ?? [])];
}

function clientProblems(client: apiextensionsv1.WebhookClientConfig | undefined, live: Crd | undefined): readonly FieldProblem[] {
  const path = `${PATH}.webhookClientConfig`;
  if (client === undefined) return [problem.required(path, 'required when strategy is set to Webhook')];
  const { url, service, caBundle } = client;
  if ((url === undefined) === (service === undefined)) return [problem.required(path, 'exactly one of url or service is required')];
  // Until a CRD is established a broken bundle may still be put right.
  const established = live !== undefined && isTrue(live, 'Established');
  return [
    ...(url === undefined ? serviceProblems(service, `${path}.service`) : urlProblems(url, `${path}.url`)),
    ...(established && caBundle !== undefined && caBundle !== '' && !isPem(caBundle)
      ? [problem.invalid(`${path}.caBundle`, caBundle, 'unable to load root certificates: unable to parse bytes as PEM block')]
      : []),
  ];
}

function isPem(base64: string): boolean {
  return Buffer.from(base64, 'base64').toString('latin1').includes('-----BEGIN CERTIFICATE-----');
}

/** What is wrong with the URL of a webhook (apiserver pkg/util/webhook/validation.go). */
function urlProblems(text: string, path: string): readonly FieldProblem[] {
  const form = 'desired format: https://host[/path]';
  if (!URL.canParse(text)) return [problem.required(path, `url must be a valid URL: ${form}`)];
  const url = new URL(text);
  return [
    ...(url.protocol === 'https:' ? [] : [problem.invalid(path, url.protocol.slice(0, -1), `'https' is the only allowed URL scheme; ${form}`)]),
    ...(url.host === '' ? [problem.invalid(path, url.host, `host must be specified; ${form}`)] : []),
    ...(url.username === '' ? [] : [problem.invalid(path, url.username, 'user information is not permitted in the URL')]),
    ...(url.hash === '' ? [] : [problem.invalid(path, url.hash.slice(1), 'fragments are not permitted in the URL')]),
    ...(url.search === '' ? [] : [problem.invalid(path, url.search.slice(1), 'query parameters not permitted in the URL')]),
  ];
}

function serviceProblems(service: apiextensionsv1.ServiceReference | undefined, path: string): readonly FieldProblem[] {
  const { name = '', namespace = '', path: urlPath, port = 443 } = service ?? {};
  return [
    ...(name === '' ? [problem.required(`${path}.name`, 'service name is required')] : []),
    ...(namespace === '' ? [problem.required(`${path}.namespace`, 'service namespace is required')] : []),
    ...(port >= 1 && port <= 65_535 ? [] : [problem.invalid(`${path}.port`, port, 'port is not valid: must be between 1 and 65535, inclusive')]),
    ...(urlPath === undefined || urlPath === '/' ? [] : pathProblems(urlPath, `${path}.path`)),
  ];
}

function pathProblems(text: string, path: string): readonly FieldProblem[] {
  if (!text.startsWith('/')) return [problem.invalid(path, text, "must start with a '/'")];
  const segments = text.slice(1).replace(/\/$/, '').split('/');
  return segments.flatMap((segment, index) => {
    if (segment === '') return [problem.invalid(path, text, `segment[${index}] may not be empty`)];
    const detail = dnsSubdomain(segment);
    return detail === undefined ? [] : [problem.invalid(path, text, `segment[${index}]: ${detail}`)];
  });
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

import { problem, type FieldProblem } from '../failures.ts';
import { portNumber, type Check } from './checks.ts';
import { dnsSubdomain } from './formats.ts';
import { table } from './rows.ts';

const URL_FORM = 'desired format: https://host[/path]';

/** The URL of a webhook (apiserver pkg/util/webhook/validation.go). */
const webhookUrl: Check = (value, field, problems) => {
  const text = String(value);
  if (!URL.canParse(text)) return void problems.push(problem.required(field, `url must be a valid URL: ${URL_FORM}`));
  const url = new URL(text);
  if (url.protocol !== 'https:') problems.push(problem.invalid(field, url.protocol.replace(':', ''), `'https' is the only allowed URL scheme; ${URL_FORM}`));
  if (url.username !== '' || url.password !== '') problems.push(problem.invalid(field, url.username, 'user information is not permitted in the URL'));
  if (url.hash !== '') problems.push(problem.invalid(field, url.hash.slice(1), 'fragments are not permitted in the URL'));
  if (url.search !== '') problems.push(problem.invalid(field, url.search.slice(1), 'query parameters are not permitted in the URL'));
};

/** The path of a webhook at its service. */
const servicePath: Check = (value, field, problems) => {
  const text = String(value);
  if (text === '' || text === '/') return;
  if (!text.startsWith('/')) return void problems.push(problem.invalid(field, text, "must start with a '/'"));
  for (const [index, segment] of text.slice(1).replace(/\/$/, '').split('/').entries()) {
    const detail = segment === '' ? 'may not be empty' : dnsSubdomain(segment);
    if (detail !== undefined) problems.push(problem.invalid(field, text, segment === '' ? `segment[${index}] ${detail}` : `segment[${index}]: ${detail}`));
  }
};

const rows = table([
  ['url', webhookUrl],
  ['service.name', undefined, 'required'],
  ['service.namespace', undefined, 'required'],
  ['service.port', portNumber],
  ['service.path', servicePath],
]);

/** Problems of where a webhook is. */
export function checkWebhookClient(client: { readonly url?: string; readonly service?: object } | undefined, at: string, problems: FieldProblem[]): void {
  if (client === undefined || (client.url === undefined) === (client.service === undefined))
    problems.push(problem.required(at, 'exactly one of url or service is required'));
  else rows(client, at, problems);
}

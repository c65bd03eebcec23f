import { createHmac, timingSafeEqual } from 'node:crypto';
import { LIMITS } from '@tiphys/kernel';

/** What a webhook request is judged by: the bytes as they came, and its headers in lower case. */
export interface WebhookRequest {
  readonly rawBody: Uint8Array;
  readonly headers: Readonly<Record<string, string | readonly string[] | undefined>>;
  /** The shared secret; without one every push is refused. */
  readonly secret: string | undefined;
}

/** What a webhook turned out to be. */
export type WebhookResult =
  | { readonly kind: 'push'; readonly urls: readonly string[]; readonly ref: string; readonly after: string }
  | { readonly kind: 'ignored'; readonly event: string }
  | { readonly kind: 'refused'; readonly reason: 'noSecret' | 'noSignature' | 'badSignature' | 'tooLarge' | 'malformed'; readonly message: string };

/** Judges a GitHub-style push: the HMAC-SHA256 of the raw bytes is checked before anything is parsed. */
export function parseGithubPush({ rawBody, headers, secret }: WebhookRequest): WebhookResult {
  if (rawBody.byteLength > LIMITS.webhookBodyBytes) return refuse('tooLarge', `webhook: body exceeds ${LIMITS.webhookBodyBytes} bytes`);
  if (secret === undefined || secret === '') return refuse('noSecret', 'webhook: no secret is configured, so no push can be trusted');
  const signature = header(headers, 'x-hub-signature-256');
  if (signature === undefined) return refuse('noSignature', 'webhook: header X-Hub-Signature-256 is missing');
  if (!isSignedBy(rawBody, signature, secret)) return refuse('badSignature', 'webhook: signature does not match');
  const event = header(headers, 'x-github-event') ?? 'push';
  if (event !== 'push') return { kind: 'ignored', event };
  return readPush(rawBody);
}

function isSignedBy(rawBody: Uint8Array, signature: string, secret: string): boolean {
  const expected = Buffer.from(`sha256=${createHmac('sha256', secret).update(rawBody).digest('hex')}`);
  const given = Buffer.from(signature);
  return given.byteLength === expected.byteLength && timingSafeEqual(given, expected);
}

function readPush(rawBody: Uint8Array): WebhookResult {
  let body: unknown;
  try {
    body = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(rawBody));
  } catch {
    return refuse('malformed', 'webhook: body is not JSON');
  }
  const repository = field(body, 'repository');
  const urls = ['clone_url', 'ssh_url', 'git_url', 'html_url', 'url'].flatMap((name) => {
    const url = field(repository, name);
    return typeof url === 'string' ? [url] : [];
  });
  const ref = field(body, 'ref');
  const after = field(body, 'after');
  if (urls.length === 0 || typeof ref !== 'string') return refuse('malformed', 'webhook: push names no repository or no ref');
  return { kind: 'push', urls, ref, after: typeof after === 'string' ? after : '' };
}

function field(value: unknown, name: string): unknown {
  return typeof value === 'object' && value !== null && Object.hasOwn(value, name) ? (value as Readonly<Record<string, unknown>>)[name] : undefined;
}

function header(headers: WebhookRequest['headers'], name: string): string | undefined {
  const value = headers[name];
  return typeof value === 'string' ? value : value?.[0];
}

function refuse(reason: 'noSecret' | 'noSignature' | 'badSignature' | 'tooLarge' | 'malformed', message: string): WebhookResult {
  return { kind: 'refused', reason, message };
}

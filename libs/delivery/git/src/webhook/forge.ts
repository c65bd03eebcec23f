import { createHmac, timingSafeEqual } from 'node:crypto';

/** What senders of webhooks prove themselves with (keys `webhook.*` of argocd-secret). */
export interface WebhookSecrets {
  readonly github?: string;
  readonly gitlab?: string;
  readonly bitbucketUuid?: string;
  readonly bitbucketServer?: string;
  /** Gogs, Gitea and Forgejo. */
  readonly gogs?: string;
  readonly azureUsername?: string;
  readonly azurePassword?: string;
}

/** What a webhook request is judged by: the bytes as they came, and its headers in lower case. */
export interface WebhookRequest {
  readonly rawBody: Uint8Array;
  readonly headers: Readonly<Record<string, string | readonly string[] | undefined>>;
  readonly secrets: WebhookSecrets;
}

/** Why a webhook is not believed. */
export type WebhookRefusal = 'noSecret' | 'noSignature' | 'badSignature' | 'tooLarge' | 'malformed';

/** What a webhook turned out to be. */
export type WebhookResult =
  | { readonly kind: 'push'; readonly urls: readonly string[]; readonly ref: string; readonly after: string }
  | { readonly kind: 'ignored'; readonly event: string }
  | Refused;

interface Refused {
  readonly kind: 'refused';
  readonly reason: WebhookRefusal;
  readonly message: string;
}

/** How one forge sends its pushes. */
export interface WebhookForge {
  claims(request: WebhookRequest): boolean;
  /** What is wrong with the proof of the sender; undefined where it holds. */
  check(request: WebhookRequest): Refused | undefined;
  event(request: WebhookRequest): string;
  /** Events that say a branch or tag moved. */
  readonly pushes: readonly string[];
  read(body: unknown): WebhookResult;
}

/** A refusal with its sentence. */
export function refuse(reason: WebhookRefusal, message: string): Refused {
  return { kind: 'refused', reason, message };
}

/** A header, or an empty text. */
export function headerOf({ headers }: WebhookRequest, name: string): string {
  const value = headers[name];
  return (typeof value === 'string' ? value : value?.[0]) ?? '';
}

/** Whether two texts are the same, in a time that tells nothing of where they differ. */
export function isSameSecret(given: string, wanted: string): boolean {
  // Digests have one length, whatever was given.
  const digest = (text: string): Buffer => createHmac('sha256', 'compare').update(text).digest();
  return timingSafeEqual(digest(given), digest(wanted));
}

/** Checks an HMAC-SHA256 over the raw body in a header, in hex behind a prefix. */
export function checkHmac(request: WebhookRequest, secret: string | undefined, header: string, prefix: string): Refused | undefined {
  if (secret === undefined || secret === '') return refuse('noSecret', 'webhook: no secret is configured, so no push can be trusted');
  const signature = headerOf(request, header);
  if (signature === '') return refuse('noSignature', `webhook: header ${header} is missing`);
  const wanted = `${prefix}${createHmac('sha256', secret).update(request.rawBody).digest('hex')}`;
  return isSameSecret(signature, wanted) ? undefined : refuse('badSignature', 'webhook: signature does not match');
}

/** Checks a secret that is sent as it is. */
export function checkToken(given: string, secret: string | undefined, what: string): Refused | undefined {
  if (secret === undefined || secret === '') return refuse('noSecret', 'webhook: no secret is configured, so no push can be trusted');
  if (given === '') return refuse('noSignature', `webhook: ${what} is missing`);
  return isSameSecret(given, secret) ? undefined : refuse('badSignature', `webhook: ${what} does not match`);
}

/** A field of parsed JSON, own fields only. */
export function field(value: unknown, ...names: readonly string[]): unknown {
  let at = value;
  for (const name of names) {
    if (typeof at !== 'object' || at === null || !Object.hasOwn(at, name)) return undefined;
    at = (at as Readonly<Record<string, unknown>>)[name];
  }
  return at;
}

/** A list of parsed JSON; empty where there is none. */
export function listOf(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? value : [];
}

/** The texts among values. */
export function texts(values: readonly unknown[]): readonly string[] {
  return values.filter((value): value is string => typeof value === 'string' && value !== '');
}

/** A push, or a refusal where it names no repository or no ref. */
export function push(urls: readonly string[], ref: unknown, after: unknown): WebhookResult {
  if (urls.length === 0 || typeof ref !== 'string') return refuse('malformed', 'webhook: push names no repository or no ref');
  return { kind: 'push', urls, ref, after: typeof after === 'string' ? after : '' };
}

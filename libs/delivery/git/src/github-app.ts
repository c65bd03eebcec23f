import { createPrivateKey, sign } from 'node:crypto';
import { fetch } from 'undici';
import { messageOf, redactUrl, withTimeout, type Clock } from '@tiphys/kernel';
import { dispatcherFor } from './dispatcher.ts';
import type { GithubApp, RepositoryAccess } from './repository.ts';
import { SourceError } from './source-error.ts';

const TIMEOUT_MS = 20_000;
// GitHub's tokens live an hour; they are renewed before they could end in the middle of a fetch.
const RENEW_BEFORE_MS = 5 * 60_000;
const MAX_TOKENS = 1000;

interface Token {
  readonly value: string;
  readonly expiresAtMs: number;
}

/** Installation tokens of GitHub Apps, kept as long as they live. */
export class GithubTokens {
  readonly #clock: Clock;
  readonly #tokens = new Map<string, Token>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** The access with a token in place of the App. Throws SourceError `authFailed`, `unreachable`. */
  async resolve(url: string, access: RepositoryAccess, signal: AbortSignal): Promise<RepositoryAccess> {
    const { githubApp } = access;
    if (githubApp === undefined) return access;
    const owner = new URL(url).pathname.split('/')[1] ?? '';
    const key = [githubApp.apiUrl ?? '', githubApp.appId, githubApp.installationId ?? `owner ${owner}`].join('\0');
    const known = this.#tokens.get(key);
    if (known !== undefined && known.expiresAtMs - RENEW_BEFORE_MS > this.#clock.now()) return withToken(access, known);
    const token = await withTimeout(`repository ${redactUrl(url)}: GitHub App token`, TIMEOUT_MS, signal, (inner) =>
      requestToken({ url, owner, app: githubApp, access, nowMs: this.#clock.now(), signal: inner }),
    );
    this.#tokens.delete(key);
    this.#tokens.set(key, token);
    const oldest = this.#tokens.size > MAX_TOKENS ? this.#tokens.keys().next().value : undefined;
    if (oldest !== undefined) this.#tokens.delete(oldest);
    return withToken(access, token);
  }
}

// GitHub takes installation tokens as the password of this user.
function withToken(access: RepositoryAccess, { value }: Token): RepositoryAccess {
  return { ...access, username: 'x-access-token', password: value };
}

interface TokenRequest {
  readonly url: string;
  readonly owner: string;
  readonly app: GithubApp;
  readonly access: RepositoryAccess;
  readonly nowMs: number;
  readonly signal: AbortSignal;
}

async function requestToken(request: TokenRequest): Promise<Token> {
  const { app, owner } = request;
  const installation = app.installationId ?? (await findInstallation(request, owner));
  const answer = await call(request, 'POST', `/app/installations/${encodeURIComponent(installation)}/access_tokens`);
  const { token, expires_at: expiresAt } = answer as { readonly token?: unknown; readonly expires_at?: unknown };
  if (typeof token !== 'string' || typeof expiresAt !== 'string') throw refused(request, 'the API answered without a token');
  return { value: token, expiresAtMs: Date.parse(expiresAt) };
}

async function findInstallation(request: TokenRequest, owner: string): Promise<string> {
  const answer = await call(request, 'GET', '/app/installations?per_page=100');
  const installations = Array.isArray(answer) ? answer : [];
  for (const entry of installations as readonly { readonly id?: unknown; readonly account?: { readonly login?: unknown } }[]) {
    if (String(entry.account?.login).toLowerCase() === owner.toLowerCase() && entry.id !== undefined) return String(entry.id);
  }
  throw refused(request, `the App is not installed for ${owner}`);
}

async function call(request: TokenRequest, method: 'GET' | 'POST', path: string): Promise<unknown> {
  const { app, access, signal } = request;
  const base = (app.apiUrl ?? 'https://api.github.com').replace(/\/$/, '');
  const dispatcher = dispatcherFor(access, base);
  try {
    const response = await fetch(`${base}${path}`, {
      method,
      headers: { accept: 'application/vnd.github+json', authorization: `Bearer ${appToken(request)}`, 'user-agent': 'tiphys' },
      signal,
      ...(dispatcher === undefined ? {} : { dispatcher }),
    });
    if (!response.ok) {
      await response.body?.cancel();
      throw refused(request, `the API answered ${response.status}`);
    }
    return await response.json();
  } catch (error) {
    signal.throwIfAborted();
    if (error instanceof SourceError) throw error;
    const remote = redactUrl(request.url);
    throw new SourceError({ code: 'unreachable', remote }, `repository ${remote}: GitHub App token: ${messageOf(error)}`, { cause: error });
  } finally {
    await dispatcher?.close();
  }
}

// RFC 7519 with RS256; a minute back in time, as GitHub asks for clocks that differ.
function appToken({ app, nowMs, url }: TokenRequest): string {
  const seconds = Math.floor(nowMs / 1000);
  const encode = (value: object): string => Buffer.from(JSON.stringify(value)).toString('base64url');
  const body = `${encode({ alg: 'RS256', typ: 'JWT' })}.${encode({ iat: seconds - 60, exp: seconds + 540, iss: app.appId })}`;
  try {
    return `${body}.${sign('sha256', Buffer.from(body), createPrivateKey(app.privateKey)).toString('base64url')}`;
  } catch (cause) {
    const remote = redactUrl(url);
    // The cause could quote the key.
    throw new SourceError({ code: 'authFailed', remote }, `repository ${remote}: the private key of the GitHub App cannot be read`, {
      hint: cause instanceof Error ? 'githubAppPrivateKey must be the PEM file GitHub offers' : '',
    });
  }
}

function refused({ url, app }: TokenRequest, why: string): SourceError {
  const remote = redactUrl(url);
  return new SourceError({ code: 'authFailed', remote }, `repository ${remote}: GitHub App ${app.appId}: ${why}`, {
    hint: 'check githubAppID, githubAppInstallationID and the permissions of the App (contents: read)',
  });
}

import { request } from 'node:https';
import { messageOf, type Clock, type Logger } from '@tiphys/kernel';
import { createLocalJWKSet, decodeJwt, jwtVerify, type JSONWebKeySet, type JWTPayload } from 'jose';
import type { UserInfo } from '../core.ts';

/** An identity provider whose ID tokens are accepted (kube-apiserver's --oidc-* flags). */
export interface OidcOptions {
  /** `https://…`, the `iss` of its tokens. */
  readonly issuerUrl: string;
  /** `aud` has to name one of these. */
  readonly clientIds: readonly string[];
  /** Claim that is the user's name. Default `sub`. */
  readonly usernameClaim?: string;
  /** Put before the name. Default `<issuerUrl>#`, and nothing for the claim `email`; `-` for none. */
  readonly usernamePrefix?: string;
  /** Claim that is a group or a list of groups. */
  readonly groupsClaim?: string;
  readonly groupsPrefix?: string;
  /** Claims that have to have these values. */
  readonly requiredClaims?: Readonly<Record<string, string>>;
  /** Default RS256. */
  readonly signingAlgorithms?: readonly string[];
  /** Authorities the provider's certificate is checked against; absent: those of the system. */
  readonly caPem?: string;
}

/** Who an ID token stands for; undefined when it is not the provider's or not valid. */
export type OidcAuthenticator = (token: string) => Promise<UserInfo | undefined>;

type KeyFinder = ReturnType<typeof createLocalJWKSet>;

const KEYS_FOR_MS = 10 * 60_000;
// A key that is not known is looked for at most this often.
const REFRESH_MS = 10_000;
const TIMEOUT_MS = 10_000;
const MAX_DOCUMENT_BYTES = 1024 * 1024;

/** Checks ID tokens against the provider's keys, which are read when first needed. */
export function createOidcAuthenticator(options: OidcOptions, { clock, logger }: { readonly clock: Clock; readonly logger: Logger }): OidcAuthenticator {
  let keys: { readonly find: KeyFinder; readonly atMs: number } | undefined;
  let loading: Promise<KeyFinder> | undefined;
  const fetchOnce = async (): Promise<KeyFinder> => {
    // Many requests may wait for it: it ends by its own time and not with one of them.
    const set = await fetchKeys(options, AbortSignal.timeout(TIMEOUT_MS));
    keys = { find: createLocalJWKSet(set), atMs: clock.monotonic() };
    return keys.find;
  };
  const load = async (maxAgeMs: number): Promise<KeyFinder> => {
    if (keys !== undefined && clock.monotonic() - keys.atMs < maxAgeMs) return keys.find;
    loading ??= fetchOnce().finally(() => (loading = undefined));
    return await loading;
  };
  const verify = async (token: string, find: KeyFinder): Promise<JWTPayload> => {
    const { payload } = await jwtVerify(token, find, {
      issuer: options.issuerUrl,
      audience: [...options.clientIds],
      algorithms: [...(options.signingAlgorithms ?? ['RS256'])],
      currentDate: new Date(clock.now()),
    });
    return payload;
  };
  return async (token) => {
    if (!isFrom(token, options.issuerUrl)) return undefined;
    try {
      const payload = await verify(token, await load(KEYS_FOR_MS)).catch(async (error: unknown) => {
        // The provider may have changed its keys.
        if (!(error instanceof Error && 'code' in error && error.code === 'ERR_JWKS_NO_MATCHING_KEY')) throw error;
        return await verify(token, await load(REFRESH_MS));
      });
      return userOf(options, payload);
    } catch (error) {
      logger.info({ issuer: options.issuerUrl, reason: messageOf(error) }, 'an ID token was refused');
      return undefined;
    }
  };
}

function isFrom(token: string, issuer: string): boolean {
  try {
    return decodeJwt(token).iss === issuer;
  } catch {
    // No JWT at all: somebody else's token.
    return false;
  }
}

function userOf(options: OidcOptions, payload: JWTPayload): UserInfo | undefined {
  const claim = options.usernameClaim ?? 'sub';
  const name = payload[claim];
  if (typeof name !== 'string' || name === '') return undefined;
  // An address that nobody has proved to own is no name.
  if (claim === 'email' && payload['email_verified'] !== undefined && payload['email_verified'] !== true) return undefined;
  if (Object.entries(options.requiredClaims ?? {}).some(([key, value]) => payload[key] !== value)) return undefined;
  const prefix = options.usernamePrefix ?? (claim === 'email' ? '' : `${options.issuerUrl}#`);
  const groups = options.groupsClaim === undefined ? [] : [payload[options.groupsClaim] ?? []].flat();
  return {
    username: `${prefix === '-' ? '' : prefix}${name}`,
    groups: [...groups.filter((group) => typeof group === 'string').map((group) => `${options.groupsPrefix ?? ''}${group}`), 'system:authenticated'],
  };
}

async function fetchKeys(options: OidcOptions, signal: AbortSignal): Promise<JSONWebKeySet> {
  const document = await fetchJson(`${options.issuerUrl.replace(/\/$/, '')}/.well-known/openid-configuration`, options.caPem, signal);
  const { issuer, jwks_uri: keysUrl } = document as { readonly issuer?: unknown; readonly jwks_uri?: unknown }; // Looked at right here.
  if (issuer !== options.issuerUrl || typeof keysUrl !== 'string')
    throw new Error(`${options.issuerUrl}: its configuration is of another issuer or names no keys`);
  const keys = await fetchJson(keysUrl, options.caPem, signal);
  if (typeof keys !== 'object' || keys === null || !('keys' in keys) || !Array.isArray(keys.keys)) throw new Error(`${keysUrl}: is no key set`);
  return keys as JSONWebKeySet; // jose checks each key it uses.
}

function fetchJson(url: string, ca: string | undefined, signal: AbortSignal): Promise<unknown> {
  return new Promise((resolve, reject) => {
    const call = request(url, { ...(ca === undefined ? {} : { ca }), signal, timeout: TIMEOUT_MS }, (response) => {
      const parts: Buffer[] = [];
      let size = 0;
      response.on('data', (part: Buffer) => {
        size += part.length;
        if (size > MAX_DOCUMENT_BYTES) response.destroy(new Error(`${url}: answer larger than ${MAX_DOCUMENT_BYTES} bytes`));
        else parts.push(part);
      });
      response.on('error', reject);
      response.on('end', () => {
        if (response.statusCode !== 200) reject(new Error(`${url}: answered ${response.statusCode}`));
        else
          try {
            resolve(JSON.parse(Buffer.concat(parts).toString()));
          } catch (error) {
            reject(new Error(`${url}: answered no JSON`, { cause: error }));
          }
      });
    });
    call.on('timeout', () => call.destroy(new Error(`${url}: no answer in ${TIMEOUT_MS} ms`)));
    call.on('error', reject);
    call.end();
  });
}

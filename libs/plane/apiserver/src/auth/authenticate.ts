import { createHash } from 'node:crypto';
import type { TLSSocket } from 'node:tls';
import { statusError, type KubeObject } from '@tiphys/kube-model';
import type { Core, UserInfo } from '../core.ts';
import { parseStored } from '../registry/objects.ts';
import type { OidcAuthenticator } from './oidc.ts';
import { hashToken, type StaticTokens } from './token-file.ts';
import { ISSUER, type TokenIdentity } from './tokens.ts';

/** The user of requests that prove nothing. */
const ANONYMOUS: UserInfo = { username: 'system:anonymous', groups: ['system:unauthenticated'] };

/** Ways to prove who one is besides certificates and the server's own tokens. */
export interface Authenticators {
  readonly staticTokens: StaticTokens;
  readonly oidc: OidcAuthenticator | undefined;
}

/** What of a request says who asks. */
export interface Credentials {
  readonly socket: unknown;
  readonly authorization: string | undefined;
  readonly signal: AbortSignal;
  readonly warn: (text: string) => void;
}

/** Finds out who asks: by client certificate, then by bearer token. Throws 401 for a token that is not valid. */
export async function authenticate(core: Core, credentials: Credentials): Promise<UserInfo> {
  const byCertificate = certificateUser(credentials.socket);
  if (byCertificate !== undefined) return byCertificate;
  const match = /^Bearer\s+(\S+)$/i.exec(credentials.authorization ?? '');
  if (match === null) return ANONYMOUS;
  const identity = await identifyToken(core, match[1] ?? '', undefined, credentials.signal);
  if (identity === undefined) throw statusError('Unauthorized', 'Unauthorized');
  if (identity.isStale === true)
    credentials.warn('the service account token in use is past the time at which it should have been replaced; read it again from its file');
  return identity.user;
}

/** Who a bearer token stands for, when it is valid for one of the audiences (absent: this server's) and what it is bound to lives. */
export async function identifyToken(
  core: Core,
  token: string,
  audiences: readonly string[] | undefined,
  signal: AbortSignal,
): Promise<TokenIdentity | undefined> {
  const isForUs = audiences === undefined || audiences.includes(ISSUER);
  const known = core.authenticators.staticTokens.get(hashToken(token));
  if (known !== undefined) return isForUs ? { user: known, audiences: [ISSUER] } : undefined;
  const own = await core.tokens.identify(token, core.clock.now(), audiences);
  if (own !== undefined) return isBoundAlive(core, own) ? own : undefined;
  const user = isForUs ? await core.authenticators.oidc?.(token, signal) : undefined;
  return user === undefined ? undefined : { user, audiences: [ISSUER] };
}

function isBoundAlive(core: Core, { serviceAccount, bound }: TokenIdentity): boolean {
  if (serviceAccount === undefined) return true;
  const { namespace, name, uid } = serviceAccount;
  if (!isAlive(core, `/core/serviceaccounts/${namespace}/${name}`, uid)) return false;
  if (bound === undefined) return true;
  const keys: Readonly<Record<string, string>> = {
    Pod: `/core/pods/${namespace}/${bound.name}`,
    Secret: `/core/secrets/${namespace}/${bound.name}`,
    Node: `/core/nodes/${bound.name}`,
  };
  return isAlive(core, keys[bound.kind] ?? '', bound.uid);
}

// A token dies with the objects it names.
function isAlive(core: Core, key: string, uid: string): boolean {
  const entry = core.store.get(key);
  return entry !== undefined && (parseStored(entry.value) as KubeObject).metadata.uid === uid;
}

// Reading a certificate costs more than most requests do; that of a connection never changes.
const usersOfSockets = new WeakMap<object, UserInfo>();

function certificateUser(socket: unknown): UserInfo | undefined {
  const tls = socket as Partial<TLSSocket>; // Both servers run over TLS; a fake socket has none of these.
  if (tls.authorized !== true) return undefined;
  const known = usersOfSockets.get(tls);
  if (known !== undefined) return known;
  const user = readCertificate(tls);
  if (user !== undefined) usersOfSockets.set(tls, user);
  return user;
}

function readCertificate(tls: Partial<TLSSocket>): UserInfo | undefined {
  const certificate = tls.getPeerCertificate?.();
  const subject = certificate?.subject;
  // A certificate with several O has them as a list, which the type does not say.
  const { CN, O } = (subject ?? {}) as { readonly CN?: string | string[]; readonly O?: string | string[] };
  const username = [CN ?? []].flat().at(-1);
  if (username === undefined) return undefined;
  const fingerprint = createHash('sha256')
    .update(certificate?.raw ?? '')
    .digest('hex');
  const extra = { 'authentication.kubernetes.io/credential-id': [`X509SHA256=${fingerprint}`] };
  return { username, groups: [...[O ?? []].flat(), 'system:authenticated'], extra };
}

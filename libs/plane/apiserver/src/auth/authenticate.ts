import { createHash, X509Certificate, type KeyObject } from 'node:crypto';
import type { TLSSocket } from 'node:tls';
import { statusError, type KubeObject } from '@tiphys/kube-model';
import type { Core, UserInfo } from '../core.ts';
import { parseStored } from '../registry/objects.ts';
import { collectHeaders, unescapeKey } from './identity-headers.ts';
import type { OidcAuthenticator } from './oidc.ts';
import { hashToken, type StaticTokens } from './token-file.ts';
import { ISSUER, type TokenIdentity } from './tokens.ts';

/** The user of requests that prove nothing. */
const ANONYMOUS: UserInfo = { username: 'system:anonymous', groups: ['system:unauthenticated'] };

/** Ways to prove who one is besides certificates and the server's own tokens. */
export interface Authenticators {
  readonly staticTokens: StaticTokens;
  readonly oidc: OidcAuthenticator | undefined;
  /** The proxy in front of this server whose word is taken for who its users are. */
  readonly requestHeader: RequestHeaderOptions | undefined;
}

/** A proxy that names users in X-Remote-* headers (kube-apiserver's --requestheader-* flags). */
export interface RequestHeaderOptions {
  /** Authority of the proxy's client certificate. */
  readonly caPem: string;
  /** Common names the certificate may have; empty: any. */
  readonly allowedNames: readonly string[];
}

/** What of a request says who asks. */
export interface Credentials {
  readonly socket: unknown;
  readonly authorization: string | undefined;
  /** Names and values in turn. */
  readonly rawHeaders: readonly string[];
  readonly warn: (text: string) => void;
}

/** Finds out who asks: by client certificate, then by bearer token. Throws 401 for a token that is not valid. */
export async function authenticate(core: Core, credentials: Credentials): Promise<UserInfo> {
  const byProxy = proxiedUser(core, credentials);
  if (byProxy !== undefined) return byProxy;
  const byCertificate = certificateUser(core, credentials.socket);
  if (byCertificate !== undefined) return byCertificate;
  const match = /^Bearer\s+(\S+)$/i.exec(credentials.authorization ?? '');
  if (match === null) return ANONYMOUS;
  const identity = await identifyToken(core, match[1] ?? '', undefined);
  if (identity === undefined) throw statusError('Unauthorized', 'Unauthorized');
  if (identity.isStale === true)
    credentials.warn('the service account token in use is past the time at which it should have been replaced; read it again from its file');
  return identity.user;
}

/** Who a bearer token stands for, when it is valid for one of the audiences (absent: this server's) and what it is bound to lives. */
export async function identifyToken(core: Core, token: string, audiences: readonly string[] | undefined): Promise<TokenIdentity | undefined> {
  const isForUs = audiences === undefined || audiences.includes(ISSUER);
  const known = core.authenticators.staticTokens.get(hashToken(token));
  if (known !== undefined) return isForUs ? { user: known, audiences: [ISSUER] } : undefined;
  const own = await core.tokens.identify(token, core.clock.now(), audiences);
  if (own !== undefined) return isBoundAlive(core, own) ? own : undefined;
  const user = isForUs ? await core.authenticators.oidc?.(token) : undefined;
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

interface Peer {
  readonly commonName: string;
  readonly user: UserInfo;
  readonly certificate: X509Certificate;
}

// Reading a certificate costs more than most requests do; that of a connection never changes.
const peers = new WeakMap<object, Peer | undefined>();

function peerOf(socket: unknown): Peer | undefined {
  const tls = socket as Partial<TLSSocket>; // Both servers run over TLS; a fake socket has none of these.
  if (tls.authorized !== true) return undefined;
  if (!peers.has(tls)) peers.set(tls, readCertificate(tls));
  return peers.get(tls);
}

function readCertificate(tls: Partial<TLSSocket>): Peer | undefined {
  const peer = tls.getPeerCertificate?.();
  // A certificate with several O has them as a list, which the type does not say.
  const { CN, O } = (peer?.subject ?? {}) as { readonly CN?: string | string[]; readonly O?: string | string[] };
  const commonName = [CN ?? []].flat().at(-1);
  if (peer === undefined || commonName === undefined) return undefined;
  const fingerprint = createHash('sha256').update(peer.raw).digest('hex');
  const extra = { 'authentication.kubernetes.io/credential-id': [`X509SHA256=${fingerprint}`] };
  return {
    commonName,
    certificate: new X509Certificate(peer.raw),
    user: { username: commonName, groups: [...[O ?? []].flat(), 'system:authenticated'], extra },
  };
}

// The connection is trusted when any of the authorities has signed: which one says what the certificate proves.
const authorities = new Map<string, KeyObject>();

function isSignedBy(certificate: X509Certificate, caPem: string): boolean {
  const key = authorities.get(caPem) ?? new X509Certificate(caPem).publicKey;
  authorities.set(caPem, key);
  return certificate.verify(key);
}

function certificateUser(core: Core, socket: unknown): UserInfo | undefined {
  const peer = peerOf(socket);
  return peer !== undefined && (core.authenticators.requestHeader === undefined || isSignedBy(peer.certificate, core.clientCaPem)) ? peer.user : undefined;
}

const EXTRA_HEADER = 'x-remote-extra-';

function proxiedUser({ authenticators: { requestHeader } }: Core, { socket, rawHeaders }: Credentials): UserInfo | undefined {
  const peer = requestHeader === undefined ? undefined : peerOf(socket);
  if (requestHeader === undefined || peer === undefined || !isSignedBy(peer.certificate, requestHeader.caPem)) return undefined;
  if (requestHeader.allowedNames.length > 0 && !requestHeader.allowedNames.includes(peer.commonName)) return undefined;
  const headers = collectHeaders(rawHeaders, 'x-remote-');
  const [username] = headers.get('x-remote-user') ?? [];
  if (username === undefined) return undefined;
  const [uid] = headers.get('x-remote-uid') ?? [];
  const extra = Object.fromEntries(
    [...headers].filter(([name]) => name.startsWith(EXTRA_HEADER)).map(([name, values]) => [unescapeKey(name.slice(EXTRA_HEADER.length)), values]),
  );
  return {
    username,
    groups: headers.get('x-remote-group') ?? [],
    ...(uid === undefined ? {} : { uid }),
    ...(Object.keys(extra).length === 0 ? {} : { extra }),
  };
}

import type { TLSSocket } from 'node:tls';
import { statusError, type KubeObject } from '@tiphys/kube-model';
import type { Core, UserInfo } from '../core.ts';
import { parseStored } from '../registry/objects.ts';

/** The user of requests that prove nothing. */
const ANONYMOUS: UserInfo = { username: 'system:anonymous', groups: ['system:unauthenticated'] };

/** Finds out who asks: by client certificate, then by bearer token. Throws 401 for a token that is not valid. */
export async function authenticate(core: Core, socket: unknown, authorization: string | undefined): Promise<UserInfo> {
  const byCertificate = certificateUser(socket);
  if (byCertificate !== undefined) return byCertificate;
  const match = /^Bearer\s+(\S+)$/i.exec(authorization ?? '');
  if (match === null) return ANONYMOUS;
  const identity = await core.tokens.identify(match[1] ?? '', core.clock.now());
  if (identity === undefined) throw statusError('Unauthorized', 'Unauthorized');
  const { serviceAccount, bound } = identity;
  if (serviceAccount !== undefined && !isAlive(core, `/core/serviceaccounts/${serviceAccount.namespace}/${serviceAccount.name}`, serviceAccount.uid))
    throw statusError('Unauthorized', 'Unauthorized');
  if (serviceAccount !== undefined && bound?.kind === 'Pod' && !isAlive(core, `/core/pods/${serviceAccount.namespace}/${bound.name}`, bound.uid))
    throw statusError('Unauthorized', 'Unauthorized');
  return identity.user;
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
  const subject = tls.getPeerCertificate?.().subject;
  // A certificate with several O has them as a list, which the type does not say.
  const { CN, O } = (subject ?? {}) as { readonly CN?: string | string[]; readonly O?: string | string[] };
  const username = [CN ?? []].flat().at(-1);
  if (username === undefined) return undefined;
  return { username, groups: [...[O ?? []].flat(), 'system:authenticated'] };
}

import { createHash, generateKeyPairSync, createPrivateKey, createPublicKey, randomBytes, randomUUID, type KeyObject } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { decodeJwt, exportJWK, jwtVerify, SignJWT } from 'jose';
import type { UserInfo } from '../core.ts';
import { hashToken } from './token-file.ts';

/** The issuer named in service-account tokens. */
export const ISSUER = 'https://kubernetes.default.svc.cluster.local';
const AUDIENCE = ISSUER;
const ALG = 'ES256';

/** An object a token dies with. */
interface BoundObject {
  readonly kind: string;
  readonly name: string;
  readonly uid: string;
}

/** What a service-account token is issued for. */
export interface ServiceAccountClaims {
  readonly namespace: string;
  readonly name: string;
  readonly uid: string;
  readonly audiences: readonly string[];
  readonly expirationSeconds: number;
  readonly bound?: BoundObject;
  /** The node of the bound pod. */
  readonly node?: { readonly name: string; readonly uid: string };
  /** Seconds after which the user of an extended token should have asked for a new one. */
  readonly warnAfterSeconds?: number;
}

/** Who a valid token stands for. */
export interface TokenIdentity {
  readonly user: UserInfo;
  readonly audiences: readonly string[];
  readonly serviceAccount?: { readonly namespace: string; readonly name: string; readonly uid: string };
  readonly bound?: BoundObject;
  /** Its user should have asked for a new one by now. */
  readonly isStale?: boolean;
}

/** Issues and checks bearer tokens. */
export class TokenIssuer {
  readonly adminToken: string;
  readonly #signing: KeyObject;
  readonly #public: KeyObject;
  // Tokens of components in this process, by hash.
  readonly #static = new Map<string, UserInfo>();

  constructor(adminToken: string, signing: KeyObject) {
    this.adminToken = adminToken;
    this.#signing = signing;
    this.#public = createPublicKey(signing);
    this.#static.set(hashToken(adminToken), { username: 'kubernetes-admin', groups: ['system:masters', 'system:authenticated'] });
  }

  /** A token for a component of this process; it dies with the process. */
  issueStatic(user: UserInfo): string {
    const token = randomBytes(32).toString('base64url');
    this.#static.set(hashToken(token), { ...user, groups: [...new Set([...user.groups, 'system:authenticated'])] });
    return token;
  }

  async issueServiceAccount(claims: ServiceAccountClaims, nowMs: number): Promise<string> {
    const { namespace, name, uid, bound } = claims;
    const issuedAt = Math.floor(nowMs / 1_000);
    return await new SignJWT({
      'kubernetes.io': {
        namespace,
        serviceaccount: { name, uid },
        ...(bound === undefined ? {} : { [bound.kind.toLowerCase()]: { name: bound.name, uid: bound.uid } }),
        ...(claims.node === undefined ? {} : { node: claims.node }),
        ...(claims.warnAfterSeconds === undefined ? {} : { warnafter: issuedAt + claims.warnAfterSeconds }),
      },
    })
      .setProtectedHeader({ alg: ALG, kid: this.keyId })
      .setIssuer(ISSUER)
      .setSubject(`system:serviceaccount:${namespace}:${name}`)
      .setAudience(claims.audiences.length === 0 ? [AUDIENCE] : [...claims.audiences])
      .setIssuedAt(issuedAt)
      .setNotBefore(issuedAt)
      .setExpirationTime(issuedAt + claims.expirationSeconds)
      .setJti(randomUUID())
      .sign(this.#signing);
  }

  /** Who the token stands for; undefined when it is not valid for one of the audiences. */
  async identify(token: string, nowMs: number, audiences: readonly string[] = [AUDIENCE]): Promise<TokenIdentity | undefined> {
    const known = this.#static.get(hashToken(token));
    if (known !== undefined) return audiences.includes(AUDIENCE) ? { user: known, audiences: [AUDIENCE] } : undefined;
    try {
      const { payload } = await jwtVerify(token, this.#public, { issuer: ISSUER, audience: [...audiences], currentDate: new Date(nowMs), algorithms: [ALG] });
      const tokenAudiences = [payload.aud ?? []].flat();
      return { ...identityOf(payload['kubernetes.io'], payload.jti, nowMs), audiences: audiences.filter((audience) => tokenAudiences.includes(audience)) };
    } catch {
      // Whatever is wrong with it, it proves nothing.
      return undefined;
    }
  }

  /** Identifies the signing key. */
  get keyId(): string {
    return createHash('sha256')
      .update(this.#public.export({ type: 'spki', format: 'der' }))
      .digest('base64url');
  }

  /** The public keys, for those who check tokens themselves. */
  async keySet(): Promise<unknown> {
    return { keys: [{ ...(await exportJWK(this.#public)), kid: this.keyId, alg: ALG, use: 'sig' }] };
  }
}

interface KubernetesClaim {
  readonly namespace: string;
  readonly serviceaccount: { readonly name: string; readonly uid: string };
  readonly pod?: { readonly name: string; readonly uid: string };
  readonly secret?: { readonly name: string; readonly uid: string };
  readonly node?: { readonly name: string; readonly uid: string };
  readonly warnafter?: number;
}

const EXTRA = 'authentication.kubernetes.io/';

function identityOf(value: unknown, id: string | undefined, nowMs: number): Omit<TokenIdentity, 'audiences'> {
  const claim = value as KubernetesClaim; // The signature says that issueServiceAccount wrote it.
  const { namespace, serviceaccount, pod, secret, node } = claim;
  const username = `system:serviceaccount:${namespace}:${serviceaccount.name}`;
  const bound =
    pod !== undefined
      ? { kind: 'Pod', ...pod }
      : secret !== undefined
        ? { kind: 'Secret', ...secret }
        : node !== undefined
          ? { kind: 'Node', ...node }
          : undefined;
  const extra = {
    ...(id === undefined ? {} : { [`${EXTRA}credential-id`]: [`JTI=${id}`] }),
    ...(node === undefined ? {} : { [`${EXTRA}node-name`]: [node.name], [`${EXTRA}node-uid`]: [node.uid] }),
    ...(pod === undefined ? {} : { [`${EXTRA}pod-name`]: [pod.name], [`${EXTRA}pod-uid`]: [pod.uid] }),
  };
  return {
    user: { username, uid: serviceaccount.uid, groups: ['system:serviceaccounts', `system:serviceaccounts:${namespace}`, 'system:authenticated'], extra },
    serviceAccount: { namespace, name: serviceaccount.name, uid: serviceaccount.uid },
    ...(bound === undefined ? {} : { bound }),
    ...(claim.warnafter !== undefined && claim.warnafter * 1_000 < nowMs ? { isStale: true } : {}),
  };
}

/** When a token of ours expires, in seconds since the epoch. */
export function expiryOf(token: string): number {
  return decodeJwt(token).exp ?? 0;
}

/** Opens the issuer kept in a folder, or makes one. */
export function openTokenIssuer(stateDir: string | undefined): TokenIssuer {
  const read = (name: string, make: () => string): string => {
    if (stateDir === undefined) return make();
    const file = join(stateDir, name);
    if (existsSync(file)) return readFileSync(file, 'utf8');
    mkdirSync(stateDir, { recursive: true, mode: 0o700 });
    const text = make();
    writeFileSync(file, text, { mode: 0o600 });
    return text;
  };
  const key = read('sa.key', () => generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey.export({ type: 'pkcs8', format: 'pem' }).toString());
  return new TokenIssuer(
    read('admin.token', () => randomBytes(32).toString('base64url')),
    createPrivateKey(key),
  );
}

import { createPublicKey, createHash, verify as verifyBytes, type KeyObject } from 'node:crypto';
import { createMessage, readKeys, readSignature, verify } from 'openpgp';
import { messageOf } from '@tiphys/kernel';
import type { SignedCommit } from './object-database.ts';

/** Keys that may vouch for commits. */
export interface TrustedKeys {
  /** Armored OpenPGP public keys. */
  readonly gpg: readonly string[];
  /** Public keys as `authorized_keys` lists them. */
  readonly ssh: readonly string[];
}

/** What a commit's signature is worth. `signer` is a key id of OpenPGP or a SHA-256 fingerprint of SSH. */
export type SignatureVerdict =
  | { readonly kind: 'good'; readonly signer: string }
  | { readonly kind: 'unsigned' }
  | { readonly kind: 'untrusted'; readonly reason: string };

/** Judges the signature of a commit by trusted keys (git-verify-commit; PROTOCOL.sshsig of OpenSSH). Nothing is thrown. */
export async function verifyCommit({ payload, signature }: SignedCommit, keys: TrustedKeys): Promise<SignatureVerdict> {
  if (signature === undefined || signature.trim() === '') return { kind: 'unsigned' };
  try {
    return signature.includes('BEGIN SSH SIGNATURE') ? verifySsh(payload, signature, keys.ssh) : await verifyGpg(payload, signature, keys.gpg);
  } catch (error) {
    return { kind: 'untrusted', reason: `the signature cannot be read: ${messageOf(error)}` };
  }
}

async function verifyGpg(payload: string, armoredSignature: string, armoredKeys: readonly string[]): Promise<SignatureVerdict> {
  const verificationKeys = (await Promise.all(armoredKeys.map((key) => readKeys({ armoredKeys: key })))).flat();
  const [signature, message] = await Promise.all([readSignature({ armoredSignature }), createMessage({ binary: new TextEncoder().encode(payload) })]);
  const { signatures } = await verify({ message, signature, verificationKeys });
  for (const { keyID, verified } of signatures) {
    const isGood = await verified.then(
      () => true,
      () => false,
    );
    if (isGood) return { kind: 'good', signer: keyID.toHex().toUpperCase() };
  }
  return {
    kind: 'untrusted',
    reason: `no trusted key made the signature (made by ${signature
      .getSigningKeyIDs()
      .map((id) => id.toHex().toUpperCase())
      .join(', ')})`,
  };
}

const NAMESPACE = 'git';
const HASHES: ReadonlySet<string> = new Set(['sha256', 'sha512']);

function verifySsh(payload: string, armored: string, lines: readonly string[]): SignatureVerdict {
  const blob = readSshSignature(armored);
  const trusted = lines.flatMap((line) => {
    const encoded = /(?:^|\s)((?:sk-)?(?:ssh|ecdsa)-[^\s]+)\s+([A-Za-z0-9+/=]+)/.exec(line)?.[2];
    return encoded === undefined ? [] : [Buffer.from(encoded, 'base64')];
  });
  const fingerprint = `SHA256:${createHash('sha256').update(blob.publicKey).digest('base64').replace(/=+$/, '')}`;
  if (blob.namespace !== NAMESPACE) return { kind: 'untrusted', reason: `the signature is for '${blob.namespace}', not for git` };
  if (!HASHES.has(blob.hash)) return { kind: 'untrusted', reason: `hash ${blob.hash} is not accepted` };
  if (!trusted.some((key) => key.equals(blob.publicKey))) return { kind: 'untrusted', reason: `key ${fingerprint} is not trusted` };
  const digest = createHash(blob.hash).update(payload).digest();
  const signed = Buffer.concat([Buffer.from('SSHSIG'), ...[NAMESPACE, '', blob.hash].map((text) => sshString(Buffer.from(text))), sshString(digest)]);
  return isSshSigned(signed, blob) ? { kind: 'good', signer: fingerprint } : { kind: 'untrusted', reason: 'the signature does not match the commit' };
}

interface SshSignature {
  readonly publicKey: Buffer;
  readonly namespace: string;
  readonly hash: string;
  readonly signature: Buffer;
}

function readSshSignature(armored: string): SshSignature {
  const body = /-----BEGIN SSH SIGNATURE-----([\s\S]+?)-----END SSH SIGNATURE-----/.exec(armored)?.[1] ?? '';
  const bytes = Buffer.from(body.replaceAll(/\s/g, ''), 'base64');
  if (bytes.subarray(0, 6).toString() !== 'SSHSIG' || bytes.readUInt32BE(6) !== 1) throw new Error('is no SSH signature of version 1');
  const [publicKey, namespace, , hash, signature] = readStrings(bytes.subarray(10));
  if (publicKey === undefined || namespace === undefined || hash === undefined || signature === undefined) throw new Error('ends too early');
  return { publicKey, namespace: namespace.toString(), hash: hash.toString(), signature };
}

// RFC 4251 §5: a length and so many bytes.
function readStrings(bytes: Buffer): readonly Buffer[] {
  const found: Buffer[] = [];
  for (let at = 0; at + 4 <= bytes.byteLength;) {
    const end = at + 4 + bytes.readUInt32BE(at);
    if (end > bytes.byteLength) throw new Error('ends too early');
    found.push(bytes.subarray(at + 4, end));
    at = end;
  }
  return found;
}

function sshString(bytes: Buffer): Buffer {
  const length = Buffer.alloc(4);
  length.writeUInt32BE(bytes.byteLength);
  return Buffer.concat([length, bytes]);
}

function isSshSigned(signed: Buffer, { publicKey, signature }: SshSignature): boolean {
  const [kind, ...parts] = readStrings(publicKey);
  const [algorithm, value] = readStrings(signature);
  if (kind === undefined || algorithm === undefined || value === undefined) return false;
  switch (algorithm.toString()) {
    case 'ssh-ed25519':
      return verifyBytes(null, signed, ed25519Key(parts), value);
    case 'rsa-sha2-256':
    case 'rsa-sha2-512':
      return verifyBytes(algorithm.toString() === 'rsa-sha2-256' ? 'sha256' : 'sha512', signed, rsaKey(parts), value);
    case 'ecdsa-sha2-nistp256':
    case 'ecdsa-sha2-nistp384':
    case 'ecdsa-sha2-nistp521':
      return verifyEcdsa(algorithm.toString().slice('ecdsa-sha2-'.length), signed, parts, value);
    default:
      return false;
  }
}

const url = (bytes: Buffer | undefined): string => (bytes ?? Buffer.alloc(0)).toString('base64url');
const withoutSign = (bytes: Buffer | undefined): Buffer => (bytes?.[0] === 0 ? bytes.subarray(1) : (bytes ?? Buffer.alloc(0)));

function ed25519Key([key]: readonly Buffer[]): KeyObject {
  return createPublicKey({ format: 'jwk', key: { kty: 'OKP', crv: 'Ed25519', x: url(key) } });
}

function rsaKey([exponent, modulus]: readonly Buffer[]): KeyObject {
  return createPublicKey({ format: 'jwk', key: { kty: 'RSA', e: url(withoutSign(exponent)), n: url(withoutSign(modulus)) } });
}

const CURVES: Readonly<Record<string, { readonly crv: string; readonly hash: string; readonly bytes: number }>> = {
  nistp256: { crv: 'P-256', hash: 'sha256', bytes: 32 },
  nistp384: { crv: 'P-384', hash: 'sha384', bytes: 48 },
  nistp521: { crv: 'P-521', hash: 'sha512', bytes: 66 },
};

function verifyEcdsa(name: string, signed: Buffer, [, point]: readonly Buffer[], value: Buffer): boolean {
  const curve = CURVES[name];
  // Uncompressed points only, as OpenSSH writes them.
  if (curve === undefined || point?.[0] !== 4) return false;
  const key = createPublicKey({
    format: 'jwk',
    key: { kty: 'EC', crv: curve.crv, x: url(point.subarray(1, 1 + curve.bytes)), y: url(point.subarray(1 + curve.bytes)) },
  });
  const [r, s] = readStrings(value).map(withoutSign);
  if (r === undefined || s === undefined) return false;
  const padded = Buffer.concat([r, s].map((part) => Buffer.concat([Buffer.alloc(Math.max(0, curve.bytes - part.byteLength)), part])));
  return verifyBytes(curve.hash, signed, { key, dsaEncoding: 'ieee-p1363' }, padded);
}

import { createHash, createPrivateKey, createPublicKey, generateKeyPairSync, randomBytes, sign, X509Certificate, type KeyObject } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { isIPv4 } from 'node:net';
import { networkInterfaces } from 'node:os';
import { join } from 'node:path';
import type { CertificateRequest } from './certificate-request.ts';
import { extendedUsageIds, keyUsageBits } from './signers.ts';
import { bits, der, integer, objectId, octets, pem, sequence, set, time, TRUE, utf8 } from './der.ts';

const YEAR_MS = 365 * 86_400_000;
// A client's clock may be behind ours.
const BACKDATE_MS = 3_600_000;
// As upstream's signer does it.
const SIGNED_BACKDATE_MS = 300_000;

/** A certificate with its private key, in PEM. */
export interface KeyPair {
  readonly certPem: string;
  readonly keyPem: string;
}

/** The authority of one server: what clients trust, and what issues certificates (ECDSA P-256). */
export interface CertificateAuthority {
  readonly caPem: string;
  issueServer(names: readonly string[], addresses: readonly string[]): KeyPair;
  issueClient(username: string, groups: readonly string[]): KeyPair;
  /** Signs somebody else's key, in PEM. It ends no later than the authority. */
  signRequest(request: CertificateRequest, terms: { readonly usages: readonly string[]; readonly fromMs: number; readonly seconds: number }): string;
}

/** Opens the authority kept in a folder, or makes one; without a folder it lives as long as the process. `file` is the name of its files. */
export function openAuthority(stateDir: string | undefined, nowMs: number, file: 'ca' | 'front-proxy-ca' = 'ca'): CertificateAuthority {
  const caName = nameOf([[COMMON_NAME, `tiphys-${file}`]]);
  const { certPem, keyPem } = loadOrCreate(stateDir, nowMs, { file, caName });
  const signer = { key: createPrivateKey(keyPem), name: caName };
  const issue = (subject: Buffer, extensions: readonly Buffer[]): KeyPair => {
    const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
    const certificate = makeCertificate({ signer, subject, publicKey, extensions, fromMs: nowMs - BACKDATE_MS, toMs: nowMs + 2 * YEAR_MS });
    return { certPem: pem('CERTIFICATE', certificate), keyPem: privateKey.export({ type: 'pkcs8', format: 'pem' }).toString() };
  };
  const lastMs = Date.parse(new X509Certificate(certPem).validTo);
  return {
    caPem: certPem,
    signRequest: ({ subject, publicKey, alternativeNames: names }, { usages, fromMs, seconds }) => {
      const extensions = [
        ...usageExtensions(usages),
        extension('2.5.29.19', sequence(), true),
        authorityKeyExtension(signer.key),
        ...(names === undefined ? [] : [extension('2.5.29.17', names)]),
      ];
      const toMs = Math.min(fromMs + seconds * 1_000, lastMs);
      return pem('CERTIFICATE', makeCertificate({ signer, subject, publicKey, extensions, fromMs: fromMs - SIGNED_BACKDATE_MS, toMs }));
    },
    issueServer: (names, addresses) =>
      issue(nameOf([[COMMON_NAME, 'tiphys-apiserver']]), [...leafExtensions(signer.key, SERVER_AUTH), alternativeNames(names, addresses)]),
    issueClient: (username, groups) =>
      issue(nameOf([...groups.map((group) => [ORGANIZATION, group] as const), [COMMON_NAME, username]]), leafExtensions(signer.key, CLIENT_AUTH)),
  };
}

interface AuthorityName {
  readonly file: string;
  readonly caName: Buffer;
}

function loadOrCreate(stateDir: string | undefined, nowMs: number, { file, caName }: AuthorityName): KeyPair {
  if (stateDir === undefined) return createAuthority(nowMs, caName);
  const [certFile, keyFile] = [join(stateDir, `${file}.crt`), join(stateDir, `${file}.key`)];
  if (existsSync(certFile) && existsSync(keyFile)) {
    const pair = { certPem: readFileSync(certFile, 'utf8'), keyPem: readFileSync(keyFile, 'utf8') };
    if (Date.parse(new X509Certificate(pair.certPem).validTo) > nowMs) return pair;
  }
  const pair = createAuthority(nowMs, caName);
  mkdirSync(stateDir, { recursive: true, mode: 0o700 });
  writeFileSync(keyFile, pair.keyPem, { mode: 0o600 });
  writeFileSync(certFile, pair.certPem, { mode: 0o600 });
  return pair;
}

function createAuthority(nowMs: number, caName: Buffer): KeyPair {
  const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const extensions = [
    extension('2.5.29.19', sequence(TRUE), true),
    extension('2.5.29.15', bits(Buffer.from([0x06]), 1), true),
    extension('2.5.29.14', octets(keyId(publicKey))),
  ];
  const certificate = makeCertificate({
    signer: { key: privateKey, name: caName },
    subject: caName,
    publicKey,
    extensions,
    fromMs: nowMs - BACKDATE_MS,
    toMs: nowMs + 10 * YEAR_MS,
  });
  return { certPem: pem('CERTIFICATE', certificate), keyPem: privateKey.export({ type: 'pkcs8', format: 'pem' }).toString() };
}

const COMMON_NAME = '2.5.4.3';
const ORGANIZATION = '2.5.4.10';
const SERVER_AUTH = '1.3.6.1.5.5.7.3.1';
const CLIENT_AUTH = '1.3.6.1.5.5.7.3.2';
const ECDSA_SHA256 = sequence(objectId('1.2.840.10045.4.3.2'));

interface CertificateParts {
  readonly signer: { readonly key: KeyObject; readonly name: Buffer };
  readonly subject: Buffer;
  readonly publicKey: KeyObject;
  readonly extensions: readonly Buffer[];
  readonly fromMs: number;
  readonly toMs: number;
}

// RFC 5280 4.1.
function makeCertificate(parts: CertificateParts): Buffer {
  const version = der(0xa0, integer(Buffer.from([2])));
  // A leading 01 keeps the number positive and its encoding shortest.
  const serial = integer(Buffer.concat([Buffer.from([1]), randomBytes(15)]));
  const publicKey = parts.publicKey.export({ type: 'spki', format: 'der' });
  const body = sequence(
    version,
    serial,
    ECDSA_SHA256,
    parts.signer.name,
    sequence(time(parts.fromMs), time(parts.toMs)),
    parts.subject,
    publicKey,
    der(0xa3, sequence(...parts.extensions)),
  );
  return sequence(body, ECDSA_SHA256, bits(sign('sha256', body, parts.signer.key)));
}

function nameOf(attributes: readonly (readonly [id: string, value: string])[]): Buffer {
  return sequence(...attributes.map(([id, value]) => set(sequence(objectId(id), utf8(value)))));
}

function extension(id: string, value: Buffer, critical: boolean = false): Buffer {
  return sequence(objectId(id), ...(critical ? [TRUE] : []), octets(value));
}

function leafExtensions(caKey: KeyObject, usage: string): readonly Buffer[] {
  return [
    extension('2.5.29.15', bits(Buffer.from([0x80]), 7), true),
    extension('2.5.29.37', sequence(objectId(usage))),
    extension('2.5.29.19', sequence(), true),
    authorityKeyExtension(caKey),
  ];
}

function authorityKeyExtension(caKey: KeyObject): Buffer {
  return extension('2.5.29.35', sequence(der(0x80, keyId(createPublicKey(caKey)))));
}

// The usages a request asks for, as far as a certificate can say them.
function usageExtensions(usages: readonly string[]): readonly Buffer[] {
  const flags = keyUsageBits(usages);
  const last = flags.lastIndexOf(true);
  const bytes = Buffer.alloc(Math.ceil((last + 1) / 8));
  for (const [index, isSet] of flags.entries()) if (isSet) bytes[index >> 3] = (bytes[index >> 3] ?? 0) | (0x80 >> (index & 7));
  const ids = extendedUsageIds(usages);
  return [
    ...(last < 0 ? [] : [extension('2.5.29.15', bits(bytes, bytes.length * 8 - last - 1), true)]),
    ...(ids.length === 0 ? [] : [extension('2.5.29.37', sequence(...ids.map(objectId)))]),
  ];
}

function keyId(publicKey: KeyObject): Buffer {
  return createHash('sha1')
    .update(publicKey.export({ type: 'spki', format: 'der' }))
    .digest();
}

function alternativeNames(names: readonly string[], addresses: readonly string[]): Buffer {
  return extension(
    '2.5.29.17',
    sequence(...names.map((name) => der(0x82, Buffer.from(name))), ...addresses.map((address) => der(0x87, addressBytes(address)))),
  );
}

function addressBytes(address: string): Buffer {
  if (isIPv4(address)) return Buffer.from(address.split('.').map(Number));
  const [head = '', tail] = address.split('::');
  const groups = (text: string): number[] =>
    text
      .split(':')
      .filter((part) => part !== '')
      .map((part) => Number.parseInt(part, 16));
  const [left, right] = [groups(head), groups(tail ?? '')];
  const all = [...left, ...Array.from({ length: 8 - left.length - right.length }, () => 0), ...right];
  return Buffer.from(all.flatMap((group) => [group >> 8, group & 0xff]));
}

/** Addresses of this machine, for the server's certificate. */
export function machineAddresses(): readonly string[] {
  const found = Object.values(networkInterfaces())
    .flatMap((entries) => entries ?? [])
    .map((entry) => entry.address)
    .filter((address) => !address.includes('%'));
  return [...new Set(['127.0.0.1', '::1', ...found])];
}

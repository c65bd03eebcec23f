import { createPublicKey, verify, type KeyObject } from 'node:crypto';
import { readDer, readObjectId, type DerElement } from './der-reader.ts';

/** A certificate signing request (RFC 2986) whose signature was checked. */
export interface CertificateRequest {
  /** The subject as it stands in the request. */
  readonly subject: Buffer;
  readonly commonName: string;
  readonly organizations: readonly string[];
  readonly publicKey: KeyObject;
  /** The alternative names as they stand in the request; undefined when there are none. */
  readonly alternativeNames: Buffer | undefined;
  /** How many alternative names there are of each kind. */
  readonly names: Readonly<Record<'dns' | 'address' | 'email' | 'uri' | 'other', number>>;
}

const COMMON_NAME = '2.5.4.3';
const ORGANIZATION = '2.5.4.10';
const EXTENSION_REQUEST = '1.2.840.113549.1.9.14';
const ALTERNATIVE_NAME = '2.5.29.17';
const HASHES: Readonly<Record<string, string | null>> = {
  '1.2.840.113549.1.1.11': 'sha256',
  '1.2.840.113549.1.1.12': 'sha384',
  '1.2.840.113549.1.1.13': 'sha512',
  '1.2.840.10045.4.3.2': 'sha256',
  '1.2.840.10045.4.3.3': 'sha384',
  '1.2.840.10045.4.3.4': 'sha512',
  // Ed25519 hashes by itself.
  '1.3.101.112': null,
};

/** Reads a request in PEM. Throws RangeError, also when its signature is not of the key it names. */
export function parseCertificateRequest(pemText: string): CertificateRequest {
  const match = /-----BEGIN (?:NEW )?CERTIFICATE REQUEST-----([\s\S]*?)-----END (?:NEW )?CERTIFICATE REQUEST-----/.exec(pemText);
  if (match === null) throw new RangeError('PEM block type must be CERTIFICATE REQUEST');
  const [request] = readDer(Buffer.from(match[1] ?? '', 'base64'));
  const [info, algorithm, signature] = childrenOf(request);
  const [, subject, spki, attributes] = childrenOf(info);
  if (info === undefined || subject === undefined || spki === undefined || signature === undefined) throw new RangeError('certificate request: truncated');
  const publicKey = createPublicKey({ key: spki.whole, format: 'der', type: 'spki' });
  const hash = HASHES[readObjectId(childrenOf(algorithm)[0]?.content ?? Buffer.alloc(0))];
  if (hash === undefined || !verify(hash, info.whole, publicKey, signature.content.subarray(1)))
    throw new RangeError('certificate request: its signature is not of its key');
  const alternativeNames = alternativeNamesOf(attributes);
  return {
    subject: subject.whole,
    commonName: attributesOf(subject, COMMON_NAME).at(-1) ?? '',
    organizations: attributesOf(subject, ORGANIZATION),
    publicKey,
    alternativeNames,
    names: countNames(alternativeNames),
  };
}

function childrenOf(element: DerElement | undefined): readonly DerElement[] {
  return element === undefined ? [] : readDer(element.content);
}

function attributesOf(name: DerElement, id: string): readonly string[] {
  return childrenOf(name)
    .flatMap(childrenOf)
    .map(childrenOf)
    .filter(([type]) => type !== undefined && readObjectId(type.content) === id)
    .map(([, value]) => value?.content.toString('utf8') ?? '');
}

function alternativeNamesOf(attributes: DerElement | undefined): Buffer | undefined {
  const requested = childrenOf(attributes)
    .map(childrenOf)
    .find(([type]) => type !== undefined && readObjectId(type.content) === EXTENSION_REQUEST)?.[1];
  const extensions = childrenOf(requested).flatMap(childrenOf).map(childrenOf);
  const found = extensions.find(([type]) => type !== undefined && readObjectId(type.content) === ALTERNATIVE_NAME);
  return found?.at(-1)?.content;
}

const KINDS: Readonly<Record<number, keyof CertificateRequest['names']>> = { 0x81: 'email', 0x82: 'dns', 0x86: 'uri', 0x87: 'address' };

function countNames(alternativeNames: Buffer | undefined): CertificateRequest['names'] {
  const counts = { dns: 0, address: 0, email: 0, uri: 0, other: 0 };
  for (const name of alternativeNames === undefined ? [] : readDer(alternativeNames).flatMap(childrenOf)) counts[KINDS[name.tag] ?? 'other'] += 1;
  return counts;
}

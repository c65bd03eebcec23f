import { createPrivateKey, generateKeyPairSync, type KeyObject } from 'node:crypto';
import { GoError } from '../template/errors.ts';
import { integer, pem, readElements, sequence } from './der.ts';

/** A new RSA key. */
export function newRsaKey(bits: number): KeyObject {
  return generateKeyPairSync('rsa', { modulusLength: bits }).privateKey;
}

/** The PEM text of a new key of a kind Sprig knows; for others Sprig's complaint. */
export function generatedKeyText(kind: string): string {
  switch (kind) {
    case '':
    case 'rsa':
      return privateKeyText(newRsaKey(4096));
    case 'dsa':
      return dsaText();
    case 'ecdsa':
      return privateKeyText(generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey);
    case 'ed25519':
      return privateKeyText(generateKeyPairSync('ed25519').privateKey);
    default:
      return `Unknown type ${kind}`;
  }
}

/** A key in the form Go writes its kind in. */
export function privateKeyText(key: KeyObject): string {
  if (key.asymmetricKeyType === 'rsa') return pem('RSA PRIVATE KEY', key.export({ type: 'pkcs1', format: 'der' }));
  if (key.asymmetricKeyType === 'ec') return pem('EC PRIVATE KEY', key.export({ type: 'sec1', format: 'der' }));
  return pem('PRIVATE KEY', key.export({ type: 'pkcs8', format: 'der' }));
}

// Node writes DSA keys as PKCS #8 only; Go writes OpenSSL's old form {0, p, q, g, y, x}.
function dsaText(): string {
  const { privateKey, publicKey } = generateKeyPairSync('dsa', { modulusLength: 2048, divisorLength: 256 });
  const [, algorithm, secret] = elements(elements(privateKey.export({ type: 'pkcs8', format: 'der' }))[0]?.content);
  const parameters = elements(elements(algorithm?.content)[1]?.content).map((part) => part.content);
  const x = elements(secret?.content)[0]?.content ?? new Uint8Array();
  const bits = elements(elements(publicKey.export({ type: 'spki', format: 'der' }))[0]?.content)[1]?.content ?? new Uint8Array();
  const y = elements(bits.subarray(1))[0]?.content ?? new Uint8Array();
  return pem('DSA PRIVATE KEY', sequence(...[Uint8Array.of(0), ...parameters, y, x].map(integer)));
}

function elements(content: Uint8Array | undefined): ReturnType<typeof readElements> {
  return readElements(content ?? new Uint8Array());
}

/** Reads a private key from PEM. Throws GoError as Sprig does. */
export function parsePrivateKey(text: string): KeyObject {
  if (!/-----BEGIN [A-Z ]+-----/.test(text)) throw new GoError('no PEM data in input');
  const label = /-----BEGIN ([A-Z0-9 ]+)-----/.exec(text)?.[1] ?? '';
  if (!['RSA PRIVATE KEY', 'EC PRIVATE KEY', 'PRIVATE KEY', 'DSA PRIVATE KEY'].includes(label))
    throw new GoError(`no private key data in PEM block of type ${label}`);
  try {
    return createPrivateKey(text);
  } catch (error) {
    throw new GoError(`asn1: structure error: ${error instanceof Error ? error.message : ''}`, { cause: error });
  }
}

import { createCipheriv, createDecipheriv, randomBytes } from 'node:crypto';
import { xsalsa20poly1305 } from '@noble/ciphers/salsa.js';

/** A key by its name. */
export interface NamedKey {
  readonly name: string;
  readonly secret: Buffer;
}

/** The ways bytes are sealed, by the names of an EncryptionConfiguration. */
export type ProviderKind = 'aesgcm' | 'aescbc' | 'secretbox';

/** Seals and opens with one key. `context` is where the bytes lie: they cannot be opened anywhere else, where the way allows that. */
interface Cipher {
  seal(plain: Uint8Array, context: string): Buffer;
  /** Throws when the bytes were not sealed with this key, or not for this place. */
  open(sealed: Uint8Array, context: string): Buffer;
}

const TAG_BYTES = 16;

/** Key lengths of each kind, in bytes. */
export const KEY_BYTES: Readonly<Record<ProviderKind, readonly number[]>> = { aesgcm: [16, 24, 32], aescbc: [16, 24, 32], secretbox: [32] };

/** The layout of each is that of kube-apiserver (apiserver storage/value/encrypt), so that data written by one can be read by the other. */
export function cipherOf(kind: ProviderKind, { secret }: NamedKey): Cipher {
  switch (kind) {
    case 'aesgcm':
      return aesGcm(secret);
    case 'aescbc':
      return aesCbc(secret);
    case 'secretbox':
      return secretBox(secret);
  }
}

// Nonce (12), text, tag (16); the place is authenticated.
function aesGcm(key: Buffer): Cipher {
  const algorithm = gcmOf(key);
  return {
    seal(plain, context) {
      const nonce = randomBytes(12);
      const cipher = createCipheriv(algorithm, key, nonce);
      cipher.setAAD(Buffer.from(context));
      return Buffer.concat([nonce, cipher.update(plain), cipher.final(), cipher.getAuthTag()]);
    },
    open(sealed, context) {
      const bytes = Buffer.from(sealed);
      const decipher = createDecipheriv(algorithm, key, bytes.subarray(0, 12), { authTagLength: TAG_BYTES });
      decipher.setAAD(Buffer.from(context));
      decipher.setAuthTag(bytes.subarray(-TAG_BYTES));
      return Buffer.concat([decipher.update(bytes.subarray(12, -TAG_BYTES)), decipher.final()]);
    },
  };
}

function gcmOf(key: Buffer): 'aes-128-gcm' | 'aes-192-gcm' | 'aes-256-gcm' {
  return key.length === 16 ? 'aes-128-gcm' : key.length === 24 ? 'aes-192-gcm' : 'aes-256-gcm';
}

// Initialisation vector (16), text with PKCS #7 padding. Nothing is authenticated: for data that exists already.
function aesCbc(key: Buffer): Cipher {
  const algorithm = `aes-${key.length * 8}-cbc`;
  return {
    seal(plain) {
      const iv = randomBytes(16);
      const cipher = createCipheriv(algorithm, key, iv);
      return Buffer.concat([iv, cipher.update(plain), cipher.final()]);
    },
    open(sealed) {
      const decipher = createDecipheriv(algorithm, key, sealed.subarray(0, 16));
      return Buffer.concat([decipher.update(sealed.subarray(16)), decipher.final()]);
    },
  };
}

// Nonce (24), then what NaCl's secretbox makes.
function secretBox(key: Buffer): Cipher {
  return {
    seal(plain) {
      const nonce = randomBytes(24);
      return Buffer.concat([nonce, xsalsa20poly1305(key, nonce).encrypt(plain)]);
    },
    open(sealed) {
      return Buffer.from(xsalsa20poly1305(key, sealed.subarray(0, 24)).decrypt(sealed.subarray(24)));
    },
  };
}

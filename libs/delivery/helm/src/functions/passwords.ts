import { createCipheriv, createDecipheriv, createHmac, scryptSync } from 'node:crypto';
import { encodeBase64, hashSync } from 'bcryptjs';
import { byteLength, fromBytes, toBytes } from '../go/text.ts';
import { GoError } from '../template/errors.ts';
import type { FunctionContext } from '../template/function-table.ts';
import { decodeBase64 } from './encoding.ts';
import { asInt, asString, define, type FunctionGroup } from './define.ts';
import { randomBytes } from './random.ts';

/** Hashing a password takes as long as writing this much output. */
const HASH_COST = 5_000_000;

/** Sprig's password functions: bcrypt, the Master Password algorithm, AES-CBC. */
export const passwords: FunctionGroup = {
  bcrypt: define('string', ([text], context) => bcrypt('bcrypt', asString(text), context)),
  htpasswd: define('string, string', ([user, password], context) =>
    asString(user).includes(':') ? `invalid username: ${asString(user)}` : `${asString(user)}:${bcrypt('htpasswd', asString(password), context)}`,
  ),
  derivePassword: define('uint32, string, string, string, string', ([counter, kind, password, user, site], context) => {
    context.spend(HASH_COST);
    return derivePassword(asInt(counter), asString(kind), asString(password), asString(user), asString(site));
  }),
  encryptAES: define('string, string', ([password, text], context) => {
    const iv = randomBytes('encryptAES', 16, context);
    const cipher = createCipheriv('aes-256-cbc', aesKey(asString(password)), iv);
    return Buffer.concat([iv, cipher.update(toBytes(asString(text))), cipher.final()]).toString('base64');
  }),
  decryptAES: define('string, string', ([password, text]) => decryptAes(asString(password), asString(text))),
};

function bcrypt(name: string, text: string, context: FunctionContext): string {
  if (byteLength(text) > 72) return 'failed to encrypt string with bcrypt: bcrypt: password length exceeds 72 bytes';
  context.spend(HASH_COST);
  const salt = encodeBase64(randomBytes(name, 16, context), 16);
  return hashSync(text, `$2a$10$${salt}`);
}

function aesKey(password: string): Uint8Array {
  const key = Buffer.alloc(32);
  key.set(Buffer.from(toBytes(password)).subarray(0, 32));
  return key;
}

function decryptAes(password: string, text: string): string {
  const bytes = decodeBase64(text);
  if (typeof bytes === 'string') throw new GoError(bytes);
  if (bytes.length < 16 || bytes.length % 16 !== 0) throw new GoError('crypto/cipher: input not full blocks');
  const decipher = createDecipheriv('aes-256-cbc', aesKey(password), bytes.subarray(0, 16)).setAutoPadding(false);
  const plain = Buffer.concat([decipher.update(bytes.subarray(16)), decipher.final()]);
  return fromBytes(plain.subarray(0, plain.length - (plain.at(-1) ?? 0)));
}

const SEED = 'com.lyndir.masterpassword';
const TEMPLATES: Readonly<Record<string, string>> = {
  maximum: 'anoxxxxxxxxxxxxxxxxx axxxxxxxxxxxxxxxxxno',
  long: 'CvcvnoCvcvCvcv CvcvCvcvnoCvcv CvcvCvcvCvcvno CvccnoCvcvCvcv CvccCvcvnoCvcv CvccCvcvCvcvno CvcvnoCvccCvcv CvcvCvccnoCvcv CvcvCvccCvcvno CvcvnoCvcvCvcc CvcvCvcvnoCvcc CvcvCvcvCvccno CvccnoCvccCvcv CvccCvccnoCvcv CvccCvccCvcvno CvcvnoCvccCvcc CvcvCvccnoCvcc CvcvCvccCvccno CvccnoCvcvCvcc CvccCvcvnoCvcc CvccCvcvCvccno',
  medium: 'CvcnoCvc CvcCvcno',
  short: 'Cvcn',
  basic: 'aaanaaan aannaaan aaannaaa',
  pin: 'nnnn',
};
const LETTERS = 'AEIOUaeiouBCDFGHJKLMNPQRSTVWXYZbcdfghjklmnpqrstvwxyz';
const CLASSES: Readonly<Record<string, string>> = {
  V: 'AEIOU',
  C: 'BCDFGHJKLMNPQRSTVWXYZ',
  v: 'aeiou',
  c: 'bcdfghjklmnpqrstvwxyz',
  A: 'AEIOUBCDFGHJKLMNPQRSTVWXYZ',
  a: LETTERS,
  n: '0123456789',
  o: "@&%?,=[]_:-+*$#!'^~;()/.",
  x: `${LETTERS}0123456789!@#$%^&*()`,
};

function derivePassword(counter: number, kind: string, password: string, user: string, site: string): string {
  const templates = Object.hasOwn(TEMPLATES, kind) ? TEMPLATES[kind]?.split(' ') : undefined;
  if (templates === undefined) return `cannot find password template ${kind}`;
  const salt = Buffer.concat([Buffer.from(SEED), uint32(byteLength(user)), toBytes(user)]);
  const key = scryptSync(toBytes(password), salt, 64, { N: 32768, r: 8, p: 2, maxmem: 128 * 1024 * 1024 });
  const message = Buffer.concat([Buffer.from(SEED), uint32(byteLength(site)), toBytes(site), uint32(counter)]);
  const seed = createHmac('sha256', key).update(message).digest();
  const template = templates[(seed[0] ?? 0) % templates.length] ?? '';
  return [...template]
    .map((letter, index) => {
      const letters = CLASSES[letter] ?? '';
      return letters.charAt((seed[index + 1] ?? 0) % letters.length);
    })
    .join('');
}

function uint32(value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32BE(value >>> 0);
  return bytes;
}

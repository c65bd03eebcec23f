import { createHash } from 'node:crypto';
import { fromBytes, toBytes } from '../go/text.ts';
import { ofString, type FunctionGroup } from './define.ts';

const BASE32 = 'ABCDEFGHIJKLMNOPQRSTUVWXYZ234567';

/** Digests and base64, base32. Bad input of a decoder is answered with the error's text, as Sprig does. */
export const encoding: FunctionGroup = {
  b64enc: ofString((text) => Buffer.from(toBytes(text)).toString('base64')),
  b64dec: ofString((text) => {
    const decoded = decodeBase64(text);
    return typeof decoded === 'string' ? decoded : fromBytes(decoded);
  }),
  b32enc: ofString((text) => encodeBase32(toBytes(text))),
  b32dec: ofString(decodeBase32),
  sha1sum: ofString((text) => digest('sha1', text)),
  sha256sum: ofString((text) => digest('sha256', text)),
  sha512sum: ofString((text) => digest('sha512', text)),
  adler32sum: ofString(adler32),
};

function digest(algorithm: string, text: string): string {
  return createHash(algorithm).update(toBytes(text)).digest('hex');
}

function adler32(text: string): string {
  let a = 1;
  let b = 0;
  for (const byte of toBytes(text)) {
    a = (a + byte) % 65521;
    b = (b + a) % 65521;
  }
  return String(b * 65536 + a);
}

/** Go's base64.StdEncoding: strict about padding, blind to line ends. A text is the error. */
export function decodeBase64(text: string): Uint8Array | string {
  const bare = text.replace(/[\r\n]/g, '');
  if (/^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$/.test(bare)) return Buffer.from(bare, 'base64');
  const padded = /=/.exec(bare)?.index ?? bare.length;
  const odd = /[^A-Za-z0-9+/]/.exec(bare)?.index ?? bare.length;
  const at = odd < bare.length && odd !== padded ? odd : padded < bare.length ? badPadding(bare, padded) : bare.length - (bare.length % 4);
  return `illegal base64 data at input byte ${text.length === bare.length ? at : originalIndex(text, at)}`;
}

function badPadding(bare: string, at: number): number {
  const inQuantum = at % 4;
  if (inQuantum < 2) return at;
  if (inQuantum === 2 && bare.length <= at + 1) return bare.length;
  if (inQuantum === 2 && bare.charAt(at + 1) !== '=') return at + 1;
  return at + (4 - inQuantum);
}

function originalIndex(text: string, at: number): number {
  let seen = 0;
  for (let index = 0; index < text.length; index += 1) {
    if (text.charAt(index) === '\n' || text.charAt(index) === '\r') continue;
    if (seen === at) return index;
    seen += 1;
  }
  return text.length;
}

function encodeBase32(bytes: Uint8Array): string {
  let out = '';
  for (let at = 0; at < bytes.length; at += 5) {
    const chunk = bytes.subarray(at, at + 5);
    const bits = [...chunk].map((byte) => byte.toString(2).padStart(8, '0')).join('');
    const letters = (bits.match(/.{1,5}/g) ?? []).map((five) => BASE32.charAt(Number.parseInt(five.padEnd(5, '0'), 2)));
    out += letters.join('').padEnd(8, '=');
  }
  return out;
}

function decodeBase32(text: string): string {
  const bare = text.replace(/[\r\n]/g, '');
  const letters = bare.replace(/=+$/, '');
  const odd = [...letters].findIndex((letter) => !BASE32.includes(letter));
  if (odd >= 0 || bare.length % 8 !== 0 || ![0, 2, 4, 5, 7].includes(letters.length % 8)) {
    return `illegal base32 data at input byte ${odd >= 0 ? odd : letters.length - (letters.length % 8)}`;
  }
  const bits = [...letters].map((letter) => BASE32.indexOf(letter).toString(2).padStart(5, '0')).join('');
  return fromBytes(Uint8Array.from((bits.match(/.{8}/g) ?? []).map((eight) => Number.parseInt(eight, 2))));
}

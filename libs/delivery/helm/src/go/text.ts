import { isUtf8 } from 'node:buffer';

// Go strings are bytes, ours are UTF-16. A byte that is not part of valid UTF-8 is carried as the lone surrogate
// U+DC00 + byte, which valid text never contains, so cutting a string in the middle of a rune loses nothing.
const RAW_BYTE = 0xdc00;
const ASCII_ONLY = /^[\x00-\x7f]*$/; // eslint-disable-line no-control-regex

/** Whether every character is one byte. */
function isAscii(text: string): boolean {
  return ASCII_ONLY.test(text);
}

/** The bytes of a Go string. */
export function toBytes(text: string): Uint8Array {
  if (!hasRawByte(text)) return Buffer.from(text, 'utf8');
  const parts: Buffer[] = [];
  for (const rune of text) {
    const code = rune.codePointAt(0) ?? 0;
    parts.push(isRawByte(code) ? Buffer.from([code - RAW_BYTE]) : Buffer.from(rune, 'utf8'));
  }
  return Buffer.concat(parts);
}

/** The Go string of bytes, whatever they are. */
export function fromBytes(bytes: Uint8Array): string {
  if (isUtf8(bytes)) return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('utf8');
  let text = '';
  for (let index = 0; index < bytes.length;) {
    const length = runeLengthAt(bytes, index);
    if (length === 0) {
      text += String.fromCharCode(RAW_BYTE + (bytes[index] ?? 0));
      index += 1;
    } else {
      text += Buffer.from(bytes.subarray(index, index + length)).toString('utf8');
      index += length;
    }
  }
  return text;
}

/** Go's `len` of a string: bytes. */
export function byteLength(text: string): number {
  return isAscii(text) ? text.length : toBytes(text).length;
}

/** Go's `s[start:end]`; the caller has checked the bounds. */
export function byteSlice(text: string, start: number, end: number): string {
  return isAscii(text) ? text.slice(start, end) : fromBytes(toBytes(text).subarray(start, end));
}

/** The runes of a Go string; a raw byte counts as one. */
export function runesOf(text: string): string[] {
  return [...text];
}

/** Whether a code point carries a byte that is not valid UTF-8. */
export function isRawByte(code: number): boolean {
  return code >= RAW_BYTE + 0x80 && code <= RAW_BYTE + 0xff;
}

/** The byte such a code point carries. */
export function rawByte(code: number): number {
  return code - RAW_BYTE;
}

/** The text with every raw byte replaced by U+FFFD, as JSON encoding does. */
export function toValidText(text: string): string {
  return hasRawByte(text) ? text.replace(/\p{Surrogate}/gu, '\ufffd') : text;
}

/** Orders strings by their UTF-8 bytes, as Go does. */
export function compareStrings(a: string, b: string): number {
  if (a === b) return 0;
  const shared = Math.min(a.length, b.length);
  for (let index = 0; index < shared; index += 1) {
    const left = a.charCodeAt(index);
    const right = b.charCodeAt(index);
    if (left !== right) return orderOfUnit(left) - orderOfUnit(right);
  }
  return a.length - b.length;
}

// Surrogates stand for code points above all of the basic plane, so they sort after U+E000..U+FFFF.
function orderOfUnit(unit: number): number {
  return unit >= 0xd800 && unit < 0xe000 ? unit + 0x10000 : unit;
}

function hasRawByte(text: string): boolean {
  // The first test is cheap and almost always settles it.
  return /[\ud800-\udfff]/.test(text) && /\p{Surrogate}/u.test(text);
}

function runeLengthAt(bytes: Uint8Array, index: number): number {
  const first = bytes[index] ?? 0;
  const length = first < 0x80 ? 1 : first >= 0xc2 && first < 0xe0 ? 2 : first >= 0xe0 && first < 0xf0 ? 3 : first >= 0xf0 && first < 0xf5 ? 4 : 0;
  if (length === 0 || index + length > bytes.length) return 0;
  return isUtf8(bytes.subarray(index, index + length)) ? length : 0;
}

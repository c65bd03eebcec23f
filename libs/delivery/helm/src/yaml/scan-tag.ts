import { isBlank, isBlankOrEnd, isBreak, isBreakOrEnd, isWord, type Cursor } from './cursor.ts';
import type { ScanFailure } from './scan-scalar.ts';

/** A tag as written: `handle` is `!`, `!!`, `!name!` or empty for a verbatim tag, `suffix` the rest. */
export interface ScannedTag {
  readonly handle: string;
  readonly suffix: string;
}

/** A `%YAML` or `%TAG` line: version in `value`, or handle in `value` and prefix in `suffix`. */
export interface ScannedDirective {
  readonly kind: 'versionDirective' | 'tagDirective';
  readonly value: string;
  readonly suffix: string;
}

const URI = /[0-9A-Za-z_\-;/?:@&=+$.!~*'()%,[\]]/;

/** Reads a tag, the cursor on its `!`. Throws what `fail` makes. */
export function scanTag(cursor: Cursor, fail: ScanFailure): ScannedTag {
  const { line } = cursor;
  let tag: ScannedTag;
  if (cursor.peek(1) === 60) {
    cursor.skip(2);
    const suffix = scanUri(cursor, '', line, fail);
    if (cursor.peek() !== 62) throw fail(line, "did not find the expected '>'");
    cursor.skip();
    tag = { handle: '', suffix };
  } else tag = scanShorthand(cursor, line, fail);
  if (!isBlankOrEnd(cursor.peek())) throw fail(line, 'did not find expected whitespace or line break');
  return tag;
}

function scanShorthand(cursor: Cursor, line: number, fail: ScanFailure): ScannedTag {
  const handle = scanHandle(cursor, line, fail, false);
  if (handle.length > 1 && handle.endsWith('!')) return { handle, suffix: scanUri(cursor, '', line, fail) };
  const suffix = scanUri(cursor, handle, line, fail);
  return suffix === '' ? { handle: '', suffix: '!' } : { handle: '!', suffix };
}

function scanHandle(cursor: Cursor, line: number, fail: ScanFailure, isDirective: boolean): string {
  if (cursor.peek() !== 33) throw fail(line, "did not find expected '!'");
  const from = cursor.index;
  cursor.skip();
  while (isWord(cursor.peek())) cursor.skip();
  if (cursor.peek() === 33) cursor.skip();
  else if (isDirective && cursor.index - from > 1) throw fail(line, "did not find expected '!'");
  return cursor.text.slice(from, cursor.index);
}

// `head` is a handle that turned out to be the beginning of the tag itself; its `!` is not part of the URI.
function scanUri(cursor: Cursor, head: string, line: number, fail: ScanFailure): string {
  const from = cursor.index;
  while (URI.test(String.fromCharCode(cursor.peek())) && cursor.peek() !== 0) cursor.skip();
  const written = cursor.text.slice(from, cursor.index);
  if (head === '' && written === '') throw fail(line, 'did not find expected tag URI');
  let decoded = written;
  try {
    if (written.includes('%')) decoded = decodeURIComponent(written);
  } catch (error) {
    throw Object.assign(fail(line, 'did not find URI escaped octet'), { cause: error });
  }
  return head.slice(1) + decoded;
}

/** Reads a directive line, the cursor on its `%`. Throws what `fail` makes. */
export function scanDirective(cursor: Cursor, fail: ScanFailure): ScannedDirective {
  const { line } = cursor;
  cursor.skip();
  const from = cursor.index;
  while (isWord(cursor.peek())) cursor.skip();
  const name = cursor.text.slice(from, cursor.index);
  if (name === '') throw fail(line, 'could not find expected directive name');
  if (!isBlankOrEnd(cursor.peek())) throw fail(line, 'found unexpected non-alphabetical character');
  let directive: ScannedDirective;
  if (name === 'YAML') directive = { kind: 'versionDirective', value: scanVersion(cursor, line, fail), suffix: '' };
  else if (name === 'TAG') directive = scanTagDirective(cursor, line, fail);
  else throw fail(line, 'found unknown directive name');
  while (isBlank(cursor.peek())) cursor.skip();
  if (cursor.peek() === 35) cursor.skipToBreak();
  if (!isBreakOrEnd(cursor.peek())) throw fail(line, 'did not find expected comment or line break');
  if (isBreak(cursor.peek())) cursor.skipLine();
  return directive;
}

function scanVersion(cursor: Cursor, line: number, fail: ScanFailure): string {
  while (isBlank(cursor.peek())) cursor.skip();
  const number = (): string => {
    const from = cursor.index;
    while (cursor.peek() >= 48 && cursor.peek() <= 57) cursor.skip();
    const digits = cursor.text.slice(from, cursor.index);
    if (digits === '') throw fail(line, 'did not find expected version number');
    if (digits.length > 2) throw fail(line, 'found extremely long version number');
    return digits;
  };
  const major = number();
  if (cursor.peek() !== 46) throw fail(line, "did not find expected digit or '.' character");
  cursor.skip();
  return `${major}.${number()}`;
}

function scanTagDirective(cursor: Cursor, line: number, fail: ScanFailure): ScannedDirective {
  while (isBlank(cursor.peek())) cursor.skip();
  const value = scanHandle(cursor, line, fail, true);
  if (!isBlank(cursor.peek())) throw fail(line, 'did not find expected whitespace');
  while (isBlank(cursor.peek())) cursor.skip();
  const suffix = scanUri(cursor, '', line, fail);
  if (!isBlankOrEnd(cursor.peek())) throw fail(line, 'did not find expected whitespace or line break');
  return { kind: 'tagDirective', value, suffix };
}

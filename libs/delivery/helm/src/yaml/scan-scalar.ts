import { END, isBlank, isBlankOrEnd, isBreak, isBreakOrEnd, type Cursor } from './cursor.ts';
import type { YamlError } from './yaml-error.ts';

/** Makes the error of a scan that failed at the cursor, for a token that began at `line`. */
export type ScanFailure = (line: number, problem: string) => YamlError;

const TAB = 9;
const ESCAPES: ReadonlyMap<number, string> = new Map([
  [0x30, '\0'],
  [0x61, '\x07'],
  [0x62, '\b'],
  [0x74, '\t'],
  [TAB, '\t'],
  [0x6e, '\n'],
  [0x76, '\v'],
  [0x66, '\f'],
  [0x72, '\r'],
  [0x65, '\x1b'],
  [0x20, ' '],
  [0x22, '"'],
  [0x27, "'"],
  [0x5c, '\\'],
  [0x4e, '\u0085'],
  [0x5f, '\u00a0'],
  [0x4c, '\u2028'],
  [0x50, '\u2029'],
]);
const CODE_LENGTHS: ReadonlyMap<number, number> = new Map([
  [0x78, 2],
  [0x75, 4],
  [0x55, 8],
]);

// What breaks inside a flow or plain scalar fold to: one becomes a space, more lose the first.
function fold(leading: string, trailing: string): string {
  if (leading.startsWith('\n')) return trailing === '' ? ' ' : trailing;
  return leading + trailing;
}

interface Gap {
  readonly blanks: string;
  readonly leading: string;
  readonly trailing: string;
  readonly isBroken: boolean;
}

const NO_GAP: Gap = { blanks: '', leading: '', trailing: '', isBroken: false };

// Reads blanks and breaks. `isBroken` tells that a break was crossed before (an escaped one in double quotes).
function readGap(cursor: Cursor, startsBroken: boolean, onBrokenTab?: () => void): Gap {
  let blanks = '';
  let leading = '';
  let trailing = '';
  let isBroken = startsBroken;
  for (let code = cursor.peek(); isBlank(code) || isBreak(code); code = cursor.peek()) {
    if (isBlank(code)) {
      if (isBroken) {
        if (code === TAB) onBrokenTab?.();
      } else blanks += String.fromCharCode(code);
      cursor.skip();
    } else if (isBroken) trailing += cursor.readLine();
    else {
      blanks = '';
      leading = cursor.readLine();
      isBroken = true;
    }
  }
  return { blanks, leading, trailing, isBroken };
}

/** Reads a quoted scalar, the cursor on its first quote. Throws what `fail` makes. */
export function scanQuoted(cursor: Cursor, isSingle: boolean, fail: ScanFailure): string {
  const { line } = cursor;
  const quote = isSingle ? 39 : 34;
  let value = '';
  cursor.skip();
  for (;;) {
    if (cursor.atDocumentMarker()) throw fail(line, 'found unexpected document indicator');
    if (cursor.peek() === END) throw fail(line, 'found unexpected end of stream');
    const piece = readQuotedPiece(cursor, isSingle, line, fail);
    value += piece.value;
    if (cursor.peek() === quote) break;
    const gap = readGap(cursor, piece.isBroken);
    value += gap.isBroken ? fold(gap.leading, gap.trailing) : gap.blanks;
  }
  cursor.skip();
  return value;
}

function readQuotedPiece(cursor: Cursor, isSingle: boolean, line: number, fail: ScanFailure): { readonly value: string; readonly isBroken: boolean } {
  let value = '';
  let from = cursor.index;
  const take = (): void => {
    value += cursor.text.slice(from, cursor.index);
  };
  for (let code = cursor.peek(); !isBlankOrEnd(code); code = cursor.peek()) {
    if (isSingle && code === 39) {
      if (cursor.peek(1) !== 39) break;
      take();
      value += "'";
      cursor.skip(2);
      from = cursor.index;
    } else if (!isSingle && code === 34) break;
    else if (!isSingle && code === 92) {
      take();
      if (isBreak(cursor.peek(1))) {
        cursor.skip();
        cursor.skipLine();
        return { value, isBroken: true };
      }
      value += readEscape(cursor, line, fail);
      from = cursor.index;
    } else cursor.skip();
  }
  take();
  return { value, isBroken: false };
}

function readEscape(cursor: Cursor, line: number, fail: ScanFailure): string {
  const code = cursor.peek(1);
  const simple = ESCAPES.get(code);
  const length = CODE_LENGTHS.get(code);
  if (simple === undefined && length === undefined) throw fail(line, 'found unknown escape character');
  cursor.skip(2);
  if (length === undefined) return simple ?? '';
  const digits = cursor.text.slice(cursor.index, cursor.index + length);
  if (digits.length < length || !/^[0-9a-fA-F]+$/.test(digits)) throw fail(line, 'did not find expected hexdecimal number');
  const value = Number.parseInt(digits, 16);
  if ((value >= 0xd800 && value <= 0xdfff) || value > 0x10ffff) throw fail(line, 'found invalid Unicode character escape code');
  cursor.skip(length);
  return String.fromCodePoint(value);
}

// `,` `?` `[` `]` `{` `}` end a plain scalar inside a flow collection.
function endsFlowPlain(code: number): boolean {
  return code === 44 || code === 63 || code === 91 || code === 93 || code === 123 || code === 125;
}

// Whether the character ends a plain scalar, `next` being the one behind it.
function endsPlain(code: number, next: number, inFlow: boolean): boolean {
  return (code === 58 && isBlankOrEnd(next)) || (inFlow && endsFlowPlain(code));
}

// Skips what a line has of a plain scalar; blanks only where more of it follows them.
function skipPlainLine(cursor: Cursor, inFlow: boolean): void {
  const { text } = cursor;
  const at = (index: number): number => (index < text.length ? text.charCodeAt(index) : END);
  let index = cursor.index;
  for (;;) {
    const code = at(index);
    if (isBlank(code)) {
      let ahead = index + 1;
      while (isBlank(at(ahead))) ahead += 1;
      const next = at(ahead);
      if (isBreakOrEnd(next) || next === 35 || endsPlain(next, at(ahead + 1), inFlow)) break;
      index = ahead;
    } else if (isBreakOrEnd(code) || endsPlain(code, at(index + 1), inFlow)) break;
    else index += 1;
  }
  cursor.skip(index - cursor.index);
}

/** A plain scalar and whether it ended after a line break (then a key may follow). */
export interface PlainScalar {
  readonly value: string;
  readonly endsBroken: boolean;
}

/** Reads a plain scalar that must be indented by at least `indent`. Throws what `fail` makes. */
export function scanPlain(cursor: Cursor, indent: number, inFlow: boolean, fail: ScanFailure): PlainScalar {
  const { line } = cursor;
  let value = '';
  let gap = NO_GAP;
  for (;;) {
    if (cursor.atDocumentMarker() || cursor.peek() === 35) break;
    const from = cursor.index;
    skipPlainLine(cursor, inFlow);
    if (cursor.index > from) {
      value += gap.isBroken ? fold(gap.leading, gap.trailing) : gap.blanks;
      value += cursor.text.slice(from, cursor.index);
      gap = NO_GAP;
    }
    if (!isBlank(cursor.peek()) && !isBreak(cursor.peek())) break;
    const next = readGap(cursor, gap.isBroken, () => {
      if (cursor.column < indent) throw fail(line, 'found a tab character that violates indentation');
    });
    gap = gap.isBroken ? { ...gap, trailing: gap.trailing + next.trailing } : next;
    if (!inFlow && cursor.column < indent) break;
  }
  return { value, endsBroken: gap.isBroken };
}

interface BlockHeader {
  /** -1 strip, 0 clip, 1 keep. */
  readonly chomping: number;
  readonly increment: number;
}

function scanBlockHeader(cursor: Cursor, line: number, fail: ScanFailure): BlockHeader {
  let chomping = 0;
  let increment = 0;
  const readChomping = (): boolean => {
    const code = cursor.peek();
    if (code !== 43 && code !== 45) return false;
    chomping = code === 43 ? 1 : -1;
    cursor.skip();
    return true;
  };
  const readIncrement = (): boolean => {
    const code = cursor.peek();
    if (code < 48 || code > 57) return false;
    if (code === 48) throw fail(line, 'found an indentation indicator equal to 0');
    increment = code - 48;
    cursor.skip();
    return true;
  };
  if (readChomping()) readIncrement();
  else if (readIncrement()) readChomping();
  while (isBlank(cursor.peek())) cursor.skip();
  if (cursor.peek() === 35) cursor.skipToBreak();
  if (!isBreakOrEnd(cursor.peek())) throw fail(line, 'did not find expected comment or line break');
  if (isBreak(cursor.peek())) cursor.skipLine();
  return { chomping, increment };
}

/** Reads a literal or folded scalar, the cursor on its indicator; `parentIndent` is -1 at the root. Throws what `fail` makes. */
export function scanBlock(cursor: Cursor, isLiteral: boolean, parentIndent: number, fail: ScanFailure): string {
  const { line } = cursor;
  cursor.skip();
  const { chomping, increment } = scanBlockHeader(cursor, line, fail);
  let indent = increment > 0 ? Math.max(parentIndent, 0) + increment : 0;
  let value = '';
  let leadingBreak = '';
  let wasBlank = false;
  const breaks = (): string => {
    const found = scanBlockBreaks(cursor, indent, parentIndent, line, fail);
    indent = found.indent;
    return found.breaks;
  };
  let trailing = breaks();
  while (cursor.column === indent && cursor.peek() !== END) {
    const startsBlank = isBlank(cursor.peek());
    const folds = !isLiteral && !wasBlank && !startsBlank && leadingBreak === '\n';
    if (folds) value += trailing === '' ? ' ' : '';
    else value += leadingBreak;
    value += trailing;
    wasBlank = startsBlank;
    const from = cursor.index;
    cursor.skipToBreak();
    value += cursor.text.slice(from, cursor.index);
    leadingBreak = cursor.readLine();
    trailing = breaks();
  }
  if (chomping !== -1) value += leadingBreak;
  if (chomping === 1) value += trailing;
  return value;
}

function scanBlockBreaks(
  cursor: Cursor,
  knownIndent: number,
  parentIndent: number,
  line: number,
  fail: ScanFailure,
): { readonly indent: number; readonly breaks: string } {
  let breaks = '';
  let widest = 0;
  for (;;) {
    while ((knownIndent === 0 || cursor.column < knownIndent) && cursor.peek() === 32) cursor.skip();
    widest = Math.max(widest, cursor.column);
    if ((knownIndent === 0 || cursor.column < knownIndent) && cursor.peek() === TAB)
      throw fail(line, 'found a tab character where an indentation space is expected');
    if (!isBreak(cursor.peek())) break;
    breaks += cursor.readLine();
  }
  const indent = knownIndent === 0 ? Math.max(widest, parentIndent + 1, 1) : knownIndent;
  return { indent, breaks };
}

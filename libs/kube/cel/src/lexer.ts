import { CelSyntaxError } from './problem.ts';
import { encodeUtf8 } from './bytes.ts';
import { CelUint, type CelValue } from './value.ts';

/** A word of the grammar. */
export type Token =
  | { readonly kind: 'ident' | 'escapedIdent' | 'reserved' | 'punct'; readonly text: string; readonly at: number }
  | { readonly kind: 'literal'; readonly value: CelValue; readonly text: string; readonly at: number }
  | { readonly kind: 'end'; readonly text: '<EOF>'; readonly at: number };

const PUNCTUATION = ['==', '!=', '<=', '>=', '&&', '||', '[', ']', '{', '}', '(', ')', '.', ',', '-', '!', '?', ':', '+', '*', '/', '%', '<', '>'];
const RESERVED: ReadonlySet<string> = new Set(
  'as break const continue else for function if import let loop package namespace return var void while'.split(' '),
);
const MAX_INT = (1n << 63n) - 1n;
const MAX_UINT = (1n << 64n) - 1n;

/** Splits an expression into tokens (cel-spec langdef, Syntax). Throws `CelSyntaxError`. */
export function tokenize(source: string): readonly Token[] {
  const tokens: Token[] = [];
  let at = 0;
  while (at < source.length) {
    const skipped = /^(?:\s+|\/\/[^\n]*)/.exec(source.slice(at, at + 4_096));
    if (skipped !== null) {
      at += skipped[0].length;
      continue;
    }
    const token = readToken(source, at);
    tokens.push(token);
    at += token.text.length;
  }
  tokens.push({ kind: 'end', text: '<EOF>', at: source.length });
  return tokens;
}

function readToken(source: string, at: number): Token {
  return readString(source, at) ?? readNumber(source, at) ?? readWord(source, at) ?? readPunctuation(source, at);
}

function readWord(source: string, at: number): Token | undefined {
  const escaped = stickyMatch(/`([A-Za-z0-9_.\-/ ]+)`/y, source, at);
  if (escaped !== undefined) return { kind: 'escapedIdent', text: escaped[0], at };
  const text = stickyMatch(/[A-Za-z_]\w*/y, source, at)?.[0];
  if (text === undefined) return undefined;
  if (text === 'true' || text === 'false') return { kind: 'literal', value: text === 'true', text, at };
  if (text === 'null') return { kind: 'literal', value: null, text, at };
  if (text === 'in') return { kind: 'punct', text, at };
  return { kind: RESERVED.has(text) ? 'reserved' : 'ident', text, at };
}

function readPunctuation(source: string, at: number): Token {
  const text = PUNCTUATION.find((candidate) => source.startsWith(candidate, at));
  if (text === undefined) throw new CelSyntaxError(at, `Syntax error: token recognition error at: '${String.fromCodePoint(source.codePointAt(at) ?? 0)}'`);
  return { kind: 'punct', text, at };
}

function stickyMatch(pattern: RegExp, source: string, at: number): RegExpExecArray | undefined {
  pattern.lastIndex = at;
  return pattern.exec(source) ?? undefined;
}

function readNumber(source: string, at: number): Token | undefined {
  const float = stickyMatch(/(?:\d+\.\d+(?:[eE][+-]?\d+)?|\d+[eE][+-]?\d+|\.\d+(?:[eE][+-]?\d+)?)/y, source, at)?.[0];
  if (float !== undefined) return { kind: 'literal', value: Number(float), text: float, at };
  const match = stickyMatch(/(0[xX][0-9a-fA-F]+|\d+)([uU]?)/y, source, at);
  if (match === undefined) return undefined;
  const [text, digits = '0', suffix = ''] = match;
  const value = BigInt(digits);
  if (suffix !== '') {
    if (value > MAX_UINT) throw new CelSyntaxError(at, 'invalid uint literal');
    return { kind: 'literal', value: new CelUint(value), text, at };
  }
  // One more than the largest int: it may be the digits of the smallest, which the parser negates.
  if (value > MAX_INT + 1n) throw new CelSyntaxError(at, 'invalid int literal');
  return { kind: 'literal', value, text, at };
}

const STRING_START = /([rR][bB]?|[bB][rR]?)?("""|'''|"|')/y;

function readString(source: string, at: number): Token | undefined {
  const match = stickyMatch(STRING_START, source, at);
  if (match === undefined) return undefined;
  const [open, prefix = '', quote = ''] = match;
  const isRaw = /r/i.test(prefix);
  const isBytes = /b/i.test(prefix);
  const start = at + open.length;
  const end = endOfString(source, start, quote, isRaw);
  if (end < 0) throw new CelSyntaxError(at, `Syntax error: token recognition error at: '${source.slice(at)}'`);
  const body = source.slice(start, end).replaceAll('\r\n', '\n');
  const text = source.slice(at, end + quote.length);
  const parts = isRaw ? [body] : unescape(body, start, isBytes);
  if (!isBytes) return { kind: 'literal', value: parts.map(String).join(''), text, at };
  return { kind: 'literal', value: Uint8Array.from(parts.flatMap((part) => (typeof part === 'number' ? [part] : [...encodeUtf8(part)]))), text, at };
}

function endOfString(source: string, start: number, quote: string, isRaw: boolean): number {
  for (let at = start; at < source.length; at += 1) {
    const char = source[at];
    if (char === '\\' && !isRaw) at += 1;
    else if (source.startsWith(quote, at)) return at;
    else if (char === '\n' && quote.length === 1) return -1;
  }
  return -1;
}

const SIMPLE_ESCAPES: Readonly<Record<string, string>> = {
  a: '\u0007',
  b: '\b',
  f: '\f',
  n: '\n',
  r: '\r',
  t: '\t',
  v: '\v',
  '\\': '\\',
  "'": "'",
  '"': '"',
  '`': '`',
  '?': '?',
};

const ESCAPE = /\\(?:([abfnrtv\\'"`?])|([xX])([0-9a-fA-F]{2})|u([0-9a-fA-F]{4})|U([0-9a-fA-F]{8})|([0-3][0-7]{2})|(.|\n|$))/g;

// Texts and, for escapes that stand for a byte of a bytes literal, numbers.
function unescape(body: string, at: number, isBytes: boolean): readonly (string | number)[] {
  const parts: (string | number)[] = [];
  let last = 0;
  for (const match of body.matchAll(ESCAPE)) {
    parts.push(body.slice(last, match.index));
    last = match.index + match[0].length;
    parts.push(escapeValue(match, at + match.index, isBytes));
  }
  parts.push(body.slice(last));
  return parts;
}

function escapeValue(match: RegExpExecArray, at: number, isBytes: boolean): string | number {
  const [, simple, , hex, short, long, octal] = match;
  if (simple !== undefined) return SIMPLE_ESCAPES[simple] ?? simple;
  const byte = hex === undefined ? (octal === undefined ? undefined : Number.parseInt(octal, 8)) : Number.parseInt(hex, 16);
  if (byte !== undefined) return isBytes ? byte : String.fromCodePoint(byte);
  const code = Number.parseInt(short ?? long ?? 'x', 16);
  const isCharacter = code <= 0x10_ff_ff && !(code >= 0xd8_00 && code <= 0xdf_ff);
  if (isBytes || !isCharacter) throw new CelSyntaxError(at, 'invalid string literal: unable to unescape string');
  return String.fromCodePoint(code);
}

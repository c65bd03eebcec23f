import { syntaxError, type Place } from './jsonnet-error.ts';

/** The value of a token and where it ends. */
export interface Lexed {
  readonly value: string;
  readonly end: number;
}

const ESCAPES: Readonly<Record<string, string>> = { '"': '"', "'": "'", '\\': '\\', '/': '/', b: '\b', f: '\f', n: '\n', r: '\r', t: '\t' };

/** Reads a string in quotes, verbatim behind `@`. Throws JsonnetError. */
export function lexString(text: string, at: number, place: Place): Lexed {
  return text.charAt(at) === '@' ? lexVerbatim(text, at + 1, place) : lexQuoted(text, at, place);
}

function lexVerbatim(text: string, at: number, place: Place): Lexed {
  const quote = text.charAt(at);
  for (let end = at + 1; ; end += 2) {
    end = text.indexOf(quote, end);
    if (end < 0) throw syntaxError(place, 'Unterminated String');
    if (text.charAt(end + 1) !== quote) return { value: text.slice(at + 1, end).replaceAll(quote + quote, quote), end: end + 1 };
  }
}

function lexQuoted(text: string, at: number, place: Place): Lexed {
  const quote = text.charAt(at);
  const parts: string[] = [];
  let start = at + 1;
  for (let end = start; end < text.length; end += 1) {
    const char = text.charAt(end);
    if (char === quote) return { value: parts.join('') + text.slice(start, end), end: end + 1 };
    if (char !== '\\') continue;
    const escape = readEscape(text, end + 1, place);
    parts.push(text.slice(start, end), escape.value);
    start = escape.end;
    end = start - 1;
  }
  throw syntaxError(place, 'Unterminated String');
}

function readEscape(text: string, at: number, place: Place): Lexed {
  const char = text.charAt(at);
  if (char === 'u') {
    const digits = text.slice(at + 1, at + 5);
    if (!/^[0-9A-Fa-f]{4}$/.test(digits)) throw syntaxError(place, `Malformed unicode escape character, should be hex: '\\u${digits}'`);
    return { value: String.fromCharCode(Number.parseInt(digits, 16)), end: at + 5 };
  }
  const value = ESCAPES[char];
  if (value === undefined) throw syntaxError(place, `Unknown escape sequence in string literal: '\\${char}'`);
  return { value, end: at + 1 };
}

/** Reads a text block (`|||`, or `|||-` without its last line end): the indent of its first line is taken from every line. Throws JsonnetError. */
export function lexTextBlock(text: string, at: number, place: Place): Lexed {
  const head = /\|\|\|(-?)[ \t\r]*\n/y;
  head.lastIndex = at;
  const opening = head.exec(text);
  if (opening === null) throw syntaxError(place, 'Text block syntax requires new line after |||.');
  let next = at + opening[0].length;
  const parts: string[] = [];
  for (; text.charAt(next) === '\n'; next += 1) parts.push('\n');
  const indent = indentAt(text, next);
  if (indent === '') throw syntaxError(place, "Text block's first line must start with whitespace");
  while (text.startsWith(indent, next)) {
    const end = text.indexOf('\n', next);
    if (end < 0) throw syntaxError(place, 'Unexpected EOF');
    parts.push(text.slice(next + indent.length, end + 1));
    next = end + 1;
    for (; text.charAt(next) === '\n'; next += 1) parts.push('\n');
  }
  const closing = next + indentAt(text, next).length;
  if (!text.startsWith('|||', closing)) throw syntaxError(place, 'Text block not terminated with |||');
  const value = parts.join('');
  return { value: opening[1] === '-' ? value.replace(/\n$/, '') : value, end: closing + 3 };
}

function indentAt(text: string, at: number): string {
  const blanks = /[ \t]*/y;
  blanks.lastIndex = at;
  return blanks.exec(text)?.[0] ?? '';
}

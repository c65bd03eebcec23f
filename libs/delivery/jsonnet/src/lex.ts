import { syntaxError, type Place } from './jsonnet-error.ts';
import { lexString, lexTextBlock, type Lexed } from './lex-string.ts';

/** A token: `operator` also holds punctuation, `end` stands after the last one. */
export interface Token {
  readonly kind: 'identifier' | 'keyword' | 'number' | 'string' | 'operator' | 'end';
  /** Name, operator, digits, or the value of a string. */
  readonly text: string;
  readonly place: Place;
}

const KEYWORDS: ReadonlySet<string> = new Set(
  'assert else error false for function if import importstr importbin in local null self super tailstrict then true'.split(' '),
);
const SPACE = /(?:[ \t\r\n]|\/\/[^\n]*|#[^\n]*)+/y;
const IDENTIFIER = /[A-Za-z_][A-Za-z0-9_]*/y;
const NUMBER = /(?:0|[1-9][0-9]*(?:_[0-9]+)*)(?:\.[0-9]+(?:_[0-9]+)*)?(?:[eE][+-]?[0-9]+(?:_[0-9]+)*)?/y;
const OPERATOR = /[!$:~+\-&|^=<>*/%]+/y;
const SINGLE = '{}[](),.;';

/** Splits a program into tokens (jsonnet.org/ref/spec.html, Lexing). Throws JsonnetError. */
export function lex(text: string, file: string): readonly Token[] {
  const tokens: Token[] = [];
  const lineStarts = startsOfLines(text);
  let at = 0;
  let line = 0;
  const placeOf = (offset: number): Place => {
    while ((lineStarts[line + 1] ?? Number.POSITIVE_INFINITY) <= offset) line += 1;
    return { file, line: line + 1, column: offset - (lineStarts[line] ?? 0) + 1 };
  };
  for (at = skipBlanks(text, 0, placeOf); at < text.length; at = skipBlanks(text, at, placeOf)) {
    const place = placeOf(at);
    const { kind, value, end } = lexOne(text, at, place);
    tokens.push({ kind, text: value, place });
    at = end;
  }
  tokens.push({ kind: 'end', text: 'end of file', place: placeOf(text.length) });
  return tokens;
}

function lexOne(text: string, at: number, place: Place): Lexed & { readonly kind: Token['kind'] } {
  const char = text.charAt(at);
  if (text.startsWith('|||', at)) return { kind: 'string', ...lexTextBlock(text, at, place) };
  if (char === '"' || char === "'" || (char === '@' && /["']/.test(text.charAt(at + 1)))) return { kind: 'string', ...lexString(text, at, place) };
  if (SINGLE.includes(char)) return { kind: 'operator', value: char, end: at + 1 };
  const name = matchAt(IDENTIFIER, text, at);
  if (name !== undefined) return { kind: KEYWORDS.has(name) ? 'keyword' : 'identifier', value: name, end: at + name.length };
  const digits = matchAt(NUMBER, text, at);
  if (digits !== undefined) return lexNumber(text, at, digits, place);
  const run = matchAt(OPERATOR, text, at);
  if (run === undefined) throw syntaxError(place, `Could not lex the character ${JSON.stringify(char)}`);
  const operator = operatorOf(run);
  return { kind: 'operator', value: operator, end: at + operator.length };
}

function lexNumber(text: string, at: number, digits: string, place: Place): Lexed & { readonly kind: 'number' } {
  const end = at + digits.length;
  if (/[0-9_.]/.test(text.charAt(end))) throw syntaxError(place, `Couldn't lex number, junk after it: ${JSON.stringify(text.charAt(end))}`);
  const value = digits.replaceAll('_', '');
  if (!Number.isFinite(Number(value))) throw syntaxError(place, `Overflow: ${value}`);
  return { kind: 'number', value, end };
}

// A run of symbols is one operator, but comments and text blocks begin inside of it, and `+ - ~ ! $` at its end are operators of their own.
function operatorOf(run: string): string {
  const cut = run.slice(1).search(/\/\/|\/\*|\|\|\|/);
  let operator = cut < 0 ? run : run.slice(0, cut + 1);
  while (operator.length > 1 && /[+\-~!$]$/.test(operator)) operator = operator.slice(0, -1);
  return operator;
}

function skipBlanks(text: string, from: number, placeOf: (offset: number) => Place): number {
  let at = from;
  for (;;) {
    at += matchAt(SPACE, text, at)?.length ?? 0;
    if (!text.startsWith('/*', at)) return at;
    const end = text.indexOf('*/', at + 2);
    if (end < 0) throw syntaxError(placeOf(at), 'Multi-line comment has no terminating */');
    at = end + 2;
  }
}

function matchAt(pattern: RegExp, text: string, at: number): string | undefined {
  pattern.lastIndex = at;
  return pattern.exec(text)?.[0];
}

function startsOfLines(text: string): readonly number[] {
  const starts = [0];
  for (let at = text.indexOf('\n'); at >= 0; at = text.indexOf('\n', at + 1)) starts.push(at + 1);
  return starts;
}

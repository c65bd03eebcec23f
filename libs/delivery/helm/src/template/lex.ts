import { quote } from '../go/strconv.ts';

/** The kinds of token of text/template. */
export type TokenKind =
  | 'error'
  | 'bool'
  | 'char'
  | 'charConstant'
  | 'assign'
  | 'declare'
  | 'eof'
  | 'field'
  | 'identifier'
  | 'leftDelim'
  | 'leftParen'
  | 'number'
  | 'complex'
  | 'pipe'
  | 'rawString'
  | 'rightDelim'
  | 'rightParen'
  | 'space'
  | 'string'
  | 'text'
  | 'variable'
  | 'dot'
  | 'block'
  | 'break'
  | 'continue'
  | 'define'
  | 'else'
  | 'end'
  | 'if'
  | 'nil'
  | 'range'
  | 'template'
  | 'with';

/** One token: its text, where it starts (UTF-16 index) and on which line. */
export interface Token {
  readonly kind: TokenKind;
  readonly value: string;
  readonly position: number;
  readonly line: number;
}

const KEYWORDS: ReadonlySet<string> = new Set(['block', 'break', 'continue', 'define', 'else', 'end', 'if', 'nil', 'range', 'template', 'with']);
const LETTER = /[\p{L}\p{Nd}_]/u;
const SPACES = ' \t\r\n';

/** Whether a token kind is a keyword, whose text Go prints in angle brackets. */
export function isKeyword(kind: TokenKind): boolean {
  return KEYWORDS.has(kind);
}

/** The lexer of Go's text/template/parse, one token per call. After an error it gives only `eof`. */
export class Lexer {
  readonly #input: string;
  #start = 0;
  #at = 0;
  #line = 1;
  #lineAt = 0;
  #inside = false;
  #parens = 0;
  #failed = false;

  constructor(input: string) {
    this.#input = input;
  }

  /** The next token. */
  next(): Token {
    if (this.#failed) return { kind: 'eof', value: 'EOF', position: 0, line: this.#line };
    return this.#inside ? this.#insideAction() : this.#text();
  }

  #emit(kind: TokenKind): Token {
    const token = { kind, value: this.#input.slice(this.#start, this.#at), position: this.#start, line: this.#lineOf(this.#start) };
    this.#start = this.#at;
    return token;
  }

  #error(message: string): Token {
    this.#failed = true;
    return { kind: 'error', value: message, position: this.#start, line: this.#lineOf(this.#start) };
  }

  #lineOf(position: number): number {
    for (let next = this.#input.indexOf('\n', this.#lineAt); next >= 0 && next < position; next = this.#input.indexOf('\n', this.#lineAt)) {
      this.#line += 1;
      this.#lineAt = next + 1;
    }
    return this.#line;
  }

  #text(): Token {
    for (;;) {
      const delim = this.#input.indexOf('{{', this.#at);
      if (delim < 0) {
        this.#at = this.#input.length;
        return this.#at > this.#start ? this.#emit('text') : this.#emit('eof');
      }
      if (delim > this.#at) {
        this.#at = this.#leftTrims(delim + 2) ? trimmedEnd(this.#input, this.#start, delim) : delim;
        const token = this.#at > this.#start ? this.#emit('text') : undefined;
        this.#at = delim;
        this.#start = delim;
        if (token !== undefined) return token;
      }
      const token = this.#leftDelim();
      if (token !== undefined) return token;
    }
  }

  #leftTrims(at: number): boolean {
    return this.#input.charAt(at) === '-' && isSpace(this.#input.charAt(at + 1));
  }

  // Gives nothing for a comment.
  #leftDelim(): Token | undefined {
    this.#at += 2;
    const marker = this.#leftTrims(this.#at) ? 2 : 0;
    if (this.#input.startsWith('/*', this.#at + marker)) {
      this.#at += marker;
      this.#start = this.#at;
      return this.#comment();
    }
    const token = this.#emit('leftDelim');
    this.#inside = true;
    this.#at += marker;
    this.#start = this.#at;
    this.#parens = 0;
    return token;
  }

  #comment(): Token | undefined {
    const close = this.#input.indexOf('*/', this.#at + 2);
    if (close < 0) return this.#error('unclosed comment');
    this.#at = close + 2;
    const right = this.#rightDelimAt();
    if (right === undefined) return this.#error('comment ends before closing delimiter');
    this.#at += right === 'trim' ? 4 : 2;
    if (right === 'trim') this.#skipSpace();
    this.#start = this.#at;
    return undefined;
  }

  #rightDelimAt(): 'plain' | 'trim' | undefined {
    if (isSpace(this.#input.charAt(this.#at)) && this.#input.startsWith('-}}', this.#at + 1)) return 'trim';
    return this.#input.startsWith('}}', this.#at) ? 'plain' : undefined;
  }

  #rightDelim(): Token {
    const trim = this.#rightDelimAt() === 'trim';
    if (trim) this.#at += 2;
    this.#start = this.#at;
    this.#at += 2;
    const token = this.#emit('rightDelim');
    if (trim) this.#skipSpace();
    this.#start = this.#at;
    this.#inside = false;
    return token;
  }

  #skipSpace(): void {
    while (this.#at < this.#input.length && isSpace(this.#input.charAt(this.#at))) this.#at += 1;
  }

  #insideAction(): Token {
    if (this.#rightDelimAt() !== undefined) return this.#parens === 0 ? this.#rightDelim() : this.#error('unclosed left paren');
    if (this.#at >= this.#input.length) return this.#error('unclosed action');
    const char = String.fromCodePoint(this.#input.codePointAt(this.#at) ?? 0);
    if (isSpace(char)) return this.#space();
    if (isLetter(char) && !isDigit(char)) return this.#identifier();
    if (isDigit(char) || char === '+' || char === '-') return this.#number();
    if (char === '.' && isDigit(this.#input.charAt(this.#at + 1))) return this.#number();
    this.#at += char.length;
    switch (char) {
      case '=':
        return this.#emit('assign');
      case '|':
        return this.#emit('pipe');
      case ':':
        this.#at += 1;
        return this.#input.charAt(this.#at - 1) === '=' ? this.#emit('declare') : this.#error('expected :=');
      case '"':
        return this.#quoted('"', 'string', 'unterminated quoted string');
      case "'":
        return this.#quoted("'", 'charConstant', 'unterminated character constant');
      case '`':
        return this.#rawQuoted();
      case '$':
        return this.#fieldOrVariable('variable');
      case '.':
        return this.#fieldOrVariable('field');
      case '(':
        this.#parens += 1;
        return this.#emit('leftParen');
      case ')':
        this.#parens -= 1;
        return this.#parens < 0 ? this.#error('unexpected right paren') : this.#emit('rightParen');
      default:
        return /^[ -~]$/.test(char) ? this.#emit('char') : this.#error(`unrecognized character in action: ${unicode(char)}`);
    }
  }

  #space(): Token {
    const first = this.#at;
    this.#skipSpace();
    // A trim-marked closing delimiter owns the space before its minus sign.
    if (this.#input.startsWith('-}}', this.#at)) {
      this.#at -= 1;
      if (this.#at === first) return this.#rightDelim();
    }
    return this.#emit('space');
  }

  #absorb(): string {
    for (;;) {
      const char = this.#input.charAt(this.#at) === '' ? '' : String.fromCodePoint(this.#input.codePointAt(this.#at) ?? 0);
      if (char === '' || !isLetter(char)) return char;
      this.#at += char.length;
    }
  }

  #identifier(): Token {
    const stop = this.#absorb();
    if (!this.#atTerminator()) return this.#error(`bad character ${unicode(stop)}`);
    const word = this.#input.slice(this.#start, this.#at);
    if (KEYWORDS.has(word)) return this.#emit(word as TokenKind); // the set holds exactly the keyword kinds
    return this.#emit(word === 'true' || word === 'false' ? 'bool' : 'identifier');
  }

  #fieldOrVariable(kind: 'field' | 'variable'): Token {
    if (this.#atTerminator()) return this.#emit(kind === 'variable' ? 'variable' : 'dot');
    const stop = this.#absorb();
    return this.#atTerminator() ? this.#emit(kind) : this.#error(`bad character ${unicode(stop)}`);
  }

  #atTerminator(): boolean {
    const char = this.#input.charAt(this.#at);
    return char === '' || isSpace(char) || '.,|:)('.includes(char) || this.#input.startsWith('}}', this.#at);
  }

  #quoted(mark: string, kind: TokenKind, complaint: string): Token {
    for (;;) {
      const char = this.#input.charAt(this.#at);
      this.#at += 1;
      if (char === mark) return this.#emit(kind);
      if (char === '\\') {
        const escaped = this.#input.charAt(this.#at);
        this.#at += 1;
        if (escaped !== '' && escaped !== '\n') continue;
        return this.#error(complaint);
      }
      if (char === '' || char === '\n') return this.#error(complaint);
    }
  }

  #rawQuoted(): Token {
    const close = this.#input.indexOf('`', this.#at);
    if (close < 0) return this.#error('unterminated raw quoted string');
    this.#at = close + 1;
    return this.#emit('rawString');
  }

  #number(): Token {
    if (!this.#scanNumber()) return this.#error(`bad number syntax: ${quote(this.#input.slice(this.#start, this.#at))}`);
    const sign = this.#input.charAt(this.#at);
    if (sign !== '+' && sign !== '-') return this.#emit('number');
    if (!this.#scanNumber() || this.#input.charAt(this.#at - 1) !== 'i') {
      return this.#error(`bad number syntax: ${quote(this.#input.slice(this.#start, this.#at))}`);
    }
    return this.#emit('complex');
  }

  #scanNumber(): boolean {
    const pattern =
      /[+-]?(?:0[xX][0-9a-fA-F_]*(?:\.[0-9a-fA-F_]*)?(?:[pP][+-]?[0-9_]*)?|0[oO][0-7_]*(?:\.[0-7_]*)?|0[bB][01_]*(?:\.[01_]*)?|[0-9_]*(?:\.[0-9_]*)?(?:[eE][+-]?[0-9_]*)?)i?/y;
    pattern.lastIndex = this.#at;
    this.#at += pattern.exec(this.#input)?.[0].length ?? 0;
    const next = this.#input.charAt(this.#at);
    if (next === '' || !isLetter(next)) return true;
    this.#at += 1;
    return false;
  }
}

function isSpace(char: string): boolean {
  return char !== '' && SPACES.includes(char);
}

function isDigit(char: string): boolean {
  return char >= '0' && char <= '9' && char.length === 1;
}

function isLetter(char: string): boolean {
  return LETTER.test(char);
}

function trimmedEnd(input: string, start: number, end: number): number {
  let at = end;
  while (at > start && isSpace(input.charAt(at - 1))) at -= 1;
  return at;
}

// Go's %#U.
function unicode(char: string): string {
  const code = char.codePointAt(0) ?? 0;
  return `U+${code.toString(16).toUpperCase().padStart(4, '0')} '${char}'`;
}

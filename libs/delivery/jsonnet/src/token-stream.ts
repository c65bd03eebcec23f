import { syntaxError, type Place } from './jsonnet-error.ts';
import type { Token } from './lex.ts';

/** Tokens read one by one. What was expected and not found is an error with its place. */
export class TokenStream {
  readonly #tokens: readonly Token[];
  #at = 0;

  constructor(tokens: readonly Token[]) {
    this.#tokens = tokens;
  }

  /** The token `ahead` of the next one, without taking it. */
  peek(ahead: number = 0): Token {
    const token = this.#tokens[Math.min(this.#at + ahead, this.#tokens.length - 1)];
    if (token === undefined) throw new TypeError('a program has an end token');
    return token;
  }

  get place(): Place {
    return this.peek().place;
  }

  next(): Token {
    const token = this.peek();
    this.#at += 1;
    return token;
  }

  /** Whether the next token is this keyword or operator. */
  is(text: string, ahead: number = 0): boolean {
    const token = this.peek(ahead);
    return token.text === text && (token.kind === 'operator' || token.kind === 'keyword');
  }

  /** Takes the keyword or operator if it is next. */
  take(text: string): boolean {
    if (!this.is(text)) return false;
    this.#at += 1;
    return true;
  }

  expect(text: string): Token {
    if (!this.is(text)) throw this.unexpected(`expected token ${JSON.stringify(text)}`);
    return this.next();
  }

  identifier(): string {
    if (this.peek().kind !== 'identifier') throw this.unexpected('expected an identifier');
    return this.next().text;
  }

  /** The error of a token that may not stand where it stands. */
  unexpected(wanted: string): Error {
    const { kind, text, place } = this.peek();
    const found = kind === 'end' ? text : kind === 'string' ? 'a string' : JSON.stringify(text);
    return syntaxError(place, `${wanted} but got ${found}`);
  }
}

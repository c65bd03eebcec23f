import { toValidText } from '../go/text.ts';
import { Cursor, END, isBlankOrEnd, isBreak, isWord, type Mark } from './cursor.ts';
import { scanDirective, scanTag } from './scan-tag.ts';
import { scanBlock, scanPlain, scanQuoted, type ScanFailure } from './scan-scalar.ts';
import type { ScalarStyle } from './node.ts';
import { YamlError } from './yaml-error.ts';

/** One token of a YAML stream, in libyaml's terms. `value` and `suffix` are set where the kind has them. */
export interface Token {
  readonly kind:
    | 'streamEnd'
    | 'versionDirective'
    | 'tagDirective'
    | 'documentStart'
    | 'documentEnd'
    | 'blockSequenceStart'
    | 'blockMappingStart'
    | 'blockEnd'
    | 'flowSequenceStart'
    | 'flowSequenceEnd'
    | 'flowMappingStart'
    | 'flowMappingEnd'
    | 'blockEntry'
    | 'flowEntry'
    | 'key'
    | 'value'
    | 'alias'
    | 'anchor'
    | 'tag'
    | 'scalar';
  readonly start: Mark;
  readonly value: string | undefined;
  readonly suffix: string | undefined;
  /** How a scalar is written; `plain` for everything else. */
  readonly style: ScalarStyle;
}

/** Which line an error names: that of the problem (go-yaml v2) or that of what was being read (v3). */
export type BlamedLine = 'problem' | 'context';

interface SimpleKey {
  isPossible: boolean;
  readonly isRequired: boolean;
  readonly tokenNumber: number;
  readonly mark: Mark;
}

const NO_KEY: SimpleKey = { isPossible: false, isRequired: false, tokenNumber: 0, mark: { index: 0, line: 0, column: 0 } };
const KEY_LOOK_AHEAD = 1024;
const MAX_DEPTH = 1000;
const NOT_PLAIN_START = new Set([...'-?:,[]{}#&*!|>\'"%@`'].map((c) => c.charCodeAt(0)));
// Printable characters of YAML 1.1 as go-yaml's reader admits them; anything else is refused before scanning.
// eslint-disable-next-line no-control-regex -- control characters are what it looks for
const FORBIDDEN = /[\0-\x08\x0b\x0c\x0e-\x1f\x7f-\x84\x86-\x9f\ufffe\uffff]/;

/** Splits a YAML 1.1 text into tokens exactly as libyaml (and so go-yaml) does. Throws YamlError. */
export class Scanner {
  readonly #cursor: Cursor;
  readonly #tokens: Token[] = [];
  #head = 0;
  #tokensParsed = 0;
  #indent = -1;
  readonly #indents: number[] = [];
  #flowLevel = 0;
  #isKeyAllowed = true;
  #simpleKeys: SimpleKey[] = [NO_KEY];
  #isDone = false;
  // Nothing needs fetching until the next token is taken.
  #isFilled = false;

  readonly #blames: BlamedLine;

  constructor(text: string, blames: BlamedLine = 'problem') {
    this.#blames = blames;
    if (toValidText(text) !== text) throw new YamlError('invalid leading UTF-8 octet');
    if (FORBIDDEN.test(text)) throw new YamlError('control characters are not allowed');
    this.#cursor = new Cursor(text);
  }

  /** The next token, left where it is. */
  peek(): Token {
    if (!this.#isFilled) this.#fill();
    const token = this.#tokens[this.#head];
    if (token === undefined) throw new YamlError('attempted to go past the end of stream; corrupted value?');
    return token;
  }

  /** Takes the next token. */
  next(): Token {
    const token = this.peek();
    this.#head += 1;
    this.#tokensParsed += 1;
    this.#isFilled = false;
    if (this.#head > 256) {
      this.#tokens.splice(0, this.#head);
      this.#head = 0;
    }
    return token;
  }

  readonly #fail: ScanFailure = (line, problem) => {
    // go-yaml v2 counts the problem's line from one, unless it is the first; then it names the token's line, from zero.
    // v3 counts the token's line from one, unless it is the first; then the problem's.
    const { line: problemLine } = this.#cursor;
    const first = this.#blames === 'problem' ? problemLine : line;
    const second = this.#blames === 'problem' ? line : problemLine === 0 ? 0 : problemLine + 1;
    const at = first === 0 ? second : first + 1;
    return new YamlError(at === 0 ? problem : `line ${at}: ${problem}`);
  };

  #fill(): void {
    while (!this.#isDone && (this.#head === this.#tokens.length || this.#mayBeKey())) this.#fetch();
    this.#isFilled = true;
  }

  #mayBeKey(): boolean {
    for (const key of this.#simpleKeys) if (key.isPossible && key.tokenNumber === this.#tokensParsed && this.#isKeyValid(key)) return true;
    return false;
  }

  #isKeyValid(key: SimpleKey): boolean {
    if (!key.isPossible) return false;
    if (key.mark.line === this.#cursor.line && key.mark.index + KEY_LOOK_AHEAD >= this.#cursor.index) return true;
    if (key.isRequired) throw this.#fail(key.mark.line, "could not find expected ':'");
    key.isPossible = false;
    return false;
  }

  #saveKey(): void {
    if (!this.#isKeyAllowed) return;
    const isRequired = this.#flowLevel === 0 && this.#indent === this.#cursor.column;
    this.#removeKey();
    this.#simpleKeys[this.#simpleKeys.length - 1] = {
      isPossible: true,
      isRequired,
      tokenNumber: this.#tokensParsed + this.#tokens.length - this.#head,
      mark: this.#cursor.mark(),
    };
  }

  #removeKey(): void {
    const key = this.#simpleKeys.at(-1);
    if (key?.isPossible !== true) return;
    if (key.isRequired) throw this.#fail(key.mark.line, "could not find expected ':'");
    key.isPossible = false;
  }

  #push(kind: Token['kind'], start: Mark, value?: string, suffix?: string, style: ScalarStyle = 'plain'): void {
    this.#tokens.push({ kind, start, value, suffix, style });
  }

  #rollIndent(column: number, kind: Token['kind'], mark: Mark, at?: number): void {
    if (this.#flowLevel > 0 || this.#indent >= column) return;
    this.#indents.push(this.#indent);
    this.#indent = column;
    if (this.#indents.length > MAX_DEPTH) throw new YamlError(`exceeded max depth of ${MAX_DEPTH}`, 'tooDeep');
    const token: Token = { kind, start: mark, value: undefined, suffix: undefined, style: 'plain' };
    if (at === undefined) this.#tokens.push(token);
    else this.#tokens.splice(this.#head + at - this.#tokensParsed, 0, token);
  }

  #unrollIndent(column: number): void {
    if (this.#flowLevel > 0) return;
    while (this.#indent > column) {
      this.#push('blockEnd', this.#cursor.mark());
      this.#indent = this.#indents.pop() ?? -1;
    }
  }

  #fetch(): void {
    const cursor = this.#cursor;
    this.#skipToToken();
    this.#unrollIndent(cursor.column);
    const code = cursor.peek();
    if (code === END && cursor.index >= cursor.text.length) this.#fetchEnd();
    else if (cursor.column === 0 && code === 37) this.#fetchDirective();
    else if (cursor.atDocumentMarker()) this.#fetchDocumentMarker(code === 45 ? 'documentStart' : 'documentEnd');
    else this.#fetchContent(code);
  }

  #fetchContent(code: number): void {
    const next = this.#cursor.peek(1);
    const inFlow = this.#flowLevel > 0;
    if (code === 91) this.#openFlow('flowSequenceStart');
    else if (code === 123) this.#openFlow('flowMappingStart');
    else if (code === 93) this.#closeFlow('flowSequenceEnd');
    else if (code === 125) this.#closeFlow('flowMappingEnd');
    else if (code === 44) this.#fetchFlowEntry();
    else if (code === 45 && isBlankOrEnd(next)) this.#fetchBlockEntry();
    else if (code === 63 && (inFlow || isBlankOrEnd(next))) this.#fetchKey();
    else if (code === 58 && (inFlow || isBlankOrEnd(next))) this.#fetchValue();
    else if (code === 42) this.#fetchAnchor('alias');
    else if (code === 38) this.#fetchAnchor('anchor');
    else if (code === 33) this.#fetchTag();
    else if ((code === 124 || code === 62) && !inFlow) this.#fetchBlockScalar(code === 124);
    else if (code === 39 || code === 34) this.#fetchQuoted(code === 39);
    else if (this.#startsPlain(code, next)) this.#fetchPlain();
    else throw this.#fail(this.#cursor.line, 'found character that cannot start any token');
  }

  #startsPlain(code: number, next: number): boolean {
    if (!isBlankOrEnd(code) && !NOT_PLAIN_START.has(code)) return true;
    if (code === 45) return next !== 32 && next !== 9;
    return this.#flowLevel === 0 && (code === 63 || code === 58) && !isBlankOrEnd(next);
  }

  #skipToToken(): void {
    const cursor = this.#cursor;
    for (;;) {
      if (cursor.column === 0 && cursor.peek() === 0xfeff) cursor.skip();
      while (cursor.peek() === 32 || (cursor.peek() === 9 && (this.#flowLevel > 0 || !this.#isKeyAllowed))) cursor.skip();
      if (cursor.peek() === 35) cursor.skipToBreak();
      if (!isBreak(cursor.peek())) return;
      cursor.skipLine();
      if (this.#flowLevel === 0) this.#isKeyAllowed = true;
    }
  }

  #fetchEnd(): void {
    // libyaml forces a new line, so that the last simple key is not taken for one on this line.
    if (this.#cursor.column !== 0) {
      this.#cursor.column = 0;
      this.#cursor.line += 1;
    }
    this.#unrollIndent(-1);
    this.#removeKey();
    this.#isKeyAllowed = false;
    this.#push('streamEnd', this.#cursor.mark());
    this.#isDone = true;
  }

  #endDocument(): void {
    this.#unrollIndent(-1);
    this.#removeKey();
    this.#isKeyAllowed = false;
  }

  #fetchDirective(): void {
    this.#endDocument();
    const start = this.#cursor.mark();
    const directive = scanDirective(this.#cursor, this.#fail);
    this.#push(directive.kind, start, directive.value, directive.suffix);
  }

  #fetchDocumentMarker(kind: 'documentStart' | 'documentEnd'): void {
    this.#endDocument();
    this.#push(kind, this.#cursor.mark());
    this.#cursor.skip(3);
  }

  #openFlow(kind: Token['kind']): void {
    this.#saveKey();
    this.#simpleKeys.push(NO_KEY);
    this.#flowLevel += 1;
    if (this.#flowLevel > MAX_DEPTH) throw new YamlError(`exceeded max depth of ${MAX_DEPTH}`, 'tooDeep');
    this.#isKeyAllowed = true;
    this.#push(kind, this.#cursor.mark());
    this.#cursor.skip();
  }

  #closeFlow(kind: Token['kind']): void {
    this.#removeKey();
    if (this.#flowLevel > 0) {
      this.#flowLevel -= 1;
      this.#simpleKeys.pop();
    }
    this.#isKeyAllowed = false;
    this.#push(kind, this.#cursor.mark());
    this.#cursor.skip();
  }

  #fetchFlowEntry(): void {
    this.#removeKey();
    this.#isKeyAllowed = true;
    this.#push('flowEntry', this.#cursor.mark());
    this.#cursor.skip();
  }

  #fetchBlockEntry(): void {
    const mark = this.#cursor.mark();
    if (this.#flowLevel === 0) {
      if (!this.#isKeyAllowed) throw this.#fail(mark.line, 'block sequence entries are not allowed in this context');
      this.#rollIndent(mark.column, 'blockSequenceStart', mark);
    }
    this.#removeKey();
    this.#isKeyAllowed = true;
    this.#push('blockEntry', mark);
    this.#cursor.skip();
  }

  #fetchKey(): void {
    const mark = this.#cursor.mark();
    if (this.#flowLevel === 0) {
      if (!this.#isKeyAllowed) throw this.#fail(mark.line, 'mapping keys are not allowed in this context');
      this.#rollIndent(mark.column, 'blockMappingStart', mark);
    }
    this.#removeKey();
    this.#isKeyAllowed = this.#flowLevel === 0;
    this.#push('key', mark);
    this.#cursor.skip();
  }

  #fetchValue(): void {
    const mark = this.#cursor.mark();
    const key = this.#simpleKeys.at(-1) ?? NO_KEY;
    if (this.#isKeyValid(key)) {
      this.#tokens.splice(this.#head + key.tokenNumber - this.#tokensParsed, 0, {
        kind: 'key',
        start: key.mark,
        value: undefined,
        suffix: undefined,
        style: 'plain',
      });
      this.#rollIndent(key.mark.column, 'blockMappingStart', key.mark, key.tokenNumber);
      key.isPossible = false;
      this.#isKeyAllowed = false;
    } else {
      if (this.#flowLevel === 0) {
        if (!this.#isKeyAllowed) throw this.#fail(mark.line, 'mapping values are not allowed in this context');
        this.#rollIndent(mark.column, 'blockMappingStart', mark);
      }
      this.#isKeyAllowed = this.#flowLevel === 0;
    }
    this.#push('value', mark);
    this.#cursor.skip();
  }

  #fetchAnchor(kind: 'alias' | 'anchor'): void {
    this.#saveKey();
    this.#isKeyAllowed = false;
    const cursor = this.#cursor;
    const start = cursor.mark();
    cursor.skip();
    const from = cursor.index;
    while (isWord(cursor.peek())) cursor.skip();
    const value = cursor.text.slice(from, cursor.index);
    const next = cursor.peek();
    if (value === '' || !(isBlankOrEnd(next) || '?:,]}%@`'.includes(String.fromCharCode(next))))
      throw this.#fail(start.line, 'did not find expected alphabetic or numeric character');
    this.#push(kind, start, value);
  }

  #fetchTag(): void {
    this.#saveKey();
    this.#isKeyAllowed = false;
    const start = this.#cursor.mark();
    const { handle, suffix } = scanTag(this.#cursor, this.#fail);
    this.#push('tag', start, handle, suffix);
  }

  #fetchBlockScalar(isLiteral: boolean): void {
    this.#removeKey();
    this.#isKeyAllowed = true;
    const start = this.#cursor.mark();
    this.#push('scalar', start, scanBlock(this.#cursor, isLiteral, this.#indent, this.#fail), undefined, isLiteral ? 'literal' : 'folded');
  }

  #fetchQuoted(isSingle: boolean): void {
    this.#saveKey();
    this.#isKeyAllowed = false;
    const start = this.#cursor.mark();
    this.#push('scalar', start, scanQuoted(this.#cursor, isSingle, this.#fail), undefined, isSingle ? 'single' : 'double');
  }

  #fetchPlain(): void {
    this.#saveKey();
    this.#isKeyAllowed = false;
    const start = this.#cursor.mark();
    const { value, endsBroken } = scanPlain(this.#cursor, this.#indent + 1, this.#flowLevel > 0, this.#fail);
    if (endsBroken) this.#isKeyAllowed = true;
    this.#push('scalar', start, value);
  }
}

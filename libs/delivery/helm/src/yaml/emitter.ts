import { analyzeScalar, isPrintable, type ScalarAnalysis } from './analyze.ts';
import { isBreak } from './cursor.ts';
import { isAmbiguous } from './resolve.ts';

/** What an emitter writes: a string (in a style, where it can), the text of another scalar, a list or a map with its keys in order. */
export type EmitNode =
  | { readonly kind: 'string'; readonly text: string; readonly style?: 'single' | 'double' | 'literal' }
  | { readonly kind: 'plain'; readonly text: string }
  | { readonly kind: 'list'; readonly items: readonly EmitNode[] }
  | { readonly kind: 'map'; readonly entries: readonly (readonly [string, EmitNode])[] };

/** How the two emitters differ: go-yaml v2 folds at 80 columns and keeps lists at their key's indent, v3 does neither. */
export interface EmitStyle {
  readonly width: number;
  readonly indentsLists: boolean;
  readonly tabsInBlocks: boolean;
}

const ESCAPES: ReadonlyMap<number, string> = new Map([
  [0, '\\0'],
  [7, '\\a'],
  [8, '\\b'],
  [9, '\\t'],
  [10, '\\n'],
  [11, '\\v'],
  [12, '\\f'],
  [13, '\\r'],
  [27, '\\e'],
  [34, '\\"'],
  [92, '\\\\'],
  [0x85, '\\N'],
  [0xa0, '\\_'],
  [0x2028, '\\L'],
  [0x2029, '\\P'],
]);
const INDENT = 2;
const MAX_SIMPLE_KEY = 128;
const SIMPLE_LINE = /^[\x21-\x7e]*$/;

/** Writes one document as libyaml does, with a final line break. */
export function emitYaml(root: EmitNode, style: EmitStyle): string {
  const emitter = new Emitter(style);
  emitter.node(root, { inMapping: false, isSimpleKey: false });
  return emitter.finish();
}

interface Context {
  readonly inMapping: boolean;
  readonly isSimpleKey: boolean;
}

const VALUE: Context = { inMapping: true, isSimpleKey: false };
const ITEM: Context = { inMapping: false, isSimpleKey: false };

class Emitter {
  readonly #style: EmitStyle;
  #out = '';
  #column = 0;
  #indent = -1;
  #isWhitespace = true;
  #isIndention = true;

  constructor(style: EmitStyle) {
    this.#style = style;
  }

  finish(): string {
    this.#writeIndent();
    return this.#out;
  }

  node(node: EmitNode, context: Context): void {
    if (node.kind === 'list') this.#list(node.items, context);
    else if (node.kind === 'map') this.#map(node.entries);
    else this.#scalar(node, context);
  }

  #deeper(isFlow: boolean, isIndentless: boolean, body: () => void): void {
    const before = this.#indent;
    if (before < 0) this.#indent = isFlow ? INDENT : 0;
    else if (!isIndentless) this.#indent += INDENT;
    body();
    this.#indent = before;
  }

  #list(items: readonly EmitNode[], { inMapping }: Context): void {
    if (items.length === 0) {
      this.#emptyCollection('[', ']');
      return;
    }
    const isIndentless = !this.#style.indentsLists && inMapping && !this.#isIndention;
    this.#deeper(false, isIndentless, () => {
      for (const item of items) {
        this.#writeIndent();
        this.#indicator('-', true, false, true);
        this.node(item, ITEM);
      }
    });
  }

  #map(entries: readonly (readonly [string, EmitNode])[]): void {
    if (entries.length === 0) {
      this.#emptyCollection('{', '}');
      return;
    }
    this.#deeper(false, false, () => {
      for (const [key, value] of entries) {
        this.#writeIndent();
        this.#entry(key, value);
      }
    });
  }

  #entry(key: string, value: EmitNode): void {
    const node: EmitNode = { kind: 'string', text: key };
    const isShort = key.length * 3 <= MAX_SIMPLE_KEY || Buffer.byteLength(key) <= MAX_SIMPLE_KEY;
    if (isShort && !hasBreak(key)) {
      this.#scalar(node, { inMapping: true, isSimpleKey: true });
      this.#indicator(':', false, false, false);
    } else {
      this.#indicator('?', true, false, true);
      this.#scalar(node, VALUE);
      this.#writeIndent();
      this.#indicator(':', true, false, true);
    }
    this.node(value, VALUE);
  }

  #emptyCollection(open: string, close: string): void {
    this.#indicator(open, true, true, false);
    this.#indicator(close, false, false, false);
  }

  #scalar(node: EmitNode & { kind: 'string' | 'plain' }, context: Context): void {
    this.#deeper(true, false, () => this.#scalarInside(node, context));
  }

  #scalarInside(node: EmitNode & { kind: 'string' | 'plain' }, { isSimpleKey }: Context): void {
    const { text } = node;
    if (node.kind === 'plain') {
      this.#plain(text, !isSimpleKey);
      return;
    }
    const analysis = analyzeScalar(text, this.#style.tabsInBlocks);
    const quotes = canWrite(node.style, analysis, isSimpleKey) ?? chooseStyle(text, analysis, isSimpleKey);
    if (quotes === 'plain') this.#plain(text, !isSimpleKey);
    else if (quotes === 'single') this.#single(text, !isSimpleKey);
    else if (quotes === 'double') this.#double(text, !isSimpleKey);
    else this.#literal(text);
  }

  #put(text: string): void {
    this.#out += text;
    this.#column += text.length;
  }

  #break(): void {
    this.#out += '\n';
    this.#column = 0;
    if (this.#style.tabsInBlocks) this.#isIndention = true;
  }

  // A break inside a scalar: LF as such, CR, NEL, LS and PS as themselves.
  #writeBreak(character: string): void {
    if (character === '\n') this.#break();
    else {
      this.#out += character;
      this.#column = 0;
    }
    this.#isIndention = true;
  }

  #writeIndent(): void {
    const indent = Math.max(this.#indent, 0);
    if (!this.#isIndention || this.#column > indent || (this.#column === indent && !this.#isWhitespace)) this.#break();
    if (this.#column < indent) this.#put(' '.repeat(indent - this.#column));
    this.#isWhitespace = true;
    this.#isIndention = true;
  }

  #indicator(text: string, needsSpace: boolean, isWhitespace: boolean, isIndention: boolean): void {
    if (needsSpace && !this.#isWhitespace) this.#put(' ');
    this.#put(text);
    this.#isWhitespace = isWhitespace;
    this.#isIndention &&= isIndention;
  }

  #plain(text: string, allowsBreaks: boolean): void {
    if (!this.#isWhitespace && (text !== '' || !this.#style.tabsInBlocks)) this.#put(' ');
    this.#flow(text, allowsBreaks, false);
    if (text !== '' || !this.#style.tabsInBlocks) this.#isWhitespace = false;
    this.#isIndention = false;
  }

  #single(text: string, allowsBreaks: boolean): void {
    this.#indicator("'", true, false, false);
    this.#flow(text, allowsBreaks, true);
    this.#indicator("'", false, false, false);
    this.#isWhitespace = false;
    this.#isIndention = false;
  }

  // Plain and single-quoted text share their folding.
  #flow(text: string, allowsBreaks: boolean, isQuoted: boolean): void {
    if (SIMPLE_LINE.test(text) && !(isQuoted && text.includes("'"))) {
      if (text !== '') this.#isIndention = false;
      this.#put(text);
      return;
    }
    let afterSpace = false;
    let afterBreak = false;
    for (let index = 0; index < text.length; index += 1) {
      const code = text.charCodeAt(index);
      const character = text.charAt(index);
      if (code === 32) {
        const isInside = !isQuoted || (index > 0 && index < text.length - 1);
        const folds = allowsBreaks && !afterSpace && this.#column > this.#style.width && isInside && text.charCodeAt(index + 1) !== 32;
        if (folds) this.#writeIndent();
        else this.#put(' ');
        afterSpace = true;
      } else if (isBreak(code)) {
        if (!afterBreak && code === 10) this.#break();
        this.#writeBreak(character);
        afterBreak = true;
      } else {
        if (afterBreak) this.#writeIndent();
        if (isQuoted && code === 39) this.#put("'");
        this.#put(character);
        this.#isIndention = false;
        afterSpace = false;
        afterBreak = false;
      }
    }
  }

  #double(text: string, allowsBreaks: boolean): void {
    this.#indicator('"', true, false, false);
    let afterSpace = false;
    // go-yaml asks for a byte order mark at the first place, wherever it is: after one nothing is printable.
    const isMarked = text.startsWith('\ufeff');
    for (let index = 0; index < text.length; index += 1) {
      const code = text.codePointAt(index) ?? 0;
      if (code === 32 && allowsBreaks && !isMarked && !afterSpace && this.#column > this.#style.width && index > 0 && index < text.length - 1) {
        this.#writeIndent();
        if (text.charCodeAt(index + 1) === 32) this.#put('\\');
        afterSpace = true;
        continue;
      }
      this.#put(isMarked || mustEscape(code) ? escape(code) : String.fromCodePoint(code));
      afterSpace = code === 32;
      if (code > 0xffff) index += 1;
    }
    this.#indicator('"', false, false, false);
    this.#isWhitespace = false;
    this.#isIndention = false;
  }

  #literal(text: string): void {
    this.#indicator('|', true, false, false);
    const first = text.charCodeAt(0);
    if (first === 32 || isBreak(first)) this.#indicator(String(INDENT), false, false, false);
    const chomping = chompingOf(text);
    if (chomping !== '') this.#indicator(chomping, false, false, false);
    this.#break();
    this.#isIndention = true;
    this.#isWhitespace = true;
    let afterBreak = true;
    for (const line of splitBreaks(text)) {
      if (isBreak(line.charCodeAt(0))) {
        this.#writeBreak(line);
        afterBreak = true;
      } else {
        if (afterBreak) this.#writeIndent();
        this.#put(line);
        this.#isIndention = false;
        afterBreak = false;
      }
    }
  }
}

function splitBreaks(text: string): readonly string[] {
  return text.match(/[\n\r\u0085\u2028\u2029]|[^\n\r\u0085\u2028\u2029]+/g) ?? [];
}

function hasBreak(text: string): boolean {
  return /[\n\r\u0085\u2028\u2029]/.test(text);
}

function chompingOf(text: string): string {
  const last = text.length - 1;
  if (!isBreak(text.charCodeAt(last))) return '-';
  return last === 0 || isBreak(text.charCodeAt(last - 1)) ? '+' : '';
}

function canWrite(style: (EmitNode & { kind: 'string' })['style'], analysis: ScalarAnalysis, isSimpleKey: boolean): typeof style {
  if (style === 'single') return analysis.allowsSingle && !(isSimpleKey && analysis.isMultiline) ? style : 'double';
  if (style === 'literal') return analysis.allowsBlock && !isSimpleKey ? style : 'double';
  return style;
}

function chooseStyle(text: string, analysis: ScalarAnalysis, isSimpleKey: boolean): 'plain' | 'single' | 'double' | 'literal' {
  if (isSimpleKey && analysis.isMultiline) return 'double';
  if (text.includes('\n')) return analysis.allowsBlock && !isSimpleKey ? 'literal' : 'double';
  if (isAmbiguous(text)) return 'double';
  if (analysis.allowsPlain) return 'plain';
  return analysis.allowsSingle ? 'single' : 'double';
}

function mustEscape(code: number): boolean {
  return code > 0xffff || !isPrintable(code) || isBreak(code) || code === 34 || code === 92;
}

function escape(code: number): string {
  const known = ESCAPES.get(code);
  if (known !== undefined) return known;
  const hex = code.toString(16).toUpperCase();
  if (code <= 0xff) return `\\x${hex.padStart(2, '0')}`;
  return code <= 0xffff ? `\\u${hex.padStart(4, '0')}` : `\\U${hex.padStart(8, '0')}`;
}

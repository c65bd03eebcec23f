import type { Mark } from './cursor.ts';
import type { YamlNode } from './node.ts';
import { Scanner, type BlamedLine, type Token } from './scanner.ts';
import { YamlError } from './yaml-error.ts';

const DEFAULT_TAGS: readonly (readonly [string, string])[] = [
  ['!', '!'],
  ['!!', 'tag:yaml.org,2002:'],
];

/** Parses the first document of a text; undefined when there is none. Throws YamlError with go-yaml's words; `blames` says whose line they name. */
export function parseFirstDocument(text: string, blames: BlamedLine = 'problem'): YamlNode | undefined {
  return new Parser(text, blames).document();
}

interface Properties {
  readonly anchor: string | undefined;
  readonly tag: string;
  readonly start: Mark;
}

class Parser {
  readonly #scanner: Scanner;
  readonly #tags = new Map(DEFAULT_TAGS);
  readonly #anchors = new Map<string, YamlNode>();

  readonly #blames: BlamedLine;

  constructor(text: string, blames: BlamedLine) {
    this.#blames = blames;
    this.#scanner = new Scanner(text, blames);
  }

  // Lines count from zero here: of the offending token, or of the collection it belongs to.
  #failure(problem: string, at: Mark, context?: Mark): YamlError {
    const inner = at.line;
    const outer = context?.line ?? 0;
    const line = this.#blames === 'problem' ? inner || outer : outer || inner;
    return new YamlError(line === 0 ? problem : `line ${line}: ${problem}`);
  }

  document(): YamlNode | undefined {
    const first = this.#scanner.peek();
    if (first.kind === 'streamEnd') return undefined;
    let root: YamlNode;
    if (first.kind === 'versionDirective' || first.kind === 'tagDirective' || first.kind === 'documentStart') {
      this.#directives();
      const start = this.#scanner.peek();
      if (start.kind !== 'documentStart') throw this.#failure('did not find expected <document start>', start.start);
      this.#scanner.next();
      root = this.#content();
    } else root = this.#node(true, false);
    // The parser looks at one token more; what cannot be scanned there fails the document.
    this.#scanner.peek();
    return root;
  }

  #directives(): void {
    let hasVersion = false;
    for (let token = this.#scanner.peek(); token.kind === 'versionDirective' || token.kind === 'tagDirective'; token = this.#scanner.peek()) {
      if (token.kind === 'versionDirective') {
        if (hasVersion) throw this.#failure('found duplicate %YAML directive', token.start);
        if (token.value !== '1.1') throw this.#failure('found incompatible YAML document', token.start);
        hasVersion = true;
      } else this.#tags.set(token.value ?? '', token.suffix ?? '');
      this.#scanner.next();
    }
  }

  #content(): YamlNode {
    const token = this.#scanner.peek();
    const isEmpty = ['versionDirective', 'tagDirective', 'documentStart', 'documentEnd', 'streamEnd'].includes(token.kind);
    return isEmpty ? empty(token.start) : this.#node(true, false);
  }

  #node(inBlock: boolean, allowsIndentless: boolean): YamlNode {
    const token = this.#scanner.peek();
    if (token.kind === 'alias') return this.#alias();
    const properties = this.#properties();
    const node = this.#bare(inBlock, allowsIndentless, properties);
    return node;
  }

  #alias(): YamlNode {
    const token = this.#scanner.next();
    const name = token.value ?? '';
    const target = this.#anchors.get(name);
    if (target === undefined) throw new YamlError(`unknown anchor '${name}' referenced`);
    return { kind: 'alias', name, target, line: token.start.line };
  }

  #properties(): Properties {
    let anchor: string | undefined;
    let tag = '';
    const start = this.#scanner.peek().start;
    for (let token = this.#scanner.peek(); ; token = this.#scanner.peek()) {
      if (token.kind === 'anchor' && anchor === undefined) anchor = token.value;
      else if (token.kind === 'tag' && tag === '') tag = this.#tag(token, start);
      else break;
      this.#scanner.next();
    }
    return { anchor, tag, start };
  }

  #tag(token: Token, start: Mark): string {
    const { value: handle = '', suffix = '' } = token;
    if (handle === '') return suffix;
    const prefix = this.#tags.get(handle);
    if (prefix === undefined) throw this.#failure('found undefined tag handle', token.start, start);
    return prefix + suffix;
  }

  // Anchors are known as soon as their node begins: go-yaml finds self references when it decodes.
  #keep<T extends YamlNode>(node: T, anchor: string | undefined): T {
    if (anchor !== undefined) this.#anchors.set(anchor, node);
    return node;
  }

  #bare(inBlock: boolean, allowsIndentless: boolean, { anchor, tag, start }: Properties): YamlNode {
    const token = this.#scanner.peek();
    const { line } = start;
    const sequence = (): YamlNode & { kind: 'sequence' } => this.#keep({ kind: 'sequence', tag, items: [], line }, anchor);
    const mapping = (): YamlNode & { kind: 'mapping' } => this.#keep({ kind: 'mapping', tag, pairs: [], line }, anchor);
    if (allowsIndentless && token.kind === 'blockEntry') return this.#indentlessSequence(sequence());
    if (token.kind === 'scalar') {
      this.#scanner.next();
      const isImplicit = (tag === '' && token.style === 'plain') || tag === '!';
      return this.#keep({ kind: 'scalar', tag, value: token.value ?? '', isImplicit, style: token.style, line }, anchor);
    }
    if (token.kind === 'flowSequenceStart') return this.#flowSequence(sequence());
    if (token.kind === 'flowMappingStart') return this.#flowMapping(mapping());
    if (inBlock && token.kind === 'blockSequenceStart') return this.#blockSequence(sequence());
    if (inBlock && token.kind === 'blockMappingStart') return this.#blockMapping(mapping());
    if (anchor !== undefined || tag !== '') return this.#keep({ kind: 'scalar', tag, value: '', isImplicit: tag === '', style: 'plain', line }, anchor);
    throw this.#failure('did not find expected node content', token.start, start);
  }

  #blockSequence(node: YamlNode & { kind: 'sequence' }): YamlNode {
    const { start } = this.#scanner.next();
    for (let token = this.#scanner.peek(); token.kind === 'blockEntry'; token = this.#scanner.peek()) {
      this.#scanner.next();
      const next = this.#scanner.peek();
      node.items.push(next.kind === 'blockEntry' || next.kind === 'blockEnd' ? empty(next.start) : this.#node(true, false));
    }
    const end = this.#scanner.peek();
    if (end.kind !== 'blockEnd') throw this.#failure("did not find expected '-' indicator", end.start, start);
    this.#scanner.next();
    return node;
  }

  #indentlessSequence(node: YamlNode & { kind: 'sequence' }): YamlNode {
    while (this.#scanner.peek().kind === 'blockEntry') {
      this.#scanner.next();
      node.items.push(this.#blockValue(['blockEntry', 'key', 'value', 'blockEnd'], false));
    }
    return node;
  }

  #blockValue(emptyBefore: readonly Token['kind'][], allowsIndentless: boolean): YamlNode {
    const next = this.#scanner.peek();
    return emptyBefore.includes(next.kind) ? empty(next.start) : this.#node(true, allowsIndentless);
  }

  #blockMapping(node: YamlNode & { kind: 'mapping' }): YamlNode {
    const { start } = this.#scanner.next();
    for (;;) {
      const token = this.#scanner.peek();
      if (token.kind === 'blockEnd') break;
      // Only a key may begin a pair; a value without one begins it in flow style and in broken texts.
      if (token.kind !== 'key') throw this.#failure('did not find expected key', token.start, start);
      this.#scanner.next();
      const key = this.#blockValue(['key', 'value', 'blockEnd'], true);
      const after = this.#scanner.peek();
      if (after.kind === 'value') {
        this.#scanner.next();
        node.pairs.push([key, this.#blockValue(['key', 'value', 'blockEnd'], true)]);
      } else node.pairs.push([key, empty(after.start)]);
    }
    this.#scanner.next();
    return node;
  }

  #flowSequence(node: YamlNode & { kind: 'sequence' }): YamlNode {
    const { start } = this.#scanner.next();
    for (let isFirst = true; ; isFirst = false) {
      if (this.#scanner.peek().kind === 'flowSequenceEnd') break;
      if (!isFirst) {
        const comma = this.#scanner.peek();
        if (comma.kind !== 'flowEntry') throw this.#failure("did not find expected ',' or ']'", comma.start, start);
        this.#scanner.next();
      }
      const token = this.#scanner.peek();
      if (token.kind === 'flowSequenceEnd') break;
      node.items.push(token.kind === 'key' ? this.#flowPair() : this.#node(false, false));
    }
    this.#scanner.next();
    return node;
  }

  // A single pair inside `[ ]` is a mapping of its own.
  #flowPair(): YamlNode {
    const { start } = this.#scanner.next();
    const key = this.#flowPart(['value', 'flowEntry', 'flowSequenceEnd']);
    let value = empty(this.#scanner.peek().start);
    if (this.#scanner.peek().kind === 'value') {
      this.#scanner.next();
      value = this.#flowPart(['flowEntry', 'flowSequenceEnd']);
    }
    return { kind: 'mapping', tag: '', pairs: [[key, value]], line: start.line };
  }

  #flowPart(emptyBefore: readonly Token['kind'][]): YamlNode {
    const next = this.#scanner.peek();
    return emptyBefore.includes(next.kind) ? empty(next.start) : this.#node(false, false);
  }

  #flowMapping(node: YamlNode & { kind: 'mapping' }): YamlNode {
    const { start } = this.#scanner.next();
    for (let isFirst = true; ; isFirst = false) {
      if (this.#scanner.peek().kind === 'flowMappingEnd') break;
      if (!isFirst) {
        const comma = this.#scanner.peek();
        if (comma.kind !== 'flowEntry') throw this.#failure("did not find expected ',' or '}'", comma.start, start);
        this.#scanner.next();
      }
      const token = this.#scanner.peek();
      if (token.kind === 'flowMappingEnd') break;
      node.pairs.push(this.#flowEntry(token));
    }
    this.#scanner.next();
    return node;
  }

  #flowEntry(token: Token): readonly [YamlNode, YamlNode] {
    if (token.kind !== 'key') {
      const key = this.#node(false, false);
      return [key, empty(this.#scanner.peek().start)];
    }
    this.#scanner.next();
    const key = this.#flowPart(['value', 'flowEntry', 'flowMappingEnd']);
    const after = this.#scanner.peek();
    if (after.kind !== 'value') return [key, empty(after.start)];
    this.#scanner.next();
    return [key, this.#flowPart(['flowEntry', 'flowMappingEnd'])];
  }
}

function empty(mark: Mark): YamlNode {
  return { kind: 'scalar', tag: '', value: '', isImplicit: true, style: 'plain', line: mark.line };
}

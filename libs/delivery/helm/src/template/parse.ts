import { quote } from '../go/strconv.ts';
import { unquote } from '../go/unquote.ts';
import { TemplateParseError } from './errors.ts';
import { isKeyword, Lexer, type Token, type TokenKind } from './lex.ts';
import {
  isEmptyTree,
  nodeText,
  type BranchNode,
  type CommandNode,
  type ListNode,
  type PipeNode,
  type StatementNode,
  type TermNode,
  type VariableNode,
} from './nodes.ts';
import { parseNumber } from './number.ts';

/** One template of a file. */
export interface TemplateTree {
  readonly name: string;
  readonly root: ListNode;
}

/** Nesting of actions and parentheses the parser follows; deeper text is refused. */
const MAX_NESTING = 400;
const OPERANDS: ReadonlySet<TokenKind> = new Set<TokenKind>([
  'bool',
  'charConstant',
  'complex',
  'dot',
  'field',
  'identifier',
  'number',
  'nil',
  'rawString',
  'string',
  'variable',
  'leftParen',
]);

/** Parses a file into its templates, the file's own first. Throws TemplateParseError with Go's message. */
export function parseTemplates(name: string, text: string, hasFunction: (name: string) => boolean): readonly TemplateTree[] {
  const trees = new Map<string, ListNode>();
  const file: FileState = { name, lexer: new Lexer(text), trees, hasFunction, depth: 0 };
  const own = new TreeParser(file);
  const root = own.parseFile();
  own.add(name, root);
  return [...trees].map(([treeName, list]) => ({ name: treeName, root: list }));
}

interface FileState {
  readonly name: string;
  readonly lexer: Lexer;
  readonly trees: Map<string, ListNode>;
  readonly hasFunction: (name: string) => boolean;
  depth: number;
}

class TreeParser {
  readonly #file: FileState;
  // The last token read stays in the first place, and up to three may be put back: error lines depend on it.
  readonly #tokens: Token[] = [];
  #peeked = 0;
  #vars: string[] = ['$'];
  #rangeDepth = 0;
  #actionLine = 0;

  constructor(file: FileState) {
    this.#file = file;
  }

  parseFile(): ListNode {
    const nodes: StatementNode[] = [];
    const { position } = this.#peek();
    while (this.#peek().kind !== 'eof') {
      if (this.#peek().kind === 'leftDelim') {
        const delim = this.#next();
        if (this.#nextNonSpace().kind === 'define') {
          new TreeParser(this.#file).#definition();
          continue;
        }
        this.#backup2(delim);
      }
      const node = this.#textOrAction();
      if (node.kind === 'end' || node.kind === 'else') this.#fail(`unexpected ${nodeText(node)}`);
      nodes.push(node);
    }
    return { kind: 'list', position, nodes };
  }

  add(name: string, root: ListNode): void {
    const known = this.#file.trees.get(name);
    if (known === undefined || isEmptyTree(known)) this.#file.trees.set(name, root);
    else if (!isEmptyTree(root)) this.#fail(`template: multiple definition of template ${quote(name)}`);
  }

  #definition(): void {
    const token = this.#nextNonSpace();
    if (token.kind !== 'string' && token.kind !== 'rawString') this.#unexpected(token, 'define clause');
    const name = this.#unquoted(token);
    this.#expect('rightDelim', 'define clause');
    const { list, stop } = this.#itemList();
    if (stop.kind !== 'end') this.#fail(`unexpected ${nodeText(stop)} in define clause`);
    this.add(name, list);
  }

  #next(): Token {
    if (this.#peeked > 0) this.#peeked -= 1;
    else this.#tokens[0] = this.#file.lexer.next();
    return this.#token(this.#peeked);
  }

  #token(index: number): Token {
    return this.#tokens[index] ?? { kind: 'eof', value: '', position: 0, line: 1 };
  }

  #backup(): void {
    this.#peeked += 1;
  }

  #backup2(first: Token): void {
    this.#tokens[1] = first;
    this.#peeked = 2;
  }

  #backup3(second: Token, first: Token): void {
    this.#tokens[1] = first;
    this.#tokens[2] = second;
    this.#peeked = 3;
  }

  #peek(): Token {
    if (this.#peeked > 0) return this.#token(this.#peeked - 1);
    this.#peeked = 1;
    this.#tokens[0] = this.#file.lexer.next();
    return this.#token(0);
  }

  #nextNonSpace(): Token {
    for (;;) {
      const token = this.#next();
      if (token.kind !== 'space') return token;
    }
  }

  #peekNonSpace(): Token {
    const token = this.#nextNonSpace();
    this.#backup();
    return token;
  }

  #fail(message: string): never {
    throw new TemplateParseError(`template: ${this.#file.name}:${this.#token(0).line}: ${message}`);
  }

  #unexpected(token: Token, context: string): never {
    if (token.kind === 'error') {
      let extra = '';
      if (this.#actionLine !== 0 && this.#actionLine !== token.line) {
        extra = ` in action started at ${this.#file.name}:${this.#actionLine}`;
        if (token.value.endsWith(' action')) extra = extra.slice(' in action'.length);
      }
      this.#fail(`${token.value}${extra}`);
    }
    this.#fail(`unexpected ${tokenText(token)} in ${context}`);
  }

  #expect(kind: TokenKind, context: string): Token {
    const token = this.#nextNonSpace();
    if (token.kind !== kind) this.#unexpected(token, context);
    return token;
  }

  #unquoted(token: Token): string {
    return unquote(token.value) ?? this.#fail('invalid syntax');
  }

  #itemList(): { list: ListNode; stop: StatementNode } {
    const nodes: StatementNode[] = [];
    const { position } = this.#peekNonSpace();
    this.#enter();
    while (this.#peekNonSpace().kind !== 'eof') {
      const node = this.#textOrAction();
      if (node.kind === 'end' || node.kind === 'else') {
        this.#file.depth -= 1;
        return { list: { kind: 'list', position, nodes }, stop: node };
      }
      nodes.push(node);
    }
    return this.#fail('unexpected EOF');
  }

  #enter(): void {
    this.#file.depth += 1;
    if (this.#file.depth > MAX_NESTING) this.#fail(`actions nested deeper than ${MAX_NESTING}`);
  }

  #textOrAction(): StatementNode {
    const token = this.#nextNonSpace();
    if (token.kind === 'text') return { kind: 'text', position: token.position, text: token.value };
    if (token.kind !== 'leftDelim') this.#unexpected(token, 'input');
    this.#actionLine = token.line;
    const node = this.#action();
    this.#actionLine = 0;
    return node;
  }

  #action(): StatementNode {
    const token = this.#nextNonSpace();
    // oxlint-disable-next-line typescript/switch-exhaustiveness-check -- all other tokens are of one kind here
    switch (token.kind) {
      case 'block':
        return this.#block();
      case 'break':
      case 'continue':
        return this.#loopControl(token, token.kind);
      case 'else':
        return this.#else();
      case 'end':
        return { kind: 'end', position: this.#expect('rightDelim', 'end').position };
      case 'if':
      case 'with':
      case 'range':
        return this.#control(token.kind);
      case 'template':
        return this.#template();
      default: {
        this.#backup();
        const { position } = this.#peek();
        return { kind: 'action', position, pipe: this.#pipeline('command', 'rightDelim') };
      }
    }
  }

  #loopControl(start: Token, kind: 'break' | 'continue'): StatementNode {
    const token = this.#nextNonSpace();
    if (token.kind !== 'rightDelim') this.#unexpected(token, `{{${kind}}}`);
    if (this.#rangeDepth === 0) this.#fail(`{{${kind}}} outside {{range}}`);
    return { kind, position: start.position };
  }

  #else(): StatementNode {
    const peeked = this.#peekNonSpace();
    if (peeked.kind === 'if' || peeked.kind === 'with') return { kind: 'else', position: peeked.position };
    return { kind: 'else', position: this.#expect('rightDelim', 'else').position };
  }

  #control(context: 'if' | 'with' | 'range'): BranchNode {
    const mark = this.#vars.length;
    const pipe = this.#pipeline(context, 'rightDelim');
    if (context === 'range') this.#rangeDepth += 1;
    const { list, stop } = this.#itemList();
    if (context === 'range') this.#rangeDepth -= 1;
    const elseList = stop.kind === 'else' ? this.#elseList(context, stop.position) : undefined;
    this.#vars.length = mark;
    return { kind: context, position: pipe.position, pipe, list, elseList };
  }

  #elseList(context: 'if' | 'with' | 'range', position: number): ListNode {
    if (context !== 'range' && this.#peek().kind === context) {
      this.#next();
      this.#enter();
      const node = this.#control(context);
      this.#file.depth -= 1;
      return { kind: 'list', position, nodes: [node] };
    }
    const { list, stop } = this.#itemList();
    if (stop.kind !== 'end') this.#fail(`expected end; found ${nodeText(stop)}`);
    return list;
  }

  #block(): StatementNode {
    const token = this.#nextNonSpace();
    const name = this.#templateName(token, 'block clause');
    const pipe = this.#pipeline('block clause', 'rightDelim');
    const body = new TreeParser(this.#file);
    const { list, stop } = body.#itemList();
    if (stop.kind !== 'end') this.#fail(`unexpected ${nodeText(stop)} in block clause`);
    body.add(name, list);
    return { kind: 'template', position: token.position, name, pipe };
  }

  #template(): StatementNode {
    const token = this.#nextNonSpace();
    const name = this.#templateName(token, 'template clause');
    if (this.#nextNonSpace().kind === 'rightDelim') return { kind: 'template', position: token.position, name, pipe: undefined };
    this.#backup();
    return { kind: 'template', position: token.position, name, pipe: this.#pipeline('template clause', 'rightDelim') };
  }

  #templateName(token: Token, context: string): string {
    if (token.kind !== 'string' && token.kind !== 'rawString') this.#unexpected(token, context);
    return this.#unquoted(token);
  }

  #pipeline(context: string, end: TokenKind): PipeNode {
    const { position } = this.#peekNonSpace();
    const declares: VariableNode[] = [];
    const isAssign = this.#declarations(context, declares);
    const commands: CommandNode[] = [];
    for (;;) {
      const token = this.#nextNonSpace();
      if (token.kind === end) break;
      if (!OPERANDS.has(token.kind)) this.#unexpected(token, context);
      this.#backup();
      commands.push(this.#command());
    }
    if (commands.length === 0) this.#fail(`missing value for ${context}`);
    commands.slice(1).forEach((command, index) => {
      if (['bool', 'dot', 'nil', 'number', 'string'].includes(command.args[0]?.kind ?? '')) {
        this.#fail(`non executable command in pipeline stage ${index + 2}`);
      }
    });
    return { kind: 'pipe', position, isAssign, declares, commands };
  }

  #declarations(context: string, declares: VariableNode[]): boolean {
    const token = this.#peekNonSpace();
    if (token.kind !== 'variable') return false;
    this.#next();
    const after = this.#peek();
    const next = this.#peekNonSpace();
    const variable: VariableNode = { kind: 'variable', position: token.position, names: [token.value] };
    if (next.kind === 'assign' || next.kind === 'declare') {
      this.#nextNonSpace();
      declares.push(variable);
      this.#vars.push(token.value);
      return next.kind === 'assign';
    }
    if (next.kind === 'char' && next.value === ',') {
      this.#nextNonSpace();
      declares.push(variable);
      this.#vars.push(token.value);
      if (context !== 'range' || declares.length >= 2) this.#fail(`too many declarations in ${context}`);
      if (['variable', 'rightDelim', 'rightParen'].includes(this.#peekNonSpace().kind)) return this.#declarations(context, declares);
      this.#fail('range can only initialize variables');
    }
    if (after.kind === 'space') this.#backup3(token, after);
    else this.#backup2(token);
    return false;
  }

  #command(): CommandNode {
    const { position } = this.#peekNonSpace();
    const args: TermNode[] = [];
    for (;;) {
      this.#peekNonSpace();
      const operand = this.#operand();
      if (operand !== undefined) args.push(operand);
      const token = this.#next();
      if (token.kind === 'space') continue;
      if (token.kind === 'rightDelim' || token.kind === 'rightParen') this.#backup();
      else if (token.kind !== 'pipe') this.#unexpected(token, 'operand');
      break;
    }
    if (args.length === 0) this.#fail('empty command');
    return { kind: 'command', position, args };
  }

  #operand(): TermNode | undefined {
    const node = this.#term();
    if (node === undefined || this.#peek().kind !== 'field') return node;
    // The position of `.a.b` is that of its second name: Go's errors point there.
    const { position } = this.#peek();
    const names: string[] = [];
    while (this.#peek().kind === 'field') names.push(this.#next().value.slice(1));
    switch (node.kind) {
      case 'field':
      case 'variable':
        return { ...node, position, names: [...node.names, ...names] };
      case 'bool':
      case 'string':
      case 'number':
      case 'nil':
      case 'dot':
        return this.#fail(`unexpected . after term ${quote(nodeText(node))}`);
      case 'chain':
      case 'identifier':
      case 'pipe':
        return { kind: 'chain', position, node, names };
    }
  }

  #term(): TermNode | undefined {
    const token = this.#nextNonSpace();
    const { position } = token;
    // oxlint-disable-next-line typescript/switch-exhaustiveness-check -- all other tokens are of one kind here
    switch (token.kind) {
      case 'identifier':
        if (!this.#file.hasFunction(token.value)) this.#fail(`function ${quote(token.value)} not defined`);
        return { kind: 'identifier', position, name: token.value };
      case 'dot':
      case 'nil':
        return { kind: token.kind, position };
      case 'variable':
        if (!this.#vars.includes(token.value)) this.#fail(`undefined variable ${quote(token.value)}`);
        return { kind: 'variable', position, names: [token.value] };
      case 'field':
        return { kind: 'field', position, names: [token.value.slice(1)] };
      case 'bool':
        return { kind: 'bool', position, value: token.value === 'true' };
      case 'charConstant':
      case 'complex':
      case 'number': {
        const number = parseNumber(token.value, position, token.kind === 'charConstant');
        return typeof number === 'string' ? this.#fail(number) : number;
      }
      case 'leftParen': {
        this.#enter();
        const pipe = this.#pipeline('parenthesized pipeline', 'rightParen');
        this.#file.depth -= 1;
        return pipe;
      }
      case 'string':
      case 'rawString':
        return { kind: 'string', position, quoted: token.value, text: this.#unquoted(token) };
      default:
        this.#backup();
        return undefined;
    }
  }
}

function tokenText(token: Token): string {
  if (token.kind === 'eof') return 'EOF';
  if (isKeyword(token.kind)) return `<${token.value}>`;
  const runes = [...token.value];
  return runes.length > 10 ? `${quote(runes.slice(0, 10).join(''))}...` : quote(token.value);
}

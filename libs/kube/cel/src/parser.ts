import { OPERATORS, type Expr, type MapEntry, type StructField } from './expr.ts';
import { tokenize, type Token } from './lexer.ts';
import { expandMacro } from './macros.ts';
import { CelSyntaxError } from './problem.ts';

// cel-go's limits (parser/options.go).
const MAX_DEPTH = 250;
const MAX_CODE_UNITS = 100_000;
const MAX_INT = (1n << 63n) - 1n;

/** Parses an expression and expands its macros. Throws `CelSyntaxError`. */
export function parse(source: string): Expr {
  if (source.length > MAX_CODE_UNITS) throw new CelSyntaxError(0, `expression code point size exceeds limit: size: ${source.length}, limit ${MAX_CODE_UNITS}`);
  const parser = new Parser(tokenize(source));
  const expr = parser.expression();
  parser.end();
  return expr;
}

const EXPRESSION_START = "{'[', '{', '(', '.', '-', '!', 'true', 'false', 'null', NUM_FLOAT, NUM_INT, NUM_UINT, STRING, BYTES, IDENTIFIER}";

const RELATIONS: Readonly<Record<string, string>> = {
  '==': OPERATORS.equals,
  '!=': OPERATORS.notEquals,
  '<': OPERATORS.less,
  '<=': OPERATORS.lessEquals,
  '>': OPERATORS.greater,
  '>=': OPERATORS.greaterEquals,
  in: OPERATORS.in,
};
const SUMS: Readonly<Record<string, string>> = { '+': OPERATORS.add, '-': OPERATORS.subtract };
const PRODUCTS: Readonly<Record<string, string>> = { '*': OPERATORS.multiply, '/': OPERATORS.divide, '%': OPERATORS.modulo };
// Loosest first; the conditional and the unary operators are apart.
const LEVELS: readonly Readonly<Record<string, string>>[] = [{ '||': OPERATORS.or }, { '&&': OPERATORS.and }, RELATIONS, SUMS, PRODUCTS];

class Parser {
  readonly #tokens: readonly Token[];
  #next = 0;
  #depth = 0;

  constructor(tokens: readonly Token[]) {
    this.#tokens = tokens;
  }

  expression(): Expr {
    this.#depth += 1;
    if (this.#depth > MAX_DEPTH) throw new CelSyntaxError(this.#peek().at, `expression recursion limit exceeded: ${MAX_DEPTH}`);
    const condition = this.#binary(0);
    const op = this.#accept('?');
    if (op === undefined) {
      this.#depth -= 1;
      return condition;
    }
    const yes = this.#binary(0);
    this.#expect(':');
    const no = this.expression();
    this.#depth -= 1;
    return { kind: 'call', name: OPERATORS.conditional, target: undefined, args: [condition, yes, no], at: op.at };
  }

  end(): void {
    const token = this.#peek();
    if (token.kind !== 'end') throw new CelSyntaxError(token.at, `Syntax error: mismatched input '${token.text}' expecting <EOF>`);
  }

  #binary(level: number): Expr {
    const operators = LEVELS[level];
    if (operators === undefined) return this.#unary();
    let left = this.#binary(level + 1);
    for (;;) {
      const token = this.#peek();
      const name = token.kind === 'punct' && Object.hasOwn(operators, token.text) ? operators[token.text] : undefined;
      if (name === undefined) return left;
      this.#next += 1;
      left = { kind: 'call', name, target: undefined, args: [left, this.#binary(level + 1)], at: token.at };
    }
  }

  #unary(): Expr {
    const first = this.#peek();
    for (const sign of ['!', '-']) {
      let count = 0;
      while (this.#accept(sign) !== undefined) count += 1;
      if (count === 0) continue;
      const negative = sign === '-' && count === 1 ? this.#negativeLiteral(first.at) : undefined;
      const operand = negative ?? this.#member(this.#primary());
      if (negative !== undefined) return this.#member(negative);
      // An even number of signs is none.
      if (count % 2 === 0) return operand;
      return { kind: 'call', name: sign === '!' ? OPERATORS.not : OPERATORS.negate, target: undefined, args: [operand], at: first.at };
    }
    return this.#member(this.#primary());
  }

  #negativeLiteral(at: number): Expr | undefined {
    const token = this.#peek();
    if (token.kind !== 'literal' || (typeof token.value !== 'bigint' && typeof token.value !== 'number')) return undefined;
    this.#next += 1;
    return { kind: 'literal', value: -token.value, at };
  }

  #member(start: Expr): Expr {
    let operand = start;
    for (let steps = 0; ; steps += 1) {
      if (steps > MAX_DEPTH * 4) throw new CelSyntaxError(this.#peek().at, `expression recursion limit exceeded: ${MAX_DEPTH}`);
      const dot = this.#accept('.');
      const open = dot === undefined ? this.#accept('[') : undefined;
      if (dot !== undefined) operand = this.#selectOrCall(operand, dot.at);
      else if (open !== undefined) operand = this.#index(operand, open.at);
      else if (this.#isPunct('{') && qualifiedName(operand) !== undefined) operand = this.#struct(operand);
      else return operand;
    }
  }

  #selectOrCall(operand: Expr, at: number): Expr {
    const isOptional = this.#accept('?') !== undefined;
    const name = this.#fieldName();
    if (isOptional) {
      return { kind: 'call', name: OPERATORS.optSelect, target: undefined, args: [operand, { kind: 'literal', value: name.text, at: name.at }], at };
    }
    const open = name.kind === 'escapedIdent' ? undefined : this.#accept('(');
    if (open === undefined) return { kind: 'select', operand, field: name.text, testOnly: false, at };
    return expandMacro({ kind: 'call', name: name.text, target: operand, args: this.#arguments(), at: open.at });
  }

  #fieldName(): { readonly kind: string; readonly text: string; readonly at: number } {
    const token = this.#peek();
    // Reserved words may name a field or method after a dot.
    if (token.kind === 'ident' || token.kind === 'reserved') this.#next += 1;
    else if (token.kind === 'escapedIdent') {
      this.#next += 1;
      return { kind: 'escapedIdent', text: token.text.slice(1, -1), at: token.at };
    } else throw new CelSyntaxError(token.at, `Syntax error: no viable alternative at input '.${token.kind === 'end' ? '' : token.text}'`);
    return token;
  }

  #index(operand: Expr, at: number): Expr {
    const isOptional = this.#accept('?') !== undefined;
    const index = this.expression();
    this.#expect(']');
    return { kind: 'call', name: isOptional ? OPERATORS.optIndex : OPERATORS.index, target: undefined, args: [operand, index], at };
  }

  #arguments(): readonly Expr[] {
    const args: Expr[] = [];
    if (this.#accept(')') !== undefined) return args;
    do args.push(this.expression());
    while (this.#accept(',') !== undefined);
    this.#expect(')');
    return args;
  }

  #primary(): Expr {
    const token = this.#peek();
    if (token.kind === 'literal') {
      this.#next += 1;
      if (typeof token.value === 'bigint' && token.value > MAX_INT) throw new CelSyntaxError(token.at, 'invalid int literal');
      return { kind: 'literal', value: token.value, at: token.at };
    }
    if (this.#accept('(') !== undefined) {
      const inner = this.expression();
      this.#expect(')');
      return inner;
    }
    if (this.#accept('[') !== undefined) return this.#list(token.at);
    if (this.#accept('{') !== undefined) return this.#map(token.at);
    this.#accept('.');
    return this.#identOrCall();
  }

  #identOrCall(): Expr {
    const token = this.#peek();
    if (token.kind === 'reserved') throw new CelSyntaxError(token.at, `reserved identifier: ${token.text}`);
    if (token.kind !== 'ident') throw new CelSyntaxError(token.at, `Syntax error: mismatched input '${token.text}' expecting ${EXPRESSION_START}`);
    this.#next += 1;
    const open = this.#accept('(');
    if (open === undefined) return { kind: 'ident', name: token.text, at: token.at };
    return expandMacro({ kind: 'call', name: token.text, target: undefined, args: this.#arguments(), at: open.at });
  }

  #list(at: number): Expr {
    const elements: Expr[] = [];
    const optionals = new Set<number>();
    while (this.#accept(']') === undefined) {
      if (this.#accept('?') !== undefined) optionals.add(elements.length);
      elements.push(this.expression());
      this.#separator(']');
    }
    return { kind: 'list', elements, optionals, at };
  }

  #map(at: number): Expr {
    const entries: MapEntry[] = [];
    while (this.#accept('}') === undefined) {
      const optional = this.#accept('?') !== undefined;
      const key = this.expression();
      this.#expect(':');
      entries.push({ key, value: this.expression(), optional });
      this.#separator('}');
    }
    return { kind: 'map', entries, at };
  }

  #struct(type: Expr): Expr {
    const open = this.#expect('{');
    const fields: StructField[] = [];
    while (this.#accept('}') === undefined) {
      const optional = this.#accept('?') !== undefined;
      const name = this.#fieldName();
      const colon = this.#expect(':');
      fields.push({ name: name.text, value: this.expression(), optional, at: colon.at });
      this.#separator('}');
    }
    return { kind: 'struct', name: qualifiedName(type) ?? '', fields, at: open.at };
  }

  // A comma, which may also stand before the end.
  #separator(end: string): void {
    if (this.#accept(',') === undefined && !this.#isPunct(end)) this.#expect(end);
  }

  #peek(): Token {
    return this.#tokens[this.#next] ?? { kind: 'end', text: '<EOF>', at: 0 };
  }

  #isPunct(text: string): boolean {
    const token = this.#peek();
    return token.kind === 'punct' && token.text === text;
  }

  #accept(text: string): Token | undefined {
    if (!this.#isPunct(text)) return undefined;
    const token = this.#peek();
    this.#next += 1;
    return token;
  }

  #expect(text: string): Token {
    const token = this.#accept(text);
    if (token !== undefined) return token;
    const found = this.#peek();
    throw new CelSyntaxError(found.at, `Syntax error: mismatched input '${found.text}' expecting '${text}'`);
  }
}

/** The name an expression spells out, such as `a.b.c`; undefined when it is more than a name. */
export function qualifiedName(expr: Expr): string | undefined {
  if (expr.kind === 'ident') return expr.name;
  if (expr.kind !== 'select' || expr.testOnly) return undefined;
  const prefix = qualifiedName(expr.operand);
  return prefix === undefined ? undefined : `${prefix}.${expr.field}`;
}

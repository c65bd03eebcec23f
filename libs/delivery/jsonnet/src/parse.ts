import type { Argument, BinaryOperator, Expression } from './ast.ts';
import { syntaxError, type Place } from './jsonnet-error.ts';
import { lex } from './lex.ts';
import { parseBraces, parseSteps } from './parse-object.ts';
import { parseBind, parseParameters, refuseRepeats, type ParseContext } from './parse-parts.ts';
import { TokenStream } from './token-stream.ts';

// Nesting of a program's text; what is deeper would overflow the stack that reads it.
const MAX_NESTING = 500;

// How strongly operators bind (jsonnet.org/ref/spec.html, Associativity and Operator Precedence); unary binds like 11, application stronger than all.
const BINDING: Readonly<Record<BinaryOperator, number>> = {
  '*': 10,
  '/': 10,
  '%': 10,
  '+': 9,
  '-': 9,
  '<<': 8,
  '>>': 8,
  '<': 7,
  '>': 7,
  '<=': 7,
  '>=': 7,
  in: 7,
  '==': 6,
  '!=': 6,
  '&': 5,
  '^': 4,
  '|': 3,
  '&&': 2,
  '||': 1,
};
const UNARY_BINDING = 11;

/** Parses a program. Throws JsonnetError. */
export function parse(text: string, file: string): Expression {
  const tokens = new TokenStream(lex(text, file));
  const program = parseExpression({ tokens, depth: 0, isInObject: false, expression: parseExpression });
  if (tokens.peek().kind !== 'end') throw tokens.unexpected('did not expect more');
  return program;
}

function parseExpression(context: ParseContext): Expression {
  if (context.depth > MAX_NESTING) throw syntaxError(context.tokens.place, `Exceeded maximum nesting of ${MAX_NESTING}`);
  const inner = { ...context, depth: context.depth + 1 };
  const { tokens } = inner;
  const { place } = tokens;
  switch (tokens.peek().kind === 'keyword' ? tokens.peek().text : '') {
    case 'local':
      return parseLocal(inner, place);
    case 'if':
      return parseIf(inner, place);
    case 'function':
      tokens.next();
      return { kind: 'function', place, parameters: parseParameters(inner), body: parseExpression(inner) };
    case 'error':
      tokens.next();
      return { kind: 'error', place, message: parseExpression(inner) };
    case 'assert':
      return parseAssert(inner, place);
    default:
      return parseBinary(inner, 0);
  }
}

function parseLocal(context: ParseContext, place: Place): Expression {
  const { tokens } = context;
  tokens.expect('local');
  const binds = [parseBind(context)];
  while (tokens.take(',')) binds.push(parseBind(context));
  tokens.expect(';');
  refuseRepeats(
    binds.map(({ name }) => name),
    place,
    'local',
  );
  return { kind: 'local', place, binds, body: parseExpression(context) };
}

function parseIf(context: ParseContext, place: Place): Expression {
  const { tokens } = context;
  tokens.expect('if');
  const condition = parseExpression(context);
  tokens.expect('then');
  const then = parseExpression(context);
  return tokens.take('else') ? { kind: 'if', place, condition, then, otherwise: parseExpression(context) } : { kind: 'if', place, condition, then };
}

function parseAssert(context: ParseContext, place: Place): Expression {
  const { tokens } = context;
  tokens.expect('assert');
  const condition = parseExpression(context);
  const message = tokens.take(':') ? parseExpression(context) : undefined;
  tokens.expect(';');
  return { kind: 'assert', place, assertion: { condition, place, ...(message === undefined ? {} : { message }) }, body: parseExpression(context) };
}

function parseBinary(context: ParseContext, binding: number): Expression {
  const { tokens } = context;
  let left = parseUnary(context);
  for (;;) {
    const { text, place, kind } = tokens.peek();
    if ((kind !== 'operator' && text !== 'in') || !Object.hasOwn(BINDING, text)) return left;
    // One of the table's keys, as just checked.
    const operator = text as BinaryOperator;
    if (BINDING[operator] <= binding) return left;
    tokens.next();
    if (operator === 'in' && tokens.is('super') && !tokens.is('.', 1) && !tokens.is('[', 1)) {
      tokens.next();
      left = { kind: 'inSuper', place, field: left };
    } else left = { kind: 'binary', place, operator, left, right: parseBinary(context, BINDING[operator]) };
  }
}

function parseUnary(context: ParseContext): Expression {
  const { tokens } = context;
  const { text, place, kind } = tokens.peek();
  if (kind !== 'operator' || !(text === '+' || text === '-' || text === '!' || text === '~')) return parseSuffixes(context, parsePrimary(context));
  if (context.depth > MAX_NESTING) throw syntaxError(place, `Exceeded maximum nesting of ${MAX_NESTING}`);
  tokens.next();
  return { kind: 'unary', place, operator: text, operand: parseBinary({ ...context, depth: context.depth + 1 }, UNARY_BINDING - 1) };
}

function parseSuffixes(context: ParseContext, first: Expression): Expression {
  const { tokens } = context;
  let target = first;
  for (;;) {
    const { place } = tokens;
    if (tokens.take('.')) target = { kind: 'index', place, target, field: literal(tokens.place, tokens.identifier()) };
    else if (tokens.take('[')) target = parseBrackets(context, target, place);
    else if (tokens.is('(')) target = parseCall(context, target, place);
    else if (tokens.is('{')) target = { kind: 'binary', place, operator: '+', left: target, right: parseBraces(context) };
    else return target;
  }
}

function parseBrackets(context: ParseContext, target: Expression, place: Place): Expression {
  const { tokens } = context;
  const bounds: (Expression | undefined)[] = [];
  let isSlice = false;
  let isAfterBound = false;
  while (!tokens.is(']')) {
    if (tokens.is(':') || tokens.is('::')) {
      isSlice = true;
      if (!isAfterBound) bounds.push(undefined);
      if (tokens.next().text === '::') bounds.push(undefined);
      isAfterBound = false;
    } else if (isAfterBound) break;
    else {
      bounds.push(parseExpression(context));
      isAfterBound = true;
    }
  }
  tokens.expect(']');
  const [field] = bounds;
  if (isSlice && bounds.length <= 3) return { kind: 'slice', place, target, bounds };
  if (isSlice || field === undefined) throw syntaxError(place, isSlice ? 'Invalid slice: too many colons' : 'ast.Index requires an expression');
  return { kind: 'index', place, target, field };
}

function parseCall(context: ParseContext, target: Expression, place: Place): Expression {
  const { tokens } = context;
  tokens.expect('(');
  const args: Argument[] = [];
  while (!tokens.is(')')) {
    const isNamed = tokens.peek().kind === 'identifier' && tokens.is('=', 1);
    const name = isNamed ? tokens.identifier() : undefined;
    if (isNamed) tokens.expect('=');
    else if (args.some((argument) => argument.name !== undefined)) throw syntaxError(tokens.place, 'Positional argument after a named argument is not allowed');
    args.push({ value: parseExpression(context), ...(name === undefined ? {} : { name }) });
    if (!tokens.take(',')) break;
  }
  tokens.expect(')');
  return { kind: 'call', place, target, args, isStrict: tokens.take('tailstrict') };
}

function parsePrimary(context: ParseContext): Expression {
  const { tokens } = context;
  const { kind, text, place } = tokens.peek();
  if (kind === 'number') return literal(tokens.next().place, Number(text));
  if (kind === 'string') return literal(tokens.next().place, text);
  if (kind === 'identifier') return { kind: 'variable', place: tokens.next().place, name: text };
  if (kind === 'operator') return parsePunctuated(context, place);
  if (kind === 'end') throw tokens.unexpected('expected an expression');
  return parseKeyword(context, text, place);
}

function parsePunctuated(context: ParseContext, place: Place): Expression {
  const { tokens } = context;
  if (tokens.take('(')) {
    const inner = parseExpression(context);
    tokens.expect(')');
    return inner;
  }
  if (tokens.is('{')) return parseBraces(context);
  if (tokens.is('[')) return parseArray(context, place);
  if (!tokens.is('$')) throw tokens.unexpected('expected an expression');
  if (!context.isInObject) throw syntaxError(place, 'No top-level object found.');
  tokens.next();
  return { kind: 'variable', place, name: '$' };
}

function parseArray(context: ParseContext, place: Place): Expression {
  const { tokens } = context;
  tokens.expect('[');
  const items: Expression[] = [];
  while (!tokens.is(']')) {
    items.push(parseExpression(context));
    const hasComma = tokens.take(',');
    const [item] = items;
    if (tokens.is('for') && items.length === 1 && item !== undefined) {
      const steps = parseSteps(context);
      tokens.expect(']');
      return { kind: 'arrayComprehension', place, item, steps };
    }
    if (!hasComma) break;
  }
  tokens.expect(']');
  return { kind: 'array', place, items };
}

function parseKeyword(context: ParseContext, text: string, place: Place): Expression {
  const { tokens } = context;
  switch (text) {
    case 'null':
    case 'true':
    case 'false':
      tokens.next();
      return literal(place, text === 'null' ? null : text === 'true');
    case 'self':
      if (!context.isInObject) throw syntaxError(place, "Can't use self outside of an object.");
      tokens.next();
      return { kind: 'self', place };
    case 'super':
      return parseSuper(context, place);
    case 'import':
    case 'importstr':
    case 'importbin':
      return parseImport(context, text, place);
    case 'local':
    case 'if':
    case 'function':
    case 'error':
    case 'assert':
      // These extend as far as they can, wherever an operand may stand.
      return parseExpression(context);
    default:
      throw tokens.unexpected('expected an expression');
  }
}

function parseSuper(context: ParseContext, place: Place): Expression {
  const { tokens } = context;
  if (!context.isInObject) throw syntaxError(place, "Can't use super outside of an object.");
  tokens.next();
  if (tokens.take('.')) return { kind: 'super', place, field: literal(tokens.place, tokens.identifier()) };
  if (!tokens.take('[')) throw tokens.unexpected('Expected . or [ after super');
  const field = parseExpression(context);
  tokens.expect(']');
  return { kind: 'super', place, field };
}

function parseImport(context: ParseContext, form: 'import' | 'importstr' | 'importbin', place: Place): Expression {
  context.tokens.next();
  const path = parseExpression(context);
  if (path.kind !== 'literal' || typeof path.value !== 'string') throw syntaxError(path.place, 'Computed imports are not allowed');
  return { kind: 'import', place, form, path: path.value };
}

function literal(place: Place, value: null | boolean | number | string): Expression {
  return { kind: 'literal', place, value };
}

import type { Assertion, Bind, ComprehensionStep, Expression, Field, Visibility } from './ast.ts';
import { syntaxError, type Place } from './jsonnet-error.ts';
import { parseBind, parseParameters, refuseRepeats, type ParseContext } from './parse-parts.ts';

/** Parses an object literal or comprehension. Throws JsonnetError. */
export function parseBraces(context: ParseContext): Expression {
  const { tokens } = context;
  const { place } = tokens.expect('{');
  const inner: ParseContext = { ...context, isInObject: true };
  const locals: Bind[] = [];
  const assertions: Assertion[] = [];
  const fields: Field[] = [];
  while (!tokens.is('}')) {
    if (tokens.take('local')) locals.push(parseBind(inner));
    else if (tokens.is('assert')) assertions.push(parseAssertion(inner));
    else fields.push(parseField(inner, context));
    const hasComma = tokens.take(',');
    if (tokens.is('for')) return parseComprehension(context, place, { locals, assertions, fields });
    if (!hasComma) break;
  }
  tokens.expect('}');
  refuseRepeats(
    locals.map(({ name }) => name),
    place,
    'local',
  );
  refuseRepeats(
    fields.flatMap(({ name, isComputed }) => (!isComputed && name.kind === 'literal' ? [String(name.value)] : [])),
    place,
    'field',
  );
  return { kind: 'object', place, locals, assertions, fields, isOutermost: !context.isInObject };
}

function parseAssertion(context: ParseContext): Assertion {
  const { tokens } = context;
  const { place } = tokens.expect('assert');
  const condition = context.expression(context);
  return tokens.take(':') ? { condition, place, message: context.expression(context) } : { condition, place };
}

// The name of a field belongs to what stands around the object, its body to the object.
function parseField(inner: ParseContext, outer: ParseContext): Field {
  const { tokens } = inner;
  const { place } = tokens;
  const isComputed = tokens.is('[');
  const name = parseFieldName(outer);
  const parameters = tokens.is('(') ? parseParameters(inner) : undefined;
  const isAdded = tokens.is('+') || tokens.is('+:') || tokens.is('+::') || tokens.is('+:::');
  const visibility = parseVisibility(inner);
  if (isAdded && parameters !== undefined) throw syntaxError(place, "Can't use +: syntax sugar in a method");
  const body = inner.expression(inner);
  return { name, isComputed, visibility, isAdded, body: parameters === undefined ? body : { kind: 'function', place, parameters, body } };
}

function parseFieldName(context: ParseContext): Expression {
  const { tokens } = context;
  const { kind, text, place } = tokens.peek();
  if (kind === 'identifier' || kind === 'string') {
    tokens.next();
    return { kind: 'literal', place, value: text };
  }
  if (!tokens.take('[')) throw tokens.unexpected('expected a field name');
  const name = context.expression(context);
  tokens.expect(']');
  return name;
}

function parseVisibility({ tokens }: ParseContext): Visibility {
  const { text, kind } = tokens.peek();
  const match = kind === 'operator' ? /^\+?(:{1,3})$/.exec(text) : null;
  if (match === null) throw tokens.unexpected('expected one of :, ::, :::, +:, +::, +:::');
  tokens.next();
  // The pattern allows just these.
  return match[1] as Visibility;
}

function parseComprehension(
  context: ParseContext,
  place: Place,
  { locals, assertions, fields }: { readonly locals: readonly Bind[]; readonly assertions: readonly Assertion[]; readonly fields: readonly Field[] },
): Expression {
  const [field] = fields;
  if (field === undefined || fields.length > 1 || assertions.length > 0)
    throw syntaxError(place, 'Object comprehension can only have one field, and no assertions');
  if (!field.isComputed) throw syntaxError(place, 'Object comprehensions can only have [e] fields');
  if (field.visibility !== ':') throw syntaxError(place, 'Object comprehensions cannot have hidden fields');
  const steps = parseSteps(context);
  context.tokens.expect('}');
  return { kind: 'objectComprehension', place, locals, field, steps, isOutermost: !context.isInObject };
}

/** Parses `for … in … if …`, at least one `for`. */
export function parseSteps(context: ParseContext): readonly ComprehensionStep[] {
  const { tokens } = context;
  const steps: ComprehensionStep[] = [];
  for (;;) {
    const { place } = tokens;
    if (tokens.take('for')) {
      const name = tokens.identifier();
      tokens.expect('in');
      steps.push({ kind: 'for', name, list: context.expression(context), place });
    } else if (tokens.take('if')) steps.push({ kind: 'if', condition: context.expression(context) });
    else return steps;
  }
}

import type { Bind, Expression, Parameter } from './ast.ts';
import { syntaxError, type Place } from './jsonnet-error.ts';
import type { TokenStream } from './token-stream.ts';

/** What the parser knows on its way down: the tokens, the nesting, and whether it stands inside an object. */
export interface ParseContext {
  readonly tokens: TokenStream;
  readonly depth: number;
  readonly isInObject: boolean;
  /** Parses an expression, as far as it extends. */
  readonly expression: (context: ParseContext) => Expression;
}

/** Parses `name = e` or `name(parameters) = e`. */
export function parseBind(context: ParseContext): Bind {
  const { tokens } = context;
  const { place } = tokens;
  const name = tokens.identifier();
  const parameters = tokens.is('(') ? parseParameters(context) : undefined;
  tokens.expect('=');
  const body = context.expression(context);
  return { name, body: parameters === undefined ? body : { kind: 'function', place, parameters, body } };
}

/** Parses `(a, b = e, …)`. */
export function parseParameters(context: ParseContext): readonly Parameter[] {
  const { tokens } = context;
  const { place } = tokens.expect('(');
  const parameters: Parameter[] = [];
  while (!tokens.is(')')) {
    const name = tokens.identifier();
    parameters.push(tokens.take('=') ? { name, fallback: context.expression(context) } : { name });
    if (!tokens.take(',')) break;
  }
  tokens.expect(')');
  refuseRepeats(
    parameters.map(({ name }) => name),
    place,
    'parameter',
  );
  return parameters;
}

/** Refuses a name that is bound twice in one place. */
export function refuseRepeats(names: readonly string[], place: Place, what: string): void {
  const seen = new Set<string>();
  for (const name of names) {
    if (seen.has(name)) throw syntaxError(place, `Duplicate ${what} name: ${name}`);
    seen.add(name);
  }
}

import type { Place } from './jsonnet-error.ts';

/** Operators between two operands. */
export type BinaryOperator = '*' | '/' | '%' | '+' | '-' | '<<' | '>>' | '<' | '>' | '<=' | '>=' | 'in' | '==' | '!=' | '&' | '^' | '|' | '&&' | '||';

/** A parameter, with the expression that stands in where no argument is given. */
export interface Parameter {
  readonly name: string;
  readonly fallback?: Expression;
}

/** `name = body`; a function where it was written with parameters. */
export interface Bind {
  readonly name: string;
  readonly body: Expression;
}

/** An argument, by position or by name. */
export interface Argument {
  readonly name?: string;
  readonly value: Expression;
}

/** `:` shows where nothing else was said, `::` hides, `:::` shows again. */
export type Visibility = ':' | '::' | ':::';

/** A field of an object literal. */
export interface Field {
  readonly name: Expression;
  /** Written `[name]`. */
  readonly isComputed: boolean;
  readonly visibility: Visibility;
  /** Written `+:`: added to the field of the object below. */
  readonly isAdded: boolean;
  readonly body: Expression;
}

/** `assert condition : message`. */
export interface Assertion {
  readonly condition: Expression;
  readonly message?: Expression;
  readonly place: Place;
}

/** `for name in list` or `if condition`. */
export type ComprehensionStep =
  | { readonly kind: 'for'; readonly name: string; readonly list: Expression; readonly place: Place }
  | { readonly kind: 'if'; readonly condition: Expression };

/** An expression of the core language; sugar is resolved by the parser (jsonnet.org/ref/spec.html, Abstract Syntax). */
export type Expression = { readonly place: Place } & (
  | { readonly kind: 'literal'; readonly value: null | boolean | number | string }
  | { readonly kind: 'variable'; readonly name: string }
  | { readonly kind: 'self' }
  | { readonly kind: 'super'; readonly field: Expression }
  | { readonly kind: 'inSuper'; readonly field: Expression }
  | { readonly kind: 'index'; readonly target: Expression; readonly field: Expression }
  | { readonly kind: 'slice'; readonly target: Expression; readonly bounds: readonly (Expression | undefined)[] }
  | { readonly kind: 'call'; readonly target: Expression; readonly args: readonly Argument[]; readonly isStrict: boolean }
  | { readonly kind: 'unary'; readonly operator: '+' | '-' | '!' | '~'; readonly operand: Expression }
  | { readonly kind: 'binary'; readonly operator: BinaryOperator; readonly left: Expression; readonly right: Expression }
  | { readonly kind: 'if'; readonly condition: Expression; readonly then: Expression; readonly otherwise?: Expression }
  | { readonly kind: 'local'; readonly binds: readonly Bind[]; readonly body: Expression }
  | { readonly kind: 'function'; readonly parameters: readonly Parameter[]; readonly body: Expression }
  | { readonly kind: 'error'; readonly message: Expression }
  | { readonly kind: 'assert'; readonly assertion: Assertion; readonly body: Expression }
  | { readonly kind: 'import'; readonly form: 'import' | 'importstr' | 'importbin'; readonly path: string }
  | { readonly kind: 'array'; readonly items: readonly Expression[] }
  | { readonly kind: 'arrayComprehension'; readonly item: Expression; readonly steps: readonly ComprehensionStep[] }
  | ObjectLiteral
  | {
      readonly kind: 'objectComprehension';
      readonly locals: readonly Bind[];
      readonly field: Field;
      readonly steps: readonly ComprehensionStep[];
      readonly isOutermost: boolean;
    }
);

/** `{ … }`. The outermost one of a nest is what `$` names. */
export interface ObjectLiteral {
  readonly kind: 'object';
  readonly locals: readonly Bind[];
  readonly assertions: readonly Assertion[];
  readonly fields: readonly Field[];
  readonly isOutermost: boolean;
}

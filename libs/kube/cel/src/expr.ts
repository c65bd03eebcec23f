import type { CelValue } from './value.ts';

/** Where a node stands: offset into the source in UTF-16 units. */
interface Placed {
  readonly at: number;
}

/** One `key: value` of a map literal. */
export interface MapEntry {
  readonly key: Expr;
  readonly value: Expr;
  /** `?key: value`: left out when the optional value is none. */
  readonly optional: boolean;
}

/** One `field: value` of an object literal. */
export interface StructField extends Placed {
  readonly name: string;
  readonly value: Expr;
  readonly optional: boolean;
}

/** A fold over a list or map: what the macros `all`, `exists`, `map` … stand for (cel-spec, syntax.proto Comprehension). */
export interface Comprehension extends Placed {
  readonly kind: 'comprehension';
  readonly range: Expr;
  readonly iterVar: string;
  /** Second variable: `iterVar` is then the index or key, this the item or value. */
  readonly iterVar2: string | undefined;
  readonly accuVar: string;
  readonly init: Expr;
  readonly condition: Expr;
  readonly step: Expr;
  readonly result: Expr;
}

/** A node of a parsed expression; macros are expanded. Nodes are identities: the checker annotates them in maps. */
export type Expr =
  | (Placed & { readonly kind: 'literal'; readonly value: CelValue })
  | (Placed & { readonly kind: 'ident'; readonly name: string })
  | (Placed & { readonly kind: 'select'; readonly operand: Expr; readonly field: string; readonly testOnly: boolean })
  | (Placed & { readonly kind: 'call'; readonly name: string; readonly target: Expr | undefined; readonly args: readonly Expr[] })
  | (Placed & { readonly kind: 'list'; readonly elements: readonly Expr[]; readonly optionals: ReadonlySet<number> })
  | (Placed & { readonly kind: 'map'; readonly entries: readonly MapEntry[] })
  | (Placed & { readonly kind: 'struct'; readonly name: string; readonly fields: readonly StructField[] })
  | Comprehension;

/** The internal names of operators, as error messages and cost tables have them. */
export const OPERATORS = {
  and: '_&&_',
  or: '_||_',
  not: '!_',
  conditional: '_?_:_',
  negate: '-_',
  add: '_+_',
  subtract: '_-_',
  multiply: '_*_',
  divide: '_/_',
  modulo: '_%_',
  equals: '_==_',
  notEquals: '_!=_',
  less: '_<_',
  lessEquals: '_<=_',
  greater: '_>_',
  greaterEquals: '_>=_',
  in: '@in',
  index: '_[_]',
  optIndex: '_[?_]',
  optSelect: '_?._',
  notStrictlyFalse: '@not_strictly_false',
  mapInsert: 'cel.@mapInsert',
} as const;

/** Name of the hidden variable in which macros gather. */
export const ACCUMULATOR = '@result';

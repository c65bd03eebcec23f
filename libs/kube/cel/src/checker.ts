import {
  BOOL,
  DYN,
  formatType,
  INT,
  listOf,
  mapOf,
  mapParts,
  NULL,
  optionalOf,
  optionalValueOf,
  sameType,
  STRING,
  type CelType,
  type ObjectType,
} from './cel-type.ts';
import { OPERATORS, type Comprehension, type Expr } from './expr.ts';
import { NAMED, type FunctionTable, type Overload } from './overload.ts';
import { qualifiedName } from './parser.ts';
import type { CelProblem } from './problem.ts';
import { Substitutions } from './unify.ts';
import { CelTypeValue, CelUint, type CelValue } from './value.ts';

/** What an expression may refer to. */
export interface CelEnv {
  readonly variables: ReadonlyMap<string, CelType>;
  readonly functions: FunctionTable;
  /** Types whose objects an expression may make, such as `Object.spec{…}`; undefined when there is no such type. */
  readonly struct?: (name: string) => ObjectType | undefined;
}

/** What the checker found out about an expression. */
export interface Checked {
  readonly expr: Expr;
  readonly type: CelType;
  readonly typeOf: (expr: Expr) => CelType;
  /** The overloads a call may mean; several where types are known only when it runs. */
  readonly overloadsOf: (expr: Expr) => readonly Overload[];
  /** Calls whose target only qualifies the function's name. */
  readonly isQualified: (expr: Expr) => boolean;
  /** The dotted name of a variable such as `authorizer.requestResource`, for a selection that spells it. */
  readonly variableNamed: (expr: Expr) => string | undefined;
  /** Identifiers that name types rather than variables. */
  readonly typeNamed: (expr: Expr) => CelTypeValue | undefined;
}

const TYPE_NAMES: ReadonlyMap<string, CelType> = new Map<string, CelType>([
  ...['bool', 'int', 'uint', 'double', 'string', 'bytes'].map((name) => [name, NAMED[name] ?? DYN] as const),
  ['list', listOf(DYN)],
  ['map', mapOf(DYN, DYN)],
  ['null_type', NULL],
  ['type', { kind: 'type', of: DYN }],
  ['optional_type', optionalOf(DYN)],
  ['google.protobuf.Duration', NAMED['duration'] ?? DYN],
  ['google.protobuf.Timestamp', NAMED['timestamp'] ?? DYN],
]);

/** Finds the type of every part of an expression, or what is wrong with it (cel-go checker/checker.go). */
export function check(expr: Expr, env: CelEnv): { readonly checked: Checked } | { readonly problems: readonly CelProblem[] } {
  const checker = new Checker(env);
  const type = checker.check(expr, new Map());
  return checker.problems.length > 0 ? { problems: checker.problems } : { checked: checker.finish(expr, type) };
}

type Scope = ReadonlyMap<string, CelType>;

class Checker {
  readonly problems: CelProblem[] = [];
  readonly #env: CelEnv;
  readonly #types = new Map<Expr, CelType>();
  // How many calls around take literals of mixed types.
  #mixing = 0;
  readonly #overloads = new Map<Expr, readonly Overload[]>();
  readonly #qualified = new Set<Expr>();
  readonly #typeNames = new Map<Expr, CelTypeValue>();
  readonly #dotted = new Map<Expr, string>();
  readonly #substitutions = new Substitutions();
  #fresh = 0;

  constructor(env: CelEnv) {
    this.#env = env;
  }

  finish(expr: Expr, type: CelType): Checked {
    return {
      expr,
      type: this.#substitutions.apply(type, true),
      typeOf: (node) => this.#substitutions.apply(this.#types.get(node) ?? DYN, true),
      overloadsOf: (node) => this.#overloads.get(node) ?? [],
      isQualified: (node) => this.#qualified.has(node),
      variableNamed: (node) => this.#dotted.get(node),
      typeNamed: (node) => this.#typeNames.get(node),
    };
  }

  check(expr: Expr, scope: Scope): CelType {
    // Macros may use one node twice, always in the same scope.
    const known = this.#types.get(expr);
    if (known !== undefined) return known;
    const type = this.#infer(expr, scope);
    this.#types.set(expr, type);
    return type;
  }

  #infer(expr: Expr, scope: Scope): CelType {
    switch (expr.kind) {
      case 'literal':
        return literalType(expr.value);
      case 'ident':
        return this.#ident(expr, scope);
      case 'select':
        return this.#select(expr, scope);
      case 'call':
        return this.#call(expr, scope);
      case 'list':
        return this.#list(expr, scope);
      case 'map':
        return this.#map(expr, scope);
      case 'struct':
        return this.#struct(expr, scope);
      case 'comprehension':
        return this.#comprehension(expr, scope);
    }
  }

  #report(at: number, message: string): CelType {
    this.problems.push({ at, message });
    return DYN;
  }

  #ident(expr: Extract<Expr, { kind: 'ident' }>, scope: Scope): CelType {
    const type = scope.get(expr.name) ?? this.#env.variables.get(expr.name);
    if (type !== undefined) return type;
    return this.#typeName(expr, expr.name) ?? this.#report(expr.at, `undeclared reference to '${expr.name}' (in container '')`);
  }

  #typeName(expr: Expr, name: string): CelType | undefined {
    const named = TYPE_NAMES.get(name) ?? this.#libraryType(name) ?? this.#env.struct?.(name);
    if (named === undefined) return undefined;
    this.#typeNames.set(expr, new CelTypeValue(named));
    return { kind: 'type', of: named };
  }

  #libraryType(name: string): CelType | undefined {
    return Object.values(NAMED).find((type) => type.kind === 'opaque' && type.name === name);
  }

  #select(expr: Extract<Expr, { kind: 'select' }>, scope: Scope): CelType {
    const name = qualifiedName(expr);
    const root = name?.split('.')[0] ?? '';
    const dotted = name === undefined || scope.has(root) || expr.testOnly ? undefined : this.#env.variables.get(name);
    if (name !== undefined && dotted !== undefined) {
      this.#dotted.set(expr, name);
      return dotted;
    }
    if (name !== undefined && !scope.has(root) && !this.#env.variables.has(root)) {
      const type = this.#typeName(expr, name);
      if (type !== undefined) return type;
    }
    const operand = this.#resolve(this.check(expr.operand, scope));
    const field = this.#field(expr, operand, expr.field, expr.at);
    return expr.testOnly ? BOOL : field;
  }

  #field(expr: Expr, operand: CelType, name: string, at: number): CelType {
    const inner = optionalValueOf(operand);
    if (inner !== undefined) {
      const field = this.#field(expr, this.#resolve(inner), name, at);
      return optionalValueOf(field) === undefined ? optionalOf(field) : field;
    }
    if (operand.kind === 'dyn' || operand.kind === 'param') return DYN;
    if (operand.kind === 'map') return operand.value;
    if (operand.kind === 'object') return operand.field(name) ?? this.#report(at, `undefined field '${name}'`);
    return this.#report(at, `type '${this.#describe(operand)}' does not support field selection`);
  }

  #resolve(type: CelType): CelType {
    return this.#substitutions.apply(type);
  }

  #describe(type: CelType): string {
    return formatType(this.#substitutions.apply(type, true));
  }

  #call(expr: Extract<Expr, { kind: 'call' }>, scope: Scope): CelType {
    if (expr.name === OPERATORS.optSelect) return this.#optSelect(expr, scope);
    const { target } = expr;
    const prefix = target === undefined ? undefined : qualifiedName(target);
    if (prefix !== undefined && this.#env.functions.has(`${prefix}.${expr.name}`)) {
      this.#qualified.add(expr);
      const args = expr.args.map((arg) => this.check(arg, scope));
      return this.#resolveOverload(expr, `${prefix}.${expr.name}`, args, false);
    }
    // What is formatted may be of several types in one list.
    const isFormat = expr.name === 'format' && target !== undefined;
    if (isFormat) this.#mixing += 1;
    const args = [...(target === undefined ? [] : [target]), ...expr.args].map((arg) => this.check(arg, scope));
    if (isFormat) this.#mixing -= 1;
    return this.#resolveOverload(expr, expr.name, args, target !== undefined);
  }

  #optSelect(expr: Extract<Expr, { kind: 'call' }>, scope: Scope): CelType {
    const [operand, name] = expr.args;
    if (operand === undefined || name?.kind !== 'literal' || typeof name.value !== 'string')
      return this.#report(expr.at, 'unsupported optional field selection');
    this.check(name, scope);
    const type = this.#resolve(this.check(operand, scope));
    const field = this.#field(expr, type, name.value, expr.at);
    this.#overloads.set(expr, this.#env.functions.get(OPERATORS.optSelect) ?? []);
    return optionalValueOf(field) === undefined ? optionalOf(field) : field;
  }

  #resolveOverload(expr: Expr, name: string, args: readonly CelType[], member: boolean): CelType {
    const declared = this.#env.functions.get(name);
    if (declared === undefined) return this.#report(expr.at, `undeclared reference to '${name}' (in container '')`);
    const found: Overload[] = [];
    let result: CelType | undefined;
    for (const overload of declared) {
      if (overload.member !== member) continue;
      const fresh = this.#instantiate(overload);
      if (!this.#substitutions.assignAll(args, fresh.params)) continue;
      found.push(overload);
      const type = this.#resolve(fresh.result);
      result = result === undefined || (result.kind !== 'dyn' && sameType(result, type)) ? type : DYN;
    }
    if (result === undefined) return this.#report(expr.at, `found no matching overload for '${name}' applied to '${this.#describeCall(args, member)}'`);
    this.#overloads.set(expr, found);
    return result;
  }

  #describeCall(args: readonly CelType[], member: boolean): string {
    const names = args.map((arg) => this.#describe(arg));
    return member ? `${names[0] ?? ''}.(${names.slice(1).join(', ')})` : `(${names.join(', ')})`;
  }

  #instantiate({ params, result }: Overload): { readonly params: readonly CelType[]; readonly result: CelType } {
    const fresh = new Map<string, CelType>();
    const rename = (type: CelType): CelType => {
      if (type.kind !== 'param') return mapParts(type, rename);
      const known = fresh.get(type.name) ?? this.#freshParam();
      fresh.set(type.name, known);
      return known;
    };
    return { params: params.map(rename), result: rename(result) };
  }

  #freshParam(): CelType {
    this.#fresh += 1;
    return { kind: 'param', name: `_var${this.#fresh}` };
  }

  // Elements of a literal are of one type (HomogeneousAggregateLiterals).
  #join(at: number, previous: CelType | undefined, current: CelType): CelType {
    if (previous === undefined) return current;
    if (this.#substitutions.assign(current, previous)) return this.#resolve(previous).kind === 'null' ? current : previous;
    if (this.#mixing > 0) return DYN;
    this.#report(at, `expected type '${this.#describe(previous)}' but found '${this.#describe(current)}'`);
    return previous;
  }

  #list(expr: Extract<Expr, { kind: 'list' }>, scope: Scope): CelType {
    let element: CelType | undefined;
    for (const [index, item] of expr.elements.entries()) {
      element = this.#join(item.at, element, this.#unwrap(item, this.check(item, scope), expr.optionals.has(index)));
    }
    return listOf(element ?? this.#freshParam());
  }

  #map(expr: Extract<Expr, { kind: 'map' }>, scope: Scope): CelType {
    let key: CelType | undefined;
    let value: CelType | undefined;
    for (const entry of expr.entries) {
      key = this.#join(entry.key.at, key, this.check(entry.key, scope));
      value = this.#join(entry.value.at, value, this.#unwrap(entry.value, this.check(entry.value, scope), entry.optional));
    }
    return mapOf(key ?? this.#freshParam(), value ?? this.#freshParam());
  }

  #unwrap(expr: Expr, type: CelType, isOptional: boolean): CelType {
    if (!isOptional) return type;
    const resolved = this.#resolve(type);
    const inner = optionalValueOf(resolved);
    if (inner !== undefined) return inner;
    if (resolved.kind === 'dyn') return DYN;
    return this.#report(expr.at, `expected type 'optional_type(${this.#describe(type)})' but found '${this.#describe(type)}'`);
  }

  #struct(expr: Extract<Expr, { kind: 'struct' }>, scope: Scope): CelType {
    const type = this.#env.struct?.(expr.name);
    if (type === undefined) return this.#report(expr.at, `undeclared reference to '${expr.name}' (in container '')`);
    for (const field of expr.fields) {
      const value = this.#unwrap(field.value, this.check(field.value, scope), field.optional);
      const wanted = type.field(field.name);
      if (wanted === undefined) this.#report(field.at, `undefined field '${field.name}'`);
      else if (!this.#substitutions.assign(value, wanted))
        this.#report(field.at, `expected type of field '${field.name}' is '${this.#describe(wanted)}' but provided type is '${this.#describe(value)}'`);
    }
    return type;
  }

  #comprehension(expr: Comprehension, scope: Scope): CelType {
    const range = this.#resolve(this.check(expr.range, scope));
    const accu = this.check(expr.init, scope);
    const withAccu = new Map([...scope, [expr.accuVar, accu]]);
    const inner = new Map([...withAccu, ...this.#iterationVariables(expr, range)]);
    this.#expect(expr.condition, this.check(expr.condition, inner), BOOL);
    const step = this.check(expr.step, inner);
    if (!this.#substitutions.assign(step, accu)) this.#report(expr.step.at, `expected type '${this.#describe(accu)}' but found '${this.#describe(step)}'`);
    return this.check(expr.result, withAccu);
  }

  #expect(expr: Expr, type: CelType, wanted: CelType): void {
    if (!this.#substitutions.assign(type, wanted)) this.#report(expr.at, `expected type '${this.#describe(wanted)}' but found '${this.#describe(type)}'`);
  }

  #iterationVariables({ iterVar, iterVar2, range: expr }: Comprehension, range: CelType): readonly (readonly [string, CelType])[] {
    const pair = (key: CelType, value: CelType, single: CelType): readonly (readonly [string, CelType])[] =>
      iterVar2 === undefined
        ? [[iterVar, single]]
        : [
            [iterVar, key],
            [iterVar2, value],
          ];
    if (range.kind === 'list') return pair(INT, range.element, range.element);
    if (range.kind === 'map') return pair(range.key, range.value, range.key);
    if (range.kind !== 'dyn' && range.kind !== 'param')
      this.#report(expr.at, `expression of type '${this.#describe(range)}' cannot be range of a comprehension (must be list, map, or dynamic)`);
    return pair(DYN, DYN, DYN);
  }
}

function literalType(value: CelValue): CelType {
  if (value === null) return NULL;
  if (typeof value === 'string') return STRING;
  const name =
    typeof value === 'boolean'
      ? 'bool'
      : typeof value === 'bigint'
        ? 'int'
        : typeof value === 'number'
          ? 'double'
          : value instanceof CelUint
            ? 'uint'
            : 'bytes';
  return NAMED[name] ?? DYN;
}

import { optionalValueOf, type CelType } from './cel-type.ts';
import type { Checked } from './checker.ts';
import type { DeclType } from './decl-type.ts';
import {
  add,
  exactly,
  LIST_COST,
  MAP_COST,
  multiply,
  STRUCT_COST,
  UNKNOWN,
  union,
  ZERO,
  type CallEstimate,
  type EstimatedNode,
  type Range,
} from './estimate.ts';
import { ACCUMULATOR, OPERATORS, type Comprehension, type Expr } from './expr.ts';
import type { Overload } from './overload.ts';
import { codePoints, type CelValue } from './value.ts';

/** Where a part of an expression reads from: a variable, then fields, `@items`, `@keys` or `@values`. */
type Path = readonly string[];

/** What is known of a variable: where its values lie and how large they are. */
interface Local {
  readonly path: Path;
  readonly size: Range | undefined;
  readonly entries: EntrySizes | undefined;
}

/** Sizes of what a container made by the expression holds. */
interface EntrySizes {
  readonly container: 'list' | 'map';
  readonly key: Range;
  readonly value: Range;
}

/** Estimates what an evaluation costs at least and at most (cel-go checker/cost.go). `declared`: types of variables, with their sizes. */
export function estimateCost(checked: Checked, declared: ReadonlyMap<string, DeclType>): Range {
  return new Coster(checked, declared).cost(checked.expr);
}

class Coster {
  readonly #checked: Checked;
  readonly #declared: ReadonlyMap<string, DeclType>;
  readonly #root: DeclType | undefined;
  readonly #paths = new Map<Expr, Path>();
  readonly #sizes = new Map<Expr, Range>();
  readonly #entrySizes = new Map<Expr, EntrySizes>();
  readonly #costs = new Map<Expr, Range>();
  #locals: ReadonlyMap<string, Local> = new Map();

  constructor(checked: Checked, declared: ReadonlyMap<string, DeclType>) {
    this.#checked = checked;
    this.#declared = declared;
    [this.#root] = declared.values();
  }

  cost(expr: Expr): Range {
    // Macros may use one node twice, in the same scope.
    const known = this.#costs.get(expr);
    if (known !== undefined) return known;
    const cost = this.#costOf(expr);
    this.#costs.set(expr, cost);
    return cost;
  }

  #costOf(expr: Expr): Range {
    switch (expr.kind) {
      case 'literal':
        return ZERO;
      case 'ident':
        this.#paths.set(expr, this.#locals.get(expr.name)?.path ?? [expr.name]);
        return exactly(1);
      case 'select':
        return this.#select(expr);
      case 'call':
        return this.#call(expr);
      case 'list':
        return this.#list(expr);
      case 'map':
        return this.#map(expr);
      case 'struct':
        return add(exactly(STRUCT_COST), ...expr.fields.map(({ value }) => this.cost(value)));
      case 'comprehension':
        return isBinding(expr) ? this.#binding(expr) : this.#comprehension(expr);
    }
  }

  #select(expr: Extract<Expr, { kind: 'select' }>): Range {
    if (this.#checked.typeNamed(expr) !== undefined) return ZERO;
    const operand = this.cost(expr.operand);
    if (expr.testOnly) return operand;
    const { kind } = this.#checked.typeOf(expr.operand);
    this.#paths.set(expr, [...this.#pathOf(expr.operand), expr.field]);
    return kind === 'map' || kind === 'object' ? add(operand, exactly(1)) : operand;
  }

  #call(expr: Extract<Expr, { kind: 'call' }>): Range {
    const receiver = expr.target === undefined || this.#checked.isQualified(expr) ? [] : [expr.target];
    const operands = [...receiver, ...expr.args];
    const costs = operands.map((operand) => this.cost(operand));
    const [first = ZERO, second = ZERO, third = ZERO] = costs;
    if (expr.name === 'dyn' && receiver.length === 0) return this.#transparent(expr, expr.args[0], add(exactly(1), first));
    if (expr.name === OPERATORS.and || expr.name === OPERATORS.or) return { min: first.min, max: first.max + second.max };
    if (expr.name === OPERATORS.conditional) {
      this.#unionOfBranches(expr, expr.args[1], expr.args[2]);
      return add(first, union(second, third));
    }
    const nodes = operands.map((operand) => this.#node(operand));
    const estimates = this.#checked.overloadsOf(expr).map((overload) => this.#estimate(overload, nodes));
    this.#noteResult(expr, operands, estimates);
    const own = estimates.map(({ cost }) => cost);
    return add(...costs, own.length === 0 ? ZERO : own.reduce(union));
  }

  #transparent(expr: Expr, inner: Expr | undefined, cost: Range): Range {
    if (inner === undefined) return cost;
    const [size, entries] = [this.#sizeOf(inner), this.#entriesOf(inner)];
    if (size !== undefined) this.#sizes.set(expr, size);
    if (entries !== undefined) this.#entrySizes.set(expr, entries);
    return cost;
  }

  #unionOfBranches(expr: Expr, yes: Expr | undefined, no: Expr | undefined): void {
    if (yes === undefined || no === undefined) return;
    this.#sizes.set(expr, union(this.#sizeOrUnknown(yes), this.#sizeOrUnknown(no)));
    const entries = unionEntries(this.#entriesOf(yes), this.#entriesOf(no));
    if (entries !== undefined) this.#entrySizes.set(expr, entries);
  }

  #estimate({ estimate }: Overload, nodes: readonly EstimatedNode[]): CallEstimate {
    return estimate === undefined ? { cost: exactly(1) } : estimate(nodes);
  }

  #noteResult(expr: Extract<Expr, { kind: 'call' }>, operands: readonly Expr[], estimates: readonly CallEstimate[]): void {
    const sizes = estimates.flatMap(({ resultSize }) => (resultSize === undefined ? [] : [resultSize]));
    const [container] = operands;
    if (container !== undefined && expr.name === OPERATORS.index) {
      const { kind } = this.#checked.typeOf(container);
      this.#paths.set(expr, [...this.#pathOf(container), kind === 'list' ? '@items' : '@values']);
      const inner = this.#entriesOf(container)?.value;
      if (inner !== undefined) sizes.push(inner);
    }
    if (expr.name === OPERATORS.add && container !== undefined && operands[1] !== undefined) {
      const entries = unionEntries(this.#entriesOf(container), this.#entriesOf(operands[1]));
      if (entries !== undefined) this.#entrySizes.set(expr, entries);
    }
    const size = sizes.length === 0 ? this.#sizeOf(expr) : sizes.reduce(union);
    if (size !== undefined) this.#sizes.set(expr, size);
  }

  #list(expr: Extract<Expr, { kind: 'list' }>): Range {
    const costs = expr.elements.map((element) => this.cost(element));
    const value = expr.elements.length === 0 ? ZERO : expr.elements.map((element) => this.#sizeOrUnknown(element)).reduce(union);
    this.#entrySizes.set(expr, { container: 'list', key: exactly(1), value });
    return add(exactly(LIST_COST), ...costs);
  }

  #map(expr: Extract<Expr, { kind: 'map' }>): Range {
    const costs = expr.entries.flatMap(({ key, value }) => [this.cost(key), this.cost(value)]);
    const sizeOf = (parts: readonly Expr[]): Range => (parts.length === 0 ? ZERO : parts.map((part) => this.#sizeOrUnknown(part)).reduce(union));
    this.#entrySizes.set(expr, { container: 'map', key: sizeOf(expr.entries.map(({ key }) => key)), value: sizeOf(expr.entries.map(({ value }) => value)) });
    return add(exactly(MAP_COST), ...costs);
  }

  #binding(expr: Comprehension): Range {
    const before = add(this.cost(expr.range), this.cost(expr.init));
    const result = this.#within([[expr.accuVar, this.#localOf(expr.init)]], () => this.cost(expr.result));
    return this.#transparent(expr, expr.result, add(before, result));
  }

  #localOf(expr: Expr): Local {
    return { path: this.#pathOf(expr), size: this.#sizeOf(expr), entries: this.#entriesOf(expr) };
  }

  #comprehension(expr: Comprehension): Range {
    const before = add(this.cost(expr.range), this.cost(expr.init));
    const accu = [expr.accuVar, this.#localOf(expr.init)] as const;
    const loop = this.#within([accu, ...this.#iterationVariables(expr)], () => add(this.cost(expr.condition), this.cost(expr.step)));
    const result = this.#within([accu], () => this.cost(expr.result));
    const count = this.#sizeOrUnknown(expr.range);
    if (expr.init.kind === 'literal') {
      const size = this.#sizeOf(expr.init);
      if (size !== undefined) this.#sizes.set(expr, size);
    } else {
      this.#sizes.set(expr, count);
      const entries = this.#entriesOf(expr.step);
      if (entries !== undefined) this.#entrySizes.set(expr, entries);
    }
    return add(before, result, multiply(count, loop));
  }

  #iterationVariables(expr: Comprehension): readonly (readonly [string, Local])[] {
    const entries = this.#entriesOf(expr.range);
    const path = this.#pathOf(expr.range);
    const isList = (entries?.container ?? this.#checked.typeOf(expr.range).kind) === 'list';
    const items: Local = { path: [...path, isList ? '@items' : '@values'], size: entries?.value, entries: undefined };
    const keys: Local = { path: [...path, isList ? '@indices' : '@keys'], size: entries?.key, entries: undefined };
    if (expr.iterVar2 !== undefined)
      return [
        [expr.iterVar, keys],
        [expr.iterVar2, items],
      ];
    return [[expr.iterVar, isList ? items : keys]];
  }

  #within<T>(locals: readonly (readonly [string, Local])[], body: () => T): T {
    const before = this.#locals;
    this.#locals = new Map([...before, ...locals]);
    try {
      return body();
    } finally {
      this.#locals = before;
    }
  }

  #node(expr: Expr): EstimatedNode {
    const type = this.#checked.typeOf(expr);
    return { expr, type, size: this.#sizeOrUnknown(expr), elementSize: type.kind === 'list' ? this.#elementSize(expr, type.element) : undefined };
  }

  #elementSize(expr: Expr, element: CelType): Range {
    const path = this.#pathOf(expr);
    return (path.length === 0 ? undefined : this.#declaredSize([...path, '@items'])) ?? this.#entriesOf(expr)?.value ?? scalarSize(element) ?? UNKNOWN;
  }

  #pathOf(expr: Expr): Path {
    if (expr.kind === 'ident') {
      const local = this.#locals.get(expr.name);
      if (local !== undefined) return local.path;
    }
    return this.#paths.get(expr) ?? [];
  }

  #sizeOrUnknown(expr: Expr): Range {
    return this.#sizeOf(expr) ?? UNKNOWN;
  }

  #sizeOf(expr: Expr): Range | undefined {
    const known = this.#sizes.get(expr) ?? literalSize(expr);
    if (known !== undefined) return known;
    const path = this.#pathOf(expr);
    const declared = path.length === 0 || path[0] === ACCUMULATOR ? undefined : this.#declaredSize(path);
    if (declared !== undefined) return declared;
    const scalar = scalarSize(this.#checked.typeOf(expr));
    if (scalar !== undefined) return scalar;
    return expr.kind === 'ident' ? this.#locals.get(expr.name)?.size : undefined;
  }

  #declaredSize(path: Path): Range | undefined {
    // As upstream, which starts at the schema whatever the path's root: paths lost on the way, such as that of `c ? self.list : []`, start there too.
    let type = this.#declared.get(path[0] ?? '') ?? this.#root;
    for (const step of path.slice(1)) {
      if (step === '@items' || step === '@values') type = type?.element;
      else type = step === '@keys' ? type?.key : type?.fields?.get(step)?.type;
    }
    return type === undefined ? undefined : { min: 0, max: type.maxElements };
  }

  #entriesOf(expr: Expr): EntrySizes | undefined {
    return this.#entrySizes.get(expr) ?? (expr.kind === 'ident' ? this.#locals.get(expr.name)?.entries : undefined);
  }
}

// A comprehension that never loops: what optMap makes of its variable.
function isBinding(expr: Comprehension): boolean {
  return expr.range.kind === 'list' && expr.range.elements.length === 0 && expr.condition.kind === 'literal' && expr.condition.value === false;
}

function unionEntries(a: EntrySizes | undefined, b: EntrySizes | undefined): EntrySizes | undefined {
  return a === undefined || b === undefined ? undefined : { container: a.container, key: union(a.key, b.key), value: union(a.value, b.value) };
}

function literalSize(expr: Expr): Range | undefined {
  if (expr.kind === 'list') return exactly(expr.elements.length);
  if (expr.kind === 'map') return exactly(expr.entries.length);
  return expr.kind === 'literal' ? exactly(sizeOfLiteral(expr.value)) : undefined;
}

function sizeOfLiteral(value: CelValue): number {
  if (typeof value === 'string') return codePoints(value);
  return value instanceof Uint8Array ? value.length : 1;
}

// Sizes of one: numbers, and what stands for a type.
const SCALARS: ReadonlySet<string> = new Set(['bool', 'double', 'duration', 'int', 'timestamp', 'uint', 'type', 'null']);

function scalarSize(type: CelType): Range | undefined {
  const inner = optionalValueOf(type);
  if (inner !== undefined) return scalarSize(inner);
  return SCALARS.has(type.kind) ? exactly(1) : undefined;
}

import { add, exactly, multiply, scale, TRAVERSAL } from '../estimate.ts';
import { OPERATORS } from '../expr.ts';
import { arithmetic, compare, concat, equals, int } from '../operations.ts';
import { overloads, type Overload, type OverloadBody } from '../overload.ts';
import { CelError, noSuchOverload } from '../problem.ts';
import { matchesRegex } from '../regex.ts';
import { CelDuration, CelTimestamp } from '../time.ts';
import { CelList, CelLiteralMap, CelOptional, CelTypeValue, CelUint, describeKey, isMap, isOpaque, NONE, sizeOf, type CelValue } from '../value.ts';
import { typeOfValue } from '../type-of.ts';
import { comparisonCost, joinCost, regexCost, sizeAt, traversal, valueSize } from './cost-rules.ts';

// How the planner treats these is its own; here are their types.
function logic(): readonly Overload[] {
  const unused: OverloadBody['run'] = () => {
    throw noSuchOverload();
  };
  return [
    ...overloads(OPERATORS.and, ['(bool, bool): bool'], unused),
    ...overloads(OPERATORS.or, ['(bool, bool): bool'], unused),
    ...overloads(OPERATORS.conditional, ['(bool, A, A): A'], unused),
    ...overloads(OPERATORS.notStrictlyFalse, ['(bool): bool'], unused),
    ...overloads(OPERATORS.not, ['(bool): bool'], ([value]) => !(value === true)),
    ...overloads('dyn', ['(A): dyn'], ([value = null]) => value),
    ...overloads('type', ['(A): type(A)'], ([value = null]) => new CelTypeValue(typeOfValue(value))),
  ];
}

// Equality of libraries' values is one step (apiserver library/cost.go).
const equalityCost: Pick<OverloadBody, 'cost' | 'estimate'> = {
  cost: (args) => (args[0] !== undefined && isOpaque(args[0]) ? 1 : comparisonCost.cost(args)),
  estimate: (args) => {
    const types = args.map((arg) => arg.type);
    const isLibrary = types.every((type) => type.kind === 'opaque' && type.name !== 'optional_type');
    return isLibrary ? { cost: exactly(1) } : comparisonCost.estimate(args);
  },
};

function equality(): readonly Overload[] {
  return [
    ...overloads(OPERATORS.equals, ['(A, A): bool'], { ...equalityCost, run: ([a = null, b = null]) => equals(a, b) }),
    ...overloads(OPERATORS.notEquals, ['(A, A): bool'], { ...comparisonCost, run: ([a = null, b = null]) => !equals(a, b) }),
  ];
}

const NUMBERS = ['int', 'uint', 'double'];

function ordering(): readonly Overload[] {
  const pairs = NUMBERS.flatMap((a) => NUMBERS.map((b) => `(${a}, ${b}): bool`));
  const scalars = ['(bool, bool): bool', ...pairs, '(timestamp, timestamp): bool', '(duration, duration): bool'];
  const operators: readonly (readonly [string, (order: number) => boolean])[] = [
    [OPERATORS.less, (order) => order < 0],
    [OPERATORS.lessEquals, (order) => order <= 0],
    [OPERATORS.greater, (order) => order > 0],
    [OPERATORS.greaterEquals, (order) => order >= 0],
  ];
  return operators.flatMap(([name, test]) => {
    const run: OverloadBody['run'] = ([a = null, b = null]) => test(compare(a, b));
    return [...overloads(name, scalars, run), ...overloads(name, ['(string, string): bool', '(bytes, bytes): bool'], { ...comparisonCost, run })];
  });
}

function sums(): readonly Overload[] {
  return [
    ...overloads(OPERATORS.add, ['(int, int): int', '(uint, uint): uint', '(double, double): double'], ([a = null, b = null]) => arithmetic('+', a, b)),
    ...overloads(OPERATORS.add, ['(string, string): string'], { ...joinCost, run: ([a, b]) => `${String(a)}${String(b)}` }),
    ...overloads(OPERATORS.add, ['(bytes, bytes): bytes'], { ...joinCost, run: ([a, b]) => joinBytes(a, b) }),
    ...overloads(OPERATORS.add, ['(list(A), list(A)): list(A)'], {
      run: ([a, b]) => (a instanceof CelList && b instanceof CelList ? concat(a, b) : rejected()),
      estimate: (args) => ({ cost: exactly(1), resultSize: add(sizeAt(args, 0), sizeAt(args, 1)) }),
    }),
    ...overloads(
      OPERATORS.add,
      ['(duration, duration): duration', '(duration, timestamp): timestamp', '(timestamp, duration): timestamp'],
      ([a = null, b = null]) => addTimes(a, b, 1n),
    ),
    ...overloads(OPERATORS.subtract, ['(int, int): int', '(uint, uint): uint', '(double, double): double'], ([a = null, b = null]) => arithmetic('-', a, b)),
    ...overloads(
      OPERATORS.subtract,
      ['(duration, duration): duration', '(timestamp, duration): timestamp', '(timestamp, timestamp): duration'],
      ([a = null, b = null]) => addTimes(a, b, -1n),
    ),
  ];
}

function rejected(): never {
  throw noSuchOverload();
}

function joinBytes(a: CelValue | undefined, b: CelValue | undefined): Uint8Array {
  return a instanceof Uint8Array && b instanceof Uint8Array ? Uint8Array.from([...a, ...b]) : rejected();
}

function addTimes(a: CelValue, b: CelValue, sign: bigint): CelValue {
  if (a instanceof CelTimestamp && b instanceof CelTimestamp) return new CelDuration(a.nanos - b.nanos);
  if (a instanceof CelTimestamp && b instanceof CelDuration) return new CelTimestamp(a.nanos + sign * b.nanos, a.offsetSeconds);
  if (a instanceof CelDuration && b instanceof CelTimestamp) return new CelTimestamp(a.nanos + b.nanos, b.offsetSeconds);
  return a instanceof CelDuration && b instanceof CelDuration ? new CelDuration(a.nanos + sign * b.nanos) : rejected();
}

function products(): readonly Overload[] {
  const all = ['(int, int): int', '(uint, uint): uint', '(double, double): double'];
  return [
    ...overloads(OPERATORS.multiply, all, ([a = null, b = null]) => arithmetic('*', a, b)),
    ...overloads(OPERATORS.divide, all, ([a = null, b = null]) => arithmetic('/', a, b)),
    ...overloads(OPERATORS.modulo, all.slice(0, 2), ([a = null, b = null]) => arithmetic('%', a, b)),
    ...overloads(OPERATORS.negate, ['(int): int', '(double): double'], ([a = null]) =>
      typeof a === 'bigint' ? int(-a) : typeof a === 'number' ? -a : rejected(),
    ),
  ];
}

/** The item or value at a key. Throws `CelError` when it is absent. */
export function valueAt(container: CelValue, key: CelValue): CelValue {
  const found = findAt(container, key);
  if (found !== undefined) return found;
  throw new CelError(container instanceof CelList ? `index out of bounds: ${describeKey(key)}` : `no such key: ${describeKey(key)}`);
}

// The item or value at a key, or undefined. Throws for a key of a type that no container of this kind has.
function findAt(container: CelValue, key: CelValue): CelValue | undefined {
  if (isMap(container)) return container.get(key);
  if (!(container instanceof CelList)) throw noSuchOverload();
  const index = key instanceof CelUint ? key.value : key;
  if (typeof index !== 'bigint' && !(typeof index === 'number' && Number.isInteger(index))) throw noSuchOverload();
  return index >= 0 && index < container.size ? container.at(Number(index)) : undefined;
}

/** The same for a container that may be absent, with an answer that may be. */
export function optionalAt(container: CelValue, key: CelValue): CelOptional {
  const inner = container instanceof CelOptional ? container.value : container;
  if (inner === undefined) return NONE;
  const found = findAt(inner, key);
  return found === undefined ? NONE : new CelOptional(found);
}

function access(): readonly Overload[] {
  return [
    ...overloads(OPERATORS.index, ['(list(A), int): A', '(map(A, B), A): B'], ([a = null, b = null]) => valueAt(a, b)),
    ...overloads(OPERATORS.index, ['(optional(list(A)), int): optional(A)', '(optional(map(A, B)), A): optional(B)'], ([a = null, b = null]) =>
      optionalAt(a, b),
    ),
    ...overloads(
      OPERATORS.optIndex,
      ['(list(A), int): optional(A)', '(optional(list(A)), int): optional(A)', '(map(A, B), A): optional(B)', '(optional(map(A, B)), A): optional(B)'],
      ([a = null, b = null]) => optionalAt(a, b),
    ),
    ...overloads(OPERATORS.optSelect, ['(dyn, string): optional(dyn)'], ([a = null, b = null]) => optionalAt(a, b)),
    ...overloads(OPERATORS.in, ['(A, list(A)): bool'], {
      run: ([item = null, list]) => list instanceof CelList && includes(list, item),
      cost: (args) => valueSize(args, 1),
      estimate: (args) => ({ cost: sizeAt(args, 1) }),
    }),
    ...overloads(OPERATORS.in, ['(A, map(A, B)): bool'], ([key = null, map = null]) => isMap(map) && map.has(key)),
    ...overloads(
      'size',
      ['string', 'bytes', 'list(A)', 'map(A, B)'].flatMap((type) => [`(${type}): int`, `${type}.(): int`]),
      ([value = null]) => BigInt(sizeOf(value)),
    ),
    ...overloads(OPERATORS.mapInsert, ['(map(A, B), A, B): map(A, B)'], ([map = null, key = null, value = null]) => {
      // The accumulator of a macro, which nobody else has seen.
      if (!(map instanceof CelLiteralMap)) throw noSuchOverload();
      map.insert(key, value);
      return map;
    }),
    ...overloads(OPERATORS.mapInsert, ['(map(A, B), map(A, B)): map(A, B)'], ([map = null, entries = null]) => {
      if (!(map instanceof CelLiteralMap) || !isMap(entries)) throw noSuchOverload();
      for (const key of entries.keys()) map.insert(key, entries.get(key) ?? null);
      return map;
    }),
  ];
}

function includes(list: CelList, item: CelValue): boolean {
  for (const candidate of list) if (equals(candidate, item)) return true;
  return false;
}

function texts(): readonly Overload[] {
  const contains: OverloadBody = {
    run: ([text, part]) => String(text).includes(String(part)),
    cost: (args) => Math.ceil(valueSize(args, 0) * TRAVERSAL) * Math.ceil(valueSize(args, 1) * TRAVERSAL),
    estimate: (args) => ({ cost: multiply(scale(sizeAt(args, 0), TRAVERSAL), scale(sizeAt(args, 1), TRAVERSAL)) }),
  };
  const { cost, estimate } = traversal(1);
  return [
    ...overloads('contains', ['string.(string): bool'], contains),
    ...overloads('startsWith', ['string.(string): bool'], { cost, estimate, run: ([text, part]) => String(text).startsWith(String(part)) }),
    ...overloads('endsWith', ['string.(string): bool'], { cost, estimate, run: ([text, part]) => String(text).endsWith(String(part)) }),
    ...overloads('matches', ['(string, string): bool', 'string.(string): bool'], {
      ...regexCost,
      run: ([text, pattern]) => matchesRegex(String(pattern), String(text)),
    }),
  ];
}

/** The operators and functions of the language itself (cel-spec, standard definitions), besides conversions and times. */
export const STANDARD: readonly Overload[] = [...logic(), ...equality(), ...ordering(), ...sums(), ...products(), ...access(), ...texts()];

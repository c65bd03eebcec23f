import { CelError, noSuchOverload } from './problem.ts';
import { CelDuration, CelTimestamp } from './time.ts';
import { CelList, CelOptional, CelTypeValue, CelUint, isMap, isOpaque, type CelMap, type ListIdentity, type CelValue } from './value.ts';
import { formatType, sameType } from './cel-type.ts';

/** Whether two values are equal: numbers by value, containers by what they hold, values of different types never. */
export function equals(a: CelValue, b: CelValue): boolean {
  const numeric = compareNumbers(a, b);
  if (numeric !== undefined) return numeric === 0;
  if (a === b) return true;
  if (typeof a !== 'object' || typeof b !== 'object' || a === null || b === null) return false;
  if (a instanceof CelList) return b instanceof CelList && equalLists(a, b);
  if (a instanceof Uint8Array) return b instanceof Uint8Array && compareBytes(a, b) === 0;
  if (a instanceof CelTypeValue) return b instanceof CelTypeValue && equalTypes(a, b);
  if (a instanceof CelOptional) return b instanceof CelOptional && equalOptionals(a, b);
  if (isMap(a)) return isMap(b) && equalMaps(a, b);
  return isOpaque(a) && a.equals(b);
}

function equalOptionals(a: CelOptional, b: CelOptional): boolean {
  if (a.value === undefined || b.value === undefined) return a.value === b.value;
  return equals(a.value, b.value);
}

// The types of values say what they are, not what they hold: list(int) and list(string) are both list.
function equalTypes({ type: a }: CelTypeValue, { type: b }: CelTypeValue): boolean {
  if (a.kind !== b.kind) return false;
  if (a.kind === 'opaque' && b.kind === 'opaque') return a.name === b.name;
  return a.kind === 'object' ? formatType(a) === formatType(b) : a.kind === 'list' || a.kind === 'map' || sameType(a, b);
}

function equalMaps(a: CelMap, b: CelMap): boolean {
  if (a.size !== b.size) return false;
  // Fields that no expression sees count too.
  if (a.data !== undefined && b.data !== undefined && !equalUnseen(a, a.data, b.data)) return false;
  for (const key of a.keys()) {
    const [left, right] = [a.get(key), b.get(key)];
    if (left === undefined || right === undefined || !equals(left, right)) return false;
  }
  return true;
}

function equalUnseen(seen: CelMap, a: Readonly<Record<string, unknown>>, b: Readonly<Record<string, unknown>>): boolean {
  const [first, second] = [Object.keys(a), Object.keys(b)];
  return first.length === second.length && first.every((key) => Object.hasOwn(b, key) && (seen.has(key) || textOf(a[key]) === textOf(b[key])));
}

// One text for equal JSON.
function textOf(data: unknown): string {
  if (Array.isArray(data)) return `[${data.map(textOf).join()}]`;
  if (typeof data !== 'object' || data === null) return JSON.stringify(data) ?? 'null';
  return `{${Object.entries(data)
    .map(([key, value]) => `${JSON.stringify(key)}:${textOf(value)}`)
    .toSorted()
    .join()}}`;
}

// Lists that a schema calls sets or maps are equal in any order (x-kubernetes-list-type).
function equalLists(a: CelList, b: CelList): boolean {
  if (a.size !== b.size) return false;
  const identity = a.identity ?? b.identity;
  if (identity === undefined) {
    for (let index = 0; index < a.size; index += 1) if (!equals(a.at(index), b.at(index))) return false;
    return true;
  }
  const byIdentity = new Map([...b].map((item) => [identityOf(identity, item), item]));
  for (const item of a) {
    const other = byIdentity.get(identityOf(identity, item));
    if (other === undefined || !equals(item, other)) return false;
  }
  return true;
}

function identityOf(identity: ListIdentity, item: CelValue): string {
  if (identity.kind !== 'map') return describeScalar(item);
  return JSON.stringify(identity.keys.map((key) => (isMap(item) ? describeKeyed(item, key) : '')));
}

// Keys are named as the schema names them, which expressions may not be able to.
function describeKeyed(item: CelMap, key: string): string {
  if (item.data === undefined) return describeScalar(item.get(key) ?? null);
  const value = item.data[key];
  return typeof value === 'number' ? `n${value}` : textOf(value);
}

// One text for equal scalars, and for containers one for equal contents as far as sets of a schema may hold them.
function describeScalar(value: CelValue): string {
  if (typeof value === 'bigint' || typeof value === 'number') return `n${value}`;
  if (value instanceof CelUint) return `n${value.value}`;
  if (value instanceof CelList) return `[${[...value].map(describeScalar).join()}]`;
  if (typeof value === 'object' && value !== null && isMap(value))
    return `{${[...value.keys()]
      .map((key) => `${describeScalar(key)}:${describeScalar(value.get(key) ?? null)}`)
      .toSorted()
      .join()}}`;
  return JSON.stringify(value) ?? 'null';
}

/** The two lists joined as their kind wants it: sets without repeating, map lists with later items replacing earlier ones. */
export function concat(a: CelList, b: CelList): CelList {
  const { identity } = a;
  if (identity === undefined) return a.append(b);
  const items = new Map([...a].map((item) => [identityOf(identity, item), item]));
  for (const item of b) {
    const id = identityOf(identity, item);
    if (identity.kind === 'map' || !items.has(id)) items.set(id, item);
  }
  return new CelList([...items.values()], items.size, identity);
}

/** Negative, zero or positive when both are numbers, whatever their types; NaN compares with nothing; undefined for other values. */
function compareNumbers(a: CelValue, b: CelValue): number | undefined {
  const left = a instanceof CelUint ? a.value : a;
  const right = b instanceof CelUint ? b.value : b;
  if ((typeof left !== 'bigint' && typeof left !== 'number') || (typeof right !== 'bigint' && typeof right !== 'number')) return undefined;
  if (typeof left === typeof right) return order(left, right);
  // As doubles, like cel-go: the largest int equals 2^63.
  return order(Number(left), Number(right));
}

function order<T extends bigint | number>(a: T, b: T): number {
  return a < b ? -1 : a > b ? 1 : a >= b ? 0 : Number.NaN;
}

/** Orders two values of one ordered type, or two numbers. Throws `CelError` for others. */
export function compare(a: CelValue, b: CelValue): number {
  const numeric = compareNumbers(a, b);
  if (numeric !== undefined) return numeric;
  if (typeof a === 'string' && typeof b === 'string') return compareText(a, b);
  if (typeof a === 'boolean' && typeof b === 'boolean') return Number(a) - Number(b);
  if (a instanceof Uint8Array && b instanceof Uint8Array) return compareBytes(a, b);
  if ((a instanceof CelDuration && b instanceof CelDuration) || (a instanceof CelTimestamp && b instanceof CelTimestamp))
    return a.nanos < b.nanos ? -1 : a.nanos > b.nanos ? 1 : 0;
  throw noSuchOverload();
}

// By code points, as Go compares UTF-8: surrogate pairs come after every other character.
function compareText(a: string, b: string): number {
  if (a === b) return 0;
  let at = 0;
  while (at < a.length && at < b.length && a.charCodeAt(at) === b.charCodeAt(at)) at += 1;
  // A difference inside a pair is one of the pair.
  if (at > 0 && isLowSurrogate(a.charCodeAt(at))) at -= 1;
  return (a.codePointAt(at) ?? -1) - (b.codePointAt(at) ?? -1);
}

function isLowSurrogate(code: number): boolean {
  return code >= 0xdc00 && code <= 0xdfff;
}

function compareBytes(a: Uint8Array, b: Uint8Array): number {
  for (let at = 0; at < Math.min(a.length, b.length); at += 1) {
    const difference = (a[at] ?? 0) - (b[at] ?? 0);
    if (difference !== 0) return difference;
  }
  return a.length - b.length;
}

const MAX_INT = (1n << 63n) - 1n;
const MIN_INT = -(1n << 63n);
const MAX_UINT = (1n << 64n) - 1n;

/** The int, unless it does not fit 64 bits: then throws `CelError`. */
export function int(value: bigint): bigint {
  if (value > MAX_INT || value < MIN_INT) throw new CelError('integer overflow');
  return value;
}

/** The uint, unless it does not fit 64 bits: then throws `CelError`. */
export function uint(value: bigint): CelUint {
  if (value > MAX_UINT || value < 0n) throw new CelError('unsigned integer overflow');
  return new CelUint(value);
}

type Arithmetic = '+' | '-' | '*' | '/' | '%';

/** Arithmetic on two numbers of one type. Throws `CelError` for overflow, division by zero and mixed types. */
export function arithmetic(operator: Arithmetic, a: CelValue, b: CelValue): CelValue {
  if (typeof a === 'bigint' && typeof b === 'bigint') return int(exact(operator, a, b));
  if (typeof a === 'number' && typeof b === 'number') return inexact(operator, a, b);
  if (a instanceof CelUint && b instanceof CelUint) return uint(exact(operator, a.value, b.value));
  throw noSuchOverload();
}

function exact(operator: Arithmetic, a: bigint, b: bigint): bigint {
  switch (operator) {
    case '+':
      return a + b;
    case '-':
      return a - b;
    case '*':
      return a * b;
    case '/':
      if (b === 0n) throw new CelError('division by zero');
      return a / b;
    case '%':
      if (b === 0n) throw new CelError('modulus by zero');
      return a % b;
  }
}

function inexact(operator: Arithmetic, a: number, b: number): number {
  switch (operator) {
    case '+':
      return a + b;
    case '-':
      return a - b;
    case '*':
      return a * b;
    case '/':
      return a / b;
    case '%':
      throw noSuchOverload();
  }
}

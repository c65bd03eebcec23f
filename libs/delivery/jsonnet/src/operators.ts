import { runtimeError, type Machine } from './machine.ts';
import { compareText, JsonnetArray, JsonnetFunction, JsonnetObject, typeOf, type Value } from './value.ts';
import { formatPercent } from './std/format.ts';
import { toText } from './manifest.ts';

/** Operators on values that were worked out. */
export interface Operators {
  readonly add: (left: Value, right: Value) => Value;
  readonly binary: (operator: string, left: Value, right: Value) => Value;
}

/** The operators of one evaluation. */
export function createOperators(machine: Machine): Operators {
  function add(left: Value, right: Value): Value {
    if (typeof left === 'string' || typeof right === 'string') {
      const [a, b] = [toText(machine, left), toText(machine, right)];
      machine.chargeText(a.length + b.length);
      return a + b;
    }
    if (left instanceof JsonnetArray && right instanceof JsonnetArray) {
      machine.chargeItems(left.items.length + right.items.length);
      return new JsonnetArray([...left.items, ...right.items]);
    }
    if (left instanceof JsonnetObject && right instanceof JsonnetObject) {
      machine.chargeItems(left.layers.length + right.layers.length);
      return left.extend(right);
    }
    return finite(mustNumber(left, '+') + mustNumber(right, '+'));
  }

  function binary(operator: string, left: Value, right: Value): Value {
    switch (operator) {
      case '+':
        return add(left, right);
      case '%':
        if (typeof left === 'string') return formatPercent(machine, left, right);
        return modulo(mustNumber(left, '%'), mustNumber(right, '%'));
      case '==':
        return equals(left, right);
      case '!=':
        return !equals(left, right);
      case '<':
        return compare(left, right) < 0;
      case '>':
        return compare(left, right) > 0;
      case '<=':
        return compare(left, right) <= 0;
      case '>=':
        return compare(left, right) >= 0;
      case 'in':
        if (!(right instanceof JsonnetObject)) throw unexpected(right, 'object', 'in');
        if (typeof left !== 'string') throw unexpected(left, 'string', 'in');
        return right.has(left);
      default:
        return arithmetic(operator, mustNumber(left, operator), mustNumber(right, operator));
    }
  }

  return { add, binary };
}

function arithmetic(operator: string, left: number, right: number): number {
  switch (operator) {
    case '-':
      return finite(left - right);
    case '*':
      return finite(left * right);
    case '/':
      if (right === 0) throw runtimeError('Division by zero.');
      return finite(left / right);
    case '<<':
      if (right < 0) throw runtimeError('Shift by negative exponent.');
      return Number(BigInt.asIntN(64, toInteger(left) << (toInteger(right) % 64n)));
    case '>>':
      if (right < 0) throw runtimeError('Shift by negative exponent.');
      return Number(toInteger(left) >> (toInteger(right) % 64n));
    case '&':
      return Number(toInteger(left) & toInteger(right));
    case '|':
      return Number(toInteger(left) | toInteger(right));
    case '^':
      return Number(toInteger(left) ^ toInteger(right));
    default:
      throw new TypeError(`no operator ${operator}`);
  }
}

/** `~n`, on 64-bit integers. */
export function complement(value: number): number {
  return Number(~toInteger(value));
}

/** The remainder with the sign of the dividend. */
export function modulo(left: number, right: number): number {
  if (right === 0) throw runtimeError('Division by zero.');
  return left % right;
}

function toInteger(value: number): bigint {
  return BigInt(Math.trunc(value));
}

/** A number that is one: overflow is an error of the language. */
export function finite(value: number): number {
  if (Number.isNaN(value)) throw runtimeError('Not a number');
  if (!Number.isFinite(value)) throw runtimeError('Overflow');
  return value;
}

function mustNumber(value: Value, operator: string): number {
  if (typeof value !== 'number') throw unexpected(value, 'number', operator);
  return value;
}

function unexpected(value: Value, wanted: string, operator: string): Error {
  return runtimeError(`Unexpected type ${typeOf(value)}, expected ${wanted} (operator ${operator})`);
}

/** Deep equality. Functions are not compared. */
export function equals(left: Value, right: Value): boolean {
  if (typeOf(left) !== typeOf(right)) return false;
  if (left instanceof JsonnetFunction) throw runtimeError('Cannot test equality of functions');
  if (left instanceof JsonnetArray && right instanceof JsonnetArray) {
    if (left.items.length !== right.items.length) return false;
    return left.items.every((item, index) => equals(item.force(), right.items[index]?.force() ?? null));
  }
  if (!(left instanceof JsonnetObject && right instanceof JsonnetObject)) return left === right;
  const names = left.names(false);
  const others = right.names(false);
  if (names.length !== others.length || names.some((name, index) => name !== others[index])) return false;
  left.check();
  right.check();
  return names.every((name) => equals(left.get(name), right.get(name)));
}

/** Order of numbers, texts and lists of them. */
export function compare(left: Value, right: Value): number {
  if (typeof left === 'number' && typeof right === 'number') return left - right;
  if (typeof left === 'string' && typeof right === 'string') return compareText(left, right);
  if (!(left instanceof JsonnetArray && right instanceof JsonnetArray))
    throw runtimeError(
      typeOf(left) === typeOf(right) ? `Values of type ${typeOf(left)} are not comparable.` : `Unexpected type ${typeOf(right)}, expected ${typeOf(left)}`,
    );
  for (const [index, item] of left.items.entries()) {
    const other = right.items[index];
    if (other === undefined) return 1;
    const order = compare(item.force(), other.force());
    if (order !== 0) return order;
  }
  return left.items.length - right.items.length;
}

import { goInt64, type GoValue } from '../go/value.ts';
import { GoError } from '../template/errors.ts';
import type { TemplateFunction } from '../template/function-table.ts';
import { toFloat64, toInt64 } from './convert.ts';
import { addDecimals, decimalOf, divideDecimals, floatOf, multiplyDecimals, subtractDecimals, type Decimal } from './decimal.ts';
import { asFloat, asInt, define, type FunctionGroup } from './define.ts';

const max = define('any, ...any', (args) => goInt64(args.map(toInt64).reduce((a, b) => (b > a ? b : a))));

/** Sprig's arithmetic: int64 by spf13/cast, or decimals for the functions that end in f. */
export const numbers: FunctionGroup = {
  add: define('...any', (args) => goInt64(args.map(toInt64).reduce((a, b) => a + b, 0n))),
  add1: define('any', ([value]) => goInt64(toInt64(value) + 1n)),
  sub: define('any, any', ([a, b]) => goInt64(toInt64(a) - toInt64(b))),
  div: define('any, any', ([a, b]) => goInt64(toInt64(a) / divisor(b))),
  mod: define('any, any', ([a, b]) => goInt64(toInt64(a) % divisor(b))),
  mul: define('any, ...any', ([a, ...others]) => goInt64(others.reduce<bigint>((product, other) => BigInt.asIntN(64, product * toInt64(other)), toInt64(a)))),
  add1f: define('any', ([value]) => decimals(addDecimals, [value ?? null, 1])),
  addf: define('...any', (args) => decimals(addDecimals, [0, ...args])),
  subf: define('any, ...any', (args) => decimals(subtractDecimals, args)),
  divf: define('any, ...any', (args) => decimals(divideDecimals, args)),
  mulf: define('any, ...any', (args) => decimals(multiplyDecimals, args)),
  max,
  biggest: max,
  min: define('any, ...any', (args) => goInt64(args.map(toInt64).reduce((a, b) => (b < a ? b : a)))),
  maxf: define('any, ...any', (args) => args.map(toFloat64).reduce((a, b) => Math.max(a, b))),
  minf: define('any, ...any', (args) => args.map(toFloat64).reduce((a, b) => Math.min(a, b))),
  ceil: ofFloat(Math.ceil),
  floor: ofFloat(Math.floor),
  round: define('any, int, ...float64', ([value, places, on]) => round(toFloat64(value), asInt(places), on === undefined ? 0.5 : asFloat(on))),
};

function divisor(value: GoValue | undefined): bigint {
  const by = toInt64(value);
  if (by === 0n) throw new GoError('runtime error: integer divide by zero');
  return by;
}

function ofFloat(call: (value: number) => number): TemplateFunction {
  return define('any', ([value]) => call(toFloat64(value)));
}

function decimals(operation: (a: Decimal, b: Decimal) => Decimal, args: readonly GoValue[]): number {
  return floatOf(args.map((arg) => decimalOf(toFloat64(arg))).reduce(operation));
}

function round(value: number, places: number, on: number): number {
  const power = 10 ** places;
  const digit = power * value;
  const fraction = digit - Math.trunc(digit);
  return (fraction >= on ? Math.ceil(digit) : Math.floor(digit)) / power;
}

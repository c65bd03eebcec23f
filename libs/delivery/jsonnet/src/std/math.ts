import { finite, modulo } from '../operators.ts';
import { formatPercent } from './format.ts';
import { fn, num, type StdFunction, type StdFunctions } from './define.ts';

const unary = (compute: (x: number) => number): StdFunction => fn('x', (_, x) => finite(compute(num(x))));

/** Numbers. */
export const mathFunctions: StdFunctions = {
  abs: fn('n', (_, n) => Math.abs(num(n))),
  sign: fn('n', (_, n) => Math.sign(num(n))),
  max: fn('a b', (_, a, b) => Math.max(num(a), num(b))),
  min: fn('a b', (_, a, b) => Math.min(num(a), num(b))),
  clamp: fn('x minVal maxVal', (_, x, low, high) => (num(x) < num(low) ? num(low) : Math.min(num(x), num(high)))),
  pow: fn('x n', (_, x, n) => finite(num(x) ** num(n))),
  mod: fn('a b', ({ machine }, a, b) => {
    const left = a.force();
    return typeof left === 'string' ? formatPercent(machine, left, b.force()) : modulo(num(a), num(b));
  }),
  modulo: fn('x y', (_, x, y) => modulo(num(x), num(y))),
  exp: unary(Math.exp),
  log: unary(Math.log),
  log2: unary(Math.log2),
  log10: unary(Math.log10),
  sqrt: unary(Math.sqrt),
  sin: unary(Math.sin),
  cos: unary(Math.cos),
  tan: unary(Math.tan),
  asin: unary(Math.asin),
  acos: unary(Math.acos),
  atan: unary(Math.atan),
  atan2: fn('y x', (_, y, x) => Math.atan2(num(y), num(x))),
  hypot: fn('a b', (_, a, b) => finite(Math.hypot(num(a), num(b)))),
  deg2rad: unary((x) => (x * Math.PI) / 180),
  rad2deg: unary((x) => (x * 180) / Math.PI),
  floor: unary(Math.floor),
  ceil: unary(Math.ceil),
  round: unary((x) => Math.floor(x + 0.5)),
  exponent: unary((x) => exponentOf(x)),
  mantissa: unary((x) => (x === 0 ? 0 : x / 2 ** exponentOf(x))),
  isEven: fn('x', (_, x) => Math.round(num(x)) % 2 === 0),
  isOdd: fn('x', (_, x) => Math.abs(Math.round(num(x)) % 2) === 1),
  isInteger: fn('x', (_, x) => Number.isInteger(num(x))),
  isDecimal: fn('x', (_, x) => !Number.isInteger(num(x))),
};

// x = mantissa · 2^exponent with the mantissa in [0.5, 1), as C's frexp has it.
function exponentOf(x: number): number {
  if (x === 0) return 0;
  let exponent = Math.floor(Math.log2(Math.abs(x))) + 1;
  while (Math.abs(x) / 2 ** exponent >= 1) exponent += 1;
  while (Math.abs(x) / 2 ** exponent < 0.5) exponent -= 1;
  return exponent;
}

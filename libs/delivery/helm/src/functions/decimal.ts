/** A decimal number: coefficient × 10^exponent. Sprig's addf, subf, mulf and divf calculate in these. */
export interface Decimal {
  readonly coefficient: bigint;
  readonly exponent: number;
}

const DIVISION_DIGITS = 16;

/** The decimal with the shortest digits that read back as the float. */
export function decimalOf(value: number): Decimal {
  if (!Number.isFinite(value)) throw new Error(`Cannot create a Decimal from ${value}`);
  const [mantissa = '0', power = '0'] = value.toExponential().split('e');
  const [whole = '0', fraction = ''] = mantissa.split('.');
  return { coefficient: BigInt(whole + fraction), exponent: Number(power) - fraction.length };
}

/** The nearest float. */
export function floatOf(value: Decimal): number {
  return Number(`${value.coefficient}e${value.exponent}`);
}

/** a + b. */
export function addDecimals(a: Decimal, b: Decimal): Decimal {
  const exponent = Math.min(a.exponent, b.exponent);
  return { coefficient: scaled(a, exponent) + scaled(b, exponent), exponent };
}

/** a − b. */
export function subtractDecimals(a: Decimal, b: Decimal): Decimal {
  return addDecimals(a, { ...b, coefficient: -b.coefficient });
}

/** a × b. */
export function multiplyDecimals(a: Decimal, b: Decimal): Decimal {
  return { coefficient: a.coefficient * b.coefficient, exponent: a.exponent + b.exponent };
}

/** a ÷ b to 16 places, rounded half away from zero. Throws on division by zero. */
export function divideDecimals(a: Decimal, b: Decimal): Decimal {
  if (b.coefficient === 0n) throw new Error('decimal division by 0');
  const shift = a.exponent - b.exponent + DIVISION_DIGITS;
  const top = shift >= 0 ? a.coefficient * 10n ** BigInt(shift) : a.coefficient;
  const bottom = shift >= 0 ? b.coefficient : b.coefficient * 10n ** BigInt(-shift);
  const quotient = top / bottom;
  const rest = top % bottom;
  const isUp = size(rest) * 2n >= size(bottom);
  const step = top < 0n === bottom < 0n ? 1n : -1n;
  return { coefficient: isUp ? quotient + step : quotient, exponent: -DIVISION_DIGITS };
}

function scaled(value: Decimal, exponent: number): bigint {
  return value.coefficient * 10n ** BigInt(value.exponent - exponent);
}

function size(value: bigint): bigint {
  return value < 0n ? -value : value;
}

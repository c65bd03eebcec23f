// A Quantity is kept exactly, as an integer count of nano units: the smallest step Kubernetes can hold is 1n.
const NANO = 1_000_000_000n;
const BINARY: Readonly<Record<string, bigint>> = { Ki: 1n << 10n, Mi: 1n << 20n, Gi: 1n << 30n, Ti: 1n << 40n, Pi: 1n << 50n, Ei: 1n << 60n };
const DECIMAL_EXPONENT: Readonly<Record<string, number>> = { n: -9, u: -6, m: -3, '': 0, k: 3, M: 6, G: 9, T: 12, P: 15, E: 18 };

/** An exact resource amount and the family of suffixes it was written with. */
export interface Quantity {
  readonly nano: bigint;
  readonly format: 'decimalSI' | 'binarySI' | 'decimalExponent';
}

/**
 * Reads a quantity as apimachinery's resource.ParseQuantity does (pkg/api/resource/quantity.go): decimal, binary or
 * exponent suffix, rounded up to whole nano units. Undefined when the text is not a quantity.
 */
export function parseQuantity(value: string | number): Quantity | undefined {
  const match = /^([+-]?)(\d*)(?:\.(\d*))?(Ki|Mi|Gi|Ti|Pi|Ei|[numkMGTPE]|[eE][+-]?\d+)?$/.exec(String(value));
  if (match === null) return undefined;
  const [, sign = '', whole = '', fraction = '', suffix = ''] = match;
  if (whole === '' && fraction === '') return undefined;
  const digits = BigInt(`${whole}${fraction}` || '0');
  const binary = BINARY[suffix];
  const isExponent = binary === undefined && /^[eE][+-]?\d/.test(suffix);
  const exponent = isExponent ? Number(suffix.slice(1)) : (DECIMAL_EXPONENT[suffix] ?? 0);
  if (Math.abs(exponent) > 100) return undefined;
  const nano = scaleUp(digits * (binary ?? 1n) * NANO, exponent - fraction.length);
  return { nano: sign === '-' ? -nano : nano, format: binary !== undefined ? 'binarySI' : isExponent ? 'decimalExponent' : 'decimalSI' };
}

// Rounds up, as Kubernetes does with amounts finer than it can hold.
function scaleUp(value: bigint, power: number): bigint {
  if (power >= 0) return value * 10n ** BigInt(power);
  const divisor = 10n ** BigInt(-power);
  return (value + divisor - 1n) / divisor;
}

/** The canonical text of a quantity: no fraction, the largest suffix that loses nothing. */
export function formatQuantity(quantity: Quantity): string {
  const negative = quantity.nano < 0n;
  const nano = negative ? -quantity.nano : quantity.nano;
  const sign = negative ? '-' : '';
  if (nano === 0n) return '0';
  if (quantity.format === 'binarySI' && nano % NANO === 0n && nano / NANO >= 1024n) {
    const units = nano / NANO;
    const [suffix, factor] = Object.entries(BINARY).findLast(([, size]) => units % size === 0n) ?? ['', 1n];
    return `${sign}${units / factor}${suffix}`;
  }
  if (quantity.format === 'binarySI' && nano % NANO === 0n) return `${sign}${nano / NANO}`;
  const [suffix, exponent] = Object.entries(DECIMAL_EXPONENT)
    .toSorted(([, a], [, b]) => a - b)
    .findLast(([, power]) => nano % 10n ** BigInt(power + 9) === 0n) ?? ['n', -9];
  const count = nano / 10n ** BigInt(exponent + 9);
  if (quantity.format === 'decimalExponent') return exponent === 0 ? `${sign}${count}` : `${sign}${count}e${exponent}`;
  return `${sign}${count}${suffix}`;
}

/** The canonical text of whatever way an amount was written, or undefined when it is not a quantity. */
export function canonicalQuantity(value: string | number): string | undefined {
  const quantity = parseQuantity(value);
  return quantity === undefined ? undefined : formatQuantity(quantity);
}

/** The amount in thousandths (CPU millicores), rounded up. Zero for text that is not a quantity. */
export function quantityMilli(value: string | number): number {
  const nano = parseQuantity(value)?.nano ?? 0n;
  return Number((nano + 999_999n) / 1_000_000n);
}

/** The amount in whole units (bytes, pods), rounded up. Zero for text that is not a quantity. */
export function quantityUnits(value: string | number): number {
  const nano = parseQuantity(value)?.nano ?? 0n;
  return Number((nano + NANO - 1n) / NANO);
}

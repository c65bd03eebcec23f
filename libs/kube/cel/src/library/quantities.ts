import { parseQuantity, type Quantity } from '@tiphys/kube-model';
import { overloads, type Overload, type OverloadBody } from '../overload.ts';
import { CelError, noSuchOverload } from '../problem.ts';
import type { CelOpaque, CelValue } from '../value.ts';
import { constantCost, traversal } from './cost-rules.ts';

const NANO = 1_000_000_000n;
const MAX_INT = (1n << 63n) - 1n;
const MIN_INT = -(1n << 63n);

class CelQuantity implements CelOpaque {
  readonly typeName = 'kubernetes.Quantity';
  readonly quantity: Quantity;

  constructor(quantity: Quantity) {
    this.quantity = quantity;
  }

  equals(other: CelValue): boolean {
    return other instanceof CelQuantity && other.quantity.nano === this.quantity.nano;
  }
}

function must(value: CelValue | undefined): Quantity {
  if (!(value instanceof CelQuantity)) throw noSuchOverload();
  return value.quantity;
}

// The other operand of a sum: a quantity, or whole units.
function nanoOf(value: CelValue | undefined): bigint {
  return typeof value === 'bigint' ? value * NANO : must(value).nano;
}

function wholeOf({ nano }: Quantity): bigint | undefined {
  const whole = nano / NANO;
  return nano % NANO === 0n && whole <= MAX_INT && whole >= MIN_INT ? whole : undefined;
}

function read(text: CelValue | undefined): CelQuantity {
  const quantity = parseQuantity(String(text));
  if (quantity === undefined) throw new CelError(QUANTITY_PROBLEM);
  return new CelQuantity(quantity);
}

const QUANTITY_PROBLEM = "quantities must match the regular expression '^([+-]?[0-9.]+)([eEinumkKMGTP]*[-+]?[0-9]*)$'";

const sign = (nano: bigint): bigint => (nano < 0n ? -1n : nano > 0n ? 1n : 0n);
const one = (run: OverloadBody['run']): OverloadBody => ({ ...constantCost(1), run });

/** Kubernetes' functions of quantities (apiserver pkg/cel/library/quantity.go). */
export const QUANTITIES: readonly Overload[] = [
  ...overloads('quantity', ['(string): Quantity'], { ...traversal(), run: ([text]) => read(text) }),
  ...overloads('isQuantity', ['(string): bool'], { ...traversal(), run: ([text]) => parseQuantity(String(text)) !== undefined }),
  ...overloads(
    'sign',
    ['(Quantity): int', 'Quantity.(): int'],
    one(([q]) => sign(must(q).nano)),
  ),
  ...overloads(
    'isGreaterThan',
    ['Quantity.(Quantity): bool'],
    one(([a, b]) => must(a).nano > must(b).nano),
  ),
  ...overloads(
    'isLessThan',
    ['Quantity.(Quantity): bool'],
    one(([a, b]) => must(a).nano < must(b).nano),
  ),
  ...overloads(
    'compareTo',
    ['Quantity.(Quantity): int'],
    one(([a, b]) => sign(must(a).nano - must(b).nano)),
  ),
  ...overloads(
    'asApproximateFloat',
    ['Quantity.(): double'],
    one(([q]) => Number(must(q).nano) / 1e9),
  ),
  ...overloads(
    'isInteger',
    ['Quantity.(): bool'],
    one(([q]) => wholeOf(must(q)) !== undefined),
  ),
  ...overloads(
    'asInteger',
    ['Quantity.(): int'],
    one(([q]) => {
      const whole = wholeOf(must(q));
      if (whole === undefined) throw new CelError('cannot convert value to integer');
      return whole;
    }),
  ),
  ...overloads(
    'add',
    ['Quantity.(Quantity): Quantity', 'Quantity.(int): Quantity'],
    one(([a, b]) => new CelQuantity({ ...must(a), nano: must(a).nano + nanoOf(b) })),
  ),
  ...overloads(
    'sub',
    ['Quantity.(Quantity): Quantity', 'Quantity.(int): Quantity'],
    one(([a, b]) => new CelQuantity({ ...must(a), nano: must(a).nano - nanoOf(b) })),
  ),
];

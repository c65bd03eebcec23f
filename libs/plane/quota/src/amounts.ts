import { formatQuantity, parseQuantity, type Quantity } from '@tiphys/kube-model';

/** Quantities by resource name, as objects carry them. */
export type ResourceList = Readonly<Record<string, string>>;

/** Quantities by resource name, exact and ready to be added. */
export type Amounts = ReadonlyMap<string, Quantity>;

const ZERO: Quantity = { nano: 0n, format: 'decimalSI' };

/** Reads a resource list; what is no quantity is left out. */
export function parseAmounts(list: ResourceList | undefined): Amounts {
  return new Map(
    Object.entries(list ?? {}).flatMap(([name, text]) => {
      const quantity = parseQuantity(text);
      return quantity === undefined ? [] : [[name, quantity] as const];
    }),
  );
}

/** The resource list of amounts, with canonical quantities. */
export function formatAmounts(amounts: Amounts): ResourceList {
  return Object.fromEntries([...amounts].map(([name, quantity]) => [name, formatQuantity(quantity)]));
}

function combine(a: Amounts, b: Amounts, of: (a: bigint, b: bigint) => bigint): Amounts {
  const result = new Map(a);
  for (const [name, quantity] of b) {
    const known = result.get(name);
    result.set(name, { nano: of(known?.nano ?? 0n, quantity.nano), format: known === undefined || known.nano === 0n ? quantity.format : known.format });
  }
  return result;
}

/** The sum, name by name. */
export function addAmounts(a: Amounts, b: Amounts): Amounts {
  return combine(a, b, (left, right) => left + right);
}

/** The difference, name by name; negative where `b` is more. */
export function subtractAmounts(a: Amounts, b: Amounts): Amounts {
  return combine(a, b, (left, right) => left - right);
}

/** The larger, name by name. */
export function maxAmounts(a: Amounts, b: Amounts): Amounts {
  return combine(a, b, (left, right) => (left > right ? left : right));
}

/** Only the named amounts; those that are missing count as zero when `fill` is set. */
export function maskAmounts(amounts: Amounts, names: Iterable<string>, fill: boolean = false): Amounts {
  return new Map(
    [...names].flatMap((name) => {
      const quantity = amounts.get(name) ?? (fill ? ZERO : undefined);
      return quantity === undefined ? [] : [[name, quantity] as const];
    }),
  );
}

import { runtimeError, type Machine } from '../machine.ts';
import { JsonnetArray, typeOf, type Value } from '../value.ts';

/** `target[from:to:step]` for arrays and texts (std.slice): negative bounds count from the end, null stands for the whole. */
export function sliceValue(machine: Machine, target: Value, bounds: readonly Value[]): Value {
  if (typeof target !== 'string' && !(target instanceof JsonnetArray)) throw runtimeError(`std.slice accepts a string or an array, but got: ${typeOf(target)}`);
  const items = typeof target === 'string' ? [...target] : target.items;
  const [from = null, to = null, by = null] = bounds;
  const step = bound(by, 1);
  if (step <= 0) throw runtimeError(`got [${bounds.map(String).join(':')}] but only steps greater than 0 are supported`);
  const start = place(bound(from, 0), items.length);
  const end = place(bound(to, items.length), items.length);
  const picked = items.filter((_, index) => index >= start && index < end && (index - start) % step === 0);
  machine.chargeItems(picked.length);
  // Both are made of what `items` was made of.
  return typeof target === 'string' ? (picked as string[]).join('') : new JsonnetArray(picked as JsonnetArray['items'][number][]);
}

function bound(value: Value, fallback: number): number {
  if (value === null) return fallback;
  if (typeof value !== 'number' || !Number.isInteger(value))
    throw runtimeError(`Unexpected type ${typeOf(value)}, expected an integer as the bound of a slice`);
  return value;
}

function place(index: number, length: number): number {
  return index < 0 ? Math.max(0, length + index) : index;
}

import { BudgetError } from '../template/budget.ts';
import { GoMap, GoObject, GoSlice, type GoValue } from './value.ts';

/** Values one walk may visit. A map that holds another twice, forty levels deep, has a million million leaves. */
const MAX_VISITED = 5_000_000;

/** Checks that walking the whole value is affordable. Throws BudgetError for one that holds itself or grows by sharing. */
export function measure(value: GoValue): void {
  if (value === null || typeof value !== 'object') return;
  const pending: GoValue[] = [value];
  let visited = 0;
  for (let next = pending.pop(); next !== undefined; next = pending.pop()) {
    visited += 1;
    if (visited > MAX_VISITED) {
      throw new BudgetError(
        { code: 'steps', limit: MAX_VISITED },
        `template: render stopped: a value has more than ${MAX_VISITED} parts; look for a map that holds itself`,
      );
    }
    if (next instanceof GoMap) for (const item of next.entries.values()) pending.push(item);
    else if (next instanceof GoSlice) for (const item of next.items) pending.push(item);
    else if (next instanceof GoObject) for (const item of Object.values(next.fields)) pending.push(item);
  }
}

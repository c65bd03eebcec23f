import { equals } from '../operations.ts';
import { overloads, type Overload, type OverloadBody } from '../overload.ts';
import { add, exactly, multiply } from '../estimate.ts';
import { noSuchOverload } from '../problem.ts';
import { CelList, type CelValue } from '../value.ts';
import { sizeAt, valueSize } from './cost-rules.ts';

/** cel-go's set functions over lists (ext/sets.go). Their cost is that of comparing every item with every other. */
export const SETS: readonly Overload[] = [
  ...overloads('sets.contains', ['(list(A), list(A)): bool'], body(1, contains)),
  ...overloads(
    'sets.equivalent',
    ['(list(A), list(A)): bool'],
    body(2, (a, b) => contains(a, b) && contains(b, a)),
  ),
  ...overloads(
    'sets.intersects',
    ['(list(A), list(A)): bool'],
    body(1, (a, b) => [...b].some((item) => has(a, item))),
  ),
];

function body(passes: number, test: (a: CelList, b: CelList) => boolean): OverloadBody {
  return {
    cost: (args) => 1 + passes * valueSize(args, 0) * valueSize(args, 1),
    estimate: (args) => ({ cost: add(exactly(1), multiply(exactly(passes), multiply(sizeAt(args, 0), sizeAt(args, 1)))) }),
    run: ([a, b]) => {
      if (!(a instanceof CelList) || !(b instanceof CelList)) throw noSuchOverload();
      return test(a, b);
    },
  };
}

function has(list: CelList, item: CelValue): boolean {
  return [...list].some((candidate) => equals(candidate, item));
}

function contains(list: CelList, part: CelList): boolean {
  return [...part].every((item) => has(list, item));
}

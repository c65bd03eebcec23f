import { add, exactly, multiply, scale, TRAVERSAL, type CallEstimate, type EstimatedNode } from '../estimate.ts';
import { compare, arithmetic, equals } from '../operations.ts';
import { overloads, type Overload, type OverloadBody } from '../overload.ts';
import { CelError, noSuchOverload } from '../problem.ts';
import { CelDuration } from '../time.ts';
import { CelList, CelUint, type CelValue } from '../value.ts';
import { sizeAt, traversalOf } from './cost-rules.ts';

const SUMMABLE = ['int', 'uint', 'double', 'duration'];
const COMPARABLE = [...SUMMABLE, 'bool', 'timestamp', 'string', 'bytes'];

/** Kubernetes' functions of lists (apiserver pkg/cel/library/lists.go). */
export const LISTS: readonly Overload[] = [
  ...overloads(
    'isSorted',
    COMPARABLE.map((type) => `list(${type}).(): bool`),
    body(isSorted),
  ),
  ...SUMMABLE.flatMap((type) =>
    overloads(
      'sum',
      [`list(${type}).(): ${type}`],
      body((list) => sum(list, type)),
    ),
  ),
  ...COMPARABLE.flatMap((type) =>
    overloads(
      'max',
      [`list(${type}).(): ${type}`],
      body((list) => extreme(list, 'max', (order) => order > 0)),
    ),
  ),
  ...COMPARABLE.flatMap((type) =>
    overloads(
      'min',
      [`list(${type}).(): ${type}`],
      body((list) => extreme(list, 'min', (order) => order < 0)),
    ),
  ),
  ...overloads(
    'indexOf',
    ['list(A).(A): int'],
    body((list, [, item = null]) => BigInt([...list].findIndex((candidate) => equals(candidate, item)))),
  ),
  ...overloads(
    'lastIndexOf',
    ['list(A).(A): int'],
    body((list, [, item = null]) => BigInt([...list].findLastIndex((candidate) => equals(candidate, item)))),
  ),
];

function body(run: (list: CelList, args: readonly CelValue[]) => CelValue): OverloadBody {
  return {
    cost: ([list = null]) => traversalOf(list),
    estimate: estimateTraversal,
    run: (args) => {
      const [list] = args;
      if (!(list instanceof CelList)) throw noSuchOverload();
      return run(list, args);
    },
  };
}

function estimateTraversal(args: readonly EstimatedNode[]): CallEstimate {
  const [list] = args;
  const element = list?.type.kind === 'list' ? list.type.element.kind : 'dyn';
  const isText = element === 'string' || element === 'bytes';
  const each = isText && list?.elementSize !== undefined ? add(exactly(1), scale(list.elementSize, TRAVERSAL)) : exactly(1);
  return { cost: multiply(sizeAt(args, 0), each) };
}

function isSorted(list: CelList): boolean {
  for (let index = 1; index < list.size; index += 1) if (compare(list.at(index - 1), list.at(index)) > 0) return false;
  return true;
}

const ZEROS: Readonly<Record<string, CelValue>> = { int: 0n, uint: new CelUint(0n), double: 0, duration: new CelDuration(0n) };

function sum(list: CelList, type: string): CelValue {
  let total: CelValue = ZEROS[type] ?? 0n;
  for (const item of list)
    total = total instanceof CelDuration && item instanceof CelDuration ? new CelDuration(total.nanos + item.nanos) : arithmetic('+', total, item);
  return total;
}

function extreme(list: CelList, name: string, isBetter: (order: number) => boolean): CelValue {
  if (list.size === 0) throw new CelError(`${name} called on empty list`);
  let best = list.at(0);
  for (const item of list) if (isBetter(compare(item, best))) best = item;
  return best;
}

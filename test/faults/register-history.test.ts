import { describe, expect, it } from 'vitest';
import { findViolations, type RegisterOperation, type RegisterVersion } from './register-history.ts';

const versions: readonly RegisterVersion[] = [
  { revision: 10, value: 'a' },
  { revision: 12, value: 'b' },
  { revision: 15, value: 'c' },
];
const write = (value: string, revision: number, start: number, end: number, expected?: number): RegisterOperation => ({
  kind: 'write',
  value,
  revision,
  start,
  end,
  ...(expected === undefined ? {} : { expected }),
});
const good: readonly RegisterOperation[] = [
  write('a', 10, 0, 1),
  write('b', 12, 2, 3, 10),
  { kind: 'read', value: 'b', revision: 12, start: 4, end: 9 },
  write('c', 15, 5, 6, 12),
];

describe('the history of a register', () => {
  it('has no violation when every operation fits', () => {
    expect(
      findViolations(versions, [...good, { kind: 'refused', value: 'x', expected: 10, start: 4, end: 5 }, { kind: 'unknown', value: 'lost', start: 3 }]),
    ).toStrictEqual([]);
  });

  it.each<readonly [string, readonly RegisterVersion[], readonly RegisterOperation[], RegExp]>([
    ['a lost write', versions, [write('lost', 13, 0, 1)], /no such state/],
    ['a stale read', versions, [...good, { kind: 'read', value: 'a', revision: 10, start: 7, end: 8 }], /began after a later state/],
    ['a write into the past', versions, [write('c', 15, 0, 1), write('b', 12, 2, 3)], /began after a later state/],
    ['a compare-and-set over another state', versions, [write('c', 15, 5, 6, 10)], /not over 10 as demanded/],
    ['a refusal without a reason', versions, [{ kind: 'refused', value: 'x', expected: 15, start: 20, end: 21 }], /although nothing was written/],
    ['a refused write that happened', versions, [{ kind: 'refused', value: 'c', expected: 10, start: 20, end: 21 }], /written all the same/],
    ['a revision that is used twice', [...versions, { revision: 15, value: 'd' }], [], /does not follow/],
    ['a value that was written twice', [...versions, { revision: 16, value: 'a' }], [], /written twice/],
  ])('shows %s', (_what, states, operations, text) => {
    expect(findViolations(states, operations).join('\n')).toMatch(text);
  });
});

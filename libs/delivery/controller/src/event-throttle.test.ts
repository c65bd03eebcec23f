import { expect, it } from 'vitest';
import { systemClock } from '@tiphys/kernel';
import { EventThrottle } from './event-throttle.ts';

it('lets the first of a burst through and makes one of the rest', () => {
  let now = 0;
  const added: string[] = [];
  const keys = { add: (key: string) => added.push(key), addAfter: (key: string, ms: number) => added.push(`${key}+${ms}`) };
  const throttle = new EventThrottle(keys as never, { ...systemClock, monotonic: () => now });
  throttle.add('a');
  now = 20;
  throttle.add('a');
  throttle.add('b');
  now = 60;
  throttle.add('a');
  expect(added).toEqual(['a', 'a+30', 'b', 'a']);
});

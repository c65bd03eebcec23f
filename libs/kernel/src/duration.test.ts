import { expect, it } from 'vitest';
import { parseDuration } from './duration.ts';

it.each([
  ['15s', 15_000],
  ['1h30m', 5_400_000],
  ['500ms', 500],
  ['1.5s', 1_500],
  ['0', 0],
  ['3', 3_000],
  ['-2s', -2_000],
  ['5', 5_000],
  ['', undefined],
  ['5 s', undefined],
  ['soon', undefined],
  ['5d', undefined],
])('%j is %s ms', (text, want) => {
  expect(parseDuration(text)).toBe(want);
});

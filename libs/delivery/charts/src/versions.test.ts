import { describe, expect, it } from 'vitest';
import { chooseVersion } from './versions.ts';

const offered = ['0.9.0', '1.0.0', '1.2.3', '1.10.0', '2.0.0-rc.1', '2.0.0', '2.1.0-beta.1', 'v3.0.0-alpha'].map((version) => ({ version, urls: [] }));
const choose = (constraint: string) => chooseVersion(offered, constraint)?.version;

describe('chooseVersion', () => {
  it.each([
    ['', '2.0.0'],
    ['*', '2.0.0'],
    ['1.2.3', '1.2.3'],
    ['v1.2.3', '1.2.3'],
    ['^1.0.0', '1.10.0'],
    ['~1.2', '1.2.3'],
    ['>=1.0.0, <2.0.0', '1.10.0'],
    ['>= 1.0.0 < 1.5.0', '1.2.3'],
    ['1.x', '1.10.0'],
    ['2.0.0-rc.1', '2.0.0-rc.1'],
    ['>2.0.0-0', 'v3.0.0-alpha'],
    ['^9', undefined],
    ['not a version', undefined],
  ])('%j chooses %s', (constraint, want) => {
    expect(choose(constraint)).toBe(want);
  });
});

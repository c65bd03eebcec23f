import { describe, expect, it } from 'vitest';
import { formatSelector, isSelectorProblem, matchesSelector, parseFieldSelector, parseLabelSelector, selectorOf } from './selector.ts';

const matches = (text: string, labels: Readonly<Record<string, string>>): boolean => {
  const selector = parseLabelSelector(text);
  if (isSelectorProblem(selector)) throw new Error(selector.message);
  expect(parseLabelSelector(formatSelector(selector))).toEqual(selector);
  return matchesSelector(selector, labels);
};

describe('label selectors', () => {
  it.each([
    ['', {}, true],
    ['a=b', { a: 'b' }, true],
    ['a==b,c!=d', { a: 'b', c: 'e' }, true],
    ['a!=b', {}, true],
    ['a in (x, y)', { a: 'y' }, true],
    ['a in (x,y)', { a: 'z' }, false],
    ['a notin (x)', {}, true],
    ['a', { a: '' }, true],
    ['!a', { a: '1' }, false],
    ['app.kubernetes.io/name = web', { 'app.kubernetes.io/name': 'web' }, true],
    ['a in (,x)', { a: '' }, true],
    ['toString', {}, false],
  ])('%j on %j: %s', (text, labels, want) => {
    expect(matches(text, labels as Readonly<Record<string, string>>)).toBe(want);
  });

  it.each(['a=b,', 'a in x', '=b', 'a===b', 'a in (x', '(a)', 'a b', '!a=b'])('%j is refused with a sentence', (text) => {
    const result = parseLabelSelector(text);
    expect(isSelectorProblem(result) && result.message).toContain(text);
  });

  it('reads matchLabels and matchExpressions', () => {
    const selector = selectorOf({ matchLabels: { a: '1' }, matchExpressions: [{ key: 'b', operator: 'NotIn', values: ['2'] }] });
    expect([matchesSelector(selector, { a: '1', b: '3' }), matchesSelector(selector, { a: '1', b: '2' })]).toEqual([true, false]);
  });
});

describe('field selectors', () => {
  it('reads terms and escapes', () => {
    expect(parseFieldSelector('metadata.name=a\\,b,status.phase!=Running,spec.nodeName==')).toEqual([
      { path: 'metadata.name', operator: 'Equals', value: 'a,b' },
      { path: 'status.phase', operator: 'NotEquals', value: 'Running' },
      { path: 'spec.nodeName', operator: 'Equals', value: '' },
    ]);
    expect(isSelectorProblem(parseFieldSelector('nonsense'))).toBe(true);
  });
});

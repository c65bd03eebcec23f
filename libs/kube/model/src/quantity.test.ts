import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { canonicalQuantity, formatQuantity, parseQuantity, quantityMilli, quantityUnits } from './quantity.ts';

describe('canonicalQuantity', () => {
  it.each([
    ['1000m', '1'],
    ['1', '1'],
    ['0.5', '500m'],
    ['0.5Gi', '512Mi'],
    ['1024Mi', '1Gi'],
    ['1.5Gi', '1536Mi'],
    ['100Mi', '100Mi'],
    ['1000', '1k'],
    ['1000k', '1M'],
    ['0', '0'],
    ['0Mi', '0'],
    ['12e6', '12e6'],
    ['1E3', '1e3'],
    ['5G', '5G'],
    ['.5', '500m'],
    ['100u', '100u'],
    ['1n', '1n'],
    ['-1500m', '-1500m'],
    ['1Ki', '1Ki'],
    ['1023', '1023'],
    ['1048576', '1048576'],
    ['1536Ki', '1536Ki'],
  ])('%s is %s', (text, want) => {
    expect(canonicalQuantity(text)).toBe(want);
  });

  it.each(['', 'abc', '1 Gi', '1gi', '--1', '1e', '1Zi', '0x10', 'NaN', 'Infinity', '1e999999'])('%j is none', (text) => {
    expect(canonicalQuantity(text)).toBeUndefined();
  });

  it('keeps the amount and is its own fixed point', () => {
    fc.assert(
      fc.property(fc.integer({ min: -1_000_000, max: 1_000_000 }), fc.constantFrom('', 'm', 'k', 'M', 'Ki', 'Mi', 'Gi', 'u', 'e3'), (count, suffix) => {
        const quantity = parseQuantity(`${count}${suffix}`);
        if (quantity === undefined) throw new Error('must parse');
        const text = formatQuantity(quantity);
        expect(parseQuantity(text)?.nano).toBe(quantity.nano);
        expect(canonicalQuantity(text)).toBe(text);
      }),
    );
  });
});

it('counts CPU in millicores and memory in bytes', () => {
  expect([quantityMilli('1500m'), quantityMilli('2'), quantityMilli('0.0001')]).toEqual([1_500, 2_000, 1]);
  expect([quantityUnits('1Ki'), quantityUnits('1k'), quantityUnits('100m')]).toEqual([1_024, 1_000, 1]);
});

import { describe, expect, it } from 'vitest';
import { AddressError, AddressPool } from './address-pool.ts';

describe('AddressPool', () => {
  it('begins where it is told, goes round the range once and then has none left', () => {
    const pool = new AddressPool('127.64.0.0/29', 3);
    const given = Array.from({ length: 5 }, (_, index) => pool.allocate(`pod-${index}`));
    expect(given).toEqual(['127.64.0.5', '127.64.0.6', '127.64.0.2', '127.64.0.3', '127.64.0.4']);
    expect(() => pool.allocate('one too many')).toThrow(AddressError);
    pool.release('127.64.0.6', 'somebody else');
    expect(() => pool.allocate('one too many')).toThrow(AddressError);
    pool.release('127.64.0.6', 'pod-1');
    expect(pool.allocate('next')).toBe('127.64.0.6');
  });

  it('takes starts beyond the range as places inside it', () => {
    expect(new AddressPool('127.64.0.0/29', 8).allocate('pod')).toBe('127.64.0.5');
  });
});

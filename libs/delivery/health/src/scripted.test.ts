import { describe, expect, it } from 'vitest';
import { parseHealth } from './index.ts';

describe('parseHealth', () => {
  it('takes a status and a message', () => {
    expect(parseHealth({ status: 'Degraded', message: 'broken', more: 1 })).toEqual({ status: 'Degraded', message: 'broken' });
    expect(parseHealth({ status: 'Healthy', message: 7 })).toEqual({ status: 'Healthy' });
  });
  it.each([[undefined], [null], ['Healthy'], [{}], [[]], [{ status: 'Fine' }], [{ status: { a: 'password' } }], [{ status: 'a b'.repeat(50) }]])(
    'is Unknown for %j',
    (value) => {
      const health = parseHealth(value);
      expect(health.status).toBe('Unknown');
      expect(health.message).not.toContain('password');
    },
  );
  it('bounds the message', () => {
    expect(parseHealth({ status: 'Healthy', message: 'x'.repeat(10_000) }).message).toHaveLength(4_000);
  });
});

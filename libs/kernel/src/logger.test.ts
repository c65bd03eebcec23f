import { describe, expect, it } from 'vitest';
import { createLogger, redactUrl } from './logger.ts';

function logged(fields: object, message = 'said'): string {
  let text = '';
  createLogger({ write: (line) => (text += line) }).info(fields, message);
  return text;
}

describe('createLogger', () => {
  it.each([
    [{ token: 'hunter2hunter2' }],
    [{ config: { password: 'hunter2hunter2' } }],
    [{ request: { headers: { authorization: 'Bearer hunter2hunter2' } } }],
    [{ object: { kind: 'Secret', data: { key: 'hunter2hunter2' } } }],
    [{ items: [{ kind: 'Secret', stringData: { key: 'hunter2hunter2' } }] }],
    [{ url: 'https://user:hunter2hunter2@git.test/repo' }],
    [{ err: new Error('fetch of https://user:hunter2hunter2@git.test failed', { cause: new Error('Authorization: Bearer hunter2hunter2') }) }],
  ])('never writes a secret: %#', (fields) => {
    const line = logged(fields);
    expect(line).not.toContain('hunter2');
    expect(line).toContain('[redacted]');
  });

  it('writes one JSON line with level, time and a constant message', () => {
    expect(JSON.parse(logged({ application: 'web' }, 'synced'))).toMatchObject({ level: 'info', application: 'web', msg: 'synced' });
  });
});

describe('redactUrl', () => {
  it('leaves URLs without credentials alone', () => {
    expect(redactUrl('GET https://git.test/a@b/c')).toBe('GET https://git.test/a@b/c');
  });
});

import { createHmac } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { resolveRevision } from './revision.ts';
import { normalizePath } from './snapshot.ts';
import { parseGithubPush } from './webhook.ts';

const secret = 'shared';
const body = Buffer.from(JSON.stringify({ ref: 'refs/heads/main', after: 'a'.repeat(40), repository: { clone_url: 'https://github.com/o/r.git' } }));
const sign = (bytes: Uint8Array, key = secret): string => `sha256=${createHmac('sha256', key).update(bytes).digest('hex')}`;

describe('parseGithubPush', () => {
  it('reads a signed push', () => {
    expect(parseGithubPush({ rawBody: body, headers: { 'x-hub-signature-256': sign(body), 'x-github-event': 'push' }, secret })).toEqual({
      kind: 'push',
      urls: ['https://github.com/o/r.git'],
      ref: 'refs/heads/main',
      after: 'a'.repeat(40),
    });
  });
  it.each([
    ['noSignature', body, {}, secret],
    ['badSignature', body, { 'x-hub-signature-256': sign(body, 'other') }, secret],
    ['badSignature', Buffer.concat([body, Buffer.from(' ')]), { 'x-hub-signature-256': sign(body) }, secret],
    ['badSignature', body, { 'x-hub-signature-256': 'sha256=' }, secret],
    ['noSecret', body, { 'x-hub-signature-256': sign(body, '') }, ''],
    ['malformed', Buffer.from('{'), { 'x-hub-signature-256': sign(Buffer.from('{')) }, secret],
    ['malformed', Buffer.from('{"__proto__":{"ref":"x"}}'), { 'x-hub-signature-256': sign(Buffer.from('{"__proto__":{"ref":"x"}}')) }, secret],
  ])('refuses with %s', (reason, rawBody, headers, key) => {
    expect(parseGithubPush({ rawBody, headers, secret: key })).toMatchObject({ kind: 'refused', reason });
  });
  it('ignores other signed events', () => {
    expect(parseGithubPush({ rawBody: body, headers: { 'x-hub-signature-256': sign(body), 'x-github-event': 'ping' }, secret })).toEqual({
      kind: 'ignored',
      event: 'ping',
    });
  });
});

describe('resolveRevision', () => {
  const refs = {
    oids: new Map([
      ['HEAD', '1'],
      ['refs/heads/main', '1'],
      ['refs/tags/v1', '2'],
      ['refs/heads/v1', '3'],
    ]),
  };
  it.each([
    ['', '1'],
    ['HEAD', '1'],
    ['main', '1'],
    ['v1', '3'],
    ['refs/tags/v1', '2'],
    ['f'.repeat(40), 'f'.repeat(40)],
  ])('%s', (revision, oid) => expect(resolveRevision(refs, revision, 'r')).toBe(oid));
  it('names what is missing', () => expect(() => resolveRevision(refs, 'gone', 'https://u:p@h/r')).toThrow("unable to resolve 'gone'"));
});

it.each([
  ['a/./b//c', 'a/b/c'],
  ['/a', 'a'],
  ['a/../b', 'b'],
  ['..', undefined],
  ['a/../../b', undefined],
  ['', ''],
])('path %s is %s', (input, output) => expect(normalizePath(input)).toBe(output));

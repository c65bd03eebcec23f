import { describe, expect, it } from 'vitest';
import { resolveRevision } from './revision.ts';
import { normalizePath } from './snapshot.ts';
import { parseModules } from './submodules.ts';

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

it('reads the modules git would accept', () => {
  const text =
    '[submodule "a"]\n\tpath = libs/a\n\turl = ../a.git\n[submodule "b"]\n\turl = -upload-pack=x\n\tpath = b\n[submodule "c"]\n\tpath = ../out\n\turl = x\n';
  expect([...parseModules(text)]).toEqual([['libs/a', '../a.git']]);
});

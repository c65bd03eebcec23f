import { describe, expect, test } from 'vitest';
import { toJson } from '../go/value.ts';
import { readYaml, readYamlMap } from './read-yaml.ts';

function read(text: string): unknown {
  return JSON.parse(JSON.stringify(toJson(readYaml(text))));
}

describe('YAML 1.1 as Helm reads it', () => {
  test.each<[string, unknown]>([
    ['a: yes\nb: off\ny: 2', { a: true, b: false, true: 2 }],
    ['a: 017\nb: 0o17\nc: 0b11\nd: 0x1f\ne: 1_000\nf: 12:30\ng: 089', { a: 15, b: 15, c: 3, d: 31, e: 1000, f: '12:30', g: 89 }],
    ['d: 2020-01-01\nt: 1e3\nu: ~\ns: "1"', { d: '2020-01-01', t: 1000, u: null, s: '1' }],
    ['a: &x {b: 1}\nc: *x\nd: {<<: *x, e: 2}', { a: { b: 1 }, c: { b: 1 }, d: { b: 1, e: 2 } }],
    ['a: 1\na: 2', { a: 2 }],
    [
      '- - 1\n  - 2\n- [a, b: c, {d: e}]',
      [
        [1, 2],
        ['a', { b: 'c' }, { d: 'e' }],
      ],
    ],
    ['a: |\n  x\n   y\n\n  z\nb: >-\n  one\n  two\n\n  three\n', { a: 'x\n y\n\nz\n', b: 'one two\nthree' }],
    ['a: |2-\n   x\n', { a: ' x' }],
    ['a:\n- b\n- c: d\n  e: f\nk:', { a: ['b', { c: 'd', e: 'f' }], k: null }],
    ['a: one\n  two\n\n  three', { a: 'one two\nthree' }],
    ["k: \"a\\u00e9\\x41\\\n   b\"\nl: 'it''s'", { k: 'aéAb', l: "it's" }],
    ['1.5: x\n2: w\nnull_: z', { '1.5': 'x', 2: 'w', null_: 'z' }],
    ['? [a]\n', 'error converting YAML to JSON: yaml: invalid map key: []interface {}{}'],
    ['b: !!binary aGk=\ns: !!str 12\nf: !!float 3', { b: 'hi', s: '12', f: 3 }],
    ['', null],
    ['# only a comment\n', null],
    ['--- a\n--- b', 'a'],
    ['{a: 1, b: [x y, "z"]}', { a: 1, b: ['x y', 'z'] }],
    ['a: http://x:80/ # c\nb: x#y', { a: 'http://x:80/', b: 'x#y' }],
    ['a:\t1', { a: 1 }],
  ])('%j', (text, wanted) => {
    let found: unknown;
    try {
      found = read(text);
    } catch (error) {
      found = error instanceof Error ? error.message : error;
    }
    expect(found).toEqual(wanted);
  });

  test.each<[string, string]>([
    ['a: b: c', 'yaml: mapping values are not allowed in this context'],
    ['a: 1\n b: 2', 'yaml: line 2: mapping values are not allowed in this context'],
    ['a:\n\t- b', 'yaml: line 2: found character that cannot start any token'],
    ['a: [1, 2', "yaml: line 1: did not find expected ',' or ']'"],
    ['a: "x', 'yaml: found unexpected end of stream'],
    ['a: *x', "yaml: unknown anchor 'x' referenced"],
    ['k: 1\nbare\n', "yaml: line 3: could not find expected ':'"],
    ['a\u0007', 'yaml: control characters are not allowed'],
    ['- a\nb: c', "yaml: line 1: did not find expected '-' indicator"],
  ])('refuses %j', (text, message) => {
    expect(() => readYaml(text)).toThrow(`error converting YAML to JSON: ${message}`);
  });

  test('refuses what grows by aliases', () => {
    const levels = Array.from({ length: 12 }, (_, n) => `l${n + 1}: &l${n + 1} [${Array.from({ length: 9 }, () => `*l${n}`).join(', ')}]`);
    expect(() => readYaml(['l0: &l0 x', ...levels].join('\n'))).toThrow('document contains excessive aliasing');
  });

  test('refuses an anchor that contains itself and nesting without end', () => {
    expect(() => readYaml('a: &x [*x]')).toThrow("anchor 'x' value contains itself");
    expect(() => readYaml('['.repeat(100_000))).toThrow('exceeded max depth');
    expect(() => readYaml('- '.repeat(100_000))).toThrow('exceeded max depth');
  });

  test('tells what is no map', () => {
    expect(() => readYamlMap('- 1')).toThrow(
      'error unmarshaling JSON: while decoding JSON: json: cannot unmarshal array into Go value of type map[string]interface {}',
    );
    expect(readYamlMap('').entries.size).toBe(0);
  });
});

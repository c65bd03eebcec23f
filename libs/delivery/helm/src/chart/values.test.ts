import { describe, expect, test } from 'vitest';
import { fromJson, GoInt, GoMap, toJson, type GoValue } from '../go/value.ts';
import type { Chart } from './chart.ts';
import { coalesceValues } from './coalesce.ts';
import { processDependencies } from './dependencies.ts';
import { loadChart } from './load-chart.ts';
import { mergeUserValues } from './merge-user-values.ts';
import { readIgnoreRules } from './ignore-rules.ts';
import { compileGlob } from './match-glob.ts';
import { setValues } from './set-values.ts';
import { isCompatibleRange } from './version-range.ts';

function plain(value: GoValue): unknown {
  return JSON.parse(JSON.stringify(toJson(value)));
}

function chart(files: Readonly<Record<string, string>>): Chart {
  return loadChart(Object.entries(files).map(([name, text]) => ({ name, data: Buffer.from(text) })));
}

function values(data: object): GoMap {
  const made = fromJson(data);
  if (!(made instanceof GoMap)) throw new Error('not a map');
  return made;
}

describe('--set', () => {
  test.each<[string, unknown]>([
    ['a=1,b=true,c=null,d=x', { a: 1, b: true, c: null, d: 'x' }],
    ['a.b.c=1,a.b.d=2', { a: { b: { c: 1, d: 2 } } }],
    ['a[0]=x,a[2].b=y', { a: ['x', null, { b: 'y' }] }],
    ['a={x,y},b={}', { a: ['x', 'y'], b: [''] }],
    [String.raw`a=x\,y,k\.v=1`, { a: 'x,y', 'k.v': 1 }],
    ['a=', { a: '' }],
    ['a=007,b=0,c=1e3', { a: '007', b: 0, c: '1e3' }],
    ['a[0][1]=z', { a: [[null, 'z']] }],
  ])('%s', (line, wanted) => {
    const target = new GoMap();
    setValues(line, target);
    expect(plain(target)).toEqual(wanted);
  });

  test.each<[string, string]>([
    ['a', 'key "a" has no value'],
    ['a,b=1', 'key "a" has no value (cannot end with ,)'],
    ['a={x', "list must terminate with '}'"],
    ['a[70000]=x', 'index of 70000 is greater than maximum supported index of 65536'],
    ['a[-1]=x', 'negative -1 index not allowed'],
    [`${'a.'.repeat(31)}b=1`, 'value name nested level is greater than maximum supported nested level of 30'],
  ])('refuses %s', (line, message) => {
    expect(() => setValues(line, new GoMap())).toThrow(message);
  });

  test('keeps types, strings and order of flags', () => {
    const merged = mergeUserValues({
      files: [{ path: 'v', text: 'a: 1\nb: {c: 2}\n---\nb: {d: 3}' }],
      set: ['a=2'],
      setString: ['s=2'],
      setJson: ['b.e=[1,{"x":2}],f="y"', '{"g":1}'],
      setLiteral: ['l=a,b=c'],
    });
    expect(plain(merged)).toEqual({ a: 2, b: { c: 2, d: 3, e: [1, { x: 2 }] }, s: '2', f: 'y', g: 1, l: 'a,b=c' });
    expect(merged.entries.get('a')).toBeInstanceOf(GoInt);
    expect(() => mergeUserValues({ files: [{ path: 'v.yaml', text: 'a: b: c' }] })).toThrow(
      'failed to parse v.yaml: cannot unmarshal yaml document: error converting YAML to JSON: yaml: mapping values are not allowed in this context',
    );
  });
});

const PARENT = 'apiVersion: v2\nname: parent\nversion: 1.0.0\n';
const CHILD = 'apiVersion: v2\nname: child\nversion: 1.2.3\n';

describe('coalescing', () => {
  test('null deletes, tables merge, lists are replaced', () => {
    const made = chart({ 'Chart.yaml': PARENT, 'values.yaml': 'a: {x: 1, w: 2}\nl: [1, 2]\ngone: 1\nu: null\nnested: {u: null, m: 1}' });
    expect(plain(coalesceValues(made, values({ a: { x: null, z: 3 }, l: [9], gone: null })))).toEqual({ a: { w: 2, z: 3 }, l: [9], nested: { m: 1 } });
  });

  test('globals go down, subcharts get their part', () => {
    const made = chart({
      'Chart.yaml': PARENT,
      'values.yaml': 'global: {g: p, t: {a: 1}}\nchild: {c: from-parent}',
      'charts/child/Chart.yaml': CHILD,
      'charts/child/values.yaml': 'c: own\nd: own\nglobal: {g: c, own: 1, t: {a: 2, b: 2}}',
    });
    expect(plain(coalesceValues(made, new GoMap()))).toEqual({
      global: { g: 'p', t: { a: 1 } },
      child: { c: 'from-parent', d: 'own', global: { g: 'p', own: 1, t: { a: 1, b: 2 } } },
    });
  });
});

describe('dependencies', () => {
  const files = {
    'charts/child/Chart.yaml': CHILD,
    'charts/child/values.yaml': 'exports: {data: {imported: 1}}\nport: 80\nenabled: true',
  };
  const withDependencies = (text: string, own = ''): Chart => chart({ 'Chart.yaml': `${PARENT}dependencies:\n${text}`, 'values.yaml': own, ...files });
  const names = (made: Chart, user: object): readonly string[] => {
    const copy = made.clone();
    processDependencies(copy, values(user), 'helm4');
    return copy.dependencies.map(({ name }) => name);
  };

  test('conditions and tags', () => {
    const made = withDependencies('- {name: child, version: 1.x, condition: "child.enabled,other", tags: [web]}');
    expect(names(made, {})).toEqual(['child']);
    expect(names(made, { child: { enabled: false } })).toEqual([]);
    expect(names(made, { tags: { web: false } })).toEqual(['child']);
    expect(names(withDependencies('- {name: child, version: 1.x, tags: [web]}'), { tags: { web: false } })).toEqual([]);
  });

  test('aliases, and versions that do not match', () => {
    const twice = withDependencies('- {name: child, version: ^1.0.0, alias: one}\n- {name: child, version: ">=1.2.0", alias: two}');
    expect(names(twice, {})).toEqual(['one', 'two']);
    expect(names(withDependencies('- {name: child, version: 2.x}'), {})).toEqual(['child']);
  });

  test('imports lose against own values', () => {
    const made = withDependencies('- {name: child, version: 1.x, import-values: [data, {child: exports.data, parent: deep.er}]}', 'imported: 5').clone();
    processDependencies(made, new GoMap(), 'helm4');
    expect(plain(made.values)).toMatchObject({ imported: 5, deep: { er: { imported: 1 } } });
  });
});

describe('patterns', () => {
  test.each<[string, string, boolean, boolean]>([
    ['*.md', 'docs/README.md', false, true],
    ['/docs', 'docs', true, true],
    ['docs/', 'docs', false, false],
    ['a/*.txt', 'a/b.txt', false, true],
    ['*.md', 'templates/.hidden', false, true],
    ['!*.yaml', 'README', false, true],
    ['!*.yaml', 'a.yaml', false, false],
    ['# x', 'x', false, false],
  ])('.helmignore %s against %s', (rule, path, isFolder, isIgnored) => {
    expect(readIgnoreRules(rule)(path, isFolder)).toBe(isIgnored);
  });

  test('double stars are refused', () => {
    expect(() => readIgnoreRules('a/**')).toThrow('double-star (**) syntax is not supported');
  });

  test.each<[string, string, boolean]>([
    ['conf/*', 'conf/a', true],
    ['conf/*', 'conf/a/b', false],
    ['conf/**', 'conf/a/b', true],
    ['**.yaml', 'a/b.yaml', true],
    ['{a,b}/[xyz]?', 'b/x1', true],
    ['[!a]', 'a', false],
  ])('glob %s against %s', (pattern, path, isMatch) => {
    expect(compileGlob(pattern)?.(path)).toBe(isMatch);
  });
});

describe('version ranges', () => {
  test.each<[string, string, boolean]>([
    ['>=1.14.0-0', 'v1.31.0', true],
    ['>=1.14.0', '1.31.0-gke.1', false],
    ['^1.7-0', '1.9.0', true],
    ['~1.2', '1.2.9', true],
    ['~1.2', '1.3.0', false],
    ['1.x', '1.9.1', true],
    ['*', '0.1.0', true],
    ['>= 1.4-0, <1.7-0', '1.6.2', true],
    ['1.2 - 1.4', '1.3.0', true],
    ['<1.0.0 || >2', '3.0.0', true],
    ['>1.2', '1.2.5', false],
    ['!=1.2.x', '1.2.5', false],
    ['', '1.0.0', true],
    ['nonsense', '1.0.0', false],
    ['^0.2.3', '0.2.9', true],
    ['^0.2.3', '0.3.0', false],
  ])('%s holds %s: %s', (range, version, wanted) => {
    expect(isCompatibleRange(range, version)).toBe(wanted);
  });
});

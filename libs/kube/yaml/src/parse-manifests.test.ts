import { fieldAt } from '@tiphys/kube-model';
import { describe, expect, it } from 'vitest';
import { formatProblem } from './problem.ts';
import { parseManifests } from './parse-manifests.ts';

const parse = (text: string, limits = {}) => parseManifests(text, { source: 'app/web.yaml', limits });
const problemsOf = (text: string, limits = {}) => parse(text, limits).problems.map(formatProblem);
const configMap = (name: string, data = ''): string => `apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: ${name}\n${data}`;

describe('parseManifests', () => {
  it('reads many documents and says where each stands', () => {
    const { objects, problems } = parse(`# head\n---\n${configMap('a')}---\n\n---\n${configMap('b')}`);
    expect(problems).toEqual([]);
    expect(objects.map(({ object, line }) => [object.metadata.name, line])).toEqual([
      ['a', 3],
      ['b', 10],
    ]);
  });

  it('reads JSON, and opens lists', () => {
    const list = { apiVersion: 'v1', kind: 'List', items: [{ apiVersion: 'v1', kind: 'Secret', metadata: { name: 's' } }] };
    expect(parse(JSON.stringify(list)).objects.map(({ object }) => object.kind)).toEqual(['Secret']);
  });

  it('keeps good objects beside a bad document', () => {
    const { objects, problems } = parse(`${configMap('a')}---\nkind: [unclosed\n---\n${configMap('b')}`);
    expect(objects.map(({ object }) => object.metadata.name)).toContain('a');
    expect(problems.length).toBeGreaterThan(0);
    expect(problems[0]).toMatchObject({ file: 'app/web.yaml' });
    expect(problems[0]?.line).toBeGreaterThanOrEqual(6);
  });

  it.each([
    [configMap('a', 'data:\n  k: 1\n  k: 2\n'), 'app/web.yaml:7:3: a key stands twice in one map'],
    ['kind: ConfigMap\nmetadata: {name: a}\n', 'app/web.yaml:1: ConfigMap: "apiVersion" is missing'],
    ['apiVersion: v1\nkind: ConfigMap\nmetadata: {}\n', 'app/web.yaml:1: ConfigMap: "metadata.name" is missing'],
    ['just text\n', 'app/web.yaml:1: not a Kubernetes object: the document is not a map'],
    [configMap('a', 'data: *nowhere\n'), 'app/web.yaml:5:7: '],
    [configMap('a', 'value: .inf\n'), 'app/web.yaml:5:8: the number Infinity has no JSON form'],
  ])('names file, line and cause of %j', (text, want) => {
    expect(problemsOf(text)[0]).toContain(want);
  });

  it('stops an alias bomb within its budget', () => {
    const levels = Array.from({ length: 12 }, (_, level) => `l${level + 1}: &l${level + 1} [${Array.from({ length: 10 }, () => `*l${level}`).join(', ')}]`);
    const text = configMap('bomb', `l0: &l0 [x, x]\n${levels.join('\n')}\n`);
    expect(problemsOf(text)[0]).toContain('aliases expand to more than');
  });

  it('stops an anchor that contains itself', () => {
    expect(problemsOf(configMap('loop', 'data: &a\n  again: *a\n'))[0]).toMatch(/contains itself|anchor/);
  });

  it('stops nesting and size that make no sense', () => {
    expect(problemsOf(configMap('deep', `data: ${'['.repeat(50_000)}${']'.repeat(50_000)}\n`))[0]).toContain('nesting exceeds');
    expect(problemsOf(configMap('deep', `data:\n  ${'- '.repeat(5_000)}x\n`))[0]).toContain('nesting exceeds');
    expect(problemsOf(configMap('big', `data: {a: "${'x'.repeat(2_000)}"}\n`), { maxBytes: 1_000 })).toEqual(['app/web.yaml: larger than 1000 bytes']);
  });

  it('keeps __proto__ as data and pollutes nothing', () => {
    const [located] = parse(configMap('p', 'data:\n  __proto__: {polluted: "yes"}\n')).objects;
    const data = fieldAt(located?.object, 'data');
    expect(Object.keys(data ?? {})).toEqual(['__proto__']);
    expect(({} as Readonly<Record<string, unknown>>)['polluted']).toBeUndefined();
  });

  it('reads scalars as kubectl does', () => {
    const [located] = parse(
      configMap('s', 'v: {octal: 0644, yes: yes, off: off, time: 2001-12-14, minutes: 1:30, big: 12345678901234567890, hex: 0x1f, under: 1_000, tilde: ~}\n'),
    ).objects;
    expect(fieldAt(located?.object, 'v')).toEqual({
      octal: 420,
      true: true,
      false: false,
      time: '2001-12-14',
      minutes: '1:30',
      big: '12345678901234567890',
      hex: 31,
      under: 1000,
      tilde: null,
    });
  });

  it('merges with << as YAML 1.1 does', () => {
    const [located] = parse(configMap('m', 'base: &b {a: "1", b: "1"}\ndata:\n  <<: *b\n  b: "2"\n')).objects;
    expect(located?.object).toMatchObject({ data: { a: '1', b: '2' } });
  });
});

import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { adapt, CEL_LIMITS, compile, declTypeOf, evaluate, toJson, type CelProgram, type DeclType, type OpenApiSchema } from './index.ts';

const schema: OpenApiSchema = {
  type: 'object',
  required: ['name'],
  properties: {
    name: { type: 'string', maxLength: 10 },
    count: { type: 'integer' },
    ratio: { type: 'number' },
    when: { type: 'string', format: 'date-time' },
    span: { type: 'string', format: 'duration' },
    raw: { type: 'string', format: 'byte' },
    either: { 'x-kubernetes-int-or-string': true },
    'odd-name': { type: 'boolean' },
    namespace: { type: 'string' },
    labels: { type: 'object', additionalProperties: { type: 'string', maxLength: 5 }, maxProperties: 4 },
    set: { type: 'array', 'x-kubernetes-list-type': 'set', items: { type: 'string' } },
    ports: {
      type: 'array',
      maxItems: 3,
      'x-kubernetes-list-type': 'map',
      'x-kubernetes-list-map-keys': ['port'],
      items: { type: 'object', properties: { port: { type: 'integer' }, name: { type: 'string' } } },
    },
    free: { type: 'array', items: { type: 'string' } },
    unknown: { 'x-kubernetes-preserve-unknown-fields': true },
  },
};

function declared(root: OpenApiSchema = schema): DeclType {
  const type = declTypeOf(root, 'Test', false);
  if (type === undefined) throw new Error('the schema has no type');
  return type;
}

function compiled(source: string, root: OpenApiSchema = schema): CelProgram {
  const type = declared(root);
  const result = compile(source, { variables: { self: type.celType, oldSelf: type.celType }, declared: { self: type, oldSelf: type } });
  if (!result.ok) throw new Error(result.message);
  return result.program;
}

function run(source: string, self: unknown, oldSelf: unknown = self): unknown {
  const type = declared();
  const result = evaluate(compiled(source), (name) => adapt(name === 'self' ? self : oldSelf, type), CEL_LIMITS.perCall);
  return result.kind === 'value' ? toJson(result.value) : `!${result.message}`;
}

describe('data with a schema', () => {
  it.each([
    ['type(self.count) == int && type(self.ratio) == double', { count: 1, ratio: 1 }, true],
    ['self.when < timestamp("2025-01-01T00:00:00Z")', { when: '2024-01-01T00:00:00Z' }, true],
    ['self.span > duration("1h")', { span: '90m' }, true],
    ["self.raw == b'abc'", { raw: 'YWJj' }, true],
    ["type(self.either) == int ? self.either < 5 : self.either.endsWith('%')", { either: '5%' }, true],
    ["type(self.either) == int ? self.either < 5 : self.either.endsWith('%')", { either: 3 }, true],
    ["self.odd__dash__name && self.__namespace__ == 'x'", { 'odd-name': true, namespace: 'x' }, true],
    ["self.namespace == 'x'", { namespace: 'x' }, true],
    ["self.labels.all(k, self.labels[k] != '') && self.labels.a == 'b' && 'a' in self.labels", { labels: { a: 'b' } }, true],
    ['has(self.count) ? self.count : 7', {}, 7],
    ['self.count', {}, '!no such key: count'],
    ["self.set + ['b', 'c']", { set: ['a', 'b'] }, ['a', 'b', 'c']],
    ["self.set == ['b', 'a']", { set: ['a', 'b'] }, true],
    ["self.free == ['b', 'a']", { free: ['a', 'b'] }, false],
  ])('%s over %j is %j', (source, self, want) => {
    expect(run(source, self)).toEqual(want);
  });

  it('compares and joins lists that are maps by their keys', () => {
    const ports = [
      { port: 1, name: 'a' },
      { port: 2, name: 'b' },
    ];
    expect(run('self.ports == oldSelf.ports', { ports }, { ports: ports.toReversed() })).toBe(true);
    expect(
      run(
        'self.ports + oldSelf.ports',
        { ports },
        {
          ports: [
            { port: 2, name: 'c' },
            { port: 3, name: 'd' },
          ],
        },
      ),
    ).toEqual([
      { port: 1, name: 'a' },
      { port: 2, name: 'c' },
      { port: 3, name: 'd' },
    ]);
  });

  it.each([
    ['self.nope', "undefined field 'nope'"],
    ['has(self.nope)', "undefined field 'nope'"],
    ['self.unknown', "undefined field 'unknown'"],
    ["self.count == 'a'", "found no matching overload for '_==_' applied to '(int, string)'"],
    ['self.labels.a.b', "type 'string' does not support field selection"],
  ])('%s does not compile', (source, want) => {
    expect(() => compiled(source)).toThrow(want);
  });

  it('is what a root shows of itself', () => {
    const root = declTypeOf({ type: 'object', properties: { spec: { type: 'object' } } }, 'Root', true);
    const fields = root?.fields ?? new Map();
    expect([...fields.keys()].toSorted()).toEqual(['apiVersion', 'kind', 'metadata', 'spec']);
    expect(compile('self.metadata.labels', { variables: { self: root?.celType ?? { kind: 'dyn' } } })).toMatchObject({ ok: false });
  });
});

// Expected figures follow cel-go's checker/cost.go with Kubernetes' request limit of 3 MiB.
describe('estimates', () => {
  it.each([
    ['self.count > 1', 3],
    ["self.name == 'abc'", 3],
    ["self.name.startsWith('abc')", 3],
    ['self.ports.all(p, p.port > 0)', 2 + 1 + 3 * (2 + 1 + 3)],
    ['self.labels.all(k, self.labels[k].size() > 0)', 2 + 1 + 4 * (2 + 1 + 4 + 1 + 1)],
    ['self.free.all(x, x.size() > 0)', 2 + 1 + 1_048_575 * (2 + 1 + 1 + 2)],
    ['has(self.count)', 1],
    ['[1, 2, 3].all(x, x > 0)', 10 + 1 + 3 * (2 + 1 + 2)],
    ["self.name.matches('a+')", 2 + 5 * 1],
    ['self.free.exists(a, self.free.exists(b, a == b))', Infinity],
  ])('%s costs at most %d', (source, want) => {
    const { maxCost } = compiled(source);
    if (want === Infinity) expect(maxCost).toBeGreaterThan(CEL_LIMITS.rule);
    else expect(maxCost).toBe(want);
  });

  it('are never below what an evaluation costs', () => {
    const text = fc.string({ maxLength: 10 });
    const data = fc.record({
      name: text,
      count: fc.integer(),
      labels: fc.dictionary(text, fc.string({ maxLength: 5 }), { maxKeys: 4 }),
      set: fc.uniqueArray(text, { maxLength: 5 }),
      ports: fc.array(fc.record({ port: fc.integer(), name: text }), { maxLength: 3 }),
      free: fc.array(text, { maxLength: 6 }),
    });
    const rules = [
      'self.ports.all(p, p.port > 0 || p.name.size() < 3)',
      'self.ports.exists_one(p, p.port == self.count)',
      "self.labels.all(k, self.labels[k].startsWith('a') && k.matches('^[a-z]+$'))",
      "self.free.map(x, x + '!').filter(x, x != self.name).join(',').contains('a')",
      'self.set.all(x, self.free.exists(y, x == y))',
      "self.name.replace('a', 'bb').split('b').size() > 1 ? self.free.isSorted() : self.set.indexOf('x') < 0",
      'self.ports.transformList(i, p, p.port + i).sum() > 0 && self.ports.map(p, p.name).max() == "x"',
      '[1, 2, 3].map(x, [x, x]).all(l, l.sum() > 1) && sets.intersects(self.set, self.free)',
    ];
    fc.assert(
      fc.property(data, fc.constantFrom(...rules), (self, rule) => {
        const program = compiled(rule);
        const result = evaluate(program, () => adapt(self, declared()), CEL_LIMITS.perRequest);
        expect(result.cost).toBeLessThanOrEqual(program.maxCost);
      }),
      { numRuns: 400 },
    );
  });
});

describe('the budget', () => {
  it('stops an evaluation', () => {
    const program = compiled('self.free.all(a, self.free.all(b, a + b != ""))');
    const self = { free: Array.from({ length: 2_000 }, () => 'x') };
    const result = evaluate(program, () => adapt(self, declared()), CEL_LIMITS.perCall);
    expect(result).toMatchObject({ kind: 'costLimit', message: 'operation cancelled: actual cost limit exceeded' });
  });

  it('is not absorbed', () => {
    const program = compiled('self.free.all(a, a.matches("a.*b.*c")) || true');
    const self = { free: Array.from({ length: 100 }, () => 'x'.repeat(100_000)) };
    expect(evaluate(program, () => adapt(self, declared()), 1_000)).toMatchObject({ kind: 'costLimit' });
  });
});

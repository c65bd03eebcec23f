import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { applyJsonPatch } from './json-patch.ts';
import { applyMergePatch, createMergePatch } from './merge-patch.ts';
import { PatchError } from './patch-error.ts';
import { schemaNodeOf, UNTYPED } from './schema-node.ts';
import { applyStrategicMergePatch } from './strategic-merge-patch.ts';

const pod = schemaNodeOf('v1', 'Pod') ?? UNTYPED;
const deployment = schemaNodeOf('apps/v1', 'Deployment') ?? UNTYPED;
const spec = (...containers: readonly unknown[]): unknown => ({ spec: { containers } });

describe('applyMergePatch', () => {
  it.each([
    [{ a: 'b' }, { a: 'c' }, { a: 'c' }],
    [{ a: 'b', b: 'c' }, { a: null }, { b: 'c' }],
    [{ a: ['b'] }, { a: 'c' }, { a: 'c' }],
    [{ a: { b: 'c' } }, { a: { b: 'd', c: null } }, { a: { b: 'd' } }],
    [['a'], { a: 'b', c: null }, { a: 'b' }],
    [{}, { a: { bb: { ccc: null } } }, { a: { bb: {} } }],
  ])('RFC 7386: %j with %j is %j', (document, patch, want) => {
    expect(applyMergePatch(document, patch)).toEqual(want);
  });

  it('moves nothing into itself', () => {
    for (const [from, path] of [
      ['', '/spec'],
      ['/spec', '/spec/deep'],
    ])
      expect(() => applyJsonPatch({ spec: { deep: 1 } }, [{ op: 'move', from, path }])).toThrow('moves a value into itself');
    expect(applyJsonPatch({ spec: 1 }, [{ op: 'move', from: '/spec', path: '/spec2' }])).toEqual({ spec2: 1 });
  });

  it('leaves the document as it was', () => {
    const document = Object.freeze({ a: Object.freeze({ b: 1 }) });
    expect(applyMergePatch(document, { a: { c: 2 } })).toEqual({ a: { b: 1, c: 2 } });
  });
});

describe('applyJsonPatch', () => {
  it('applies in order', () => {
    expect(
      applyJsonPatch({ a: [1, 2] }, [
        { op: 'add', path: '/a/-', value: 3 },
        { op: 'remove', path: '/a/0' },
        { op: 'replace', path: '/a/0', value: 9 },
      ]),
    ).toEqual({ a: [9, 3] });
  });

  it.each([
    [[{ op: 'test', path: '/a', value: 2 }], 'testFailed'],
    [[{ op: 'replace', path: '/x/y', value: 2 }], 'pathNotFound'],
    [[{ op: 'remove', path: '/nope' }], 'pathNotFound'],
    [[{ op: 'jump', path: '/a' }], 'invalid'],
    [[{ op: 'add', path: '/__proto__/x', value: 1 }], 'invalid'],
    [{ op: 'add' }, 'invalid'],
    [Array.from({ length: 10_001 }, () => ({ op: 'test', path: '/a', value: 1 })), 'tooLarge'],
  ])('refuses %#', (operations, code) => {
    let caught: unknown;
    try {
      applyJsonPatch({ a: 1 }, operations);
    } catch (error) {
      caught = error;
    }
    expect(caught).toBeInstanceOf(PatchError);
    expect(caught).toMatchObject({ detail: { code } });
    expect(({} as Readonly<Record<string, unknown>>)['x']).toBeUndefined();
  });
});

describe('applyStrategicMergePatch', () => {
  it('merges containers by name and keeps the others', () => {
    expect(applyStrategicMergePatch(spec({ name: 'a', image: '1' }, { name: 'b', image: '1' }), spec({ name: 'b', image: '2' }), pod)).toEqual(
      spec({ name: 'a', image: '1' }, { name: 'b', image: '2' }),
    );
  });

  it('obeys $patch: delete and $patch: replace', () => {
    expect(applyStrategicMergePatch(spec({ name: 'a' }, { name: 'b' }), spec({ name: 'a', $patch: 'delete' }), pod)).toEqual(spec({ name: 'b' }));
    expect(applyStrategicMergePatch(spec({ name: 'a' }, { name: 'b' }), spec({ $patch: 'replace' }, { name: 'c' }), pod)).toEqual(spec({ name: 'c' }));
    expect(applyStrategicMergePatch({ metadata: { labels: { a: '1' } } }, { metadata: { labels: { $patch: 'replace', b: '2' } } }, pod)).toEqual({
      metadata: { labels: { b: '2' } },
    });
  });

  it('obeys $setElementOrder, keeping items it does not name near their neighbour', () => {
    const live = spec({ name: 'a' }, { name: 'server' }, { name: 'b' });
    expect(
      applyStrategicMergePatch(live, { spec: { '$setElementOrder/containers': [{ name: 'b' }, { name: 'a' }], containers: [{ name: 'a', image: '1' }] } }, pod),
    ).toEqual(spec({ name: 'b' }, { name: 'a', image: '1' }, { name: 'server' }));
  });

  it('merges primitive lists and deletes from them', () => {
    const live = { metadata: { finalizers: ['a', 'b'] } };
    expect(applyStrategicMergePatch(live, { metadata: { finalizers: ['c'] } }, pod)).toEqual({ metadata: { finalizers: ['a', 'b', 'c'] } });
    expect(applyStrategicMergePatch(live, { metadata: { '$deleteFromPrimitiveList/finalizers': ['a'] } }, pod)).toEqual({ metadata: { finalizers: ['b'] } });
  });

  it('obeys $retainKeys and null', () => {
    const live = { spec: { strategy: { type: 'RollingUpdate', rollingUpdate: { maxSurge: 1 } }, paused: true } };
    expect(applyStrategicMergePatch(live, { spec: { strategy: { $retainKeys: ['type'], type: 'Recreate' }, paused: null } }, deployment)).toEqual({
      spec: { strategy: { type: 'Recreate' } },
    });
  });

  it('replaces lists that have no merge strategy', () => {
    expect(applyStrategicMergePatch(spec({ name: 'a', args: ['1', '2'] }), spec({ name: 'a', args: ['3'] }), pod)).toEqual(spec({ name: 'a', args: ['3'] }));
  });

  it('says which merge key an item lacks', () => {
    expect(() => applyStrategicMergePatch(spec(), spec({ image: 'x' }), pod)).toThrow('merge key: name');
  });
});

describe('createMergePatch', () => {
  it('makes one document of another (law)', () => {
    const documents = fc.dictionary(
      fc.stringMatching(/^[a-c]$/),
      fc.letrec((tie) => ({
        value: fc.oneof(
          { depthSize: 'small' },
          fc.integer(),
          fc.string(),
          fc.array(fc.integer(), { maxLength: 2 }),
          fc.dictionary(fc.stringMatching(/^[a-c]$/), tie('value'), { maxKeys: 3 }),
        ),
      })).value,
      { maxKeys: 3 },
    );
    fc.assert(
      fc.property(documents, documents, (from, to) => {
        expect(applyMergePatch(from, createMergePatch(from, to))).toEqual(to);
        expect(createMergePatch(to, to)).toEqual({});
      }),
    );
  });
});

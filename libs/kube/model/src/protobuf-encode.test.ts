import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { must } from '@tiphys/kernel';
import { BUILTIN_RESOURCES } from './resource.ts';
import { formatApiVersion, type KubeObject } from './object.ts';
import { decodeKubeProtobuf } from './protobuf.ts';
import { encodeKubeList, encodeKubeMessage, encodeKubeProtobuf, encodeKubeWatchEvent, hasKubeProtobuf } from './protobuf-encode.ts';
import { ProtobufError } from './protobuf-table.ts';
import { schemaByName, schemaOf, type FieldSchema, type ObjectSchema } from './schema.ts';

// Fields of one object at most: schemas contain each other.
const MAX_FIELDS = 300;
const TEXTS = ['a', 'Zebra/9', 'quote " and \\', 'héllo', '漢字', '😀', 'long '.repeat(40), 'long é '.repeat(40)];
const JSONS = [{ a: null }, { deep: { list: [1, 'x', { y: false }] } }, { f: 1.5, n: -3 }];

/** Picks from what a seed gives (mulberry32). */
class Dice {
  #state: number;
  left = MAX_FIELDS;

  constructor(seed: number) {
    this.#state = seed;
  }

  roll(below: number): number {
    this.#state = (this.#state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(this.#state ^ (this.#state >>> 15), this.#state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) % below;
  }

  pick<T>(items: readonly T[]): T {
    return must(items[this.roll(items.length)], 'an item');
  }
}

// Zero values are what an absent plain field decodes to, so they are not among the values.
function valueOf(dice: Dice, field: FieldSchema): unknown {
  switch (field.type) {
    case 'string':
      return dice.pick(TEXTS);
    case 'integer':
      return dice.pick([1, 127, 128, 65_536, 2 ** 31 - 1, -1, -(2 ** 31), dice.roll(2 ** 31) + 1]);
    case 'number':
      return dice.pick([0.1, -1e300, 3]);
    case 'boolean':
      return true;
    case 'bytes':
      return dice.pick(['AA==', '/+8=', Buffer.from('x'.repeat(500)).toString('base64')]);
    case 'time':
      return dice.pick(['2024-02-29T23:59:59Z', '1969-12-31T23:59:59Z', '2200-01-01T00:00:00Z']);
    case 'microtime':
      return dice.pick(['2024-02-29T23:59:59.000001Z', '2024-02-29T23:59:59.000000Z']);
    case 'quantity':
      return dice.pick(['1', '500m', '10Gi', '-3', '1e3']);
    case 'intstr':
      return dice.pick<unknown>([0, 80, -1, 'http', '25%']);
    case 'any':
      return dice.pick(JSONS);
    case 'map':
      return Object.fromEntries(['', 'b', 'a'].map((key) => [`${key}${dice.pick(TEXTS)}`, valueOf(dice, field.items ?? { type: 'string' })]));
    case 'array':
      return [1, 2].slice(dice.roll(2)).map(() => valueOf(dice, field.items ?? { type: 'string' }));
    case 'object':
      return objectOf(dice, schemaByName(field.ref ?? ''));
  }
}

function objectOf(dice: Dice, schema: ObjectSchema | undefined): Record<string, unknown> {
  const fields = Object.entries(schema?.fields ?? {}).filter(([name, field]) => name !== 'apiVersion' && name !== 'kind' && !isEither(name, field));
  const chosen = fields.filter(() => dice.left > 0 && dice.roll(3) > 0);
  dice.left -= chosen.length;
  return Object.fromEntries(chosen.map(([name, field]) => [name, valueOf(dice, field)]));
}

// Fields of a CRD's schema with two shapes, which the table of definitions calls any. They have a test of their own.
function isEither(name: string, field: FieldSchema): boolean {
  return (field.type === 'any' || field.items?.type === 'any') && ['items', 'additionalItems', 'additionalProperties', 'dependencies'].includes(name);
}

const kinds = BUILTIN_RESOURCES.filter((row) => !/alpha/.test(row.version) && hasKubeProtobuf(formatApiVersion(row.group, row.version), row.kind));

describe('encodeKubeProtobuf', () => {
  it('knows every kind that is served', () => {
    const missing = BUILTIN_RESOURCES.filter((row) => !/alpha/.test(row.version) && !kinds.includes(row)).map((row) => row.kind);
    expect(missing).toEqual([]);
  });

  it.each(kinds.map((row) => [formatApiVersion(row.group, row.version), row.kind] as const))('decodes what it encoded: %s %s', (apiVersion, kind) => {
    const schema = schemaOf(apiVersion, kind);
    fc.assert(
      fc.property(fc.integer(), (seed) => {
        const object = { apiVersion, kind, metadata: {}, ...objectOf(new Dice(seed), schema) } as KubeObject;
        expect(decodeKubeProtobuf(encodeKubeProtobuf(object))).toEqual(object);
      }),
      { numRuns: 40 },
    );
  });

  it('puts encoded items into a list and events into frames', () => {
    const pod = { metadata: { name: 'a', labels: { z: '1', a: '2' } }, spec: { containers: [{ name: 'c', ports: [{ containerPort: 80 }] }] } };
    const item = encodeKubeMessage('v1', 'Pod', pod);
    const chunks = encodeKubeList({ apiVersion: 'v1', kind: 'PodList', metadata: { resourceVersion: '7', remainingItemCount: 3 } }, [item, item]);
    expect(decodeKubeProtobuf(Buffer.concat(chunks))).toEqual({
      apiVersion: 'v1',
      kind: 'PodList',
      metadata: { resourceVersion: '7', remainingItemCount: 3 },
      items: [pod, pod],
    });
    const frame = encodeKubeWatchEvent('ADDED', encodeKubeProtobuf({ apiVersion: 'v1', kind: 'Pod', ...pod }));
    expect(new DataView(frame.buffer).getUint32(0)).toBe(frame.length - 4);
    // A WatchEvent has no envelope on the wire; with one it can be read back.
    const envelope = Buffer.concat([
      Buffer.from('k8s\0'),
      Buffer.from([10, 16, 10, 2]),
      Buffer.from('v1'),
      Buffer.from([18, 10]),
      Buffer.from('WatchEvent'),
      Buffer.from([18, ...lengthOf(frame.length - 4)]),
      frame.subarray(4),
    ]);
    expect(decodeKubeProtobuf(envelope)).toMatchObject({ type: 'ADDED', object: { kind: 'Pod', ...pod } });
  });

  it('shows a Status, partial metadata and schemas of CRDs as they are in JSON', () => {
    const objects = [
      {
        apiVersion: 'v1',
        kind: 'Status',
        metadata: {},
        status: 'Failure',
        reason: 'NotFound',
        code: 404,
        details: { name: 'x', causes: [{ reason: 'a', message: 'b' }] },
      },
      { apiVersion: 'meta.k8s.io/v1', kind: 'PartialObjectMetadata', metadata: { name: 'x' } },
      { apiVersion: 'meta.k8s.io/v1beta1', kind: 'PartialObjectMetadataList', metadata: {}, items: [{ metadata: { name: 'x' } }] },
      {
        apiVersion: 'apiextensions.k8s.io/v1',
        kind: 'CustomResourceDefinition',
        metadata: { name: 'x' },
        spec: {
          versions: [
            {
              name: 'v1',
              schema: {
                openAPIV3Schema: {
                  type: 'object',
                  additionalProperties: false,
                  'x-kubernetes-preserve-unknown-fields': true,
                  properties: {
                    a: { items: { $ref: 'x' }, default: { deep: [1, null, 'x'] }, additionalProperties: { type: 'string' }, dependencies: { b: ['c'] } },
                  },
                },
              },
            },
          ],
        },
      },
    ];
    for (const object of objects) expect(decodeKubeProtobuf(encodeKubeProtobuf(object))).toEqual(object);
  });

  it('passes over fields of newer versions and refuses kinds without a message', () => {
    const bytes = Buffer.from(encodeKubeMessage('v1', 'Secret', { type: 'Opaque' }));
    const unknown = Buffer.concat([bytes, Buffer.from([0xfa, 0x3e, 2, 1, 2, 0xf8, 0x3e, 5])]);
    const envelope = Buffer.concat([
      Buffer.from('k8s\0'),
      Buffer.from([10, 12, 10, 2]),
      Buffer.from('v1'),
      Buffer.from([18, 6]),
      Buffer.from('Secret'),
      Buffer.from([18, unknown.length]),
      unknown,
    ]);
    expect(decodeKubeProtobuf(envelope)).toMatchObject({ kind: 'Secret', type: 'Opaque' });
    expect(() => encodeKubeProtobuf({ apiVersion: 'acme.io/v1', kind: 'Widget' })).toThrow(ProtobufError);
  });
});

function lengthOf(length: number): number[] {
  return must(length < 128 ? [length] : [(length & 127) | 128, length >> 7], 'a length');
}

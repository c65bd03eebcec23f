import { describe, expect, it } from 'vitest';
import { decodeKubeProtobuf } from './protobuf.ts';
import { ProtobufError } from './protobuf-table.ts';

const varint = (value: number): number[] => (value < 128 ? [value] : [(value & 127) | 128, ...varint(Math.floor(value / 128))]);
const bytes = (field: number, content: readonly number[]): number[] => [...varint(field * 8 + 2), ...varint(content.length), ...content];
const text = (field: number, value: string): number[] => bytes(field, [...new TextEncoder().encode(value)]);
const number = (field: number, value: number): number[] => [...varint(field * 8), ...varint(value)];
const envelope = (apiVersion: string, kind: string, raw: readonly number[]): Uint8Array =>
  Uint8Array.from([0x6b, 0x38, 0x73, 0, ...bytes(1, [...text(1, apiVersion), ...text(2, kind)]), ...bytes(2, raw)]);
const meta = (name: string): number[] => bytes(1, [...text(1, name), ...text(2, ''), ...bytes(8, []), ...bytes(11, [...text(1, 'app'), ...text(2, 'web')])]);

describe('decodeKubeProtobuf', () => {
  it('reads metadata, maps of bytes and drops the zero values Go writes', () => {
    const secret = decodeKubeProtobuf(envelope('v1', 'Secret', [...meta('s'), ...bytes(2, [...text(1, 'key'), ...text(2, 'value')]), ...text(3, 'Opaque')]));
    expect(secret).toEqual({ apiVersion: 'v1', kind: 'Secret', metadata: { name: 's', labels: { app: 'web' } }, data: { key: 'dmFsdWU=' }, type: 'Opaque' });
  });

  it('knows the messages whose JSON is no object: quantities, ports, times, inlined structs', () => {
    const port = bytes(2, [...text(1, 'TCP'), ...number(3, 80), ...bytes(4, [...number(1, 1), ...text(3, 'http')]), ...number(5, 0)]);
    expect(decodeKubeProtobuf(envelope('v1', 'Service', [...meta('s'), ...bytes(2, [...bytes(1, port.slice(2))])]))).toMatchObject({
      spec: { ports: [{ port: 80, targetPort: 'http' }] },
    });
    const volume = bytes(1, [...text(1, 'v'), ...bytes(2, bytes(6, text(1, 'mounted')))]);
    const limits = bytes(1, [...text(1, 'cpu'), ...bytes(2, text(1, '500m'))]);
    const container = bytes(2, [...text(1, 'c'), ...bytes(8, limits)]);
    expect(decodeKubeProtobuf(envelope('v1', 'Pod', [...meta('p'), ...bytes(2, [...volume, ...container])]))).toMatchObject({
      spec: { volumes: [{ name: 'v', secret: { secretName: 'mounted' } }], containers: [{ name: 'c', resources: { limits: { cpu: '500m' } } }] },
    });
    expect(
      decodeKubeProtobuf(
        envelope('coordination.k8s.io/v1', 'Lease', [...meta('l'), ...bytes(2, bytes(4, [...number(1, 1_700_000_000), ...number(2, 5_000)]))]),
      ),
    ).toMatchObject({ spec: { renewTime: '2023-11-14T22:13:20.000005Z' } });
  });

  it('reads options under any version and keeps a meant zero', () => {
    expect(decodeKubeProtobuf(envelope('apps/v1', 'DeleteOptions', [...number(1, 0), ...text(4, 'Orphan')]))).toMatchObject({
      gracePeriodSeconds: 0,
      propagationPolicy: 'Orphan',
    });
    expect(decodeKubeProtobuf(envelope('apps/v1', 'Deployment', bytes(2, [...number(1, 0), ...number(5, 0)])))).toMatchObject({ spec: { replicas: 0 } });
  });

  it('refuses what it cannot read', () => {
    for (const broken of [
      Uint8Array.from([1, 2, 3]),
      envelope('v1', 'Secret', [10, 200, 1]),
      envelope('acme.io/v1', 'Widget', []),
      Uint8Array.from([0x6b, 0x38, 0x73, 0, 255, 255]),
    ]) {
      expect(() => decodeKubeProtobuf(broken)).toThrow(ProtobufError);
    }
    let nested = text(1, 'x');
    for (let depth = 0; depth < 300; depth += 1) nested = bytes(2, nested);
    expect(() => decodeKubeProtobuf(envelope('v1', 'Pod', nested))).not.toThrow(RangeError);
  });
});

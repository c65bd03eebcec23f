import { describe, expect, it } from 'vitest';
import fc from 'fast-check';
import type { KubeObject } from '@tiphys/kube-model';
import { schemaNodeOf, serverSideApply } from '@tiphys/kube-patch';
import { diffObject, maskStates, normalizeDesired } from './index.ts';

const NOTE = 'kubectl.kubernetes.io/last-applied-configuration';

function secret(data: Readonly<Record<string, string>>, annotations: Readonly<Record<string, string>> = {}, field = 'data'): KubeObject {
  return { apiVersion: 'v1', kind: 'Secret', metadata: { name: 's', annotations }, [field]: data } as unknown as KubeObject;
}

// Values that no structure of an object holds by chance.
const value = fc.stringMatching(/^[a-z]{6}[A-Z]{6}[0-9]{3}$/);
const base64 = (text: string): string => Buffer.from(text).toString('base64');

describe('maskStates', () => {
  it('shows no byte of a value, wherever it stands (law)', () => {
    const values = fc.dictionary(fc.stringMatching(/^[a-z]{1,3}$/), value, { minKeys: 1, maxKeys: 4 });
    fc.assert(
      fc.property(values, values, fc.boolean(), (wanted, lived, asText) => {
        const note = JSON.stringify(secret(wanted, {}, 'stringData'));
        const encoded = Object.fromEntries(Object.entries(lived).map(([key, text]) => [key, base64(text)]));
        const desired = asText
          ? secret(wanted, {}, 'stringData')
          : secret(Object.fromEntries(Object.entries(wanted).map(([key, text]) => [key, base64(text)])));
        const shown = JSON.stringify(maskStates(desired, secret(encoded, { [NOTE]: note, token: lived[Object.keys(lived)[0] ?? ''] ?? '' }), ['token']));
        for (const text of [...Object.values(wanted), ...Object.values(lived)]) {
          expect(shown).not.toContain(text);
          expect(shown).not.toContain(base64(text));
        }
      }),
    );
  });
  it('makes equal values look equal, also from stringData', () => {
    const { desired, live } = maskStates(secret({ a: 'one' }, {}, 'stringData'), secret({ a: base64('one') }));
    expect(desired).toMatchObject({ data: { a: '++++++++' } });
    expect(live).toMatchObject({ data: { a: '++++++++' } });
    expect(maskStates(secret({ a: base64('one') }), secret({ a: base64('two') })).live).toMatchObject({ data: { a: '++++++++++++' } });
  });
  it('leaves other kinds alone but for named annotations', () => {
    const map = {
      apiVersion: 'v1',
      kind: 'ConfigMap',
      metadata: { name: 'c', annotations: { token: 'x', other: 'y' } },
      data: { a: 'b' },
    } as unknown as KubeObject;
    expect(maskStates(map, undefined).desired).toEqual(map);
    expect(maskStates(map, undefined, ['token']).desired).toEqual({ ...map, metadata: { name: 'c', annotations: { token: '++++++++', other: 'y' } } });
  });
});

describe('changes', () => {
  it('cover named annotations of any kind', () => {
    const map = (token: string): KubeObject =>
      ({ apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'c', namespace: 'n', annotations: { token } } }) as unknown as KubeObject;
    const result = serverSideApply({
      live: undefined,
      applied: normalizeDesired(map('oldSecret')),
      manager: 'tiphys',
      force: true,
      schema: schemaNodeOf('v1', 'ConfigMap'),
      now: '2026-01-01T00:00:00Z',
    });
    if (result.kind !== 'applied') throw new Error('conflict');
    const request = { desired: map('newSecret'), manager: 'tiphys', schema: schemaNodeOf('v1', 'ConfigMap'), sensitiveAnnotations: ['token'] };
    for (const live of [result.object, undefined]) {
      const shown = JSON.stringify(diffObject({ ...request, live }));
      expect(shown).toContain('redacted');
      expect(shown).not.toMatch(/oldSecret|newSecret/);
    }
  });
});

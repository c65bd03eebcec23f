import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { randomBytes } from 'node:crypto';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createMemoryStore, openLmdbStore, type Store } from '@tiphys/plane-store';
import { describe, expect, it } from 'vitest';
import { startTestServer, type TestServer } from '../test-server.test-suite.ts';
import { parseEncryptionConfiguration } from './configuration.ts';

const key = (name: string, bytes: number = 32): string => `{name: ${name}, secret: ${randomBytes(bytes).toString('base64')}}`;
const [ONE, TWO, BOX, CBC] = [key('one'), key('two'), key('box'), key('cbc')];
const configuration = (providers: string, resources: string = 'secrets'): ReturnType<typeof parseEncryptionConfiguration> =>
  parseEncryptionConfiguration(
    `{apiVersion: apiserver.config.k8s.io/v1, kind: EncryptionConfiguration, resources: [{resources: [${resources}], providers: ${providers}}]}`,
  );
const SECRETS = '/api/v1/namespaces/default/secrets';
const secret = (name: string, value: string): object => ({ apiVersion: 'v1', kind: 'Secret', metadata: { name }, stringData: { value } });
const KEY = '/core/secrets/default/s';

// Servers of one store, one after the other.
async function serve<T>(store: Store, providers: string, use: (server: TestServer) => Promise<T>): Promise<T> {
  const lasting = new Proxy(store, {
    get: (target, name) => {
      const value: unknown = name === 'close' ? async () => undefined : Reflect.get(target, name);
      return typeof value === 'function' ? value.bind(target) : value;
    },
  });
  await using server = await startTestServer({ store: lasting, encryption: configuration(providers) });
  return await use(server);
}

describe('encryption at rest', () => {
  it('keeps every byte of a Secret off the disk', async () => {
    const dir = mkdtempSync(join(tmpdir(), 'tiphys-sealed-'));
    await using server = await startTestServer({ store: openLmdbStore({ dir }), encryption: configuration(`[{aesgcm: {keys: [${ONE}]}}, {identity: {}}]`) });
    const from = (await server.call('GET', SECRETS)).body.metadata.resourceVersion;
    await server.call('POST', SECRETS, { body: secret('s', 'plain-as-day') });
    await server.call('PATCH', `${SECRETS}/s`, { contentType: 'application/merge-patch+json', body: { stringData: { value: 'plain-as-night' } } });
    await server.call('POST', '/api/v1/namespaces/default/configmaps', {
      body: { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'm' }, data: { a: 'meant-to-be-read' } },
    });
    const disk = Buffer.concat(readdirSync(dir).map((name) => readFileSync(join(dir, name))));
    for (const hidden of ['plain-as-day', 'plain-as-night'])
      for (const form of [hidden, Buffer.from(hidden).toString('base64')]) expect(disk.includes(form), form).toBe(false);
    expect([disk.includes('k8s:enc:aesgcm:v1:one:'), disk.includes('meant-to-be-read')]).toEqual([true, true]);
    expect((await server.call('GET', `${SECRETS}/s`)).body.data.value).toBe(Buffer.from('plain-as-night').toString('base64'));
    const events = await server.watch(`${SECRETS}?watch=1&resourceVersion=${from}`, 2);
    expect(events.map((event) => [event.type, Buffer.from(event.object.data.value, 'base64').toString()])).toEqual([
      ['ADDED', 'plain-as-day'],
      ['MODIFIED', 'plain-as-night'],
    ]);
    rmSync(dir, { recursive: true });
  });

  it('changes keys and ways when the server starts with others first', async () => {
    await using store = createMemoryStore();
    const label = (): string =>
      Buffer.from(store.get(KEY)?.value ?? [])
        .toString('latin1', 0, 30)
        .split(':')
        .slice(2, 5)
        .join(' ');
    const read = async (server: TestServer): Promise<string> => Buffer.from((await server.call('GET', `${SECRETS}/s`)).body.data.value, 'base64').toString();
    await serve(store, '[{identity: {}}]', async (server) => await server.call('POST', SECRETS, { body: secret('s', 'kept') }));
    const turns: readonly (readonly [providers: string, label: string])[] = [
      [`[{aesgcm: {keys: [${ONE}]}}, {identity: {}}]`, 'aesgcm v1 one'],
      [`[{aesgcm: {keys: [${TWO}, ${ONE}]}}]`, 'aesgcm v1 two'],
      [`[{secretbox: {keys: [${BOX}]}}, {aesgcm: {keys: [${TWO}]}}]`, 'secretbox v1 box'],
      [`[{aescbc: {keys: [${CBC}]}}, {secretbox: {keys: [${BOX}]}}]`, 'aescbc v1 cbc'],
    ];
    for (const [providers, wanted] of turns) {
      expect(await serve(store, providers, read), wanted).toBe('kept');
      expect(label()).toBe(wanted);
    }
    expect(await serve(store, `[{identity: {}}, {aescbc: {keys: [${CBC}]}}]`, read)).toBe('kept');
    expect(Buffer.from(store.get(KEY)?.value ?? []).toString()).toContain('"resourceVersion"');
  });

  it('does not show what lies at another place, or has no key', async () => {
    await using store = createMemoryStore();
    await serve(store, `[{aesgcm: {keys: [${ONE}]}}]`, async (server) => {
      await server.call('POST', SECRETS, { body: secret('s', 'mine') });
      const moved = store.get(KEY)?.value ?? new Uint8Array();
      await store.write({ kind: 'put', key: '/core/secrets/default/other', expect: { kind: 'absent' }, encode: () => Uint8Array.from(moved) });
      const answer = await server.call('GET', `${SECRETS}/other`);
      expect([answer.code, answer.body.message]).toEqual([
        500,
        'Internal error occurred: core/secrets/default/other: cannot be decrypted: key "one" does not open it',
      ]);
    });
    await expect(serve(store, `[{aesgcm: {keys: [${TWO}]}}]`, async () => undefined)).rejects.toThrow('its key "one" is not in the encryption configuration');
  });

  it('refuses a configuration it cannot follow, without showing a key', () => {
    const bad: readonly (readonly [providers: string, field: string])[] = [
      ['[{aesgcm: {keys: [{name: a, secret: c2hvcnQ=}]}}]', 'resources[0].providers[0].aesgcm.keys[0].secret'],
      ['[{kms: {name: x}}]', 'resources[0].providers[0].kms'],
      ['[]', 'resources[0].providers'],
      [`[{aesgcm: {keys: [${ONE}, ${ONE}]}}]`, 'resources[0].providers[0].aesgcm.keys'],
    ];
    for (const [providers, field] of bad) {
      expect(() => configuration(providers)).toThrow(expect.objectContaining({ detail: { code: 'invalid', field } }));
      expect(() => configuration(providers)).not.toThrow('c2hvcnQ');
    }
  });
});

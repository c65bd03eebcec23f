import { describe, expect, it } from 'vitest';
import { createMemoryStore } from '@tiphys/plane-store';
import { startTestServer } from './test-server.test-suite.ts';

const MAPS = '/api/v1/namespaces/default/configmaps';
const map = (name: string, value: string): object => ({ apiVersion: 'v1', kind: 'ConfigMap', metadata: { name }, data: { value } });

describe('the past', () => {
  it('is read by revision and by time, page by page, and told to be gone when it is', async () => {
    // The store's clock alone is moved: certificates live by the real one.
    let now = Date.parse('2030-01-01T00:00:00Z');
    await using t = await startTestServer({ store: createMemoryStore({ clock: { now: () => now } }) });
    const created = await t.call('POST', MAPS, { body: map('a', 'one') });
    await t.call('POST', MAPS, { body: map('b', 'one') });
    const { resourceVersion } = (await t.call('GET', MAPS)).body.metadata;
    now = Date.parse('2030-01-01T00:01:00Z');
    await t.call('PUT', `${MAPS}/a`, { body: map('a', 'two') });
    await t.call('DELETE', `${MAPS}/b`);
    await t.call('POST', MAPS, { body: map('c', 'two') });

    const values = (body: { items: { metadata: { name: string }; data: { value: string } }[] }): string[] =>
      body.items.map(({ metadata, data }) => `${metadata.name} ${data.value}`);
    expect(values((await t.call('GET', MAPS)).body)).toStrictEqual(['a two', 'c two']);
    for (const at of [resourceVersion, '2030-01-01T00:00:30Z', '2030-01-01T01:00:59%2B01:00'])
      expect(values((await t.call('GET', `${MAPS}?at=${at}`)).body), at).toStrictEqual(['a one', 'b one']);
    expect((await t.call('GET', `${MAPS}/b?at=2030-01-01T00:00:30Z`)).body.data).toStrictEqual({ value: 'one' });
    expect((await t.call('GET', `${MAPS}/c?at=${resourceVersion}`)).body.reason).toBe('NotFound');
    const page = await t.call('GET', `${MAPS}?at=${resourceVersion}&limit=1`);
    expect(values((await t.call('GET', `${MAPS}?limit=1&continue=${page.body.metadata.continue}`)).body)).toStrictEqual(['b one']);

    const refused = async (query: string): Promise<readonly unknown[]> => {
      const { body } = await t.call('GET', `${MAPS}?${query}`);
      return [body.code, body.reason];
    };
    expect(await refused('at=yesterday')).toStrictEqual([400, 'BadRequest']);
    expect(await refused('at=5&watch=true')).toStrictEqual([422, 'Invalid']);
    expect(await refused(`at=${t.store.revision + 5}`)).toStrictEqual([504, 'Timeout']);
    t.store.compact(t.store.revision);
    expect(await refused(`at=${created.body.metadata.resourceVersion}`)).toStrictEqual([410, 'Expired']);
    expect(await refused('at=2030-01-01T00:00:30Z')).toStrictEqual([410, 'Expired']);
    expect((await t.call('GET', `${MAPS}/a?at=2030-01-01T00:00:30Z`)).body.message).toContain('before the history that is kept');
  });
});

import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startTestServer, type TestServer } from './test-server.test-suite.ts';

let t: TestServer;
const MAPS = '/api/v1/namespaces/default/configmaps';
const TABLE = 'application/json;as=Table;v=v1;g=meta.k8s.io,application/json';
const map = (name: string, labels: object = {}): object => ({ apiVersion: 'v1', kind: 'ConfigMap', metadata: { name, labels }, data: { a: '1' } });

beforeAll(async () => {
  t = await startTestServer();
  for (const name of ['a', 'b', 'c', 'd', 'e']) await t.call('POST', MAPS, { body: map(name, { half: name < 'c' ? 'first' : 'second' }) });
});
afterAll(async () => await t[Symbol.asyncDispose]());

const names = (body: { items: { metadata: { name: string } }[] }): string[] => body.items.map((item) => item.metadata.name);

describe('list', () => {
  it('pages at one revision', async () => {
    const first = await t.call('GET', `${MAPS}?limit=2`);
    expect(names(first.body)).toEqual(['a', 'b']);
    expect(first.body.metadata.remainingItemCount).toBe(3);
    await t.call('DELETE', `${MAPS}/d`);
    const second = await t.call('GET', `${MAPS}?limit=10&continue=${first.body.metadata.continue}`);
    expect(names(second.body)).toEqual(['c', 'd', 'e']);
    expect(second.body.metadata).toEqual({ resourceVersion: first.body.metadata.resourceVersion });
    await t.call('POST', MAPS, { body: map('d', { half: 'second' }) });
    t.store.compact(t.store.revision);
    await t.call('PATCH', `${MAPS}/e`, { contentType: 'application/merge-patch+json', body: { data: { z: '1' } } });
    const expired = await t.call('GET', `${MAPS}?limit=10&continue=${first.body.metadata.continue}`);
    expect(expired.body).toMatchObject({ code: 410, reason: 'Expired', metadata: { continue: expect.any(String) } });
    expect(names((await t.call('GET', `${MAPS}?continue=${expired.body.metadata.continue}`)).body)).toEqual(['c', 'd', 'e']);
  });

  it('selects by labels and fields and names what it does not support', async () => {
    expect(names((await t.call('GET', `${MAPS}?labelSelector=half%20in%20(first)`)).body)).toEqual(['a', 'b']);
    expect(names((await t.call('GET', `${MAPS}?fieldSelector=metadata.name%3Dc`)).body)).toEqual(['c']);
    expect(names((await t.call('GET', `${MAPS}?labelSelector=half%3Dsecond&limit=1`)).body)).toEqual(['c']);
    expect((await t.call('GET', `${MAPS}?fieldSelector=data.a%3Db`)).body).toMatchObject({
      code: 400,
      message: expect.stringContaining('field label not supported: data.a'),
    });
    expect((await t.call('GET', `${MAPS}?labelSelector=%3D%3D`)).code).toBe(400);
  });

  it('honours resourceVersion and its match', async () => {
    const before = (await t.call('GET', MAPS)).body.metadata.resourceVersion;
    await t.call('POST', MAPS, { body: map('later') });
    expect(names((await t.call('GET', `${MAPS}?resourceVersion=${before}&resourceVersionMatch=Exact`)).body)).not.toContain('later');
    expect(names((await t.call('GET', `${MAPS}?resourceVersion=${before}&resourceVersionMatch=NotOlderThan`)).body)).toContain('later');
    expect((await t.call('GET', `${MAPS}?resourceVersion=999999`)).body).toMatchObject({
      code: 504,
      reason: 'Timeout',
      details: { causes: [{ reason: 'ResourceVersionTooLarge' }] },
    });
    expect((await t.call('GET', `${MAPS}?resourceVersionMatch=Exact`)).code).toBe(422);
    await t.call('DELETE', `${MAPS}/later`);
  });

  it('shows tables and bare metadata', async () => {
    const table = await t.call('GET', MAPS, { accept: TABLE });
    expect(table.body).toMatchObject({ kind: 'Table', columnDefinitions: [{ name: 'Name' }, { name: 'Data' }, { name: 'Age' }] });
    expect(table.body.rows[0]).toMatchObject({ cells: ['a', 1, expect.stringMatching(/s$/)], object: { kind: 'PartialObjectMetadata' } });
    const metadata = await t.call('GET', MAPS, { accept: 'application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1' });
    expect(metadata.body).toMatchObject({ kind: 'PartialObjectMetadataList' });
    expect(metadata.body.items[0].data).toBeUndefined();
    expect((await t.call('GET', MAPS, { accept: 'application/vnd.kubernetes.protobuf;as=Table;g=meta.k8s.io;v=v1' })).code).toBe(406);
    expect((await t.call('GET', MAPS, { accept: 'application/vnd.kubernetes.protobuf,application/json' })).code).toBe(200);
  });
});

describe('watch', () => {
  it('follows a revision in order and turns leaving a selection into DELETED', async () => {
    const from = t.store.revision;
    const seen = t.watch(`${MAPS}?watch=1&resourceVersion=${from}&labelSelector=w%3D1`, 4);
    await t.call('POST', MAPS, { body: map('w', { w: '1' }) });
    await t.call('PATCH', `${MAPS}/w`, { contentType: 'application/merge-patch+json', body: { data: { b: '2' } } });
    await t.call('PATCH', `${MAPS}/w`, { contentType: 'application/merge-patch+json', body: { metadata: { labels: { w: '2' } } } });
    await t.call('PATCH', `${MAPS}/w`, { contentType: 'application/merge-patch+json', body: { metadata: { labels: { w: '1' } } } });
    const events = await seen;
    expect(events.map((event) => event.type)).toEqual(['ADDED', 'MODIFIED', 'DELETED', 'ADDED']);
    const versions = events.map((event) => Number(event.object.metadata.resourceVersion));
    expect(versions).toEqual(versions.toSorted((a, b) => a - b));
  });

  it('begins with the state, ends it with a bookmark, and refuses what is too old', async () => {
    const initial = await t.watch(`${MAPS}?watch=true&sendInitialEvents=true&resourceVersionMatch=NotOlderThan&allowWatchBookmarks=true`, 7);
    expect(initial.at(-1)).toMatchObject({
      type: 'BOOKMARK',
      object: { kind: 'ConfigMap', metadata: { annotations: { 'k8s.io/initial-events-end': 'true' } } },
    });
    expect((await t.watch(`${MAPS}?watch=true`, 2)).map((event) => event.type)).toEqual(expect.arrayContaining(['ADDED']));
    t.store.compact(t.store.revision);
    expect((await t.call('GET', `${MAPS}?watch=true&resourceVersion=2`)).body).toMatchObject({ code: 410, reason: 'Expired' });
    expect((await t.call('GET', `${MAPS}?watch=true&sendInitialEvents=true`)).code).toBe(422);
  });

  it('ends after its timeout and sends columns once', async () => {
    const quiet = await t.call('GET', `${MAPS}?watch=true&resourceVersion=${t.store.revision}&timeoutSeconds=1`);
    expect(quiet).toMatchObject({ code: 200, text: '' });
    const rows = await t.watch(`${MAPS}?watch=true`, 2, TABLE);
    expect(rows[0].object.columnDefinitions).toHaveLength(3);
    expect(rows[1].object.columnDefinitions).toBeNull();
  });
});

describe('discovery', () => {
  it('lists groups and resources in all forms', async () => {
    expect((await t.call('GET', '/api')).body.versions).toEqual(['v1']);
    expect((await t.call('GET', '/apis')).body.groups.map((group: { name: string }) => group.name)).toEqual(
      expect.arrayContaining(['apps', 'batch', 'apiextensions.k8s.io']),
    );
    const core = await t.call('GET', '/api/v1');
    expect(core.body.resources).toEqual(
      expect.arrayContaining([
        expect.objectContaining({ name: 'pods', shortNames: ['po'], categories: ['all'] }),
        expect.objectContaining({ name: 'pods/eviction', group: 'policy', kind: 'Eviction' }),
      ]),
    );
    const aggregated = await t.call('GET', '/apis', { accept: 'application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList' });
    expect(aggregated.headers['content-type']).toBe('application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList');
    expect(aggregated.body.items.find((item: { metadata: { name: string } }) => item.metadata.name === 'apps').versions[0].resources).toHaveLength(5);
    expect((await t.call('GET', '/apis/nowhere.io')).body).toMatchObject({ code: 404 });
    expect((await t.call('GET', '/version')).body).toMatchObject({ major: '1', minor: '33' });
  });

  it('describes PATCH as kubectl looks it up', async () => {
    const index = await t.call('GET', '/openapi/v3');
    const document = await t.call('GET', index.body.paths['apis/apps/v1'].serverRelativeURL.split('?')[0]);
    const { patch } = document.body.paths['/apis/apps/v1/namespaces/{namespace}/deployments/{name}'];
    expect(patch['x-kubernetes-group-version-kind']).toEqual({ group: 'apps', version: 'v1', kind: 'Deployment' });
    expect(patch.parameters.map((parameter: { name: string }) => parameter.name)).toContain('fieldValidation');
    expect(Object.keys(patch.requestBody.content)).toContain('application/strategic-merge-patch+json');
    const references = new Set([...document.text.matchAll(/#\/components\/schemas\/([^"]+)"/g)].map((match) => match[1]));
    expect([...references].filter((name) => document.body.components.schemas[name ?? ''] === undefined)).toEqual([]);
    expect((await t.call('GET', '/openapi/v2')).body.definitions['io.k8s.api.core.v1.Pod']).toBeDefined();
  });
});

import { gunzipSync } from 'node:zlib';
import { decodeKubeProtobuf, encodeKubeProtobuf } from '@tiphys/kube-model';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startTestServer, type TestServer } from './test-server.test-suite.ts';

let t: TestServer;
const PROTOBUF = 'application/vnd.kubernetes.protobuf';
const MAPS = '/api/v1/namespaces/default/configmaps';
const map = (name: string, data: object = { a: '1' }): { apiVersion: string; kind: string } & Record<string, unknown> => ({
  apiVersion: 'v1',
  kind: 'ConfigMap',
  metadata: { name },
  data,
});
const CRD = {
  apiVersion: 'apiextensions.k8s.io/v1',
  kind: 'CustomResourceDefinition',
  metadata: { name: 'widgets.acme.io' },
  spec: {
    group: 'acme.io',
    scope: 'Namespaced',
    names: { plural: 'widgets', kind: 'Widget' },
    versions: [{ name: 'v1', served: true, storage: true, schema: { openAPIV3Schema: { type: 'object', 'x-kubernetes-preserve-unknown-fields': true } } }],
  },
};

beforeAll(async () => {
  t = await startTestServer();
  for (const name of ['a', 'b']) await t.call('POST', MAPS, { body: map(name) });
  await t.call('POST', '/apis/apiextensions.k8s.io/v1/customresourcedefinitions', { body: CRD });
});
afterAll(async () => await t[Symbol.asyncDispose]());

describe('protobuf', () => {
  it('carries objects, lists, reviews and failures both ways', async () => {
    const created = await t.call('POST', MAPS, { raw: encodeKubeProtobuf(map('made')), contentType: PROTOBUF, accept: `${PROTOBUF},application/json` });
    expect([created.code, created.headers['content-type']]).toEqual([201, PROTOBUF]);
    expect(decodeKubeProtobuf(created.bytes)).toMatchObject({ kind: 'ConfigMap', metadata: { name: 'made' }, data: { a: '1' } });
    const got = await t.call('GET', `${MAPS}/made`, { accept: PROTOBUF });
    expect(decodeKubeProtobuf(got.bytes)).toEqual((await t.call('GET', `${MAPS}/made`)).body);
    const list = await t.call('GET', `${MAPS}?limit=2`, { accept: PROTOBUF });
    expect(decodeKubeProtobuf(list.bytes)).toMatchObject({
      kind: 'ConfigMapList',
      metadata: { remainingItemCount: 1, continue: expect.any(String) },
      items: [{ metadata: { name: 'a' } }, { metadata: { name: 'b' } }],
    });
    const missing = await t.call('GET', `${MAPS}/none`, { accept: PROTOBUF });
    expect([missing.code, missing.headers['content-type']]).toEqual([404, PROTOBUF]);
    expect(decodeKubeProtobuf(missing.bytes)).toMatchObject({ kind: 'Status', reason: 'NotFound', code: 404, details: { name: 'none', kind: 'configmaps' } });
    const review = await t.call('POST', '/apis/authorization.k8s.io/v1/selfsubjectaccessreviews', {
      accept: PROTOBUF,
      body: { apiVersion: 'authorization.k8s.io/v1', kind: 'SelfSubjectAccessReview', spec: { resourceAttributes: { verb: 'get', resource: 'pods' } } },
    });
    expect(decodeKubeProtobuf(review.bytes)).toMatchObject({ kind: 'SelfSubjectAccessReview', status: { allowed: true } });
    await t.call('DELETE', `${MAPS}/made`);
  });

  it('carries bare metadata, of custom resources too', async () => {
    await t.call('POST', '/apis/acme.io/v1/namespaces/default/widgets', {
      body: { apiVersion: 'acme.io/v1', kind: 'Widget', metadata: { name: 'w' }, size: 1 },
    });
    const accept = `${PROTOBUF};as=PartialObjectMetadataList;g=meta.k8s.io;v=v1`;
    const list = await t.call('GET', '/apis/acme.io/v1/widgets', { accept });
    expect(decodeKubeProtobuf(list.bytes)).toMatchObject({ kind: 'PartialObjectMetadataList', items: [{ metadata: { name: 'w' } }] });
  });

  it('is not there for custom resources', async () => {
    const widgets = '/apis/acme.io/v1/namespaces/default/widgets';
    expect((await t.call('GET', widgets, { accept: PROTOBUF })).code).toBe(406);
    expect((await t.call('GET', widgets, { accept: `${PROTOBUF}, application/json` })).body).toMatchObject({ kind: 'WidgetList' });
    const body = Buffer.concat([
      Buffer.from('k8s\0'),
      Buffer.from([10, 20, 10, 10]),
      Buffer.from('acme.io/v1'),
      Buffer.from([18, 6]),
      Buffer.from('Widget'),
      Buffer.from([18, 0]),
    ]);
    expect((await t.call('POST', widgets, { raw: body, contentType: PROTOBUF })).code).toBe(415);
  });

  it('follows changes in frames', async () => {
    const answer = await t.call('GET', `${MAPS}?watch=1&timeoutSeconds=1&allowWatchBookmarks=true&sendInitialEvents=true&resourceVersionMatch=NotOlderThan`, {
      accept: PROTOBUF,
    });
    expect(answer.headers['content-type']).toBe(`${PROTOBUF};stream=watch`);
    const types: string[] = [];
    for (let at = 0; at < answer.bytes.length; at += 4 + answer.bytes.readUInt32BE(at)) {
      const frame = answer.bytes.subarray(at + 4, at + 4 + answer.bytes.readUInt32BE(at));
      types.push(frame.toString('utf8', 2, 2 + (frame[1] ?? 0)));
      expect(decodeKubeProtobuf(frame.subarray(frame.indexOf('k8s\0'))).kind).toBe('ConfigMap');
    }
    expect(types).toEqual(['ADDED', 'ADDED', 'BOOKMARK']);
  });
});

describe('negotiation', () => {
  it.each([
    ['application/yaml', 'application/yaml'],
    ['application/json;q=0.5, application/yaml', 'application/yaml'],
    ['text/html, */*;q=0.1', 'application/json'],
    [`application/cbor, ${PROTOBUF};q=0.8, application/json;q=0.9`, 'application/json'],
    [`*/*, ${PROTOBUF}`, PROTOBUF],
    [`${PROTOBUF};q=0, application/json`, 'application/json'],
  ])('answers %s with %s', async (accept, type) => {
    expect((await t.call('GET', `${MAPS}/a`, { accept })).headers['content-type']).toBe(type);
  });

  it('says what it has to whom it cannot please', async () => {
    const refused = await t.call('GET', `${MAPS}/a`, { accept: 'text/html' });
    expect(refused.body).toMatchObject({
      code: 406,
      reason: 'NotAcceptable',
      message: `only the following media types are accepted: application/json, application/yaml, ${PROTOBUF}`,
    });
    expect((await t.call('GET', `${MAPS}?watch=1`, { accept: 'application/yaml' })).code).toBe(406);
    expect((await t.call('POST', MAPS, { body: 'x', contentType: 'text/csv' })).body).toMatchObject({
      code: 415,
      message: `the body of the request was in an unknown format - accepted media types include: application/json, application/yaml, ${PROTOBUF}`,
    });
  });

  it('indents for people', async () => {
    expect((await t.call('GET', `${MAPS}/a?pretty=true`)).text).toContain('\n  "kind": "ConfigMap"');
    expect((await t.call('GET', `${MAPS}?pretty=1`)).text).toContain('\n  "items": [');
    expect((await t.call('GET', `${MAPS}/a`, { headers: { 'user-agent': 'curl/8' } })).text).toContain('\n  "kind"');
    expect((await t.call('GET', `${MAPS}/a?pretty=false`, { headers: { 'user-agent': 'curl/8' } })).text).not.toContain('\n  "kind"');
  });

  it('compresses large bodies for who takes that', async () => {
    await t.call('POST', MAPS, { body: map('big', { text: 'x'.repeat(200_000) }) });
    const packed = await t.call('GET', `${MAPS}/big`, { headers: { 'accept-encoding': 'deflate, gzip;q=1.0' } });
    expect([packed.headers['content-encoding'], packed.headers['vary']]).toEqual(['gzip', 'Accept-Encoding']);
    expect(JSON.parse(gunzipSync(packed.bytes).toString()).data.text).toHaveLength(200_000);
    expect((await t.call('GET', `${MAPS}/a`, { headers: { 'accept-encoding': 'gzip' } })).headers['content-encoding']).toBeUndefined();
    expect((await t.call('GET', `${MAPS}/big`)).headers['content-encoding']).toBeUndefined();
  });
});

describe('paths', () => {
  it('may say watch before the resource, as old clients do', async () => {
    const of = async (path: string): Promise<string[]> =>
      (await t.watch(`${path}?timeoutSeconds=1`, 9)).map((event) => `${event.type} ${event.object.metadata.name}`);
    expect(await of('/api/v1/watch/namespaces/default/configmaps')).toEqual(expect.arrayContaining(['ADDED a', 'ADDED b']));
    expect(await of('/api/v1/watch/namespaces/default/configmaps/b')).toEqual(['ADDED b']);
  });

  it('take the time a client gives them', async () => {
    expect((await t.call('GET', `${MAPS}?timeout=nonsense`)).body).toMatchObject({ code: 400, message: 'invalid timeout specified in the request URL' });
    expect((await t.call('GET', `${MAPS}?timeout=5s`)).code).toBe(200);
    expect((await t.call('OPTIONS', MAPS)).code).toBe(405);
  });
});

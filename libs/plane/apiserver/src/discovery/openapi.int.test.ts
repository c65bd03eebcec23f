import { execFileSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startTestServer, type TestServer } from '../test-server.test-suite.ts';

const REFERENCE = new URL('../../../../../../shared/reference/kubernetes/openapi-v1.33.json.xz', import.meta.url).pathname;
const hasReference = existsSync(REFERENCE);
if (!hasReference) process.stderr.write('the reference data of Kubernetes is absent: the comparison of OpenAPI documents is skipped\n');

let t: TestServer;
beforeAll(async () => (t = await startTestServer()));
afterAll(async () => await t[Symbol.asyncDispose]());

const CRDS = '/apis/apiextensions.k8s.io/v1/customresourcedefinitions';
const version = (name: string, schema: object, storage: boolean = false): object => ({ name, served: true, storage, schema: { openAPIV3Schema: schema } });
const crd = (plural: string, kind: string, versions: readonly object[]): object => ({
  apiVersion: 'apiextensions.k8s.io/v1',
  kind: 'CustomResourceDefinition',
  metadata: { name: `${plural}.acme.io` },
  spec: { group: 'acme.io', scope: 'Namespaced', names: { plural, kind }, versions },
});
const PRESERVE = { 'x-kubernetes-preserve-unknown-fields': true };

/** What of an operation or a field can be compared: everything but upstream's prose. */
function bare(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(bare);
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(
    Object.entries(value)
      .filter(([key]) => key !== 'description')
      .toSorted(([a], [b]) => (a < b ? -1 : 1))
      .map(([key, item]) => [key, bare(item)]),
  );
}

// Off by default in a cluster, or not an API.
const NOT_SERVED = /alpha|resource\.k8s\.io|componentstatuses|^\/logs|internal\.apiserver|storagemigration/;
const METHODS = new Set(['get', 'put', 'post', 'delete', 'options', 'head', 'patch']);
// Definitions that say no more than "any object", which fields say themselves here.
const SPELLED_OUT = /RawExtension|\.JSON|FieldsV1/;

describe.skipIf(!hasReference)('OpenAPI v2', () => {
  it('has the paths, operations and definitions of the reference', async () => {
    const reference = JSON.parse(execFileSync('xz', ['-dc', REFERENCE], { maxBuffer: 64e6, encoding: 'utf8' }));
    const { body: ours } = await t.call('GET', '/openapi/v2');
    const paths = Object.keys(reference.paths).filter((path) => !NOT_SERVED.test(path));
    expect(paths.filter((path) => ours.paths[path] === undefined)).toEqual([]);
    const refs = [...JSON.stringify(ours).matchAll(/"#\/definitions\/([^"]+)"/g)].map(([, ref]) => ref ?? '');
    expect(refs.filter((ref) => ours.definitions[ref] === undefined)).toEqual([]);
    const facts = (item: Record<string, Record<string, unknown>>): unknown =>
      Object.entries(item)
        .filter(([method]) => METHODS.has(method))
        .map(([method, operation]) => [
          method,
          operation['operationId'],
          operation['x-kubernetes-action'],
          bare(operation['x-kubernetes-group-version-kind']),
          bare((operation['responses'] as Record<string, { schema?: unknown }>)['200']?.schema),
        ])
        .toSorted();
    for (const path of paths.filter((each) => each.includes('/v1'))) expect(facts(ours.paths[path]), path).toEqual(facts(reference.paths[path]));
    for (const [name, definition] of Object.entries<{ properties?: Record<string, unknown> }>(reference.definitions)) {
      if (SPELLED_OUT.test(name)) continue;
      for (const [field, schema] of Object.entries(definition.properties ?? {})) {
        if (SPELLED_OUT.test(JSON.stringify(schema))) continue;
        expect(bare(ours.definitions[name]?.properties?.[field]), `${name}.${field}`).toEqual(bare(schema));
      }
    }
  });
});

describe('OpenAPI', () => {
  it('publishes what CRDs define, in each dialect as it can be said there', async () => {
    const schema = {
      type: 'object',
      description: 'A gadget.',
      properties: {
        spec: {
          type: 'object',
          required: ['size', 'maybe'],
          properties: {
            size: { type: 'integer', default: 3, minimum: 1, description: 'How big.' },
            maybe: { type: 'string', nullable: true },
            either: { anyOf: [{ type: 'integer' }, { type: 'string' }], 'x-kubernetes-int-or-string': true },
            open: { type: 'object', ...PRESERVE, properties: { known: { type: 'string' } } },
            list: {
              type: 'array',
              items: { type: 'object', properties: { k: { type: 'string' } }, required: ['k'] },
              'x-kubernetes-list-type': 'map',
              'x-kubernetes-list-map-keys': ['k'],
            },
          },
        },
      },
    };
    expect(
      (await t.call('POST', CRDS, { body: crd('gadgets', 'Gadget', [version('v1', schema, true), version('v2', { type: 'object', ...PRESERVE })]) })).code,
    ).toBe(201);
    const { body: v2 } = await t.call('GET', '/openapi/v2');
    const { spec } = v2.definitions['io.acme.v1.Gadget'].properties;
    expect(spec).toMatchObject({
      required: ['size'],
      properties: { size: { default: 3, minimum: 1, description: 'How big.' }, list: { 'x-kubernetes-list-map-keys': ['k'] } },
    });
    expect([spec.properties.maybe, spec.properties.open, spec.properties.either]).toEqual([
      {},
      { type: 'object', ...PRESERVE },
      { 'x-kubernetes-int-or-string': true },
    ]);
    expect(v2.definitions['io.acme.v2.Gadget']).toEqual({
      type: 'object',
      'x-kubernetes-group-version-kind': [{ group: 'acme.io', kind: 'Gadget', version: 'v2' }],
    });
    expect(v2.paths['/apis/acme.io/v1/namespaces/{namespace}/gadgets/{name}'].patch.consumes).not.toContain('application/strategic-merge-patch+json');
    const { body: v3 } = await t.call('GET', '/openapi/v3/apis/acme.io/v1');
    expect(v3.components.schemas['io.acme.v1.Gadget'].properties.spec).toEqual(schema.properties.spec);
    expect(v3.components.schemas['io.acme.v1.Gadget'].properties.metadata).toMatchObject({ allOf: [{ $ref: expect.stringMatching(/ObjectMeta$/) }] });
  });

  it('renames a version, and forgets one that is no longer served', async () => {
    await t.call('POST', CRDS, { body: crd('tools', 'Tool', [version('v1', { type: 'object' }, true), version('v2', { type: 'object' })]) });
    const names = async (): Promise<string[]> => Object.keys((await t.call('GET', '/openapi/v2')).body.definitions).filter((name) => name.endsWith('.Tool'));
    expect(await names()).toEqual(['io.acme.v1.Tool', 'io.acme.v2.Tool']);
    const patch = async (body: unknown): Promise<number> =>
      (await t.call('PATCH', `${CRDS}/tools.acme.io`, { contentType: 'application/json-patch+json', body })).code;
    expect(await patch([{ op: 'replace', path: '/spec/versions/1/name', value: 'v4' }])).toBe(200);
    expect(await names()).toEqual(['io.acme.v1.Tool', 'io.acme.v4.Tool']);
    expect(await patch([{ op: 'replace', path: '/spec/versions/1/served', value: false }])).toBe(200);
    expect(await names()).toEqual(['io.acme.v1.Tool']);
  });

  it('is answered once to who remembers it', async () => {
    const index = (await t.call('GET', '/openapi/v3')).body.paths;
    const url = index['apis/apps/v1'].serverRelativeURL;
    const first = await t.call('GET', url);
    expect(first.headers['cache-control']).toBe('public, immutable');
    const again = await t.call('GET', url, { headers: { 'if-none-match': String(first.headers['etag']) } });
    expect([again.code, again.text]).toEqual([304, '']);
    const moved = await t.call('GET', '/openapi/v3/apis/apps/v1?hash=OLD');
    expect([moved.code, moved.headers['location']]).toEqual([301, url]);
    await t.call('POST', CRDS, { body: crd('others', 'Other', [version('v9', { type: 'object' }, true)]) });
    const after = (await t.call('GET', '/openapi/v3')).body.paths;
    expect([after['apis/apps/v1'].serverRelativeURL, after['apis/acme.io/v9'] !== undefined]).toEqual([url, true]);
    const discovery = await t.call('GET', '/apis', { accept: 'application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList' });
    expect(
      (
        await t.call('GET', '/apis', {
          accept: 'application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList',
          headers: { 'if-none-match': String(discovery.headers['etag']) },
        })
      ).code,
    ).toBe(304);
  });

  it('describes every path of its index', async () => {
    const { paths } = (await t.call('GET', '/openapi/v3')).body;
    expect(Object.keys(paths)).toEqual(
      expect.arrayContaining(['api', 'apis', 'apis/apps', 'version', '.well-known/openid-configuration', 'openid/v1/jwks', 'api/v1', 'apis/apps/v1']),
    );
    for (const [name, { serverRelativeURL }] of Object.entries<{ serverRelativeURL: string }>(paths)) {
      const document = await t.call('GET', serverRelativeURL);
      expect([document.code, Object.keys(document.body.paths)[0]?.startsWith(`/${name}`)], name).toEqual([200, true]);
      const refs = [...document.text.matchAll(/"#\/components\/schemas\/([^"]+)"/g)].map(([, ref]) => ref ?? '');
      expect(
        refs.filter((ref) => document.body.components.schemas[ref] === undefined),
        name,
      ).toEqual([]);
    }
    expect((await t.call('GET', '/openapi/v3/apis/nothing')).code).toBe(404);
  });

  it('has a protobuf form for old clients', async () => {
    const answer = await t.call('GET', '/openapi/v2', { accept: 'application/com.github.proto-openapi.spec.v2@v1.0+protobuf' });
    expect(answer.headers['content-type']).toBe('application/com.github.proto-openapi.spec.v2.v1.0+protobuf');
    expect(answer.bytes.subarray(0, 5)).toEqual(Buffer.from([0x0a, 3, 0x32, 0x2e, 0x30]));
    expect(answer.text).toContain('io.k8s.api.core.v1.PodSpec');
  });
});

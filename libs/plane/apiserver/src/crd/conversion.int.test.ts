import { createServer, type Server } from 'node:https';
import type { AddressInfo } from 'node:net';
import { afterAll, beforeAll, beforeEach, expect, it } from 'vitest';
import { openAuthority } from '../auth/pki.ts';
import { startTestServer, type TestServer } from '../test-server.test-suite.ts';

interface Stored {
  apiVersion: string;
  kind: string;
  metadata: { name: string; labels?: Record<string, string> };
  spec: Record<string, unknown>;
}
interface Review {
  readonly apiVersion: string;
  readonly request: { readonly uid: string; readonly desiredAPIVersion: string; readonly objects: readonly Stored[] };
}

const CRDS = '/apis/apiextensions.k8s.io/v1/customresourcedefinitions';
const GROUP = 'turn.io';
const at = (version: string, name: string = ''): string => `/apis/${GROUP}/${version}/namespaces/default/hosts${name}`;

let t: TestServer;
let server: Server;
let port: number;
let caBundle: string;
const reviews: Review[] = [];
let answer: (review: Review) => object;

// v1 has host and port in one text, v2 apart.
function convert(object: Stored, apiVersion: string): Stored {
  const next = structuredClone(object);
  if (apiVersion === object.apiVersion) return next;
  next.apiVersion = apiVersion;
  if (apiVersion.endsWith('/v1')) next.spec = { hostPort: `${String(object.spec['host'])}:${String(object.spec['port'])}` };
  else {
    const [host, number] = String(object.spec['hostPort']).split(':');
    next.spec = { host, port: Number(number), extra: 'not of the schema' };
  }
  return next;
}

const converts = ({ request }: Review): object => ({
  uid: request.uid,
  result: { status: 'Success' },
  convertedObjects: request.objects.map((object) => convert(object, request.desiredAPIVersion)),
});

beforeAll(async () => {
  t = await startTestServer();
  const authority = openAuthority(undefined, Date.now());
  const { keyPem: key, certPem: cert } = authority.issueServer(['turn.default.svc'], ['127.0.0.1']);
  caBundle = Buffer.from(authority.caPem).toString('base64');
  server = createServer({ key, cert }, (request, response) => {
    const parts: Buffer[] = [];
    request.on('data', (part: Buffer) => parts.push(part));
    request.on('end', () => {
      const review = JSON.parse(Buffer.concat(parts).toString()) as Review;
      reviews.push(review);
      response.end(JSON.stringify({ apiVersion: review.apiVersion, kind: 'ConversionReview', response: answer(review) }));
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  port = (server.address() as AddressInfo).port; // Listens on a port.
  await t.call('POST', '/api/v1/namespaces/default/services', {
    body: { apiVersion: 'v1', kind: 'Service', metadata: { name: 'turn' }, spec: { ports: [{ port: 443 }] } },
  });
  await t.call('POST', '/apis/discovery.k8s.io/v1/namespaces/default/endpointslices', {
    body: {
      apiVersion: 'discovery.k8s.io/v1',
      kind: 'EndpointSlice',
      metadata: { name: 'turn-1', labels: { 'kubernetes.io/service-name': 'turn' } },
      addressType: 'IPv4',
      endpoints: [{ addresses: ['127.0.0.1'], conditions: { ready: true } }],
      ports: [{ port, protocol: 'TCP', name: '' }],
    },
  });
  const properties = {
    v1: { hostPort: { type: 'string' } },
    v2: { host: { type: 'string' }, port: { type: 'integer' }, tier: { type: 'string', default: 'low' } },
  };
  const made = await t.call('POST', CRDS, {
    body: {
      apiVersion: 'apiextensions.k8s.io/v1',
      kind: 'CustomResourceDefinition',
      metadata: { name: `hosts.${GROUP}` },
      spec: {
        group: GROUP,
        scope: 'Namespaced',
        names: { plural: 'hosts', kind: 'Host' },
        conversion: {
          strategy: 'Webhook',
          webhook: {
            conversionReviewVersions: ['v1', 'v1beta1'],
            clientConfig: { caBundle, service: { name: 'turn', namespace: 'default', path: '/convert' } },
          },
        },
        versions: (['v1', 'v2'] as const).map((name) => ({
          name,
          served: true,
          storage: name === 'v1',
          selectableFields: name === 'v2' ? [{ jsonPath: '.spec.host' }] : [],
          schema: { openAPIV3Schema: { type: 'object', properties: { spec: { type: 'object', properties: properties[name] } } } },
        })),
      },
    },
  });
  expect(made.code, made.text).toBe(201);
});
afterAll(async () => {
  server.closeAllConnections();
  server.close();
  await t[Symbol.asyncDispose]();
});
beforeEach(() => {
  answer = converts;
  reviews.length = 0;
});

const create = async (name: string, hostPort: string): Promise<void> => {
  await t.call('POST', at('v1'), { body: { apiVersion: `${GROUP}/v1`, kind: 'Host', metadata: { name, labels: { set: 'a' } }, spec: { hostPort } } });
};

it('converts on every way of reading', async () => {
  await create('a', 'one:1');
  await create('b', 'two:2');
  const v2 = { apiVersion: `${GROUP}/v2`, spec: { host: 'one', port: 1, tier: 'low' } };
  expect((await t.call('GET', at('v2', '/a'))).body).toMatchObject(v2);
  expect((await t.call('GET', at('v2', '/a'))).body.spec).toEqual(v2.spec);
  const list = await t.call('GET', at('v2'));
  expect(list.body.items.map((item: Stored) => item.spec['host'])).toEqual(['one', 'two']);
  expect(reviews.every(({ request }) => request.desiredAPIVersion === `${GROUP}/v2`)).toBe(true);
  expect((await t.call('GET', `${at('v2')}?fieldSelector=spec.host%3Dtwo`)).body.items).toMatchObject([{ metadata: { name: 'b' } }]);
  const events = await t.watch(`${at('v2')}?watch=1`, 2);
  expect(events.map(({ object }) => [object.apiVersion, object.spec.host])).toEqual([
    [`${GROUP}/v2`, 'one'],
    [`${GROUP}/v2`, 'two'],
  ]);
  expect((await t.call('GET', at('v1', '/a'))).body.spec).toEqual({ hostPort: 'one:1' });
});

it('converts a list in one review', async () => {
  await create('c', 'three:3');
  await create('d', 'four:4');
  reviews.length = 0;
  await t.call('GET', at('v2'));
  expect(reviews).toHaveLength(1);
});

it('converts what is written to the version that is stored', async () => {
  const made = await t.call('POST', at('v2'), { body: { apiVersion: `${GROUP}/v2`, kind: 'Host', metadata: { name: 'n' }, spec: { host: 'new', port: 9 } } });
  expect(made.body).toMatchObject({ apiVersion: `${GROUP}/v2`, spec: { host: 'new', port: 9, tier: 'low' } });
  expect((await t.call('GET', at('v1', '/n'))).body.spec).toEqual({ hostPort: 'new:9' });
  const patched = await t.call('PATCH', at('v2', '/n'), { contentType: 'application/merge-patch+json', body: { spec: { port: 10 } } });
  expect(patched.body.spec).toMatchObject({ host: 'new', port: 10 });
  expect((await t.call('GET', at('v1', '/n'))).body.spec).toEqual({ hostPort: 'new:10' });
  expect((await t.call('DELETE', at('v2', '/n'))).code).toBe(200);
});

it.each<[string, (review: Review) => object, string]>([
  ['fails', ({ request }) => ({ uid: request.uid, result: { status: 'Failure', message: 'cannot do that' } }), 'cannot do that'],
  ['answers another request', () => ({ uid: 'x', result: { status: 'Success' } }), 'got "x"'],
  ['loses objects', ({ request }) => ({ uid: request.uid, result: { status: 'Success' }, convertedObjects: [] }), 'webhook returned 0 objects, expected 1'],
  [
    'answers the wrong version',
    ({ request }) => ({ uid: request.uid, result: { status: 'Success' }, convertedObjects: request.objects }),
    `invalid groupVersion (expected ${GROUP}/v2, received ${GROUP}/v1)`,
  ],
  [
    'renames',
    ({ request }) => ({
      uid: request.uid,
      result: { status: 'Success' },
      convertedObjects: request.objects.map((object) => ({ ...convert(object, request.desiredAPIVersion), metadata: { ...object.metadata, name: 'other' } })),
    }),
    'must have the same name',
  ],
])('tells of a webhook that %s', async (why, wrong, want) => {
  const name = `w-${why.replaceAll(' ', '-')}`;
  await create(name, 'h:1');
  answer = wrong;
  expect((await t.call('GET', at('v2', `/${name}`))).body).toMatchObject({
    code: 500,
    message: expect.stringMatching(new RegExp(`^conversion webhook for ${GROUP}/v1, Kind=Host failed: .*`)),
  });
  expect((await t.call('GET', at('v2', `/${name}`))).body.message).toContain(want);
  answer = converts;
  expect((await t.call('GET', at('v2', `/${name}`))).code).toBe(200);
});

it('lets a webhook change labels and nothing else of the metadata', async () => {
  await create('l', 'h:1');
  answer = (review) => {
    const made = converts(review) as { convertedObjects: Stored[] };
    for (const object of made.convertedObjects) Object.assign(object.metadata, { labels: { set: 'b' }, finalizers: ['x/y'] });
    return made;
  };
  const { metadata } = (await t.call('GET', at('v2', '/l'))).body;
  expect(metadata.labels).toEqual({ set: 'b' });
  expect(metadata.finalizers).toBeUndefined();
  expect(metadata.uid).toBe((await t.call('GET', at('v1', '/l'))).body.metadata.uid);
});

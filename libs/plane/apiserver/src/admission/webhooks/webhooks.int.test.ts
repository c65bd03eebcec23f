import { createServer, type Server } from 'node:https';
import type { AddressInfo } from 'node:net';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { openAuthority } from '../../auth/pki.ts';
import { startTestServer, type TestAnswer, type TestServer } from '../../test-server.test-suite.ts';

interface Asked {
  readonly path: string;
  // eslint-disable-next-line typescript/no-explicit-any -- the tests read deep into reviews they assert on
  readonly review: any;
}

type Answer = (asked: Asked) => object | undefined;

let t: TestServer;
let server: Server;
let port: number;
let caBundle: string;
const asked: Asked[] = [];
const answers = new Map<string, Answer>();

beforeAll(async () => {
  t = await startTestServer();
  const authority = openAuthority(undefined, Date.now());
  const { keyPem: key, certPem: cert } = authority.issueServer(['hooks.default.svc', 'localhost'], ['127.0.0.1']);
  caBundle = Buffer.from(authority.caPem).toString('base64');
  server = createServer({ key, cert }, (request, response) => {
    const parts: Buffer[] = [];
    request.on('data', (part: Buffer) => parts.push(part));
    request.on('end', () => {
      const path = (request.url ?? '').split('?')[0] ?? '';
      const one = { path, review: JSON.parse(Buffer.concat(parts).toString()) };
      asked.push(one);
      const answer = answers.get(path)?.(one);
      if (answer === undefined) return; // Never answers.
      response.end(JSON.stringify({ apiVersion: 'admission.k8s.io/v1', kind: 'AdmissionReview', response: { uid: one.review.request.uid, ...answer } }));
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  port = (server.address() as AddressInfo).port; // Listens on a port.
});
afterAll(async () => {
  server.closeAllConnections();
  server.close();
  await t[Symbol.asyncDispose]();
});
afterEach(async () => {
  for (const kind of ['mutating', 'validating']) await t.call('DELETE', `${GROUP}/${kind}webhookconfigurations`);
  asked.length = 0;
  answers.clear();
});

const GROUP = '/apis/admissionregistration.k8s.io/v1';
const MAPS = '/api/v1/namespaces/default/configmaps';
const CREATES_MAPS = [{ operations: ['CREATE'], apiGroups: [''], apiVersions: ['v1'], resources: ['configmaps'] }];

function hook(name: string, extra: object = {}): object {
  return {
    name: `${name}.example.com`,
    sideEffects: 'None',
    admissionReviewVersions: ['v1'],
    clientConfig: { url: `https://127.0.0.1:${port}/${name}`, caBundle },
    rules: CREATES_MAPS,
    ...extra,
  };
}

async function configure(kind: 'Mutating' | 'Validating', webhooks: readonly object[], name = 'hooks'): Promise<void> {
  const { code, text } = await t.call('POST', `${GROUP}/${kind.toLowerCase()}webhookconfigurations`, {
    body: { apiVersion: 'admissionregistration.k8s.io/v1', kind: `${kind}WebhookConfiguration`, metadata: { name }, webhooks },
  });
  expect(code, text).toBe(201);
}

let nextName = 0;

function create(extra: object = {}, query = '', labels: Readonly<Record<string, string>> = {}): Promise<TestAnswer> {
  nextName += 1;
  return t.call('POST', `${MAPS}${query}`, { body: { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: `m${nextName}`, labels }, ...extra } });
}

const patchOf = (operations: readonly object[]): object => ({
  allowed: true,
  patchType: 'JSONPatch',
  patch: Buffer.from(JSON.stringify(operations)).toString('base64'),
});

describe('validating webhooks', () => {
  it('see the request as AdmissionReview v1 and may refuse it with their own words', async () => {
    answers.set('/deny', () => ({ allowed: false, status: { message: 'not here', code: 403, reason: 'Forbidden' } }));
    await configure('Validating', [hook('deny')]);
    const { code, body } = await create({ data: { a: '1' } }, '?fieldManager=me');
    expect([code, body.message, body.reason]).toEqual([403, 'admission webhook "deny.example.com" denied the request: not here', 'Forbidden']);
    const { request } = asked[0]?.review ?? {};
    expect(request).toMatchObject({
      kind: { group: '', version: 'v1', kind: 'ConfigMap' },
      resource: { group: '', version: 'v1', resource: 'configmaps' },
      requestKind: { group: '', version: 'v1', kind: 'ConfigMap' },
      namespace: 'default',
      operation: 'CREATE',
      userInfo: { username: 'kubernetes-admin' },
      object: { kind: 'ConfigMap', data: { a: '1' }, metadata: { uid: expect.any(String) } },
      oldObject: null,
      dryRun: false,
      options: { kind: 'CreateOptions', apiVersion: 'meta.k8s.io/v1', fieldManager: 'me' },
    });
  });

  it('answer 400 without explanation when they give none', async () => {
    answers.set('/deny', () => ({ allowed: false }));
    await configure('Validating', [hook('deny')]);
    const { code, body } = await create();
    expect([code, body.message]).toEqual([400, 'admission webhook "deny.example.com" denied the request without explanation']);
  });

  it('see updates and deletions with the old object, and connections', async () => {
    const { body } = await create({ data: { a: '1' } });
    answers.set('/see', () => ({ allowed: true }));
    await configure('Validating', [hook('see', { rules: [{ operations: ['UPDATE', 'DELETE'], apiGroups: ['*'], apiVersions: ['*'], resources: ['*'] }] })]);
    const path = `${MAPS}/${body.metadata.name}`;
    await t.call('PATCH', path, { contentType: 'application/merge-patch+json', body: { data: { a: '2' } } });
    await t.call('DELETE', path);
    const seen = asked.map(({ review: { request } }) => [request.operation, request.object?.data, request.oldObject?.data, request.options.kind]);
    expect(seen).toEqual([
      ['UPDATE', { a: '2' }, { a: '1' }, 'UpdateOptions'],
      ['DELETE', undefined, { a: '2' }, 'DeleteOptions'],
    ]);
  });

  it('fail as their failurePolicy says, in time', async () => {
    await configure('Validating', [hook('silent', { timeoutSeconds: 1, failurePolicy: 'Ignore' })]);
    expect((await create()).code).toBe(201);
    await t.call('DELETE', `${GROUP}/validatingwebhookconfigurations/hooks`);
    await configure('Validating', [hook('silent', { timeoutSeconds: 1 })]);
    const { code, body } = await create();
    expect([code, body.reason]).toEqual([500, 'InternalError']);
    expect(body.message).toBe(
      `Internal error occurred: failed calling webhook "silent.example.com": failed to call webhook: Post "https://127.0.0.1:${port}/silent?timeout=1s": context deadline exceeded`,
    );
  });

  it('are asked by the pods of their Service, and fail while it has none', async () => {
    answers.set('/deny', () => ({ allowed: false }));
    const service = { namespace: 'default', name: 'hooks', path: '/deny', port: 8443 };
    await configure('Validating', [hook('deny', { clientConfig: { service, caBundle } })]);
    expect((await create()).body.message).toContain('service "hooks" not found');
    const made = await t.call('POST', '/api/v1/namespaces/default/services', {
      body: { apiVersion: 'v1', kind: 'Service', metadata: { name: 'hooks' }, spec: { selector: { a: 'b' }, ports: [{ port: 8443, targetPort: 9 }] } },
    });
    expect(made.code).toBe(201);
    expect((await create()).body.message).toContain('no endpoints available for service "hooks"');
    await t.call('POST', '/apis/discovery.k8s.io/v1/namespaces/default/endpointslices', {
      body: {
        apiVersion: 'discovery.k8s.io/v1',
        kind: 'EndpointSlice',
        metadata: { name: 'hooks-1', labels: { 'kubernetes.io/service-name': 'hooks' } },
        addressType: 'IPv4',
        endpoints: [{ addresses: ['127.0.0.1'], conditions: { ready: true } }],
        ports: [{ port, protocol: 'TCP' }],
      },
    });
    expect((await create()).body.message).toBe('admission webhook "deny.example.com" denied the request without explanation');
  });

  it('are chosen by selectors of objects and namespaces, and never asked about webhook configurations', async () => {
    answers.set('/deny', () => ({ allowed: false }));
    const everything = [{ operations: ['*'], apiGroups: ['*'], apiVersions: ['*'], resources: ['*/*'] }];
    await configure('Validating', [
      hook('deny', {
        rules: everything,
        objectSelector: { matchLabels: { checked: 'yes' } },
        namespaceSelector: { matchExpressions: [{ key: 'kubernetes.io/metadata.name', operator: 'In', values: ['default'] }] },
      }),
    ]);
    expect((await create()).code).toBe(201);
    expect((await create({}, '', { checked: 'yes' })).code).toBe(400);
    const elsewhere = await t.call('POST', '/api/v1/namespaces/kube-public/configmaps', {
      body: { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'free', labels: { checked: 'yes' } } },
    });
    expect(elsewhere.code).toBe(201);
    await t.call('DELETE', `${GROUP}/validatingwebhookconfigurations/hooks`);
    await configure('Validating', [hook('deny', { rules: everything })]);
    expect((await t.call('DELETE', `${GROUP}/validatingwebhookconfigurations/hooks`)).code).toBe(200);
  });

  it('take no part in a dry run they would have side effects in', async () => {
    answers.set('/see', () => ({ allowed: true, warnings: ['careful'] }));
    await configure('Validating', [hook('see', { sideEffects: 'NoneOnDryRun' })]);
    const dry = await create({}, '?dryRun=All');
    expect([dry.code, asked[0]?.review.request.dryRun, dry.headers['warning']]).toEqual([201, true, '299 - "careful"']);
  });

  it('see other versions as the version they know', async () => {
    answers.set('/see', () => ({ allowed: true }));
    await configure('Validating', [
      hook('see', { rules: [{ operations: ['CREATE'], apiGroups: ['events.k8s.io'], apiVersions: ['v1'], resources: ['events'] }] }),
      hook('exact', { matchPolicy: 'Exact', rules: [{ operations: ['CREATE'], apiGroups: ['events.k8s.io'], apiVersions: ['v1'], resources: ['events'] }] }),
    ]);
    const made = await t.call('POST', '/api/v1/namespaces/default/events', {
      body: { apiVersion: 'v1', kind: 'Event', metadata: { name: 'e' }, involvedObject: { namespace: 'default', name: 'x' }, message: 'hello' },
    });
    expect(made.code).toBe(201);
    expect(asked.map(({ path }) => path)).toEqual(['/see']);
    expect(asked[0]?.review.request).toMatchObject({
      kind: { group: 'events.k8s.io', version: 'v1', kind: 'Event' },
      requestKind: { group: '', version: 'v1', kind: 'Event' },
      object: { apiVersion: 'events.k8s.io/v1', note: 'hello' },
    });
  });
});

describe('mutating webhooks', () => {
  it('change the object, one after the other, and what they set gets its defaults', async () => {
    answers.set('/first', () => patchOf([{ op: 'add', path: '/spec/containers/1', value: { name: 'side', image: 'side:1' } }]));
    answers.set('/second', ({ review }) =>
      patchOf([{ op: 'add', path: '/metadata/annotations', value: { containers: String(review.request.object.spec.containers.length) } }]),
    );
    const rules = [{ operations: ['CREATE'], apiGroups: [''], apiVersions: ['v1'], resources: ['pods'] }];
    await configure('Mutating', [hook('first', { rules }), hook('second', { rules })]);
    const { code, body } = await t.call('POST', '/api/v1/namespaces/default/pods', {
      body: { apiVersion: 'v1', kind: 'Pod', metadata: { name: 'p' }, spec: { containers: [{ name: 'c', image: 'x' }] } },
    });
    expect(code).toBe(201);
    expect(body.metadata.annotations).toEqual({ containers: '2' });
    expect(body.spec.containers[1]).toMatchObject({ name: 'side', imagePullPolicy: 'IfNotPresent', terminationMessagePath: '/dev/termination-log' });
    // The built-in plugins have seen the new container too.
    expect(body.spec.containers[1].volumeMounts).toHaveLength(1);
  });

  it('see the object again when others changed it and they want to', async () => {
    answers.set('/early', () => ({ allowed: true }));
    answers.set('/late', () => patchOf([{ op: 'add', path: '/data/late', value: 'yes' }]));
    await configure('Mutating', [hook('early', { reinvocationPolicy: 'IfNeeded' }), hook('late'), hook('early', { name: 'once.example.com' })]);
    const { body } = await create({ data: { a: '1' } });
    expect(body.data).toEqual({ a: '1', late: 'yes' });
    expect(asked.map(({ path, review }) => [path, review.request.object.data.late])).toEqual([
      ['/early', undefined],
      ['/late', undefined],
      ['/early', 'yes'],
      ['/early', 'yes'],
    ]);
  });

  it('cannot make an object invalid', async () => {
    answers.set('/bad', () => patchOf([{ op: 'add', path: '/data', value: { 'no spaces': 'x' } }]));
    await configure('Mutating', [hook('bad')]);
    expect((await create()).code).toBe(422);
  });

  it('fail with a patch that does not apply', async () => {
    answers.set('/bad', () => patchOf([{ op: 'remove', path: '/data/absent' }]));
    await configure('Mutating', [hook('bad')]);
    expect((await create()).body.message).toContain('Internal error occurred: failed calling webhook "bad.example.com"');
    await t.call('DELETE', `${GROUP}/mutatingwebhookconfigurations/hooks`);
    await configure('Mutating', [hook('bad', { failurePolicy: 'Ignore' })]);
    expect((await create({ data: { a: '1' } })).body.data).toEqual({ a: '1' });
  });
});

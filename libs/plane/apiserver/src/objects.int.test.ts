import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startTestServer, type TestAnswer, type TestServer } from './test-server.test-suite.ts';

let t: TestServer;
beforeAll(async () => (t = await startTestServer()));
afterAll(async () => await t[Symbol.asyncDispose]());

const MAPS = '/api/v1/namespaces/default/configmaps';
const DEPLOYMENTS = '/apis/apps/v1/namespaces/default/deployments';
const PODS = '/api/v1/namespaces/default/pods';
const SERVICES = '/api/v1/namespaces/default/services';
const map = (name: string, data: object = { a: '1' }): object => ({ apiVersion: 'v1', kind: 'ConfigMap', metadata: { name }, data });
const deployment = (name: string, image = 'nginx:1'): object => ({
  apiVersion: 'apps/v1',
  kind: 'Deployment',
  metadata: { name },
  spec: {
    selector: { matchLabels: { app: name } },
    template: {
      metadata: { labels: { app: name } },
      spec: { containers: [{ name: 'c', image, ports: [{ containerPort: 80 }], resources: { limits: { cpu: '1000m', memory: '0.5Gi' } } }] },
    },
  },
});
const pod = (name: string, extra: object = {}): object => ({
  apiVersion: 'v1',
  kind: 'Pod',
  metadata: { name },
  spec: { containers: [{ name: 'c', image: 'x' }], ...extra },
});

describe('create', () => {
  it('writes times as Kubernetes does', async () => {
    const lease = {
      apiVersion: 'coordination.k8s.io/v1',
      kind: 'Lease',
      metadata: { name: 'timed' },
      spec: { renewTime: '2026-01-02T05:04:05.1234567+02:00' },
    };
    const { body } = await t.call('POST', '/apis/coordination.k8s.io/v1/namespaces/default/leases', { body: lease });
    expect(body.spec.renewTime).toBe('2026-01-02T03:04:05.123456Z');
    const pod = { apiVersion: 'v1', kind: 'Pod', metadata: { name: 'timed' }, spec: { containers: [{ name: 'c', image: 'x' }] } };
    await t.call('POST', PODS, { body: pod });
    const started = await t.call('PATCH', `${PODS}/timed/status`, {
      contentType: 'application/merge-patch+json',
      body: { status: { startTime: '2026-01-02T05:04:05.9+02:00' } },
    });
    expect(started.body.status.startTime).toBe('2026-01-02T03:04:05Z');
    const bad = await t.call('PATCH', `${PODS}/timed/status`, {
      contentType: 'application/merge-patch+json',
      body: { status: { startTime: '2 January 2026' } },
    });
    expect(bad.code).toBe(400);
  });

  it('gives a Job the labels of its pods, and applying it again changes nothing', async () => {
    const path = '/apis/batch/v1/namespaces/default/jobs/once?fieldManager=t&force=true';
    const job = {
      apiVersion: 'batch/v1',
      kind: 'Job',
      metadata: { name: 'once' },
      spec: { template: { spec: { restartPolicy: 'Never', containers: [{ name: 'c', image: 'x' }] } } },
    };
    const apply = (): Promise<TestAnswer> => t.call('PATCH', path, { contentType: 'application/apply-patch+yaml', body: job });
    const first = await apply();
    expect(first.body.metadata.labels).toMatchObject({ 'job-name': 'once', 'batch.kubernetes.io/controller-uid': first.body.metadata.uid });
    expect((await apply()).body.metadata.resourceVersion).toBe(first.body.metadata.resourceVersion);
  });

  it('gives a Service what its type needs, and refuses families there are not', async () => {
    const service = (name: string, spec: object): object => ({
      apiVersion: 'v1',
      kind: 'Service',
      metadata: { name },
      spec: { ports: [{ port: 80 }], ...spec },
    });
    const local = await t.call('POST', SERVICES, { body: service('local', { type: 'LoadBalancer', externalTrafficPolicy: 'Local' }) });
    expect(local.body.spec.healthCheckNodePort).toBeGreaterThanOrEqual(30_000);
    const again = await t.call('PUT', `${SERVICES}/local`, { body: service('local', { type: 'LoadBalancer', externalTrafficPolicy: 'Local' }) });
    expect([again.code, again.body.spec.healthCheckNodePort]).toEqual([200, local.body.spec.healthCheckNodePort]);
    const everywhere = { spec: { externalTrafficPolicy: 'Cluster' } };
    const changed = await t.call('PATCH', `${SERVICES}/local`, { contentType: 'application/merge-patch+json', body: everywhere });
    expect([changed.code, changed.body.spec.healthCheckNodePort]).toEqual([200, undefined]);
    const dual = await t.call('POST', SERVICES, { body: service('dual', { ipFamilyPolicy: 'RequireDualStack' }) });
    expect(dual.body.message).toContain('this cluster is not configured for dual-stack services');
  });

  it('gives identity, defaults, canonical quantities and managers', async () => {
    const { code, body } = await t.call('POST', DEPLOYMENTS, { body: deployment('made') });
    expect(code).toBe(201);
    expect(body.metadata).toMatchObject({
      namespace: 'default',
      generation: 1,
      uid: expect.stringMatching(/^[0-9a-f-]{36}$/),
      resourceVersion: expect.stringMatching(/^[1-9]\d*$/),
    });
    expect(body.metadata.managedFields[0]).toMatchObject({ manager: 'tests', operation: 'Update' });
    expect(body.spec).toMatchObject({
      replicas: 1,
      revisionHistoryLimit: 10,
      progressDeadlineSeconds: 600,
      strategy: { type: 'RollingUpdate', rollingUpdate: { maxSurge: '25%', maxUnavailable: '25%' } },
    });
    expect(body.spec.template.spec).toMatchObject({
      restartPolicy: 'Always',
      dnsPolicy: 'ClusterFirst',
      terminationGracePeriodSeconds: 30,
      schedulerName: 'default-scheduler',
    });
    expect(body.spec.template.spec.containers[0]).toMatchObject({
      imagePullPolicy: 'IfNotPresent',
      ports: [{ containerPort: 80, protocol: 'TCP' }],
      resources: { limits: { cpu: '1', memory: '512Mi' } },
    });
  });

  it('refuses what exists, what is invalid, and namespaces that do not exist', async () => {
    await t.call('POST', MAPS, { body: map('twice') });
    expect((await t.call('POST', MAPS, { body: map('twice') })).body).toMatchObject({
      kind: 'Status',
      code: 409,
      reason: 'AlreadyExists',
      message: 'configmaps "twice" already exists',
    });
    const bad = await t.call('POST', DEPLOYMENTS, {
      body: {
        ...deployment('bad'),
        spec: { selector: { matchLabels: { app: 'other' } }, template: { metadata: { labels: { app: 'x' } }, spec: { containers: [{ name: 'C' }] } } },
      },
    });
    expect(bad.body).toMatchObject({ code: 422, reason: 'Invalid' });
    expect(bad.body.details.causes.map((cause: { field: string }) => cause.field)).toEqual([
      'spec.template.metadata.labels',
      'spec.template.spec.containers[0].name',
      'spec.template.spec.containers[0].image',
    ]);
    expect((await t.call('POST', '/api/v1/namespaces/nowhere/configmaps', { body: map('x') })).body).toMatchObject({
      code: 404,
      message: 'namespaces "nowhere" not found',
    });
    expect((await t.call('POST', MAPS, { body: { ...map('x'), metadata: { name: 'Bad_Name' } } })).code).toBe(422);
    expect((await t.call('POST', MAPS, { body: { ...map('x'), metadata: {} } })).code).toBe(422);
  });

  it('makes names from generateName and leaves nothing behind on a dry run', async () => {
    const { body } = await t.call('POST', MAPS, { body: { apiVersion: 'v1', kind: 'ConfigMap', metadata: { generateName: 'gen-' } } });
    expect(body.metadata.name).toMatch(/^gen-[bcdfghjklmnpqrstvwxz2456789]{5}$/);
    expect((await t.call('POST', `${MAPS}?dryRun=All`, { body: map('dry') })).code).toBe(201);
    expect((await t.call('GET', `${MAPS}/dry`)).code).toBe(404);
  });

  it('refuses, warns about or drops unknown and duplicate fields', async () => {
    const text = '{"apiVersion":"v1","kind":"ConfigMap","metadata":{"name":"fields"},"data":{"a":"1","a":"2"},"foo":1}';
    const strict = await t.call('POST', `${MAPS}?fieldValidation=Strict`, { body: text });
    expect(strict.body.message).toBe(
      'ConfigMap in version "v1" cannot be handled as a ConfigMap: strict decoding error: unknown field "foo", duplicate field "data.a"',
    );
    const warned = await t.call('POST', MAPS, { body: text });
    expect(warned.code).toBe(201);
    expect(warned.headers['warning']).toBe('299 - "unknown field \\"foo\\"", 299 - "duplicate field \\"data.a\\""');
    expect(warned.body.foo).toBeUndefined();
  });

  it('lives through hostile bodies', async () => {
    const hostile = '{"apiVersion":"v1","kind":"ConfigMap","metadata":{"name":"proto","__proto__":{"x":1}},"data":{"__proto__":"kept"}}';
    const { code, text } = await t.call('POST', MAPS, { body: hostile });
    expect(code).toBe(201);
    expect(text).toContain('"__proto__":"kept"');
    expect(Object.prototype).not.toHaveProperty('x');
    expect((await t.call('POST', MAPS, { body: '{"a":'.repeat(500) + '1' + '}'.repeat(500) })).body).toMatchObject({ code: 400 });
    expect((await t.call('POST', MAPS, { body: '{broken' })).body).toMatchObject({ code: 400, reason: 'BadRequest' });
    expect((await t.call('POST', MAPS, { body: '[]' })).code).toBe(400);
    expect((await t.call('POST', MAPS, { body: '' })).code).toBe(400);
    expect((await t.call('POST', MAPS, { body: map('big', { a: 'x'.repeat(4 << 20) }) })).body).toMatchObject({ code: 413, reason: 'RequestEntityTooLarge' });
    expect((await t.call('POST', MAPS, { body: 'x', contentType: 'application/xml' })).body).toMatchObject({ code: 415 });
    expect((await t.call('POST', MAPS, { body: 'apiVersion: v1\nkind: ConfigMap\nmetadata: {name: yaml}\n', contentType: 'application/yaml' })).code).toBe(201);
  });
});

describe('update and patch', () => {
  it('has to name the version it changes where the kind demands it', async () => {
    const leases = '/apis/coordination.k8s.io/v1/namespaces/default/leases';
    const { body } = await t.call('POST', leases, { body: { apiVersion: 'coordination.k8s.io/v1', kind: 'Lease', metadata: { name: 'versioned' } } });
    const { resourceVersion, ...metadata } = body.metadata;
    expect((await t.call('PUT', `${leases}/versioned`, { body: { ...body, metadata } })).body).toMatchObject({
      code: 422,
      message: 'Lease.coordination.k8s.io "versioned" is invalid: metadata.resourceVersion: Invalid value: 0x0: must be specified for an update',
    });
    expect((await t.call('PUT', `${leases}/versioned`, { body: { ...body, metadata: { ...metadata, resourceVersion } } })).code).toBe(200);
  });

  it('needs the resourceVersion it names, counts generations and skips writes without change', async () => {
    const { body } = await t.call('POST', DEPLOYMENTS, { body: deployment('upd') });
    const scaled = await t.call('PUT', `${DEPLOYMENTS}/upd`, { body: { ...body, spec: { ...body.spec, replicas: 3 } } });
    expect(scaled.body.metadata.generation).toBe(2);
    expect((await t.call('PUT', `${DEPLOYMENTS}/upd`, { body })).body).toMatchObject({ code: 409, reason: 'Conflict' });
    const same = await t.call('PUT', `${DEPLOYMENTS}/upd`, { body: scaled.body });
    expect(same.body.metadata.resourceVersion).toBe(scaled.body.metadata.resourceVersion);
    const selector = await t.call('PATCH', `${DEPLOYMENTS}/upd`, {
      contentType: 'application/merge-patch+json',
      body: { spec: { selector: { matchLabels: { app: 'else' } } } },
    });
    expect(selector.body.details.causes.some((cause: { message: string }) => cause.message.includes('field is immutable'))).toBe(true);
  });

  it('takes the four kinds of patches', async () => {
    await t.call('POST', DEPLOYMENTS, { body: deployment('pat') });
    const path = `${DEPLOYMENTS}/pat`;
    const strategic = await t.call('PATCH', path, {
      contentType: 'application/strategic-merge-patch+json',
      body: { spec: { template: { spec: { containers: [{ name: 'c', image: 'nginx:2' }] } } } },
    });
    expect(strategic.body.spec.template.spec.containers).toMatchObject([{ name: 'c', image: 'nginx:2', ports: [{ containerPort: 80 }] }]);
    const merge = await t.call('PATCH', path, { contentType: 'application/merge-patch+json', body: { metadata: { labels: { a: 'b' } } } });
    expect(merge.body.metadata).toMatchObject({ labels: { a: 'b' }, generation: 2 });
    expect(
      (await t.call('PATCH', path, { contentType: 'application/json-patch+json', body: [{ op: 'replace', path: '/spec/replicas', value: 4 }] })).body.spec
        .replicas,
    ).toBe(4);
    expect((await t.call('PATCH', path, { contentType: 'application/json-patch+json', body: [{ op: 'test', path: '/spec/replicas', value: 9 }] })).code).toBe(
      422,
    );
    expect((await t.call('PATCH', path, { contentType: 'text/plain', body: {} })).code).toBe(415);
  });

  it('applies on the server and reports conflicts by manager', async () => {
    const apply = (
      manager: string,
      spec: object,
      force = '',
    ): Promise<{ code: number; body: { message: string; spec: { replicas: number }; details: unknown } }> =>
      t.call('PATCH', `${DEPLOYMENTS}/ssa?fieldManager=${manager}${force}`, {
        contentType: 'application/apply-patch+yaml',
        body: { ...deployment('ssa'), spec: { ...(deployment('ssa') as { spec: object }).spec, ...spec } },
      });
    expect((await apply('one', { replicas: 2 })).code).toBe(201);
    const refused = await apply('two', { replicas: 5 });
    expect(refused.code).toBe(409);
    expect(refused.body.message).toContain('conflict with "one": .spec.replicas');
    expect((await apply('two', { replicas: 5 }, '&force=true')).body.spec.replicas).toBe(5);
    expect((await t.call('PATCH', `${DEPLOYMENTS}/ssa`, { contentType: 'application/apply-patch+yaml', body: deployment('ssa') })).code).toBe(422);
  });

  it('keeps status and spec apart', async () => {
    await t.call('POST', PODS, { body: pod('parts') });
    const status = await t.call('PATCH', `${PODS}/parts/status`, {
      contentType: 'application/merge-patch+json',
      body: { status: { phase: 'Running' }, spec: { nodeName: 'x' } },
    });
    expect(status.body).toMatchObject({ status: { phase: 'Running' } });
    expect(status.body.spec.nodeName).toBeUndefined();
    const main = await t.call('PATCH', `${PODS}/parts`, {
      contentType: 'application/merge-patch+json',
      body: { status: { phase: 'Failed' }, metadata: { labels: { a: 'b' } } },
    });
    expect(main.body).toMatchObject({ status: { phase: 'Running' }, metadata: { labels: { a: 'b' } } });
  });

  it('lets concurrent patches all through', async () => {
    await t.call('POST', MAPS, { body: map('race', {}) });
    const answers = await Promise.all(
      [1, 2, 3, 4].map((n) => t.call('PATCH', `${MAPS}/race`, { contentType: 'application/merge-patch+json', body: { data: { [`k${n}`]: 'v' } } })),
    );
    expect(answers.map(({ code }) => code)).toEqual([200, 200, 200, 200]);
    expect(Object.keys((await t.call('GET', `${MAPS}/race`)).body.data)).toHaveLength(4);
  });
});

describe('delete', () => {
  it('waits for finalizers', async () => {
    await t.call('POST', MAPS, { body: { ...map('fin'), metadata: { name: 'fin', finalizers: ['test.io/keep'] } } });
    expect((await t.call('DELETE', `${MAPS}/fin`)).body.metadata).toMatchObject({ deletionGracePeriodSeconds: 0, deletionTimestamp: expect.any(String) });
    expect((await t.call('GET', `${MAPS}/fin`)).code).toBe(200);
    await t.call('PATCH', `${MAPS}/fin`, { contentType: 'application/merge-patch+json', body: { metadata: { finalizers: null } } });
    expect((await t.call('GET', `${MAPS}/fin`)).code).toBe(404);
  });

  it('ends pods gracefully where they run, and at once where they do not', async () => {
    await t.call('POST', PODS, { body: pod('idle') });
    await t.call('DELETE', `${PODS}/idle`);
    expect((await t.call('GET', `${PODS}/idle`)).code).toBe(404);
    await t.call('POST', PODS, { body: pod('bound', { nodeName: 'n', terminationGracePeriodSeconds: 7 }) });
    expect((await t.call('DELETE', `${PODS}/bound`)).body.metadata.deletionGracePeriodSeconds).toBe(7);
    expect((await t.call('DELETE', `${PODS}/bound`, { body: { preconditions: { uid: 'other' } } })).body).toMatchObject({ code: 409 });
    await t.call('DELETE', `${PODS}/bound`, { body: { gracePeriodSeconds: 0 } });
    expect((await t.call('GET', `${PODS}/bound`)).code).toBe(404);
  });

  it('marks dependents policies as finalizers and deletes collections by selector', async () => {
    await t.call('POST', DEPLOYMENTS, { body: deployment('fg') });
    expect((await t.call('DELETE', `${DEPLOYMENTS}/fg`, { body: { propagationPolicy: 'Foreground' } })).body.metadata.finalizers).toEqual([
      'foregroundDeletion',
    ]);
    for (const name of ['s1', 's2']) await t.call('POST', MAPS, { body: { ...map(name), metadata: { name, labels: { sel: name } } } });
    expect((await t.call('DELETE', `${MAPS}?labelSelector=sel%3Ds1`)).body.items).toHaveLength(1);
    expect((await t.call('GET', `${MAPS}/s2`)).code).toBe(200);
  });

  it('finishes a namespace when its finalizers are gone', async () => {
    await t.call('POST', '/api/v1/namespaces', { body: { apiVersion: 'v1', kind: 'Namespace', metadata: { name: 'going' } } });
    const { body } = await t.call('DELETE', '/api/v1/namespaces/going');
    expect(body.status.phase).toBe('Terminating');
    expect((await t.call('POST', '/api/v1/namespaces/going/configmaps', { body: map('late') })).body).toMatchObject({ code: 403 });
    await t.call('PUT', '/api/v1/namespaces/going/finalize', { body: { ...body, spec: { finalizers: [] } } });
    expect((await t.call('GET', '/api/v1/namespaces/going')).code).toBe(404);
    expect((await t.call('DELETE', '/api/v1/namespaces/default')).code).toBe(403);
  });
});

describe('kinds of their own', () => {
  it('gives Services addresses and ports, and takes them back', async () => {
    const services = '/api/v1/namespaces/default/services';
    const service = (name: string, spec: object): object => ({
      apiVersion: 'v1',
      kind: 'Service',
      metadata: { name },
      spec: { ports: [{ port: 80 }], ...spec },
    });
    const first = await t.call('POST', services, { body: service('one', { type: 'NodePort' }) });
    expect(first.body.spec).toMatchObject({
      clusterIP: expect.stringMatching(/^127\.96\./),
      sessionAffinity: 'None',
      ipFamilies: ['IPv4'],
      ports: [{ port: 80, targetPort: 80, protocol: 'TCP', nodePort: expect.any(Number) }],
    });
    const taken = await t.call('POST', services, { body: service('two', { clusterIP: first.body.spec.clusterIP }) });
    expect(taken.body).toMatchObject({ code: 422 });
    expect((await t.call('POST', services, { body: service('headless', { clusterIP: 'None' }) })).body.spec.clusterIP).toBe('None');
    const applied = await t.call('PUT', `${services}/one`, { body: service('one', {}) });
    expect(applied.body.spec).toMatchObject({ type: 'ClusterIP', clusterIP: first.body.spec.clusterIP });
    await t.call('DELETE', `${services}/one`);
    expect((await t.call('POST', services, { body: service('two', { clusterIP: first.body.spec.clusterIP }) })).code).toBe(201);
  });

  it('merges stringData and keeps immutable objects', async () => {
    const secrets = '/api/v1/namespaces/default/secrets';
    const made = await t.call('POST', secrets, {
      body: { apiVersion: 'v1', kind: 'Secret', metadata: { name: 's' }, stringData: { a: 'b' }, immutable: true },
    });
    expect(made.body).toMatchObject({ type: 'Opaque', data: { a: 'Yg==' } });
    expect(made.body.stringData).toBeUndefined();
    expect((await t.call('PATCH', `${secrets}/s`, { contentType: 'application/merge-patch+json', body: { data: { a: 'Yw==' } } })).code).toBe(422);
  });

  it('scales by the subresource and binds pods', async () => {
    await t.call('POST', DEPLOYMENTS, { body: deployment('sc') });
    const scale = await t.call('GET', `${DEPLOYMENTS}/sc/scale`);
    expect(scale.body).toMatchObject({ kind: 'Scale', spec: { replicas: 1 }, status: { selector: 'app=sc' } });
    expect((await t.call('PUT', `${DEPLOYMENTS}/sc/scale`, { body: { ...scale.body, spec: { replicas: 6 } } })).body.spec.replicas).toBe(6);
    expect((await t.call('GET', `${DEPLOYMENTS}/sc`)).body).toMatchObject({ spec: { replicas: 6 }, metadata: { generation: 2 } });
    await t.call('POST', PODS, { body: pod('bindme') });
    const binding = { apiVersion: 'v1', kind: 'Binding', metadata: { name: 'bindme' }, target: { kind: 'Node', name: 'n7' } };
    expect((await t.call('POST', `${PODS}/bindme/binding`, { body: binding })).code).toBe(201);
    expect((await t.call('GET', `${PODS}/bindme`)).body.spec.nodeName).toBe('n7');
    expect((await t.call('POST', `${PODS}/bindme/binding`, { body: binding })).code).toBe(409);
  });

  it('keeps one store for events of both groups', async () => {
    await t.call('POST', '/api/v1/namespaces/default/events', {
      body: {
        apiVersion: 'v1',
        kind: 'Event',
        metadata: { name: 'e' },
        involvedObject: { kind: 'Pod', name: 'p' },
        message: 'said',
        reason: 'R',
        type: 'Normal',
      },
    });
    expect((await t.call('GET', '/apis/events.k8s.io/v1/namespaces/default/events/e')).body).toMatchObject({
      apiVersion: 'events.k8s.io/v1',
      note: 'said',
      regarding: { name: 'p' },
    });
    const found = await t.call('GET', '/api/v1/namespaces/default/events?fieldSelector=involvedObject.name%3Dp%2Creason%21%3DX');
    expect(found.body.items).toHaveLength(1);
  });
});

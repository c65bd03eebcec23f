import { afterAll, beforeAll, describe, expect } from 'vitest';
import { eventually } from '@tiphys/testkit';
import { checkDiscovery, checkOperations } from './api-operations.ts';
import { ladder } from './ladder.ts';
import { PATCH, startConformancePlane, type Answer, type ConformancePlane } from './plane.ts';

let plane: ConformancePlane;
beforeAll(async () => {
  plane = await startConformancePlane();
});
afterAll(async () => {
  await plane[Symbol.asyncDispose]();
});

const namesOf = (list: Answer['body']): readonly string[] => list.items.map((item: Answer['body']) => item.metadata.name);
const pod = (name: string, spec: object = {}, container: object = {}): unknown => ({
  apiVersion: 'v1',
  kind: 'Pod',
  metadata: { name },
  spec: { containers: [{ name: 'web', image: 'registry.example.com/web:1', ...container }], ...spec },
});

describe('sig-node: configuration', () => {
  const spec = ladder('A');

  spec('[sig-node] ConfigMap should fail to create ConfigMap with empty key', async () => {
    const refused = await plane.call('POST', `/api/v1/namespaces/${await plane.namespace()}/configmaps`, {
      body: { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'empty' }, data: { '': 'value-1' } },
    });
    expect([refused.code, refused.body.reason, refused.body.details.causes[0].field]).toStrictEqual([422, 'Invalid', 'data[]']);
  });

  spec('[sig-node] ConfigMap should run through a ConfigMap lifecycle', async () => {
    const path = `/api/v1/namespaces/${await plane.namespace()}/configmaps`;
    const watch = await plane.watch(`${path}?labelSelector=test-configmap-static=true`);
    const body = { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'test', labels: { 'test-configmap-static': 'true' } }, data: { valueName: 'value' } };
    await plane.must(201, 'POST', path, { body });
    await watch.until('the creation', ({ type }) => type === 'ADDED');
    await plane.must(200, 'PATCH', `${path}/test`, {
      body: { metadata: { labels: { 'test-configmap': 'patched' } }, data: { valueName: 'value1' } },
      contentType: PATCH.strategic,
    });
    await watch.until('the patch', ({ type }) => type === 'MODIFIED');
    expect((await plane.must(200, 'GET', `${path}/test`)).data).toStrictEqual({ valueName: 'value1' });
    const { items } = await plane.must(200, 'GET', '/api/v1/configmaps?labelSelector=test-configmap-static=true');
    expect(items.map(({ data, metadata }: Answer['body']) => [data.valueName, metadata.labels['test-configmap']])).toStrictEqual([['value1', 'patched']]);
    await plane.must(200, 'DELETE', `${path}?labelSelector=test-configmap-static=true`);
    await watch.until('the deletion', ({ type }) => type === 'DELETED');
    watch.close();
  });

  spec('[sig-node] Secrets should fail to create secret due to empty secret key', async () => {
    const refused = await plane.call('POST', `/api/v1/namespaces/${await plane.namespace()}/secrets`, {
      body: { apiVersion: 'v1', kind: 'Secret', metadata: { name: 'empty' }, data: { '': 'dmFsdWUtMQ==' } },
    });
    expect([refused.code, refused.body.reason, refused.body.details.causes[0].field]).toStrictEqual([422, 'Invalid', 'data[]']);
  });

  spec('[sig-node] Secrets should patch a secret', async () => {
    const path = `/api/v1/namespaces/${await plane.namespace()}/secrets`;
    await plane.must(201, 'POST', path, {
      body: { apiVersion: 'v1', kind: 'Secret', metadata: { name: 'test', labels: { testsecret: 'true' } }, data: { key: 'dmFsdWU=' }, type: 'Opaque' },
    });
    expect(namesOf(await plane.must(200, 'GET', '/api/v1/secrets?labelSelector=testsecret=true'))).toStrictEqual(['test']);
    await plane.must(200, 'PATCH', `${path}/test`, {
      body: { metadata: { labels: { testsecret: 'patched' } }, data: { key: 'dmFsdWUx' } },
      contentType: PATCH.strategic,
    });
    const live = await plane.must(200, 'GET', `${path}/test`);
    expect([live.metadata.labels.testsecret, live.data.key]).toStrictEqual(['patched', 'dmFsdWUx']);
    await plane.must(200, 'DELETE', `${path}?labelSelector=testsecret=patched`);
    expect(namesOf(await plane.must(200, 'GET', '/api/v1/secrets?labelSelector=testsecret'))).toStrictEqual([]);
  });

  spec('[sig-node] Lease lease API should be available', async () => {
    const path = `/apis/coordination.k8s.io/v1/namespaces/${await plane.namespace()}/leases`;
    const lease = (name: string, labels: object = {}): unknown => ({
      apiVersion: 'coordination.k8s.io/v1',
      kind: 'Lease',
      metadata: { name, labels },
      spec: {
        holderIdentity: 'holder',
        leaseDurationSeconds: 30,
        acquireTime: '2030-01-02T03:04:05.000000Z',
        renewTime: '2030-01-02T03:04:10.123456Z',
        leaseTransitions: 0,
      },
    });
    const created = await plane.must(201, 'POST', path, { body: lease('lease') });
    const read = await plane.must(200, 'GET', `${path}/lease`);
    expect(read.spec).toStrictEqual((lease('lease') as Answer['body']).spec);
    const updated = { ...created, spec: { ...created.spec, holderIdentity: 'holder2', leaseTransitions: 1, leaseDurationSeconds: 60 } };
    await plane.must(200, 'PUT', `${path}/lease`, { body: updated });
    expect((await plane.must(200, 'GET', `${path}/lease`)).spec).toStrictEqual(updated.spec);
    await plane.must(200, 'PATCH', `${path}/lease`, { body: { spec: { holderIdentity: 'holder3', leaseTransitions: 2 } }, contentType: PATCH.strategic });
    expect((await plane.must(200, 'GET', `${path}/lease`)).spec).toStrictEqual({ ...updated.spec, holderIdentity: 'holder3', leaseTransitions: 2 });
    await plane.must(201, 'POST', path, { body: lease('lease2', { deletecollection: 'true' }) });
    expect(namesOf(await plane.must(200, 'GET', path))).toStrictEqual(['lease', 'lease2']);
    await plane.must(200, 'DELETE', `${path}?labelSelector=deletecollection=true`);
    expect(namesOf(await plane.must(200, 'GET', path))).toStrictEqual(['lease']);
    await plane.must(200, 'DELETE', `${path}/lease`);
    expect((await plane.call('GET', `${path}/lease`)).body.reason).toBe('NotFound');
  });

  spec('[sig-node] Node Lifecycle should run through the lifecycle of a node', async () => {
    await plane.must(201, 'POST', '/api/v1/nodes', { body: { apiVersion: 'v1', kind: 'Node', metadata: { name: 'e2e-fake-node' } } });
    const one = '/api/v1/nodes/e2e-fake-node';
    expect((await plane.must(200, 'GET', one)).metadata.name).toBe('e2e-fake-node');
    await plane.must(200, 'PATCH', one, { body: { metadata: { labels: { 'e2e-fake-node': 'patched' } } }, contentType: PATCH.strategic });
    const list = await plane.must(200, 'GET', '/api/v1/nodes?labelSelector=e2e-fake-node=patched');
    expect(namesOf(list)).toStrictEqual(['e2e-fake-node']);
    const live = await plane.must(200, 'GET', one);
    live.metadata.labels['e2e-fake-node'] = 'updated';
    expect((await plane.must(200, 'PUT', one, { body: live })).metadata.labels['e2e-fake-node']).toBe('updated');
    await plane.must(200, 'DELETE', one);
    expect((await plane.call('GET', one)).code).toBe(404);
  });
});

describe('sig-node: pods that never run', () => {
  const spec = ladder('A');
  const template = (name: string, labels: object): unknown => ({
    apiVersion: 'v1',
    kind: 'PodTemplate',
    metadata: { name, labels },
    template: { spec: { containers: [{ name: 'nginx', image: 'nginx' }] } },
  });

  spec('[sig-node] PodTemplates should run the lifecycle of PodTemplates', async () => {
    const path = `/api/v1/namespaces/${await plane.namespace()}/podtemplates`;
    await plane.must(201, 'POST', path, { body: template('nginx', { 'podtemplate-static': 'true' }) });
    await plane.must(200, 'PATCH', `${path}/nginx`, { body: { metadata: { labels: { podtemplate: 'patched' } } }, contentType: PATCH.strategic });
    expect((await plane.must(200, 'GET', `${path}/nginx`)).metadata.labels.podtemplate).toBe('patched');
    expect(namesOf(await plane.must(200, 'GET', '/api/v1/podtemplates?labelSelector=podtemplate-static=true'))).toStrictEqual(['nginx']);
    await plane.must(200, 'DELETE', `${path}/nginx`);
    expect(namesOf(await plane.must(200, 'GET', '/api/v1/podtemplates?labelSelector=podtemplate-static=true'))).toStrictEqual([]);
  });

  spec('[sig-node] PodTemplates should delete a collection of pod templates', async () => {
    const path = `/api/v1/namespaces/${await plane.namespace()}/podtemplates`;
    for (const name of ['one', 'two', 'three']) await plane.must(201, 'POST', path, { body: template(name, { 'podtemplate-set': 'true' }) });
    expect(namesOf(await plane.must(200, 'GET', `${path}?labelSelector=podtemplate-set=true`))).toHaveLength(3);
    await plane.must(200, 'DELETE', `${path}?labelSelector=podtemplate-set=true`);
    expect(namesOf(await plane.must(200, 'GET', path))).toStrictEqual([]);
  });

  spec('[sig-node] PodTemplates should replace a pod template', async () => {
    const path = `/api/v1/namespaces/${await plane.namespace()}/podtemplates`;
    const live = await plane.must(201, 'POST', path, { body: template('test', {}) });
    live.metadata.annotations = { updated: 'true' };
    await plane.must(200, 'PUT', `${path}/test`, { body: live });
    expect((await plane.must(200, 'GET', `${path}/test`)).metadata.annotations).toStrictEqual({ updated: 'true' });
  });

  spec('[sig-node] Pods Extended Pods Set QOS Class should be set on Pods with matching resource requests and limits for memory and cpu', async () => {
    const path = `/api/v1/namespaces/${await plane.namespace()}/pods`;
    const amounts = { cpu: '100m', memory: '100Mi' };
    await plane.must(201, 'POST', path, { body: pod('guaranteed', {}, { resources: { requests: amounts, limits: amounts } }) });
    expect((await plane.must(200, 'GET', `${path}/guaranteed`)).status.qosClass).toBe('Guaranteed');
  });

  const RUNTIME_CLASSES = '/apis/node.k8s.io/v1/runtimeclasses';

  spec('[sig-node] RuntimeClass should reject a Pod requesting a non-existent RuntimeClass [NodeConformance]', async () => {
    const path = `/api/v1/namespaces/${await plane.namespace()}/pods`;
    const refused = await plane.call('POST', path, { body: pod('none', { runtimeClassName: 'non-existent' }) });
    expect([refused.code, refused.body.reason]).toStrictEqual([403, 'Forbidden']);
  });

  spec('[sig-node] RuntimeClass should reject a Pod requesting a deleted RuntimeClass [NodeConformance]', async () => {
    const path = `/api/v1/namespaces/${await plane.namespace()}/pods`;
    await plane.must(201, 'POST', RUNTIME_CLASSES, {
      body: { apiVersion: 'node.k8s.io/v1', kind: 'RuntimeClass', metadata: { name: 'to-go' }, handler: 'runc' },
    });
    await plane.must(201, 'POST', path, { body: pod('before', { runtimeClassName: 'to-go' }) });
    await plane.must(200, 'DELETE', `${RUNTIME_CLASSES}/to-go`);
    const refused = await plane.call('POST', path, { body: pod('after', { runtimeClassName: 'to-go' }) });
    expect([refused.code, refused.body.reason]).toStrictEqual([403, 'Forbidden']);
  });

  spec('[sig-node] RuntimeClass should support RuntimeClasses API operations', async () => {
    const operations = { group: 'node.k8s.io', version: 'v1', resource: 'runtimeclasses', kind: 'RuntimeClass' };
    await checkDiscovery(plane, operations);
    await checkOperations(plane, { ...operations, make: (index) => ({ handler: `handler-${index}` }) });
  });

  spec('[sig-node] Sysctls [LinuxOnly] [NodeConformance] should reject invalid sysctls [MinimumKubeletVersion:1.21]', async () => {
    const path = `/api/v1/namespaces/${await plane.namespace()}/pods`;
    const sysctls = ['foo-', 'kernel.shmmax', 'safe-and-unsafe', 'bar..'].map((name) => ({ name, value: '100000000' }));
    const refused = await plane.call('POST', path, { body: pod('sysctls', { securityContext: { sysctls } }) });
    expect([refused.code, refused.body.details.causes.map((cause: Answer['body']) => cause.field)]).toStrictEqual([
      422,
      ['spec.securityContext.sysctls[0].name', 'spec.securityContext.sysctls[3].name'],
    ]);
  });
});

describe('sig-instrumentation', () => {
  const spec = ladder('A');
  const event = (name: string, namespace: string): unknown => ({
    apiVersion: 'v1',
    kind: 'Event',
    metadata: { name, labels: { 'testevent-set': 'true' } },
    message: 'This is a test event',
    reason: 'Test',
    type: 'Normal',
    count: 1,
    involvedObject: { namespace },
  });
  const newEvent = (name: string, namespace: string): unknown => ({
    apiVersion: 'events.k8s.io/v1',
    kind: 'Event',
    metadata: { name, labels: { 'testevent-set': 'true' } },
    regarding: { kind: 'Pod', namespace, name: 'test' },
    eventTime: '2030-01-02T03:04:05.000000Z',
    note: 'This is a test event',
    reason: 'Test',
    type: 'Normal',
    action: 'Do',
    reportingController: 'test-controller',
    reportingInstance: 'test-node',
  });

  spec('[sig-instrumentation] Events should manage the lifecycle of an event', async () => {
    const namespace = await plane.namespace();
    const path = `/api/v1/namespaces/${namespace}/events`;
    await plane.must(201, 'POST', path, { body: event('event-test', namespace) });
    const all = '/api/v1/events?labelSelector=testevent-set=true';
    expect(namesOf(await plane.must(200, 'GET', all))).toStrictEqual(['event-test']);
    const patched = await plane.must(200, 'PATCH', `${path}/event-test`, { body: { message: 'patched' }, contentType: PATCH.strategic });
    expect(patched.message).toBe('patched');
    patched.series = { count: 100, lastObservedTime: '2030-01-02T03:04:05.000005Z' };
    await plane.must(200, 'PUT', `${path}/event-test`, { body: patched });
    expect((await plane.must(200, 'GET', `${path}/event-test`)).series).toStrictEqual(patched.series);
    await plane.must(200, 'DELETE', `${path}/event-test`);
    expect(namesOf(await plane.must(200, 'GET', all))).toStrictEqual([]);
  });

  spec('[sig-instrumentation] Events should delete a collection of events', async () => {
    const namespace = await plane.namespace();
    const path = `/api/v1/namespaces/${namespace}/events`;
    for (const name of ['one', 'two', 'three']) await plane.must(201, 'POST', path, { body: event(name, namespace) });
    expect(namesOf(await plane.must(200, 'GET', `${path}?labelSelector=testevent-set=true`))).toHaveLength(3);
    await plane.must(200, 'DELETE', `${path}?labelSelector=testevent-set=true`);
    expect(namesOf(await plane.must(200, 'GET', path))).toStrictEqual([]);
  });

  spec('[sig-instrumentation] Events API should ensure that an event can be fetched, patched, deleted, and listed', async () => {
    const namespace = await plane.namespace();
    const path = `/apis/events.k8s.io/v1/namespaces/${namespace}/events`;
    await plane.must(201, 'POST', path, { body: newEvent('event-test', namespace) });
    expect(namesOf(await plane.must(200, 'GET', `${path}?fieldSelector=reportingController=test-controller`))).toStrictEqual(['event-test']);
    expect(namesOf(await plane.must(200, 'GET', '/apis/events.k8s.io/v1/events?labelSelector=testevent-set=true'))).toStrictEqual(['event-test']);
    const before = await plane.must(200, 'GET', `${path}/event-test`);
    const series = { count: 2, lastObservedTime: '2030-01-02T03:04:06.000000Z' };
    await plane.must(200, 'PATCH', `${path}/event-test`, { body: { series }, contentType: PATCH.strategic });
    const patched = await plane.must(200, 'GET', `${path}/event-test`);
    expect({ ...patched, metadata: undefined }).toStrictEqual({ ...before, series, metadata: undefined });
    patched.series = { count: 100, lastObservedTime: '2030-01-02T03:04:07.000000Z' };
    await plane.must(200, 'PUT', `${path}/event-test`, { body: patched });
    expect((await plane.must(200, 'GET', `${path}/event-test`)).series).toStrictEqual(patched.series);
    // The same event is read in the older form.
    expect(await plane.must(200, 'GET', `/api/v1/namespaces/${namespace}/events/event-test`)).toMatchObject({
      apiVersion: 'v1',
      message: 'This is a test event',
      involvedObject: { kind: 'Pod', name: 'test' },
      reportingComponent: 'test-controller',
    });
    await plane.must(200, 'DELETE', `${path}/event-test`);
    expect((await plane.call('GET', `${path}/event-test`)).code).toBe(404);
    expect(namesOf(await plane.must(200, 'GET', path))).toStrictEqual([]);
  });

  spec('[sig-instrumentation] Events API should delete a collection of events', async () => {
    const namespace = await plane.namespace();
    const path = `/apis/events.k8s.io/v1/namespaces/${namespace}/events`;
    for (const name of ['one', 'two', 'three']) await plane.must(201, 'POST', path, { body: newEvent(name, namespace) });
    expect(namesOf(await plane.must(200, 'GET', `${path}?labelSelector=testevent-set=true`))).toHaveLength(3);
    await plane.must(200, 'DELETE', `${path}?labelSelector=testevent-set=true`);
    expect(namesOf(await plane.must(200, 'GET', path))).toStrictEqual([]);
  });
});

describe('sig-scheduling', () => {
  const spec = ladder('A');
  const limitRange = (name: string, labels: object = {}): Answer['body'] => ({
    apiVersion: 'v1',
    kind: 'LimitRange',
    metadata: { name, labels },
    spec: {
      limits: [
        {
          type: 'Container',
          min: { cpu: '50m', memory: '100Mi', 'ephemeral-storage': '150Gi' },
          max: { cpu: '500m', memory: '500Mi', 'ephemeral-storage': '500Gi' },
          default: { cpu: '500m', memory: '500Mi', 'ephemeral-storage': '500Gi' },
          defaultRequest: { cpu: '100m', memory: '200Mi', 'ephemeral-storage': '200Gi' },
        },
      ],
    },
  });

  spec('[sig-scheduling] LimitRange should create a LimitRange with defaults and ensure pod has those defaults applied.', async () => {
    const namespace = await plane.namespace();
    const [ranges, pods] = [`/api/v1/namespaces/${namespace}/limitranges`, `/api/v1/namespaces/${namespace}/pods`];
    const watch = await plane.watch(ranges);
    await plane.must(201, 'POST', ranges, { body: limitRange('limits') });
    await watch.until('the creation', ({ type }) => type === 'ADDED');
    const resourcesOf = async (name: string, resources: object): Promise<Answer['body']> => {
      await plane.must(201, 'POST', pods, { body: pod(name, {}, { resources }) });
      return (await plane.must(200, 'GET', `${pods}/${name}`)).spec.containers[0].resources;
    };
    expect(await resourcesOf('no-resources', {})).toStrictEqual({
      limits: { cpu: '500m', memory: '500Mi', 'ephemeral-storage': '500Gi' },
      requests: { cpu: '100m', memory: '200Mi', 'ephemeral-storage': '200Gi' },
    });
    // Where a limit was given and no request, the request follows the limit.
    expect(await resourcesOf('partial-resources', { limits: { cpu: '300m' }, requests: { memory: '150Mi', 'ephemeral-storage': '150Gi' } })).toStrictEqual({
      limits: { cpu: '300m', memory: '500Mi', 'ephemeral-storage': '500Gi' },
      requests: { cpu: '300m', memory: '150Mi', 'ephemeral-storage': '150Gi' },
    });
    const tooSmall = { requests: { cpu: '10m', memory: '50Mi', 'ephemeral-storage': '50Gi' } };
    const tooBig = { limits: { cpu: '600m', memory: '600Mi', 'ephemeral-storage': '600Gi' } };
    for (const resources of [tooSmall, tooBig])
      expect((await plane.call('POST', pods, { body: pod('outside', {}, { resources }) })).body.reason).toBe('Forbidden');
    const live = await plane.must(200, 'GET', `${ranges}/limits`);
    live.spec.limits[0].min = { cpu: '9m', memory: '49Mi', 'ephemeral-storage': '49Gi' };
    await plane.must(200, 'PUT', `${ranges}/limits`, { body: live });
    await plane.must(201, 'POST', pods, { body: pod('small', {}, { resources: tooSmall }) });
    expect((await plane.call('POST', pods, { body: pod('big', {}, { resources: tooBig }) })).code).toBe(403);
    await plane.must(200, 'DELETE', `${ranges}/limits`);
    await watch.until('the deletion', ({ type }) => type === 'DELETED');
    watch.close();
    await plane.must(201, 'POST', pods, { body: pod('big', {}, { resources: tooBig }) });
  });

  spec('[sig-scheduling] LimitRange should list, patch and delete a LimitRange by collection', async () => {
    const [first, second] = [await plane.namespace(), await plane.namespace()].map((namespace) => `/api/v1/namespaces/${namespace}/limitranges`);
    for (const path of [first, second]) await plane.must(201, 'POST', String(path), { body: limitRange('listed', { 'e2e-limitrange': 'listed' }) });
    expect(namesOf(await plane.must(200, 'GET', '/api/v1/limitranges?labelSelector=e2e-limitrange=listed'))).toHaveLength(2);
    const patched = await plane.must(200, 'PATCH', `${first}/listed`, {
      body: { metadata: { labels: { listed: 'patched' } }, spec: { limits: [{ type: 'Container', min: { cpu: '40m', memory: '100Mi' } }] } },
      contentType: PATCH.strategic,
    });
    expect([patched.metadata.labels.listed, patched.spec.limits[0].min.cpu]).toStrictEqual(['patched', '40m']);
    await plane.must(200, 'DELETE', `${first}?labelSelector=listed=patched`);
    await eventually(
      'one is left',
      () => plane.must(200, 'GET', '/api/v1/limitranges?labelSelector=e2e-limitrange=listed'),
      (list) => list.items.length === 1,
    );
  });

  spec(
    '[sig-scheduling] SchedulerPreemption [Serial] PriorityClass endpoints verify PriorityClass endpoints can be operated with different HTTP methods',
    async () => {
      const path = '/apis/scheduling.k8s.io/v1/priorityclasses';
      for (const [name, value] of [
        ['p1', 1],
        ['p2', 2],
      ] as const)
        await plane.must(201, 'POST', path, { body: { apiVersion: 'scheduling.k8s.io/v1', kind: 'PriorityClass', metadata: { name }, value } });
      expect(namesOf(await plane.must(200, 'GET', path))).toEqual(expect.arrayContaining(['p1', 'p2']));
      const patch = { body: { metadata: { annotations: { 'e2e-update': 'p1' } }, description: 'by patch' }, contentType: PATCH.json };
      await plane.must(200, 'PATCH', `${path}/p1`, { ...patch, contentType: PATCH.strategic });
      const live = await plane.must(200, 'GET', `${path}/p1`);
      expect(live.description).toBe('by patch');
      const immutable = await plane.call('PATCH', `${path}/p1`, { body: { value: 10 }, contentType: PATCH.strategic });
      expect([immutable.code, immutable.body.reason]).toStrictEqual([422, 'Invalid']);
      live.description = 'by update';
      expect((await plane.must(200, 'PUT', `${path}/p1`, { body: live })).description).toBe('by update');
      const second = await plane.must(200, 'GET', `${path}/p2`);
      expect((await plane.call('PUT', `${path}/p2`, { body: { ...second, value: 20 } })).code).toBe(422);
    },
  );
});

import { afterAll, beforeAll, describe, expect } from 'vitest';
import { eventually } from '@tiphys/testkit';
import { ladder } from './ladder.ts';
import { PATCH, startConformancePlane, type Answer, type ConformancePlane } from './plane.ts';

let plane: ConformancePlane;
beforeAll(async () => {
  plane = await startConformancePlane();
});
afterAll(async () => {
  await plane[Symbol.asyncDispose]();
});

const HARD = {
  pods: '5',
  services: '10',
  'services.nodeports': '1',
  'services.loadbalancers': '1',
  replicationcontrollers: '10',
  resourcequotas: '1',
  cpu: '1',
  memory: '500Mi',
  configmaps: '10',
  secrets: '10',
  persistentvolumeclaims: '10',
  'requests.storage': '10Gi',
  'ephemeral-storage': '50Gi',
  'count/replicasets.apps': '5',
  'requests.example.com/dongle': '3',
};

const quota = (name: string, hard: Readonly<Record<string, string>> = HARD, rest: object = {}): Answer['body'] => ({
  apiVersion: 'v1',
  kind: 'ResourceQuota',
  metadata: { name },
  spec: { hard, ...rest },
});

const pod = (name: string, requests: object = {}, limits: object = {}, rest: object = {}): unknown => ({
  apiVersion: 'v1',
  kind: 'Pod',
  metadata: { name },
  spec: { containers: [{ name: 'pause', image: 'registry.example.com/pause:1', resources: { requests, limits } }], ...rest },
});

/** A namespace with its paths, and a wait for what a quota says is used. */
async function place(): Promise<{
  readonly at: (resource: string, group?: string) => string;
  readonly used: (name: string, expected: object) => Promise<void>;
}> {
  const namespace = await plane.namespace();
  const at = (resource: string, group: string = 'api/v1'): string => `/${group}/namespaces/${namespace}/${resource}`;
  const used = async (name: string, expected: object): Promise<void> => {
    const matches = ({ status }: Answer['body']): boolean => Object.entries(expected).every(([key, value]) => status?.used?.[key] === value);
    await eventually(`${name} uses ${JSON.stringify(expected)}`, () => plane.must(200, 'GET', `${at('resourcequotas')}/${name}`), matches);
  };
  return { at, used };
}

/** One object is counted while it lives. */
async function life(body: { readonly metadata: { readonly name: string } }, resource: string, group: string | undefined, counted: object): Promise<void> {
  const { at, used } = await place();
  await plane.must(201, 'POST', at('resourcequotas'), { body: quota('test-quota') });
  const zero = Object.fromEntries(Object.keys(counted).map((key) => [key, key === 'configmaps' ? '1' : '0']));
  await used('test-quota', { ...zero, resourcequotas: '1' });
  await plane.must(201, 'POST', at(resource, group), { body });
  await used('test-quota', counted);
  await plane.must(200, 'DELETE', `${at(resource, group)}/${body.metadata.name}`);
  await used('test-quota', zero);
}

describe('sig-api-machinery: quota', () => {
  const spec = ladder('A');

  spec('[sig-api-machinery] ResourceQuota should create a ResourceQuota and ensure its status is promptly calculated.', async () => {
    const { at, used } = await place();
    await plane.must(201, 'POST', at('resourcequotas'), { body: quota('test-quota') });
    await used('test-quota', { pods: '0', services: '0', resourcequotas: '1', configmaps: '1', secrets: '0', cpu: '0', memory: '0' });
    expect((await plane.must(200, 'GET', `${at('resourcequotas')}/test-quota`)).status.hard).toStrictEqual(HARD);
  });

  spec('[sig-api-machinery] ResourceQuota should create a ResourceQuota and capture the life of a service.', async () => {
    const { at, used } = await place();
    await plane.must(201, 'POST', at('resourcequotas'), { body: quota('test-quota') });
    const service = (name: string, type: string): unknown => ({ apiVersion: 'v1', kind: 'Service', metadata: { name }, spec: { type, ports: [{ port: 80 }] } });
    await plane.must(201, 'POST', at('services'), { body: service('cluster', 'ClusterIP') });
    await plane.must(201, 'POST', at('services'), { body: service('node', 'NodePort') });
    // One node port is allowed, and a load balancer needs one too.
    expect((await plane.call('POST', at('services'), { body: service('balancer', 'LoadBalancer') })).code).toBe(403);
    await used('test-quota', { services: '2', 'services.nodeports': '1', 'services.loadbalancers': '0', resourcequotas: '1' });
    for (const name of ['cluster', 'node']) await plane.must(200, 'DELETE', `${at('services')}/${name}`);
    await used('test-quota', { services: '0', 'services.nodeports': '0', 'services.loadbalancers': '0' });
  });

  spec('[sig-api-machinery] ResourceQuota should create a ResourceQuota and capture the life of a secret.', async () => {
    const secret = { apiVersion: 'v1', kind: 'Secret', metadata: { name: 'test-secret' }, data: { 'data-1': 'dmFsdWUtMQ==' } };
    await life(secret, 'secrets', undefined, { secrets: '1' });
  });

  spec('[sig-api-machinery] ResourceQuota should create a ResourceQuota and capture the life of a pod.', async () => {
    const { at, used } = await place();
    await plane.must(201, 'POST', at('resourcequotas'), { body: quota('test-quota') });
    const requests = { cpu: '500m', memory: '252Mi', 'ephemeral-storage': '30Gi', 'example.com/dongle': '2' };
    await plane.must(201, 'POST', at('pods'), { body: pod('test-pod', requests, { 'example.com/dongle': '2' }) });
    const taken = { pods: '1', cpu: '500m', memory: '252Mi', 'ephemeral-storage': '30Gi', 'requests.example.com/dongle': '2' };
    await used('test-quota', taken);
    for (const [name, more] of [
      ['too-much-cpu', { cpu: '600m', memory: '100Mi' }],
      ['too-many-dongles', { ...requests, cpu: '100m', memory: '100Mi', 'ephemeral-storage': '10Gi' }],
    ] as const) {
      const dongles = 'example.com/dongle' in more ? { 'example.com/dongle': '2' } : {};
      const refused = await plane.call('POST', at('pods'), { body: pod(name, more, dongles) });
      expect([refused.code, refused.body.reason]).toStrictEqual([403, 'Forbidden']);
      expect(refused.body.message).toContain('exceeded quota: test-quota');
    }
    const resized = await plane.call('PATCH', `${at('pods')}/test-pod`, {
      body: { spec: { containers: [{ name: 'pause', resources: { requests: { cpu: '100m', memory: '100Mi' } } }] } },
      contentType: PATCH.strategic,
    });
    expect(resized.code).toBe(422);
    await used('test-quota', taken);
    await plane.must(200, 'DELETE', `${at('pods')}/test-pod?gracePeriodSeconds=0`);
    await used('test-quota', { pods: '0', cpu: '0', memory: '0', 'ephemeral-storage': '0', 'requests.example.com/dongle': '0' });
  });

  spec('[sig-api-machinery] ResourceQuota should create a ResourceQuota and capture the life of a configMap.', async () => {
    const { at, used } = await place();
    await plane.must(201, 'POST', at('resourcequotas'), { body: quota('test-quota') });
    // Every namespace has one of its own, the cluster's authority.
    await used('test-quota', { configmaps: '1', resourcequotas: '1' });
    await plane.must(201, 'POST', at('configmaps'), { body: { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'test-configmap' }, data: { a: 'b' } } });
    await used('test-quota', { configmaps: '2' });
    await plane.must(200, 'DELETE', `${at('configmaps')}/test-configmap`);
    await used('test-quota', { configmaps: '1' });
  });

  const template = { metadata: { labels: { name: 'web' } }, spec: { containers: [{ name: 'web', image: 'registry.example.com/web:1' }] } };

  spec('[sig-api-machinery] ResourceQuota should create a ResourceQuota and capture the life of a replication controller.', async () => {
    const controller = {
      apiVersion: 'v1',
      kind: 'ReplicationController',
      metadata: { name: 'test-rc' },
      spec: { replicas: 0, selector: { name: 'web' }, template },
    };
    await life(controller, 'replicationcontrollers', undefined, { replicationcontrollers: '1' });
  });

  spec('[sig-api-machinery] ResourceQuota should create a ResourceQuota and capture the life of a replica set.', async () => {
    const set = {
      apiVersion: 'apps/v1',
      kind: 'ReplicaSet',
      metadata: { name: 'test-rs' },
      spec: { replicas: 0, selector: { matchLabels: { name: 'web' } }, template },
    };
    await life(set, 'replicasets', 'apis/apps/v1', { 'count/replicasets.apps': '1' });
  });

  spec('[sig-api-machinery] ResourceQuota should verify ResourceQuota with terminating scopes.', async () => {
    const { at, used } = await place();
    const hard = { pods: '5', 'requests.cpu': '1', 'requests.memory': '500Mi', 'limits.cpu': '2', 'limits.memory': '1Gi' };
    for (const [name, scope] of [
      ['terminating', 'Terminating'],
      ['not-terminating', 'NotTerminating'],
    ] as const)
      await plane.must(201, 'POST', at('resourcequotas'), { body: quota(name, hard, { scopes: [scope] }) });
    const none = { pods: '0', 'requests.cpu': '0', 'requests.memory': '0', 'limits.cpu': '0', 'limits.memory': '0' };
    const all = { pods: '1', 'requests.cpu': '500m', 'requests.memory': '200Mi', 'limits.cpu': '1', 'limits.memory': '400Mi' };
    for (const name of ['terminating', 'not-terminating']) await used(name, none);
    const [requests, limits] = [
      { cpu: '500m', memory: '200Mi' },
      { cpu: '1', memory: '400Mi' },
    ];
    await plane.must(201, 'POST', at('pods'), { body: pod('long', requests, limits) });
    await used('not-terminating', all);
    await used('terminating', none);
    await plane.must(200, 'DELETE', `${at('pods')}/long?gracePeriodSeconds=0`);
    await used('not-terminating', none);
    await plane.must(201, 'POST', at('pods'), { body: pod('short', requests, limits, { activeDeadlineSeconds: 3_600 }) });
    await used('terminating', all);
    await used('not-terminating', none);
    await plane.must(200, 'DELETE', `${at('pods')}/short?gracePeriodSeconds=0`);
    await used('terminating', none);
  });

  spec('[sig-api-machinery] ResourceQuota should verify ResourceQuota with best effort scope.', async () => {
    const { at, used } = await place();
    for (const [name, scope] of [
      ['best-effort', 'BestEffort'],
      ['not-best-effort', 'NotBestEffort'],
    ] as const)
      await plane.must(201, 'POST', at('resourcequotas'), { body: quota(name, { pods: '5' }, { scopes: [scope] }) });
    for (const name of ['best-effort', 'not-best-effort']) await used(name, { pods: '0' });
    await plane.must(201, 'POST', at('pods'), { body: pod('modest') });
    await used('best-effort', { pods: '1' });
    await used('not-best-effort', { pods: '0' });
    await plane.must(200, 'DELETE', `${at('pods')}/modest?gracePeriodSeconds=0`);
    await used('best-effort', { pods: '0' });
    await plane.must(201, 'POST', at('pods'), { body: pod('asking', { cpu: '500m', memory: '200Mi' }, { cpu: '1', memory: '400Mi' }) });
    await used('not-best-effort', { pods: '1' });
    await used('best-effort', { pods: '0' });
    await plane.must(200, 'DELETE', `${at('pods')}/asking?gracePeriodSeconds=0`);
    await used('not-best-effort', { pods: '0' });
  });

  spec('[sig-api-machinery] ResourceQuota should be able to update and delete ResourceQuota.', async () => {
    const { at } = await place();
    await plane.must(201, 'POST', at('resourcequotas'), { body: quota('update', { cpu: '1', memory: '500Mi' }) });
    const live = await plane.must(200, 'GET', `${at('resourcequotas')}/update`);
    expect(live.spec.hard).toStrictEqual({ cpu: '1', memory: '500Mi' });
    live.spec.hard = { cpu: '2', memory: '1Gi' };
    delete live.metadata.resourceVersion;
    expect((await plane.must(200, 'PUT', `${at('resourcequotas')}/update`, { body: live })).spec.hard).toStrictEqual({ cpu: '2', memory: '1Gi' });
    await plane.must(200, 'DELETE', `${at('resourcequotas')}/update`);
    expect((await plane.call('GET', `${at('resourcequotas')}/update`)).code).toBe(404);
  });

  spec('[sig-api-machinery] ResourceQuota should manage the lifecycle of a ResourceQuota', async () => {
    const { at } = await place();
    await plane.must(201, 'POST', at('resourcequotas'), {
      body: { ...quota('e2e-quota', { cpu: '1', memory: '500Mi' }), metadata: { name: 'e2e-quota', labels: { 'e2e-quota': 'yes' } } },
    });
    expect((await plane.must(200, 'GET', '/api/v1/resourcequotas?labelSelector=e2e-quota=yes')).items).toHaveLength(1);
    const patched = await plane.must(200, 'PATCH', `${at('resourcequotas')}/e2e-quota`, {
      body: { metadata: { labels: { 'e2e-quota': 'patched' } }, spec: { hard: { memory: '750Mi' } } },
      contentType: PATCH.strategic,
    });
    expect([patched.metadata.labels['e2e-quota'], patched.spec.hard.memory]).toStrictEqual(['patched', '750Mi']);
    await plane.must(200, 'DELETE', `${at('resourcequotas')}?labelSelector=e2e-quota=patched`);
    expect((await plane.must(200, 'GET', at('resourcequotas'))).items).toStrictEqual([]);
  });

  spec('[sig-api-machinery] ResourceQuota should apply changes to a resourcequota status', async () => {
    const { at } = await place();
    const one = `${at('resourcequotas')}/e2e-quota`;
    await plane.must(201, 'POST', at('resourcequotas'), { body: quota('e2e-quota', { cpu: '500m', memory: '500Mi' }) });
    const hardIs = (expected: object): Promise<Answer['body']> =>
      eventually(
        'the status has the hard limits',
        () => plane.must(200, 'GET', one),
        ({ status }) => JSON.stringify(status?.hard) === JSON.stringify(expected),
      );
    await hardIs({ cpu: '500m', memory: '500Mi' });
    const updated = await plane.edit(`${one}/status`, (live) => void (live.status.hard = { cpu: '1', memory: '1Gi' }));
    expect(updated.status.hard).toStrictEqual({ cpu: '1', memory: '1Gi' });
    // The controller says what the spec says again.
    await hardIs({ cpu: '500m', memory: '500Mi' });
    await plane.must(200, 'PATCH', one, { body: { spec: { hard: { cpu: '1', memory: '1Gi' } } }, contentType: PATCH.strategic });
    await hardIs({ cpu: '1', memory: '1Gi' });
    const patched = await plane.must(200, 'PATCH', `${one}/status`, {
      body: { spec: { hard: { cpu: '9' } }, status: { hard: { cpu: '3', memory: '2Gi' } } },
      contentType: PATCH.merge,
    });
    expect([patched.status.hard, patched.spec.hard]).toStrictEqual([
      { cpu: '3', memory: '2Gi' },
      { cpu: '1', memory: '1Gi' },
    ]);
    await hardIs({ cpu: '1', memory: '1Gi' });
  });
});

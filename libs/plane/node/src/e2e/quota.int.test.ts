import { isStatus, type corev1 } from '@tiphys/kube-model';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startCluster, type Cluster } from './cluster.test-suite.ts';

let cluster: Cluster;
beforeAll(async () => (cluster = await startCluster({ nodes: 1 })));
afterAll(async () => await cluster[Symbol.asyncDispose]());

let nextNamespace = 0;

async function namespace(): Promise<string> {
  nextNamespace += 1;
  await cluster.namespace(`quota-${nextNamespace}`);
  return `quota-${nextNamespace}`;
}

async function quota(ns: string, name: string, spec: corev1.ResourceQuotaSpec): Promise<void> {
  await cluster.create<corev1.ResourceQuota>({ apiVersion: 'v1', kind: 'ResourceQuota', metadata: { namespace: ns, name }, spec });
  await cluster.until('status of the quota', async () => (await used(ns, name)) !== undefined);
}

async function used(ns: string, name: string): Promise<Readonly<Record<string, string>> | undefined> {
  return (await cluster.get<corev1.ResourceQuota>('ResourceQuota', { namespace: ns, name }))?.status?.used;
}

async function untilUsed(ns: string, name: string, expected: Readonly<Record<string, string>>): Promise<void> {
  let last: unknown;
  try {
    await cluster.until('used', async () => {
      last = await used(ns, name);
      return Object.entries(expected).every(([resource, amount]) => (last as Readonly<Record<string, string>> | undefined)?.[resource] === amount);
    });
  } catch {
    expect(last).toMatchObject(expected);
  }
}

const pod = (ns: string, name: string, resources: corev1.ResourceRequirements = {}, spec: Partial<corev1.PodSpec> = {}): corev1.Pod => ({
  apiVersion: 'v1',
  kind: 'Pod',
  metadata: { namespace: ns, name },
  spec: { containers: [{ name: 'c', image: 'x', resources }], ...spec },
});

async function refusal(create: Promise<unknown>): Promise<string> {
  return await create.then(
    () => 'created',
    (error: unknown) => (isStatus(error, 'Forbidden') ? error.message : String(error)),
  );
}

describe('ResourceQuota', () => {
  it('follows the life of pods, and refuses what does not fit', async () => {
    const ns = await namespace();
    await quota(ns, 'q', { hard: { pods: '2', 'requests.cpu': '1', 'limits.memory': '1Gi', 'requests.example.com/dongle': '3', 'count/pods': '5' } });
    await untilUsed(ns, 'q', { pods: '0', 'requests.cpu': '0', 'limits.memory': '0', 'requests.example.com/dongle': '0' });
    const resources = {
      requests: { cpu: '600m', 'example.com/dongle': '2' },
      limits: { cpu: '600m', memory: '252Mi', 'example.com/dongle': '2' },
    };
    await cluster.create(pod(ns, 'fits', resources));
    await untilUsed(ns, 'q', { pods: '1', 'requests.cpu': '600m', 'limits.memory': '252Mi', 'requests.example.com/dongle': '2' });
    expect(await refusal(cluster.create(pod(ns, 'large', { ...resources, limits: { ...resources.limits, memory: '1Gi' } })))).toBe(
      'pods "large" is forbidden: exceeded quota: q, requested: limits.memory=1Gi,requests.cpu=600m,requests.example.com/dongle=2, used: limits.memory=252Mi,requests.cpu=600m,requests.example.com/dongle=2, limited: limits.memory=1Gi,requests.cpu=1,requests.example.com/dongle=3',
    );
    expect(await refusal(cluster.create(pod(ns, 'silent')))).toBe(
      'pods "silent" is forbidden: failed quota: q: must specify limits.memory for: c; requests.cpu for: c',
    );
    await cluster.remove('Pod', { namespace: ns, name: 'fits' }, { gracePeriodSeconds: 0 });
    await untilUsed(ns, 'q', { pods: '0', 'requests.cpu': '0', 'limits.memory': '0', 'requests.example.com/dongle': '0', 'count/pods': '0' });
  });

  it('gives back what a refused write had taken', async () => {
    const ns = await namespace();
    await quota(ns, 'first', { hard: { pods: '5' } });
    await quota(ns, 'second', { hard: { pods: '0' } });
    expect(await refusal(cluster.create(pod(ns, 'a')))).toBe('pods "a" is forbidden: exceeded quota: second, requested: pods=1, used: pods=0, limited: pods=0');
    expect(await used(ns, 'first')).toMatchObject({ pods: '0' });
  });

  it('never lets more in than fit, however many come at once', async () => {
    const ns = await namespace();
    await quota(ns, 'q', { hard: { 'count/configmaps': '6' } });
    await untilUsed(ns, 'q', { 'count/configmaps': '1' }); // kube-root-ca.crt
    const made = await Promise.all(
      Array.from({ length: 20 }, (_, index) =>
        refusal(cluster.create({ apiVersion: 'v1', kind: 'ConfigMap', metadata: { namespace: ns, name: `m${index}` } })),
      ),
    );
    expect(made.filter((text) => text === 'created')).toHaveLength(5);
    await untilUsed(ns, 'q', { 'count/configmaps': '6' });
  });

  it('counts Services, claims, Secrets and any other kind', async () => {
    const ns = await namespace();
    await quota(ns, 'q', {
      hard: {
        services: '5',
        'services.nodeports': '2',
        'services.loadbalancers': '1',
        secrets: '5',
        persistentvolumeclaims: '3',
        'requests.storage': '10Gi',
        'gold.storageclass.storage.k8s.io/requests.storage': '5Gi',
        'count/deployments.apps': '2',
        resourcequotas: '1',
      },
    });
    await untilUsed(ns, 'q', { resourcequotas: '1', services: '0' });
    await cluster.create<corev1.Service>({
      apiVersion: 'v1',
      kind: 'Service',
      metadata: { namespace: ns, name: 'np' },
      spec: { type: 'NodePort', ports: [{ port: 80 }] },
    });
    await cluster.create({ apiVersion: 'v1', kind: 'Secret', metadata: { namespace: ns, name: 's' } });
    const claim: corev1.PersistentVolumeClaim = {
      apiVersion: 'v1',
      kind: 'PersistentVolumeClaim',
      metadata: { namespace: ns, name: 'c' },
      spec: { storageClassName: 'gold', accessModes: ['ReadWriteOnce'], resources: { requests: { storage: '4Gi' } } },
    };
    await cluster.create(claim);
    const expected = {
      services: '1',
      'services.nodeports': '1',
      secrets: '1',
      persistentvolumeclaims: '1',
      'requests.storage': '4Gi',
      'gold.storageclass.storage.k8s.io/requests.storage': '4Gi',
    };
    await untilUsed(ns, 'q', expected);
    expect(await refusal(cluster.create({ ...claim, metadata: { namespace: ns, name: 'd' } }))).toContain(
      'requested: gold.storageclass.storage.k8s.io/requests.storage=4Gi, used: gold.storageclass.storage.k8s.io/requests.storage=4Gi, limited: gold.storageclass.storage.k8s.io/requests.storage=5Gi',
    );
    await cluster.remove('Secret', { namespace: ns, name: 's' });
    await cluster.remove('Service', { namespace: ns, name: 'np' });
    await untilUsed(ns, 'q', { secrets: '0', services: '0', 'services.nodeports': '0' });
  });

  it('chooses pods by scopes', async () => {
    const ns = await namespace();
    await quota(ns, 'best-effort', { hard: { pods: '5' }, scopes: ['BestEffort'] });
    await quota(ns, 'not-best-effort', { hard: { pods: '5' }, scopes: ['NotBestEffort'] });
    await quota(ns, 'terminating', { hard: { pods: '5' }, scopes: ['Terminating'] });
    await quota(ns, 'high', {
      hard: { pods: '5' },
      scopeSelector: { matchExpressions: [{ scopeName: 'PriorityClass', operator: 'In', values: ['system-cluster-critical'] }] },
    });
    await cluster.create(pod(ns, 'plain'));
    await cluster.create(pod(ns, 'asks', { requests: { cpu: '1m' } }, { activeDeadlineSeconds: 3_600, priorityClassName: 'system-cluster-critical' }));
    await untilUsed(ns, 'best-effort', { pods: '1' });
    await untilUsed(ns, 'not-best-effort', { pods: '1' });
    await untilUsed(ns, 'terminating', { pods: '1' });
    await untilUsed(ns, 'high', { pods: '1' });
  });
});

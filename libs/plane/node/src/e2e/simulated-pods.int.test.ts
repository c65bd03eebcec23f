import type { appsv1, corev1 } from '@tiphys/kube-model';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startCluster, type Cluster } from './cluster.test-suite.ts';

let cluster: Cluster;
beforeAll(async () => {
  cluster = await startCluster({ nodes: 20 });
  await cluster.namespace('t');
});
afterAll(async () => {
  await cluster[Symbol.asyncDispose]();
});

const deployment = (name: string, replicas: number): appsv1.Deployment => ({
  apiVersion: 'apps/v1',
  kind: 'Deployment',
  metadata: { namespace: 't', name },
  spec: {
    replicas,
    selector: { matchLabels: { app: name } },
    template: { metadata: { labels: { app: name } }, spec: { containers: [{ name: 'main', image: 'nginx' }] } },
  },
});

const configMap = (name: string, owner?: corev1.ConfigMap, blockOwnerDeletion = true): corev1.ConfigMap => ({
  apiVersion: 'v1',
  kind: 'ConfigMap',
  metadata: {
    namespace: 't',
    name,
    ...(owner === undefined
      ? {}
      : { ownerReferences: [{ apiVersion: 'v1', kind: 'ConfigMap', name: owner.metadata.name ?? '', uid: owner.metadata.uid ?? '', blockOwnerDeletion }] }),
  },
});
const isGone = (kind: string, name: string) => async (): Promise<boolean> => (await cluster.get(kind, { namespace: 't', name })) === undefined;

describe('simulated nodes', () => {
  it('run many pods at once, spread over all nodes', async () => {
    await cluster.create(deployment('many', 200));
    await cluster.until(
      'all are available',
      async () => (await cluster.get<appsv1.Deployment>('Deployment', { namespace: 't', name: 'many' }))?.status?.availableReplicas === 200,
      30_000,
    );
    const pods = await cluster.list<corev1.Pod>('Pod', 't');
    expect(new Set(pods.map(({ spec }) => spec?.nodeName)).size).toBe(20);
    await cluster.patch('Deployment', { namespace: 't', name: 'many' }, { spec: { replicas: 0 } });
    await cluster.until('all are gone', async () => (await cluster.list('Pod', 't')).length === 0, 30_000);
  }, 60_000);

  it('write nothing once nothing changes', async () => {
    await cluster.create(deployment('calm', 3));
    await cluster.until(
      'all are available',
      async () => (await cluster.get<appsv1.Deployment>('Deployment', { namespace: 't', name: 'calm' }))?.status?.availableReplicas === 3,
    );
    const versions = async (): Promise<string> =>
      JSON.stringify(
        (await Promise.all(['Pod', 'Deployment', 'ReplicaSet'].map((kind) => cluster.list(kind, 't')))).flat().map(({ metadata }) => metadata.resourceVersion),
      );
    // Settled: two looks a while apart agree; then a third has to.
    let before = '';
    await cluster.until('it is quiet', async () => {
      const now = await versions();
      const isQuiet = now === before;
      before = now;
      await new Promise((resolve) => setTimeout(resolve, 300));
      return isQuiet;
    });
    await new Promise((resolve) => setTimeout(resolve, 1_000));
    expect(await versions()).toBe(before);
  });

  it('go on after a restart of their agent as if nothing had happened', async () => {
    const before = (await cluster.list<corev1.Pod>('Pod', 't')).map(({ metadata, status }) => [
      metadata.name,
      status?.podIP,
      status?.containerStatuses?.[0]?.state?.running?.startedAt,
      0,
    ]);
    expect(before.length).toBe(3);
    await cluster.restartNode();
    await cluster.create(deployment('after', 1));
    await cluster.until(
      'it is available',
      async () => (await cluster.get<appsv1.Deployment>('Deployment', { namespace: 't', name: 'after' }))?.status?.availableReplicas === 1,
    );
    const kept = (await cluster.list<corev1.Pod>('Pod', 't')).filter(({ metadata }) => metadata.labels?.['app'] === 'calm');
    expect(
      kept.map(({ metadata, status }) => [
        metadata.name,
        status?.podIP,
        status?.containerStatuses?.[0]?.state?.running?.startedAt,
        status?.containerStatuses?.[0]?.restartCount,
      ]),
    ).toEqual(before);
  });

  it('leave a pod that fits nowhere pending, and say why', async () => {
    await cluster.create<corev1.Pod>({
      apiVersion: 'v1',
      kind: 'Pod',
      metadata: { namespace: 't', name: 'huge' },
      spec: { containers: [{ name: 'main', image: 'x', resources: { requests: { cpu: '1000' } } }] },
    });
    const condition = await cluster.until('it is judged', async () =>
      (await cluster.get<corev1.Pod>('Pod', { namespace: 't', name: 'huge' }))?.status?.conditions?.find(
        ({ type, status }) => type === 'PodScheduled' && status === 'False',
      ),
    );
    expect(condition.message).toBe('0/20 nodes are available: 20 Insufficient cpu.');
    await cluster.remove('Pod', { namespace: 't', name: 'huge' });
    await cluster.until('it is gone', isGone('Pod', 'huge'));
  });
});

describe('a stateful set', () => {
  it('starts its pods in order, exchanges them from the top and shrinks from the top', async () => {
    const set = (image: string, replicas: number): appsv1.StatefulSet => ({
      apiVersion: 'apps/v1',
      kind: 'StatefulSet',
      metadata: { namespace: 't', name: 'db' },
      spec: {
        serviceName: 'db',
        replicas,
        selector: { matchLabels: { app: 'db' } },
        template: { metadata: { labels: { app: 'db' } }, spec: { containers: [{ name: 'main', image }] } },
        volumeClaimTemplates: [
          {
            apiVersion: 'v1',
            kind: 'PersistentVolumeClaim',
            metadata: { name: 'data' },
            spec: { accessModes: ['ReadWriteOnce'], resources: { requests: { storage: '1Gi' } } },
          },
        ],
      },
    });
    const members = async (): Promise<readonly corev1.Pod[]> =>
      (await cluster.list<corev1.Pod>('Pod', 't')).filter(({ metadata }) => metadata.labels?.['app'] === 'db');
    const live = async (): Promise<appsv1.StatefulSetStatus | undefined> =>
      (await cluster.get<appsv1.StatefulSet>('StatefulSet', { namespace: 't', name: 'db' }))?.status;
    await cluster.create(set('v1', 3));
    await cluster.until('three are ready', async () => (await live())?.readyReplicas === 3);
    expect((await members()).map(({ metadata }) => metadata.name).toSorted()).toEqual(['db-0', 'db-1', 'db-2']);
    expect((await cluster.list('PersistentVolumeClaim', 't')).map(({ metadata }) => metadata.name).toSorted()).toEqual(['data-db-0', 'data-db-1', 'data-db-2']);
    await cluster.patch('StatefulSet', { namespace: 't', name: 'db' }, { spec: { template: set('v2', 3).spec?.template } });
    await cluster.until(
      'all are exchanged',
      async () =>
        (await members()).length === 3 &&
        (await members()).every(({ spec }) => spec?.containers[0]?.image === 'v2') &&
        (await live())?.currentRevision === (await live())?.updateRevision,
    );
    await cluster.patch('StatefulSet', { namespace: 't', name: 'db' }, { spec: { replicas: 1 } });
    await cluster.until('one is left', async () => (await members()).map(({ metadata }) => metadata.name).join() === 'db-0');
  });
});

describe('garbage collection', () => {
  it('removes what has lost its owner, and what names one that never was', async () => {
    const owner = await cluster.create(configMap('owner'));
    await cluster.create(configMap('owned', owner));
    await cluster.create(configMap('stray', { ...owner, metadata: { name: 'never', uid: '00000000-0000-4000-8000-000000000000' } }));
    await cluster.until('the stray is gone', isGone('ConfigMap', 'stray'));
    await cluster.remove('ConfigMap', { namespace: 't', name: 'owner' });
    await cluster.until('the owned is gone', isGone('ConfigMap', 'owned'));
  });

  it('deletes in the foreground: dependents first, the owner waits', async () => {
    const owner = await cluster.create(configMap('front'));
    const child = configMap('front-child', owner);
    await cluster.create({ ...child, metadata: { ...child.metadata, finalizers: ['test/hold'] } });
    await cluster.remove('ConfigMap', { namespace: 't', name: 'front' }, { propagationPolicy: 'Foreground' });
    await cluster.until(
      'the child is being deleted',
      async () => (await cluster.get('ConfigMap', { namespace: 't', name: 'front-child' }))?.metadata.deletionTimestamp,
    );
    expect((await cluster.get('ConfigMap', { namespace: 't', name: 'front' }))?.metadata.finalizers).toEqual(['foregroundDeletion']);
    await cluster.patch('ConfigMap', { namespace: 't', name: 'front-child' }, { metadata: { finalizers: null } });
    await cluster.until('both are gone', async () => (await isGone('ConfigMap', 'front')()) && (await isGone('ConfigMap', 'front-child')()));
  });

  it('orphans when asked to', async () => {
    const owner = await cluster.create(configMap('parent'));
    await cluster.create(configMap('orphan', owner));
    await cluster.remove('ConfigMap', { namespace: 't', name: 'parent' }, { propagationPolicy: 'Orphan' });
    await cluster.until('the owner is gone', isGone('ConfigMap', 'parent'));
    const orphan = await cluster.get('ConfigMap', { namespace: 't', name: 'orphan' });
    expect(orphan?.metadata.ownerReferences ?? []).toEqual([]);
    expect(orphan?.metadata.deletionTimestamp).toBeUndefined();
  });

  it('removes the pods of a deleted deployment', async () => {
    await cluster.remove('Deployment', { namespace: 't', name: 'calm' });
    await cluster.until(
      'nothing of it is left',
      async () =>
        (await cluster.list<corev1.Pod>('Pod', 't')).filter(({ metadata }) => metadata.labels?.['app'] === 'calm').length === 0 &&
        (await cluster.list('ReplicaSet', 't')).every(({ metadata }) => !(metadata.name ?? '').startsWith('calm')),
    );
  });
});

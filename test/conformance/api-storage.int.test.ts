import { afterAll, beforeAll, describe, expect } from 'vitest';
import { eventually } from '@tiphys/testkit';
import { checkDiscovery, checkOperations, checkStatus, collectionOf } from './api-operations.ts';
import { ladder } from './ladder.ts';
import { PATCH, startConformancePlane, type Answer, type ConformancePlane } from './plane.ts';

let plane: ConformancePlane;
beforeAll(async () => {
  plane = await startConformancePlane();
});
afterAll(async () => {
  await plane[Symbol.asyncDispose]();
});

interface Kept {
  readonly resource: string;
  readonly kind: string;
  readonly make: (index: number) => object;
}

const STORAGE = { group: 'storage.k8s.io', version: 'v1' };

/** Create, read, patch, list, update, delete, and what is left deleted by collection. */
async function liveThrough({ resource, kind, make }: Kept): Promise<void> {
  const path = collectionOf({ ...STORAGE, resource }, undefined);
  const bodyOf = (index: number): object => ({
    apiVersion: 'storage.k8s.io/v1',
    kind,
    metadata: { name: `e2e-${kind.toLowerCase()}-${index}`, labels: { 'e2e-test': kind } },
    ...make(index),
  });
  const gone = (name: string): Promise<unknown> =>
    eventually(
      `${name} is gone`,
      () => plane.call('GET', `${path}/${name}`),
      ({ code }) => code === 404,
    );
  const first = await plane.must(201, 'POST', path, { body: bodyOf(0) });
  const one = `${path}/${first.metadata.name}`;
  expect((await plane.must(200, 'GET', one)).metadata.uid).toBe(first.metadata.uid);
  const patched = await plane.must(200, 'PATCH', one, { body: { metadata: { labels: { [first.metadata.name]: 'patched' } } }, contentType: PATCH.merge });
  expect(patched.metadata.labels[first.metadata.name]).toBe('patched');
  expect((await plane.must(200, 'GET', `${path}?labelSelector=${first.metadata.name}=patched`)).items).toHaveLength(1);
  await plane.must(200, 'DELETE', one);
  await gone(first.metadata.name);
  const second = await plane.must(201, 'POST', path, { body: bodyOf(1) });
  second.metadata.labels[second.metadata.name] = 'updated';
  const updated = await plane.must(200, 'PUT', `${path}/${second.metadata.name}`, { body: second });
  expect(updated.metadata.labels[second.metadata.name]).toBe('updated');
  await plane.must(201, 'POST', path, { body: bodyOf(2) });
  await plane.must(200, 'DELETE', `${path}?labelSelector=e2e-test=${kind}`);
  await gone(second.metadata.name);
  expect((await plane.must(200, 'GET', `${path}?labelSelector=e2e-test=${kind}`)).items).toStrictEqual([]);
}

const attachment = (): object => ({ spec: { attacher: 'e2e.example.com', nodeName: 'e2e-node', source: { persistentVolumeName: 'e2e-pv' } } });

/** A ConfigMap or Secret that has been made immutable can only be relabelled and deleted. */
async function immutable(resource: string, kind: string, valueOf: (text: string) => string): Promise<void> {
  const path = `/api/v1/namespaces/${await plane.namespace()}/${resource}`;
  let live = await plane.must(201, 'POST', path, { body: { apiVersion: 'v1', kind, metadata: { name: 'fixed' }, data: { a: valueOf('1') } } });
  live.data = { a: valueOf('2') };
  live = await plane.must(200, 'PUT', `${path}/fixed`, { body: live });
  live.immutable = true;
  live = await plane.must(200, 'PUT', `${path}/fixed`, { body: live });
  for (const change of [{ data: { a: valueOf('3') } }, { immutable: false }]) {
    const refused = await plane.call('PUT', `${path}/fixed`, { body: { ...live, ...change } });
    expect([refused.code, refused.body.reason]).toStrictEqual([422, 'Invalid']);
  }
  live.metadata.labels = { label1: 'value1' };
  expect((await plane.must(200, 'PUT', `${path}/fixed`, { body: live })).metadata.labels).toStrictEqual({ label1: 'value1' });
  await plane.must(200, 'DELETE', `${path}/fixed`);
  expect((await plane.call('GET', `${path}/fixed`)).code).toBe(404);
}

describe('sig-storage', () => {
  const spec = ladder('A');

  spec('[sig-storage] CSIInlineVolumes should run through the lifecycle of a CSIDriver', () =>
    liveThrough({
      resource: 'csidrivers',
      kind: 'CSIDriver',
      make: () => ({ spec: { volumeLifecycleModes: ['Ephemeral'], podInfoOnMount: true, attachRequired: false } }),
    }),
  );

  spec('[sig-storage] CSIInlineVolumes should support CSIVolumeSource in Pod API', async () => {
    const path = `/api/v1/namespaces/${await plane.namespace()}/pods`;
    await plane.must(201, 'POST', path, {
      body: {
        apiVersion: 'v1',
        kind: 'Pod',
        metadata: { name: 'inline', labels: { inline: 'yes' } },
        spec: {
          containers: [{ name: 'web', image: 'registry.example.com/web:1', volumeMounts: [{ name: 'vol', mountPath: '/mnt' }] }],
          volumes: [{ name: 'vol', csi: { driver: 'e2e.example.com', volumeAttributes: { secretProviderClass: 'provider' } } }],
          restartPolicy: 'Never',
        },
      },
    });
    const pod = await plane.must(200, 'GET', `${path}/inline`);
    expect(pod.spec.volumes.find((volume: Answer['body']) => volume.name === 'vol').csi).toMatchObject({ driver: 'e2e.example.com' });
    expect((await plane.must(200, 'GET', `${path}?labelSelector=inline=yes`)).items).toHaveLength(1);
    const patched = await plane.must(200, 'PATCH', `${path}/inline`, { body: { metadata: { labels: { patched: 'yes' } } }, contentType: PATCH.strategic });
    expect(patched.metadata.labels.patched).toBe('yes');
    await plane.must(200, 'DELETE', `${path}/inline?gracePeriodSeconds=0`);
    expect((await plane.call('GET', `${path}/inline`)).code).toBe(404);
  });

  spec('[sig-storage] CSINodes CSI Conformance should run through the lifecycle of a csinode', () =>
    liveThrough({
      resource: 'csinodes',
      kind: 'CSINode',
      make: (index) => ({ spec: { drivers: [{ name: 'e2e.example.com', nodeID: `e2e-node-${index}`, topologyKeys: null, allocatable: { count: 10 } }] } }),
    }),
  );

  spec('[sig-storage] CSIStorageCapacity should support CSIStorageCapacities API operations', async () => {
    const operations = { ...STORAGE, resource: 'csistoragecapacities', kind: 'CSIStorageCapacity' };
    await checkDiscovery(plane, operations);
    await checkOperations(plane, {
      ...operations,
      namespace: await plane.namespace(),
      make: () => ({ storageClassName: 'fake-storage-class', nodeTopology: {} }),
    });
  });

  spec('[sig-storage] ConfigMap should be immutable if `immutable` field is set', () => immutable('configmaps', 'ConfigMap', (text) => text));
  spec('[sig-storage] Secrets should be immutable if `immutable` field is set', () =>
    immutable('secrets', 'Secret', (text) => Buffer.from(text).toString('base64')),
  );

  spec('[sig-storage] StorageClasses CSI Conformance should run through the lifecycle of a StorageClass', () =>
    liveThrough({ resource: 'storageclasses', kind: 'StorageClass', make: () => ({ provisioner: 'e2e-fake-provisioner', reclaimPolicy: 'Delete' }) }),
  );

  spec('[sig-storage] VolumeAttachment Conformance should run through the lifecycle of a VolumeAttachment', () =>
    liveThrough({ resource: 'volumeattachments', kind: 'VolumeAttachment', make: attachment }),
  );

  spec('[sig-storage] VolumeAttachment Conformance should apply changes to a volumeattachment status', async () => {
    const path = '/apis/storage.k8s.io/v1/volumeattachments';
    await plane.must(201, 'POST', path, {
      body: { apiVersion: 'storage.k8s.io/v1', kind: 'VolumeAttachment', metadata: { name: 'e2e-status' }, ...attachment() },
    });
    await plane.must(200, 'PATCH', `${path}/e2e-status`, { body: { metadata: { labels: { 'e2e-status': 'patched' } } }, contentType: PATCH.merge });
    expect((await plane.must(200, 'GET', `${path}/e2e-status/status`)).status).toStrictEqual({ attached: false });
    await checkStatus(plane, `${path}/e2e-status`, { patch: { attached: true }, update: { attached: false }, dropsMetadata: true });
    await plane.must(200, 'DELETE', `${path}/e2e-status`);
    expect((await plane.call('GET', `${path}/e2e-status`)).code).toBe(404);
  });
});

describe('sig-storage: volumes and claims', () => {
  const spec = ladder('A');
  const VOLUMES = '/api/v1/persistentvolumes';
  const volume = (name: string): unknown => ({
    apiVersion: 'v1',
    kind: 'PersistentVolume',
    metadata: { name, labels: { 'e2e-pv': name } },
    spec: {
      capacity: { storage: '1Gi' },
      accessModes: ['ReadWriteOnce'],
      persistentVolumeReclaimPolicy: 'Retain',
      storageClassName: `class-${name}`,
      hostPath: { path: '/tmp/e2e', type: 'DirectoryOrCreate' },
    },
  });
  const claim = (name: string): unknown => ({
    apiVersion: 'v1',
    kind: 'PersistentVolumeClaim',
    metadata: { name, labels: { 'e2e-pvc': name } },
    spec: { accessModes: ['ReadWriteOnce'], resources: { requests: { storage: '1Gi' } }, storageClassName: `class-${name}` },
  });
  const gone = (path: string): Promise<unknown> =>
    eventually(
      `${path} is gone`,
      () => plane.call('GET', path),
      ({ code }) => code === 404,
    );

  spec('[sig-storage] PersistentVolumes CSI Conformance should run through the lifecycle of a PV and a PVC', async () => {
    const claims = `/api/v1/namespaces/${await plane.namespace()}/persistentvolumeclaims`;
    const create = async (name: string): Promise<readonly [string, string]> => {
      await plane.must(201, 'POST', VOLUMES, { body: volume(name) });
      await plane.must(201, 'POST', claims, { body: claim(name) });
      return [`${VOLUMES}/${name}`, `${claims}/${name}`];
    };
    const [pv, pvc] = await create('life');
    expect((await plane.must(200, 'GET', `${VOLUMES}?labelSelector=e2e-pv=life`)).items).toHaveLength(1);
    expect((await plane.must(200, 'GET', claims)).items).toHaveLength(1);
    for (const path of [pv, pvc]) {
      const patched = await plane.must(200, 'PATCH', path, { body: { metadata: { labels: { life: 'patched' } } }, contentType: PATCH.strategic });
      expect(patched.metadata.labels.life).toBe('patched');
      expect((await plane.must(200, 'GET', path)).metadata.uid).toBe(patched.metadata.uid);
    }
    await plane.must(200, 'DELETE', pvc);
    await gone(pvc);
    await plane.must(200, 'DELETE', pv);
    await gone(pv);
    const [next, nextClaim] = await create('again');
    for (const path of [next, nextClaim]) {
      const updated = await eventually(
        `${path} is updated`,
        async () => {
          const live = await plane.must(200, 'GET', path);
          live.metadata.labels.again = 'updated';
          return await plane.call('PUT', path, { body: live });
        },
        ({ code }) => code === 200,
      );
      expect(updated.body.metadata.labels.again).toBe('updated');
    }
    await plane.must(200, 'DELETE', `${claims}?labelSelector=again=updated`);
    await gone(nextClaim);
    await plane.must(200, 'DELETE', `${VOLUMES}?labelSelector=again=updated`);
    await gone(next);
  });

  spec('[sig-storage] PersistentVolumes CSI Conformance should apply changes to a pv/pvc status', async () => {
    const claims = `/api/v1/namespaces/${await plane.namespace()}/persistentvolumeclaims`;
    await plane.must(201, 'POST', VOLUMES, { body: volume('status') });
    await plane.must(201, 'POST', claims, { body: claim('status') });
    const [pv, pvc] = [`${VOLUMES}/status`, `${claims}/status`];
    expect(['Pending', 'Bound']).toContain((await plane.must(200, 'GET', `${pvc}/status`)).status.phase);
    expect(['Pending', 'Available', 'Bound']).toContain((await plane.must(200, 'GET', `${pv}/status`)).status.phase);
    const condition = (type: string): unknown => ({ type, status: 'True', reason: 'E2E', message: `set by an e2e test: ${type}` });
    await checkStatus(plane, pvc, { patch: { conditions: [condition('StatusPatched')] }, update: { conditions: [condition('StatusUpdated')] } });
    await checkStatus(plane, pv, { patch: { message: 'StatusPatched', reason: 'E2E' }, update: { message: 'StatusUpdated', reason: 'E2E' } });
  });
});

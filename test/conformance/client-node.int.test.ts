import {
  AppsV1Api,
  BatchV1Api,
  CoreV1Api,
  CustomObjectsApi,
  KubeConfig,
  KubernetesObjectApi,
  makeInformer,
  RbacAuthorizationV1Api,
  VersionApi,
  Watch,
  type V1ConfigMap,
} from '@kubernetes/client-node';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { eventually } from '@tiphys/testkit';
import { createWidgets } from './custom-widgets.ts';
import { startConformancePlane, type ConformancePlane } from './plane.ts';

// The official JavaScript client, unmodified, with its generated models, its informer and its watch.
let plane: ConformancePlane;
let config: KubeConfig;
beforeAll(async () => {
  plane = await startConformancePlane();
  config = new KubeConfig();
  config.loadFromString(plane.server.adminKubeconfig());
});
afterAll(async () => {
  await plane[Symbol.asyncDispose]();
});

describe('@kubernetes/client-node', () => {
  it('creates, reads, replaces, patches, lists and deletes through typed clients', async () => {
    const namespace = await plane.namespace();
    const core = config.makeApiClient(CoreV1Api);
    const apps = config.makeApiClient(AppsV1Api);
    const { metadata } = await core.createNamespacedConfigMap({ namespace, body: { metadata: { name: 'typed', labels: { app: 'typed' } }, data: { a: '1' } } });
    expect(metadata?.creationTimestamp).toBeInstanceOf(Date);
    const read = await core.readNamespacedConfigMap({ namespace, name: 'typed' });
    const replaced = await core.replaceNamespacedConfigMap({ namespace, name: 'typed', body: { ...read, data: { a: '2' } } });
    expect(replaced.data).toStrictEqual({ a: '2' });
    await apps.createNamespacedDeployment({
      namespace,
      body: {
        metadata: { name: 'web' },
        spec: {
          replicas: 2,
          selector: { matchLabels: { app: 'web' } },
          template: { metadata: { labels: { app: 'web' } }, spec: { containers: [{ name: 'web', image: 'registry.example.com/web:1' }] } },
        },
      },
    });
    const patched = await apps.patchNamespacedDeployment({ namespace, name: 'web', body: [{ op: 'replace', path: '/spec/replicas', value: 3 }] });
    expect([patched.spec?.replicas, patched.spec?.strategy?.type]).toStrictEqual([3, 'RollingUpdate']);
    expect((await apps.readNamespacedDeploymentScale({ namespace, name: 'web' })).spec?.replicas).toBe(3);
    expect((await core.listNamespacedConfigMap({ namespace, labelSelector: 'app=typed' })).items.map((item) => item.metadata?.name)).toStrictEqual(['typed']);
    expect((await core.deleteNamespacedConfigMap({ namespace, name: 'typed' })).status).toBe('Success');
    await expect(core.readNamespacedConfigMap({ namespace, name: 'typed' })).rejects.toMatchObject({ code: 404 });
    expect((await config.makeApiClient(VersionApi).getCode()).major).toBe('1');
  });

  it('works with kinds it does not know, by the object client and the custom objects client', async () => {
    const namespace = await plane.namespace();
    const widgets = await createWidgets(plane, 'client-node.example.com');
    const objects = KubernetesObjectApi.makeApiClient(config);
    await objects.create({ apiVersion: `${widgets.group}/v1`, kind: 'Widget', metadata: { name: 'w', namespace } });
    const custom = config.makeApiClient(CustomObjectsApi);
    expect(await custom.getNamespacedCustomObject({ group: widgets.group, version: 'v1', namespace, plural: 'widgets', name: 'w' })).toMatchObject({
      kind: 'Widget',
    });
    await config.makeApiClient(BatchV1Api).createNamespacedJob({
      namespace,
      body: {
        metadata: { name: 'once' },
        spec: { template: { spec: { restartPolicy: 'Never', containers: [{ name: 'c', image: 'registry.example.com/c:1' }] } } },
      },
    });
    expect((await config.makeApiClient(RbacAuthorizationV1Api).listClusterRole()).items.some((role) => role.metadata?.name === 'cluster-admin')).toBe(true);
  });

  it('keeps an informer equal to the cluster', async () => {
    const namespace = await plane.namespace();
    const core = config.makeApiClient(CoreV1Api);
    const informer = makeInformer(config, `/api/v1/namespaces/${namespace}/configmaps`, () => core.listNamespacedConfigMap({ namespace }));
    const told: string[] = [];
    for (const verb of ['add', 'update', 'delete'] as const)
      informer.on(verb, (object: V1ConfigMap) => void told.push(`${verb} ${object.metadata?.name} ${object.data?.['a'] ?? ''}`));
    await informer.start();
    await core.createNamespacedConfigMap({ namespace, body: { metadata: { name: 'seen' }, data: { a: '1' } } });
    await core.patchNamespacedConfigMap({ namespace, name: 'seen', body: [{ op: 'replace', path: '/data/a', value: '2' }] });
    await core.deleteNamespacedConfigMap({ namespace, name: 'seen' });
    await eventually(
      'the informer was told',
      () => told.filter((line) => line.includes('seen')),
      (lines) => lines.length === 3,
    );
    expect(told.filter((line) => line.includes('seen'))).toStrictEqual(['add seen 1', 'update seen 2', 'delete seen 2']);
    await informer.stop();
  });

  it('watches from a revision', async () => {
    const namespace = await plane.namespace();
    const core = config.makeApiClient(CoreV1Api);
    const { metadata } = await core.createNamespacedConfigMap({ namespace, body: { metadata: { name: 'first' } } });
    await core.createNamespacedConfigMap({ namespace, body: { metadata: { name: 'second' } } });
    const seen: string[] = [];
    const watching = await new Watch(config).watch(
      `/api/v1/namespaces/${namespace}/configmaps`,
      { resourceVersion: metadata?.resourceVersion },
      (phase, object: V1ConfigMap) => void seen.push(`${phase} ${object.metadata?.name}`),
      () => undefined,
    );
    await eventually(
      'the second came',
      () => seen,
      (all) => all.length > 0,
    );
    expect(seen).toStrictEqual(['ADDED second']);
    watching.abort();
  });
});

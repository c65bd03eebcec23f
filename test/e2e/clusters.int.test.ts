import path from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { applicationType, projectType } from '@tiphys/delivery-applications';
import { systemClock, type Clock } from '@tiphys/kernel';
import { createKubeClient, type KubeClient } from '@tiphys/kube-client';
import { builtin, type KubeObject } from '@tiphys/kube-model';
import { startApiServer, type ApiServer } from '@tiphys/plane-apiserver';
import { createMemoryStore, type Store } from '@tiphys/plane-store';
import { application, CONFIG_MAPS, configMap, eventually, getConfigMap, logger, signal } from './delivery-harness.ts';
import { createSteps, NAMESPACES, type Steps } from './delivery-steps.ts';

const SECRETS = builtin('v1', 'Secret');
const CRDS = builtin('apiextensions.k8s.io/v1', 'CustomResourceDefinition');
// Half a minute without news is half a minute of this clock.
const fastClock: Clock = { ...systemClock, monotonic: () => systemClock.monotonic() * 20 };
let steps: Steps;
const targets: Target[] = [];
let made = 0;

interface Target {
  readonly server: ApiServer;
  readonly client: KubeClient;
  readonly store: Store;
  /** Authority and tokens: a server started again with it is the same cluster. */
  readonly stateDir: string;
}

async function createTarget(): Promise<Target> {
  const store = createMemoryStore();
  const stateDir = path.join(steps.rig.folder, `target-${(made += 1)}`);
  const server = await startApiServer({ store, logger, stateDir });
  const client = createKubeClient({ server: server.url, ca: server.caPem, token: server.adminToken });
  await client.create(NAMESPACES, { apiVersion: 'v1', kind: 'Namespace', metadata: { name: 'shop' } }, { signal: signal() });
  const target = { server, client, store, stateDir };
  targets.push(target);
  return target;
}

async function register(name: string, { server }: Target, more: Readonly<Record<string, string>> = {}, metadata: object = {}): Promise<void> {
  const config = { bearerToken: server.adminToken, tlsClientConfig: { caData: Buffer.from(server.caPem).toString('base64') } };
  const data = Object.fromEntries(
    Object.entries({ server: server.url, name, config: JSON.stringify(config), ...more }).map(([key, value]) => [key, Buffer.from(value).toString('base64')]),
  );
  const secret = {
    apiVersion: 'v1',
    kind: 'Secret',
    metadata: { name: `cluster-${name}`, namespace: 'argocd', labels: { 'argocd.argoproj.io/secret-type': 'cluster' }, ...metadata },
    data,
  };
  await steps.rig.client.create(SECRETS, secret as KubeObject, { signal: signal() });
}

beforeAll(async () => {
  steps = await createSteps({ clock: fastClock });
});
afterEach(async () => {
  for (const { client, server } of targets.splice(0)) {
    await client.close();
    await server.close();
  }
});
afterAll(() => steps[Symbol.asyncDispose]());

const to = (name: string, more: object = {}): object => ({ destination: { name, namespace: 'shop' }, syncPolicy: { automated: { selfHeal: true } }, ...more });
const isSynced = (name: string) =>
  steps.until(`${name} is synced`, name, ({ status }) => status?.sync?.status === 'Synced' && status.operationState?.phase === 'Succeeded');

describe('clusters', () => {
  it('are many at once, by name and by server, and can go', async () => {
    const [east, west] = [await createTarget(), await createTarget()];
    await register('east', east);
    await register('west', west);
    await steps.push({ 'east/a.yaml': configMap('one', 'east'), 'west/a.yaml': configMap('one', 'west') });
    await steps.create('east', to('east'));
    await steps.create('west', to('', { destination: { server: west.server.url, namespace: 'shop' } }));
    await isSynced('east');
    await isSynced('west');
    expect((await getConfigMap(east.client, 'one'))?.data).toEqual({ value: 'east' });
    expect((await getConfigMap(west.client, 'one'))?.data).toEqual({ value: 'west' });
    expect(await getConfigMap(steps.rig.client, 'one')).toBeUndefined();
    await steps.rig.client.delete(SECRETS, { name: 'cluster-east', namespace: 'argocd' }, { signal: signal() });
    await steps.until(
      'east is unknown',
      'east',
      ({ status }) => status?.conditions?.some(({ message }) => message.includes("no cluster named 'east'")) === true,
    );
    expect(steps.running.controller.clusters().map(({ name }) => name)).toEqual(['in-cluster', 'west']);
  });

  it('that die make their applications Unknown and hold up no other, and come back by themselves', async () => {
    const flaky = await createTarget();
    await register('flaky', flaky);
    await steps.push({ 'flaky/a.yaml': configMap('flaky', '1'), 'steady/a.yaml': configMap('steady', '0') });
    await steps.create('flaky', to('flaky'));
    await steps.create('steady', to('in-cluster'));
    await isSynced('flaky');
    await isSynced('steady');
    const port = Number(new URL(flaky.server.url).port);
    await flaky.server.close();
    const lost = await steps.until('its state is unknown', 'flaky', ({ status }) => status?.sync?.status === 'Unknown' && status.health?.status === 'Unknown');
    expect(lost.status?.conditions).toMatchObject([
      { type: 'ComparisonError', message: expect.stringContaining('cluster flaky: the watch of configmaps is lost') as string },
    ]);
    expect(steps.running.controller.clusters().find(({ name }) => name === 'flaky')?.error).toContain('cannot be reached');

    await steps.create('newcomer', to('flaky', { source: { repoURL: steps.repo.directory, path: 'steady' } }));
    const started = performance.now();
    await steps.push({ 'steady/a.yaml': configMap('steady', '1') });
    await eventually(
      'the other cluster goes on',
      () => getConfigMap(steps.rig.client, 'steady'),
      (map) => map?.data?.['value'] === '1',
    );
    expect(performance.now() - started).toBeLessThan(3_000);

    const again = await startApiServer({ store: flaky.store, stateDir: flaky.stateDir, logger, port });
    try {
      await eventually(
        'its state is known again',
        () => steps.app('flaky'),
        ({ status }) => status?.sync?.status === 'Synced' && status.health?.status === 'Healthy',
        40_000,
      );
    } finally {
      await again.close();
    }
  }, 80_000);

  it('in namespaced mode are read and written in their namespaces only', async () => {
    const shared = await createTarget();
    await register('shared', shared, { namespaces: 'shop,other' });
    await steps.push({ 'modest/a.yaml': configMap('modest', '1') });
    await steps.create('modest', to('shared', { syncPolicy: { automated: {}, syncOptions: ['CreateNamespace=true'] } }));
    await isSynced('modest');
    await steps.push({ 'greedy/ns.yaml': 'apiVersion: v1\nkind: Namespace\nmetadata: {name: greedy}\n', 'greedy/a.yaml': configMap('greedy', '1') });
    await steps.create('greedy', to('shared', { syncPolicy: {} }));
    expect((await steps.sync('greedy')).status?.message).toContain('cluster shared is in namespaced mode');
    const elsewhere = configMap('elsewhere', '1').replace('name: elsewhere', 'name: elsewhere\n  namespace: kube-system');
    await steps.push({ 'elsewhere/a.yaml': elsewhere, 'elsewhere/b.yaml': configMap('nearby', '1') });
    await steps.create('elsewhere', to('shared', { syncPolicy: {} }));
    expect((await steps.sync('elsewhere')).status?.message).toContain("namespace 'kube-system' is not managed on cluster shared");
    const script = 'return {{ operation = "create", resource = { apiVersion = "v1", kind = "Namespace", metadata = { name = "made" } } }}';
    const actions = {
      'resource.customizations.actions.ConfigMap': `discovery.lua: return { make = {} }\ndefinitions:\n- {name: make, action.lua: '${script}'}\n`,
    };
    const settings = { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'argocd-cm', namespace: 'argocd' }, data: actions };
    await steps.rig.client.create(CONFIG_MAPS, settings as KubeObject, { signal: signal() });
    const ref = { group: '', version: 'v1', kind: 'ConfigMap', name: 'modest', namespace: 'shop' };
    await eventually(
      'the action is offered',
      () => steps.running.controller.actions.list('modest', ref, signal()),
      (offered) => offered.length === 1,
    );
    await expect(steps.running.controller.actions.run('modest', { ref, action: 'make', parameters: {}, actor: 'alice' }, signal())).rejects.toThrow(
      'cluster shared is in namespaced mode',
    );
    expect(await shared.client.list(NAMESPACES, { fieldSelector: 'metadata.name=made', signal: signal() })).toMatchObject({ items: [] });
  });

  it('can be of one project, or left alone', async () => {
    const own = await createTarget();
    await register('own', own, { project: 'scoped' });
    await register('paused', await createTarget(), {}, { annotations: { 'argocd.argoproj.io/skip-reconcile': 'true' } });
    await steps.rig.client.create(
      projectType,
      {
        apiVersion: 'argoproj.io/v1alpha1',
        kind: 'AppProject',
        metadata: { name: 'scoped', namespace: 'argocd' },
        spec: { sourceRepos: ['*'], destinations: [{ server: '*', namespace: '*' }], permitOnlyProjectScopedClusters: true },
      } as KubeObject,
      { signal: signal() },
    );
    await steps.push({ 'scoped/a.yaml': configMap('scoped', '1') });
    await steps.create('scoped', to('own', { project: 'scoped' }));
    await isSynced('scoped');
    await steps.create('unscoped', to('in-cluster', { project: 'scoped', source: { repoURL: steps.repo.directory, path: 'scoped' } }));
    await steps.until('it is refused', 'unscoped', ({ status }) => status?.conditions?.some(({ type }) => type === 'InvalidSpecError') === true);
    await steps.rig.client.create(applicationType, application('paused', { source: { repoURL: steps.repo.directory, path: 'scoped' }, ...to('paused') }), {
      signal: signal(),
    });
    await steps.create('heeded', to('in-cluster', { source: { repoURL: steps.repo.directory, path: 'scoped' } }));
    await isSynced('heeded');
    expect((await steps.app('paused')).status).toBeUndefined();
  });
});

describe('kinds', () => {
  const definition = {
    apiVersion: 'apiextensions.k8s.io/v1',
    kind: 'CustomResourceDefinition',
    metadata: { name: 'widgets.example.org' },
    spec: {
      group: 'example.org',
      names: { kind: 'Widget', plural: 'widgets', singular: 'widget', listKind: 'WidgetList' },
      scope: 'Namespaced',
      versions: [{ name: 'v1', served: true, storage: true, schema: { openAPIV3Schema: { type: 'object', 'x-kubernetes-preserve-unknown-fields': true } } }],
    },
  } as KubeObject;
  const widget = 'apiVersion: example.org/v1\nkind: Widget\nmetadata: {name: w}\nspec: {size: 1}\n';

  it('may come and go while applications want them', async () => {
    await steps.push({ 'widgets/w.yaml': widget });
    await steps.create('widgets', { syncPolicy: { automated: { selfHeal: true } } });
    await steps.until('the kind is missed', 'widgets', ({ status }) => status?.operationState?.message?.includes('CustomResourceDefinition') === true);
    await steps.rig.client.create(CRDS, definition, { signal: signal() });
    await isSynced('widgets');
    await steps.rig.client.delete(CRDS, { name: 'widgets.example.org' }, { signal: signal() });
    await steps.until('its objects are missed', 'widgets', ({ status }) => status?.sync?.status === 'OutOfSync');
    await steps.rig.client.create(CRDS, definition, { signal: signal() });
    await steps.sync('widgets');
    await isSynced('widgets');
  }, 40_000);

  it('without an owner are called orphans where the project asks', async () => {
    await steps.rig.client.create(
      projectType,
      {
        apiVersion: 'argoproj.io/v1alpha1',
        kind: 'AppProject',
        metadata: { name: 'tidy', namespace: 'argocd' },
        spec: { sourceRepos: ['*'], destinations: [{ server: '*', namespace: '*' }], orphanedResources: { ignore: [{ kind: 'ConfigMap', name: 'known-*' }] } },
      } as KubeObject,
      { signal: signal() },
    );
    await steps.rig.client.create(NAMESPACES, { apiVersion: 'v1', kind: 'Namespace', metadata: { name: 'tidy' } }, { signal: signal() });
    for (const name of ['stray', 'known-stray'])
      await steps.rig.client.create(CONFIG_MAPS, { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name, namespace: 'tidy' } }, { signal: signal() });
    await steps.push({ 'tidy/a.yaml': configMap('tidy', '1') });
    await steps.create('tidy', { project: 'tidy', destination: { name: 'in-cluster', namespace: 'tidy' }, syncPolicy: { automated: {} } });
    await steps.until(
      'the stray one is named',
      'tidy',
      ({ status }) => status?.conditions?.some(({ type, message }) => type === 'OrphanedResourceWarning' && message.includes('1 orphaned')) === true,
    );
  });
});

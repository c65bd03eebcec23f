import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { ManagedResourcesAnswer } from '@tiphys/delivery-api';
import type { KubeClient } from '@tiphys/kube-client';
import { createGitRepo, eventually, startGitServer, type GitRepo, type GitServer } from '@tiphys/testkit';
import { application, CONFIG_MAPS, configMap, getConfigMap, signal } from './delivery-harness.ts';
import { clientOf, createHome, deployment, SIMULATED, type Home } from './process-harness.ts';

const POLL = ['--poll-interval', '300ms'];
const PLANE = ['plane', '--memory', '--runtime', 'simulated', '--https-port', '0', '--kubeconfig-out'];

/** Starts what a way of reaching the other process takes, and answers the destination applications name. */
type Reach = (home: Home, kubeconfig: string) => Promise<object>;

const byKubeconfig: Reach = async (home, kubeconfig) => {
  await home.start(['controller', '--kubeconfig', kubeconfig, ...POLL]);
  await home.start(['server', '--kubeconfig', kubeconfig, '--port', '0', ...POLL]);
  return { server: 'https://kubernetes.default.svc', namespace: 'shop' };
};

const byRegistration: Reach = async (home, kubeconfig) => {
  const up = await home.start([...SIMULATED, ...POLL]);
  expect(await home.ok('cluster', 'add', 'tiphys', '--kubeconfig', kubeconfig, '--name', 'remote')).toMatch(/^cluster remote \(https:.*\) added\n$/);
  await eventually(
    'the cluster is connected',
    () => home.call<{ items: { name: string; connectionState: { status: string } }[] }>('GET', '/api/v1/clusters'),
    ({ body }) => body.items.some(({ name, connectionState }) => name === 'remote' && connectionState.status === 'Successful'),
  );
  const own = await clientOf(up.ready['kubeconfig'] ?? '');
  leftAlone.push(async () => {
    expect(await getConfigMap(own, 'one')).toBeUndefined();
    await own.close();
  });
  return { name: 'remote', namespace: 'shop' };
};

const leftAlone: (() => Promise<void>)[] = [];

describe.each([
  ['reached by nothing but a kubeconfig', byKubeconfig],
  ['registered as an external cluster', byRegistration],
])('a plane in another process, %s', (_how, reach) => {
  let home: Home;
  let repo: GitRepo;
  let git: GitServer;
  let target: KubeClient;
  let destination: object;

  beforeAll(async () => {
    home = await createHome();
    repo = await createGitRepo(path.join(home.folder, 'repos', 'shop'));
    await repo.commit({ 'one/map.yaml': configMap('one', '1'), 'one/deployment.yaml': deployment('web', 2), 'two/map.yaml': configMap('two', 'git') });
    git = await startGitServer(path.join(home.folder, 'repos'));
    const kubeconfig = path.join(home.folder, 'remote.kubeconfig');
    await home.start([...PLANE, kubeconfig]);
    target = await clientOf(kubeconfig);
    destination = await reach(home, kubeconfig);
  });
  afterAll(async () => {
    await target.close();
    await home[Symbol.asyncDispose]();
    await git[Symbol.asyncDispose]();
  });

  const create = async (name: string, automated: object): Promise<void> => {
    const source = { repoURL: `${git.url}/shop/.git`, path: name, targetRevision: 'main' };
    const spec = { source, destination, syncPolicy: { automated, syncOptions: ['CreateNamespace=true'] } };
    expect((await home.call('POST', '/api/v1/applications', application(name, spec))).status).toBe(201);
    await home.settled(name);
  };
  const valueOf = async (name: string) => (await getConfigMap(target, name))?.data?.['value'];
  const becomes = (name: string, value: string | undefined) =>
    eventually(
      `${name} is ${value ?? 'gone'}`,
      () => valueOf(name),
      (live) => live === value,
    );
  const edit = (name: string, value: string) =>
    target.patch(CONFIG_MAPS, { name, namespace: 'shop' }, { data: { value } }, { type: 'merge', fieldManager: 'kubectl-edit', signal: signal() });

  it('is deployed to, commit by commit', async () => {
    await create('one', { prune: true, selfHeal: true });
    expect(await valueOf('one')).toBe('1');
    const { status } = await home.settled('one', await repo.commit({ 'one/map.yaml': configMap('one', '2'), 'one/more.yaml': configMap('more', 'x') }));
    expect(await valueOf('one')).toBe('2');
    expect(status?.resources?.map(({ kind, name, health }) => [kind, name, health?.status])).toEqual(
      expect.arrayContaining([
        ['Deployment', 'web', 'Healthy'],
        ['ConfigMap', 'more', undefined],
      ]),
    );
  });

  it('has edits and deletes reverted', async () => {
    await edit('one', 'by hand');
    await becomes('one', '2');
    await target.delete(CONFIG_MAPS, { name: 'one', namespace: 'shop' }, { signal: signal() });
    await becomes('one', '2');
    await home.settled('one');
  });

  it('has pruned what Git has no more', async () => {
    await home.settled('one', await repo.commit({ 'one/more.yaml': null }));
    expect(await valueOf('more')).toBeUndefined();
  });

  it('stays rolled back until the next commit', async () => {
    await home.settled('one', await repo.commit({ 'one/map.yaml': configMap('one', 'bad') }));
    await home.ok('app', 'rollback', 'one', '--timeout', '20');
    expect(await valueOf('one')).toBe('2');
    await edit('one', 'drift');
    await becomes('one', '2');
    await home.call('GET', '/api/v1/applications/one?refresh=hard');
    expect(await valueOf('one')).toBe('2');
    await home.settled('one', await repo.commit({ 'one/map.yaml': configMap('one', 'good') }));
    expect(await valueOf('one')).toBe('good');
  });

  it('shows drift with its owner where nothing reverts it, until a sync is asked for', async () => {
    await create('two', {});
    await edit('two', 'by hand');
    await eventually(
      'two is out of sync',
      () => home.application('two'),
      ({ status }) => status?.sync?.status === 'OutOfSync',
    );
    const { body } = await home.call<ManagedResourcesAnswer>('GET', '/api/v1/applications/two/managed-resources');
    expect(body.items[0]?.changes).toMatchObject([{ path: '.data.value', desired: 'git', live: 'by hand', owner: { manager: 'kubectl-edit' } }]);
    await home.ok('app', 'sync', 'two', '--timeout', '20');
    expect(await valueOf('two')).toBe('git');
  });

  it('loses all that an application had there when it is deleted', async () => {
    await home.call('DELETE', '/api/v1/applications/two?cascade=true', {});
    await becomes('two', undefined);
    await eventually(
      'the application is gone',
      () => home.call('GET', '/api/v1/applications/two'),
      ({ status }) => status === 404,
    );
    for (const check of leftAlone) await check();
  });
});

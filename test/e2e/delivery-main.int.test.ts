import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { applicationType, syncRunType, type SyncRun } from '@tiphys/delivery-applications';
import { createGitRepo, startGitServer, type GitRepo, type GitServer } from '@tiphys/testkit';
import {
  application,
  CONFIG_MAPS,
  configMap,
  createRig,
  eventually,
  getApplication,
  getConfigMap,
  median,
  signal,
  type Rig,
  type RunningController,
} from './delivery-harness.ts';

let rig: Rig;
let repo: GitRepo;
let server: GitServer;
let url: string;
let running: RunningController;

beforeAll(async () => {
  rig = await createRig();
  repo = await createGitRepo(path.join(rig.folder, 'repos', 'app'));
  await repo.commit({ 'one/map.yaml': configMap('one', '0') });
  server = await startGitServer(path.join(rig.folder, 'repos'));
  url = `${server.url}/app/.git`;
  running = await rig.start();
});
afterAll(async () => {
  await rig[Symbol.asyncDispose]();
  await server[Symbol.asyncDispose]();
});

const automated = { automated: { prune: true, selfHeal: true }, syncOptions: ['CreateNamespace=true'] };
const create = (name: string, spec: object, metadata: object = {}) =>
  rig.client.create(applicationType, application(name, spec, metadata), { signal: signal() });
const isSynced = (name: string) =>
  eventually(
    `${name} synced and healthy`,
    () => getApplication(rig.client, name),
    ({ status }) => status?.sync?.status === 'Synced' && status.health?.status === 'Healthy' && status.operationState?.phase === 'Succeeded',
  );
const valueOf = async (name: string) => (await getConfigMap(rig.client, name))?.data?.['value'];
const pushed = async (files: Record<string, string | null>): Promise<string> => {
  const commit = await repo.commit(files);
  running.controller.hint(url);
  return commit;
};

describe('the way of a commit', () => {
  it('deploys a new application, and each commit after it, quickly', async () => {
    await create('one', { source: { repoURL: url, path: 'one', targetRevision: 'main' }, syncPolicy: automated });
    await isSynced('one');
    expect(await valueOf('one')).toBe('0');
    const times: number[] = [];
    for (let index = 1; index <= 20; index += 1) {
      await repo.commit({ 'one/map.yaml': configMap('one', String(index)) });
      const started = performance.now();
      running.controller.hint(url);
      await eventually(
        `commit ${index} is live`,
        () => valueOf('one'),
        (value) => value === String(index),
      );
      times.push(performance.now() - started);
    }
    process.stderr.write(`commit → live over 20 commits: median ${Math.round(median(times))} ms, worst ${Math.round(Math.max(...times))} ms\n`);
    const { status } = await isSynced('one');
    expect(status?.history?.length).toBe(10);
    expect(status?.resources).toMatchObject([{ kind: 'ConfigMap', name: 'one', status: 'Synced' }]);
    expect(status?.conditions).toEqual([]);
  }, 60_000);

  it('reverts edits and deletes of what it manages', async () => {
    await isSynced('one');
    const times: number[] = [];
    for (let index = 0; index < 6; index += 1) {
      const started = performance.now();
      if (index % 2 === 0)
        await rig.client.patch(CONFIG_MAPS, { name: 'one', namespace: 'shop' }, { data: { value: `edited-${index}` } }, { type: 'merge', signal: signal() });
      else await rig.client.delete(CONFIG_MAPS, { name: 'one', namespace: 'shop' }, { signal: signal() });
      await eventually(
        `drift ${index} is reverted`,
        () => valueOf('one'),
        (value) => value === '20',
      );
      times.push(performance.now() - started);
    }
    process.stderr.write(`drift → reverted over 6 changes: median ${Math.round(median(times))} ms, worst ${Math.round(Math.max(...times))} ms\n`);
    await isSynced('one');
  });

  it('prunes what Git has no more, and nothing when a file is broken', async () => {
    await pushed({ 'one/second.yaml': configMap('second', 'x') });
    await eventually(
      'second is live',
      () => valueOf('second'),
      (value) => value === 'x',
    );
    const broken = await pushed({ 'one/second.yaml': null, 'one/bad.yaml': 'apiVersion: v1\nkind: ConfigMap\nmetadata: {name: bad\n' });
    const { status } = await eventually(
      'the error is told',
      () => getApplication(rig.client, 'one'),
      (app) => app.status?.conditions?.some(({ type, message }) => type === 'ComparisonError' && message.includes('one/bad.yaml:')) === true,
    );
    expect(status?.sync).toMatchObject({ status: 'Unknown', revision: broken });
    expect(await valueOf('second')).toBe('x');
    await pushed({ 'one/bad.yaml': null });
    await eventually(
      'second is pruned',
      () => getConfigMap(rig.client, 'second'),
      (map) => map === undefined,
    );
    await isSynced('one');
  });

  it('shows drift field by field with its owner where self-heal is off', async () => {
    await pushed({ 'two/map.yaml': configMap('two', 'git') });
    await create('two', { source: { repoURL: url, path: 'two' }, syncPolicy: { automated: {} } });
    await isSynced('two');
    await rig.client.patch(
      CONFIG_MAPS,
      { name: 'two', namespace: 'shop' },
      { data: { value: 'edited' } },
      { type: 'merge', fieldManager: 'kubectl-edit', signal: signal() },
    );
    await eventually(
      'two is out of sync',
      () => getApplication(rig.client, 'two'),
      ({ status }) => status?.sync?.status === 'OutOfSync',
    );
    expect(running.controller.evidence('two')?.comparison.resources[0]?.changes).toMatchObject([
      { path: '.data.value', desired: 'git', live: 'edited', owner: { manager: 'kubectl-edit' } },
    ]);
    const run = await running.controller.requestSync('two', { actor: 'alice' }, signal());
    await eventually(
      'two is back',
      () => valueOf('two'),
      (value) => value === 'git',
    );
    const done = await eventually(
      'the run ends',
      () => rig.client.get<SyncRun>(syncRunType, { name: run.metadata.name ?? '', namespace: 'argocd' }, { signal: signal() }),
      ({ status }) => status?.phase === 'Succeeded',
    );
    expect(done.spec).toMatchObject({ actor: 'alice', cause: 'manual' });
    expect(done.status?.tasks).toMatchObject([{ kind: 'ConfigMap', outcome: 'Synced', changed: true }]);
  });

  it('stays rolled back until the next commit', async () => {
    const app = await isSynced('one');
    const history = app.status?.history ?? [];
    await pushed({ 'one/map.yaml': configMap('one', 'bad release') });
    await eventually(
      'the bad release is live',
      () => valueOf('one'),
      (value) => value === 'bad release',
    );
    await isSynced('one');
    const good = history.at(-1);
    await running.controller.rollback('one', { actor: 'alice', ...(good === undefined ? {} : { historyId: good.id }) }, signal());
    await eventually(
      'rolled back',
      () => valueOf('one'),
      (value) => value === '20',
    );
    await isSynced('one');
    await running.controller.refresh('one', { hard: true, signal: signal() });
    await rig.client.patch(CONFIG_MAPS, { name: 'one', namespace: 'shop' }, { data: { value: 'drift' } }, { type: 'merge', signal: signal() });
    await eventually(
      'drift goes to the rolled back state',
      () => valueOf('one'),
      (value) => value === '20',
    );
    expect((await getApplication(rig.client, 'one')).metadata.annotations?.['tiphys.dev/pin']).toContain('alice');
    await pushed({ 'one/map.yaml': configMap('one', 'fixed') });
    await eventually(
      'the next commit goes out',
      () => valueOf('one'),
      (value) => value === 'fixed',
    );
    const { metadata } = await isSynced('one');
    expect(metadata.annotations?.['tiphys.dev/pin']).toBeUndefined();
  });

  it('accepts the operation field, and orders waves', async () => {
    await pushed({
      'waves/a.yaml': configMap('wave-late', '1', 'argocd.argoproj.io/sync-wave: "1"'),
      'waves/b.yaml': configMap('wave-early', '1', 'argocd.argoproj.io/sync-wave: "-1"'),
    });
    await create('waves', { source: { repoURL: url, path: 'waves' } });
    await eventually(
      'waves is compared',
      () => getApplication(rig.client, 'waves'),
      ({ status }) => status?.sync?.status === 'OutOfSync' && status.health?.status === 'Missing',
    );
    await rig.client.patch(
      applicationType,
      { name: 'waves', namespace: 'argocd' },
      { operation: { sync: { prune: true }, initiatedBy: { username: 'bob' } } },
      { type: 'merge', signal: signal() },
    );
    const { operation, status } = await isSynced('waves');
    expect(operation).toBeUndefined();
    expect(status?.operationState?.operation.initiatedBy?.username).toBe('bob');
    const versions = await Promise.all(
      ['wave-early', 'wave-late'].map(async (name) => Number((await getConfigMap(rig.client, name))?.metadata.resourceVersion)),
    );
    expect(versions[0]).toBeLessThan(versions[1] ?? 0);
  });

  it.each([
    ['a missing path', { path: 'nowhere' }, 'ComparisonError', 'app path does not exist'],
    ['a missing branch', { path: 'one', targetRevision: 'gone' }, 'ComparisonError', "unable to resolve 'gone'"],
    ['a missing project', { path: 'one' }, 'InvalidSpecError', "project 'none'", { project: 'none' }],
    ['a missing cluster', { path: 'one' }, 'InvalidSpecError', "no cluster named 'mars'", { destination: { name: 'mars', namespace: 'shop' } }],
  ])('says what is wrong with %s', async (why, source, type, text, spec?: object) => {
    const name = why.replaceAll(' ', '-');
    await create(name, { source: { repoURL: url, ...source }, ...spec });
    const { status } = await eventually(
      `${name} has a condition`,
      () => getApplication(rig.client, name),
      (app) => app.status?.conditions?.some((condition) => condition.type === type && condition.message.includes(text)) === true,
    );
    expect(status?.sync?.status).toBe('Unknown');
    expect(status?.health?.status).toBe('Unknown');
  });

  it('waits for a hook as long as a person does, and ends when told to', async () => {
    const stuck =
      'apiVersion: v1\nkind: Pod\nmetadata:\n  name: stuck\n  annotations: {argocd.argoproj.io/hook: PreSync}\nspec:\n  restartPolicy: Never\n  nodeSelector: {no: where}\n  containers: [{name: c, image: x}]\n';
    await pushed({ 'stuck/hook.yaml': stuck, 'stuck/map.yaml': configMap('after-hook', '1') });
    await create('stuck', { source: { repoURL: url, path: 'stuck' }, syncPolicy: { syncOptions: ['CreateNamespace=true'] } });
    await eventually(
      'stuck is compared',
      () => getApplication(rig.client, 'stuck'),
      ({ status }) => status?.sync?.status === 'OutOfSync',
    );
    await running.controller.requestSync('stuck', { actor: 'alice' }, signal());
    await eventually(
      'the hook runs',
      () => running.controller.runs('stuck')[0],
      (run) => run?.status?.tasks?.[0]?.outcome === 'Running',
    );
    await running.controller.terminate('stuck', signal());
    const { status } = await eventually(
      'it ends',
      () => getApplication(rig.client, 'stuck'),
      (app) => app.status?.operationState?.phase === 'Failed',
    );
    expect(status?.operationState?.message).toContain('terminated');
    expect(await getConfigMap(rig.client, 'after-hook')).toBeUndefined();
  });

  it('deletes what it deployed when the application with its finalizer goes', async () => {
    await pushed({ 'cascade/a.yaml': configMap('cascade', '1') });
    await create(
      'cascade',
      { source: { repoURL: url, path: 'cascade' }, syncPolicy: automated },
      { finalizers: ['resources-finalizer.argocd.argoproj.io/background'] },
    );
    await isSynced('cascade');
    await rig.client.delete(applicationType, { name: 'cascade', namespace: 'argocd' }, { signal: signal() });
    await eventually(
      'its object is gone',
      () => getConfigMap(rig.client, 'cascade'),
      (map) => map === undefined,
    );
    await eventually(
      'the application is gone',
      () =>
        getApplication(rig.client, 'cascade').then(
          () => true,
          () => false,
        ),
      (there) => !there,
    );
  });
});

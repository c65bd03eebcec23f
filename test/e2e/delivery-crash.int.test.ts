import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { connect, createServer } from 'node:net';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, it, onTestFinished } from 'vitest';
import { applicationType, syncRunType, type SyncRun } from '@tiphys/delivery-applications';
import { createBullmqQueue } from '@tiphys/delivery-queue';
import { builtin, type KubeObject } from '@tiphys/kube-model';
import { findProgram, createGitRepo, type GitRepo } from '@tiphys/testkit';
import { application, configMap, createRig, eventually, getApplication, getConfigMap, logger, signal, type Rig } from './delivery-harness.ts';

const CHILD = new URL('./delivery-child.mjs', import.meta.url).pathname;
const JOBS = builtin('batch/v1', 'Job');
let rig: Rig;
let repo: GitRepo;

beforeEach(async () => {
  rig = await createRig();
  repo = await createGitRepo(path.join(rig.folder, 'app'));
  const hook = `apiVersion: v1\nkind: ConfigMap\nmetadata:\n  generateName: before-\n  annotations:\n    argocd.argoproj.io/hook: PreSync\n`;
  await repo.commit({
    'hook.yaml': hook,
    ...Object.fromEntries([1, 2, 3, 4].map((index) => [`map-${index}.yaml`, configMap(`map-${index}`, 'x', `argocd.argoproj.io/sync-wave: "${index}"`)])),
  });
});
afterEach(async () => {
  await rig[Symbol.asyncDispose]();
});

const deploy = (metadata: object = {}) =>
  rig.client.create(
    applicationType,
    application(
      'app',
      {
        source: { repoURL: repo.directory, path: '.' },
        syncPolicy: { automated: { selfHeal: true, prune: true }, syncOptions: ['CreateNamespace=true'] },
      },
      metadata,
    ),
    { signal: signal() },
  );
// Definitions and namespace, as a controller installs them before it starts.
const install = async (): Promise<void> => (await rig.start({ identity: 'installer' })).stop();
const settled = () =>
  eventually(
    'the run completes',
    () => getApplication(rig.client, 'app'),
    ({ status }) => status?.sync?.status === 'Synced' && status.operationState?.phase === 'Succeeded',
    30_000,
  );
const runs = async (): Promise<readonly SyncRun[]> => (await rig.client.list<SyncRun>(syncRunType, { namespace: 'argocd', signal: signal() })).items;
const hooks = async (): Promise<readonly KubeObject[]> =>
  (await rig.client.list(builtin('v1', 'ConfigMap'), { namespace: 'shop', signal: signal() })).items.filter(
    ({ metadata }) => metadata.name?.startsWith('before-') === true,
  );

// A controller in its own process that kills itself (SIGKILL) at a failpoint; resolves when it is dead.
async function runUntilKilled(options: {
  readonly identity: string;
  readonly point: string;
  readonly index?: number | undefined;
  readonly redis?: string;
}): Promise<void> {
  const { server, folder } = rig;
  const child = spawn(process.execPath, [CHILD, JSON.stringify({ server: server.url, ca: server.caPem, token: server.adminToken, folder, ...options })], {
    stdio: ['ignore', 'inherit', 'inherit'],
  });
  const [, killedBy] = await once(child, 'exit', { signal: signal() });
  expect(killedBy).toBe('SIGKILL');
}

describe('a process that dies in the middle of a sync', () => {
  it.each([
    ['run.created', undefined],
    ['sync.beforeClaim', undefined],
    ['sync.afterClaim', undefined],
    ['sync.planned', undefined],
    ['sync.dryRun', undefined],
    ['sync.beforeWrite', 3],
    ['sync.hookEnded', undefined],
    ['sync.afterWave', 2],
    ['sync.afterWrite', 1],
    ['sync.afterWrite', 2],
    ['sync.afterWrite', 3],
    ['sync.afterWrite', 5],
    ['sync.beforeStatus', undefined],
    ['sync.afterStatus', undefined],
  ])('leaves a run at %s %s that its next life completes', async (point, index) => {
    await install();
    await deploy();
    await runUntilKilled({ identity: 'one', point, index });
    // Its name is the same in its next life, so its own run is taken back without waiting for the lease.
    await rig.start();
    await settled();
    for (const name of ['map-1', 'map-2', 'map-3', 'map-4']) expect((await getConfigMap(rig.client, name))?.data).toEqual({ value: 'x' });
    expect(await hooks()).toHaveLength(1);
    const all = await runs();
    expect(all).toHaveLength(1);
    expect(all[0]?.status?.tasks?.map((task) => task.outcome)).not.toContain('SyncFailed');
    // Nothing was written twice with effect: no object has more than the one generation its creation gave it.
    for (const name of ['map-1', 'map-2', 'map-3', 'map-4']) expect((await getConfigMap(rig.client, name))?.metadata.managedFields).toHaveLength(1);
  });
});

describe('a process that dies in the middle of a deletion', () => {
  it.each([
    ['delete.afterWave', 1],
    ['delete.beforeFinalizer', undefined],
  ])('leaves at %s %s what its next life deletes', async (point, index) => {
    await install();
    await deploy({ finalizers: ['resources-finalizer.argocd.argoproj.io'] });
    const first = await rig.start();
    await settled();
    await first.stop();
    await rig.client.delete(applicationType, { name: 'app', namespace: 'argocd' }, { signal: signal() });
    await runUntilKilled({ identity: 'one', point, index });
    await rig.start();
    await eventually(
      'the application is gone',
      () =>
        getApplication(rig.client, 'app').then(
          () => true,
          () => false,
        ),
      (there) => !there,
    );
    for (const name of ['map-1', 'map-2', 'map-3', 'map-4']) expect(await getConfigMap(rig.client, name)).toBeUndefined();
  });
});

describe('a process that stands still in the middle of a sync', () => {
  it('writes nothing more once another has taken over', async () => {
    await install();
    await deploy();
    const { server, folder } = rig;
    const options = {
      server: server.url,
      ca: server.caPem,
      token: server.adminToken,
      folder,
      identity: 'sleeper',
      point: 'sync.afterWrite',
      index: 3,
      how: 'SIGSTOP',
    };
    const sleeper = spawn(process.execPath, [CHILD, JSON.stringify(options)], { stdio: ['ignore', 'inherit', 'inherit'] });
    onTestFinished(() => void sleeper.kill('SIGKILL'));
    await eventually(
      'it has fallen asleep',
      () => getConfigMap(rig.client, 'map-1'),
      (map) => map !== undefined,
    );
    await rig.start({ identity: 'other' });
    await settled();
    expect((await runs()).map(({ status }) => status?.owner)).toEqual(['other']);
    await repo.commit({ 'map-3.yaml': configMap('map-3', 'newer', 'argocd.argoproj.io/sync-wave: "3"') });
    await eventually(
      'the newer commit is live',
      async () => (await getConfigMap(rig.client, 'map-3'))?.data?.['value'],
      (value) => value === 'newer',
    );
    const before = (await rig.client.list(builtin('v1', 'ConfigMap'), { namespace: 'shop', signal: signal() })).items;
    sleeper.kill('SIGCONT');
    // It finds out that it is fenced by its next look at the ledger, which it takes before its next write.
    await eventually(
      'it has woken and looked',
      () => rig.client.list<SyncRun>(syncRunType, { namespace: 'argocd', signal: signal() }),
      ({ items }) => items.every(({ status }) => status?.finishedAt !== undefined),
    );
    for (let index = 0; index < 20; index += 1) {
      const after = (await rig.client.list(builtin('v1', 'ConfigMap'), { namespace: 'shop', signal: signal() })).items;
      expect(after.map(({ metadata }) => metadata.resourceVersion)).toEqual(before.map(({ metadata }) => metadata.resourceVersion));
    }
  }, 60_000);
});

const hasRedis = findProgram({ name: 'redis-server', package: 'redis-server' }, process.env) !== undefined;

describe.skipIf(!hasRedis)('two controllers that share one Redis', () => {
  let redis: ChildProcess;
  let port: number;
  const startRedis = async (): Promise<void> => {
    redis = spawn('redis-server', ['--port', String(port), '--bind', '127.0.0.1', '--save', '', '--appendonly', 'no', '--dir', rig.folder], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    for await (const chunk of redis.stdout ?? []) if (String(chunk).includes('Ready to accept connections')) return;
  };
  const makeQueue = () => createBullmqQueue({ url: `redis://127.0.0.1:${port}`, logger, lockMs: 2_000 });
  beforeEach(async () => {
    const probe = createServer().listen(0, '127.0.0.1');
    await once(probe, 'listening');
    const address = probe.address();
    port = typeof address === 'object' && address !== null ? address.port : 0;
    probe.close();
    await startRedis();
  });
  afterEach(() => redis.kill('SIGKILL'));

  it('completes on the other when one dies', async () => {
    await install();
    await deploy();
    await runUntilKilled({ identity: 'dying', point: 'sync.afterWrite', index: 2, redis: `redis://127.0.0.1:${port}` });
    await rig.start({ identity: 'other', makeQueue });
    await settled();
    expect(await hooks()).toHaveLength(1);
    expect((await runs()).map(({ status }) => [status?.phase, status?.owner])).toEqual([['Succeeded', 'other']]);
  }, 40_000);

  // One command in Redis' inline form; resolves with its answer.
  const command = async (text: string): Promise<string> => {
    const socket = connect(port, '127.0.0.1');
    socket.write(`${text}\r\n`);
    const [answer] = await once(socket, 'data', { signal: signal() });
    socket.destroy();
    return String(answer);
  };

  it.each([
    ['is emptied', 'FLUSHALL'],
    ['is full', 'CONFIG SET maxmemory 1'],
    ['stands still for three seconds', 'CLIENT PAUSE 3000 ALL'],
    ['loses every connection', 'CLIENT KILL TYPE normal SKIPME yes'],
  ])(
    'goes on when Redis %s during a sync',
    async (_what, harm) => {
      let isHarmed = false;
      await rig.start({
        makeQueue,
        failpoint: async (point, index) => {
          if (point !== 'sync.afterWrite' || index !== 2 || isHarmed) return;
          isHarmed = true;
          expect(await command(harm)).toMatch(/^[+:]/);
        },
      });
      await deploy();
      await settled();
      expect(isHarmed).toBe(true);
      await repo.commit({ 'map-1.yaml': configMap('map-1', 'after') });
      await eventually(
        'work goes on',
        async () => (await getConfigMap(rig.client, 'map-1'))?.data?.['value'],
        (value) => value === 'after',
        30_000,
      );
      expect(await hooks()).toHaveLength(2);
    },
    50_000,
  );

  it('converges when Redis is killed during a sync and comes back empty', async () => {
    let kill = true;
    await rig.start({
      makeQueue,
      failpoint: async (point, index) => {
        if (point !== 'sync.afterWrite' || index !== 2 || !kill) return;
        kill = false;
        redis.kill('SIGKILL');
        await once(redis, 'exit');
      },
    });
    await deploy();
    await eventually(
      'redis is dead',
      () => redis.signalCode,
      (code) => code === 'SIGKILL',
    );
    await startRedis();
    await settled();
    await repo.commit({ 'map-1.yaml': configMap('map-1', 'after') });
    await eventually(
      'work goes on',
      async () => (await getConfigMap(rig.client, 'map-1'))?.data?.['value'],
      (value) => value === 'after',
      30_000,
    );
    expect(await rig.client.list(JOBS, { signal: signal() })).toMatchObject({ items: [] });
  }, 40_000);
});

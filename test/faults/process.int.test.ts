import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { applicationType, formatTrackingId, type Application } from '@tiphys/delivery-applications';
import { builtin, isStatus } from '@tiphys/kube-model';
import { createGitRepo } from '@tiphys/testkit';
import { application, CONFIG_MAPS, configMap, createRig, eventually, getConfigMap, type Rig } from '../e2e/delivery-harness.ts';
import { startChild } from './fault-child.ts';
import { createFaultRecorder, type Damage } from './fault-recorder.ts';
import { runsIn, unfinished, watchWorld, type World } from './world.ts';

const NAMESPACES = builtin('v1', 'Namespace');
// Many processes start at once: one call may wait for long.
const patience = (): AbortSignal => AbortSignal.timeout(60_000);
const faults = createFaultRecorder('F');
let rig: Rig;
let world: World;
let cases = 0;

beforeAll(async () => {
  rig = await createRig();
  world = await watchWorld(rig.client);
  // Definitions are there before the controllers that are to die.
  await (await rig.start({ identity: 'installer' })).stop();
});
afterAll(async () => {
  faults.report();
  await world[Symbol.asyncDispose]();
  await rig[Symbol.asyncDispose]();
});

const hook = (name: string, phase: string): string =>
  `apiVersion: batch/v1\nkind: Job\nmetadata:\n  generateName: ${name}-\n  annotations: {argocd.argoproj.io/hook: ${phase}}\nspec:\n  template:\n    spec:\n      restartPolicy: Never\n      containers: [{name: c, image: x}]\n`;
const wave = (index: number): string => `argocd.argoproj.io/sync-wave: "${index}"`;
const FILES = {
  'before.yaml': hook('before', 'PreSync'),
  'one-a.yaml': configMap('one-a', 'x', wave(1)),
  'one-b.yaml': configMap('one-b', 'x', wave(1)),
  'two-a.yaml': configMap('two-a', 'x', wave(2)),
  'two-b.yaml': configMap('two-b', 'x', wave(2)),
  'after.yaml': hook('after', 'PostSync'),
};
const MAPS = ['one-a', 'one-b', 'two-a', 'two-b'];

/** An application with hooks, waves and something to prune, in a corner of the cluster that is its own. */
interface Corner {
  readonly name: string;
  /** Where its Application is, and where its objects are. */
  readonly namespace: string;
  readonly target: string;
  deploy(metadata?: object): Promise<void>;
  read(): Promise<Application>;
  /** Resolves when Git is live and the run has ended well. */
  settled(): Promise<void>;
  /** Checks the end of one run that was done once, and counts damage. */
  inspect(): Promise<Damage>;
}

async function makeCorner(): Promise<Corner> {
  cases += 1;
  const name = `app-${cases}`;
  const namespace = `argocd-${cases}`;
  const target = `shop-${cases}`;
  const repo = await createGitRepo(path.join(rig.folder, name));
  await repo.commit(FILES);
  for (const each of [namespace, target])
    await rig.client.create(NAMESPACES, { apiVersion: 'v1', kind: 'Namespace', metadata: { name: each } }, { signal: patience() });
  const old = { group: '', version: 'v1', kind: 'ConfigMap', namespace: target, name: 'old' };
  const annotations = { 'argocd.argoproj.io/tracking-id': formatTrackingId(name, old) };
  await rig.client.create(
    CONFIG_MAPS,
    { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'old', namespace: target, annotations } },
    { signal: patience() },
  );
  const read = (): Promise<Application> => rig.client.get<Application>(applicationType, { name, namespace }, { signal: patience() });
  return {
    name,
    namespace,
    target,
    read,
    async deploy(metadata = {}) {
      const spec = {
        source: { repoURL: repo.directory, path: '.' },
        destination: { server: 'https://kubernetes.default.svc', namespace: target },
        syncPolicy: { automated: { selfHeal: true, prune: true }, syncOptions: ['PruneLast=true'] },
      };
      await rig.client.create(applicationType, application(name, spec, { namespace, ...metadata }), { signal: patience() });
    },
    async settled() {
      await eventually(`${name} is synced`, read, ({ status }) => status?.sync?.status === 'Synced' && status.operationState?.phase === 'Succeeded', 60_000);
    },
    async inspect() {
      for (const map of MAPS) expect((await getConfigMap(rig.client, map, target))?.data).toEqual({ value: 'x' });
      expect(await getConfigMap(rig.client, 'old', target)).toBeUndefined();
      // Done once: each object created once, each hook run once, the waves in their order.
      const created = world.created(target).filter((object) => object !== 'ConfigMap/old' && object !== 'ConfigMap/kube-root-ca.crt');
      const kinds = created.map((object) => object.replace(/^Job\/(before|after)-.*/, '$1').replace(/^ConfigMap\/(one|two)-.*/, '$1'));
      expect(kinds.toSorted()).toEqual(['after', 'before', 'one', 'one', 'two', 'two']);
      expect(kinds.filter((kind) => kind === 'one' || kind === 'two')).toEqual(['one', 'one', 'two', 'two']);
      const runs = await runsIn(rig.client, namespace);
      expect(runs.map(({ status }) => status?.phase)).toEqual(['Succeeded']);
      expect((await read()).status?.history).toHaveLength(1);
      return { wrongDeletes: world.deleted(target).filter((object) => object !== 'ConfigMap/old').length, lostIntents: unfinished(runs) };
    },
  };
}

describe('a process that is killed in the middle of a sync', () => {
  it.concurrent.each([
    ['F01', 'run.created', undefined],
    ['F02', 'sync.beforeClaim', undefined],
    ['F02', 'sync.afterClaim', undefined],
    ['F05', 'sync.rendered', undefined],
    ['F05', 'sync.planned', undefined],
    ['F05', 'sync.dryRun', undefined],
    ['F06', 'sync.afterWrite', 1],
    ['F06', 'sync.hookEnded', undefined],
    ['F07', 'sync.beforeWrite', 1],
    ['F07', 'sync.beforeWrite', 2],
    ['F07', 'sync.afterWrite', 2],
    ['F07', 'sync.afterWrite', 3],
    ['F07', 'sync.beforeWrite', 4],
    ['F07', 'sync.afterWrite', 4],
    ['F07', 'sync.afterWrite', 5],
    ['F08', 'sync.beforeWrite', 6],
    ['F08', 'sync.afterWrite', 6],
    ['F07', 'sync.beforeWrite', 7],
    ['F07', 'sync.afterWrite', 7],
    ['F09', 'sync.afterWave', 1],
    ['F09', 'sync.afterWave', 2],
    ['F09', 'sync.afterWave', 3],
    ['F09', 'sync.afterWave', 4],
    ['F10', 'sync.beforeStatus', undefined],
    ['F10', 'sync.afterStatus', undefined],
    ['F10', 'sync.published', undefined],
  ] as const)(
    '%s kill -9 at %s %s: the next process ends the run as if nothing had been',
    (id, point, index) =>
      faults.run(id, `kill -9 at ${point} ${index ?? ''}`, async (probe) => {
        const corner = await makeCorner();
        await corner.deploy();
        const { namespace } = corner;
        await using dying = startChild(rig, { identity: 'one', namespace, point, index });
        expect(await dying.ended()).toBe('SIGKILL');
        probe.ended();
        await using _next = startChild(rig, { identity: 'one', namespace });
        await corner.settled();
        probe.recovered();
        return corner.inspect();
      }),
    120_000,
  );
});

describe('a process that is killed in the middle of a deletion', () => {
  it.concurrent.each([
    ['F08', 'delete.afterWave', 1],
    ['F08', 'delete.beforeFinalizer', undefined],
  ] as const)(
    '%s kill -9 at %s %s: the next process deletes the rest, and nothing else',
    (id, point, index) =>
      faults.run(id, `kill -9 at ${point}`, async (probe) => {
        const corner = await makeCorner();
        const { namespace, target, name } = corner;
        await corner.deploy({ finalizers: ['resources-finalizer.argocd.argoproj.io'] });
        const bystander = { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'bystander', namespace: target } };
        await rig.client.create(CONFIG_MAPS, bystander, { signal: patience() });
        const first = startChild(rig, { identity: 'one', namespace });
        await corner.settled();
        expect(await first.end('SIGTERM')).toBe(0);
        await rig.client.delete(applicationType, { name, namespace }, { signal: patience() });
        await using dying = startChild(rig, { identity: 'one', namespace, point, index });
        expect(await dying.ended()).toBe('SIGKILL');
        probe.ended();
        await using _next = startChild(rig, { identity: 'one', namespace });
        const isGone = await eventually(
          'the application is gone',
          () =>
            corner.read().then(
              () => false,
              (error: unknown) => isStatus(error, 'NotFound'),
            ),
          (gone) => gone,
          60_000,
        );
        probe.recovered();
        for (const map of MAPS) expect(await getConfigMap(rig.client, map, target)).toBeUndefined();
        const wanted = new Set(['ConfigMap/old', ...MAPS.map((map) => `ConfigMap/${map}`)]);
        const wrong = world.deleted(target).filter((object) => !wanted.has(object) && !/^Job\/(before|after)-/.test(object));
        return { wrongDeletes: wrong.length, lostIntents: isGone ? 0 : 1 };
      }),
    120_000,
  );
});

import { readdir } from 'node:fs/promises';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { applicationType, type Application } from '@tiphys/delivery-applications';
import { builtin } from '@tiphys/kube-model';
import { createGitRepo, startGitServer, type GitRepo, type GitServer } from '@tiphys/testkit';
import { application, CONFIG_MAPS, configMap, createRig, eventually, getConfigMap, type Rig } from '../e2e/delivery-harness.ts';
import { startChild } from './fault-child.ts';
import { startFaultProxy, type FaultProxy } from './fault-proxy.ts';
import { createFaultRecorder, type Damage } from './fault-recorder.ts';
import { runsIn, unfinished, watchWorld, type World } from './world.ts';

const PATIENCE_MS = 60_000;
const patience = (): AbortSignal => AbortSignal.timeout(PATIENCE_MS);
const faults = createFaultRecorder('F (states of processes)');
let rig: Rig;
let world: World;
let server: GitServer;
let proxy: FaultProxy;

beforeAll(async () => {
  rig = await createRig();
  world = await watchWorld(rig.client);
  server = await startGitServer(path.join(rig.folder, 'repos'));
  proxy = await startFaultProxy(server.url);
  await (await rig.start({ identity: 'installer' })).stop();
});
afterAll(async () => {
  faults.report();
  await proxy[Symbol.asyncDispose]();
  await world[Symbol.asyncDispose]();
  await rig[Symbol.asyncDispose]();
  await server[Symbol.asyncDispose]();
});

const HOOK =
  'apiVersion: batch/v1\nkind: Job\nmetadata:\n  generateName: before-\n  annotations: {argocd.argoproj.io/hook: PreSync}\nspec:\n  template:\n    spec:\n      restartPolicy: Never\n      containers: [{name: c, image: x}]\n';
const NAMES = ['map-1', 'map-2', 'map-3', 'map-4'];

/** Applications of one repository in a namespace of their own, each with objects in a namespace of its name. */
interface Estate {
  readonly namespace: string;
  readonly repo: GitRepo;
  readonly names: readonly string[];
  /** Resolves when every application is synced. */
  settled(): Promise<void>;
  /** Checks that every application was done once, and counts damage. */
  inspect(): Promise<Damage>;
}

async function makeEstate(namespace: string, count: number): Promise<Estate> {
  const repo = await createGitRepo(path.join(rig.folder, 'repos', namespace));
  const maps = NAMES.map((name, index) => [`${name}.yaml`, configMap(name, 'x', `argocd.argoproj.io/sync-wave: "${index + 1}"`)] as const);
  await repo.commit({ 'hook.yaml': HOOK, ...Object.fromEntries(maps) });
  await rig.client.create(builtin('v1', 'Namespace'), { apiVersion: 'v1', kind: 'Namespace', metadata: { name: namespace } }, { signal: patience() });
  const names = Array.from({ length: count }, (_, index) => `${namespace}-${index}`);
  for (const name of names) {
    const spec = {
      source: { repoURL: `${proxy.url}/${namespace}/.git`, path: '.' },
      destination: { server: 'https://kubernetes.default.svc', namespace: name },
      syncPolicy: { automated: { selfHeal: true, prune: true }, syncOptions: ['CreateNamespace=true'] },
    };
    await rig.client.create(applicationType, application(name, spec, { namespace }), { signal: patience() });
  }
  return {
    namespace,
    repo,
    names,
    async settled() {
      await eventually(
        `${namespace} is synced`,
        async () => {
          const { items } = await rig.client.list<Application>(applicationType, { namespace, signal: patience() });
          // What is asked, and not the objects whole: a failure is to be read.
          return items.map(
            ({ metadata, status }) => `${metadata.name}: ${status?.sync?.status} ${status?.operationState?.phase} ${status?.operationState?.message}`,
          );
        },
        (apps) => apps.every((state) => / Synced Succeeded /.test(state)),
        PATIENCE_MS,
      );
    },
    async inspect() {
      for (const name of names) {
        for (const map of NAMES) {
          expect((await getConfigMap(rig.client, map, name))?.data).toEqual({ value: 'x' });
          expect(world.created(name).filter((object) => object === `ConfigMap/${map}`)).toHaveLength(1);
        }
        expect(world.created(name).filter((object) => object.startsWith('Job/before-'))).toHaveLength(1);
      }
      const runs = await runsIn(rig.client, namespace);
      // Processes see the cluster at different times: one may ask to heal what another has just done, and finds nothing to do.
      // That every object was made once is what counts, and is asserted.
      expect(new Set(runs.map(({ status }) => status?.phase))).toEqual(new Set(['Succeeded']));
      expect(new Set(runs.map(({ spec }) => spec.application)).size).toBe(names.length);
      return { wrongDeletes: names.flatMap((name) => world.deleted(name)).length, lostIntents: unfinished(runs) };
    },
  };
}

describe('a process whose state changes', () => {
  it(
    'F03 kill -9 in the middle of a fetch: the next process fetches anew and leaves nothing behind',
    () =>
      faults.run('F03', 'kill -9 in a fetch', async (probe) => {
        const estate = await makeEstate('fetching', 1);
        const isPack = (url: string): boolean => url.startsWith(`/${estate.namespace}/`) && url.endsWith('/git-upload-pack');
        const end = proxy.inject(({ url }) => (isPack(url) ? { kind: 'hang', afterBytes: 200 } : undefined));
        const { namespace } = estate;
        await using dying = startChild(rig, { identity: 'fetcher', namespace });
        await eventually(
          'it fetches',
          () => proxy.requests.some(({ url }) => isPack(url)),
          (fetches) => fetches,
          PATIENCE_MS,
        );
        expect(await dying.end('SIGKILL')).toBe('SIGKILL');
        end();
        probe.ended();
        await using _next = startChild(rig, { identity: 'fetcher', namespace });
        await estate.settled();
        probe.recovered();
        const files = await readdir(path.join(rig.folder, 'cache-fetcher'), { recursive: true });
        expect(files.filter((file) => file.includes('.tmp-') || file.endsWith('.lock'))).toEqual([]);
        return estate.inspect();
      }),
    150_000,
  );

  it(
    'F13 SIGTERM under load: it ends in good order, nothing fails, the next process goes on at once',
    () =>
      faults.run('F13', 'SIGTERM under load', async (probe) => {
        const estate = await makeEstate('leaving', 6);
        const { namespace, names } = estate;
        await using leaving = startChild(rig, { identity: 'leaving', namespace });
        await eventually(
          'hooks run',
          () => names.filter((name) => world.created(name).some((object) => object.startsWith('Job/'))).length,
          (count) => count > 0,
          PATIENCE_MS,
        );
        expect(await leaving.end('SIGTERM')).toBe(0);
        probe.ended();
        // Another name: it may take over only what was given up, or has run out.
        await using _next = startChild(rig, { identity: 'next', namespace });
        await estate.settled();
        probe.recovered();
        return estate.inspect();
      }),
    150_000,
  );

  it(
    'F14 SIGSTOP until another has taken over, then SIGCONT: the woken process writes nothing',
    () =>
      faults.run('F14', 'SIGSTOP and SIGCONT', async (probe) => {
        const estate = await makeEstate('sleeping', 1);
        const { namespace } = estate;
        const [target = ''] = estate.names;
        await using sleeper = startChild(rig, { identity: 'sleeper', namespace, point: 'sync.afterWrite', index: 4, how: 'SIGSTOP' });
        await eventually(
          'it sleeps',
          () => getConfigMap(rig.client, 'map-2', target),
          (map) => map !== undefined,
          PATIENCE_MS,
        );
        probe.ended();
        await using _other = startChild(rig, { identity: 'other', namespace });
        await estate.settled();
        probe.recovered();
        const versions = async (): Promise<readonly (string | undefined)[]> =>
          (await rig.client.list(CONFIG_MAPS, { namespace: target, signal: patience() })).items.map(({ metadata }) => metadata.resourceVersion);
        const before = await versions();
        sleeper.process.kill('SIGCONT');
        // A last write of the woken process would come before it has ended in good order.
        expect(await sleeper.end('SIGTERM')).toBe(0);
        expect(await versions()).toEqual(before);
        expect((await runsIn(rig.client, namespace)).map(({ status }) => status?.owner)).toEqual(['other']);
        return estate.inspect();
      }),
    150_000,
  );

  it(
    'F16 two processes at once: each run is done by one of them, once',
    () =>
      faults.run('F16', 'two controllers', async (probe) => {
        const estate = await makeEstate('doubled', 6);
        const { namespace } = estate;
        await using _one = startChild(rig, { identity: 'first', namespace });
        await using _two = startChild(rig, { identity: 'second', namespace });
        probe.ended();
        await estate.settled();
        probe.recovered();
        return estate.inspect();
      }),
    150_000,
  );
});

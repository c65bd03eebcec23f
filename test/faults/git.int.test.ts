import { createHash } from 'node:crypto';
import { readdir, rm, truncate, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startGitServer, type GitServer } from '@tiphys/testkit';
import { configMap, createRig, getApplication, type Rig } from '../e2e/delivery-harness.ts';
import { startFaultProxy, times, type Fault, type FaultProxy, type ProxiedRequest } from './fault-proxy.ts';
import { createFaultRecorder, type Damage, type FaultProbe } from './fault-recorder.ts';
import { livePlace, makePlace, type Ground, type Place } from './place.ts';
import { watchWorld, type World } from './world.ts';

const faults = createFaultRecorder('G');
let rig: Rig;
let world: World;
let server: GitServer;
let proxy: FaultProxy;
let ground: Ground;

beforeAll(async () => {
  rig = await createRig();
  world = await watchWorld(rig.client);
  server = await startGitServer(path.join(rig.folder, 'repos'));
  proxy = await startFaultProxy(server.url);
  const { controller } = await rig.start({ pollIntervalMs: 1_000 });
  ground = { rig, world, controller: () => controller, folder: 'repos', urlOf: (name) => `${proxy.url}/${name}/.git` };
});
afterAll(async () => {
  faults.report();
  await proxy[Symbol.asyncDispose]();
  await world[Symbol.asyncDispose]();
  await rig[Symbol.asyncDispose]();
  await server[Symbol.asyncDispose]();
});

// Lets requests to the repository of a place fail, as often as told.
function inject({ name }: Place, harm: Fault | ((url: string) => Fault | undefined), count = Number.POSITIVE_INFINITY): () => void {
  const rule = ({ url }: ProxiedRequest): Fault | undefined => {
    if (!url.startsWith(`/${name}/`)) return undefined;
    return typeof harm === 'function' ? harm(url) : harm;
  };
  return proxy.inject(times(count, rule));
}

// The fault is over: the commit that waits goes out.
async function recover(place: Place, probe: FaultProbe): Promise<Damage> {
  place.look();
  probe.ended();
  await place.live('one', 'second');
  probe.recovered();
  return place.damage();
}

const fault = (id: string, injected: string, body: (probe: FaultProbe) => Promise<Damage>) =>
  it.concurrent(`${id} ${injected}`, () => faults.run(id, injected, body), 120_000);
const down: Fault = { kind: 'cut', afterBytes: 0 };
const isPack = (url: string): boolean => url.endsWith('/git-upload-pack');

describe('a Git server that fails', () => {
  fault('G01', 'down when the application is made: nothing is done until it is there', async (probe) => {
    const place = await makePlace(ground, 'down-at-first');
    const end = inject(place, down);
    await place.create();
    await place.tells(/down-at-first/);
    expect((await getApplication(rig.client, place.name)).status?.sync?.status).toBe('Unknown');
    end();
    place.look();
    probe.ended();
    await place.live('one', 'first');
    probe.recovered();
    return place.damage();
  });

  fault('G01', 'down later: what is live stays, nothing is pruned, the next commit goes out', async (probe) => {
    const place = await livePlace(ground, 'down-later');
    const end = inject(place, down);
    await place.push({ 'one.yaml': configMap('one', 'second') });
    await place.tells(/down-later/);
    expect(await place.value('one')).toBe('first');
    end();
    return recover(place, probe);
  });

  fault('G02', 'headers that never come: other repositories go on', async (probe) => {
    const place = await livePlace(ground, 'hanging');
    const other = await livePlace(ground, 'beside-hanging');
    const end = inject(place, { kind: 'hang', afterBytes: 0 });
    await place.push({ 'one.yaml': configMap('one', 'second') });
    await other.push({ 'one.yaml': configMap('one', 'second') });
    await other.live('one', 'second');
    expect(await place.value('one')).toBe('first');
    end();
    proxy.cutAll();
    return recover(place, probe);
  });

  fault('G02', 'a pack that stops coming: other repositories go on', async (probe) => {
    const place = await livePlace(ground, 'dripping');
    const other = await livePlace(ground, 'beside-dripping');
    const end = inject(place, (url) => (isPack(url) ? { kind: 'hang', afterBytes: 20 } : undefined));
    await place.push({ 'one.yaml': configMap('one', 'second') });
    await other.push({ 'one.yaml': configMap('one', 'second') });
    await other.live('one', 'second');
    expect(await place.value('one')).toBe('first');
    end();
    proxy.cutAll();
    return recover(place, probe);
  });

  const corrupted: readonly (readonly [string, string, Fault])[] = [
    ['cut off', 'cut', { kind: 'cut', afterBytes: 150 }],
    ['empty', 'empty', { kind: 'status', status: 200, body: '', headers: { 'content-type': 'application/x-git-upload-pack-result' } }],
    [
      'damaged in one byte',
      'damaged',
      {
        kind: 'rewrite',
        rewrite: (chunk) => {
          const copy = Buffer.from(chunk);
          const at = copy.indexOf('PACK');
          if (at >= 0) copy.writeUInt8(copy.readUInt8(at + 20) ^ 0xff, at + 20);
          return copy;
        },
      },
    ],
  ];
  for (const [what, name, harm] of corrupted)
    fault('G03', `a pack that is ${what}: refused, and fetched anew`, async (probe) => {
      const place = await livePlace(ground, `pack-${name}`);
      const end = inject(place, (url) => (isPack(url) ? harm : undefined));
      await place.push({ 'one.yaml': configMap('one', 'second') });
      await place.tells(new RegExp(place.name));
      expect(await place.value('one')).toBe('first');
      end();
      return recover(place, probe);
    });

  for (const status of [401, 403, 404, 429, 500, 503])
    fault(status === 429 || status >= 500 ? 'G11' : 'G10', `answers ${status} for a while: nothing is taken for empty`, async (probe) => {
      const place = await livePlace(ground, `status-${status}`);
      const end = inject(place, { kind: 'status', status, headers: status === 401 ? { 'www-authenticate': 'Basic realm="git"' } : { 'retry-after': '1' } });
      await place.push({ 'one.yaml': configMap('one', 'second'), 'two.yaml': null });
      await place.tells(new RegExp(place.name));
      expect([await place.value('one'), await place.value('two')]).toEqual(['first', 'first']);
      end();
      place.look();
      probe.ended();
      await place.live('one', 'second');
      await place.live('two', undefined);
      probe.recovered();
      return place.damage('ConfigMap/two');
    });
});

describe('history that changes under the controller', () => {
  fault('G04', 'a forced push: the new history is followed', async (probe) => {
    const place = await livePlace(ground, 'forced');
    await place.repo.git('checkout', '--quiet', '--orphan', 'other');
    await place.repo.commit({ 'one.yaml': configMap('one', 'rewritten') });
    await place.repo.git('branch', '--force', 'main', 'other');
    await place.repo.git('checkout', '--quiet', 'main');
    place.look();
    probe.ended();
    await place.live('one', 'rewritten');
    probe.recovered();
    return place.damage();
  });

  fault('G04', 'a branch that is deleted is not an empty branch', async (probe) => {
    const place = await makePlace(ground, 'branch-gone');
    await place.repo.git('branch', 'release');
    await place.create({ source: { repoURL: place.repoURL, path: '.', targetRevision: 'release' } });
    await place.live('one', 'first');
    await place.repo.git('branch', '-D', 'release');
    place.look();
    await place.tells(/release/);
    expect([await place.value('one'), await place.value('two')]).toEqual(['first', 'first']);
    await place.repo.commit({ 'one.yaml': configMap('one', 'again') });
    await place.repo.git('branch', 'release');
    place.look();
    probe.ended();
    await place.live('one', 'again');
    probe.recovered();
    return place.damage();
  });

  fault('G04', 'a tag that moves is followed', async (probe) => {
    const place = await makePlace(ground, 'tag-moves');
    await place.repo.git('tag', 'v1');
    await place.create({ source: { repoURL: place.repoURL, path: '.', targetRevision: 'v1' } });
    await place.live('one', 'first');
    await place.push({ 'one.yaml': configMap('one', 'moved') });
    await place.repo.git('tag', '--force', 'v1');
    place.look();
    probe.ended();
    await place.live('one', 'moved');
    probe.recovered();
    return place.damage();
  });

  fault('G05', 'a branch that moves between resolving and fetching: every run deploys one commit', async (probe) => {
    const place = await livePlace(ground, 'moving');
    const pair = (value: string) => ({ 'one.yaml': configMap('one', value), 'two.yaml': configMap('two', value) });
    const move = async (): Promise<void> => {
      await place.repo.commit(pair('third'));
    };
    const end = inject(place, (url) => (isPack(url) ? { kind: 'first', act: move } : undefined), 1);
    await place.push(pair('second'));
    probe.ended();
    await place.live('one', 'third');
    await place.live('two', 'third');
    probe.recovered();
    end();
    for (const { status } of await place.runs()) expect(status?.revisions?.[0]).toMatch(/^[0-9a-f]{40}$/);
    return place.damage();
  });
});

describe('what repositories hold', () => {
  fault('G07', 'a file that is only a pointer of LFS: a clear error, nothing of it is applied', async (probe) => {
    const place = await livePlace(ground, 'pointer');
    const pointer = `version https://git-lfs.github.com/spec/v1\noid sha256:${'0'.repeat(64)}\nsize 12\n`;
    await place.push({ 'one.yaml': pointer });
    await place.tells(/one\.yaml/);
    expect(await place.value('one')).toBe('first');
    await place.push({ 'one.yaml': configMap('one', 'second') });
    probe.ended();
    await place.live('one', 'second');
    probe.recovered();
    return place.damage();
  });

  fault('G08', 'a submodule that is its own parent: no loop', async (probe) => {
    const place = await livePlace(ground, 'looping');
    const head = await place.repo.git('rev-parse', 'HEAD');
    await place.repo.git('update-index', '--add', '--cacheinfo', `160000,${head},again`);
    await place.repo.git('commit', '--quiet', '--message', 'gitlink');
    const modules = `[submodule "again"]\n\tpath = again\n\turl = ${proxy.url}/${place.name}/.git\n`;
    await place.repo.git('config', 'advice.addEmbeddedRepo', 'false');
    probe.ended();
    await place.push({ '.gitmodules': modules, 'one.yaml': configMap('one', 'second') });
    await place.live('one', 'second');
    probe.recovered();
    return place.damage();
  });
});

describe('a cache that is harmed', () => {
  const cacheOf = ({ repoURL }: Place): string => path.join(rig.folder, 'cache', createHash('sha256').update(repoURL).digest('hex').slice(0, 24));
  const packsOf = async (place: Place): Promise<readonly string[]> => {
    const folder = path.join(cacheOf(place), 'objects', 'pack');
    return (await readdir(folder)).filter((name) => name.endsWith('.pack')).map((name) => path.join(folder, name));
  };
  const harms: readonly (readonly [string, string, (place: Place) => Promise<void>])[] = [
    [
      'locks',
      'locks of a process that is no more',
      async (place) => {
        for (const lock of ['index.lock', 'shallow.lock', 'packed-refs.lock', 'config.lock']) await writeFile(path.join(cacheOf(place), lock), '');
      },
    ],
    ['removed', 'its folder is removed', (place) => rm(cacheOf(place), { recursive: true })],
    [
      'truncated',
      'its packs are cut off',
      async (place) => {
        for (const pack of await packsOf(place)) await truncate(pack, 40);
      },
    ],
  ];
  for (const [name, what, harm] of harms)
    fault('G09', `${what}: repaired without a person`, async (probe) => {
      const place = await livePlace(ground, `cache-${name}`);
      await harm(place);
      probe.ended();
      await place.push({ 'one.yaml': configMap('one', 'second') });
      await place.live('one', 'second');
      await place.synced();
      probe.recovered();
      return place.damage();
    });
});

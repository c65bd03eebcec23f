import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { createRepositoryStore } from '@tiphys/delivery-git';
import { systemClock, WorkQueue } from '@tiphys/kernel';
import type { KubeObject } from '@tiphys/kube-model';
import { createGitRepo, eventually } from '@tiphys/testkit';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { MovedSources } from './moved-sources.ts';

const signal = AbortSignal.timeout(60_000);
let folder: string;
beforeAll(async () => (folder = await mkdtemp(path.join(tmpdir(), 'tiphys-moved-'))));
afterAll(async () => await rm(folder, { recursive: true, force: true }));

it('hands on first what a commit touches, and the rest when there is nothing else to do', async () => {
  const repo = await createGitRepo(path.join(folder, 'repo'));
  const store = createRepositoryStore({ cacheDirectory: path.join(folder, 'cache') });
  const keys = new WorkQueue({ clock: systemClock });
  const spec = (path_: string) => ({ source: { repoURL: repo.directory, path: path_ }, destination: { name: 'x' }, project: 'default' });
  const applications = new Map<string, object>(['a', 'b', 'c', 'gone'].map((name) => [name, { metadata: { name }, spec: spec(name) }]));
  const moved = new MovedSources({
    keys,
    access: { open: (url) => store.open(url) },
    applications: { get: (name) => applications.get(name) as KubeObject | undefined },
    poller: {
      state: (repoURL) => ({
        repoURL,
        polls: 1,
        refs: {
          head: 'refs/heads/main',
          oids: new Map([
            ['refs/heads/main', head],
            ['HEAD', head],
          ]),
        },
      }),
    },
    clock: systemClock,
  });
  const instances = ['a', 'b', 'c', 'gone'];
  const taken = async (count: number): Promise<readonly string[]> => {
    const names: string[] = [];
    while (names.length < count) {
      const key = (await keys.get(signal)) ?? '';
      names.push(key);
      keys.done(key);
    }
    return names;
  };

  let head = await repo.commit({ 'a/x.yaml': '1', 'b/x.yaml': '1', 'c/x.yaml': '1' }, 'first');
  await moved.moved(instances, repo.directory, signal);
  expect(await taken(4)).toEqual(instances);

  head = await repo.commit({ 'c/x.yaml': '2' }, 'second');
  await moved.moved(instances, repo.directory, signal);
  // What cannot be found is not put off either.
  expect((await taken(2)).toSorted()).toEqual(['c', 'gone']);
  expect(keys.length).toBe(0);

  const stop = new AbortController();
  const running = moved.run(stop.signal);
  expect((await taken(2)).toSorted()).toEqual(['a', 'b']);
  head = await repo.commit({ 'b/x.yaml': '2' }, 'third');
  moved.delete('gone');
  await moved.moved(['a', 'b', 'c'], repo.directory, signal);
  expect((await taken(3))[0]).toBe('b');
  await eventually('nothing is left', () => Promise.resolve(keys.idle), Boolean);
  stop.abort();
  await running;
});

import { readFileSync } from 'node:fs';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { KubeClient } from '@tiphys/kube-client';
import { createGitRepo, eventually, startGitServer, type GitRepo, type GitServer, type TiphysProcess } from '@tiphys/testkit';
import { application, configMap, getConfigMap } from './delivery-harness.ts';
import { clientOf, createHome, SIMULATED, type Home } from './process-harness.ts';

const MB = 1024 * 1024;
let home: Home;
let up: TiphysProcess;
let repo: GitRepo;
let server: GitServer;
let hanging: GitServer;
let client: KubeClient;

beforeAll(async () => {
  home = await createHome();
  repo = await createGitRepo(path.join(home.folder, 'repos', 'shop'));
  await repo.commit({ 'main/map.yaml': configMap('main', 'good') });
  [server, hanging] = [await startGitServer(path.join(home.folder, 'repos')), await startGitServer(path.join(home.folder, 'repos'), { hang: true })];
  up = await home.start([...SIMULATED, '--poll-interval', '300ms']);
  client = await clientOf(up.ready['kubeconfig'] ?? '');
  // Its deadline runs while the other tests do.
  await create('hanging', { repoURL: `${hanging.url}/shop/.git`, path: 'main' });
});
afterAll(async () => {
  await client.close();
  await hanging[Symbol.asyncDispose]();
  await home[Symbol.asyncDispose]();
  await server[Symbol.asyncDispose]();
});

const create = async (name: string, source: object): Promise<void> => {
  const syncPolicy = { automated: { prune: true, selfHeal: true }, syncOptions: ['CreateNamespace=true'] };
  const all = { repoURL: `${server.url}/shop/.git`, path: name, targetRevision: 'main', ...source };
  expect((await home.call('POST', '/api/v1/applications', application(name, { source: all, syncPolicy }))).status).toBe(201);
};
const told = (name: string, text: string | RegExp, timeoutMs = 15_000) =>
  eventually(
    `${name} is told ${String(text)}`,
    () => home.application(name),
    ({ status }) => status?.conditions?.some(({ type, message }) => type === 'ComparisonError' && message.search(text) >= 0) === true,
    timeoutMs,
  );
const liveOf = async (name: string) => {
  const live = await getConfigMap(client, name);
  return [live?.data?.['value'], live?.metadata.uid, live?.metadata.resourceVersion];
};
const peakMemory = (): number => Number(/VmHWM:\s+(\d+)/.exec(readFileSync(`/proc/${up.pid}/status`, 'utf8'))?.[1]) / 1024;

const bomb = (): string => {
  const level = (index: number): string => `  l${index}: &l${index} [${Array.from({ length: 10 }, () => `*l${index - 1}`).join(', ')}]\n`;
  return `apiVersion: v1\nkind: ConfigMap\nmetadata: {name: bomb}\ndata:\n  l0: &l0 [lol]\n${Array.from({ length: 9 }, (_, index) => level(index + 1)).join('')}`;
};
const head = 'apiVersion: v1\nkind: ConfigMap\nmetadata: {name: more}\n';

describe('bad input', () => {
  it.each([
    ['broken YAML', `${head}data: {\n`, /bad\/more\.yaml:\d+/],
    ['duplicate keys', `${head}data:\n  value: a\n  value: b\n`, /bad\/more\.yaml:6\b/],
    ['an alias bomb', bomb(), /bad\/more\.yaml:\d+/],
    ['an object without a kind beside a whole one', `${head}---\napiVersion: v1\nmetadata: {name: x}\n`, /bad\/more\.yaml:\d+.*kind/i],
    ['an object without a name', 'apiVersion: v1\nkind: ConfigMap\nmetadata: {}\n', /bad\/more\.yaml:\d+.*name/],
  ])('%s: is told with file and line, and nothing live is touched', async (_what, text, message) => {
    await repo.commit({ 'bad/map.yaml': configMap('bad', 'good'), 'bad/more.yaml': null });
    if ((await home.call('GET', '/api/v1/applications/bad')).status === 404) await create('bad', {});
    await home.settled('bad');
    const before = await liveOf('bad');
    expect(before[0]).toBe('good');
    // What is valid in the same commit waits as well: half a release is none.
    const commit = await repo.commit({ 'bad/map.yaml': configMap('bad', 'new'), 'bad/more.yaml': text });
    const { status } = await told('bad', message);
    expect(status?.sync).toMatchObject({ status: 'Unknown', revision: commit });
    expect(await liveOf('bad')).toEqual(before);
    expect(await getConfigMap(client, 'more')).toBeUndefined();
  });

  it('a __proto__ key: is data like any other, and refused where the kind wants a string', async () => {
    const map = (value: string): string => `apiVersion: v1\nkind: ConfigMap\nmetadata: {name: proto}\ndata:\n  value: good\n  __proto__: ${value}\n`;
    await repo.commit({ 'proto/map.yaml': map('"yes"') });
    await create('proto', {});
    await home.settled('proto');
    expect(Object.entries((await getConfigMap(client, 'proto'))?.data ?? {})).toContainEqual(['__proto__', 'yes']);
    const before = await liveOf('proto');
    const commit = await repo.commit({ 'proto/map.yaml': map('{polluted: "yes"}') });
    await eventually(
      'the sync is refused',
      () => home.application('proto'),
      ({ status }) => status?.sync?.revision === commit && /ConfigMap\/shop\/proto: .*cannot unmarshal object/.test(status.operationState?.message ?? ''),
    );
    expect(await liveOf('proto')).toEqual(before);
    // A fix goes out at once, however long the refused release would still be tried.
    await home.settled('proto', await repo.commit({ 'proto/map.yaml': map('"fixed"') }), 4_000);
  });

  it('a branch and a path that go away: are told, and nothing live is touched', async () => {
    await repo.git('branch', 'side', await repo.commit({ 'gone/map.yaml': configMap('gone', 'good') }));
    await create('gone', { targetRevision: 'side' });
    await home.settled('gone');
    const before = await liveOf('gone');
    await repo.git('branch', '-D', 'side');
    await told('gone', "'side'");
    expect(await liveOf('gone')).toEqual(before);
    await repo.git('branch', 'side', await repo.commit({ 'gone/map.yaml': null, 'other/map.yaml': configMap('other', '1') }));
    await told('gone', 'path does not exist');
    expect(await liveOf('gone')).toEqual(before);
  });

  it('a manifest of 100 MB: is told by name, and memory stays bounded', async () => {
    await create('main', {});
    await home.settled('main');
    const before = await liveOf('main');
    const line = 'x'.repeat(1_000);
    await repo.commit({ 'main/huge.yaml': `${head}data:\n${Array.from({ length: 100_000 }, (_, index) => `  k${index}: ${line}\n`).join('')}` });
    await told('main', /main\/huge\.yaml.*(exceed|large|limit)/, 60_000);
    expect(await liveOf('main')).toEqual(before);
    process.stderr.write(`peak memory with a manifest of 100 MB: ${Math.round(peakMemory())} MB\n`);
    expect(peakMemory() * MB).toBeLessThan(900 * MB);
    await home.settled('main', await repo.commit({ 'main/huge.yaml': null }), 30_000);
  }, 120_000);

  it('a repository that hangs: holds up nobody else and is told in the end', async () => {
    await home.settled('main', await repo.commit({ 'main/map.yaml': configMap('main', 'while one hangs') }));
    expect((await liveOf('main'))[0]).toBe('while one hangs');
    const { status } = await told('hanging', /timed out|within|timeout/i, 30_000);
    expect(status?.health?.status).toBe('Unknown');
    hanging.behaviour.hang = false;
    await home.settled('hanging', undefined, 60_000);
  }, 120_000);

  it('leaves the process as it was', async () => {
    expect((await home.call('GET', '/healthz')).text).toBe('ok');
    expect(await up.stop()).toEqual({ code: 0, killedBy: null });
  });
});

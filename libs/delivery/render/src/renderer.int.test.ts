import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createLogger } from '@tiphys/kernel';
import { createRepositoryStore, type Snapshot } from '@tiphys/delivery-git';
import { createGitRepo, type GitRepo } from '@tiphys/testkit';
import { createRenderer, type Renderer } from './index.ts';

const signal = AbortSignal.timeout(60_000);
const environment = { application: 'shop', namespace: 'shop', project: 'default' };
const map = (name: string): string => `apiVersion: v1\nkind: ConfigMap\nmetadata: {name: ${name}}\n`;
let repo: GitRepo;
let renderer: Renderer;
beforeAll(async () => {
  repo = await createGitRepo();
  renderer = createRenderer({ logger: createLogger({ level: 'silent' }), timeoutMs: 20_000 });
});
afterAll(async () => {
  await renderer.close();
  await repo[Symbol.asyncDispose]();
});

async function commit(files: Record<string, string | null>): Promise<Snapshot> {
  const oid = await repo.commit(files);
  return (await createRepositoryStore({ cacheDirectory: '/nonexistent' }).open(repo.directory)).snapshot(oid, signal);
}
const render = (snapshot: Snapshot, path: string, directory?: object) =>
  renderer.render({ repoURL: repo.directory, path, ...(directory === undefined ? {} : { directory }) }, environment, { snapshot }, { signal });
const names = async (...args: Parameters<typeof render>) => (await render(...args)).objects.map(({ object }) => object.metadata.name);

describe('plain directories', () => {
  it('reads what is asked for', async () => {
    const snapshot = await commit({
      'plain/a.yaml': `${map('a1')}---\n${map('a2')}`,
      'plain/b.json': '{"apiVersion":"v1","kind":"List","items":[{"apiVersion":"v1","kind":"ConfigMap","metadata":{"name":"b"}}]}',
      'plain/skip.yaml': `# +argocd:skip-file-rendering\n${map('skipped')}`,
      'plain/values.yaml': 'replicas: {{ 1 }\n',
      'plain/readme.md': 'x',
      'plain/sub/c.yml': map('c'),
      'plain/sub/deep/d.yaml': map('d'),
    });
    expect(await names(snapshot, 'plain')).toEqual(['a1', 'a2', 'b']);
    expect(await names(snapshot, './plain/', { recurse: true })).toEqual(['a1', 'a2', 'b', 'c', 'd']);
    expect(await names(snapshot, 'plain', { recurse: true, include: '{b.json,sub/*}' })).toEqual(['b', 'c', 'd']);
    expect(await names(snapshot, 'plain', { recurse: true, exclude: '*deep*', include: '*.y*ml' })).toEqual(['a1', 'a2', 'c']);
  });

  it('names file and line of every problem and keeps the good objects', async () => {
    const snapshot = await commit({
      'bad/broken.yaml': 'apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: x\n bad: [\n',
      'bad/double.yaml': 'apiVersion: v1\nkind: ConfigMap\nmetadata: {name: x}\ndata:\n  a: "1"\n  a: "2"\n',
      'bad/good.yaml': map('good'),
      'bad/bomb.yaml': `apiVersion: v1\nkind: ConfigMap\nmetadata: {name: bomb}\na0: &a0 [x,x,x,x,x,x,x,x,x,x]\n${Array.from({ length: 8 }, (_, i) => `a${i + 1}: &a${i + 1} [${Array(10).fill(`*a${i}`).join(',')}]`).join('\n')}\n`,
      'bad/proto.yaml': 'apiVersion: v1\nkind: ConfigMap\nmetadata: {name: proto}\ndata:\n  __proto__: "1"\n',
    });
    const { objects, problems } = await render(snapshot, 'bad');
    expect(objects.map(({ object }) => object.metadata.name)).toEqual(['good', 'proto']);
    expect(problems.map(({ file }) => file)).toEqual(['bad/bomb.yaml', 'bad/broken.yaml', 'bad/double.yaml']);
    expect(problems.find(({ file }) => file === 'bad/double.yaml')?.line).toBe(6);
    expect(Object.hasOwn(objects[1]?.object ?? {}, 'polluted')).toBe(false);
  });

  it('refuses what it cannot render, with the reason', async () => {
    const snapshot = await commit({
      'chart/Chart.yaml': 'name: c\n',
      'kust/kustomization.yaml': '{}',
      'big/a.yaml': `${map('a')}data: {a: "${'x'.repeat(11 * 1024 * 1024)}"}`,
    });
    await expect(render(snapshot, 'chart')).rejects.toMatchObject({
      code: 'toolFailed',
      message: expect.stringContaining('chart: helm: validation: chart.metadata.version is required'),
    });
    await expect(render(snapshot, 'kust')).rejects.toMatchObject({ code: 'toolFailed', message: 'kust: kustomize: kustomization.yaml is empty' });
    await expect(render(snapshot, 'none')).rejects.toMatchObject({ code: 'pathNotFound' });
    await expect(render(snapshot, '../x')).rejects.toMatchObject({ code: 'pathNotFound' });
    await expect(render(snapshot, 'big')).rejects.toMatchObject({ code: 'tooLarge' });
  });
});

describe('the cache', () => {
  it('renders only what a commit touched', async () => {
    const first = await commit({ 'apps/one/a.yaml': map('one'), 'apps/two/a.yaml': map('two') });
    await Promise.all([names(first, 'apps/one'), names(first, 'apps/two')]);
    const before = { ...renderer.counters };
    const second = await commit({ 'apps/one/a.yaml': map('one-b') });
    expect([await names(second, 'apps/one'), await names(second, 'apps/two')]).toEqual([['one-b'], ['two']]);
    expect(renderer.counters).toEqual({ renders: before.renders + 1, hits: before.hits + 1 });
    expect(await names(first, 'apps/one')).toEqual(['one']);
    expect(renderer.counters.renders).toBe(before.renders + 1);
  });
  it('sees new files, but not changes below folders it only listed', async () => {
    const first = await commit({ 'list/a.yaml': map('a'), 'list/sub/x.txt': '1' });
    await names(first, 'list');
    const before = renderer.counters.renders;
    await names(await commit({ 'list/sub/x.txt': '2' }), 'list');
    expect(renderer.counters.renders).toBe(before);
    expect(await names(await commit({ 'list/b.yaml': map('b') }), 'list')).toEqual(['a', 'b']);
    expect(renderer.counters.renders).toBe(before + 1);
  });
});

it('ends a render that runs out of time and goes on', async () => {
  const quick = createRenderer({ logger: createLogger({ level: 'silent' }), timeoutMs: 1 });
  const snapshot = await commit({ 'slow/a.yaml': map('slow') });
  await expect(quick.render({ repoURL: 'r', path: 'slow' }, environment, { snapshot }, { signal })).rejects.toMatchObject({ code: 'timeout' });
  await quick.close();
  expect(await names(snapshot, 'slow')).toEqual(['slow']);
});

import { createLogger } from '@tiphys/kernel';
import { createRepositoryStore, type Snapshot } from '@tiphys/delivery-git';
import { createGitRepo, type GitRepo } from '@tiphys/testkit';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createRenderer, type Renderer } from './index.ts';

const signal = AbortSignal.timeout(60_000);
const environment = { application: 'shop', namespace: 'prod', project: 'team' };
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
const render = (snapshot: Snapshot, source: object, isOneOfMany = false) =>
  renderer.render({ repoURL: repo.directory, ...source }, environment, { snapshot }, { signal, isOneOfMany });

describe('Jsonnet in directories', () => {
  it('gives programs their variables, and finds libraries beside the file and in the repository', async () => {
    const snapshot = await commit({
      'app/web.jsonnet': `local lib = import 'lib.libsonnet'; local near = import 'near.libsonnet';
        function(name, replicas=1) [lib.map(name, { env: std.extVar('env'), n: std.toString(replicas), near: near }), lib.list([lib.map('two', {})])]`,
      'app/near.libsonnet': '"beside"',
      'app/plain.yaml': 'apiVersion: v1\nkind: ConfigMap\nmetadata: {name: plain}\n',
      'vendor/lib.libsonnet': `{
        map(name, data):: { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: name }, data: data },
        list(items):: { apiVersion: 'v1', kind: 'List', items: items },
      }`,
    });
    const jsonnet = {
      libs: ['vendor'],
      tlas: [
        { name: 'name', value: '$ARGOCD_APP_NAME' },
        { name: 'replicas', value: '1 + 2', code: true },
      ],
      extVars: [{ name: 'env', value: 'production' }],
    };
    const { objects, problems, tool } = await render(snapshot, { path: 'app', directory: { jsonnet } });
    expect([tool, problems]).toEqual(['Directory', []]);
    expect(objects.map(({ object }) => object.metadata.name)).toEqual(['plain', 'shop', 'two']);
    expect(objects[1]?.object).toMatchObject({ data: { env: 'production', n: '3', near: 'beside' } });
  });

  it('names file and line of a program that fails, keeps what is good, and ends one that does not', async () => {
    const snapshot = await commit({
      'bad/a.jsonnet': '{\n  a: 1,\n  b: error "no value",\n}',
      'bad/b.jsonnet': 'local f(x) = f(x + 1) tailstrict; f(0)',
      'bad/c.jsonnet': '{ kind: "ConfigMap" }',
      'bad/d.jsonnet': 'import "../../outside.libsonnet"',
      'bad/good.jsonnet': "{ apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'good' } }",
    });
    const { objects, problems } = await render(snapshot, { path: 'bad' });
    expect(objects.map(({ object }) => object.metadata.name)).toEqual(['good']);
    expect(problems.map(({ file }) => file)).toEqual(['bad/a.jsonnet', 'bad/b.jsonnet', 'bad/c.jsonnet', 'bad/d.jsonnet']);
    expect(problems[0]).toMatchObject({ line: 3, message: expect.stringContaining('RUNTIME ERROR: no value') });
    expect(problems[1]?.message).toContain('steps');
    expect(problems[3]?.message).toContain("couldn't open import");
  });

  it('is rendered again when an imported file changes, and only then', async () => {
    const files = { 'j/a.jsonnet': "import '../x.libsonnet'", 'x.libsonnet': "{ apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'one' } }" };
    await render(await commit(files), { path: 'j' });
    const before = renderer.counters.renders;
    await render(await commit({ 'other.txt': '1' }), { path: 'j' });
    expect(renderer.counters.renders).toBe(before);
    const { objects } = await render(await commit({ 'x.libsonnet': files['x.libsonnet'].replace('one', 'two') }), { path: 'j' });
    expect(objects[0]?.object.metadata.name).toBe('two');
  });
});

describe('overrides in Git', () => {
  const files = {
    'over/a.yaml': 'apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a}\n',
    'over/b.yaml': 'apiVersion: v1\nkind: ConfigMap\nmetadata: {name: b}\n',
    'over/sub/c.yaml': 'apiVersion: v1\nkind: ConfigMap\nmetadata: {name: c}\n',
    'over/.argocd-source.yaml': 'path: elsewhere\nrepoURL: https://example.com/other.git\ndirectory: {recurse: true, exclude: "{a.yaml,.argocd*}"}\n',
    'over/.argocd-source-shop.yaml': 'directory: {exclude: "{b.yaml,.argocd*}"}\n',
  };
  const names = async (...args: Parameters<typeof render>) => (await render(...args)).objects.map(({ object }) => object.metadata.name);

  it('change how a source is rendered, the one for the application last, and never where it comes from', async () => {
    expect(await names(await commit(files), { path: 'over' })).toEqual(['a', 'c']);
  });

  it('do not count for one of many sources', async () => {
    expect(await names(await commit(files), { path: 'over' }, true)).toEqual(['a', 'b']);
  });

  it('that cannot be read are an error with their name', async () => {
    const snapshot = await commit({ 'over/.argocd-source.yaml': 'directory: [', 'over/.argocd-source-shop.yaml': null });
    await expect(render(snapshot, { path: 'over' })).rejects.toThrow('over/.argocd-source.yaml');
  });
});

it('refuses blocks of two tools, and plugins nobody listed', async () => {
  const snapshot = await commit({ 'two/a.yaml': 'x: 1\n' });
  await expect(render(snapshot, { path: 'two', helm: {}, directory: {} })).rejects.toThrow('two: multiple application sources defined: Helm,Directory');
  await expect(render(snapshot, { path: 'two', plugin: { name: 'x' } })).rejects.toMatchObject({ detail: { code: 'toolUnavailable' } });
});

it('gives whole numbers of kustomizations and charts as numbers', async () => {
  const object = 'apiVersion: v1\nkind: ConfigMap\nmetadata: {name: n}\nspec: {small: 3, large: 9007199254740993, part: 1.5}\n';
  const snapshot = await commit({ 'ints/kustomization.yaml': 'resources: [a.yaml]\n', 'ints/a.yaml': object });
  const { objects } = await render(snapshot, { path: 'ints' });
  expect(JSON.parse(JSON.stringify(objects[0]?.object))).toMatchObject({ spec: { small: 3, large: '9007199254740993', part: 1.5 } });
});

it('renders anew what a commit touches: one overlay, or all that share a base', async () => {
  const files = Object.fromEntries([
    ...[0, 1].map((base) => [`many/bases/b${base}/kustomization.yaml`, 'resources: [cm.yaml]\n'] as const),
    ...[0, 1].map((base) => [`many/bases/b${base}/cm.yaml`, 'apiVersion: v1\nkind: ConfigMap\nmetadata: {name: cm}\n'] as const),
    ...Array.from(
      { length: 8 },
      (_, index) => [`many/apps/a${index}/kustomization.yaml`, `resources: [../../bases/b${index % 2}]\nnamePrefix: a${index}-\n`] as const,
    ),
  ]);
  const rendersOf = async (snapshot: Snapshot): Promise<number> => {
    const before = renderer.counters.renders;
    for (let index = 0; index < 8; index += 1) await render(snapshot, { path: `many/apps/a${index}` });
    return renderer.counters.renders - before;
  };
  expect(await rendersOf(await commit(files))).toBe(8);
  expect(await rendersOf(await commit({ 'many/apps/a3/kustomization.yaml': 'resources: [../../bases/b1]\nnamePrefix: new-\n' }))).toBe(1);
  expect(await rendersOf(await commit({ 'many/bases/b0/cm.yaml': 'apiVersion: v1\nkind: ConfigMap\nmetadata: {name: cm, labels: {a: b}}\n' }))).toBe(4);
  expect(await rendersOf(await commit({ 'many/readme.md': 'text' }))).toBe(0);
});

import { writeFile } from 'node:fs/promises';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Application } from '@tiphys/delivery-applications';
import type { KubeClient } from '@tiphys/kube-client';
import { createGitRepo, startGitServer, type GitRepo, type GitServer } from '@tiphys/testkit';
import { CONFIG_MAPS, configMap, eventually, getConfigMap, signal } from './delivery-harness.ts';
import { clientOf, createHome, deployment, SIMULATED, type Home } from './process-harness.ts';

const ESCAPE = '\u001b';
let home: Home;
let repo: GitRepo;
let server: GitServer;
let client: KubeClient;

beforeAll(async () => {
  home = await createHome();
  repo = await createGitRepo(path.join(home.folder, 'repos', 'shop'));
  await repo.commit({ 'web/map.yaml': configMap('web', '1'), 'web/deployment.yaml': deployment('web', 2), 'auto/map.yaml': configMap('auto', '1') });
  server = await startGitServer(path.join(home.folder, 'repos'));
  const up = await home.start([...SIMULATED, '--poll-interval', '500ms']);
  client = await clientOf(up.ready['kubeconfig'] ?? '');
});
afterAll(async () => {
  await client.close();
  await home[Symbol.asyncDispose]();
  await server[Symbol.asyncDispose]();
});

const url = (): string => `${server.url}/shop/.git`;
const valueOf = async (name: string) => (await getConfigMap(client, name))?.data?.['value'];
const becomes = (name: string, value: string) =>
  eventually(
    `${name} is ${value}`,
    () => valueOf(name),
    (live) => live === value,
  );
const edit = (name: string, value: string) =>
  client.patch(CONFIG_MAPS, { name, namespace: 'shop' }, { data: { value } }, { type: 'merge', fieldManager: 'kubectl-edit', signal: signal() });
const json = async <T>(...args: readonly string[]): Promise<T> => JSON.parse(await home.ok(...args, '-o', 'json')) as T; // The command promises the type.

describe('tiphys app', () => {
  it('creates from flags, plans, syncs the plan and nothing else', async () => {
    const flags = ['--repo', url(), '--path', 'web', '--revision', 'main', '--dest-namespace', 'shop', '--sync-option', 'CreateNamespace=true'];
    expect(await home.ok('app', 'create', 'web', ...flags)).toBe('application/web created\n');
    const plan = await home.ok('app', 'plan', 'web');
    expect(plan).toMatch(/create +Deployment\/shop\/web/);
    const hash = /^plan (\S+)$/m.exec(plan)?.[1] ?? '';
    // The commit moves the plan: what was shown is no longer what would happen.
    const commit = await repo.commit({ 'web/map.yaml': configMap('web', '2') });
    await home.ok('app', 'get', 'web', '--refresh');
    await eventually(
      'the commit is seen',
      () => home.application('web'),
      ({ status }) => status?.sync?.revision === commit,
    );
    const refused = await home.cli('app', 'sync', 'web', '--plan', hash);
    expect(refused).toMatchObject({ code: 1, err: expect.stringMatching(/^error: run web-\S+: .*the plan is no longer the one shown.*look at the new plan/) });
    expect(await valueOf('web')).toBeUndefined();
    const { hash: now } = await json<{ hash: string }>('app', 'plan', 'web');
    const synced = await home.ok('app', 'sync', 'web', '--plan', now, '--timeout', '20');
    expect(synced).toMatch(/^Sync +0 +Synced +ConfigMap\/web/m);
    expect(synced).toMatch(/^Succeeded: /m);
    expect(await valueOf('web')).toBe('2');
    expect(await home.ok('app', 'wait', 'web', '--timeout', '20')).toMatch(/^web: Synced Healthy/m);
  });

  it('creates from a manifest as an Argo CD user writes it, and refuses what is none', async () => {
    const file = path.join(home.folder, 'auto.yaml');
    await writeFile(
      file,
      `apiVersion: argoproj.io/v1alpha1
kind: Application
metadata:
  name: auto
  namespace: argocd
  labels: {team: shop}
  finalizers: [resources-finalizer.argocd.argoproj.io]
spec:
  project: default
  source: {repoURL: '${url()}', targetRevision: HEAD, path: auto}
  destination: {server: https://kubernetes.default.svc, namespace: shop}
  syncPolicy:
    automated: {prune: true, selfHeal: true}
    syncOptions: [CreateNamespace=true]
`,
    );
    expect(await home.ok('app', 'create', '-f', file)).toBe('application/auto created\n');
    await becomes('auto', '1');
    await writeFile(file, 'apiVersion: v1\nkind: ConfigMap\nmetadata: {name: x, name: y}\n');
    const refused = await home.cli('app', 'create', '-f', file);
    expect(refused).toMatchObject({ code: 2, err: expect.stringContaining('auto.yaml:3:') });
  });

  it('lists and gets in every form', async () => {
    await home.settled('web');
    await home.settled('auto');
    expect(await home.ok('app', 'list')).toMatch(/^NAME +SYNC +HEALTH .*\nauto +Synced +Healthy .*\nweb +Synced +Healthy .*\n$/);
    expect(await home.ok('app', 'list', '-o', 'wide')).toContain(url());
    expect(await home.ok('app', 'list', '-o', 'name', '-l', 'team=shop')).toBe('application/auto\n');
    expect(await home.ok('app', 'list', '-o', 'name', '--sync', 'OutOfSync')).toBe('');
    expect((await json<{ items: Application[] }>('app', 'list')).items.map(({ metadata }) => metadata.name)).toEqual(['auto', 'web']);
    expect(await home.ok('app', 'get', 'web', '-o', 'yaml')).toMatch(/^apiVersion: argoproj.io\/v1alpha1\nkind: Application\n/);
    const shown = await home.ok('app', 'get', 'web');
    expect(shown).toMatch(/^Sync: +Synced to /m);
    expect(shown).toMatch(/^Deployment\/web +Synced +Healthy.*\n  ReplicaSet\/web-\S+ +Healthy.*\n    Pod\/web-/m);
    expect(await home.ok('app', 'manifests', 'web')).toMatch(/^kind: Deployment$/m);
    expect((await home.cli('app', 'logs', 'web', '--tail', '5')).code).toBe(0);
  });

  it('tells drift by exit code and by field, live, Git, cause and owner', async () => {
    expect(await home.cli('app', 'diff', 'web')).toEqual({ code: 0, out: '', err: '' });
    await edit('web', 'by hand');
    const diff = await eventually(
      'the drift is seen',
      () => home.cli('app', 'diff', 'web'),
      ({ code }) => code === 1,
    );
    expect(diff.out).toMatch(/^ConfigMap\/shop\/web\n  \.data\.value: "by hand" -> "2"   \(edited manually: kubectl-edit, \S+\)\n$/);
    expect((await home.cli('app', 'diff', 'none')).code).toBe(2);
    await home.ok('app', 'sync', 'web', '--resource', ':ConfigMap:web');
    expect(await valueOf('web')).toBe('2');
  });

  it('lists and runs actions of resources', async () => {
    const target = ['--group', 'apps', '--kind', 'Deployment', '--namespace', 'shop', '--resource-name', 'web'];
    expect(await home.ok('app', 'actions', 'list', 'web', ...target)).toMatch(
      /^ACTION +POSSIBLE +PARAMETERS\nrestart +yes.*\npause +yes.*\nresume +no.*\nscale +yes +replicas\n$/,
    );
    expect(await home.ok('app', 'actions', 'run', 'web', 'restart', ...target)).toBe('Deployment/web: restart done\n');
    const refused = await home.cli('app', 'actions', 'run', 'web', 'scale', ...target, '--param', 'replicas=many');
    expect(refused).toMatchObject({ code: 2, err: expect.stringContaining('invalid number: many') });
    const missing = await home.cli('app', 'actions', 'list', 'web', '--kind', 'Secret', '--resource-name', 'argocd-secret', '--namespace', 'argocd');
    expect(missing).toMatchObject({ code: 2, err: expect.stringContaining('has no resource') });
  });

  it('rolls back and stays there until the next commit', async () => {
    await home.settled('auto', await repo.commit({ 'auto/map.yaml': configMap('auto', 'bad') }));
    expect(await home.ok('app', 'history', 'auto')).toMatch(/^ID +DATE +REVISION +BY\n0 .*\n1 .* automated\n$/);
    await home.ok('app', 'rollback', 'auto', '0', '--reason', 'it is bad', '--timeout', '20');
    expect(await valueOf('auto')).toBe('1');
    expect(await home.ok('app', 'get', 'auto', '--hard-refresh')).toMatch(/^Automation: +on, prune, self-heal \(pinned after a rollback\)$/m);
    await edit('auto', 'drift');
    await becomes('auto', '1');
    await repo.commit({ 'auto/map.yaml': configMap('auto', 'good') });
    await becomes('auto', 'good');
    expect((await json<Application>('app', 'get', 'auto')).metadata.annotations?.['tiphys.dev/pin']).toBeUndefined();
  });

  it('keeps escape sequences of a repository off the terminal', async () => {
    const evil = `apiVersion: v1\nkind: ConfigMap\nmetadata: {name: evil, annotations: {a: "\\e]0;owned\\a"}}\ndata: {value: "\\e[2Jcleared"}\n`;
    await repo.commit({ 'evil/map.yaml': evil, [`broken/${ESCAPE}[31m.yaml`]: 'apiVersion: v1\nkind: {\n' });
    for (const name of ['evil', 'broken']) await home.ok('app', 'create', name, '--repo', url(), '--path', name, '--dest-namespace', 'shop');
    await eventually(
      'broken is told',
      () => home.application('broken'),
      ({ status }) => (status?.conditions ?? []).length > 0,
    );
    const shown = await Promise.all(['get', 'plan', 'diff', 'manifests'].flatMap((verb) => [home.cli('app', verb, 'evil'), home.cli('app', verb, 'broken')]));
    await home.ok('app', 'sync', 'evil');
    await edit('evil', `${ESCAPE}[31mlive`);
    shown.push(await home.cli('app', 'diff', 'evil'), await home.cli('app', 'list', '-o', 'wide'));
    expect(shown.map(({ out, err }) => out + err).join('')).not.toContain(ESCAPE);
    expect(shown.some(({ out }) => out.includes('cleared'))).toBe(true);
  });

  it('deletes with and without the resources', async () => {
    expect(await home.ok('app', 'delete', 'auto')).toContain('is being deleted with its resources');
    await eventually(
      'its object is gone',
      () => getConfigMap(client, 'auto'),
      (map) => map === undefined,
    );
    expect(await home.ok('app', 'delete', 'web', '--no-cascade')).toContain('its resources stay');
    await eventually(
      'it is gone',
      () => home.cli('app', 'get', 'web'),
      ({ code }) => code === 2,
    );
    expect(await valueOf('web')).toBe('2');
  });
});

describe('tiphys', () => {
  it('knows repositories and clusters', async () => {
    expect(await home.ok('repo', 'add', 'https://git.invalid/x.git', '--username', 'u')).toContain('added');
    expect(await home.ok('repo', 'list')).toMatch(/^REPO +STATUS .*\n(.*\n)*http:\/\/127\.0\.0\.1:\d+\/shop\/\.git +Successful/);
    expect(await home.ok('cluster', 'list')).toMatch(/^SERVER .*\nhttps:\/\/kubernetes\.default\.svc +in-cluster +Successful/);
    expect(await home.ok('project', 'list', '-o', 'name')).toBe('default\n');
  });

  it('explains itself and mistakes', async () => {
    expect(await home.ok('--help')).toMatch(/Commands:[\s\S]*up \[options\][\s\S]*app /);
    expect(await home.cli('plan')).toMatchObject({ code: 2, err: expect.stringContaining('Did you mean plane?') });
    expect(await home.cli('app', 'get', 'web', '-o', 'xml')).toMatchObject({ code: 2, err: expect.stringContaining('json, yaml') });
    expect(await home.cli('app', 'get', 'none')).toMatchObject({ code: 2, err: expect.stringMatching(/^error: application none: not found\nhint: /) });
    expect(await home.cli('app', 'list', '--server', 'http://127.0.0.1:1', '--token', 'x')).toMatchObject({
      code: 2,
      err: expect.stringMatching(/cannot be reached.*\nhint: /),
    });
    expect(await home.cli('up', '--poll-interval', 'often')).toMatchObject({ code: 2, err: expect.stringContaining('must be a duration') });
  });
});

import { mkdir, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Application, AppProject } from '@tiphys/delivery-applications';
import type { KubeClient } from '@tiphys/kube-client';
import { createGitRepo, runTiphys, startGitServer, type GitRepo, type GitServer } from '@tiphys/testkit';
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

  it('changes parts of the spec, by flags, by patch and in an editor', async () => {
    const spec = async (): Promise<Application['spec']> => (await json<Application>('app', 'get', 'web')).spec;
    const flags = [
      '--sync-option',
      'Validate=false',
      '--sync-option',
      '!CreateNamespace=true',
      '--sync-retry-limit',
      '-1',
      '--sync-retry-backoff-duration',
      '2s',
    ];
    expect(await home.ok('app', 'set', 'web', ...flags, '-p', 'a=1', '-p', 'b=2', '--values', 'v.yaml', '--revision-history-limit', '3')).toBe(
      'application/web changed\n',
    );
    expect(await spec()).toMatchObject({
      source: {
        helm: {
          parameters: [
            { name: 'a', value: '1' },
            { name: 'b', value: '2' },
          ],
          valueFiles: ['v.yaml'],
        },
      },
      syncPolicy: { syncOptions: ['Validate=false'], retry: { limit: -1, backoff: { duration: '2s' } } },
      revisionHistoryLimit: 3,
    });
    expect(await home.ok('app', 'unset', 'web', '-p', 'a', '-p', 'b', '--values', 'v.yaml')).toBe('application/web changed\n');
    expect((await spec()).source).not.toHaveProperty('helm');
    expect(await home.ok('app', 'unset', 'web', '-p', 'a')).toBe('application/web unchanged\n');
    await home.ok('app', 'patch', 'web', '--patch', '[{"op":"remove","path":"/spec/syncPolicy/retry"}]');
    await home.ok(
      'app',
      'patch',
      'web',
      '--type',
      'merge',
      '--patch',
      '{"metadata":{"labels":{"team":"web"}},"spec":{"syncPolicy":{"syncOptions":["CreateNamespace=true"]}}}',
    );
    expect(await home.cli('app', 'patch', 'web', '--type', 'merge', '--patch', '{"spec":{"source":{"repoURL":""}}}')).toMatchObject({
      code: 2,
      err: expect.stringContaining('spec.source.repoURL'),
    });
    expect((await spec()).syncPolicy).toEqual({ syncOptions: ['CreateNamespace=true'] });
    const editor = path.join(home.folder, 'editor.mjs');
    await writeFile(
      editor,
      `import { readFileSync, writeFileSync } from 'node:fs'; const f = process.argv[2]; writeFileSync(f, readFileSync(f, 'utf8') + 'info: [{name: a, value: b}]\\n');`,
    );
    const edit = (command: string) => runTiphys(['app', 'edit', 'web'], { home: home.folder, env: { EDITOR: command } });
    expect(await edit('no-such-editor')).toMatchObject({ code: 2, err: expect.stringContaining('cannot be started') });
    expect(await edit(`${process.execPath} ${editor}`)).toMatchObject({ code: 0, out: 'application/web changed\n' });
    expect(await spec()).toMatchObject({ info: [{ name: 'a', value: 'b' }] });
  });

  it('syncs what is chosen, by name, label and pattern', async () => {
    expect(await home.ok('app', 'resources', 'web')).toMatch(/^GROUP +KIND +NAMESPACE +NAME +STATUS +HEALTH\n.*ConfigMap +shop +web +Synced/m);
    expect(await home.ok('app', 'sync', 'web', '--resource', '*:*:*', '--resource', '!apps:Deployment:web')).toMatch(
      /^Sync +0 +Synced +ConfigMap\/web.*\nSucceeded: /m,
    );
    expect((await home.cli('app', 'sync', 'web', '--resource', '*:Secret:*')).err).toContain('application/web: no resource matches');
    const synced = await home.ok('app', 'sync', '-l', 'team=web', '--info', 'ticket=7', '--strategy', 'apply');
    expect(synced).toMatch(/Synced +Deployment\/web/);
    expect((await home.application('web')).status?.operationState?.operation).toMatchObject({ info: [{ name: 'ticket', value: '7' }] });
  });

  it('compares to and deploys a folder of this machine', async () => {
    const folder = path.join(home.folder, 'mine');
    await mkdir(folder, { recursive: true });
    await writeFile(path.join(folder, 'map.yaml'), configMap('web', 'mine'));
    const diff = await home.cli('app', 'diff', 'web', '--local', folder);
    expect(diff).toMatchObject({ code: 1, out: expect.stringMatching(/ConfigMap\/shop\/web\n {2}\.data\.value: "2" -> "mine"/) });
    await home.ok('app', 'sync', 'web', '--local', folder);
    expect(await valueOf('web')).toBe('mine');
    expect((await home.cli('app', 'sync', 'auto', '--local', folder)).err).toContain('cannot sync local manifests while automated sync is on');
    await home.ok('app', 'sync', 'web');
    expect(await valueOf('web')).toBe('2');
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

describe('tiphys proj', () => {
  it('creates, shows, changes and deletes', async () => {
    expect(await home.ok('proj', 'create', 'team', '-s', '*', '-d', '*,shop', '--description', 'ours')).toBe('project/team created\n');
    expect(await home.cli('proj', 'create', 'team')).toMatchObject({ code: 2, err: expect.stringContaining('already exists') });
    await home.ok('proj', 'add-source', 'team', 'https://host/x');
    await home.ok('proj', 'add-destination', 'team', '*', 'other');
    await home.ok('proj', 'deny-namespace-resource', 'team', '""', 'Secret');
    await home.ok('proj', 'allow-cluster-resource', 'team', '""', 'Namespace');
    expect(await home.ok('project', 'get', 'team')).toMatch(/^Destinations: +\*,shop \*,other$/m);
    expect((await json<AppProject>('proj', 'get', 'team')).spec).toMatchObject({
      sourceRepos: ['*', 'https://host/x'],
      clusterResourceWhitelist: [{ group: '', kind: 'Namespace' }],
      namespaceResourceBlacklist: [{ group: '', kind: 'Secret' }],
    });
    expect(await home.cli('proj', 'remove-source', 'team', 'https://host/y')).toMatchObject({ code: 2 });
    expect(await home.ok('proj', 'list')).toMatch(/^team +\*,https:\/\/host\/x/m);
  });

  it('keeps windows', async () => {
    await home.ok('proj', 'windows', 'add', 'team', '--kind', 'deny', '--schedule', '* * * * *', '--duration', '1h', '--applications', '*');
    await home.ok('proj', 'windows', 'add', 'team', '--kind', 'allow', '--schedule', '0 0 1 1 *', '--duration', '1m', '--namespaces', 'x');
    expect(await home.cli('proj', 'windows', 'add', 'team', '--kind', 'maybe', '--schedule', 'x', '--duration', '1m')).toMatchObject({ code: 2 });
    await home.ok('proj', 'windows', 'enable-manual-sync', 'team', '0');
    await home.ok('proj', 'windows', 'update', 'team', '1', '--duration', '2m');
    expect(await home.ok('proj', 'windows', 'list', 'team')).toMatch(
      /^0 +Active +deny +\* \* \* \* \* +1h +\* +- +- +Enabled +UTC\n1 +Inactive +allow +0 0 1 1 \* +2m +- +x +- +Disabled/m,
    );
    await home.ok('proj', 'windows', 'delete', 'team', '0');
    expect((await json<{ items: object[] }>('proj', 'windows', 'list', 'team')).items).toHaveLength(1);
    await home.ok('proj', 'delete', 'team');
    expect(await home.cli('proj', 'get', 'team')).toMatchObject({ code: 2, err: expect.stringContaining('not found') });
    expect(await home.cli('proj', 'delete', 'default')).toMatchObject({ code: 2 });
  });
});

import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import path from 'node:path';
import { applicationType, type Application } from '@tiphys/delivery-applications';
import { applicationSetType, type ApplicationSet } from '@tiphys/delivery-applicationsets';
import { builtin, isStatus, type KubeObject } from '@tiphys/kube-model';
import { createGitRepo, type GitRepo } from '@tiphys/testkit';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { configMap, createRig, eventually, signal, type Rig, type RunningController } from './delivery-harness.ts';

let rig: Rig;
let repo: GitRepo;
let running: RunningController;

beforeAll(async () => {
  rig = await createRig();
  repo = await createGitRepo(path.join(rig.folder, 'repo'));
  running = await rig.start({ pollIntervalMs: 1000 });
});
afterAll(async () => {
  await rig[Symbol.asyncDispose]();
});

const set = (name: string, spec: object, metadata: object = {}): KubeObject =>
  ({ apiVersion: 'argoproj.io/v1alpha1', kind: 'ApplicationSet', metadata: { name, namespace: 'argocd', ...metadata }, spec }) as unknown as KubeObject;
const template = (name: string, source: object, more: object = {}) => ({
  metadata: { name },
  spec: {
    project: 'default',
    source: { repoURL: repo.directory, targetRevision: 'main', ...source },
    destination: { server: 'https://kubernetes.default.svc', namespace: 'default' },
    syncPolicy: { automated: { prune: true, selfHeal: true } },
    ...more,
  },
});
const owned = async (name: string): Promise<readonly Application[]> =>
  (await rig.client.list<Application>(applicationType, { namespace: 'argocd', signal: signal() })).items.filter(({ metadata }) =>
    (metadata.ownerReferences ?? []).some((owner) => owner.name === name),
  );
const states = async (name: string) =>
  (await owned(name)).map(({ metadata, status }) => `${metadata.name} ${status?.sync?.status} ${status?.health?.status}`).toSorted();
const read = (name: string) => rig.client.get<ApplicationSet>(applicationSetType, { namespace: 'argocd', name }, { signal: signal() });
const conditionOf = async (name: string, type: string) => (await read(name)).status?.conditions?.find((condition) => condition.type === type);

describe('a set over the folders of a repository', () => {
  it('makes an application of each, follows commits, and takes away what is gone with everything it deployed', async () => {
    await repo.commit({ 'apps/one/cm.yaml': configMap('one', '1'), 'apps/two/cm.yaml': configMap('two', '2') });
    const git = { repoURL: repo.directory, revision: 'main', directories: [{ path: 'apps/*' }] };
    await rig.client.create(
      applicationSetType,
      set('folders', { goTemplate: true, generators: [{ git }], template: template('f-{{ .path.basename }}', { path: '{{ .path.path }}' }) }),
      { signal: signal() },
    );
    await eventually(
      'both are Synced and Healthy',
      () => states('folders'),
      (all) => JSON.stringify(all) === '["f-one Synced Healthy","f-two Synced Healthy"]',
      20_000,
    );
    await repo.commit({ 'apps/three/cm.yaml': configMap('three', '3'), 'apps/one/cm.yaml': null });
    await eventually(
      'the third came and the first went',
      () => states('folders'),
      (all) => JSON.stringify(all) === '["f-three Synced Healthy","f-two Synced Healthy"]',
      20_000,
    );
    await eventually(
      'what the first deployed is gone',
      () =>
        rig.client
          .get(builtin('v1', 'ConfigMap'), { namespace: 'default', name: 'one' }, { signal: signal() })
          .catch((error: unknown) => isStatus(error, 'NotFound')),
      (found) => found === true,
    );
    const { status } = await eventually(
      'the status tells',
      () => read('folders'),
      ({ status: is }) => is?.resourcesCount === 2,
    );
    expect(status?.conditions?.map(({ type, status: is }) => `${type} ${is}`)).toEqual([
      'ErrorOccurred False',
      'ParametersGenerated True',
      'ResourcesUpToDate True',
    ]);
  });

  it('puts back what somebody changed, and keeps what belongs to people', async () => {
    const name = { namespace: 'argocd', name: 'f-two' };
    await rig.client.patch(applicationType, name, { metadata: { labels: { stray: '1' } }, spec: { project: 'other' } }, { type: 'merge', signal: signal() });
    await eventually(
      'the change is gone',
      () => rig.client.get<Application>(applicationType, name, { signal: signal() }),
      ({ spec, metadata }) => spec.project === 'default' && metadata.labels?.['stray'] === undefined,
    );
  });

  it('changes nothing while its repository cannot be read', async () => {
    await rig.client.patch(
      applicationSetType,
      { namespace: 'argocd', name: 'folders' },
      [{ op: 'replace', path: '/spec/generators/0/git/revision', value: 'gone' }],
      { type: 'json', signal: signal() },
    );
    await eventually(
      'the set says why',
      () => conditionOf('folders', 'ErrorOccurred'),
      (condition) => condition?.message.includes("unable to resolve 'gone'") === true,
    );
    expect((await owned('folders')).map(({ metadata }) => metadata.name)).toHaveLength(2);
  });

  it('goes with its applications', async () => {
    await rig.client.delete(applicationSetType, { namespace: 'argocd', name: 'folders' }, { signal: signal() });
    await eventually(
      'all are gone',
      () => owned('folders'),
      (all) => all.length === 0,
      20_000,
    );
  });
});

it('tells which applications are not fit, and writes the others', async () => {
  const elements = [
    { name: 'fit', project: 'default' },
    { name: 'unfit', project: 'missing' },
    { name: 'twice', project: 'default' },
    { name: 'twice', project: 'default' },
  ];
  await rig.client.create(
    applicationSetType,
    set('mixed', { generators: [{ list: { elements } }], template: template('{{name}}', { path: 'apps/two' }, { project: '{{project}}' }) }),
    { signal: signal() },
  );
  const condition = await eventually(
    'the set says so',
    () => conditionOf('mixed', 'ErrorOccurred'),
    (found) => found?.status === 'True',
  );
  expect(condition?.message).toContain("application unfit: application references project 'missing' which does not exist");
  expect(condition?.message).toContain('application twice: is generated more than once');
  expect((await owned('mixed')).map(({ metadata }) => metadata.name)).toEqual(['fit']);
});

it('holds the removal of many until exactly these are approved', async () => {
  const elements = Array.from({ length: 12 }, (_, index) => ({ name: `many-${index}` }));
  const spec = (list: readonly object[]) => ({
    generators: [{ list: { elements: list } }],
    template: template('{{name}}', { path: 'apps/two' }, { syncPolicy: {} }),
  });
  await rig.client.create(applicationSetType, set('many', spec(elements)), { signal: signal() });
  await eventually(
    'twelve are there',
    () => owned('many'),
    (all) => all.length === 12,
  );
  await rig.client.patch(applicationSetType, { namespace: 'argocd', name: 'many' }, { spec: spec([]) }, { type: 'merge', signal: signal() });
  const held = await eventually(
    'the removal is held',
    () => conditionOf('many', 'ResourcesUpToDate'),
    (condition) => condition?.reason === 'RemovalsHeld',
  );
  expect(await owned('many')).toHaveLength(12);
  const digest = /([0-9a-f]{12})$/.exec(held?.message ?? '')?.[1];
  await rig.client.patch(
    applicationSetType,
    { namespace: 'argocd', name: 'many' },
    { metadata: { annotations: { 'tiphys.dev/approve-removals': digest } } },
    { type: 'merge', signal: signal() },
  );
  await eventually(
    'they are gone',
    () => owned('many'),
    (all) => all.length === 0,
    20_000,
  );
});

it('previews without writing', async () => {
  const spec = { generators: [{ list: { elements: [{ name: 'seen' }] } }], template: template('{{name}}', { path: 'x' }) };
  const { wanted, problems } = await running.controller.sets.preview(set('preview', spec) as ApplicationSet, signal());
  expect([wanted.map(({ metadata }) => metadata.name), problems]).toEqual([['seen'], []]);
  expect(await owned('preview')).toEqual([]);
});

describe('a rolling sync', () => {
  it('syncs step by step, the next only when the one before is healthy', async () => {
    await repo.commit({ 'roll/cm.yaml': 'apiVersion: v1\nkind: ConfigMap\nmetadata: {name: roll, annotations: {v: "1"}}\n' });
    const steps = [
      { matchExpressions: [{ key: 'env', operator: 'In', values: ['dev'] }] },
      { matchExpressions: [{ key: 'env', operator: 'In', values: ['prod'] }] },
    ];
    const elements = [{ env: 'dev' }, { env: 'prod' }];
    const rolled = template('roll-{{env}}', { path: 'roll' });
    const namespaced = {
      ...rolled,
      metadata: { name: 'roll-{{env}}', labels: { env: '{{env}}' } },
      spec: {
        ...rolled.spec,
        destination: { ...rolled.spec.destination, namespace: '{{env}}' },
        syncPolicy: { automated: { prune: true }, syncOptions: ['CreateNamespace=true'] },
      },
    };
    await rig.client.create(
      applicationSetType,
      set('roll', { strategy: { type: 'RollingSync', rollingSync: { steps } }, generators: [{ list: { elements } }], template: namespaced }),
      { signal: signal() },
    );
    await eventually(
      'both are Synced and Healthy',
      () => states('roll'),
      (all) => JSON.stringify(all) === '["roll-dev Synced Healthy","roll-prod Synced Healthy"]',
      30_000,
    );
    const finished = Object.fromEntries(
      (await owned('roll')).map(({ metadata, status }) => [
        metadata.name,
        { from: status?.operationState?.startedAt ?? '', to: status?.operationState?.finishedAt ?? '' },
      ]),
    );
    expect((finished['roll-prod']?.from ?? '') >= (finished['roll-dev']?.to ?? 'z')).toBe(true);
    const done = await eventually(
      'the rollout is done',
      () => read('roll'),
      ({ status }) => status?.applicationStatus?.every(({ status: is }) => is === 'Healthy') === true,
    );
    expect(done.status?.applicationStatus?.map(({ application, step }) => `${application} ${step}`)).toEqual(['roll-dev 1', 'roll-prod 2']);
    expect((await owned('roll')).every(({ spec }) => spec.syncPolicy?.automated === undefined)).toBe(true);
  });
});

describe('generators of forges', () => {
  let forge: Server;
  let url: string;
  const asked: string[] = [];
  // Answers as the documented APIs do, two items a page.
  const pages = (all: readonly unknown[], at: URL) => {
    const page = Number(at.searchParams.get('page') ?? '1');
    const next = new URL(at);
    next.searchParams.set('page', String(page + 1));
    return { body: all.slice((page - 1) * 2, page * 2), link: page * 2 < all.length ? `<${next.href}>; rel="next"` : undefined };
  };
  const repository = (name: string, archived = false) => ({
    id: 1,
    name,
    path: name,
    owner: { login: 'team' },
    namespace: { full_path: 'team' },
    default_branch: 'main',
    archived,
    topics: name === 'web' ? ['deploy'] : [],
    clone_url: `https://forge/${name}.git`,
    ssh_url: `git@forge:${name}.git`,
    http_url_to_repo: `https://forge/${name}.git`,
    ssh_url_to_repo: `git@forge:${name}.git`,
  });
  const branches = [
    { name: 'main', commit: { sha: 'a'.repeat(40), id: 'a'.repeat(40) } },
    { name: 'next', commit: { sha: 'b'.repeat(40), id: 'b'.repeat(40) } },
  ];
  const pull = (number: number, title: string, labels: readonly string[]) => ({
    number,
    iid: number,
    title,
    head: { ref: `feature/${title}`, sha: 'c'.repeat(40) },
    base: { ref: 'main' },
    source_branch: `feature/${title}`,
    target_branch: 'main',
    sha: 'c'.repeat(40),
    user: { login: 'ann' },
    author: { username: 'ann' },
    labels: labels.map((name) => ({ name })),
  });
  const answers: readonly (readonly [RegExp, (at: URL) => readonly unknown[] | undefined])[] = [
    [/^\/(api\/v1\/)?orgs\/team\/repos$|^\/api\/v4\/groups\/team\/projects$/, () => [repository('api'), repository('web'), repository('old', true)]],
    [/\/branches$/, () => branches],
    [/^\/(api\/v1\/)?repos\/team\/(api|web|old)\/contents\/deploy$/, (at) => (at.pathname.includes('/web/') ? [] : undefined)],
    [/\/repository\/tree$/, () => [{ path: 'deploy' }]],
    [/^(?!\/nowhere).*\/pulls$/, () => [pull(1, 'one', ['preview']), pull(2, 'two', []), pull(3, 'three', ['preview'])]],
    [/\/merge_requests$/, () => [{ ...pull(4, 'four', []), labels: ['preview'] }]],
  ];
  beforeAll(async () => {
    forge = createServer((request, response) => {
      const at = new URL(request.url ?? '/', url);
      asked.push(`${at.pathname} ${request.headers.authorization ?? request.headers['private-token'] ?? ''}`);
      const found = answers.find(([pattern]) => pattern.test(at.pathname))?.[1](at);
      const { body, link } = pages(found ?? [], at);
      response.writeHead(found === undefined ? 404 : 200, link === undefined ? {} : { link });
      response.end(JSON.stringify(body));
    });
    await new Promise<void>((resolve) => forge.listen(0, '127.0.0.1', resolve));
    url = `http://127.0.0.1:${(forge.address() as AddressInfo).port}`;
    await rig.client.create(
      builtin('v1', 'Secret'),
      { apiVersion: 'v1', kind: 'Secret', metadata: { name: 'forge', namespace: 'argocd' }, stringData: { token: 'hush' } } as KubeObject,
      { signal: signal() },
    );
    await eventually(
      'the Secret is known',
      () => preview([{ scmProvider: { github: { organization: 'team', api: url, tokenRef } } }], '{{repository}}').catch(() => []),
      (found) => found.length > 0,
    );
  });
  afterAll(() => {
    forge.closeAllConnections();
    forge.close();
  });
  const tokenRef = { secretName: 'forge', key: 'token' };
  const preview = async (generators: readonly object[], name: string) =>
    (await running.controller.sets.preview(set('p', { generators, template: template(name, { path: 'x' }) }) as ApplicationSet, signal())).wanted.map(
      ({ metadata }) => metadata.name,
    );

  it.each([
    ['github', { organization: 'team', excludeArchivedRepos: true }, 'Bearer hush'],
    ['gitea', { owner: 'team', excludeArchivedRepos: true }, 'token hush'],
    ['gitlab', { group: 'team' }, 'hush'],
  ])('%s: repositories of a group, page by page, at their default or all branches', async (kind, block, authorization) => {
    asked.length = 0;
    const names = await preview([{ scmProvider: { [kind]: { api: url, tokenRef, ...block } } }], '{{repository}}-{{branch}}-{{short_sha_7}}');
    expect(names.slice(0, 2)).toEqual(['api-main-aaaaaaa', 'web-main-aaaaaaa']);
    expect(asked.every((line) => line.endsWith(authorization))).toBe(true);
    const all = await preview(
      [{ scmProvider: { [kind]: { api: url, tokenRef, allBranches: true, ...block }, filters: [{ repositoryMatch: '^web$', branchMatch: 'next' }] } }],
      '{{repository}}-{{branch}}',
    );
    expect(all).toEqual(['web-next']);
    expect(
      await preview(
        [{ scmProvider: { [kind]: { api: url, tokenRef, ...block }, filters: [{ labelMatch: 'depl', pathsExist: ['deploy'] }] } }],
        '{{repository}}',
      ),
    ).toEqual(['web']);
  });

  it.each([
    ['github', { owner: 'team', repo: 'web', labels: ['preview'] }, ['pr-1-feature-one', 'pr-3-feature-three']],
    ['gitea', { owner: 'team', repo: 'web', labels: ['preview'] }, ['pr-1-feature-one', 'pr-3-feature-three']],
    ['gitlab', { project: 'team/web', labels: ['preview'] }, ['pr-4-feature-four']],
  ])('%s: open requests with labels, filtered', async (kind, block, wanted) => {
    expect(await preview([{ pullRequest: { [kind]: { api: url, tokenRef, ...block } } }], 'pr-{{number}}-{{branch_slug}}')).toEqual(wanted);
    expect(await preview([{ pullRequest: { [kind]: { api: url, tokenRef, ...block }, filters: [{ branchMatch: 'none' }] } }], 'pr-{{number}}')).toEqual([]);
  });

  it('tell a forge that fails, and may be told to go on without a repository', async () => {
    const missing = { github: { owner: 'team', repo: 'web', api: `${url}/nowhere`, tokenRef } };
    await expect(preview([{ pullRequest: missing }], 'x')).rejects.toMatchObject({
      detail: { code: 'source' },
      message: expect.stringContaining('answered 404'),
    });
    expect(await preview([{ pullRequest: { ...missing, continueOnRepoNotFoundError: true } }], 'x')).toEqual([]);
    await expect(preview([{ scmProvider: { bitbucket: {} } }], 'x')).rejects.toThrow('bitbucket is not supported yet');
  });
});

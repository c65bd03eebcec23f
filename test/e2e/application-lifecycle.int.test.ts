import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { applicationType, projectType, type Application, type AppProject } from '@tiphys/delivery-applications';
import { builtin, isStatus, type KubeObject } from '@tiphys/kube-model';
import { CONFIG_MAPS, configMap, eventually, getConfigMap, signal } from './delivery-harness.ts';
import { createSteps, NAMESPACES, options, type Steps } from './delivery-steps.ts';

const JOBS = builtin('batch/v1', 'Job');
const CASCADE = 'resources-finalizer.argocd.argoproj.io';
let steps: Steps;

beforeAll(async () => {
  steps = await createSteps({ applicationNamespaces: ['team-*'] });
});
afterAll(() => steps[Symbol.asyncDispose]());

const isGone = (name: string): Promise<boolean> =>
  steps.app(name).then(
    () => false,
    (error: unknown) => isStatus(error, 'NotFound'),
  );
const gone = (name: string): Promise<boolean> => eventually(`application ${name} is gone`, () => isGone(name), Boolean);
const remove = (name: string): Promise<unknown> => steps.rig.client.delete(applicationType, { name, namespace: 'argocd' }, { signal: signal() });
const deletionHook = (name: string, phase: string, more = ''): string =>
  `apiVersion: batch/v1\nkind: Job\nmetadata:\n  name: ${name}\n  annotations: {argocd.argoproj.io/hook: ${phase}${more}}\nspec:\n  backoffLimit: 0\n  template:\n    metadata: {annotations: {tiphys.dev/simulate: "${more.includes('fails') ? 'fail' : ''}"}}\n    spec: {restartPolicy: Never, containers: [{name: c, image: x}]}\n`;
const project = (name: string, spec: object, metadata: object = {}): Promise<KubeObject> =>
  steps.rig.client.create<AppProject>(
    projectType,
    {
      apiVersion: 'argoproj.io/v1alpha1',
      kind: 'AppProject',
      metadata: { name, namespace: 'argocd', ...metadata },
      spec: { sourceRepos: ['*'], destinations: [{ server: '*', namespace: '*' }], ...spec },
    },
    { signal: signal() },
  );
const hasCondition = (app: Application, type: string, text: string): boolean =>
  app.status?.conditions?.some((condition) => condition.type === type && condition.message.includes(text)) === true;

describe('deletion', () => {
  it('leaves the objects where no finalizer asks for them', async () => {
    await steps.push({ 'orphaned/a.yaml': configMap('orphaned', '1') });
    await steps.create('orphaned');
    await steps.sync('orphaned');
    await remove('orphaned');
    await gone('orphaned');
    expect(await getConfigMap(steps.rig.client, 'orphaned')).toBeDefined();
  });

  it('goes by waves backwards, and keeps what says Delete=false or helm keep', async () => {
    await steps.push({
      'waves/a.yaml': configMap('waves-first', '1', 'argocd.argoproj.io/sync-wave: "-1"'),
      'waves/b.yaml': configMap('waves-last', '1', 'argocd.argoproj.io/sync-wave: "5"'),
      'waves/c.yaml': configMap('waves-kept', '1', options('Delete=false')),
      'waves/d.yaml': configMap('waves-helm', '1', 'helm.sh/resource-policy: keep'),
      'waves/e.json': deletionHook('waves-pre', 'PreSync'),
    });
    await steps.create('waves', {}, { finalizers: [CASCADE] });
    await steps.sync('waves');
    const order: string[] = [];
    const stop = new AbortController();
    const watching = (async () => {
      for await (const event of steps.rig.client.watch(CONFIG_MAPS, { namespace: 'shop', signal: stop.signal }))
        if (event.type === 'DELETED') order.push(event.object.metadata.name ?? '');
    })();
    await remove('waves');
    await gone('waves');
    stop.abort();
    await watching;
    expect(order.filter((name) => name.startsWith('waves-'))).toEqual(['waves-last', 'waves-first']);
    expect(await getConfigMap(steps.rig.client, 'waves-kept')).toBeDefined();
    expect(await getConfigMap(steps.rig.client, 'waves-helm')).toBeDefined();
    expect(await steps.find(JOBS, 'waves-pre')).toBeUndefined();
  });

  it('asks a person where Delete=confirm is said', async () => {
    await steps.push({ 'confirm/a.yaml': configMap('confirm', '1', options('Delete=confirm')) });
    await steps.create('confirm', {}, { finalizers: [CASCADE] });
    await steps.sync('confirm');
    await steps.until('the status says so', 'confirm', ({ status }) => status?.resources?.[0]?.requiresDeletionConfirmation === true);
    await remove('confirm');
    await steps.until('it asks', 'confirm', (app) => hasCondition(app, 'DeletionError', 'waiting for deletion confirmation of ConfigMap/shop/confirm'));
    expect(await getConfigMap(steps.rig.client, 'confirm')).toBeDefined();
    await steps.patchApp('confirm', { metadata: { annotations: { 'argocd.argoproj.io/deletion-approved': new Date(Date.now() + 1_000).toISOString() } } });
    await gone('confirm');
    expect(await getConfigMap(steps.rig.client, 'confirm')).toBeUndefined();
  });

  it('runs PreDelete hooks before and PostDelete hooks after the objects go', async () => {
    await steps.push({
      'hooks/a.yaml': configMap('hooks', '1'),
      'hooks/pre.yaml': deletionHook('hooks-pre', 'PreDelete'),
      'hooks/post.yaml': deletionHook('hooks-post', 'PostDelete', ', argocd.argoproj.io/hook-delete-policy: HookSucceeded'),
    });
    await steps.create('hooks', {}, { finalizers: [CASCADE] });
    await steps.sync('hooks');
    const { metadata } = await steps.until('its finalizers are there', 'hooks', (app) => (app.metadata.finalizers ?? []).length === 5);
    expect(metadata.finalizers).toEqual([
      CASCADE,
      'pre-delete-finalizer.argocd.argoproj.io',
      'pre-delete-finalizer.argocd.argoproj.io/cleanup',
      'post-delete-finalizer.argocd.argoproj.io',
      'post-delete-finalizer.argocd.argoproj.io/cleanup',
    ]);
    expect(await steps.find(JOBS, 'hooks-pre')).toBeUndefined();
    await remove('hooks');
    await gone('hooks');
    expect(await getConfigMap(steps.rig.client, 'hooks')).toBeUndefined();
    expect(await steps.find(JOBS, 'hooks-pre')).toBeDefined();
    expect(await steps.find(JOBS, 'hooks-post')).toBeUndefined();
  });

  it('takes the finalizers off again when Git has the hooks no more', async () => {
    await steps.push({ 'unhooked/a.yaml': configMap('unhooked', '1'), 'unhooked/pre.yaml': deletionHook('unhooked-pre', 'PreDelete') });
    await steps.create('unhooked');
    await steps.until('they are there', 'unhooked', (app) => (app.metadata.finalizers ?? []).length === 2);
    await steps.push({ 'unhooked/pre.yaml': null });
    await steps.until('they are gone', 'unhooked', (app) => (app.metadata.finalizers ?? []).length === 0);
  });

  it('stops at a PreDelete hook that fails, and goes on when it is taken away', async () => {
    await steps.push({ 'failing/a.yaml': configMap('failing', '1'), 'failing/pre.yaml': deletionHook('failing-pre', 'PreDelete', ', fails: "yes"') });
    await steps.create('failing', {}, { finalizers: [CASCADE] });
    await steps.sync('failing');
    await steps.until('its finalizers are there', 'failing', (app) => (app.metadata.finalizers ?? []).length === 3);
    await remove('failing');
    await steps.until('it says why', 'failing', (app) => hasCondition(app, 'DeletionError', 'PreDelete hook failed'));
    expect(await getConfigMap(steps.rig.client, 'failing')).toBeDefined();
    await steps.patchApp('failing', { metadata: { finalizers: [CASCADE] } });
    await gone('failing');
    expect(await getConfigMap(steps.rig.client, 'failing')).toBeUndefined();
  });

  it('ends a sync that is under way, and lets go of a cluster that is gone', async () => {
    const stuck = `apiVersion: v1\nkind: Pod\nmetadata:\n  name: under-way\n  annotations: {argocd.argoproj.io/hook: PreSync}\nspec:\n  nodeSelector: {no: where}\n  containers: [{name: c, image: x}]\n`;
    await steps.push({ 'under/pod.yaml': stuck, 'under/a.yaml': configMap('under', '1') });
    await steps.create('under', {}, { finalizers: [CASCADE] });
    await steps.start('under');
    await steps.until('the hook runs', 'under', ({ status }) => status?.operationState?.message?.includes('under-way') === true);
    await remove('under');
    await gone('under');
    expect(await getConfigMap(steps.rig.client, 'under')).toBeUndefined();

    await steps.create(
      'nowhere',
      { source: { repoURL: steps.repo.directory, path: 'under' }, destination: { server: 'https://gone.example' } },
      { finalizers: [CASCADE] },
    );
    await remove('nowhere');
    await gone('nowhere');
  });
});

describe('projects', () => {
  it('bound sources, destinations and kinds, at plan and at write', async () => {
    await project('narrow', { destinations: [{ server: '*', namespace: 'shop' }], namespaceResourceBlacklist: [{ group: '', kind: 'Secret' }] });
    await steps.push({ 'narrow/a.yaml': configMap('narrow', '1'), 'narrow/s.yaml': 'apiVersion: v1\nkind: Secret\nmetadata: {name: narrow}\n' });
    await steps.create('narrow', { project: 'narrow' });
    const run = await steps.sync('narrow');
    expect(run.status?.message).toContain("resource Secret is not permitted in project 'narrow'");
    expect(await getConfigMap(steps.rig.client, 'narrow')).toBeUndefined();
    await steps.create('elsewhere', {
      project: 'narrow',
      source: { repoURL: steps.repo.directory, path: 'narrow' },
      destination: { name: 'in-cluster', namespace: 'kube-system' },
    });
    await steps.until('it is refused', 'elsewhere', (app) => hasCondition(app, 'InvalidSpecError', 'do not match any of the allowed destinations'));
  });

  it('get the rules of global projects', async () => {
    await project('global', { namespaceResourceBlacklist: [{ group: '', kind: 'ConfigMap' }] });
    await project('inherits', {}, { labels: { tier: 'prod' } });
    await steps.rig.client.create(
      CONFIG_MAPS,
      {
        apiVersion: 'v1',
        kind: 'ConfigMap',
        metadata: { name: 'argocd-cm', namespace: 'argocd' },
        data: {
          globalProjects: '- projectName: global\n  labelSelector: {matchLabels: {tier: prod}}\n',
          'resource.exclusions': '- kinds: [ServiceAccount]\n',
        },
      } as KubeObject,
      { signal: signal() },
    );
    await steps.push({ 'inherits/a.yaml': configMap('inherits', '1') });
    await steps.create('inherits', { project: 'inherits' });
    expect((await steps.sync('inherits')).status?.message).toContain("resource ConfigMap is not permitted in project 'inherits'");
  });

  it('leave kinds alone that the settings exclude', async () => {
    await steps.push({
      'excluded/a.yaml': configMap('excluded', '1'),
      'excluded/sa.yaml': 'apiVersion: v1\nkind: ServiceAccount\nmetadata: {name: excluded}\n',
    });
    await steps.create('excluded');
    await steps.sync('excluded');
    await steps.until('it says so', 'excluded', (app) => hasCondition(app, 'ExcludedResourceWarning', 'ServiceAccount/excluded'));
    expect(await steps.find(builtin('v1', 'ServiceAccount'), 'excluded')).toBeUndefined();
  });

  it('go only when no application uses them any more', async () => {
    await project('used', {}, { finalizers: [CASCADE] });
    await steps.push({ 'used/a.yaml': configMap('used', '1') });
    await steps.create('used', { project: 'used' });
    await steps.rig.client.delete(projectType, { name: 'used', namespace: 'argocd' }, { signal: signal() });
    expect(await steps.find(projectType, 'used', 'argocd')).toBeDefined();
    await remove('used');
    await eventually(
      'the project is gone',
      () => steps.find(projectType, 'used', 'argocd'),
      (found) => found === undefined,
    );
  });
});

describe('sync windows', () => {
  const always = (kind: string, more: object = {}): object => ({ kind, schedule: '* * * * *', duration: '1h', applications: ['*'], ...more });

  it('hold automation and people until they are gone', async () => {
    await project('closed', { syncWindows: [always('deny')] });
    await steps.push({ 'closed/a.yaml': configMap('closed', '1') });
    await steps.create('closed', { project: 'closed', syncPolicy: { automated: {} } });
    await steps.until('it is compared', 'closed', ({ status }) => status?.sync?.status === 'OutOfSync');
    await expect(steps.start('closed')).rejects.toThrow('blocked by sync window');
    expect(steps.running.controller.runs('closed')).toEqual([]);
    await steps.rig.client.patch(
      projectType,
      { name: 'closed', namespace: 'argocd' },
      { spec: { syncWindows: [always('deny', { manualSync: true })] } },
      { type: 'merge', signal: signal() },
    );
    await eventually(
      'people may sync',
      () => steps.start('closed').then(steps.ended, () => undefined),
      (run) => run?.status?.phase === 'Succeeded',
    );
    await steps.push({ 'closed/a.yaml': configMap('closed', '2') });
    await steps.until('it differs', 'closed', ({ status }) => status?.sync?.status === 'OutOfSync');
    await steps.rig.client.patch(
      projectType,
      { name: 'closed', namespace: 'argocd' },
      { spec: { syncWindows: [always('allow')] } },
      { type: 'merge', signal: signal() },
    );
    await steps.until('automation goes on', 'closed', ({ status }) => status?.sync?.status === 'Synced');
  });

  it('hold an operation that came by the field', async () => {
    await project('field', { syncWindows: [always('deny')] });
    await steps.push({ 'field/a.yaml': configMap('field', '1') });
    await steps.create('field', { project: 'field' });
    await steps.patchApp('field', { operation: { initiatedBy: { username: 'bob' }, sync: {} } });
    await steps.until('it waits', 'field', ({ status }) => status?.operationState?.message?.startsWith('sync operation blocked by sync window') === true);
    await steps.running.controller.terminate('field', signal());
    await steps.until('it ends', 'field', ({ status }) => status?.operationState?.phase === 'Failed');
  });
});

describe('applications', () => {
  it('in other namespaces are known by both names, where project and setting allow it', async () => {
    for (const name of ['team-a', 'other'])
      await steps.rig.client.create(NAMESPACES, { apiVersion: 'v1', kind: 'Namespace', metadata: { name } }, { signal: signal() });
    await project('teams', { sourceNamespaces: ['team-a'] });
    await steps.push({ 'nested/a.yaml': configMap('nested', '1') });
    await steps.create('nested', { project: 'teams', syncPolicy: { automated: { selfHeal: true } } }, { namespace: 'team-a' });
    await eventually(
      'it is synced',
      () => steps.app('nested', 'team-a'),
      ({ status }) => status?.sync?.status === 'Synced' && status.operationState?.phase === 'Succeeded',
    );
    expect((await getConfigMap(steps.rig.client, 'nested'))?.metadata.annotations?.['argocd.argoproj.io/tracking-id']).toBe(
      'team-a_nested:/ConfigMap:shop/nested',
    );
    const [run] = steps.running.controller.runs('team-a_nested');
    expect(run?.metadata).toMatchObject({ namespace: 'argocd', name: expect.stringMatching(/^team-a\.nested-/) as string });

    await steps.create('refused', { project: 'default' }, { namespace: 'team-a' });
    expect(hasCondition(await steps.app('refused', 'team-a'), 'InvalidSpecError', "namespace 'team-a' is not permitted to use project 'default'")).toBe(true);
    await steps.rig.client.create(
      applicationType,
      { apiVersion: 'argoproj.io/v1alpha1', kind: 'Application', metadata: { name: 'unseen', namespace: 'other' }, spec: { project: 'teams' } } as KubeObject,
      { signal: signal() },
    );
    expect(steps.running.controller.applications.get('other_unseen')).toBeUndefined();
  });

  it('are left alone while skip-reconcile is on', async () => {
    await steps.push({ 'skipped/a.yaml': configMap('skipped', '1') });
    await steps.create('skipped', { syncPolicy: { automated: {} } });
    await steps.until('it is synced', 'skipped', ({ status }) => status?.sync?.status === 'Synced');
    await steps.patchApp('skipped', { metadata: { annotations: { 'argocd.argoproj.io/skip-reconcile': 'true' } } });
    await eventually(
      'the annotation is known',
      () => steps.running.controller.applications.get('skipped')?.metadata.annotations?.['argocd.argoproj.io/skip-reconcile'],
      (value) => value === 'true',
    );
    const commit = await steps.push({ 'skipped/a.yaml': configMap('skipped', '2'), 'heeded/a.yaml': configMap('heeded', '1') });
    await steps.create('heeded', { syncPolicy: { automated: {} } });
    await steps.until('another one is synced', 'heeded', ({ status }) => status?.sync?.status === 'Synced' && status.sync.revision === commit);
    expect((await getConfigMap(steps.rig.client, 'skipped'))?.data?.['value']).toBe('1');
    await steps.patchApp('skipped', { metadata: { annotations: { 'argocd.argoproj.io/skip-reconcile': null } } });
    await eventually(
      'it goes on',
      () => getConfigMap(steps.rig.client, 'skipped'),
      (map) => map?.data?.['value'] === '2',
    );
  });

  it('answer the refresh annotation and take it away', async () => {
    await steps.push({ 'refreshed/a.yaml': configMap('refreshed', '1') });
    await steps.create('refreshed');
    await steps.repo.commit({ 'refreshed/a.yaml': configMap('refreshed', '2') });
    await steps.patchApp('refreshed', { metadata: { annotations: { 'argocd.argoproj.io/refresh': 'normal' } } });
    await steps.until('it was looked at', 'refreshed', ({ metadata }) => metadata.annotations?.['argocd.argoproj.io/refresh'] === undefined);
  });

  it('say nothing when nothing changed', async () => {
    await steps.push({ 'quiet/a.yaml': configMap('quiet', '1') });
    await steps.create('quiet');
    await steps.sync('quiet');
    const before = await steps.until(
      'it is synced',
      'quiet',
      ({ status }) => status?.sync?.status === 'Synced' && status.operationState?.phase === 'Succeeded',
    );
    for (let index = 0; index < 3; index += 1) await steps.running.controller.refresh('quiet', { hard: true, signal: signal() });
    await steps.push({ 'noise/a.yaml': configMap('noise', '1') });
    await steps.create('noise');
    const after = await steps.app('quiet');
    expect({ ...after.status, sync: undefined, reconciledAt: '', observedAt: '' }).toEqual({
      ...before.status,
      sync: undefined,
      reconciledAt: '',
      observedAt: '',
    });
  });
});

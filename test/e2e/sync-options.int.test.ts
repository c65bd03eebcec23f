import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { applicationType, type Application, type SyncRun } from '@tiphys/delivery-applications';
import { builtin, fieldAt, type corev1, type KubeObject } from '@tiphys/kube-model';
import { CONFIG_MAPS, configMap, eventually, getApplication, getConfigMap, signal, type Rig } from './delivery-harness.ts';
import { createSteps, NAMESPACES, options, outcomes, type Steps } from './delivery-steps.ts';

const DEPLOYMENTS = builtin('apps/v1', 'Deployment');
const LAST_APPLIED = 'kubectl.kubernetes.io/last-applied-configuration';
let steps: Steps;
let rig: Rig;
const { push, start, sync, find, ended } = {
  push: (files: Record<string, string | null>) => steps.push(files),
  start: (name: string, request: object = {}) => steps.start(name, request),
  sync: (name: string, request: object = {}) => steps.sync(name, request),
  find: (type: typeof CONFIG_MAPS, name: string) => steps.find(type, name),
  ended: (run: SyncRun) => steps.ended(run),
};

beforeAll(async () => {
  steps = await createSteps();
  ({ rig } = steps);
});
afterAll(() => steps[Symbol.asyncDispose]());

const create = (name: string, syncOptions: readonly string[] = [], spec: object = {}): Promise<void> =>
  steps.create(name, { syncPolicy: { syncOptions }, ...spec });
const compared = (name: string, status: 'Synced' | 'OutOfSync'): Promise<Application> =>
  steps.until(`${name} is ${status}`, name, (app) => app.status?.sync?.status === status);

describe('how objects are written', () => {
  it('applies on the server with its own manager, without a last-applied annotation', async () => {
    await push({ 'ssa/map.yaml': configMap('ssa', '1') });
    await create('ssa');
    await sync('ssa');
    const map = await getConfigMap(rig.client, 'ssa');
    expect(map?.metadata.managedFields?.map(({ manager, operation }) => [manager, operation])).toEqual([['tiphys', 'Apply']]);
    expect(map?.metadata.annotations?.[LAST_APPLIED]).toBeUndefined();
  });

  it('merges three ways on its side with ServerSideApply=false: what Git dropped goes, what others added stays', async () => {
    const deployment = (extra: string): string =>
      `apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: csa}\nspec:\n  replicas: 0\n  selector: {matchLabels: {a: csa}}\n  template:\n    metadata: {labels: {a: csa}}\n    spec:\n      containers:\n      - name: c\n        image: x\n${extra}`;
    await push({ 'csa/d.yaml': deployment('        env: [{name: A, value: "1"}, {name: B, value: "2"}]\n') });
    await create('csa', ['ServerSideApply=false']);
    await sync('csa');
    await compared('csa', 'Synced');
    const first = await find(DEPLOYMENTS, 'csa');
    expect(JSON.parse(first?.metadata.annotations?.[LAST_APPLIED] ?? '{}')).toMatchObject({ kind: 'Deployment', spec: { replicas: 0 } });
    await rig.client.patch(
      DEPLOYMENTS,
      { name: 'csa', namespace: 'shop' },
      { metadata: { labels: { theirs: 'x' } }, spec: { template: { spec: { containers: [{ name: 'c', env: [{ name: 'C', value: '3' }] }] } } } },
      { type: 'strategic', signal: signal() },
    );
    await push({ 'csa/d.yaml': deployment('        env: [{name: A, value: "9"}]\n') });
    await compared('csa', 'OutOfSync');
    await sync('csa');
    const after = await find(DEPLOYMENTS, 'csa');
    const [container] = fieldAt(after, 'spec', 'template', 'spec', 'containers') as readonly unknown[];
    expect(fieldAt(container, 'env')).toEqual([
      { name: 'A', value: '9' },
      { name: 'C', value: '3' },
    ]);
    expect(after?.metadata.labels).toEqual({ theirs: 'x' });
    expect(after?.metadata.managedFields?.every(({ operation }) => operation === 'Update')).toBe(true);
    await compared('csa', 'Synced');
  });

  it('never writes the values of a Secret into an annotation', async () => {
    await push({ 'csa-secret/s.yaml': 'apiVersion: v1\nkind: Secret\nmetadata: {name: csa-secret}\nstringData: {a: b}\n' });
    await create('csa-secret', ['ServerSideApply=false']);
    await sync('csa-secret');
    expect((await find(builtin('v1', 'Secret'), 'csa-secret'))?.metadata.annotations?.[LAST_APPLIED]).toBeUndefined();
  });

  it.each([
    ['kubectl-client-side-apply', [], { a: '1' }],
    ['argocd-controller', [], { a: '1' }],
    ['argocd-controller', ['ClientSideApplyMigration=false'], { a: '1', b: '2' }],
  ])('takes over what %s applied with options %j, so that fields Git dropped go', async (fieldManager, syncOptions, data) => {
    const name = `migrate-${fieldManager.slice(0, 4)}-${syncOptions.length}`;
    const live = { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name, namespace: 'shop' }, data: { a: '1', b: '2' } } as KubeObject;
    await rig.client.create(CONFIG_MAPS, live, { fieldManager, signal: signal() });
    await push({ [`${name}/map.yaml`]: `apiVersion: v1\nkind: ConfigMap\nmetadata: {name: ${name}}\ndata: {a: "1"}\n` });
    await create(name, syncOptions);
    await compared(name, 'OutOfSync');
    expect((await sync(name)).status?.phase).toBe('Succeeded');
    expect((await getConfigMap(rig.client, name))?.data).toEqual(data);
    await compared(name, 'Synced');
  });

  it('takes over what Flux applied, and a Secret where ConfigMaps are merged on the client', async () => {
    const secret = { apiVersion: 'v1', kind: 'Secret', metadata: { name: 'migrate-secret', namespace: 'shop' }, data: { a: 'MQ==', b: 'Mg==' } };
    const map = { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'migrate-flux', namespace: 'shop' }, data: { a: '1', b: '2' } };
    const secrets = builtin('v1', 'Secret');
    const flux = { type: 'apply', fieldManager: 'kustomize-controller', signal: signal() } as const;
    await rig.client.patch(CONFIG_MAPS, map.metadata, map, flux);
    await rig.client.patch(secrets, secret.metadata, secret, flux);
    await push({
      'migrate-flux/map.yaml': 'apiVersion: v1\nkind: ConfigMap\nmetadata: {name: migrate-flux}\ndata: {a: "1"}\n',
      'migrate-secret/secret.yaml': 'apiVersion: v1\nkind: Secret\nmetadata: {name: migrate-secret}\ndata: {a: MQ==}\n',
    });
    await create('migrate-flux');
    await create('migrate-secret', ['ServerSideApply=false']);
    for (const name of ['migrate-flux', 'migrate-secret']) {
      expect((await sync(name)).status?.phase).toBe('Succeeded');
      await compared(name, 'Synced');
    }
    expect((await getConfigMap(rig.client, 'migrate-flux'))?.data).toEqual({ a: '1' });
    expect(await find(secrets, 'migrate-secret')).toMatchObject({ data: { a: 'MQ==' } });
    expect(fieldAt(await find(secrets, 'migrate-secret'), 'data', 'b')).toBeUndefined();
  });

  it('replaces with Replace=true on Git or on the live object, recreates with Force=true', async () => {
    await push({ 'replace/map.yaml': configMap('replace', '1', options('Replace=true')) });
    await create('replace');
    await sync('replace');
    await rig.client.patch(CONFIG_MAPS, { name: 'replace', namespace: 'shop' }, { data: { more: 'x' } }, { type: 'merge', signal: signal() });
    const uid = (await getConfigMap(rig.client, 'replace'))?.metadata.uid;
    await push({ 'replace/map.yaml': configMap('replace', '2') });
    expect(outcomes(await sync('replace'))).toEqual([['replace', 'Synced', 'replaced']]);
    expect(await getConfigMap(rig.client, 'replace')).toMatchObject({ metadata: { uid }, data: { value: '2' } });
    expect((await getConfigMap(rig.client, 'replace'))?.data?.['more']).toBeUndefined();

    await push({ 'replace/map.yaml': configMap('replace', '3', options('Replace=true', 'Force=true')) });
    expect(outcomes(await sync('replace'))).toEqual([['replace', 'Synced', 'recreated']]);
    expect((await getConfigMap(rig.client, 'replace'))?.metadata.uid).not.toBe(uid);
  });

  it('changes an immutable field only with Force=true', async () => {
    const immutable = (value: string, annotation: string): string => `${configMap('immutable', value, annotation)}immutable: true\n`;
    await push({ 'immutable/map.yaml': immutable('1', options('Validate=true')) });
    await create('immutable');
    await sync('immutable');
    await push({ 'immutable/map.yaml': immutable('2', options('Validate=true')) });
    expect((await sync('immutable')).status?.phase).toBe('Failed');
    await push({ 'immutable/map.yaml': immutable('2', options('Force=true')) });
    expect(outcomes(await sync('immutable'))).toEqual([['immutable', 'Synced', 'recreated']]);
  });

  it('refuses unknown fields unless Validate=false', async () => {
    const wrong = (annotation: string): string => `${configMap('validate', '1', annotation)}nonsense: 1\n`;
    await push({ 'validate/map.yaml': wrong(options('Prune=true')) });
    await create('validate');
    const run = await sync('validate');
    expect(run.status).toMatchObject({ phase: 'Failed' });
    expect(run.status?.message).toContain('nonsense');
    await push({ 'validate/map.yaml': wrong(options('Validate=false')) });
    expect((await sync('validate')).status?.phase).toBe('Succeeded');
  });

  it('writes nothing when one object would be refused', async () => {
    await push({ 'dry/a.yaml': configMap('dry-first', '1'), 'dry/b.yaml': `${configMap('dry-second', '1')}nonsense: 1\n` });
    await create('dry');
    const run = await sync('dry');
    expect(run.status?.message).toContain('failed to apply (dry run)');
    expect(outcomes(run).map(([name, outcome]) => [name, outcome])).toEqual([['dry-second', 'SyncFailed']]);
    expect(await getConfigMap(rig.client, 'dry-first')).toBeUndefined();
  });

  it('misses a kind before it begins, unless SkipDryRunOnMissingResource=true', async () => {
    const widget = (annotation: string): string => `apiVersion: example.org/v1\nkind: Widget\nmetadata:\n  name: w\n  annotations:\n    ${annotation}\n`;
    await push({ 'missing/a.yaml': configMap('missing-map', '1'), 'missing/w.yaml': widget(options('Prune=true')) });
    await create('missing');
    expect((await sync('missing')).status?.message).toContain('install its CustomResourceDefinition first');
    expect(await getConfigMap(rig.client, 'missing-map')).toBeUndefined();
    await push({ 'missing/w.yaml': widget(options('SkipDryRunOnMissingResource=true')) });
    expect((await sync('missing')).status?.phase).toBe('Failed');
    expect(await getConfigMap(rig.client, 'missing-map')).toBeDefined();
  });

  it('skips what is in sync with ApplyOutOfSyncOnly=true', async () => {
    await push({ 'only/a.yaml': configMap('only-a', '1'), 'only/b.yaml': configMap('only-b', '1') });
    await create('only', ['ApplyOutOfSyncOnly=true']);
    await sync('only');
    await compared('only', 'Synced');
    await push({ 'only/b.yaml': configMap('only-b', '2') });
    expect(outcomes(await sync('only')).map(([name]) => name)).toEqual(['only-b']);
  });

  it.each([
    ['pointer', { jsonPointers: ['/data/value'] }, 'true', 'theirs'],
    ['jq', { jqPathExpressions: ['.data | to_entries[] | .value', '.data.value'] }, 'true', 'theirs'],
    ['manager', { managedFieldsManagers: ['operator'] }, 'true', 'theirs'],
    ['none', { jsonPointers: ['/data/value'] }, 'false', '2'],
  ])('keeps live values of ignored fields with RespectIgnoreDifferences=true: %s', async (kind, rule, respect, value) => {
    for (const serverSideApply of ['true', 'false']) {
      const name = `respect-${kind}-${serverSideApply}`;
      await push({ [`${name}/a.yaml`]: configMap(name, '1') });
      const syncOptions = [`RespectIgnoreDifferences=${respect}`, `ServerSideApply=${serverSideApply}`];
      await create(name, syncOptions, { ignoreDifferences: [{ kind: 'ConfigMap', ...rule }] });
      await sync(name);
      const options = { type: 'merge', fieldManager: 'operator', signal: signal() } as const;
      await rig.client.patch(CONFIG_MAPS, { name, namespace: 'shop' }, { data: { value: 'theirs' } }, options);
      await push({ [`${name}/a.yaml`]: configMap(name, '2') });
      expect((await sync(name)).status?.phase).toBe('Succeeded');
      expect((await getConfigMap(rig.client, name))?.data).toEqual({ value });
    }
  });

  it('keeps live values the installation ignores, of a Secret written as text as well', async () => {
    const settings = { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'argocd-cm' } };
    const data = { 'resource.customizations.ignoreDifferences.Secret': 'jsonPointers: [/data/password]' };
    await rig.client.create(CONFIG_MAPS, { ...settings, metadata: { ...settings.metadata, namespace: 'argocd' }, data } as KubeObject, { signal: signal() });
    const secret = (password: string): string =>
      `apiVersion: v1\nkind: Secret\nmetadata: {name: respect-secret}\nstringData: {user: me, password: ${password}}\n`;
    await push({ 'respect-secret/s.yaml': secret('one') });
    await create('respect-secret', ['RespectIgnoreDifferences=true']);
    await sync('respect-secret');
    await push({ 'respect-secret/s.yaml': secret('two') });
    expect((await sync('respect-secret')).status?.phase).toBe('Succeeded');
    const live = await find(builtin('v1', 'Secret'), 'respect-secret');
    expect(live).toMatchObject({ data: { user: 'bWU=', password: 'b25l' } });
    await rig.client.delete(CONFIG_MAPS, { name: 'argocd-cm', namespace: 'argocd' }, { signal: signal() });
  });

  it('refuses shared objects with FailOnSharedResource=true', async () => {
    await push({ 'owner/a.yaml': configMap('shared', '1'), 'intruder/a.yaml': configMap('shared', '2') });
    await create('owner');
    await sync('owner');
    await create('intruder', ['FailOnSharedResource=true']);
    const run = await sync('intruder');
    expect(run.status?.message).toContain('ConfigMap/shop/shared is part of applications intruder and owner');
    expect((await getConfigMap(rig.client, 'shared'))?.data?.['value']).toBe('1');
  });

  it('creates and keeps up the managed namespace', async () => {
    await push({ 'ns/a.yaml': configMap('in-managed', '1') });
    const spec = (team: string): object => ({
      source: { repoURL: steps.repo.directory, path: 'ns' },
      destination: { server: 'https://kubernetes.default.svc', namespace: 'managed' },
      syncPolicy: { syncOptions: ['CreateNamespace=true'], managedNamespaceMetadata: { labels: { team }, annotations: { note: 'x' } } },
    });
    await create('ns', [], spec('a'));
    await sync('ns');
    const labels = async (): Promise<unknown> =>
      (await rig.client.get<corev1.Namespace>(NAMESPACES, { name: 'managed' }, { signal: signal() })).metadata.labels;
    expect(await labels()).toMatchObject({ team: 'a' });
    await rig.client.patch(applicationType, { name: 'ns', namespace: 'argocd' }, { spec: spec('b') }, { type: 'merge', signal: signal() });
    await eventually(
      'the new label is wanted',
      () => getApplication(rig.client, 'ns'),
      (app) => app.spec.syncPolicy?.managedNamespaceMetadata?.labels?.['team'] === 'b',
    );
    await sync('ns');
    expect(await labels()).toMatchObject({ team: 'b' });
  });
});

describe('what is pruned', () => {
  it('keeps what says Prune=false or helm keep, and prunes the rest', async () => {
    await push({
      'prune/a.yaml': configMap('prune-kept', '1', options('Prune=false')),
      'prune/b.yaml': configMap('prune-helm', '1', 'helm.sh/resource-policy: keep'),
      'prune/c.yaml': configMap('prune-gone', '1'),
      'prune/d.yaml': configMap('prune-stays', '1'),
    });
    await create('prune');
    await sync('prune');
    await push({ 'prune/a.yaml': null, 'prune/b.yaml': null, 'prune/c.yaml': null });
    await compared('prune', 'OutOfSync');
    expect(outcomes(await sync('prune', { options: { prune: true } }))).toEqual(
      expect.arrayContaining([
        ['prune-kept', 'PruneSkipped', 'ignored (no prune)'],
        ['prune-helm', 'PruneSkipped', 'ignored (no prune)'],
        ['prune-gone', 'Pruned', 'pruned'],
      ]),
    );
    expect(await getConfigMap(rig.client, 'prune-kept')).toBeDefined();
    expect(await getConfigMap(rig.client, 'prune-gone')).toBeUndefined();
  });

  it('waits for a person where Prune=confirm is said', async () => {
    await push({ 'confirm/a.yaml': configMap('confirm-a', '1', options('Prune=confirm')), 'confirm/b.yaml': configMap('confirm-b', '1') });
    await create('confirm');
    await sync('confirm');
    await push({ 'confirm/a.yaml': null });
    await compared('confirm', 'OutOfSync');
    const run = await start('confirm', { options: { prune: true } });
    await eventually(
      'it asks',
      () => getApplication(rig.client, 'confirm'),
      (app) => app.status?.operationState?.message?.includes('waiting for pruning confirmation of ConfigMap/shop/confirm-a') === true,
    );
    expect(await getConfigMap(rig.client, 'confirm-a')).toBeDefined();
    const approved = { metadata: { annotations: { 'argocd.argoproj.io/deletion-approved': new Date(Date.now() + 1_000).toISOString() } } };
    await rig.client.patch(applicationType, { name: 'confirm', namespace: 'argocd' }, approved, { type: 'merge', signal: signal() });
    expect((await ended(run)).status?.phase).toBe('Succeeded');
    expect(await getConfigMap(rig.client, 'confirm-a')).toBeUndefined();
  });

  it('prunes last with PruneLast=true', async () => {
    await push({ 'last/a.yaml': configMap('last-old', '1'), 'last/b.yaml': configMap('last-kept', '1', 'argocd.argoproj.io/sync-wave: "3"') });
    await create('last', ['PruneLast=true']);
    await sync('last');
    await push({ 'last/a.yaml': null, 'last/b.yaml': configMap('last-kept', '2', 'argocd.argoproj.io/sync-wave: "3"') });
    await compared('last', 'OutOfSync');
    const run = await sync('last', { options: { prune: true } });
    expect(outcomes(run).map(([name, outcome]) => [name, outcome])).toEqual([
      ['last-kept', 'Synced'],
      ['last-old', 'Pruned'],
    ]);
  });
});

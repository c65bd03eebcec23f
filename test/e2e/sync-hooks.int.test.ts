import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { syncRunType, type SyncRun } from '@tiphys/delivery-applications';
import { builtin, fieldAt, type KubeObject } from '@tiphys/kube-model';
import { CONFIG_MAPS, configMap, eventually, getConfigMap, signal } from './delivery-harness.ts';
import { createSteps, outcomes, type Steps } from './delivery-steps.ts';

const JOBS = builtin('batch/v1', 'Job');
const FINALIZER = 'argocd.argoproj.io/hook-finalizer';
let steps: Steps;

beforeAll(async () => {
  steps = await createSteps();
});
afterAll(() => steps[Symbol.asyncDispose]());

interface JobOptions {
  readonly name?: string;
  readonly generateName?: string;
  readonly annotations: Readonly<Record<string, string>>;
  readonly runs?: string;
  readonly ttl?: number;
}

function job({ name, generateName, annotations, runs = '', ttl }: JobOptions): string {
  return JSON.stringify({
    apiVersion: 'batch/v1',
    kind: 'Job',
    metadata: { ...(name === undefined ? { generateName } : { name }), annotations },
    spec: {
      backoffLimit: 0,
      ...(ttl === undefined ? {} : { ttlSecondsAfterFinished: ttl }),
      template: {
        ...(runs === '' ? {} : { metadata: { annotations: { 'tiphys.dev/simulate': runs } } }),
        spec: { restartPolicy: 'Never', containers: [{ name: 'c', image: 'x' }] },
      },
    },
  });
}
const hook = (phase: string, more: Readonly<Record<string, string>> = {}): Readonly<Record<string, string>> => ({ 'argocd.argoproj.io/hook': phase, ...more });
const policy = (name: string): Readonly<Record<string, string>> => ({ 'argocd.argoproj.io/hook-delete-policy': name });
const jobs = async (): Promise<readonly KubeObject[]> => (await steps.rig.client.list(JOBS, { namespace: 'shop', signal: signal() })).items;
const jobsOf = async (prefix: string): Promise<readonly KubeObject[]> => (await jobs()).filter(({ metadata }) => metadata.name?.startsWith(prefix) === true);

describe('hooks of a sync', () => {
  it('run by phase around the resources, and let go of their finalizer', async () => {
    await steps.push({
      'order/pre.json': job({ name: 'order-pre', annotations: hook('PreSync') }),
      'order/post.json': job({ name: 'order-post', annotations: hook('PostSync') }),
      'order/fail.json': job({ name: 'order-fail', annotations: hook('SyncFail') }),
      'order/map.yaml': configMap('order', '1'),
    });
    await steps.create('order');
    const run = await steps.sync('order');
    expect(outcomes(run).map(([name, outcome]) => [name, outcome])).toEqual([
      ['order-pre', 'Succeeded'],
      ['order', 'Synced'],
      ['order-post', 'Succeeded'],
    ]);
    for (const name of ['order-pre', 'order-post']) expect((await steps.find(JOBS, name))?.metadata.finalizers ?? []).not.toContain(FINALIZER);
    expect(await steps.find(JOBS, 'order-fail')).toBeUndefined();
  });

  it('map from Helm, weights as waves', async () => {
    await steps.push({
      'helm/pre.json': job({ name: 'helm-pre', annotations: { 'helm.sh/hook': 'pre-install,pre-upgrade', 'helm.sh/hook-weight': '2' } }),
      'helm/first.yaml': configMap('helm-first', '1', '{helm.sh/hook: pre-install, helm.sh/hook-weight: "-5"}').replace(
        'annotations:\n    {',
        'annotations: {',
      ),
      'helm/test.json': job({ name: 'helm-test', annotations: { 'helm.sh/hook': 'test' } }),
      'helm/map.yaml': configMap('helm', '1'),
    });
    await steps.create('helm');
    const run = await steps.sync('helm');
    expect((run.status?.tasks ?? []).map(({ name, phase, wave }) => [name, phase, wave])).toEqual([
      ['helm-first', 'PreSync', -5],
      ['helm-pre', 'PreSync', 2],
      ['helm', 'Sync', 0],
    ]);
  });

  it('are removed by their policies and made anew by default', async () => {
    await steps.push({
      'policy/a.json': job({ name: 'policy-default', annotations: hook('PreSync') }),
      'policy/b.json': job({ name: 'policy-succeeded', annotations: hook('PreSync', policy('HookSucceeded')) }),
      'policy/c.json': job({ generateName: 'policy-gen-', annotations: hook('PreSync') }),
      'policy/map.yaml': configMap('policy', '1'),
    });
    await steps.create('policy');
    await steps.sync('policy');
    const first = await steps.find(JOBS, 'policy-default');
    expect(await steps.find(JOBS, 'policy-succeeded')).toBeUndefined();
    await steps.sync('policy');
    expect((await steps.find(JOBS, 'policy-default'))?.metadata.uid).not.toBe(first?.metadata.uid);
    expect(await jobsOf('policy-gen-')).toHaveLength(2);
  });

  it('end a sync that they fail, after which SyncFail hooks run', async () => {
    await steps.push({
      'fails/pre.json': job({ name: 'fails-pre', annotations: hook('PreSync', policy('HookFailed')), runs: 'fail' }),
      'fails/alarm.json': job({ name: 'fails-alarm', annotations: hook('SyncFail') }),
      'fails/map.yaml': configMap('fails', '1'),
    });
    await steps.create('fails');
    const run = await steps.sync('fails');
    expect(run.status).toMatchObject({ phase: 'Failed' });
    expect(outcomes(run).map(([name, outcome]) => [name, outcome])).toEqual([
      ['fails-pre', 'Failed'],
      ['fails-alarm', 'Succeeded'],
    ]);
    expect(await steps.find(JOBS, 'fails-pre')).toBeUndefined();
    expect(await getConfigMap(steps.rig.client, 'fails')).toBeUndefined();
  });

  it('are not missed when something deletes them as soon as they end', async () => {
    await steps.push({ 'ttl/pre.json': job({ name: 'ttl-pre', annotations: hook('PreSync') }), 'ttl/map.yaml': configMap('ttl', '1') });
    await steps.create('ttl');
    const run = await steps.start('ttl');
    await eventually(
      'the hook is there',
      () => steps.find(JOBS, 'ttl-pre'),
      (found) => found !== undefined,
    );
    await steps.rig.client.delete(JOBS, { name: 'ttl-pre', namespace: 'shop' }, { propagationPolicy: 'Orphan', signal: signal() });
    const done = await steps.ended(run);
    expect(outcomes(done)[0]?.[0]).toBe('ttl-pre');
    expect(['Succeeded', 'Failed']).toContain(done.status?.phase);
    await eventually(
      'the hook is gone',
      () => steps.find(JOBS, 'ttl-pre'),
      (found) => found === undefined,
    );
  });

  it('end with a run that is terminated', async () => {
    const stuck = `apiVersion: v1\nkind: Pod\nmetadata:\n  name: stuck\n  annotations: {argocd.argoproj.io/hook: PreSync}\nspec:\n  restartPolicy: Never\n  nodeSelector: {no: where}\n  containers: [{name: c, image: x}]\n`;
    await steps.push({ 'stuck/pod.yaml': stuck, 'stuck/map.yaml': configMap('stuck', '1') });
    await steps.create('stuck');
    const run = await steps.start('stuck');
    await steps.until(
      'it says what it waits for',
      'stuck',
      ({ status }) => status?.operationState?.message === 'waiting for completion of hook Pod/shop/stuck',
    );
    await steps.running.controller.terminate('stuck', signal());
    expect((await steps.ended(run)).status).toMatchObject({ phase: 'Failed', message: 'operation terminated by a person' });
    expect(await steps.find(builtin('v1', 'Pod'), 'stuck')).toBeUndefined();
  });

  it('do not run when only some objects are chosen', async () => {
    await steps.push({
      'some/pre.json': job({ name: 'some-pre', annotations: hook('PreSync') }),
      'some/a.yaml': configMap('some-a', '1'),
      'some/b.yaml': configMap('some-b', '1'),
    });
    await steps.create('some');
    const run = await steps.sync('some', { options: { resources: [{ kind: 'ConfigMap', name: 'some-b', namespace: 'shop' }] } });
    expect(outcomes(run).map(([name]) => name)).toEqual(['some-b']);
    expect((await steps.app('some')).status?.history ?? []).toEqual([]);
  });
});

describe('what a person asks for', () => {
  it('is taken from the operation field with all it says', async () => {
    await steps.push({ 'operation/a.yaml': configMap('operation', '1') });
    await steps.create('operation');
    await steps.patchApp('operation', {
      operation: {
        initiatedBy: { username: 'bob' },
        info: [{ name: 'Ticket', value: '7' }],
        sync: { syncOptions: ['Replace=true'], syncStrategy: { apply: { force: false } } },
        retry: { limit: 2 },
      },
    });
    const { status, operation } = await steps.until('it has synced', 'operation', (app) => app.status?.operationState?.phase === 'Succeeded');
    expect(operation).toBeUndefined();
    expect(status?.operationState).toMatchObject({
      operation: {
        initiatedBy: { username: 'bob' },
        info: [{ name: 'Ticket', value: '7' }],
        sync: { syncOptions: ['Replace=true'] },
        retry: { limit: 2 },
      },
      syncResult: { resources: [{ kind: 'ConfigMap', name: 'operation', status: 'Synced', syncPhase: 'Sync' }] },
    });
    expect(status?.operationState?.startedAt).toBeDefined();
    expect(status?.operationState?.finishedAt).toBeDefined();
  });

  it.each([
    ['with refresh deploys what the branch became', { refresh: true }, undefined, 'Succeeded', true],
    ['without it repeats its own commit', {}, undefined, 'Failed', false],
    ['at a commit stays there', { refresh: true }, 'own', 'Failed', false],
  ] as const)('and is tried again: a retry %s', async (_what, more, at, phase, isNew) => {
    const name = `again-${phase === 'Succeeded' ? 'new' : at === undefined ? 'old' : 'pinned'}`;
    const first = await steps.push({ [`${name}/a.yaml`]: `${configMap(name, '1')}nonsense: 1\n` });
    await steps.create(name);
    const retry = { limit: 1, backoff: { duration: '1s' }, ...more };
    const run = await steps.start(name, { options: { retry }, ...(at === undefined ? {} : { revisions: [first] }) });
    await steps.until('it waits for the next attempt', name, ({ status }) => status?.operationState?.message?.includes('next attempt in') === true);
    const second = await steps.push({ [`${name}/a.yaml`]: configMap(name, '2') });
    await steps.running.controller.refresh(name, { signal: signal() });
    const { status, spec } = await steps.ended(run);
    expect(status).toMatchObject({ phase, revisions: [isNew ? second : first], attempt: 1 });
    expect(spec.revisions).toEqual([first]);
    expect((await getConfigMap(steps.rig.client, name))?.data).toEqual(isNew ? { value: '2' } : undefined);
  });

  it('follows its branch when it came by the operation field, too', async () => {
    await steps.push({ 'again-field/a.yaml': `${configMap('again-field', '1')}nonsense: 1\n` });
    await steps.create('again-field');
    await steps.patchApp('again-field', { operation: { sync: {}, retry: { limit: 1, backoff: { duration: '1s' }, refresh: true } } });
    await steps.until('it waits for the next attempt', 'again-field', ({ status }) => status?.operationState?.message?.includes('next attempt in') === true);
    const commit = await steps.push({ 'again-field/a.yaml': configMap('again-field', '2') });
    await steps.running.controller.refresh('again-field', { signal: signal() });
    const { status } = await steps.until('it has synced', 'again-field', (app) => app.status?.operationState?.phase === 'Succeeded');
    expect(status?.operationState?.syncResult?.revision).toBe(commit);
  });

  it('is one run however often the field is seen', async () => {
    await steps.push({ 'once/a.yaml': configMap('once', '1') });
    await steps.create('once');
    for (let index = 0; index < 8; index += 1) {
      await steps.patchApp('once', { operation: { initiatedBy: { username: `user-${index}` }, sync: {} } });
      await steps.until('it has synced', 'once', ({ operation, status }) => {
        const state = status?.operationState;
        return operation === undefined && state?.operation.initiatedBy?.username === `user-${index}` && state.phase === 'Succeeded';
      });
    }
    expect(steps.running.controller.runs('once')).toHaveLength(8);
  });

  it('may bring its own manifests, unless automation would undo them', async () => {
    await steps.push({ 'local/a.yaml': configMap('local', 'git') });
    await steps.create('local');
    const manifests = [JSON.stringify({ apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'local' }, data: { value: 'mine' } })];
    expect((await steps.sync('local', { options: { manifests } })).status?.phase).toBe('Succeeded');
    expect((await getConfigMap(steps.rig.client, 'local'))?.data?.['value']).toBe('mine');
    await steps.patchApp('local', { spec: { syncPolicy: { automated: {} } } });
    await eventually(
      'the policy is known',
      () => steps.running.controller.applications.get('local'),
      (app) => fieldAt(app, 'spec', 'syncPolicy', 'automated') !== undefined,
    );
    await expect(steps.start('local', { options: { manifests } })).rejects.toThrow('cannot sync local manifests while automated sync is on');
    const dry = await steps.ended(await steps.start('local', { options: { manifests, dryRun: true } }));
    expect(dry.status?.phase).toBe('Succeeded');
  });

  it('is refused when the plan is no longer the one shown', async () => {
    await steps.push({ 'plan/a.yaml': configMap('plan', '1') });
    await steps.create('plan');
    await steps.running.controller.refresh('plan', { hard: true, signal: signal() });
    const { plan } = await steps.running.controller.plan('plan', { options: {}, signal: signal() });
    expect((await steps.sync('plan', { options: { planHash: plan.hash } })).status).toMatchObject({ phase: 'Succeeded', plan: { hash: expect.any(String) } });
    await steps.push({ 'plan/a.yaml': configMap('plan', '2') });
    const stale = await steps.sync('plan', { options: { planHash: plan.hash } });
    expect(stale.status?.message).toContain('the plan is no longer the one shown');
    expect((await getConfigMap(steps.rig.client, 'plan'))?.data?.['value']).toBe('1');
  });
});

describe('what automation does', () => {
  it('gives up waiting for the health of an old commit when a newer one is there', async () => {
    const stuck = (image: string): string =>
      `apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: newer}\nspec:\n  replicas: 1\n  selector: {matchLabels: {a: newer}}\n  template:\n    metadata: {labels: {a: newer}}\n    spec:\n      ${image === 'bad' ? 'nodeSelector: {no: where}\n      ' : ''}containers: [{name: c, image: ${image}}]\n`;
    const late = configMap('newer-late', '1', 'argocd.argoproj.io/sync-wave: "1"');
    await steps.push({ 'newer/d.yaml': stuck('bad'), 'newer/late.yaml': late });
    await steps.create('newer', { syncPolicy: { automated: {} } });
    await steps.until(
      'it waits',
      'newer',
      ({ status }) => status?.operationState?.message?.startsWith('waiting for healthy state of Deployment/shop/newer') === true,
    );
    await steps.push({ 'newer/d.yaml': stuck('good') });
    await steps.until(
      'the newer commit is out',
      'newer',
      ({ status }) => status?.sync?.status === 'Synced' && status.health?.status === 'Healthy' && status.operationState?.phase === 'Succeeded',
    );
    const messages = steps.running.controller.runs('newer').map(({ status }) => status?.message);
    expect(messages.at(-1)).toContain('given up for a newer commit');
    expect(await getConfigMap(steps.rig.client, 'newer-late')).toBeDefined();
  });

  it('asks before it prunes much at once', async () => {
    const files = Object.fromEntries(Array.from({ length: 12 }, (_, index) => [`many/${index}.yaml`, configMap(`many-${index}`, '1')]));
    await steps.push(files);
    await steps.create('many', { syncPolicy: { automated: { prune: true } } });
    await steps.until('it is synced', 'many', ({ status }) => status?.sync?.status === 'Synced');
    await steps.push(
      Object.fromEntries(
        Object.keys(files)
          .slice(0, 11)
          .map((file) => [file, null]),
      ),
    );
    await steps.until('it asks', 'many', ({ status }) => status?.operationState?.message?.startsWith('waiting for pruning confirmation') === true);
    expect(await getConfigMap(steps.rig.client, 'many-1')).toBeDefined();
    await steps.patchApp('many', { metadata: { annotations: { 'argocd.argoproj.io/deletion-approved': new Date(Date.now() + 1_000).toISOString() } } });
    await steps.until('it is pruned', 'many', ({ status }) => status?.operationState?.phase === 'Succeeded' && status.resources?.length === 1);
  });

  it('prunes nothing because a render is empty', async () => {
    await steps.push({ 'empty/a.yaml': configMap('empty', '1') });
    await steps.create('empty', { syncPolicy: { automated: { prune: true } } });
    await steps.until('it is synced', 'empty', ({ status }) => status?.sync?.status === 'Synced');
    await steps.push({ 'empty/a.yaml': null, 'empty/README.md': 'x' });
    await steps.until(
      'it refuses',
      'empty',
      ({ status }) => status?.conditions?.some(({ type, message }) => type === 'SyncError' && message.includes('allowEmpty')) === true,
    );
    expect(await getConfigMap(steps.rig.client, 'empty')).toBeDefined();
  });

  it('heals each of two objects of one name in two namespaces', async () => {
    await steps.rig.client.create(builtin('v1', 'Namespace'), { apiVersion: 'v1', kind: 'Namespace', metadata: { name: 'twin' } }, { signal: signal() });
    const twin = (namespace: string): string => configMap('twin', '1').replace('name: twin', `name: twin\n  namespace: ${namespace}`);
    await steps.push({ 'twin/a.yaml': twin('shop'), 'twin/b.yaml': twin('twin') });
    await steps.create('twin', { syncPolicy: { automated: { selfHeal: true } } });
    await steps.until('it is synced', 'twin', ({ status }) => status?.sync?.status === 'Synced' && status.operationState?.phase === 'Succeeded');
    for (const namespace of ['shop', 'twin']) {
      await steps.rig.client.patch(CONFIG_MAPS, { name: 'twin', namespace }, { data: { value: 'drift' } }, { type: 'merge', signal: signal() });
      await eventually(
        `${namespace} is healed`,
        () => getConfigMap(steps.rig.client, 'twin', namespace),
        (map) => map?.data?.['value'] === '1',
      );
    }
  });
});

it('keeps a bounded number of finished runs, and those its history names', async () => {
  const cm = { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'argocd-cm', namespace: 'argocd' }, data: { 'sync.runHistoryLimit': '2' } } as KubeObject;
  await steps.rig.client.create(CONFIG_MAPS, cm, { signal: signal() });
  await steps.push({ 'kept/a.yaml': configMap('kept', '1') });
  await steps.create('kept', { revisionHistoryLimit: 1 });
  for (let index = 0; index < 4; index += 1) await steps.sync('kept');
  await eventually(
    'old runs are gone',
    async () =>
      (await steps.rig.client.list<SyncRun>(syncRunType, { namespace: 'argocd', signal: signal() })).items.filter(({ spec }) => spec.application === 'kept'),
    (runs) => runs.length === 2,
  );
});

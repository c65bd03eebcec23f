import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { customResource } from '@tiphys/kube-model';
import { CONFIG_MAPS, configMap, eventually, signal } from './delivery-harness.ts';
import { createSteps, type Steps } from './delivery-steps.ts';

const thingDefinition = `apiVersion: apiextensions.k8s.io/v1
kind: CustomResourceDefinition
metadata: {name: things.example.org}
spec:
  group: example.org
  scope: Namespaced
  names: {kind: Thing, plural: things}
  versions:
  - name: v1
    served: true
    storage: true
    subresources: {status: {}}
    schema: {openAPIV3Schema: {type: object, x-kubernetes-preserve-unknown-fields: true}}
`;

let steps: Steps;
beforeAll(async () => {
  steps = await createSteps();
});
afterAll(() => steps[Symbol.asyncDispose]());

async function configure(data: Readonly<Record<string, string>>): Promise<void> {
  const settings = { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'argocd-cm' }, data };
  const target = { name: 'argocd-cm', namespace: 'argocd' };
  await steps.rig.client.patch(CONFIG_MAPS, target, settings, { type: 'apply', fieldManager: 'test', force: true, signal: signal() });
  await eventually(
    'the settings are read',
    () => steps.running.controller.rules.settings(),
    ({ health }) => health.length > 0 === Object.keys(data).some((key) => key.includes('.health.')),
  );
}

describe('a comparison', () => {
  it.each(['true', 'false'])('tells owner and cause from what is stored (ServerSideApply=%s)', async (serverSideApply) => {
    const name = `owners-${serverSideApply}`;
    const change = async (): Promise<unknown> => {
      const { comparison } = await steps.running.controller.compare(name, { signal: signal() });
      return comparison.resources.flatMap(({ changes }) => changes.map(({ path, cause, owner }) => [path, cause, owner?.manager]));
    };
    await steps.push({ [`${name}/map.yaml`]: configMap(name, '1') });
    await steps.create(name, { syncPolicy: { syncOptions: [`ServerSideApply=${serverSideApply}`] } });
    await steps.sync(name);
    const edit = (value: string): Promise<unknown> =>
      steps.rig.client.patch(CONFIG_MAPS, { name, namespace: 'shop' }, { data: { value } }, { type: 'merge', fieldManager: 'kubectl-edit', signal: signal() });
    await edit('mine');
    await steps.until('it drifts', name, ({ status }) => status?.sync?.status === 'OutOfSync');
    expect(await change()).toEqual([['.data.value', 'humanEdit', 'kubectl-edit']]);
    await steps.sync(name);
    await steps.push({ [`${name}/map.yaml`]: configMap(name, '2') });
    await steps.running.controller.refresh(name, { hard: true, signal: signal() });
    expect(await change()).toEqual([['.data.value', 'gitChanged', 'tiphys']]);
  });
});

describe('health by a rule of a user', () => {
  const wave = (number: number): string => `argocd.argoproj.io/sync-wave: "${number}"`;
  const rule = [
    'local ready = obj.data.ready',
    'if obj.metadata.name == "last" or ready == "yes" then return { status = "Healthy" } end',
    'if ready == "no" then return { status = "Degraded", message = "it said no" } end',
    'return { status = "Progressing" }',
  ].join('\n');
  const say = (name: string, ready: string): Promise<unknown> =>
    steps.rig.client.patch(CONFIG_MAPS, { name, namespace: 'shop' }, { data: { ready } }, { type: 'merge', fieldManager: 'operator', signal: signal() });
  const waits = (name: string): Promise<unknown> =>
    steps.until(`the sync waits for ${name}`, 'waves', ({ status }) => status?.operationState?.message?.endsWith(`ConfigMap/shop/${name}`) === true);

  it('holds hooks and waves until it is good, and fails them when it is bad', async () => {
    await configure({ 'resource.customizations.health.ConfigMap': rule });
    await steps.push({
      'waves/before.yaml': configMap('before', 'x', 'argocd.argoproj.io/hook: PreSync'),
      'waves/first.yaml': configMap('first', 'x', wave(1)),
      'waves/last.yaml': configMap('last', 'x', wave(2)),
    });
    await steps.create('waves');
    const run = await steps.start('waves');
    await waits('before');
    expect((await steps.find(CONFIG_MAPS, 'before'))?.metadata.finalizers).toEqual(['argocd.argoproj.io/hook-finalizer']);
    expect(await steps.find(CONFIG_MAPS, 'first')).toBeUndefined();
    await say('before', 'yes');
    await waits('first');
    expect(await steps.find(CONFIG_MAPS, 'last')).toBeUndefined();
    await say('first', 'yes');
    expect((await steps.ended(run)).status).toMatchObject({ phase: 'Succeeded' });
    expect(await steps.find(CONFIG_MAPS, 'last')).toBeDefined();

    const again = await steps.start('waves');
    await waits('before');
    await say('before', 'no');
    expect((await steps.ended(again)).status).toMatchObject({ phase: 'Failed', message: expect.stringContaining('ConfigMap/shop/before: it said no') });
    await configure({});
  }, 60_000);

  it('is looked at again when only the status of an object changes', async () => {
    const things = customResource('example.org/v1', 'Thing', 'things', true);
    await configure({ 'resource.customizations.health.example.org_Thing': 'return { status = obj.status and obj.status.verdict or "Progressing" }' });
    await steps.push({ 'things/crd.yaml': thingDefinition, 'things/thing.yaml': 'apiVersion: example.org/v1\nkind: Thing\nmetadata: {name: one}\n' });
    await steps.create('things');
    expect((await steps.sync('things')).status?.phase).toBe('Succeeded');
    const health = (wanted: string): Promise<unknown> =>
      steps.until(`the thing is ${wanted}`, 'things', ({ status }) => status?.resources?.find(({ kind }) => kind === 'Thing')?.health?.status === wanted);
    await health('Progressing');
    for (const verdict of ['Degraded', 'Healthy']) {
      const target = { name: 'one', namespace: 'shop' };
      await steps.rig.client.patch(
        things,
        target,
        { status: { verdict } },
        { type: 'merge', fieldManager: 'operator', subresource: 'status', signal: signal() },
      );
      await health(verdict);
    }
    await configure({});
  }, 60_000);
});

import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { applicationType } from '@tiphys/delivery-applications';
import { createGitRepo, startGitServer, type GitRepo, type GitServer } from '@tiphys/testkit';
import { builtin, fieldAt, type KubeObject } from '@tiphys/kube-model';
import { application, CONFIG_MAPS, configMap, createRig, eventually, getApplication, signal, type Rig, type RunningController } from './delivery-harness.ts';

const DEPLOYMENTS = builtin('apps/v1', 'Deployment');
const JOBS = builtin('batch/v1', 'Job');
const web = `apiVersion: apps/v1
kind: Deployment
metadata: {name: web}
spec:
  replicas: 1
  selector: {matchLabels: {app: web}}
  template:
    metadata: {labels: {app: web}}
    spec: {containers: [{name: web, image: web:1}]}
`;
const cron = `apiVersion: batch/v1
kind: CronJob
metadata: {name: nightly}
spec:
  schedule: "0 3 * * *"
  jobTemplate: {spec: {template: {spec: {restartPolicy: Never, containers: [{name: c, image: c:1}]}}}}
`;

let rig: Rig;
let repo: GitRepo;
let server: GitServer;
let url: string;
let running: RunningController;

beforeAll(async () => {
  rig = await createRig();
  repo = await createGitRepo(path.join(rig.folder, 'repos', 'app'));
  await repo.commit({ 'web/web.yaml': web, 'web/cron.yaml': cron, 'web/map.yaml': configMap('map', 'git') });
  server = await startGitServer(path.join(rig.folder, 'repos'));
  url = `${server.url}/app/.git`;
  running = await rig.start();
  const spec = { source: { repoURL: url, path: 'web' }, syncPolicy: { automated: {}, syncOptions: ['CreateNamespace=true'] } };
  await rig.client.create(applicationType, application('web', spec), { signal: signal() });
  await settled('web', ({ status }) => status?.sync?.status === 'Synced' && status.operationState?.phase === 'Succeeded');
});
afterAll(async () => {
  await rig[Symbol.asyncDispose]();
  await server[Symbol.asyncDispose]();
});

const settled = (name: string, done: (app: Awaited<ReturnType<typeof getApplication>>) => boolean) =>
  eventually(`${name} is as expected`, () => getApplication(rig.client, name), done);
const resource = (app: Awaited<ReturnType<typeof getApplication>>, kind: string) => app.status?.resources?.find((row) => row.kind === kind);
const deployment = (): Promise<KubeObject> => rig.client.get(DEPLOYMENTS, { name: 'web', namespace: 'shop' }, { signal: signal() });

async function configure(data: Readonly<Record<string, string>>): Promise<void> {
  const settings = { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'argocd-cm' }, data };
  await rig.client.patch(CONFIG_MAPS, { name: 'argocd-cm', namespace: 'argocd' }, settings, {
    type: 'apply',
    fieldManager: 'test',
    force: true,
    signal: signal(),
  });
}

describe('rules of an installation', () => {
  it('change health at once, and back', async () => {
    await configure({ 'resource.customizations.health.ConfigMap': 'return { status = "Degraded", message = obj.data.value .. " is not what it was" }' });
    const app = await settled('web', (found) => resource(found, 'ConfigMap')?.health?.status === 'Degraded');
    expect(resource(app, 'ConfigMap')?.health?.message).toBe('git is not what it was');
    expect(app.status?.health?.status).toBe('Degraded');
    await configure({});
    await settled('web', (found) => resource(found, 'ConfigMap')?.health === undefined);
  });

  it('ignore places by jq, and say why differing ones differ', async () => {
    await rig.client.patch(
      DEPLOYMENTS,
      { name: 'web', namespace: 'shop' },
      { spec: { replicas: 3 } },
      { type: 'merge', fieldManager: 'kubectl-edit', signal: signal() },
    );
    await settled('web', (found) => resource(found, 'Deployment')?.status === 'OutOfSync');
    expect(running.controller.evidence('web')?.comparison.resources.flatMap(({ changes }) => changes)).toMatchObject([
      { path: '.spec.replicas', desired: 1, live: 3, cause: 'humanEdit', owner: { manager: 'kubectl-edit' } },
    ]);
    await configure({ 'resource.customizations.ignoreDifferences.apps_Deployment': 'jqPathExpressions:\n- .spec.replicas\n- .spec[\n' });
    const app = await settled('web', (found) => found.status?.sync?.status === 'Synced');
    expect(app.status?.conditions).toMatchObject([{ type: 'ResourceRuleWarning', message: expect.stringContaining('jq expression ".spec["') }]);
    await configure({ 'resource.customizations.ignoreDifferences.apps_Deployment': 'jsonPointers: 7' });
    const bad = await settled('web', (found) => found.status?.sync?.status === 'OutOfSync');
    expect(bad.status?.conditions).toMatchObject([{ type: 'ResourceRuleWarning', message: expect.stringContaining('argocd-cm: resource.customizations') }]);
    await configure({});
  });
});

describe('resource actions', () => {
  const at = (group: string, kind: string, name: string) => ({ group, version: '', kind, name, namespace: 'shop' });
  const run = (ref: ReturnType<typeof at>, action: string, parameters = {}): Promise<void> =>
    running.controller.actions.run('web', { ref, action, parameters, actor: 'alice' }, signal());

  it('restart, scale and pause a Deployment', async () => {
    const ref = at('apps', 'Deployment', 'web');
    expect((await running.controller.actions.list('web', ref, signal())).map(({ name }) => name)).toEqual(['restart', 'pause', 'resume', 'scale']);
    await run(ref, 'restart');
    expect(fieldAt(await deployment(), 'spec', 'template', 'metadata', 'annotations', 'kubectl.kubernetes.io/restartedAt')).toMatch(/^\d{4}-/);
    await run(ref, 'scale', { replicas: '2' });
    await run(ref, 'pause');
    expect(await deployment()).toMatchObject({ spec: { replicas: 2, paused: true } });
    await expect(run(ref, 'pause')).rejects.toThrow('is not possible in its state');
    await run(ref, 'resume');
  });

  it('make a Job of a CronJob', async () => {
    await run(at('batch', 'CronJob', 'nightly'), 'create-job');
    const jobs = await rig.client.list(JOBS, { namespace: 'shop', signal: signal() });
    expect(jobs.items.map(({ metadata }) => [metadata.annotations?.['cronjob.kubernetes.io/instantiate'], metadata.ownerReferences?.[0]?.name])).toEqual([
      ['manual', 'nightly'],
    ]);
  });

  it('reach only what belongs to the application', async () => {
    await expect(run({ ...at('', 'ConfigMap', 'argocd-cm'), namespace: 'argocd' }, 'restart')).rejects.toThrow('has no resource');
    await expect(running.controller.actions.list('web', at('apps', 'Deployment', 'other'), signal())).rejects.toThrow('has no resource');
  });

  it('are scripts of users as well', async () => {
    await configure({
      'resource.customizations.actions.ConfigMap':
        'discovery.lua: return { shout = {} }\ndefinitions:\n- name: shout\n  action.lua: |\n    obj.data.value = "HELLO"\n    return obj\n- name: steal\n  action.lua: |\n    return {{ operation = "patch", resource = { apiVersion = "v1", kind = "Secret", metadata = { name = "x" } } }}\n',
    });
    const ref = at('', 'ConfigMap', 'map');
    await eventually(
      'the action is offered',
      () => running.controller.actions.list('web', ref, signal()),
      (actions) => actions.length === 1,
    );
    await run(ref, 'shout');
    expect(await rig.client.get(CONFIG_MAPS, { name: 'map', namespace: 'shop' }, { signal: signal() })).toMatchObject({ data: { value: 'HELLO' } });
    await expect(run(ref, 'steal')).rejects.toThrow('has no action "steal"');
  });
});

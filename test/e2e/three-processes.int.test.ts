import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { KubeClient } from '@tiphys/kube-client';
import { createGitRepo, eventually, startGitServer, type GitRepo, type GitServer, type TiphysProcess } from '@tiphys/testkit';
import { application, configMap, getConfigMap } from './delivery-harness.ts';
import { clientOf, createHome, signedBy, type Home } from './process-harness.ts';

let home: Home;
let repo: GitRepo;
let git: GitServer;
let client: KubeClient;
let kubeconfig: string;
let controller: TiphysProcess;
let plane: TiphysProcess;

beforeAll(async () => {
  home = await createHome();
  kubeconfig = path.join(home.folder, 'kubeconfig');
  repo = await createGitRepo(path.join(home.folder, 'repos', 'shop'));
  await repo.commit({ 'one/map.yaml': configMap('one', '1') });
  git = await startGitServer(path.join(home.folder, 'repos'));
  plane = await home.start(['plane', '--memory', '--runtime', 'simulated', '--https-port', '0', '--kubeconfig-out', kubeconfig]);
  client = await clientOf(kubeconfig);
  [controller] = await Promise.all([
    home.start(['controller', '--kubeconfig', kubeconfig, '--poll-interval', '600s']),
    home.start(['server', '--kubeconfig', kubeconfig, '--port', '0', '--poll-interval', '600s']),
  ]);
});
afterAll(async () => {
  await client.close();
  await home[Symbol.asyncDispose]();
  await git[Symbol.asyncDispose]();
});

const live = async () => (await getConfigMap(client, 'one'))?.data?.['value'];
const becomes = (value: string) => eventually(`it is ${value}`, live, (now) => now === value);

describe('plane, controller and server as processes of their own', () => {
  it('deploy an application that is created at the server', async () => {
    const spec = {
      source: { repoURL: `${git.url}/shop/.git`, path: 'one', targetRevision: 'main' },
      syncPolicy: { automated: { prune: true, selfHeal: true }, syncOptions: ['CreateNamespace=true'] },
    };
    expect((await home.call('POST', '/api/v1/applications', application('one', spec))).status).toBe(201);
    await home.settled('one');
    expect(await live()).toBe('1');
  });

  it('pass a webhook from the server on to the controller', async () => {
    const after = await repo.commit({ 'one/map.yaml': configMap('one', '2') });
    const body = JSON.stringify({ ref: 'refs/heads/main', after, repository: { clone_url: `${git.url}/shop/.git` } });
    const secret = (await readFile(path.join(home.folder, 'delivery', 'webhook-secret'), 'utf8')).trim();
    expect((await home.call('POST', '/api/webhook', body, signedBy(secret, body))).body).toMatchObject({ status: 'accepted' });
    await becomes('2');
    await home.settled('one', after);
  });

  it('sync, plan, roll back and show through the server', async () => {
    expect(await home.ok('app', 'rollback', 'one', '--timeout', '20')).toMatch(/^Succeeded: /m);
    expect(await live()).toBe('1');
    expect(await home.ok('app', 'plan', 'one')).toContain('ConfigMap/shop/one');
    expect(await home.ok('app', 'sync', 'one', '--timeout', '20')).toMatch(/^Succeeded: /m);
    expect(await home.ok('app', 'get', 'one')).toMatch(/ConfigMap\/one +Synced/);
  });

  it('show what is true while no controller runs, and go on when one comes back', async () => {
    expect(await controller.stop()).toEqual({ code: 0, killedBy: null });
    const run = await home.ok('app', 'sync', 'one', '--async');
    expect(run).toMatch(/^run\/one-\S+ requested$/m);
    controller = await home.start(['controller', '--kubeconfig', kubeconfig, '--poll-interval', '600s']);
    const name = /run\/(\S+)/.exec(run)?.[1] ?? '';
    await eventually(
      'the run that was asked for meanwhile is done',
      () => home.call<{ status?: { phase?: string } }>('GET', `/api/v1/applications/one/runs/${name}`),
      ({ body }) => body.status?.phase === 'Succeeded',
      20_000,
    );
    expect(await controller.stop()).toEqual({ code: 0, killedBy: null });
    expect(await plane.stop()).toEqual({ code: 0, killedBy: null });
  }, 40_000);
});

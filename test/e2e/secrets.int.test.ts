import path from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { applicationType, syncRunType } from '@tiphys/delivery-applications';
import type { KubeClient } from '@tiphys/kube-client';
import { builtin } from '@tiphys/kube-model';
import { createGitRepo, eventually, startGitServer, type GitRepo, type GitServer, type TiphysProcess } from '@tiphys/testkit';
import { application, signal } from './delivery-harness.ts';
import { clientOf, createHome, deployment, followStream, SIMULATED, type Home } from './process-harness.ts';

// Values that must stay inside. Each is looked for as text and in base64.
const CANARIES = {
  git: 'canary-in-git-7f3a',
  live: 'canary-set-by-hand-91c2',
  broken: 'canary-in-broken-yaml-55d0',
  refused: 'canary!!refused!!c41e',
  password: 'canary-password-e8b6',
};
const SECRETS = builtin('v1', 'Secret');
let home: Home;
let up: TiphysProcess;
let repo: GitRepo;
let server: GitServer;
let client: KubeClient;

beforeAll(async () => {
  home = await createHome();
  repo = await createGitRepo(path.join(home.folder, 'repos', 'shop'));
  server = await startGitServer(path.join(home.folder, 'repos'), { authorization: `Basic ${base64(`robot:${CANARIES.password}`)}` });
  up = await home.start([...SIMULATED, '--poll-interval', '300ms', '--log-level', 'debug']);
  client = await clientOf(up.ready['kubeconfig'] ?? '');
});
afterAll(async () => {
  await client.close();
  await home[Symbol.asyncDispose]();
  await server[Symbol.asyncDispose]();
});

const base64 = (text: string): string => Buffer.from(text).toString('base64');
const secret = (fields: string): string => `apiVersion: v1\nkind: Secret\nmetadata: {name: creds}\n${fields}`;
const APPS = ['good', 'broken', 'refused'];
const READS = ['', '/managed-resources', '/manifests', '/plan', '/resource-tree', '/events', '/runs', '/logs'];

it('lets no byte of a Secret out by any answer, stream, object or log line', async () => {
  const url = `${server.url}/shop/.git`;
  await repo.commit({
    'good/secret.yaml': secret(`stringData: {password: ${CANARIES.git}}\ndata: {key: ${base64(CANARIES.git)}}\n`),
    'good/deployment.yaml': deployment('web'),
    'broken/secret.yaml': secret(`stringData:\n  password: "${CANARIES.broken}\n  other: {\n`),
    'refused/secret.yaml': secret(`data: {password: "${CANARIES.refused}"}\n`),
  });
  const stream = followStream(home);
  const answers: string[] = [];
  const ask = async (method: string, target: string, body?: unknown): Promise<void> => {
    answers.push((await home.call(method, target, body)).text);
  };
  for (const name of APPS)
    await ask(
      'POST',
      '/api/v1/applications',
      application(name, { source: { repoURL: url, path: name }, syncPolicy: { syncOptions: ['CreateNamespace=true'] } }),
    );
  // Without the password there is nothing to see: the error of that time is looked through as well.
  await eventually(
    'the repository is refused',
    () => home.application('good'),
    ({ status }) => (status?.conditions ?? []).length > 0,
  );
  await ask('GET', '/api/v1/applications/good');
  await ask('POST', '/api/v1/repositories', { repo: url, username: 'robot', password: CANARIES.password });
  await eventually(
    'good is compared',
    () => home.application('good'),
    ({ status }) => status?.sync?.status === 'OutOfSync',
    20_000,
  );
  await ask('POST', '/api/v1/applications/good/sync', {});
  await home.settled('good');
  await ask('POST', '/api/v1/applications/refused/sync', {});
  await eventually(
    'the sync of refused fails',
    () => home.application('refused'),
    ({ status }) => status?.operationState?.phase === 'Failed' || status?.operationState?.phase === 'Error',
  );
  await client.patch(
    SECRETS,
    { name: 'creds', namespace: 'shop' },
    { stringData: { password: CANARIES.live } },
    { type: 'merge', fieldManager: 'kubectl-edit', signal: signal() },
  );
  await eventually(
    'the drift is seen',
    () => home.application('good'),
    ({ status }) => status?.sync?.status === 'OutOfSync',
  );
  for (const name of APPS) for (const read of READS) await ask('GET', `/api/v1/applications/${name}${read}`);
  for (const target of ['/api/v1/applications', '/api/v1/repositories', '/api/v1/clusters', '/api/v1/projects']) await ask('GET', target);

  // The test has looked where there was something to see.
  const changes = (await home.call<{ items: { kind: string; changes: object[] }[] }>('GET', '/api/v1/applications/good/managed-resources')).body.items.find(
    ({ kind }) => kind === 'Secret',
  )?.changes;
  expect(changes).toMatchObject([{ path: '.data.password', masked: true, owner: { manager: 'kubectl-edit' } }]);
  expect((await home.application('broken')).status?.conditions?.[0]?.message).toContain('broken/secret.yaml:');
  const stored = await client.get(SECRETS, { name: 'creds', namespace: 'shop' }, { signal: signal() });
  expect(stored).toMatchObject({ data: { password: base64(CANARIES.live), key: base64(CANARIES.git) } });
  expect(up.stderr()).toContain('"level":"debug"');

  const cli = await Promise.all(['get', 'diff', 'plan', 'manifests'].map((verb) => home.cli('app', verb, 'good', '-o', 'json')));
  const lists = await Promise.all([applicationType, syncRunType].map((type) => client.list(type, { namespace: 'argocd', signal: signal() })));
  const events = await client.list(builtin('v1', 'Event'), { signal: signal() });
  stream.close();
  const places: Readonly<Record<string, string>> = {
    'API answers': answers.join('\n'),
    stream: stream.messages.map(({ data }) => data).join('\n'),
    'command line': cli.map(({ out, err }) => out + err).join('\n'),
    'Applications, runs and events': JSON.stringify([lists, events]),
    log: up.stderr(),
  };
  const leaks = Object.entries(places).flatMap(([place, text]) =>
    Object.entries(CANARIES).flatMap(([name, value]) =>
      [value, base64(value)].filter((form) => text.includes(form)).map((form) => `${name} in ${place}: ${excerpt(text, form)}`),
    ),
  );
  expect(leaks).toEqual([]);
}, 60_000);

function excerpt(text: string, form: string): string {
  const at = text.indexOf(form);
  return text.slice(Math.max(0, at - 300), at + form.length + 50);
}

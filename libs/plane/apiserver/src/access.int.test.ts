import { mkdtempSync, rmSync, statSync } from 'node:fs';
import { request } from 'node:https';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createMemoryStore, openLmdbStore } from '@tiphys/plane-store';
import { WebSocket } from 'ws';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { NodeBackend } from './nodes.ts';
import { startTestServer, type TestServer } from './test-server.test-suite.ts';

let t: TestServer;
beforeAll(async () => (t = await startTestServer()));
afterAll(async () => await t[Symbol.asyncDispose]());

const RBAC = '/apis/rbac.authorization.k8s.io/v1';
const PODS = '/api/v1/namespaces/default/pods';

describe('who may', () => {
  it('lets nobody in without proof, except to health and version', async () => {
    expect((await t.call('GET', '/api/v1/pods', { token: '' })).body).toMatchObject({ code: 401, reason: 'Unauthorized' });
    expect((await t.call('GET', '/api/v1/pods', { token: 'guess' })).code).toBe(401);
    for (const path of ['/healthz', '/livez', '/readyz', '/version']) expect((await t.call('GET', path, { token: '' })).code).toBe(200);
    expect((await t.call('GET', '/metrics', { token: '' })).code).toBe(401);
    expect((await t.call('GET', '/metrics')).text).toMatch(/^apiserver_request_total\{verb="GET",code="401"\} 3$/m);
    expect((await t.call('GET', '/readyz?verbose', { token: '' })).text).toContain('readyz check passed');
  });

  it('decides by roles, also aggregated ones, per namespace', async () => {
    const token = t.server.issueToken({ username: 'jane', groups: ['devs'] });
    const refused = await t.call('GET', PODS, { token });
    expect(refused.body).toMatchObject({
      code: 403,
      message: 'pods is forbidden: User "jane" cannot list resource "pods" in API group "" in the namespace "default"',
    });
    await t.call('POST', `${RBAC}/namespaces/default/rolebindings`, {
      body: {
        apiVersion: 'rbac.authorization.k8s.io/v1',
        kind: 'RoleBinding',
        metadata: { name: 'devs' },
        roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind: 'ClusterRole', name: 'edit' },
        subjects: [{ kind: 'Group', name: 'devs' }],
      },
    });
    expect((await t.call('GET', PODS, { token })).code).toBe(200);
    expect((await t.call('GET', '/api/v1/namespaces/kube-system/pods', { token })).code).toBe(403);
    const review = await t.call('POST', '/apis/authorization.k8s.io/v1/selfsubjectaccessreviews', {
      token,
      body: { apiVersion: 'authorization.k8s.io/v1', kind: 'SelfSubjectAccessReview', spec: { resourceAttributes: { verb: 'delete', resource: 'nodes' } } },
    });
    expect(review.body.status.allowed).toBe(false);
    expect(
      (
        await t.call('POST', '/apis/authentication.k8s.io/v1/selfsubjectreviews', {
          token,
          body: { apiVersion: 'authentication.k8s.io/v1', kind: 'SelfSubjectReview' },
        })
      ).body.status.userInfo,
    ).toMatchObject({ username: 'jane', groups: ['devs', 'system:authenticated'] });
  });

  it('issues service-account tokens that die with their account', async () => {
    const accounts = '/api/v1/namespaces/default/serviceaccounts';
    await t.call('POST', accounts, { body: { apiVersion: 'v1', kind: 'ServiceAccount', metadata: { name: 'bot' } } });
    const issued = await t.call('POST', `${accounts}/bot/token`, {
      body: { apiVersion: 'authentication.k8s.io/v1', kind: 'TokenRequest', spec: { expirationSeconds: 600 } },
    });
    const { token } = issued.body.status;
    const review = await t.call('POST', '/apis/authentication.k8s.io/v1/tokenreviews', {
      body: { apiVersion: 'authentication.k8s.io/v1', kind: 'TokenReview', spec: { token } },
    });
    expect(review.body.status).toMatchObject({ authenticated: true, user: { username: 'system:serviceaccount:default:bot' } });
    expect((await t.call('GET', '/apis', { token })).code).toBe(200);
    expect((await t.call('GET', PODS, { token })).code).toBe(403);
    await t.call('DELETE', `${accounts}/bot`);
    expect((await t.call('GET', '/apis', { token })).code).toBe(401);
  });

  it('knows clients by certificate, over HTTP/1.1 too', async () => {
    const config = JSON.parse(t.server.adminKubeconfig());
    const pem = (text: string): string => Buffer.from(text, 'base64').toString();
    const { user } = config.users[0];
    const body = await new Promise<string>((resolve, reject) => {
      const call = request(
        `${t.server.url}${PODS}`,
        { ca: t.server.caPem, cert: pem(user['client-certificate-data']), key: pem(user['client-key-data']) },
        (response) => {
          let text = '';
          response.on('data', (part: Buffer) => (text += part.toString())).on('end', () => resolve(text));
        },
      );
      call.on('error', reject).end();
    });
    expect(JSON.parse(body)).toMatchObject({ kind: 'PodList' });
  });
});

describe('state', () => {
  it('is found again after a restart: authority, tokens, objects, CRDs, addresses', async () => {
    const dir = mkdtempSync(join(tmpdir(), 'tiphys-api-'));
    const run = async <T>(use: (server: TestServer) => Promise<T>): Promise<T> => {
      await using server = await startTestServer({ store: openLmdbStore({ dir: join(dir, 'store') }), stateDir: join(dir, 'pki') });
      return await use(server);
    };
    const before = await run(async (server) => {
      await server.call('POST', '/api/v1/namespaces/default/configmaps', { body: { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'kept' } } });
      return { ca: server.server.caPem, token: server.server.adminToken };
    });
    const after = await run(async (server) => ({
      ca: server.server.caPem,
      token: server.server.adminToken,
      map: await server.call('GET', '/api/v1/namespaces/default/configmaps/kept'),
    }));
    expect(after).toMatchObject({ ...before, map: { code: 200 } });
    for (const file of ['ca.key', 'sa.key', 'admin.token']) expect(statSync(join(dir, 'pki', file)).mode & 0o777).toBe(0o600);
    rmSync(dir, { recursive: true });
  });

  it('closes promptly with watches open', async () => {
    const server = await startTestServer({ store: createMemoryStore() });
    void server.watch('/api/v1/pods?watch=true', 99).catch(() => undefined); // Ends with the connection.
    const started = Date.now();
    await server[Symbol.asyncDispose]();
    expect(Date.now() - started).toBeLessThan(2_000);
  });
});

const backend: NodeBackend = {
  logs: async (target, options) =>
    (async function* () {
      yield Buffer.from(`${target.container} ${options.tailLines ?? 'all'}\n`);
    })(),
  exec: async (_target, options, streams) => {
    for await (const chunk of streams.stdin ?? []) streams.stdout(chunk);
    streams.stderr(Buffer.from(options.command.join(' ')));
    return { exitCode: options.command[0] === 'fail' ? 3 : 0 };
  },
};

describe('containers', () => {
  beforeAll(async () => {
    t.server.nodes.register('n1', backend);
    await t.call('POST', PODS, {
      body: { apiVersion: 'v1', kind: 'Pod', metadata: { name: 'p' }, spec: { nodeName: 'n1', containers: [{ name: 'c', image: 'x' }] } },
    });
  });

  it('shows logs and says why it cannot', async () => {
    expect((await t.call('GET', `${PODS}/p/log?tailLines=3`)).text).toBe('c 3\n');
    expect((await t.call('GET', `${PODS}/p/log?container=no`)).body).toMatchObject({ code: 400, message: 'container no is not valid for pod p' });
  });

  it.each(['v5.channel.k8s.io', 'v4.channel.k8s.io'])('runs commands over %s', async (protocol) => {
    const url = `${t.server.url.replace('https', 'wss')}${PODS}/p/exec?command=fail&command=now&stdin=${protocol.startsWith('v5')}&stdout=true&stderr=true`;
    const socket = new WebSocket(url, protocol, { ca: t.server.caPem, headers: { authorization: `Bearer ${t.server.adminToken}` } });
    const seen = new Map<number, string>();
    socket.on('message', (data: Buffer) => seen.set(data[0] ?? 0, (seen.get(data[0] ?? 0) ?? '') + data.subarray(1).toString()));
    socket.on('open', () => {
      if (!protocol.startsWith('v5')) return;
      socket.send(Buffer.from('\0typed'));
      socket.send(Buffer.from([255, 0]));
    });
    await new Promise((resolve, reject) => socket.on('close', resolve).on('error', reject));
    expect(seen.get(2)).toBe('fail now');
    if (protocol.startsWith('v5')) expect(seen.get(1)).toBe('typed');
    expect(JSON.parse(seen.get(3) ?? '{}')).toMatchObject({
      status: 'Failure',
      reason: 'NonZeroExitCode',
      details: { causes: [{ reason: 'ExitCode', message: '3' }] },
    });
  });
});

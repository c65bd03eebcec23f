import { createServer as createTlsServer } from 'node:https';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { WebSocket, WebSocketServer } from 'ws';
import { openAuthority } from '../auth/pki.ts';
import { startTestServer, type TestServer } from '../test-server.test-suite.ts';

// One API server behind another: the second serves the group fleet.io by a CRD, the first passes requests on.
let front: TestServer;
let back: TestServer;
const SERVICES = '/apis/apiregistration.k8s.io/v1/apiservices';
const SHIPS = '/apis/fleet.io/v1/namespaces/default/ships';
const ship = (name: string): object => ({ apiVersion: 'fleet.io/v1', kind: 'Ship', metadata: { name } });

const crd = {
  apiVersion: 'apiextensions.k8s.io/v1',
  kind: 'CustomResourceDefinition',
  metadata: { name: 'ships.fleet.io' },
  spec: {
    group: 'fleet.io',
    scope: 'Namespaced',
    names: { plural: 'ships', kind: 'Ship', shortNames: ['sh'] },
    versions: [{ name: 'v1', served: true, storage: true, schema: { openAPIV3Schema: { type: 'object', 'x-kubernetes-preserve-unknown-fields': true } } }],
  },
};

async function expose(server: TestServer, name: string, port: number): Promise<void> {
  await server.call('POST', '/api/v1/namespaces/default/services', {
    body: { apiVersion: 'v1', kind: 'Service', metadata: { name }, spec: { ports: [{ name: 'api', port: 443 }] } },
  });
  await server.call('POST', '/apis/discovery.k8s.io/v1/namespaces/default/endpointslices', {
    body: {
      apiVersion: 'discovery.k8s.io/v1',
      kind: 'EndpointSlice',
      metadata: { name: `${name}-1`, labels: { 'kubernetes.io/service-name': name } },
      addressType: 'IPv4',
      endpoints: [{ addresses: ['127.0.0.1'], conditions: { ready: true } }],
      ports: [{ name: 'api', port, protocol: 'TCP' }],
    },
  });
}

const apiService = (group: string, service: string, more: object): object => ({
  apiVersion: 'apiregistration.k8s.io/v1',
  kind: 'APIService',
  metadata: { name: `v1.${group}` },
  spec: { group, version: 'v1', groupPriorityMinimum: 2_000, versionPriority: 15, service: { namespace: 'default', name: service, port: 443 }, ...more },
});

const condition = async (name: string): Promise<unknown> => {
  const found = (await front.call('GET', `${SERVICES}/${name}`)).body.status?.conditions?.[0];
  return found === undefined ? undefined : [found.type, found.status, found.reason];
};

beforeAll(async () => {
  front = await startTestServer();
  const { data } = (await front.call('GET', '/api/v1/namespaces/kube-system/configmaps/extension-apiserver-authentication')).body;
  back = await startTestServer({
    alternativeNames: ['fleet.default.svc'],
    requestHeader: { caPem: data['requestheader-client-ca-file'], allowedNames: JSON.parse(data['requestheader-allowed-names']) },
  });
  await back.call('POST', '/apis/apiextensions.k8s.io/v1/customresourcedefinitions', { body: crd });
});
afterAll(async () => {
  await front[Symbol.asyncDispose]();
  await back[Symbol.asyncDispose]();
});

describe('an API of another server', () => {
  it('is available once there is a way to it, and says what is missing before', async () => {
    await front.call('POST', SERVICES, { body: apiService('fleet.io', 'fleet', { caBundle: Buffer.from(back.server.caPem).toString('base64') }) });
    await expect.poll(() => condition('v1.fleet.io')).toEqual(['Available', 'False', 'ServiceNotFound']);
    expect((await front.call('GET', SHIPS)).body).toMatchObject({ code: 503, message: 'service unavailable' });
    await expose(front, 'fleet', back.server.port);
    await expect.poll(() => condition('v1.fleet.io')).toEqual(['Available', 'True', 'Passed']);
  });

  it('stands in discovery beside the own ones', async () => {
    const { body: groups } = await front.call('GET', '/apis');
    const names = groups.groups.map((group: { name: string }) => group.name);
    expect(names[0]).toBe('apiregistration.k8s.io');
    expect(names.at(-1)).toBe('fleet.io');
    expect((await front.call('GET', '/apis/fleet.io')).body).toMatchObject({ kind: 'APIGroup', preferredVersion: { groupVersion: 'fleet.io/v1' } });
    expect((await front.call('GET', '/apis/fleet.io/v1')).body.resources[0]).toMatchObject({ name: 'ships', kind: 'Ship', shortNames: ['sh'] });
    const { text } = await front.call('GET', '/apis', { accept: 'application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList' });
    expect(JSON.parse(text).items.at(-1)).toMatchObject({
      metadata: { name: 'fleet.io' },
      versions: [{ version: 'v1', freshness: 'Current', resources: [{ resource: 'ships' }] }],
    });
    const { body: index } = await front.call('GET', '/openapi/v3');
    const document = await front.call('GET', index.paths['apis/fleet.io/v1'].serverRelativeURL);
    expect(Object.keys(document.body.components.schemas)).toContain('io.fleet.v1.Ship');
  });

  it('is reached with every verb, in the name of the user', async () => {
    expect((await front.call('POST', SHIPS, { body: ship('a') })).body).toMatchObject({ kind: 'Ship', metadata: { name: 'a', uid: expect.any(String) } });
    expect((await back.call('GET', `${SHIPS}/a`)).code).toBe(200);
    const events = front.watch(`${SHIPS}?watch=1`, 2);
    await front.call('POST', SHIPS, { body: ship('b') });
    expect((await events).map((event) => event.object.metadata.name)).toEqual(['a', 'b']);
    expect((await front.call('GET', SHIPS, { accept: 'application/json;as=Table;v=v1;g=meta.k8s.io' })).body.kind).toBe('Table');
    const role = {
      apiVersion: 'rbac.authorization.k8s.io/v1',
      kind: 'ClusterRole',
      metadata: { name: 'sailor' },
      rules: [{ apiGroups: ['fleet.io'], resources: ['ships'], verbs: ['*'] }],
    };
    await front.call('POST', '/apis/rbac.authorization.k8s.io/v1/clusterroles', { body: role });
    const subject = { kind: 'User', apiGroup: 'rbac.authorization.k8s.io', name: 'amy' };
    const roleRef = { apiGroup: 'rbac.authorization.k8s.io', kind: 'ClusterRole', name: 'sailor' };
    const binding = { apiVersion: 'rbac.authorization.k8s.io/v1', kind: 'ClusterRoleBinding', metadata: { name: 'sailor' }, roleRef, subjects: [subject] };
    const headers = { 'impersonate-user': 'amy', 'x-remote-user': 'kubernetes-admin', 'x-remote-group': 'system:masters' };
    expect((await front.call('GET', SHIPS, { headers })).body.message).toContain('User "amy" cannot list resource "ships"');
    await front.call('POST', '/apis/rbac.authorization.k8s.io/v1/clusterrolebindings', { body: binding });
    // The first lets her pass now, the second does not know her role: its refusal names her.
    expect((await front.call('GET', SHIPS, { headers })).body.message).toContain('User "amy" cannot list resource "ships"');
    await back.call('POST', '/apis/rbac.authorization.k8s.io/v1/clusterroles', { body: role });
    await back.call('POST', '/apis/rbac.authorization.k8s.io/v1/clusterrolebindings', { body: binding });
    expect((await front.call('GET', SHIPS, { headers })).code).toBe(200);
  });

  it('hears of users whole, whatever their names', async () => {
    const headers = { 'impersonate-user': Buffer.from('zoë').toString('latin1'), 'impersonate-group': ['a, b'], 'impersonate-extra-acme.io%2fteam': ['x'] };
    const self = { apiVersion: 'authentication.k8s.io/v1', kind: 'SelfSubjectReview' };
    const { body } = await front.call('POST', '/apis/authentication.k8s.io/v1/selfsubjectreviews', { headers, body: self });
    expect(body.status.userInfo).toEqual({ username: 'zoë', groups: ['a, b', 'system:authenticated'], extra: { 'acme.io/team': ['x'] } });
    const binding = (name: string): object => ({
      apiVersion: 'rbac.authorization.k8s.io/v1',
      kind: 'ClusterRoleBinding',
      metadata: { name: 'crew' },
      roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind: 'ClusterRole', name: 'sailor' },
      subjects: [{ kind: 'Group', apiGroup: 'rbac.authorization.k8s.io', name }],
    });
    const bindings = '/apis/rbac.authorization.k8s.io/v1/clusterrolebindings';
    await front.call('POST', bindings, { body: binding('a, b') });
    expect((await front.call('GET', SHIPS, { headers })).body.message).toContain('User "zoë" cannot list resource "ships"');
    await back.call('POST', bindings, { body: binding('a, b') });
    expect((await front.call('GET', SHIPS, { headers })).code).toBe(200);
  });

  it('does not take the word of anybody else', async () => {
    const headers = { 'x-remote-user': 'kubernetes-admin', 'x-remote-group': 'system:masters' };
    expect((await back.call('GET', SHIPS, { token: '', headers })).code).toBe(401);
  });

  it('is refused where its certificate is of nobody we know', async () => {
    await front.call('POST', SERVICES, { body: apiService('other.io', 'fleet', { caBundle: Buffer.from(front.server.caPem).toString('base64') }) });
    await expect.poll(() => condition('v1.other.io')).toEqual(['Available', 'False', 'FailedDiscoveryCheck']);
    expect((await front.call('GET', '/apis/other.io/v1/things')).code).toBe(503);
  });

  it('is told of connection upgrades too', async () => {
    const authority = openAuthority(undefined, Date.now());
    const pair = authority.issueServer(['echo.default.svc'], []);
    const users: unknown[] = [];
    const echo = createTlsServer({ cert: pair.certPem, key: pair.keyPem }, (_request, response) => {
      response.setHeader('content-type', 'application/json');
      response.end(
        JSON.stringify({ kind: 'APIResourceList', groupVersion: 'echo.io/v1', resources: [{ name: 'pipes', namespaced: true, kind: 'Pipe', verbs: ['get'] }] }),
      );
    });
    const sockets = new WebSocketServer({ server: echo });
    sockets.on('connection', (socket, request) => {
      users.push(request.headers['x-remote-user']);
      socket.on('message', (data) => socket.send(`back: ${String(data)}`));
    });
    await new Promise<void>((resolve) => echo.listen(0, '127.0.0.1', resolve));
    const address = echo.address();
    await expose(front, 'echo', typeof address === 'object' && address !== null ? address.port : 0);
    await front.call('POST', SERVICES, { body: apiService('echo.io', 'echo', { insecureSkipTLSVerify: true }) });
    await expect.poll(() => condition('v1.echo.io')).toEqual(['Available', 'True', 'Passed']);
    const socket = new WebSocket(`${front.server.url.replace('https', 'wss')}/apis/echo.io/v1/namespaces/default/pipes/p/connect`, {
      ca: front.server.caPem,
      headers: { authorization: `Bearer ${front.server.adminToken}` },
    });
    const answer = await new Promise((resolve, reject) => {
      socket.on('open', () => socket.send('hello'));
      socket.on('message', (data) => resolve(String(data)));
      socket.on('error', reject);
    });
    expect([answer, users]).toEqual(['back: hello', ['kubernetes-admin']]);
    socket.terminate();
    sockets.close();
    echo.close();
    echo.closeAllConnections();
  });
});

describe('own versions', () => {
  it('are registered, those of CRDs as long as they are served', async () => {
    const names = async (): Promise<string[]> =>
      (await front.call('GET', SERVICES)).body.items.map((item: { metadata: { name: string } }) => item.metadata.name);
    expect(await names()).toEqual(expect.arrayContaining(['v1.', 'v1.apps', 'v2.autoscaling']));
    expect((await front.call('GET', `${SERVICES}/v1.apps`)).body).toMatchObject({
      metadata: { labels: { 'kube-aggregator.kubernetes.io/automanaged': 'onstart' } },
      spec: { group: 'apps', version: 'v1', groupPriorityMinimum: 17_800 },
      status: { conditions: [{ type: 'Available', status: 'True', reason: 'Local' }] },
    });
    await front.call('POST', '/apis/apiextensions.k8s.io/v1/customresourcedefinitions', {
      body: { ...crd, metadata: { name: 'ships.own.io' }, spec: { ...crd.spec, group: 'own.io' } },
    });
    await expect.poll(names).toContain('v1.own.io');
    await front.call('DELETE', '/apis/apiextensions.k8s.io/v1/customresourcedefinitions/ships.own.io');
    await expect.poll(names).not.toContain('v1.own.io');
  });
});

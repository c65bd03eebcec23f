import { createServer } from 'node:https';
import { exportJWK, generateKeyPair, SignJWT } from 'jose';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createLogger, systemClock } from '@tiphys/kernel';
import { openAuthority } from './auth/pki.ts';
import { startApiServer } from './server.ts';
import { startTestServer, type TestServer } from './test-server.test-suite.ts';

let t: TestServer;
const RBAC = '/apis/rbac.authorization.k8s.io/v1';
const ROLE = 'rbac.authorization.k8s.io';
const SELF = '/apis/authentication.k8s.io/v1/selfsubjectreviews';
const self = { apiVersion: 'authentication.k8s.io/v1', kind: 'SelfSubjectReview' };
beforeAll(async () => {
  t = await startTestServer({ tokenFile: '# staff\nsecret-of-kim,kim,7,"ops,""quoted"", night"\nsecret-of-lee,lee,8\n' });
});
afterAll(async () => await t[Symbol.asyncDispose]());

const whoIs = async (request: Parameters<TestServer['call']>[2]): Promise<unknown> =>
  (await t.call('POST', SELF, { ...request, body: self })).body.status.userInfo;
const clusterRole = (name: string, rules: readonly object[]): object => ({ apiVersion: `${ROLE}/v1`, kind: 'ClusterRole', metadata: { name }, rules });
const bind = (name: string, role: string, user: string): object => ({
  apiVersion: `${ROLE}/v1`,
  kind: 'ClusterRoleBinding',
  metadata: { name },
  roleRef: { apiGroup: ROLE, kind: 'ClusterRole', name: role },
  subjects: [{ apiGroup: ROLE, kind: 'User', name: user }],
});

describe('static tokens', () => {
  it('stand for the users of their file', async () => {
    expect(await whoIs({ token: 'secret-of-kim' })).toEqual({ username: 'kim', uid: '7', groups: ['ops', '"quoted"', 'night', 'system:authenticated'] });
    expect(await whoIs({ token: 'secret-of-lee' })).toEqual({ username: 'lee', uid: '8', groups: ['system:authenticated'] });
  });
});

describe('impersonation', () => {
  it('acts for users, groups, uids, extras and service accounts', async () => {
    const headers = {
      'impersonate-user': 'amy',
      'impersonate-group': ['devs', 'cn=a,ou=b'],
      'impersonate-uid': 'u1',
      'impersonate-extra-acme.io%2fteam': ['x', 'y'],
    };
    expect(await whoIs({ headers })).toEqual({
      username: 'amy',
      uid: 'u1',
      groups: ['devs', 'cn=a,ou=b', 'system:authenticated'],
      extra: { 'acme.io/team': ['x', 'y'] },
    });
    expect(await whoIs({ headers: { 'impersonate-user': 'system:serviceaccount:ns:bot' } })).toEqual({
      username: 'system:serviceaccount:ns:bot',
      groups: ['system:serviceaccounts', 'system:serviceaccounts:ns', 'system:authenticated'],
    });
    expect((await t.call('GET', '/api/v1/secrets', { headers })).body.message).toBe(
      'secrets is forbidden: User "amy" cannot list resource "secrets" in API group "" at the cluster scope',
    );
  });

  it('needs the right to, for every part', async () => {
    const asked = (headers: Record<string, string>): Promise<{ code: number; body: { message: string } }> =>
      t.call('POST', SELF, { token: 'secret-of-lee', headers, body: self });
    expect((await asked({ 'impersonate-user': 'amy' })).body.message).toBe(
      'users "amy" is forbidden: User "lee" cannot impersonate resource "users" in API group "" at the cluster scope',
    );
    await t.call('POST', `${RBAC}/clusterroles`, {
      body: clusterRole('act-amy', [
        { apiGroups: [''], resources: ['users'], verbs: ['impersonate'], resourceNames: ['amy'] },
        { apiGroups: ['authentication.k8s.io'], resources: ['userextras/team'], verbs: ['impersonate'], resourceNames: ['x'] },
      ]),
    });
    await t.call('POST', `${RBAC}/clusterrolebindings`, { body: bind('lee-acts', 'act-amy', 'lee') });
    expect((await asked({ 'impersonate-user': 'amy', 'impersonate-extra-team': 'x' })).code).toBe(201);
    expect((await asked({ 'impersonate-user': 'bob' })).code).toBe(403);
    expect((await asked({ 'impersonate-user': 'amy', 'impersonate-group': 'system:masters' })).code).toBe(403);
    expect((await asked({ 'impersonate-user': 'amy', 'impersonate-extra-team': 'z' })).body.message).toBe(
      'userextras.authentication.k8s.io "z" is forbidden: User "lee" cannot impersonate resource "userextras/team" in API group "authentication.k8s.io" at the cluster scope',
    );
    expect((await asked({ 'impersonate-user': 'amy', 'impersonate-uid': 'u' })).code).toBe(403);
    expect((await asked({ 'impersonate-group': 'x' })).code).toBe(400);
  });
});

describe('tokens of service accounts', () => {
  const accounts = '/api/v1/namespaces/default/serviceaccounts';
  const ask = (spec: object): Promise<{ code: number; body: { status: { token: string; expirationTimestamp: string }; message: string } }> =>
    t.call('POST', `${accounts}/sa/token`, { body: { apiVersion: 'authentication.k8s.io/v1', kind: 'TokenRequest', spec } });
  const review = async (token: string, audiences?: string[]): Promise<Record<string, unknown>> =>
    (
      await t.call('POST', '/apis/authentication.k8s.io/v1/tokenreviews', {
        body: { apiVersion: 'authentication.k8s.io/v1', kind: 'TokenReview', spec: { token, audiences } },
      })
    ).body.status;

  beforeAll(async () => {
    await t.call('POST', accounts, { body: { apiVersion: 'v1', kind: 'ServiceAccount', metadata: { name: 'sa' } } });
    await t.call('POST', '/api/v1/nodes', { body: { apiVersion: 'v1', kind: 'Node', metadata: { name: 'n7' } } });
    await t.call('POST', '/api/v1/namespaces/default/pods', {
      body: {
        apiVersion: 'v1',
        kind: 'Pod',
        metadata: { name: 'p' },
        spec: { nodeName: 'n7', serviceAccountName: 'sa', containers: [{ name: 'c', image: 'x' }] },
      },
    });
    await t.call('POST', '/api/v1/namespaces/default/secrets', { body: { apiVersion: 'v1', kind: 'Secret', metadata: { name: 'tie' } } });
  });

  it('say of which pod and node they are, and live for what they are bound to', async () => {
    const { body } = await ask({ expirationSeconds: 600, boundObjectRef: { kind: 'Pod', apiVersion: 'v1', name: 'p' } });
    expect(await review(body.status.token)).toMatchObject({
      authenticated: true,
      user: {
        extra: {
          'authentication.kubernetes.io/pod-name': ['p'],
          'authentication.kubernetes.io/pod-uid': [expect.any(String)],
          'authentication.kubernetes.io/node-name': ['n7'],
          'authentication.kubernetes.io/credential-id': [expect.stringMatching(/^JTI=/)],
        },
      },
    });
    const tied = (await ask({ boundObjectRef: { kind: 'Secret', apiVersion: 'v1', name: 'tie' } })).body.status.token;
    expect(await review(tied)).toMatchObject({ authenticated: true });
    await t.call('DELETE', '/api/v1/namespaces/default/secrets/tie');
    expect(await review(tied)).toMatchObject({ authenticated: false });
    const extended = await ask({ expirationSeconds: 3607, boundObjectRef: { kind: 'Pod', apiVersion: 'v1', name: 'p' } });
    expect(Date.parse(extended.body.status.expirationTimestamp) - Date.now()).toBeLessThan(3_700_000);
  });

  it('are for their audiences alone', async () => {
    const { token } = (await ask({ audiences: ['vault', 'other'] })).body.status;
    expect((await t.call('GET', '/apis', { token })).code).toBe(401);
    expect(await review(token)).toMatchObject({ authenticated: false });
    expect(await review(token, ['vault', 'x'])).toMatchObject({ authenticated: true, audiences: ['vault'] });
    expect((await ask({ expirationSeconds: 599 })).body.message).toContain('may not specify a duration less than 10 minutes');
    expect((await ask({ expirationSeconds: 2 ** 33 })).body.message).toContain('may not specify a duration larger than 2^32 seconds');
  });

  it('can be checked by others', async () => {
    const keys = await t.call('GET', '/openid/v1/jwks');
    expect([keys.headers['content-type'], JSON.parse(keys.text).keys[0].kty]).toEqual(['application/jwk-set+json', 'EC']);
    expect((await t.call('GET', '/.well-known/openid-configuration')).body).toMatchObject({ issuer: 'https://kubernetes.default.svc.cluster.local' });
    expect((await t.call('GET', '/openid/v1/jwks', { token: '' })).code).toBe(401);
  });
});

describe('an OIDC provider', () => {
  it('vouches for users by its keys, also after it changed them', async () => {
    const authority = openAuthority(undefined, Date.now());
    const pair = authority.issueServer(['localhost'], ['127.0.0.1']);
    let key = await generateKeyPair('RS256');
    let kid = 'one';
    const provider = createServer({ cert: pair.certPem, key: pair.keyPem }, (request, response) => {
      const answer = async (): Promise<unknown> =>
        request.url === '/keys' ? { keys: [{ ...(await exportJWK(key.publicKey)), kid, alg: 'RS256' }] } : { issuer, jwks_uri: `${issuer}/keys` };
      void answer().then((body) => response.end(JSON.stringify(body)));
    });
    await new Promise<void>((resolve) => provider.listen(0, '127.0.0.1', resolve));
    const address = provider.address();
    const issuer = `https://127.0.0.1:${typeof address === 'object' && address !== null ? address.port : 0}`;
    let monotonic = 0;
    const clock = { ...systemClock, monotonic: () => (monotonic += 60_000) };
    await using server = await startTestServer({
      clock,
      oidc: {
        issuerUrl: issuer,
        clientIds: ['tiphys'],
        usernameClaim: 'email',
        groupsClaim: 'roles',
        groupsPrefix: 'oidc:',
        requiredClaims: { hd: 'acme.io' },
        caPem: authority.caPem,
      },
    });
    const issue = (claims: Record<string, unknown>, audience: string = 'tiphys'): Promise<string> =>
      new SignJWT(claims)
        .setProtectedHeader({ alg: 'RS256', kid })
        .setIssuer(issuer)
        .setAudience(audience)
        .setIssuedAt()
        .setExpirationTime('5m')
        .sign(key.privateKey);
    const claims = { email: 'amy@acme.io', email_verified: true, roles: ['dev', 'ops'], hd: 'acme.io' };
    const who = async (token: string): Promise<{ code: number; user: unknown }> => {
      const answer = await server.call('POST', SELF, { token, body: self });
      return { code: answer.code, user: answer.body.status.userInfo };
    };
    const amy = { code: 201, user: { username: 'amy@acme.io', groups: ['oidc:dev', 'oidc:ops', 'system:authenticated'] } };
    expect(await who(await issue(claims))).toEqual(amy);
    for (const bad of [await issue({ ...claims, email_verified: false }), await issue({ ...claims, hd: 'evil.io' }), await issue(claims, 'other')])
      expect((await who(bad)).code).toBe(401);
    key = await generateKeyPair('RS256');
    kid = 'two';
    expect(await who(await issue(claims))).toEqual(amy);
    provider.close();
  });
});

describe('roles', () => {
  it('of every cluster are there, and come back when the server starts again', async () => {
    const { body } = await t.call('GET', `${RBAC}/clusterroles`);
    expect(body.items.length).toBeGreaterThan(60);
    const admin = await t.call('GET', `${RBAC}/clusterroles/admin`);
    expect(admin.body.rules).toContainEqual(expect.objectContaining({ resources: ['rolebindings', 'roles'] }));
    expect(admin.body.rules).toContainEqual(expect.objectContaining({ resources: ['pods/eviction'] }));
    await t.call('PATCH', `${RBAC}/clusterroles/system:node-proxier`, {
      contentType: 'application/merge-patch+json',
      body: { rules: [{ apiGroups: ['acme.io'], resources: ['x'], verbs: ['get'] }] },
    });
    await t.call('PATCH', `${RBAC}/clusterroles/system:heapster`, {
      contentType: 'application/merge-patch+json',
      body: { metadata: { annotations: { 'rbac.authorization.kubernetes.io/autoupdate': 'false' } }, rules: [] },
    });
    await (await startApiServer({ store: t.store, logger: createLogger({ level: 'error' }) })).close();
    const healed = (await t.call('GET', `${RBAC}/clusterroles/system:node-proxier`)).body.rules;
    expect(healed[0]).toMatchObject({ apiGroups: ['acme.io'] });
    expect(healed).toContainEqual({ apiGroups: ['discovery.k8s.io'], resources: ['endpointslices'], verbs: ['list', 'watch'] });
    expect((await t.call('GET', `${RBAC}/clusterroles/system:heapster`)).body.rules ?? []).toEqual([]);
  });

  it('aggregate what they select', async () => {
    await t.call('POST', `${RBAC}/clusterroles`, {
      body: {
        ...clusterRole('gadget-viewer', [{ apiGroups: ['acme.io'], resources: ['gadgets'], verbs: ['get'] }]),
        metadata: { name: 'gadget-viewer', labels: { 'rbac.authorization.k8s.io/aggregate-to-view': 'true' } },
      },
    });
    await expect.poll(async () => JSON.stringify((await t.call('GET', `${RBAC}/clusterroles/admin`)).body.rules)).toContain('gadgets');
  });

  it('are not handed out by who has less', async () => {
    await t.call('POST', `${RBAC}/clusterroles`, {
      body: clusterRole('role-writer', [
        { apiGroups: [ROLE], resources: ['*'], verbs: ['create', 'update', 'patch', 'get'] },
        { apiGroups: [''], resources: ['pods'], verbs: ['get', 'list'] },
      ]),
    });
    await t.call('POST', `${RBAC}/clusterrolebindings`, { body: bind('mia-writes', 'role-writer', 'mia') });
    const headers = { 'impersonate-user': 'mia' };
    const create = (path: string, body: object): Promise<{ code: number; body: { message: string } }> => t.call('POST', `${RBAC}/${path}`, { headers, body });
    expect((await create('clusterroles', clusterRole('fine', [{ apiGroups: [''], resources: ['pods'], verbs: ['get'] }]))).code).toBe(201);
    expect(
      (await create('clusterroles', clusterRole('more', [{ apiGroups: [''], resources: ['pods', 'secrets'], verbs: ['get', 'delete'] }]))).body.message,
    ).toBe(
      'clusterroles.rbac.authorization.k8s.io "more" is forbidden: user "mia" (groups=["system:authenticated"]) is attempting to grant RBAC permissions not currently held:\n' +
        '{APIGroups:[""], Resources:["pods"], Verbs:["delete"]}\n{APIGroups:[""], Resources:["secrets"], Verbs:["get" "delete"]}',
    );
    expect((await create('clusterrolebindings', bind('mia-admin', 'cluster-admin', 'mia'))).body.message).toContain(
      'attempting to grant RBAC permissions not currently held',
    );
    expect((await create('clusterrolebindings', bind('mia-none', 'nothing', 'mia'))).body.message).toBe(
      'clusterroles.rbac.authorization.k8s.io "nothing" not found',
    );
    const patch = await t.call('PATCH', `${RBAC}/clusterroles/fine`, {
      headers,
      contentType: 'application/merge-patch+json',
      body: { rules: [{ apiGroups: ['*'], resources: ['*'], verbs: ['*'] }] },
    });
    expect(patch.code).toBe(403);
    const label = await t.call('PATCH', `${RBAC}/clusterroles/admin`, {
      headers,
      contentType: 'application/merge-patch+json',
      body: { metadata: { labels: { a: 'b' } } },
    });
    expect(label.code).toBe(200);
    await t.call('POST', `${RBAC}/clusterroles`, {
      body: clusterRole('binder', [
        { apiGroups: [ROLE], resources: ['clusterroles'], verbs: ['bind'], resourceNames: ['view'] },
        { apiGroups: [ROLE], resources: ['clusterroles'], verbs: ['escalate'] },
      ]),
    });
    await t.call('POST', `${RBAC}/clusterrolebindings`, { body: bind('mia-binds', 'binder', 'mia') });
    expect((await create('clusterrolebindings', bind('mia-views', 'view', 'mia'))).code).toBe(201);
    expect((await create('clusterroles', clusterRole('more', [{ apiGroups: [''], resources: ['secrets'], verbs: ['get'] }]))).code).toBe(201);
  });
});

describe('a node', () => {
  it('reads what its pods need and no more', async () => {
    for (const name of ['used', 'other'])
      await t.call('POST', '/api/v1/namespaces/default/secrets', { body: { apiVersion: 'v1', kind: 'Secret', metadata: { name } } });
    await t.call('POST', '/api/v1/namespaces/default/pods', {
      body: {
        apiVersion: 'v1',
        kind: 'Pod',
        metadata: { name: 'user' },
        spec: { nodeName: 'n7', serviceAccountName: 'sa', containers: [{ name: 'c', image: 'x', envFrom: [{ secretRef: { name: 'used' } }] }] },
      },
    });
    const as = (node: string, method: string, path: string): Promise<number> =>
      t.call(method, path, { headers: { 'impersonate-user': `system:node:${node}`, 'impersonate-group': ['system:nodes'] } }).then(({ code }) => code);
    expect(await as('n7', 'GET', '/api/v1/namespaces/default/secrets/used')).toBe(200);
    expect(await as('n7', 'GET', '/api/v1/namespaces/default/secrets/other')).toBe(403);
    expect(await as('n8', 'GET', '/api/v1/namespaces/default/secrets/used')).toBe(403);
    expect(await as('n7', 'GET', '/api/v1/secrets')).toBe(403);
    expect(await as('n7', 'GET', '/api/v1/pods')).toBe(200);
    expect(await as('n8', 'DELETE', '/api/v1/namespaces/default/pods/user')).toBe(403);
  });
});

describe('somebody unknown', () => {
  it('may read where the cluster is, and nothing else', async () => {
    const info = await t.call('GET', '/api/v1/namespaces/kube-public/configmaps/cluster-info', { token: '' });
    expect(info.body.data.kubeconfig).toMatch(/server: https:\/\/127\.0\.0\.1:\d+\n/);
    expect((await t.call('GET', '/api/v1/namespaces/kube-public/configmaps', { token: '' })).code).toBe(401);
    expect((await t.call('GET', '/version', { token: '' })).body).toMatchObject({ major: '1', minor: '33', emulationMinor: '33', minCompatibilityMinor: '32' });
  });
});

describe('reviews', () => {
  const API = '/apis/authorization.k8s.io/v1';
  const ask = (kind: string, spec: object, path: string = `${kind.toLowerCase()}s`): Promise<{ code: number; body: { status: unknown; message: string } }> =>
    t.call('POST', `${API}/${path}`, { body: { apiVersion: 'authorization.k8s.io/v1', kind, spec } });

  it('say by what somebody may', async () => {
    const path = { nonResourceAttributes: { verb: 'get', path: '/version' } };
    expect((await ask('SubjectAccessReview', { user: 'x', groups: ['system:authenticated'], ...path })).body.status).toEqual({
      allowed: true,
      reason: 'RBAC: allowed by ClusterRoleBinding "system:discovery" of ClusterRole "system:discovery" to Group "system:authenticated"',
    });
    expect((await ask('SubjectAccessReview', { user: 'x', ...path })).body.status).toEqual({ allowed: false });
    expect((await ask('SubjectAccessReview', path)).body.message).toContain('at least one of user or group must be specified');
    expect((await ask('SelfSubjectAccessReview', { ...path, resourceAttributes: {} })).body.message).toContain(
      'cannot be specified in combination with resourceAttributes',
    );
    const local = { user: 'x', resourceAttributes: { namespace: 'other', verb: 'get', resource: 'pods' } };
    expect((await ask('LocalSubjectAccessReview', local, 'namespaces/default/localsubjectaccessreviews')).code).toBe(400);
  });
});

describe('health', () => {
  it('is told whole, by check, and to nobody in particular', async () => {
    const get = (path: string): Promise<{ code: number; text: string }> => t.call('GET', path, { token: '' });
    expect((await get('/livez')).text).toBe('ok');
    expect((await get('/livez/ping')).code).toBe(401);
    expect((await t.call('GET', '/readyz/poststarthook/rbac/bootstrap-roles')).text).toBe('ok');
    expect((await t.call('GET', '/readyz/nothing')).code).toBe(404);
    expect((await get('/readyz?verbose&exclude=log&exclude=moon')).text).toMatch(
      /\[\+\]log excluded: ok\n[^]*cannot be excluded: no matches for "moon"\nreadyz check passed\n$/,
    );
  });
});

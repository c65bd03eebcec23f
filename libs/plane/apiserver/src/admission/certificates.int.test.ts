import { afterAll, beforeAll, expect, it } from 'vitest';
import { startTestServer, type TestAnswer, type TestServer } from '../test-server.test-suite.ts';
import { organizationsOf } from './certificate-subject.ts';

let t: TestServer;
beforeAll(async () => (t = await startTestServer()));
afterAll(async () => await t[Symbol.asyncDispose]());

const CSRS = '/apis/certificates.k8s.io/v1/certificatesigningrequests';

// What is looked at of a request: attributes by their object identifiers, in whatever structure they stand.
function pemOf(...organizations: readonly string[]): string {
  const attributes = organizations.map((name) => Buffer.concat([Buffer.from([0x06, 0x03, 0x55, 0x04, 0x0a, 0x0c, name.length]), Buffer.from(name)]));
  return `-----BEGIN CERTIFICATE REQUEST-----\n${Buffer.concat(attributes).toString('base64')}\n-----END CERTIFICATE REQUEST-----\n`;
}

function ask(name: string, signerName: string, token?: string, ...organizations: readonly string[]): Promise<TestAnswer> {
  return t.call('POST', CSRS, {
    ...(token === undefined ? {} : { token }),
    body: {
      apiVersion: 'certificates.k8s.io/v1',
      kind: 'CertificateSigningRequest',
      metadata: { name },
      spec: { request: Buffer.from(pemOf(...organizations)).toString('base64'), signerName, usages: ['client auth'], username: 'forged' },
    },
  });
}

it('reads who a request wants to belong to', () => {
  expect(organizationsOf(pemOf('a', 'system:masters'))).toEqual(['a', 'system:masters']);
  expect(organizationsOf('no request')).toEqual([]);
});

it('lets nobody become an administrator by a certificate', async () => {
  const refused = await ask('masters', 'kubernetes.io/kube-apiserver-client', undefined, 'system:masters');
  expect([refused.code, refused.body.message]).toEqual([
    403,
    'certificatesigningrequests.certificates.k8s.io "masters" is forbidden: use of kubernetes.io/kube-apiserver-client signer with system:masters group is not allowed',
  ]);
  expect((await ask('others', 'example.com/own', undefined, 'system:masters')).code).toBe(201);
});

it('lets those approve and sign who may for the signer', async () => {
  const resources = ['', '/approval', '/status'].map((sub) => `certificatesigningrequests${sub}`);
  const rules = [{ apiGroups: ['certificates.k8s.io'], resources, verbs: ['*'] }];
  const kind = { apiVersion: 'rbac.authorization.k8s.io/v1' };
  await t.call('POST', '/apis/rbac.authorization.k8s.io/v1/clusterroles', { body: { ...kind, kind: 'ClusterRole', metadata: { name: 'csr' }, rules } });
  await t.call('POST', '/apis/rbac.authorization.k8s.io/v1/clusterrolebindings', {
    body: {
      ...kind,
      kind: 'ClusterRoleBinding',
      metadata: { name: 'csr' },
      roleRef: { kind: 'ClusterRole', name: 'csr' },
      subjects: [{ kind: 'User', name: 'eve' }],
    },
  });
  const token = t.server.issueToken({ username: 'eve', groups: ['system:authenticated'] });
  const made = await ask('eve', 'example.com/own', token);
  expect(made.body.spec).toMatchObject({ username: 'eve', groups: ['system:authenticated'] });
  const approve = { status: { conditions: [{ type: 'Approved', status: 'True', reason: 'Because' }] } };
  const merge = { contentType: 'application/merge-patch+json' };
  const refused = await t.call('PATCH', `${CSRS}/eve/approval`, { ...merge, token, body: approve });
  expect([refused.code, refused.body.message]).toEqual([
    403,
    'certificatesigningrequests.certificates.k8s.io "eve" is forbidden: user not permitted to approve requests with signerName "example.com/own"',
  ]);
  const signed = { status: { certificate: Buffer.from('-----BEGIN CERTIFICATE-----\n').toString('base64') } };
  expect((await t.call('PATCH', `${CSRS}/eve/status`, { ...merge, token, body: signed })).body.message).toContain(
    'user not permitted to sign requests with signerName',
  );
  const approved = await t.call('PATCH', `${CSRS}/eve/approval`, { ...merge, body: approve });
  expect([approved.code, approved.body.status.conditions[0].type]).toEqual([200, 'Approved']);
  const taken = await t.call('PATCH', `${CSRS}/eve/approval`, {
    ...merge,
    body: { status: { conditions: [{ type: 'Denied', status: 'True', reason: 'No' }] } },
  });
  expect(taken.code).toBe(422);
  expect((await t.call('PATCH', `${CSRS}/eve/status`, { ...merge, body: signed })).code).toBe(200);
});

import { generateKeyPairSync, sign, X509Certificate, type KeyObject } from 'node:crypto';
import { connect } from 'node:http2';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startTestServer, type TestServer } from '../test-server.test-suite.ts';
import { bits, der, integer, objectId, octets, pem, sequence, set, utf8 } from './der.ts';

let t: TestServer;
beforeAll(async () => (t = await startTestServer()));
afterAll(async () => await t[Symbol.asyncDispose]());

const CSRS = '/apis/certificates.k8s.io/v1/certificatesigningrequests';

interface Wish {
  readonly name: string;
  readonly organization?: string;
  readonly dns?: string;
  readonly algorithm?: 'ec' | 'rsa' | 'ed25519';
}

function keys(algorithm: Wish['algorithm']): { readonly privateKey: KeyObject; readonly publicKey: KeyObject } {
  if (algorithm === 'rsa') return generateKeyPairSync('rsa', { modulusLength: 2048 });
  return algorithm === 'ed25519' ? generateKeyPairSync('ed25519') : generateKeyPairSync('ec', { namedCurve: 'P-256' });
}

const ALGORITHMS = { ec: '1.2.840.10045.4.3.2', rsa: '1.2.840.113549.1.1.11', ed25519: '1.3.101.112' };

function requestFor({ name, organization, dns, algorithm = 'ec' }: Wish): { readonly request: string; readonly keyPem: string } {
  const { privateKey, publicKey } = keys(algorithm);
  const rdn = (id: string, value: string): Buffer => set(sequence(objectId(id), utf8(value)));
  const subject = sequence(...(organization === undefined ? [] : [rdn('2.5.4.10', organization)]), rdn('2.5.4.3', name));
  const names =
    dns === undefined
      ? []
      : [sequence(objectId('1.2.840.113549.1.9.14'), set(sequence(sequence(objectId('2.5.29.17'), octets(sequence(der(0x82, Buffer.from(dns))))))))];
  const info = sequence(integer(Buffer.from([0])), subject, publicKey.export({ type: 'spki', format: 'der' }), der(0xa0, ...names));
  const signature = sign(algorithm === 'ed25519' ? null : 'sha256', info, privateKey);
  const text = pem('CERTIFICATE REQUEST', sequence(info, sequence(objectId(ALGORITHMS[algorithm])), bits(signature)));
  return { request: Buffer.from(text).toString('base64'), keyPem: privateKey.export({ type: 'pkcs8', format: 'pem' }).toString() };
}

interface Asked {
  readonly request: string;
  readonly signerName: string;
  readonly usages: readonly string[];
  readonly expirationSeconds?: number;
}

async function approve(
  name: string,
  spec: Asked,
): Promise<{ readonly certificate?: string; readonly conditions: readonly { type: string; message?: string; lastTransitionTime?: string }[] }> {
  const created = await t.call('POST', CSRS, { body: { apiVersion: 'certificates.k8s.io/v1', kind: 'CertificateSigningRequest', metadata: { name }, spec } });
  expect(created.code).toBe(201);
  const approved = await t.call('PUT', `${CSRS}/${name}/approval`, {
    // Whatever was approved in between: a person's word counts as much.
    body: {
      ...created.body,
      metadata: { name },
      spec: { ...created.body.spec, usages: ['any'] },
      status: { conditions: [{ type: 'Approved', status: 'True', reason: 'Test', message: 'fine' }] },
    },
  });
  expect(approved.code).toBe(200);
  expect(approved.body.spec).toEqual(created.body.spec);
  const read = async (): Promise<{ certificate?: string; conditions?: { type: string }[] }> => (await t.call('GET', `${CSRS}/${name}`)).body.status;
  await expect.poll(async () => ((await read()).certificate ?? '') !== '' || (await read()).conditions?.length === 2).toBe(true);
  return (await t.call('GET', `${CSRS}/${name}`)).body.status;
}

describe('certificate signing requests', () => {
  it.each(['ec', 'rsa', 'ed25519'] as const)('become client certificates once approved (%s)', async (algorithm) => {
    const { request, keyPem } = requestFor({ name: 'zoe', organization: 'crew', algorithm });
    const status = await approve(`zoe-${algorithm}`, {
      request,
      signerName: 'kubernetes.io/kube-apiserver-client',
      usages: ['digital signature', 'client auth'],
      expirationSeconds: 3_600,
    });
    expect(status.conditions[0]).toMatchObject({ type: 'Approved', lastTransitionTime: expect.any(String) });
    const certPem = Buffer.from(status.certificate ?? '', 'base64').toString();
    const certificate = new X509Certificate(certPem);
    expect(certificate.checkIssued(new X509Certificate(t.server.caPem))).toBe(true);
    expect(certificate.keyUsage).toEqual(['1.3.6.1.5.5.7.3.2']);
    expect(Math.round((Date.parse(certificate.validTo) - Date.parse(certificate.validFrom)) / 1_000)).toBe(3_900);
    const session = connect(t.server.url, { ca: t.server.caPem, cert: certPem, key: keyPem });
    const stream = session.request({ ':method': 'POST', ':path': '/apis/authentication.k8s.io/v1/selfsubjectreviews', 'content-type': 'application/json' });
    stream.end(JSON.stringify({ apiVersion: 'authentication.k8s.io/v1', kind: 'SelfSubjectReview' }));
    let text = '';
    for await (const part of stream) text += String(part);
    session.destroy();
    expect(JSON.parse(text).status.userInfo).toMatchObject({ username: 'zoe', groups: ['crew', 'system:authenticated'] });
  });

  it('say who asked, whatever the body says', async () => {
    const { request } = requestFor({ name: 'x' });
    const created = await t.call('POST', CSRS, {
      headers: { 'impersonate-user': 'kim', 'impersonate-group': ['system:masters'] },
      body: {
        apiVersion: 'certificates.k8s.io/v1',
        kind: 'CertificateSigningRequest',
        metadata: { name: 'who' },
        spec: { request, signerName: 'acme.io/own', usages: ['client auth'], username: 'admin' },
        status: { certificate: 'Zm9v' },
      },
    });
    expect(created.body.spec).toMatchObject({ username: 'kim', groups: ['system:masters', 'system:authenticated'] });
    expect(created.body.status).toEqual({});
  });

  it('of kubelets are approved where roles say so', async () => {
    const binding = (name: string, role: string): object => ({
      apiVersion: 'rbac.authorization.k8s.io/v1',
      kind: 'ClusterRoleBinding',
      metadata: { name },
      roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind: 'ClusterRole', name: `system:certificates.k8s.io:certificatesigningrequests:${role}` },
      subjects: [{ kind: 'Group', apiGroup: 'rbac.authorization.k8s.io', name: 'system:nodes' }],
    });
    await t.call('POST', '/apis/rbac.authorization.k8s.io/v1/clusterrolebindings', { body: binding('renewal', 'selfnodeclient') });
    const ask = async (name: string, node: string): Promise<void> => {
      const { request } = requestFor({ name: `system:node:${node}`, organization: 'system:nodes' });
      const spec = { request, signerName: 'kubernetes.io/kube-apiserver-client-kubelet', usages: ['digital signature', 'client auth'] };
      await t.call('POST', CSRS, {
        headers: { 'impersonate-user': 'system:node:n1', 'impersonate-group': ['system:nodes'] },
        body: { apiVersion: 'certificates.k8s.io/v1', kind: 'CertificateSigningRequest', metadata: { name }, spec },
      });
    };
    await ask('own', 'n1');
    await expect.poll(async () => (await t.call('GET', `${CSRS}/own`)).body.status.certificate).toEqual(expect.any(String));
    await ask('of-another', 'n2');
    await ask('own-again', 'n1');
    await expect.poll(async () => (await t.call('GET', `${CSRS}/own-again`)).body.status.certificate).toEqual(expect.any(String));
    expect((await t.call('GET', `${CSRS}/of-another`)).body.status).toEqual({});
  });

  it('are decided once', async () => {
    const { request } = requestFor({ name: 'z' });
    await t.call('POST', CSRS, {
      body: {
        apiVersion: 'certificates.k8s.io/v1',
        kind: 'CertificateSigningRequest',
        metadata: { name: 'once' },
        spec: { request, signerName: 'acme.io/own', usages: ['client auth'] },
      },
    });
    const decideBy = async (...types: readonly string[]): Promise<{ code: number; body: { message: string } }> =>
      await t.call('PATCH', `${CSRS}/once/approval`, {
        contentType: 'application/merge-patch+json',
        body: { status: { conditions: types.map((type) => ({ type, status: 'True', reason: 'r', message: 'm' })) } },
      });
    expect((await decideBy('Approved', 'Denied')).body.message).toContain('Approved and Denied conditions are mutually exclusive');
    expect((await decideBy('Denied')).code).toBe(200);
    expect((await decideBy('Approved')).body.message).toContain('updates may not remove a condition of type "Denied"');
  });

  it('of kubelets get what their signers allow', async () => {
    const serving = { signerName: 'kubernetes.io/kubelet-serving', usages: ['digital signature', 'server auth'] };
    const node = { name: 'system:node:n1', organization: 'system:nodes' };
    const good = await approve('serving', { ...serving, request: requestFor({ ...node, dns: 'n1.local' }).request });
    expect(new X509Certificate(Buffer.from(good.certificate ?? '', 'base64')).subjectAltName).toBe('DNS:n1.local');
    const client = { signerName: 'kubernetes.io/kube-apiserver-client-kubelet', usages: ['digital signature', 'client auth'] };
    expect((await approve('kubelet', { ...client, request: requestFor(node).request })).certificate).toBeDefined();
    const bad: readonly (readonly [Asked, string])[] = [
      [{ ...serving, request: requestFor(node).request }, 'at least one DNS name or address is needed'],
      [{ ...serving, request: requestFor({ ...node, organization: 'other', dns: 'a' }).request }, 'organization must be exactly system:nodes'],
      [{ ...client, request: requestFor({ ...node, dns: 'a' }).request }, 'alternative names are not allowed'],
      [{ ...client, usages: ['server auth'], request: requestFor(node).request }, 'invalid usage for this signer: server auth'],
    ];
    for (const [index, [asked, message]] of bad.entries())
      expect((await approve(`bad-${index}`, asked)).conditions[1]).toMatchObject({ type: 'Failed', message });
  });
});

import type { corev1 } from '@tiphys/kube-model';
import { describe, expect, it } from 'vitest';
import { connectionOf, describeCluster } from './cluster-connection.ts';

function secret(data: Readonly<Record<string, string>>, annotations: Readonly<Record<string, string>> = {}): corev1.Secret {
  return {
    apiVersion: 'v1',
    kind: 'Secret',
    metadata: { name: 'c', annotations },
    data: Object.fromEntries(
      Object.entries({ server: 'https://a:6443/', name: 'a', ...data }).map(([key, value]) => [key, Buffer.from(value).toString('base64')]),
    ),
  };
}
const base64 = (text: string): string => Buffer.from(text).toString('base64');
const config = (value: object): corev1.Secret => secret({ config: JSON.stringify(value) });

describe('connectionOf', () => {
  it.each<[string, object, object]>([
    ['a token', { bearerToken: 't' }, { token: 't' }],
    ['a password', { username: 'u', password: 'p' }, { basicAuth: { username: 'u', password: 'p' } }],
    [
      'certificates',
      { tlsClientConfig: { caData: base64('CA'), certData: base64('CERT'), keyData: base64('KEY'), serverName: 's' } },
      { ca: 'CA', clientCert: 'CERT', clientKey: 'KEY', serverName: 's' },
    ],
    ['no check', { tlsClientConfig: { insecure: true } }, { insecureSkipTlsVerify: true }],
    ['a proxy', { proxyUrl: 'http://proxy:3128', disableCompression: true }, { proxyUrl: 'http://proxy:3128' }],
  ])('reads %s', (_what, value, expected) => {
    expect(connectionOf(config(value))).toEqual({ server: 'https://a:6443', userAgent: 'tiphys', ...expected });
  });
  it.each<[string, corev1.Secret, string]>([
    ['awsAuthConfig', config({ awsAuthConfig: { clusterName: 'x' } }), 'awsAuthConfig is not supported'],
    ['insecure with a CA', config({ tlsClientConfig: { insecure: true, caData: base64('CA') } }), 'both insecure and caData'],
    ['half a certificate', config({ tlsClientConfig: { certData: base64('CERT') } }), 'certData and keyData together'],
    ['another proxy', config({ proxyUrl: 'socks5://x;rm' }), 'proxyUrl is neither'],
    ['no JSON', secret({ config: 'token: secret-value' }), 'not a JSON object'],
    ['no URL', secret({ server: 'nowhere', config: '{}' }), "server 'nowhere' is not a URL"],
  ])('refuses %s without telling values', (_what, object, message) => {
    expect(() => connectionOf(object)).toThrow(message);
    expect(() => connectionOf(object)).not.toThrow('secret-value');
  });
  it('asks an exec plugin for the token, with its arguments and environment', async () => {
    const script = `const { A } = process.env; console.log(JSON.stringify({ apiVersion: 'client.authentication.k8s.io/v1beta1', kind: 'ExecCredential', status: { token: A + process.argv[1] } }))`;
    const { token } = connectionOf(config({ execProviderConfig: { command: process.execPath, args: ['-e', script, '-'], env: { A: 'from-env' } } }));
    expect(typeof token === 'function' ? await token(AbortSignal.timeout(10_000)) : token).toMatch(/^from-env/);
  });
});

describe('describeCluster', () => {
  it.each<[Readonly<Record<string, string>>, Readonly<Record<string, string>>, object]>([
    [{}, {}, { server: 'https://a:6443', name: 'a', isSkipped: false, clusterResources: false }],
    [{ name: '' }, {}, { name: 'https://a:6443' }],
    [{ project: 'team', shard: '7' }, {}, { project: 'team' }],
    [{ namespaces: ' one, two,', clusterResources: 'true' }, {}, { namespaces: ['one', 'two'], clusterResources: true }],
    [{}, { 'argocd.argoproj.io/skip-reconcile': 'true' }, { isSkipped: true }],
  ])('%j %j', (data, annotations, expected) => expect(describeCluster(secret(data, annotations))).toMatchObject(expected));
});

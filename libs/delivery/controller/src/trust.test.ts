import type { corev1 } from '@tiphys/kube-model';
import { describe, expect, it } from 'vitest';
import { accessFor, withTrust } from './credentials.ts';
import { resolveGitRevision } from './git-revision.ts';
import { trustOf } from './trust.ts';

const secret = (type: string, data: Readonly<Record<string, string>>): corev1.Secret => ({
  apiVersion: 'v1',
  kind: 'Secret',
  metadata: { name: type, labels: { 'argocd.argoproj.io/secret-type': type } },
  stringData: data,
});

describe('credentials of repositories', () => {
  it('read every field of a repository Secret', () => {
    const url = 'https://git.example.com/team/app.git';
    const access = accessFor(url, [
      secret('repository', {
        url,
        username: 'u',
        password: 'p',
        tlsClientCertData: 'cert',
        tlsClientCertKey: 'key',
        githubAppID: '1',
        githubAppInstallationID: '2',
        githubAppPrivateKey: 'pem',
        githubAppEnterpriseBaseUrl: 'https://git.example.com/api/v3',
        proxy: 'http://proxy:3128',
        noProxy: 'internal',
        enableLfs: 'true',
        insecure: 'true',
      }),
    ]);
    expect(access).toEqual({
      username: 'u',
      password: 'p',
      insecure: true,
      clientCertificate: { certificate: 'cert', key: 'key' },
      githubApp: { appId: '1', installationId: '2', privateKey: 'pem', apiUrl: 'https://git.example.com/api/v3' },
      proxy: 'http://proxy:3128',
      noProxy: 'internal',
      enableLfs: true,
    });
  });

  it('take the template with the longest prefix where a repository has none of its own', () => {
    const secrets = [
      secret('repo-creds', { url: 'git@git.example.com:team', sshPrivateKey: 'team' }),
      secret('repo-creds', { url: 'https://git.example.com', password: 'all' }),
      secret('repository', { url: 'https://git.example.com/team/app', enableLfs: 'true' }),
    ];
    expect(accessFor('https://git.example.com/team/app', secrets)).toEqual({ sshPrivateKey: 'team', enableLfs: true });
    expect(accessFor('https://git.example.com/teammate/app', secrets)).toEqual({ password: 'all' });
    expect(accessFor('https://other.example.com/x', secrets)).toEqual({});
  });

  it('trust servers by their host', () => {
    const map = (name: string, data: Readonly<Record<string, string>>): corev1.ConfigMap => ({ apiVersion: 'v1', kind: 'ConfigMap', metadata: { name }, data });
    const trust = trustOf([map('argocd-tls-certs-cm', { 'git.example.com': 'pem' }), map('argocd-ssh-known-hosts-cm', { ssh_known_hosts: 'h key' })]);
    expect(withTrust('https://git.example.com/a.git', {}, trust)).toEqual({ caCertificates: 'pem' });
    expect(withTrust('https://git.example.com:8443/a.git', {}, trust)).toEqual({ caCertificates: 'pem' });
    expect(withTrust('git@git.example.com:a.git', {}, trust)).toEqual({ caCertificates: 'pem', sshKnownHosts: 'h key' });
    expect(withTrust('https://other.example.com/a.git', {}, trust)).toEqual({});
  });
});

describe('revisions of Git sources', () => {
  const refs = {
    oids: new Map([
      ['HEAD', 'h'],
      ['refs/heads/main', 'h'],
      ['refs/tags/v1.0.0', '100'],
      ['refs/tags/v1.2.0', '120'],
      ['refs/tags/v1.3.0-rc1', '130rc'],
      ['refs/tags/v2.0.0', '200'],
      ['refs/tags/app/1.9.0', 'a190'],
      ['refs/tags/app/1.10.0', 'a1100'],
      ['refs/tags/not-a-version', 'x'],
    ]),
  };
  it.each([
    ['main', undefined, 'h'],
    ['', undefined, 'h'],
    ['v1.0.0', undefined, '100'],
    ['1.*', undefined, '120'],
    ['~1.0', undefined, '100'],
    ['>=1.0.0 <2.0.0', undefined, '120'],
    ['>=1.3.0-0 <2.0.0', undefined, '130rc'],
    ['*', undefined, '200'],
    ['1.x', 'app/', 'a1100'],
    ['^1.0.0', 'app/', 'a1100'],
  ])('%s with prefix %s is %s', (targetRevision, tagPrefix, oid) => {
    expect(resolveGitRevision(refs, { repoURL: 'r', targetRevision, ...(tagPrefix === undefined ? {} : { tagPrefix }) })).toBe(oid);
  });

  it('name what does not exist', () => {
    expect(() => resolveGitRevision(refs, { repoURL: 'https://u:p@h/r', targetRevision: '>=3', tagPrefix: 'app/' })).toThrow(
      "no tag that begins with 'app/' satisfies '>=3'",
    );
  });
});

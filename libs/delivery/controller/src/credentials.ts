import { normalizeRepoUrl } from '@tiphys/delivery-applications';
import type { GithubApp, RepositoryAccess } from '@tiphys/delivery-git';
import type { corev1 } from '@tiphys/kube-model';
import { SECRET_TYPE_LABEL, secretText } from './secrets.ts';

/**
 * What opens a repository: its own Secret, else the `repo-creds` Secret with the longest URL prefix. A prefix ends at a slash:
 * credentials for `https://host/team` are not sent to `https://host/teammate`.
 */
export function accessFor(repoURL: string, secrets: readonly corev1.Secret[]): RepositoryAccess {
  const wanted = normalizeRepoUrl(repoURL);
  const own = secrets.find((secret) => typeOf(secret) === 'repository' && normalizeRepoUrl(secretText(secret, 'url') ?? '') === wanted);
  const templates = secrets
    .filter((secret) => typeOf(secret) === 'repo-creds')
    .map((secret) => ({ secret, prefix: secretText(secret, 'url') ?? '' }))
    .filter(({ prefix }) => prefix !== '' && isBelow(wanted, normalizeRepoUrl(prefix)))
    .toSorted((a, b) => b.prefix.length - a.prefix.length);
  const ownAccess = own === undefined ? {} : accessOf(own);
  const hasCredentials = CREDENTIALS.some((name) => ownAccess[name] !== undefined);
  const template = templates[0];
  return hasCredentials || template === undefined ? ownAccess : { ...accessOf(template.secret), ...ownAccess };
}

// A Secret of its own that holds none of these takes the template's.
const CREDENTIALS = ['password', 'bearerToken', 'sshPrivateKey', 'githubApp', 'clientCertificate'] as const;

function isBelow(url: string, prefix: string): boolean {
  return url === prefix || url.startsWith(prefix.endsWith('/') ? prefix : `${prefix}/`);
}

function typeOf(secret: corev1.Secret): string | undefined {
  return secret.metadata.labels?.[SECRET_TYPE_LABEL];
}

function accessOf(secret: corev1.Secret): RepositoryAccess {
  const text = (key: string): string | undefined => {
    const value = secretText(secret, key);
    return value === '' ? undefined : value;
  };
  return withoutAbsent({
    username: text('username'),
    password: text('password'),
    bearerToken: text('bearerToken'),
    insecure: isTrue(text('insecure')) || isTrue(text('insecureIgnoreHostKey')) ? true : undefined,
    clientCertificate: clientCertificate(text('tlsClientCertData'), text('tlsClientCertKey')),
    githubApp: githubApp(text),
    sshPrivateKey: text('sshPrivateKey'),
    proxy: text('proxy'),
    noProxy: text('noProxy'),
    enableLfs: isTrue(text('enableLfs')) ? true : undefined,
    provenanceKeys: text('provenanceKeys'),
  });
}

function isTrue(text: string | undefined): boolean {
  return text === 'true';
}

function clientCertificate(certificate: string | undefined, key: string | undefined): RepositoryAccess['clientCertificate'] {
  return certificate === undefined || key === undefined ? undefined : { certificate, key };
}

function githubApp(text: (key: string) => string | undefined): GithubApp | undefined {
  const appId = text('githubAppID');
  const privateKey = text('githubAppPrivateKey');
  if (appId === undefined || privateKey === undefined) return undefined;
  return withoutAbsent({ appId, privateKey, installationId: text('githubAppInstallationID'), apiUrl: text('githubAppEnterpriseBaseUrl') });
}

// Absent fields are left out, as the types want it.
function withoutAbsent<T extends object>(fields: { readonly [K in keyof T]: T[K] | undefined }): T {
  return Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined)) as T;
}

/** Certificates of servers by host (argocd-tls-certs-cm) and host keys (argocd-ssh-known-hosts-cm). */
export interface TrustStores {
  readonly tlsCertificates: Readonly<Record<string, string>>;
  readonly sshKnownHosts: string;
}

/** An access with what the trust stores say about its host. */
export function withTrust(repoURL: string, access: RepositoryAccess, { tlsCertificates, sshKnownHosts }: TrustStores): RepositoryAccess {
  const host = normalizeRepoUrl(repoURL).split('/')[0] ?? '';
  const certificates = Object.hasOwn(tlsCertificates, host) ? tlsCertificates[host] : tlsCertificates[host.replace(/:\d+$/, '')];
  return {
    ...access,
    ...(certificates === undefined ? {} : { caCertificates: certificates }),
    ...(/^https?:/i.test(repoURL) ? {} : { sshKnownHosts }),
  };
}

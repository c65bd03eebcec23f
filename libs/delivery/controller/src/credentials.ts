import { normalizeRepoUrl } from '@tiphys/delivery-applications';
import type { RepositoryAccess } from '@tiphys/delivery-git';
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
  const hasCredentials = ownAccess.password !== undefined || ownAccess.bearerToken !== undefined;
  const template = templates[0];
  return hasCredentials || template === undefined ? ownAccess : { ...accessOf(template.secret), ...ownAccess };
}

function isBelow(url: string, prefix: string): boolean {
  return url === prefix || url.startsWith(prefix.endsWith('/') ? prefix : `${prefix}/`);
}

function typeOf(secret: corev1.Secret): string | undefined {
  return secret.metadata.labels?.[SECRET_TYPE_LABEL];
}

function accessOf(secret: corev1.Secret): RepositoryAccess {
  const username = secretText(secret, 'username');
  const password = secretText(secret, 'password');
  const bearerToken = secretText(secret, 'bearerToken');
  const provenanceKeys = secretText(secret, 'provenanceKeys');
  return {
    ...(username === undefined ? {} : { username }),
    ...(password === undefined ? {} : { password }),
    ...(bearerToken === undefined ? {} : { bearerToken }),
    ...(secretText(secret, 'insecure') === 'true' ? { insecure: true } : {}),
    ...(provenanceKeys === undefined ? {} : { provenanceKeys }),
  };
}

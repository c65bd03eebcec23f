import type { KeyPair } from './auth/pki.ts';

/** What a kubeconfig is made of. */
export interface KubeconfigParts {
  readonly url: string;
  readonly caPem: string;
  readonly user: string;
  readonly pair: KeyPair;
}

/** A kubeconfig with everything embedded. JSON is YAML, and needs no emitter. */
export function kubeconfigOf({ url, caPem, user, pair }: KubeconfigParts): string {
  const base64 = (text: string): string => Buffer.from(text).toString('base64');
  const config = {
    apiVersion: 'v1',
    kind: 'Config',
    'current-context': 'tiphys',
    preferences: {},
    clusters: [{ name: 'tiphys', cluster: { server: url, 'certificate-authority-data': base64(caPem) } }],
    contexts: [{ name: 'tiphys', context: { cluster: 'tiphys', user } }],
    users: [{ name: user, user: { 'client-certificate-data': base64(pair.certPem), 'client-key-data': base64(pair.keyPem) } }],
  };
  return `${JSON.stringify(config, null, 2)}\n`;
}

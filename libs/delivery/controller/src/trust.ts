import type { corev1 } from '@tiphys/kube-model';
import type { TrustStores } from './credentials.ts';

// ConfigMaps as Argo CD names them.
const TLS_CERTIFICATES = 'argocd-tls-certs-cm';
const SSH_KNOWN_HOSTS = 'argocd-ssh-known-hosts-cm';
const GPG_KEYS = 'argocd-gpg-keys-cm';
/** Ours: public keys that sign commits by SSH, as `authorized_keys` lists them, under any key of the ConfigMap. */
const SSH_SIGNERS = 'tiphys-ssh-signers-cm';

/** What the ConfigMaps of the controller's namespace say about servers and signers. */
export interface Trust extends TrustStores {
  /** Armored OpenPGP public keys by key id. */
  readonly gpgKeys: Readonly<Record<string, string>>;
  readonly sshSigners: readonly string[];
}

/** Reads the trust stores. Pure. */
export function trustOf(configMaps: readonly corev1.ConfigMap[]): Trust {
  const data = (name: string): Readonly<Record<string, string>> => configMaps.find(({ metadata }) => metadata.name === name)?.data ?? {};
  return {
    tlsCertificates: data(TLS_CERTIFICATES),
    sshKnownHosts: Object.values(data(SSH_KNOWN_HOSTS)).join('\n'),
    gpgKeys: data(GPG_KEYS),
    sshSigners: Object.values(data(SSH_SIGNERS)).flatMap((text) => text.split('\n').filter((line) => line.trim() !== '')),
  };
}

import { readFile } from 'node:fs/promises';
import type { OutgoingHttpHeaders } from 'node:http';
import { messageOf } from '@tiphys/kernel';
import type { KubeClient } from './client.ts';
import { ConnectionError, type Connection } from './connection.ts';
import { createKubeClient } from './rest-client.ts';

/** Where a kubeconfig comes from and which of its contexts to use. */
export interface KubeconfigSource {
  /** A file's path, the document itself, or the service account of the pod this process runs in. */
  readonly from: { readonly path: string } | { readonly text: string } | { readonly inCluster: true };
  /** Default: the document's current context. */
  readonly context?: string;
  readonly userAgent?: string;
}

/** A client for the cluster a kubeconfig names. Throws ConnectionError `invalidKubeconfig`. */
export async function loadKubeconfigClient(source: KubeconfigSource): Promise<KubeClient> {
  return createKubeClient(await loadKubeconfig(source));
}

/** The connection a kubeconfig describes; exec plugins and token files are asked again as they expire. */
export async function loadKubeconfig(source: KubeconfigSource): Promise<Connection> {
  // Loaded on demand: the package is large and a process that drives its own plane never needs it.
  const { KubeConfig } = await import('@kubernetes/client-node');
  const kubeconfig = new KubeConfig();
  const { from } = source;
  const label = 'path' in from ? from.path : 'inCluster' in from ? 'of the service account' : 'given as text';
  try {
    if ('path' in from) kubeconfig.loadFromFile(from.path);
    else if ('text' in from) kubeconfig.loadFromString(from.text);
    else kubeconfig.loadFromCluster();
  } catch (cause) {
    throw invalid(label, messageOf(cause), cause);
  }
  if (source.context !== undefined) kubeconfig.setCurrentContext(source.context);
  const cluster = kubeconfig.getCurrentCluster();
  if (cluster === null) throw invalid(label, `context "${kubeconfig.getCurrentContext()}" names no cluster`);
  const user = kubeconfig.getCurrentUser();
  const [ca, clientCert, clientKey] = await Promise.all([
    pem(cluster.caData, cluster.caFile),
    pem(user?.certData, user?.certFile),
    pem(user?.keyData, user?.keyFile),
  ]);
  return {
    server: cluster.server,
    ...(ca === undefined ? {} : { ca }),
    ...(clientCert === undefined ? {} : { clientCert }),
    ...(clientKey === undefined ? {} : { clientKey }),
    ...(cluster.skipTLSVerify ? { insecureSkipTlsVerify: true } : {}),
    ...(cluster.tlsServerName === undefined ? {} : { serverName: cluster.tlsServerName }),
    ...(cluster.proxyUrl === undefined ? {} : { proxyUrl: cluster.proxyUrl }),
    ...(source.userAgent === undefined ? {} : { userAgent: source.userAgent }),
    ...(user?.username !== undefined && user.password !== undefined ? { basicAuth: { username: user.username, password: user.password } } : {}),
    token: async () => {
      const headers: OutgoingHttpHeaders = {};
      await kubeconfig.applyToHTTPSOptions({ headers });
      const header = headers['Authorization'];
      return typeof header === 'string' && header.startsWith('Bearer ') ? header.slice('Bearer '.length) : undefined;
    },
  };
}

async function pem(data: string | undefined, file: string | undefined): Promise<string | undefined> {
  if (data !== undefined && data !== '') return Buffer.from(data, 'base64').toString('utf8');
  return file === undefined || file === '' ? undefined : readFile(file, 'utf8');
}

function invalid(source: string, why: string, cause?: unknown): ConnectionError {
  return new ConnectionError({ code: 'invalidKubeconfig', source }, `kubeconfig ${source}: ${why}`, {
    cause,
    hint: 'check the file with `kubectl config view`',
  });
}

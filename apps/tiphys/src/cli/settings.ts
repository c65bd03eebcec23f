import { readFile } from 'node:fs/promises';
import type { ClusterAnswer, RepositoryAnswer } from '@tiphys/delivery-api';
import { loadKubeconfig } from '@tiphys/kube-client';
import { CliError } from './cli-error.ts';
import { formatAge, formatList, printable, type Column } from './output.ts';
import type { ClientSession } from './session.ts';

/** `repo list`. */
export async function listRepositories({ api, host, format }: ClientSession): Promise<void> {
  const { items } = await api.call<{ readonly items: readonly RepositoryAnswer[] }>({ path: '/api/v1/repositories' });
  const columns: readonly Column<RepositoryAnswer>[] = [
    { title: 'REPO', cell: (row) => row.repo },
    { title: 'STATUS', cell: (row) => row.connectionState.status },
    { title: 'LAST POLL', cell: (row) => formatAge(row.lastPollAt, host.now()) },
    { title: 'TOOK', cell: (row) => (row.latencyMs === undefined ? '' : `${row.latencyMs} ms`) },
    { title: 'APPS', cell: (row) => String(row.applications) },
    { title: 'MESSAGE', cell: (row) => row.connectionState.message },
  ];
  host.stdout(formatList(items, columns, format, (row) => row.repo));
}

/** `repo add`. The password comes from a file or the environment, so that it is in no shell history. */
export async function addRepository(
  { api, host }: ClientSession,
  repo: string,
  options: { readonly username?: string; readonly passwordFile?: string; readonly project?: string },
): Promise<void> {
  const password = options.passwordFile === undefined ? host.env['TIPHYS_REPO_PASSWORD'] : (await readFile(options.passwordFile, 'utf8')).trim();
  await api.call({ method: 'POST', path: '/api/v1/repositories', body: { repo, username: options.username, password, project: options.project } });
  host.stdout(`repository ${repo} added\n`);
}

/** `cluster list`. */
export async function listClusters({ api, host, format }: ClientSession): Promise<void> {
  const { items } = await api.call<{ readonly items: readonly ClusterAnswer[] }>({ path: '/api/v1/clusters' });
  const columns: readonly Column<ClusterAnswer>[] = [
    { title: 'SERVER', cell: (row) => row.server },
    { title: 'NAME', cell: (row) => row.name },
    { title: 'STATUS', cell: (row) => row.connectionState.status },
    { title: 'APPS', cell: (row) => String(row.applications) },
    { title: 'PROJECT', wide: true, cell: (row) => row.project ?? '' },
    { title: 'MESSAGE', cell: (row) => row.connectionState.message },
  ];
  host.stdout(formatList(items, columns, format, (row) => row.name));
}

/** Options of `cluster add`. */
export interface AddClusterOptions {
  readonly kubeconfig?: string;
  readonly name?: string;
  readonly project?: string;
  readonly namespace?: readonly string[];
  readonly clusterResources?: boolean;
}

/** `cluster rm`. */
export async function removeCluster({ api, host }: ClientSession, server: string): Promise<void> {
  await api.call({ method: 'DELETE', path: `/api/v1/clusters/${encodeURIComponent(server)}` });
  host.stdout(`cluster ${printable(server)} removed; what runs there goes on\n`);
}

/** `cluster add`: registers the cluster of a kubeconfig context under Argo CD's form of credentials. */
export async function addCluster({ api, host }: ClientSession, context: string, options: AddClusterOptions): Promise<void> {
  const path = options.kubeconfig ?? host.env['KUBECONFIG'] ?? `${host.env['HOME'] ?? ''}/.kube/config`;
  const connection = await loadKubeconfig({ from: { path }, context });
  const token = typeof connection.token === 'function' ? await connection.token(host.signal) : connection.token;
  if (token === undefined && connection.clientCert === undefined && connection.basicAuth === undefined)
    throw new CliError({ code: 'usage' }, `context ${context}: has neither a token nor a client certificate`);
  const base64 = (text: string | undefined): string | undefined => (text === undefined ? undefined : Buffer.from(text).toString('base64'));
  const config = {
    ...(token === undefined ? {} : { bearerToken: token }),
    ...connection.basicAuth,
    tlsClientConfig: {
      insecure: connection.insecureSkipTlsVerify === true,
      serverName: connection.serverName,
      caData: base64(connection.ca),
      certData: base64(connection.clientCert),
      keyData: base64(connection.clientKey),
    },
  };
  const name = options.name ?? context;
  await api.call({
    method: 'POST',
    path: '/api/v1/clusters',
    body: { name, server: connection.server, config, project: options.project, namespaces: options.namespace, clusterResources: options.clusterResources },
  });
  host.stdout(`cluster ${name} (${connection.server}) added\n`);
}

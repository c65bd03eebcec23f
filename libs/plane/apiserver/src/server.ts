import { systemClock, type Clock, type Logger } from '@tiphys/kernel';
import type { Store } from '@tiphys/plane-store';
import { aggregateRoles } from './auth/aggregation.ts';
import { machineAddresses, openAuthority } from './auth/pki.ts';
import { createOidcAuthenticator, type OidcOptions } from './auth/oidc.ts';
import { parseTokenFile } from './auth/token-file.ts';
import { openTokenIssuer } from './auth/tokens.ts';
import { bootstrap, restore } from './bootstrap.ts';
import type { Core, UserInfo } from './core.ts';
import { cleanUpCrds } from './crd/cleanup.ts';
import { RequestMetrics } from './http/metrics.ts';
import { listen, type Listener } from './http/listener.ts';
import { kubeconfigOf } from './kubeconfig.ts';
import { NodeDirectory, type NodeRegistry } from './nodes.ts';
import { Allocators } from './registry/allocators.ts';
import { Catalog } from './registry/catalog.ts';
import { createUpgradeHandler } from './stream/upgrade.ts';

/** Options of an API server. */
export interface ApiServerOptions {
  readonly store: Store;
  readonly logger: Logger;
  readonly clock?: Clock;
  /** Folder of the authority, keys and tokens (mode 0600); absent: they live as long as the process. */
  readonly stateDir?: string;
  /** Default 127.0.0.1. */
  readonly host?: string;
  /** Default 0: any free port. */
  readonly port?: number;
  /** Range of cluster addresses. Default 127.96.0.0/16. */
  readonly serviceCidr?: string;
  /** What `/version` says. Default v1.33.3. */
  readonly gitVersion?: string;
  /** Further names and addresses in the server's certificate. */
  readonly alternativeNames?: readonly string[];
  /** Text of a static token file: `token,user,uid,"group1,group2"` a line. */
  readonly tokenFile?: string;
  /** Whose ID tokens are accepted besides. */
  readonly oidc?: OidcOptions;
  /** Yields [0, 1); default Math.random. */
  readonly random?: () => number;
}

/** A running API server. */
export interface ApiServer extends AsyncDisposable {
  readonly url: string;
  readonly port: number;
  readonly caPem: string;
  /** Token of `kubernetes-admin` in `system:masters`. */
  readonly adminToken: string;
  /** Where node agents announce themselves. */
  readonly nodes: NodeRegistry;
  /** A kubeconfig with the administrator's client certificate and the authority embedded. */
  adminKubeconfig(): string;
  /** A token for a component of this process. It dies with the process. */
  issueToken(user: { readonly username: string; readonly groups: readonly string[] }): string;
  /** A client certificate's kubeconfig for another user. */
  kubeconfigFor(user: Pick<UserInfo, 'username' | 'groups'>): string;
  close(): Promise<void>;
}

export const defaultApiServerOptions: { readonly host: string; readonly port: number; readonly serviceCidr: string; readonly gitVersion: string } = {
  host: '127.0.0.1',
  port: 0,
  serviceCidr: '127.96.0.0/16',
  gitVersion: 'v1.33.3',
};

/** Starts an API server over a store. Resolves when it listens and the cluster's first objects exist. */
export async function startApiServer(options: ApiServerOptions): Promise<ApiServer> {
  const { host, port, serviceCidr, gitVersion } = { ...defaultApiServerOptions, ...options };
  const { store, logger, clock = systemClock, random = Math.random } = options;
  const stop = new AbortController();
  const authority = openAuthority(options.stateDir, clock.now());
  const nodes = new NodeDirectory();
  const core: Core = {
    store,
    logger,
    clock,
    random,
    gitVersion,
    metrics: new RequestMetrics(),
    lifecycle: { phase: 'starting' },
    nodes,
    catalog: new Catalog(),
    allocators: new Allocators(serviceCidr, random),
    tokens: openTokenIssuer(options.stateDir),
    authenticators: {
      staticTokens: parseTokenFile(options.tokenFile ?? ''),
      oidc: options.oidc === undefined ? undefined : createOidcAuthenticator(options.oidc, { clock, logger }),
    },
  };
  restore(core);
  const names = [
    'localhost',
    'kubernetes',
    'kubernetes.default',
    'kubernetes.default.svc',
    'kubernetes.default.svc.cluster.local',
    ...(options.alternativeNames ?? []).filter((name) => !isAddress(name)),
  ];
  const addresses = [
    ...new Set([
      ...machineAddresses(),
      core.allocators.apiAddress,
      ...(isAddress(host) && host !== '0.0.0.0' && host !== '::' ? [host] : []),
      ...(options.alternativeNames ?? []).filter(isAddress),
    ]),
  ];
  const pair = authority.issueServer(names, addresses);
  const listener = await listen(core, { host, port, caPem: authority.caPem, ...pair }, createUpgradeHandler(core));
  const reachable = host === '0.0.0.0' || host === '::' ? '127.0.0.1' : host;
  await bootstrap(core, { host: isAddress(reachable) && !reachable.includes(':') ? reachable : '127.0.0.1', port: listener.port });
  core.lifecycle.phase = 'ready';
  const loops = [
    cleanUpCrds(core, stop.signal).catch((error: unknown) => logger.error({ err: error }, 'cleaning up custom resources ended')),
    aggregateRoles(core, stop.signal).catch((error: unknown) => logger.error({ err: error }, 'aggregating roles ended')),
  ];
  const url = `https://${reachable.includes(':') ? `[${reachable}]` : reachable}:${listener.port}`;
  const admin = authority.issueClient('kubernetes-admin', ['system:masters']);
  logger.info({ url }, 'api server listens');
  return makeServer({
    core,
    listener,
    stop,
    loops,
    url,
    caPem: authority.caPem,
    adminConfig: kubeconfigOf({ url, caPem: authority.caPem, user: 'kubernetes-admin', pair: admin }),
    configFor: (user) => kubeconfigOf({ url, caPem: authority.caPem, user: user.username, pair: authority.issueClient(user.username, user.groups) }),
  });
}

function isAddress(name: string): boolean {
  return /^\d+\.\d+\.\d+\.\d+$/.test(name) || name.includes(':');
}

interface ServerParts {
  readonly core: Core;
  readonly listener: Listener;
  readonly stop: AbortController;
  readonly loops: readonly Promise<void>[];
  readonly url: string;
  readonly caPem: string;
  readonly adminConfig: string;
  readonly configFor: (user: Pick<UserInfo, 'username' | 'groups'>) => string;
}

function makeServer(parts: ServerParts): ApiServer {
  const { core, listener, stop } = parts;
  let closed: Promise<void> | undefined;
  const close = async (): Promise<void> => {
    core.lifecycle.phase = 'closing';
    stop.abort();
    await listener.close();
    await Promise.all(parts.loops);
  };
  return {
    url: parts.url,
    port: listener.port,
    caPem: parts.caPem,
    adminToken: core.tokens.adminToken,
    nodes: core.nodes,
    adminKubeconfig: () => parts.adminConfig,
    issueToken: (user) => core.tokens.issueStatic(user),
    kubeconfigFor: parts.configFor,
    close: () => (closed ??= close()),
    [Symbol.asyncDispose]: () => (closed ??= close()),
  };
}

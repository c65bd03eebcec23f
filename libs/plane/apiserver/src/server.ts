import { isAbortError, systemClock, type Clock, type Logger } from '@tiphys/kernel';
import type { Store } from '@tiphys/plane-store';
import { followRemotes } from './aggregation/availability.ts';
import { registerOwnVersions } from './aggregation/own-versions.ts';
import { RemoteVersions } from './aggregation/remote-versions.ts';
import { createAuditFile, type AuditBackend, type AuditFileOptions } from './audit/file-backend.ts';
import type { AuditPolicy } from './audit/policy.ts';
import { createAuditLog } from './audit/trail.ts';
import { aggregateRoles } from './auth/aggregation.ts';
import { machineAddresses, openAuthority, type CertificateAuthority } from './auth/pki.ts';
import { signRequests } from './auth/sign-requests.ts';
import type { RequestHeaderOptions } from './auth/authenticate.ts';
import { createOidcAuthenticator, type OidcOptions } from './auth/oidc.ts';
import { parseTokenFile } from './auth/token-file.ts';
import { openTokenIssuer } from './auth/tokens.ts';
import { bootstrap, FRONT_PROXY_NAME, restore } from './bootstrap.ts';
import type { Core, UserInfo } from './core.ts';
import { cleanUpCrds } from './crd/cleanup.ts';
import type { EncryptionConfiguration } from './encryption/configuration.ts';
import { SealedStore } from './encryption/sealed-store.ts';
import { defaultInFlightLimits, FlowControl, type InFlightLimits } from './flow/flow-control.ts';
import { tellDangling } from './flow/status.ts';
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
  /** What is recorded of requests, and where; absent: nothing. */
  readonly audit?: { readonly policy: AuditPolicy; readonly file: AuditFileOptions };
  /** A proxy in front of this server that names its users. */
  readonly requestHeader?: RequestHeaderOptions;
  /** Resources that are kept encrypted. */
  readonly encryption?: EncryptionConfiguration;
  /** Requests that run at once. */
  readonly inFlight?: InFlightLimits;
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
  const { host, port } = { ...defaultApiServerOptions, ...options };
  const { logger, clock = systemClock } = options;
  const stop = new AbortController();
  const sealed = options.encryption === undefined ? undefined : new SealedStore(options.store, options.encryption);
  const authority = openAuthority(options.stateDir, clock.now());
  const backend = options.audit === undefined ? undefined : createAuditFile(options.audit.file, { clock, logger });
  const frontAuthority = openAuthority(options.stateDir, clock.now(), 'front-proxy-ca');
  const frontProxy = { caPem: frontAuthority.caPem, pair: frontAuthority.issueClient(FRONT_PROXY_NAME, []) };
  const core = createCore(options, { store: sealed ?? options.store, backend, frontProxy, clientCaPem: authority.caPem });
  restore(core);
  const rewritten = (await sealed?.rewriteStale(stop.signal)) ?? 0;
  if (rewritten > 0) logger.info({ objects: rewritten }, 'objects were encrypted anew');
  const pair = authority.issueServer(...certificateNames(core, host, options.alternativeNames ?? []));
  const listener = await listen(
    core,
    { host, port, clientCaPems: [authority.caPem, ...(options.requestHeader === undefined ? [] : [options.requestHeader.caPem])], ...pair },
    createUpgradeHandler(core),
  );
  const reachable = host === '0.0.0.0' || host === '::' ? '127.0.0.1' : host;
  try {
    await bootstrap(core, { host: isAddress(reachable) && !reachable.includes(':') ? reachable : '127.0.0.1', port: listener.port });
  } catch (error) {
    await listener.close();
    throw error;
  }
  core.lifecycle.phase = 'ready';
  const url = `https://${reachable.includes(':') ? `[${reachable}]` : reachable}:${listener.port}`;
  const admin = authority.issueClient('kubernetes-admin', ['system:masters']);
  logger.info({ url }, 'api server listens');
  return makeServer({
    core,
    listener,
    stop,
    loops: startLoops(core, authority, stop.signal),
    backend,
    url,
    caPem: authority.caPem,
    adminConfig: kubeconfigOf({ url, caPem: authority.caPem, user: 'kubernetes-admin', pair: admin }),
    configFor: (user) => kubeconfigOf({ url, caPem: authority.caPem, user: user.username, pair: authority.issueClient(user.username, user.groups) }),
  });
}

interface CoreParts extends Pick<Core, 'store' | 'frontProxy' | 'clientCaPem'> {
  readonly backend: AuditBackend | undefined;
}

function createCore(options: ApiServerOptions, { store, backend, frontProxy, clientCaPem }: CoreParts): Core {
  const { serviceCidr, gitVersion } = { ...defaultApiServerOptions, ...options };
  const { logger, clock = systemClock, random = Math.random } = options;
  return {
    store,
    logger,
    clock,
    random,
    gitVersion,
    metrics: new RequestMetrics(),
    lifecycle: { phase: 'starting' },
    frontProxy,
    clientCaPem,
    remotes: new RemoteVersions(),
    nodes: new NodeDirectory(),
    catalog: new Catalog(),
    allocators: new Allocators(serviceCidr, random),
    tokens: openTokenIssuer(options.stateDir),
    flow: new FlowControl(store, options.inFlight ?? defaultInFlightLimits),
    audit: createAuditLog(clock, options.audit === undefined || backend === undefined ? undefined : { policy: options.audit.policy, backend }),
    authenticators: {
      staticTokens: parseTokenFile(options.tokenFile ?? ''),
      requestHeader: options.requestHeader,
      oidc: options.oidc === undefined ? undefined : createOidcAuthenticator(options.oidc, { clock, logger }),
    },
  };
}

function certificateNames(core: Core, host: string, alternativeNames: readonly string[]): readonly [names: readonly string[], addresses: readonly string[]] {
  const service = ['kubernetes', 'kubernetes.default', 'kubernetes.default.svc', 'kubernetes.default.svc.cluster.local'];
  const bound = isAddress(host) && host !== '0.0.0.0' && host !== '::' ? [host] : [];
  return [
    ['localhost', ...service, ...alternativeNames.filter((name) => !isAddress(name))],
    [...new Set([...machineAddresses(), core.allocators.apiAddress, ...bound, ...alternativeNames.filter(isAddress)])],
  ];
}

type Loop = (core: Core, signal: AbortSignal) => Promise<void>;

// What the server keeps true of its own objects. Each ends with the signal.
function startLoops(core: Core, authority: CertificateAuthority, signal: AbortSignal): readonly Promise<void>[] {
  const loops: Readonly<Record<string, Loop>> = {
    'clean up custom resources': cleanUpCrds,
    'tell of flow schemas': tellDangling,
    'aggregate roles': aggregateRoles,
    'follow other api servers': followRemotes,
    'register own versions': registerOwnVersions,
    'sign certificates': (_core, ends) => signRequests(core, authority, ends),
  };
  return Object.entries(loops).map(async ([name, loop]) => await keepRunning(core, name, loop, signal));
}

const RESTART_MS = 1_000;

async function keepRunning(core: Core, name: string, loop: Loop, signal: AbortSignal): Promise<void> {
  while (!signal.aborted) {
    try {
      await loop(core, signal);
      return;
    } catch (error) {
      if (isAbortError(error) || signal.aborted) return;
      core.logger.error({ err: error, loop: name }, 'a loop of the api server failed and starts again');
      await core.clock.sleep(RESTART_MS, signal).catch(() => undefined); // The signal ends the wait.
    }
  }
}

function isAddress(name: string): boolean {
  return /^\d+\.\d+\.\d+\.\d+$/.test(name) || name.includes(':');
}

interface ServerParts {
  readonly core: Core;
  readonly listener: Listener;
  readonly stop: AbortController;
  readonly loops: readonly Promise<void>[];
  readonly backend: AuditBackend | undefined;
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
    await parts.backend?.close();
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

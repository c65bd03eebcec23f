import type { Clock, Logger } from '@tiphys/kernel';
import type { Store } from '@tiphys/plane-store';
import type { FlowControl } from './flow/flow-control.ts';
import type { RequestMetrics } from './http/metrics.ts';
import type { Allocators } from './registry/allocators.ts';
import type { Catalog } from './registry/catalog.ts';
import type { ServedResource } from './registry/served.ts';
import type { NodeDirectory } from './nodes.ts';
import type { RemoteVersions } from './aggregation/remote-versions.ts';
import type { AuditLog } from './audit/trail.ts';
import type { Authenticators } from './auth/authenticate.ts';
import type { KeyPair } from './auth/pki.ts';
import type { TokenIssuer } from './auth/tokens.ts';

/** Who asks. */
export interface UserInfo {
  readonly username: string;
  readonly uid?: string;
  readonly groups: readonly string[];
  readonly extra?: Readonly<Record<string, readonly string[]>>;
}

/** The server as a user: it writes what every cluster has. Policies and webhooks are not asked about its own writes. */
export const SERVER_USER: UserInfo = { username: 'system:apiserver', groups: ['system:masters'] };

/** What every handler works with: the parts of one API server. */
export interface Core {
  readonly store: Store;
  readonly catalog: Catalog;
  readonly allocators: Allocators;
  readonly nodes: NodeDirectory;
  readonly tokens: TokenIssuer;
  readonly authenticators: Authenticators;
  readonly flow: FlowControl;
  readonly remotes: RemoteVersions;
  /** By what other servers know this one: they believe what it says of its users. */
  readonly frontProxy: { readonly caPem: string; readonly pair: KeyPair };
  /** Authorities of client certificates, in PEM. */
  readonly clientCaPem: string;
  readonly audit: AuditLog;
  readonly clock: Clock;
  readonly logger: Logger;
  /** Yields [0, 1). */
  readonly random: () => number;
  readonly gitVersion: string;
  readonly metrics: RequestMetrics;
  /** How far the server is; changed by who starts and closes it. */
  readonly lifecycle: { phase: 'starting' | 'ready' | 'closing' };
}

/** The object or collection a request is about. */
export interface Scope {
  readonly served: ServedResource;
  readonly namespace: string | undefined;
  readonly name: string;
  readonly subresource: string | undefined;
  readonly user: UserInfo;
  readonly userAgent: string;
}

/** Query options of writes. */
export interface WriteFlags {
  readonly dryRun: boolean;
  readonly fieldManager: string;
  readonly fieldValidation: 'Strict' | 'Warn' | 'Ignore';
  readonly force: boolean;
  /** Collects the texts of Warning headers. */
  readonly warn: (text: string) => void;
  /** Collects the annotations of the audit event. */
  readonly annotate?: (key: string, value: string) => void;
}

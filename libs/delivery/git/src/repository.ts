import type { SignedCommit } from './object-database.ts';
import type { Snapshot } from './snapshot.ts';

/** A GitHub App that hands out short-lived tokens (docs.github.com, "Authenticating as a GitHub App installation"). */
export interface GithubApp {
  readonly appId: string;
  /** Found by the repository's owner where it is not given. */
  readonly installationId?: string;
  /** PEM. */
  readonly privateKey: string;
  /** API of a GitHub Enterprise server; that of github.com without it. */
  readonly apiUrl?: string;
}

/** What opens a repository. Values only: nothing is looked up in the environment or in files. */
export interface RepositoryAccess {
  readonly username?: string;
  readonly password?: string;
  readonly bearerToken?: string;
  /** Accept any server certificate. */
  readonly insecure?: boolean;
  /** PEM certificates to trust besides the system's. */
  readonly caCertificates?: string;
  /** PEM certificate and key that this side shows. */
  readonly clientCertificate?: { readonly certificate: string; readonly key: string };
  readonly githubApp?: GithubApp;
  /** PEM or OpenSSH private key, for SSH URLs. */
  readonly sshPrivateKey?: string;
  /** Lines of a known_hosts file: SSH hosts that are not among them are refused. */
  readonly sshKnownHosts?: string;
  /** URL of an HTTP proxy. */
  readonly proxy?: string;
  /** Hosts that are reached without the proxy: names, `.suffix`, `*`, separated by commas. */
  readonly noProxy?: string;
  /** Files that Git LFS keeps elsewhere are fetched where they are read. */
  readonly enableLfs?: boolean;
  /** Chart repositories: armored public keys, one of which must have signed each chart's provenance. */
  readonly provenanceKeys?: string;
}

/** Names of a repository and the commits they stand for. Annotated tags appear peeled. */
export interface RemoteRefs {
  /** Full names such as `refs/heads/main`, and `HEAD`. */
  readonly oids: ReadonlyMap<string, string>;
  /** The branch HEAD points to, when the server says. */
  readonly head?: string;
}

/** Who made a commit, when and why. */
export interface RevisionMetadata {
  readonly author: string;
  /** RFC 3339. */
  readonly date: string;
  readonly message: string;
  readonly parents: readonly string[];
}

/** One repository: refs by one request, commits as snapshots. */
export interface Repository {
  readonly url: string;
  /** Folder to watch for changes; only local repositories have one. */
  readonly gitDirectory?: string;
  lsRemote(signal: AbortSignal): Promise<RemoteRefs>;
  /** Reads a commit, fetching it first when it is not here yet. */
  snapshot(commit: string, signal: AbortSignal): Promise<Snapshot>;
  metadata(commit: string, signal: AbortSignal): Promise<RevisionMetadata>;
  /** A commit with its signature; charts have none. */
  signedCommit?(commit: string, signal: AbortSignal): Promise<SignedCommit>;
}

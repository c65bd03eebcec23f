import type { Snapshot } from './snapshot.ts';

/** What opens a repository. Values only: nothing is looked up in the environment or in files. */
export interface RepositoryAccess {
  readonly username?: string;
  readonly password?: string;
  readonly bearerToken?: string;
  /** Accept any server certificate. */
  readonly insecure?: boolean;
  /** PEM certificates to trust besides the system's. */
  readonly caCertificates?: string;
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
}

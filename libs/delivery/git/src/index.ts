export type { EntryKind, TreeEntry } from './object-database.ts';
export type { RemoteRefs, Repository, RepositoryAccess, RevisionMetadata } from './repository.ts';
export type { RemoteLimits } from './remote-repository.ts';
export { RepositoryPoller, type PollState, type RefsMoved, type RepositoryPollerOptions } from './repository-poller.ts';
export { createRepositoryStore, defaultRemoteLimits, type RepositoryStore, type RepositoryStoreOptions } from './repository-store.ts';
export { isCommit, resolveRevision } from './revision.ts';
export { normalizePath, type Snapshot } from './snapshot.ts';
export { SourceError, type SourceErrorDetail } from './source-error.ts';
export { parseGithubPush, type WebhookRequest, type WebhookResult } from './webhook.ts';

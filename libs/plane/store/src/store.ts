import { DomainError } from '@tiphys/kernel';

/** The state of one key as of its last write. `value` is shared: nobody changes it. */
export interface Entry {
  readonly key: string;
  /** Revision of the write that created the key. */
  readonly createRevision: number;
  /** Revision of the last write. */
  readonly modRevision: number;
  readonly value: Uint8Array;
}

/** One change in the revision log. A delete carries the value its writer gave it as the last state. */
export interface StoreEvent {
  readonly kind: 'put' | 'delete';
  readonly key: string;
  readonly revision: number;
  readonly createRevision: number;
  readonly value: Uint8Array;
  /** State before the change; undefined when the key was created by it. */
  readonly previous: Entry | undefined;
  /** Wall-clock time of the write in milliseconds; compaction goes by it. */
  readonly atMs: number;
}

/** What must hold for a write to happen. */
export type Expectation = { readonly kind: 'absent' } | { readonly kind: 'revision'; readonly revision: number } | { readonly kind: 'any' };

/** A write that the store decides on in its single writer turn. */
export interface WriteRequest {
  readonly kind: 'put' | 'delete';
  readonly key: string;
  readonly expect: Expectation;
  /** Makes the value once the revision is known; must not wait and not throw. */
  readonly encode: (revision: number, current: Entry | undefined) => Uint8Array;
}

/** What a list reads. */
export interface ListRequest {
  readonly prefix: string;
  /** Only keys behind this one. */
  readonly after?: string;
  readonly limit?: number;
  /** State as of this revision; absent means the latest. */
  readonly revision?: number;
}

/** A consistent read of a range of keys, in key order. */
export interface ListResult {
  readonly entries: readonly Entry[];
  readonly revision: number;
  /** Keys of the range behind the last entry returned. */
  readonly remaining: number;
}

/** What a watch follows: every change of keys with the prefix after the revision. */
export interface WatchRequest {
  readonly prefix: string;
  readonly afterRevision: number;
  readonly signal: AbortSignal;
}

/** Changes in revision order, and the revision up to which nothing is missing. `events` may be empty. */
export interface WatchBatch {
  readonly events: readonly StoreEvent[];
  readonly revision: number;
}

/** Why the store refused. */
export class StoreError extends DomainError<
  /** The key exists although it must not. */
  | { readonly code: 'exists'; readonly key: string }
  /** The key does not exist although it must. */
  | { readonly code: 'missing'; readonly key: string }
  /** The key was written since the expected revision. */
  | { readonly code: 'conflict'; readonly key: string; readonly revision: number }
  /** The revision lies before the window the store keeps. */
  | { readonly code: 'compacted'; readonly compactRevision: number }
  /** The revision has not been assigned yet. */
  | { readonly code: 'future'; readonly revision: number }
  /** The watcher fell behind the window; it must list again. */
  | { readonly code: 'slowWatcher'; readonly compactRevision: number }
  | { readonly code: 'closed' }
  /** Another living process owns the folder. */
  | { readonly code: 'locked'; readonly pid: number }
  /** The disk refused a write; nothing of it is visible. */
  | { readonly code: 'failed' }
> {
  override readonly name = 'StoreError';
}

/**
 * A watchable map from key to bytes with one revision for all keys. Reads see only durable writes; a write is
 * acknowledged, and shown to watchers, once it is durable. Revisions grow by at least one and are never reused.
 */
export interface Store extends AsyncDisposable {
  /** Revision of the last visible write; 1 for a new store. */
  readonly revision: number;
  /** Revisions at or below this one cannot be watched or read any more. */
  readonly compactRevision: number;
  /** The key's state, latest or at a revision. Throws StoreError `compacted` or `future`. */
  get(key: string, revision?: number): Entry | undefined;
  /** Throws StoreError `compacted` or `future`. */
  list(request: ListRequest): ListResult;
  count(prefix: string): number;
  /** The latest revision at a wall-clock time in milliseconds. Throws StoreError `compacted` for times before the window. */
  revisionAt(timeMs: number): number;
  /** Resolves when durable. Throws StoreError `exists`, `missing`, `conflict`, `failed` or `closed`. */
  write(request: WriteRequest): Promise<Entry>;
  /** No gap, no duplicate, in order. Ends when the signal aborts or the store closes; throws `compacted`, `future` or `slowWatcher`. */
  watch(request: WatchRequest): AsyncIterable<WatchBatch>;
  /** Drops history at or below the revision now. */
  compact(revision: number): void;
  close(): Promise<void>;
}

/** How much history a store keeps. */
export interface RetentionOptions {
  /** Age in milliseconds at which an event may go. Default 5 minutes. */
  readonly retainMs?: number;
  /** Events kept at most; a watcher further behind is closed as slow. Default 10,000. */
  readonly retainRevisions?: number;
}

/** The retention every store starts with. */
export const defaultRetention: Required<RetentionOptions> = { retainMs: 5 * 60_000, retainRevisions: 10_000 };

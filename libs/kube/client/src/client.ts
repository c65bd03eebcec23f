import type { KubeList, KubeObject, metav1, ObjectKey, ResourceType } from '@tiphys/kube-model';

/** The four bodies a PATCH may have. */
export type PatchType = 'json' | 'merge' | 'strategic' | 'apply';

/** Options every call takes. A call without its signal cannot be made. */
export interface CallOptions {
  readonly signal: AbortSignal;
  readonly subresource?: string;
}

/** Options of mutating calls. */
export interface WriteOptions extends CallOptions {
  readonly dryRun?: boolean;
  readonly fieldManager?: string;
  readonly fieldValidation?: 'Strict' | 'Warn' | 'Ignore';
}

/** Options of PATCH. */
export interface PatchOptions extends WriteOptions {
  readonly type: PatchType;
  /** Take over conflicting fields; only with type `apply`. */
  readonly force?: boolean;
}

/** Options of DELETE. */
export interface DeleteOptions extends CallOptions {
  readonly dryRun?: boolean;
  readonly propagationPolicy?: 'Foreground' | 'Background' | 'Orphan';
  readonly gracePeriodSeconds?: number;
  readonly preconditions?: { readonly uid?: string; readonly resourceVersion?: string };
}

/** What a list or a watch selects. */
export interface ListSelection {
  readonly namespace?: string;
  readonly labelSelector?: string;
  readonly fieldSelector?: string;
}

/** Options of LIST. */
export interface ListOptions extends ListSelection {
  readonly signal: AbortSignal;
  readonly limit?: number;
  readonly continue?: string;
  readonly resourceVersion?: string;
  readonly resourceVersionMatch?: 'Exact' | 'NotOlderThan';
  /** Ask for `PartialObjectMetadata` instead of whole objects. */
  readonly metadataOnly?: boolean;
}

/** Options of WATCH. */
export interface WatchOptions extends ListSelection {
  readonly signal: AbortSignal;
  readonly resourceVersion?: string;
  readonly allowBookmarks?: boolean;
  readonly timeoutSeconds?: number;
  readonly metadataOnly?: boolean;
}

/** One event of a watch. An ERROR event is thrown as StatusError instead. */
export interface WatchEvent<T extends KubeObject = KubeObject> {
  readonly type: 'ADDED' | 'MODIFIED' | 'DELETED' | 'BOOKMARK';
  readonly object: T;
}

/** A request by path, for what is not an object: discovery, versions, logs. */
export interface RawRequest {
  readonly method: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE';
  readonly path: string;
  readonly query?: Readonly<Record<string, string | undefined>>;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string;
  readonly signal: AbortSignal;
}

/** The answer of `raw`: a body to be read as a stream exactly once. */
export interface RawResponse {
  readonly status: number;
  readonly headers: Readonly<Record<string, string | readonly string[] | undefined>>;
  readonly body: AsyncIterable<Uint8Array>;
}

/**
 * One Kubernetes API. Failures of the API are thrown as StatusError, of the connection as ConnectionError.
 * No call retries by itself, except 429 with Retry-After (at most three times).
 */
export interface KubeClient {
  /** The server's base URL, without credentials. */
  readonly server: string;
  get<T extends KubeObject = KubeObject>(type: ResourceType, key: ObjectKey, options: CallOptions): Promise<T>;
  list<T extends KubeObject = KubeObject>(type: ResourceType, options: ListOptions): Promise<KubeList<T>>;
  create<T extends KubeObject = KubeObject>(type: ResourceType, object: T, options: WriteOptions): Promise<T>;
  update<T extends KubeObject = KubeObject>(type: ResourceType, object: T, options: WriteOptions): Promise<T>;
  patch<T extends KubeObject = KubeObject>(type: ResourceType, key: ObjectKey, patch: unknown, options: PatchOptions): Promise<T>;
  /** The deleted object, or the object still waiting for its finalizers, or a Status. */
  delete(type: ResourceType, key: ObjectKey, options: DeleteOptions): Promise<KubeObject | metav1.Status>;
  /** Ends when the server closes the watch, ten seconds after `timeoutSeconds` at the latest, or the signal aborts (then without an error). */
  watch<T extends KubeObject = KubeObject>(type: ResourceType, options: WatchOptions): AsyncIterable<WatchEvent<T>>;
  /** Answers of 400 and above are thrown as StatusError. */
  raw(request: RawRequest): Promise<RawResponse>;
  /** The same API, asked in the name of somebody else. Shares its connections; closing the original closes both. */
  impersonate(user: string): KubeClient;
  close(): Promise<void>;
}

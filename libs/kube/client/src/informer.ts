import { abortReason, isAbortError, type Clock, type Logger } from '@tiphys/kernel';
import { isStatus, keyOf, StatusError, toKey, type KubeObject, type ResourceType } from '@tiphys/kube-model';
import type { KubeClient, WatchEvent } from './client.ts';
import type { IndexFunction, Informer, InformerEvent, InformerFailure, InformerOptions } from './informer-types.ts';
import { ObjectCache } from './object-cache.ts';
import { listAll } from './rest-client.ts';

/** What an informer needs. */
export interface InformerDeps {
  readonly client: KubeClient;
  readonly clock: Clock;
  readonly logger: Logger;
  /** Yields [0, 1); spreads the reconnects of many informers. Default Math.random. */
  readonly random?: () => number;
}

// Like the reflector of client-go (tools/cache/reflector.go), but quicker: after a fault clears, half a minute is the longest anybody waits.
const FIRST_DELAY_MS = 200;
const MAX_DELAY_MS = 15_000;
// A watch ends after 5 to 10 minutes, by the server or by the client, so a half-open connection cannot last.
const MIN_WATCH_SECONDS = 300;
// A watch that ends at once and says nothing is a failing server in disguise.
const SHORT_WATCH_MS = 1_000;
// A watch that has been open for so long is connected, though nothing has happened yet.
const CONNECTED_MS = 11_000;

/** Makes an informer. It follows from the moment `run` is called. */
export function createInformer<T extends KubeObject>(options: InformerOptions, deps: InformerDeps): Informer<T> {
  return new ListWatchInformer<T>(options, deps);
}

class ListWatchInformer<T extends KubeObject> implements Informer<T> {
  readonly name: string;
  readonly type: ResourceType;
  readonly #options: InformerOptions;
  readonly #deps: InformerDeps;
  readonly #cache = new ObjectCache<T>();
  readonly #handlers = new Set<(event: InformerEvent<T>) => void>();
  readonly #synced: { readonly promise: Promise<void>; readonly resolve: () => void };
  #hasSynced = false;
  #resourceVersion = '';
  #failure: InformerFailure | undefined;
  #attemptAtMs = 0;
  /** Whether the watch of this attempt has said something. */
  #hasHeard = false;

  constructor(options: InformerOptions, deps: InformerDeps) {
    this.#options = options;
    this.#deps = deps;
    this.type = options.type;
    this.name = `informer ${options.type.resource}${options.type.group === '' ? '' : `.${options.type.group}`}`;
    let resolve: () => void = () => undefined;
    const promise = new Promise<void>((done) => (resolve = done));
    this.#synced = { promise, resolve };
  }

  get hasSynced(): boolean {
    return this.#hasSynced;
  }

  get failure(): InformerFailure | undefined {
    if (this.#failure === undefined || this.#deps.clock.monotonic() - this.#attemptAtMs > CONNECTED_MS) return undefined;
    return this.#failure;
  }

  get resourceVersion(): string {
    return this.#resourceVersion;
  }

  get(name: string, namespace?: string): T | undefined {
    return this.#cache.get(toKey({ namespace, name }));
  }

  list(namespace?: string): readonly T[] {
    return this.#cache.list(namespace);
  }

  byIndex(index: string, value: string): readonly T[] {
    return this.#cache.byIndex(index, value);
  }

  addIndex(name: string, index: IndexFunction<T>): void {
    this.#cache.addIndex(name, index);
  }

  onEvent(handler: (event: InformerEvent<T>) => void): () => void {
    for (const object of this.#cache.list()) handler({ type: 'added', object });
    this.#handlers.add(handler);
    return () => this.#handlers.delete(handler);
  }

  async waitForSync(signal: AbortSignal): Promise<void> {
    if (this.#hasSynced) return;
    if (signal.aborted) throw abortReason(signal);
    await new Promise<void>((resolve, reject) => {
      const onAbort = (): void => reject(abortReason(signal));
      signal.addEventListener('abort', onAbort, { once: true });
      void this.#synced.promise.then(() => {
        signal.removeEventListener('abort', onAbort);
        resolve();
      });
    });
  }

  /** Follows the API until the signal aborts. Failures are logged and survived, so it never rejects. */
  async run(signal: AbortSignal): Promise<void> {
    const { clock, logger, random = Math.random } = this.#deps;
    let failures = 0;
    while (!signal.aborted) {
      const startedAt = clock.monotonic();
      this.#attemptAtMs = startedAt;
      this.#hasHeard = false;
      try {
        if (this.#resourceVersion === '') await this.#relist(signal);
        await this.#follow(signal);
        if (this.#hasHeard || clock.monotonic() - startedAt > SHORT_WATCH_MS) {
          failures = 0;
          this.#failure = undefined;
          continue;
        }
      } catch (error) {
        if (signal.aborted || isAbortError(error)) return;
        // A connection that worked and broke is the first failure of its kind, however many broke before it.
        if (this.#hasHeard) failures = 0;
        this.#failure = { error, sinceMs: this.#failure?.sinceMs ?? startedAt };
        // A broken connection keeps its place in the stream; a server that refuses the place is listed anew.
        if (error instanceof StatusError && error.httpCode < 500 && error.httpCode !== 429) this.#resourceVersion = '';
        logger[failures === 3 ? 'warn' : 'debug']({ informer: this.name, err: error }, 'list or watch failed, trying again');
        if (isStatus(error, 'Expired', 'Gone') && failures === 0) {
          failures = 1;
          continue;
        }
      }
      failures += 1;
      // Waiting for the next attempt is not being connected.
      this.#attemptAtMs = Number.POSITIVE_INFINITY;
      const delayMs = Math.min(FIRST_DELAY_MS * 2 ** (failures - 1), MAX_DELAY_MS) * (0.5 + random());
      await clock.sleep(delayMs, signal).catch(() => undefined); // Aborted: the loop condition ends it.
    }
  }

  async #relist(signal: AbortSignal): Promise<void> {
    const { type, ...selection } = this.#options;
    const list = await listAll<T>(this.#deps.client, type, { ...selection, signal });
    const seen = new Set(list.items.map((item) => keyOf(item)));
    for (const object of list.items) this.#set(object);
    for (const object of this.#cache.list()) if (!seen.has(keyOf(object))) this.#remove(object);
    this.#resourceVersion = list.metadata.resourceVersion ?? '';
    this.#failure = undefined;
    if (this.#hasSynced) return;
    this.#hasSynced = true;
    this.#synced.resolve();
  }

  async #follow(signal: AbortSignal): Promise<void> {
    const { type, ...selection } = this.#options;
    const timeoutSeconds = Math.round(MIN_WATCH_SECONDS * (1 + (this.#deps.random ?? Math.random)()));
    for await (const event of this.#deps.client.watch<T>(type, {
      ...selection,
      signal,
      allowBookmarks: true,
      timeoutSeconds,
      resourceVersion: this.#resourceVersion,
    })) {
      this.#hasHeard = true;
      this.#failure = undefined;
      this.#apply(event);
    }
  }

  #apply({ type, object }: WatchEvent<T>): void {
    if (type === 'ADDED' || type === 'MODIFIED') this.#set(object);
    else if (type === 'DELETED') this.#remove(object);
    this.#resourceVersion = object.metadata.resourceVersion ?? this.#resourceVersion;
  }

  #set(object: T): void {
    const old = this.#cache.set(object);
    if (old === undefined) this.#tell({ type: 'added', object });
    else if (old.metadata.resourceVersion !== object.metadata.resourceVersion) this.#tell({ type: 'updated', object, old });
  }

  #remove(object: T): void {
    if (this.#cache.delete(keyOf(object))) this.#tell({ type: 'deleted', object });
  }

  #tell(event: InformerEvent<T>): void {
    for (const handler of this.#handlers) {
      try {
        handler(event);
      } catch (error) {
        this.#deps.logger.error({ informer: this.name, err: error }, 'an informer handler threw');
      }
    }
  }
}

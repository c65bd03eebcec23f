import type { Service } from '@tiphys/kernel';
import type { KubeObject, ResourceType } from '@tiphys/kube-model';
import type { ListSelection } from './client.ts';

/** A change of the cache, as handlers see it. `deleted` carries the last state known. */
export type InformerEvent<T extends KubeObject> =
  | { readonly type: 'added'; readonly object: T }
  | { readonly type: 'updated'; readonly object: T; readonly old: T }
  | { readonly type: 'deleted'; readonly object: T };

/** Reads of an informer's cache. Objects are shared: copy before change. */
export interface Lister<T extends KubeObject> {
  get(name: string, namespace?: string): T | undefined;
  list(namespace?: string): readonly T[];
  /** Objects for which the index function named `index` returned `value`. */
  byIndex(index: string, value: string): readonly T[];
}

/** Computes the values an object is found by. */
export type IndexFunction<T extends KubeObject> = (object: T) => readonly string[];

/** A list or watch that fails again and again. */
export interface InformerFailure {
  readonly error: unknown;
  readonly sinceMs: number;
}

/** A cache of one kind that follows the API by list and watch, and tells handlers what changed. */
export interface Informer<T extends KubeObject = KubeObject> extends Service, Lister<T> {
  readonly type: ResourceType;
  /** Whether the first list has arrived. */
  readonly hasSynced: boolean;
  /** resourceVersion up to which the cache has followed; empty before the first list. */
  readonly resourceVersion: string;
  /** Why the API cannot be followed just now, and since when by the clock's monotonic time; undefined while it can. */
  readonly failure: InformerFailure | undefined;
  /** Resolves after the first list has been delivered to all handlers. */
  waitForSync(signal: AbortSignal): Promise<void>;
  /** Handlers enqueue, they never act and never throw. A late handler first receives `added` for all cached objects. Returns the way to unsubscribe. */
  onEvent(handler: (event: InformerEvent<T>) => void): () => void;
  /** Adds an index; may be called while running. */
  addIndex(name: string, index: IndexFunction<T>): void;
}

/** What an informer follows. */
export interface InformerOptions extends ListSelection {
  readonly type: ResourceType;
  readonly metadataOnly?: boolean;
}

/** One informer per kind and selection, shared by all who ask; runs those that were asked for. */
export interface InformerFactory extends Service {
  /** Ends and forgets the informer of a selection, because its kind is served no more. Who asks again gets a new one. */
  forget(options: InformerOptions): void;
  /** The informer of this selection, started when the factory runs (at once if it already does). */
  informer<T extends KubeObject = KubeObject>(options: InformerOptions): Informer<T>;
  waitForSync(signal: AbortSignal): Promise<void>;
}

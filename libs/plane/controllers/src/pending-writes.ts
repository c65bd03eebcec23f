import { compareResourceVersions, type KubeObject } from '@tiphys/kube-model';
import type { Informer } from '@tiphys/kube-client';

// client-go's ExpectationsTimeout: after this a write counts as seen, so that a lost event cannot stop a controller for ever.
const FORGET_AFTER_MS = 300_000;

interface Pending {
  readonly uid: string;
  readonly name: string;
  readonly namespace: string | undefined;
  readonly resourceVersion: string;
  readonly kind: 'created' | 'deleted';
  readonly atMs: number;
}

/**
 * Remembers a controller's own writes until its cache shows them, so that it never counts without what it just did
 * (client-go's expectations, by object instead of by number). Kept per key; lost on restart, when the cache is read anew anyway.
 */
export class PendingWrites<T extends KubeObject> {
  readonly #cache: Informer<T>;
  readonly #pending = new Map<string, Pending[]>();

  constructor(cache: Informer<T>) {
    this.#cache = cache;
  }

  created(key: string, object: KubeObject, nowMs: number): void {
    this.#add(key, object, 'created', nowMs);
  }

  deleted(key: string, object: KubeObject, nowMs: number): void {
    this.#add(key, object, 'deleted', nowMs);
  }

  /** Whether the cache shows all writes made for the key. Call it first in a reconcile: the event that settles it enqueues the key again. */
  isSettled(key: string, nowMs: number): boolean {
    const open = (this.#pending.get(key) ?? []).filter((pending) => nowMs - pending.atMs < FORGET_AFTER_MS && !this.#isSeen(pending));
    if (open.length === 0) this.#pending.delete(key);
    else this.#pending.set(key, open);
    return open.length === 0;
  }

  forget(key: string): void {
    this.#pending.delete(key);
  }

  #add(key: string, object: KubeObject, kind: Pending['kind'], atMs: number): void {
    const { uid = '', name = '', namespace, resourceVersion = '' } = object.metadata;
    this.#pending.set(key, [...(this.#pending.get(key) ?? []), { uid, name, namespace, resourceVersion, kind, atMs }]);
  }

  #isSeen(pending: Pending): boolean {
    const cached = this.#cache.get(pending.name, pending.namespace);
    const isSame = cached?.metadata.uid === pending.uid;
    if (pending.kind === 'deleted') return !isSame || cached.metadata.deletionTimestamp !== undefined;
    // Created and gone again: the cache has passed the version it was made with.
    return isSame || (compareResourceVersions(this.#cache.resourceVersion, pending.resourceVersion) ?? -1) >= 0;
  }
}

import { keyOf, type KubeObject } from '@tiphys/kube-model';
import type { IndexFunction } from './informer-types.ts';

interface Index<T extends KubeObject> {
  readonly valuesOf: IndexFunction<T>;
  readonly keysByValue: Map<string, Set<string>>;
}

const NAMESPACE_INDEX = 'namespace';

/** Objects by key with secondary indexes: client-go's thread-safe store without the threads. */
export class ObjectCache<T extends KubeObject> {
  readonly #objects = new Map<string, T>();
  readonly #indexes = new Map<string, Index<T>>([[NAMESPACE_INDEX, { valuesOf: (object) => [object.metadata.namespace ?? ''], keysByValue: new Map() }]]);

  get(key: string): T | undefined {
    return this.#objects.get(key);
  }

  list(namespace?: string): readonly T[] {
    return namespace === undefined ? [...this.#objects.values()] : this.byIndex(NAMESPACE_INDEX, namespace);
  }

  /** Objects under a value of an index; throws when no index has that name. */
  byIndex(name: string, value: string): readonly T[] {
    const index = this.#indexes.get(name);
    if (index === undefined) throw new Error(`invariant broken: no index named ${name}`);
    return [...(index.keysByValue.get(value) ?? [])].flatMap((key) => this.#objects.get(key) ?? []);
  }

  addIndex(name: string, valuesOf: IndexFunction<T>): void {
    if (this.#indexes.has(name)) return;
    const index: Index<T> = { valuesOf, keysByValue: new Map() };
    for (const [key, object] of this.#objects) link(index, key, object);
    this.#indexes.set(name, index);
  }

  /** Stores an object and returns the one it replaced. */
  set(object: T): T | undefined {
    const key = keyOf(object);
    const old = this.#objects.get(key);
    for (const index of this.#indexes.values()) {
      if (old !== undefined) unlink(index, key, old);
      link(index, key, object);
    }
    this.#objects.set(key, object);
    return old;
  }

  /** Removes an object; false when it was not there. */
  delete(key: string): boolean {
    const old = this.#objects.get(key);
    if (old === undefined) return false;
    for (const index of this.#indexes.values()) unlink(index, key, old);
    return this.#objects.delete(key);
  }
}

function link<T extends KubeObject>(index: Index<T>, key: string, object: T): void {
  for (const value of index.valuesOf(object)) {
    const keys = index.keysByValue.get(value);
    if (keys === undefined) index.keysByValue.set(value, new Set([key]));
    else keys.add(key);
  }
}

function unlink<T extends KubeObject>(index: Index<T>, key: string, object: T): void {
  for (const value of index.valuesOf(object)) {
    const keys = index.keysByValue.get(value);
    keys?.delete(key);
    if (keys?.size === 0) index.keysByValue.delete(value);
  }
}

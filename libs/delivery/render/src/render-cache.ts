import { createHash } from 'node:crypto';
import type { RenderRequest } from './tool.ts';
import { holds, type Trace } from './trace.ts';
import type { RenderWorld } from './world.ts';

// Changes whenever the same reads may render to something else.
const ENGINE_VERSION = '2';
const TRACES_PER_KEY = 4;

interface Entry<T> {
  readonly trace: Trace;
  readonly result: T;
  readonly weight: number;
}

/** Rendered manifests by what was read to make them. Bounded by weight: what was unused for longest leaves first. */
export class RenderCache<T> {
  readonly #entries = new Map<string, readonly Entry<T>[]>();
  readonly #maxWeight: number;
  #weight = 0;

  constructor(maxWeight: number) {
    this.#maxWeight = maxWeight;
  }

  /** The result of an earlier render all of whose reads the world answers alike. */
  async find(request: RenderRequest, world: RenderWorld): Promise<T | undefined> {
    const key = cacheKey(request);
    const entries = this.#entries.get(key);
    if (entries === undefined) return undefined;
    for (const entry of entries) {
      if (!(await holds(entry.trace, world))) continue;
      const latest = this.#entries.get(key);
      if (latest !== undefined) {
        this.#entries.delete(key);
        this.#entries.set(key, latest);
      }
      return entry.result;
    }
    return undefined;
  }

  /** Remembers a result. */
  add(request: RenderRequest, trace: Trace, result: T, weight: number): void {
    const key = cacheKey(request);
    const before = this.#entries.get(key) ?? [];
    const after = [{ trace, result, weight: weight + trace.length }, ...before].slice(0, TRACES_PER_KEY);
    this.#entries.delete(key);
    this.#entries.set(key, after);
    this.#weight += weigh(after) - weigh(before);
    for (const [oldest, entries] of this.#entries) {
      if (this.#weight <= this.#maxWeight || oldest === key) return;
      this.#entries.delete(oldest);
      this.#weight -= weigh(entries);
    }
  }

  /** Forgets everything about a source. */
  forget(request: RenderRequest): void {
    const key = cacheKey(request);
    this.#weight -= weigh(this.#entries.get(key) ?? []);
    this.#entries.delete(key);
  }
}

function weigh<T>(entries: readonly Entry<T>[]): number {
  return entries.reduce((sum, entry) => sum + entry.weight, 0);
}

// The revision is not part of the key: the trace stands for it.
function cacheKey({ source, path, environment, isOneOfMany = false }: RenderRequest): string {
  const { targetRevision: _, ...rest } = source;
  return createHash('sha256')
    .update(JSON.stringify([ENGINE_VERSION, rest, path, environment, isOneOfMany]))
    .digest('base64');
}

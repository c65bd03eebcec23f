import type { Clock } from '@tiphys/kernel';
import { formatApiVersion, type KubeObject } from '@tiphys/kube-model';
import type { KubeClient } from './client.ts';
import { discover, type DiscoveredResource } from './discovery.ts';

// A kind that is not there is looked for again at most this often: a repository full of unknown kinds must not become a storm of discoveries.
const MISS_REFRESH_MS = 500;

/** Finds the resource of a kind, discovering anew when a kind is not known yet. */
export class RestMapper {
  readonly #client: KubeClient;
  readonly #clock: Clock;
  #byKind: ReadonlyMap<string, DiscoveredResource> = new Map();
  #resources: readonly DiscoveredResource[] = [];
  #refreshedAtMs = Number.NEGATIVE_INFINITY;
  #refreshing: Promise<void> | undefined;

  constructor(client: KubeClient, clock: Clock) {
    this.#client = client;
    this.#clock = clock;
  }

  /** All resources as of the last discovery. */
  get resources(): readonly DiscoveredResource[] {
    return this.#resources;
  }

  /** The resource of exactly this apiVersion and kind as of the last discovery. */
  known(apiVersion: string, kind: string): DiscoveredResource | undefined {
    return this.#byKind.get(`${apiVersion}/${kind}`);
  }

  /** The resource of exactly this apiVersion and kind; undefined when the API does not serve it even now. */
  async find(apiVersion: string, kind: string, signal: AbortSignal): Promise<DiscoveredResource | undefined> {
    const found = this.known(apiVersion, kind);
    if (found !== undefined) return found;
    if (this.#clock.monotonic() - this.#refreshedAtMs > MISS_REFRESH_MS) await this.refresh(signal);
    return this.known(apiVersion, kind);
  }

  /** The resource of an object. */
  findFor(object: KubeObject, signal: AbortSignal): Promise<DiscoveredResource | undefined> {
    return this.find(object.apiVersion, object.kind, signal);
  }

  /** Discovers now; calls made meanwhile share the one under way. */
  async refresh(signal: AbortSignal): Promise<void> {
    this.#refreshing ??= this.#discover(signal).finally(() => (this.#refreshing = undefined));
    await this.#refreshing;
  }

  async #discover(signal: AbortSignal): Promise<void> {
    const resources = await discover(this.#client, signal);
    this.#resources = resources;
    this.#byKind = new Map(resources.map((row) => [`${formatApiVersion(row.group, row.version)}/${row.kind}`, row]));
    this.#refreshedAtMs = this.#clock.monotonic();
  }
}

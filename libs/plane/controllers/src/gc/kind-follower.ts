import { formatApiVersion, type KubeObject, type ResourceType } from '@tiphys/kube-model';
import { createInformer, discover, type DiscoveredResource, type InformerEvent } from '@tiphys/kube-client';
import type { ControllerDeps } from '../kinds.ts';

// Kinds that own nothing and are owned by nobody, or that come and go too often to be worth it.
const IGNORED: ReadonlySet<string> = new Set(['/events', 'events.k8s.io/events']);

/** Follows the metadata of every kind the API serves, kinds added later included. */
export class KindFollower {
  readonly #deps: ControllerDeps;
  readonly #handler: (type: ResourceType, event: InformerEvent<KubeObject>) => void;
  readonly #running = new Map<string, AbortController>();
  #resources: readonly DiscoveredResource[] = [];

  constructor(deps: ControllerDeps, handler: (type: ResourceType, event: InformerEvent<KubeObject>) => void) {
    this.#deps = deps;
    this.#handler = handler;
  }

  /** Discovers what is served now; starts to follow new kinds and stops following those that went. */
  async refresh(signal: AbortSignal): Promise<void> {
    this.#resources = await discover(this.#deps.client, signal);
    const wanted = new Map(this.#resources.filter(isFollowed).map((type) => [idOf(type), type]));
    for (const [id, stop] of this.#running) {
      if (wanted.has(id)) continue;
      stop.abort();
      this.#running.delete(id);
    }
    for (const [id, type] of wanted) if (!this.#running.has(id)) this.#follow(id, type);
  }

  /** The served resource of an apiVersion and kind, discovering anew when it is not known. */
  async find(apiVersion: string, kind: string, signal: AbortSignal): Promise<ResourceType | undefined> {
    const known = this.#find(apiVersion, kind);
    if (known !== undefined) return known;
    await this.refresh(signal);
    return this.#find(apiVersion, kind);
  }

  stop(): void {
    for (const stop of this.#running.values()) stop.abort();
    this.#running.clear();
  }

  #find(apiVersion: string, kind: string): ResourceType | undefined {
    return this.#resources.find((type) => formatApiVersion(type.group, type.version) === apiVersion && type.kind === kind);
  }

  #follow(id: string, type: ResourceType): void {
    const stop = new AbortController();
    this.#running.set(id, stop);
    const informer = createInformer({ type, metadataOnly: true }, this.#deps);
    informer.onEvent((event) => this.#handler(type, event));
    void informer.run(stop.signal); // Never rejects: an informer survives its failures.
  }
}

function isFollowed(type: DiscoveredResource): boolean {
  return type.preferred && ['list', 'watch', 'delete', 'patch'].every((verb) => type.verbs.includes(verb)) && !IGNORED.has(idOf(type));
}

function idOf(type: ResourceType): string {
  return `${type.group}/${type.resource}`;
}

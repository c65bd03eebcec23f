import type { KubeObject, ResourceType } from '@tiphys/kube-model';
import { createInformer, discover, type Informer } from '@tiphys/kube-client';
import { KINDS, type ControllerDeps } from '../kinds.ts';

interface Followed {
  readonly informer: Informer<KubeObject>;
  readonly stop: AbortController;
}

// Core kinds that quotas know by more than count/<resource>.
const OF_CLAIMS = /^(persistentvolumeclaims|requests\.storage)$|\.storageclass\.storage\.k8s\.io\//;
const OF_SERVICES = /^services(\.|$)/;
const BY_NAME: ReadonlySet<string> = new Set(['configmaps', 'replicationcontrollers', 'resourcequotas', 'secrets']);

/** The resource whose objects a name of a quota counts: `pods`, `secrets`, `deployments.apps`. */
export function countedResource(name: string): string {
  if (name.startsWith('count/')) return name.slice('count/'.length);
  if (BY_NAME.has(name)) return name;
  if (OF_CLAIMS.test(name)) return 'persistentvolumeclaims';
  return OF_SERVICES.test(name) ? 'services' : 'pods';
}

const idOf = ({ group, resource }: ResourceType): string => `${resource}${group === '' ? '' : `.${group}`}`;

/** Follows the kinds that some quota counts, and only those: pods and Services by the shared caches, others on their own. */
export class CountedKinds {
  readonly #deps: ControllerDeps;
  readonly #shared: ReadonlyMap<string, Informer<KubeObject>>;
  readonly #onChange: (namespace: string) => void;
  readonly #followed = new Map<string, Followed>();

  constructor(deps: ControllerDeps, onChange: (namespace: string) => void) {
    this.#deps = deps;
    this.#onChange = onChange;
    this.#shared = new Map([KINDS.pod, KINDS.service, KINDS.resourceQuota].map((type) => [idOf(type), deps.informers.informer({ type })]));
  }

  /** The cache of a resource, complete; undefined when the API serves no such resource. */
  async of(id: string, signal: AbortSignal): Promise<Informer<KubeObject> | undefined> {
    const informer = this.#shared.get(id) ?? this.#followed.get(id)?.informer ?? (await this.#follow(id, signal));
    await informer?.waitForSync(signal);
    return informer;
  }

  /** Ends to follow what no quota counts any more. */
  keepOnly(ids: ReadonlySet<string>): void {
    for (const [id, { stop }] of this.#followed) {
      if (ids.has(id)) continue;
      stop.abort();
      this.#followed.delete(id);
    }
  }

  async #follow(id: string, signal: AbortSignal): Promise<Informer<KubeObject> | undefined> {
    const type = (await discover(this.#deps.client, signal)).find((row) => row.namespaced && row.preferred && row.verbs.includes('watch') && idOf(row) === id);
    const known = this.#followed.get(id);
    if (type === undefined || known !== undefined) return known?.informer;
    // Claims are counted by what they ask for, everything else by being there.
    const informer = createInformer<KubeObject>({ type, metadataOnly: id !== 'persistentvolumeclaims' }, this.#deps);
    const stop = new AbortController();
    informer.onEvent(({ object }) => this.#onChange(object.metadata.namespace ?? ''));
    void informer.run(stop.signal); // Never rejects: an informer survives its failures.
    this.#followed.set(id, { informer, stop });
    return informer;
  }
}

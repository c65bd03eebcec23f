import { aborted } from '@tiphys/kernel';
import type { KubeObject } from '@tiphys/kube-model';
import type { Informer, InformerFactory, InformerOptions } from './informer-types.ts';
import { createInformer, type InformerDeps } from './informer.ts';

/** Makes a factory whose informers are shared by everyone who asks for the same selection. */
export function createInformerFactory(deps: InformerDeps): InformerFactory {
  return new SharedInformerFactory(deps);
}

class SharedInformerFactory implements InformerFactory {
  readonly name = 'informers';
  readonly #deps: InformerDeps;
  readonly #informers = new Map<string, Informer>();
  readonly #stops = new Map<Informer, AbortController>();
  readonly #running = new Set<Promise<void>>();
  #signal: AbortSignal | undefined;

  constructor(deps: InformerDeps) {
    this.#deps = deps;
  }

  informer<T extends KubeObject>(options: InformerOptions): Informer<T> {
    const id = idOf(options);
    const shared = this.#informers.get(id);
    // An id names one selection of one kind, whose objects are of the type its first asker named.
    if (shared !== undefined) return shared as Informer as Informer<T>;
    const informer = createInformer<T>(options, this.#deps);
    this.#informers.set(id, informer as Informer<KubeObject> as Informer);
    if (this.#signal !== undefined) this.#start(informer as Informer<KubeObject> as Informer, this.#signal);
    return informer;
  }

  forget(options: InformerOptions): void {
    const id = idOf(options);
    const informer = this.#informers.get(id);
    if (informer === undefined) return;
    this.#informers.delete(id);
    this.#stops.get(informer)?.abort();
    this.#stops.delete(informer);
  }

  async waitForSync(signal: AbortSignal): Promise<void> {
    await Promise.all([...this.#informers.values()].map((informer) => informer.waitForSync(signal)));
  }

  async run(signal: AbortSignal): Promise<void> {
    this.#signal = signal;
    for (const informer of this.#informers.values()) this.#start(informer, signal);
    await aborted(signal);
    this.#signal = undefined;
    await Promise.all(this.#running);
  }

  #start(informer: Informer, signal: AbortSignal): void {
    const stop = new AbortController();
    this.#stops.set(informer, stop);
    const running = informer.run(AbortSignal.any([signal, stop.signal])); // Never rejects: an informer survives its failures.
    this.#running.add(running);
    void running.then(() => this.#running.delete(running));
  }
}

function idOf({ type, namespace = '', labelSelector = '', fieldSelector = '', metadataOnly = false }: InformerOptions): string {
  return [type.group, type.version, type.resource, namespace, labelSelector, fieldSelector, metadataOnly].join('|');
}

import { applicationType, globOrRegexMatches, instanceKey, instanceName } from '@tiphys/delivery-applications';
import type { Informer, InformerEvent, InformerFactory } from '@tiphys/kube-client';
import type { KubeObject } from '@tiphys/kube-model';

/** Which Applications a controller answers for. */
export interface ApplicationScope {
  /** The controller's own namespace. */
  readonly namespace: string;
  /** Globs, or expressions between slashes, of further namespaces that may hold Applications (argo-cd `application.namespaces`). */
  readonly applicationNamespaces: readonly string[];
}

/** The Applications of all namespaces that may hold them, known by their instance names. */
export class ApplicationIndex {
  readonly #scope: ApplicationScope;
  readonly #informer: Informer;

  constructor(informers: InformerFactory, scope: ApplicationScope) {
    this.#scope = scope;
    const { namespace, applicationNamespaces } = scope;
    this.#informer = informers.informer({ type: applicationType, ...(applicationNamespaces.length === 0 ? { namespace } : {}) });
  }

  get resourceVersion(): string {
    return this.#informer.resourceVersion;
  }

  /** The name an Application is known by. */
  nameOf(application: Pick<KubeObject, 'metadata'>): string {
    return instanceName(application, this.#scope.namespace);
  }

  get(instance: string): KubeObject | undefined {
    const { namespace, name } = instanceKey(instance, this.#scope.namespace);
    return this.#admits(namespace) ? this.#informer.get(name, namespace) : undefined;
  }

  list(): readonly KubeObject[] {
    return this.#informer.list().filter(({ metadata }) => this.#admits(metadata.namespace ?? ''));
  }

  onEvent(handler: (event: InformerEvent<KubeObject>) => void): () => void {
    return this.#informer.onEvent((event) => {
      if (this.#admits(event.object.metadata.namespace ?? '')) handler(event);
    });
  }

  waitForSync(signal: AbortSignal): Promise<void> {
    return this.#informer.waitForSync(signal);
  }

  #admits(namespace: string): boolean {
    return namespace === this.#scope.namespace || this.#scope.applicationNamespaces.some((pattern) => globOrRegexMatches(pattern, namespace));
  }
}

import { applicationOf } from '@tiphys/delivery-applications';
import { assess } from '@tiphys/delivery-health';
import type { Informer, InformerEvent, InformerFactory, InformerFailure, InformerOptions } from '@tiphys/kube-client';
import { deepEqual, type KubeObject, type ResourceType } from '@tiphys/kube-model';

/** What is followed of a kind. */
export interface KindCacheOptions {
  readonly informers: InformerFactory;
  readonly type: ResourceType;
  /** Only these namespaces; undefined: all there are. */
  readonly namespaces: readonly string[] | undefined;
  readonly metadataOnly: boolean;
  /** Whether a rule of a user judges an object: any change may change its verdict. */
  readonly hasHealthRule: (object: KubeObject) => boolean;
  readonly onEvent: (event: InformerEvent<KubeObject>) => void;
}

const BY_APPLICATION = 'application';
const BY_OWNER = 'owner';

/** The objects of one kind, followed in all namespaces or in some. */
export class KindCache {
  readonly type: ResourceType;
  readonly #options: KindCacheOptions;
  readonly #informers: readonly Informer[];
  readonly #unsubscribe: readonly (() => void)[];

  constructor(options: KindCacheOptions) {
    this.#options = options;
    this.type = options.type;
    this.#informers = this.#selections().map((selection) => options.informers.informer(selection));
    this.#unsubscribe = this.#informers.map((informer) => {
      informer.addIndex(BY_APPLICATION, (object) => {
        const application = applicationOf(object);
        return application === undefined ? [] : [application];
      });
      informer.addIndex(BY_OWNER, (object) => (object.metadata.ownerReferences ?? []).map((owner) => owner.uid));
      return informer.onEvent((event) => {
        if (isRelevant(event, options.hasHealthRule)) options.onEvent(event);
      });
    });
  }

  get hasSynced(): boolean {
    return this.#informers.every((informer) => informer.hasSynced);
  }

  /** The oldest failure to follow the kind. */
  get failure(): InformerFailure | undefined {
    return this.#informers.flatMap((informer) => informer.failure ?? []).toSorted((a, b) => a.sinceMs - b.sinceMs)[0];
  }

  /** Position up to which the objects of a namespace are followed. */
  resourceVersion(namespace: string | undefined): string {
    return this.#of(namespace)?.resourceVersion ?? '';
  }

  get(name: string, namespace: string | undefined): KubeObject | undefined {
    return this.#of(namespace)?.get(name, namespace);
  }

  list(namespace?: string): readonly KubeObject[] {
    return this.#informers.flatMap((informer) => informer.list(namespace));
  }

  ofApplication(application: string): readonly KubeObject[] {
    return this.#informers.flatMap((informer) => informer.byIndex(BY_APPLICATION, application));
  }

  ofOwner(uid: string): readonly KubeObject[] {
    return this.#informers.flatMap((informer) => informer.byIndex(BY_OWNER, uid));
  }

  async waitForSync(signal: AbortSignal): Promise<void> {
    await Promise.all(this.#informers.map((informer) => informer.waitForSync(signal)));
  }

  /** Ends the watches: the kind is served no more. */
  stop(): void {
    for (const unsubscribe of this.#unsubscribe) unsubscribe();
    for (const selection of this.#selections()) this.#options.informers.forget(selection);
  }

  #selections(): readonly InformerOptions[] {
    const { type, namespaces, metadataOnly } = this.#options;
    const selection = { type, ...(metadataOnly ? { metadataOnly } : {}) };
    return namespaces === undefined || !type.namespaced ? [selection] : namespaces.map((namespace) => ({ ...selection, namespace }));
  }

  #of(namespace: string | undefined): Informer | undefined {
    const { namespaces } = this.#options;
    if (namespaces === undefined || !this.type.namespaced) return this.#informers[0];
    return this.#informers[namespaces.indexOf(namespace ?? '')];
  }
}

// A status that changes all the time says nothing new as long as the health it stands for is the same.
function isRelevant(event: InformerEvent<KubeObject>, hasHealthRule: KindCacheOptions['hasHealthRule']): boolean {
  if (event.type !== 'updated' || hasHealthRule(event.object)) return true;
  const { old, object } = event;
  return !deepEqual(withoutStatus(old), withoutStatus(object)) || !deepEqual(assess(old), assess(object));
}

function withoutStatus(object: KubeObject): object {
  const { status: _status, metadata, ...rest } = object as KubeObject & { readonly status?: unknown };
  const { resourceVersion: _version, managedFields: _managed, ...kept } = metadata;
  return { ...rest, metadata: kept };
}

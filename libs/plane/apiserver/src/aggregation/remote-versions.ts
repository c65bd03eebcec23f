import type { ServedResource, ServedSubresource } from '../registry/served.ts';

/** A resource of another API server, as discovery lists it. */
export type RemoteResource = Pick<
  ServedResource,
  'group' | 'version' | 'resource' | 'kind' | 'singular' | 'namespaced' | 'verbs' | 'shortNames' | 'categories'
> & {
  readonly subresources: readonly ServedSubresource[];
};

/** An API version another server answers for (a registered APIService with a service). */
export interface RemoteVersion {
  /** Name of the APIService. */
  readonly name: string;
  readonly group: string;
  readonly version: string;
  readonly groupPriority: number;
  readonly versionPriority: number;
  readonly service: { readonly namespace: string; readonly name: string; readonly port: number };
  /** Authorities of its certificate in PEM; undefined: those of the system. */
  readonly caPem: string | undefined;
  readonly skipsVerification: boolean;
  readonly isAvailable: boolean;
  /** What it said it serves when it was last asked. */
  readonly resources: readonly RemoteResource[];
}

/** The API versions of other servers, as they are known right now. */
export class RemoteVersions {
  #versions: ReadonlyMap<string, RemoteVersion> = new Map();
  #generation = 0;

  /** Grows with every change. */
  get generation(): number {
    return this.#generation;
  }

  find(group: string, version: string): RemoteVersion | undefined {
    return this.#versions.get(`${group}/${version}`);
  }

  all(): readonly RemoteVersion[] {
    return [...this.#versions.values()];
  }

  replace(versions: readonly RemoteVersion[]): void {
    const next = new Map(versions.map((each) => [`${each.group}/${each.version}`, each]));
    if (JSON.stringify([...next]) === JSON.stringify([...this.#versions])) return;
    this.#versions = next;
    this.#generation += 1;
  }
}

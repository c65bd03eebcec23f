import { applicationOf } from '@tiphys/delivery-applications';
import type { ClusterCapabilities } from '@tiphys/delivery-render';
import { withTimeout, type Clock, type Logger } from '@tiphys/kernel';
import { RestMapper, type Informer, type InformerFactory, type KubeClient } from '@tiphys/kube-client';
import {
  builtin,
  compareResourceVersions,
  customResource,
  fieldAt,
  formatApiVersion,
  refKey,
  refOf,
  type KubeObject,
  type ObjectRef,
  type ResourceType,
} from '@tiphys/kube-model';
import { schemaNodeFromOpenApi, schemaNodeOf, type SchemaNode } from '@tiphys/kube-patch';

/** Kinds that others create on behalf of a kind: what a resource tree shows below it. */
const CHILD_KINDS: Readonly<Record<string, readonly (readonly [apiVersion: string, kind: string])[]>> = {
  'apps/Deployment': [
    ['apps/v1', 'ReplicaSet'],
    ['v1', 'Pod'],
  ],
  'apps/ReplicaSet': [['v1', 'Pod']],
  'apps/StatefulSet': [['v1', 'Pod']],
  'apps/DaemonSet': [['v1', 'Pod']],
  'batch/Job': [['v1', 'Pod']],
  'batch/CronJob': [
    ['batch/v1', 'Job'],
    ['v1', 'Pod'],
  ],
  '/Service': [['discovery.k8s.io/v1', 'EndpointSlice']],
};

const BY_APPLICATION = 'application';
const BY_OWNER = 'owner';
const SYNC_TIMEOUT_MS = 20_000;
const CAPABILITIES_MS = 60_000;
const CRDS = customResource('apiextensions.k8s.io/v1', 'CustomResourceDefinition', 'customresourcedefinitions', false);

/** How a cluster is made. */
export interface ClusterOptions {
  readonly server: string;
  readonly name: string;
  /** The project the cluster is registered for. */
  readonly project?: string;
  /** Applications that go there are not reconciled (annotation skip-reconcile). */
  readonly isSkipped?: boolean;
  readonly client: KubeClient;
  readonly informers: InformerFactory;
  readonly clock: Clock;
  readonly logger: Logger;
  /** An object of an application, or one it wants, changed. */
  readonly onChange: (application: string) => void;
}

/** A target: its API, and a cache of the kinds applications manage there, followed by watches. */
export class Cluster {
  readonly server: string;
  readonly name: string;
  readonly project?: string;
  readonly isSkipped: boolean;
  readonly client: KubeClient;
  readonly kinds: RestMapper;
  readonly #options: ClusterOptions;
  #capabilities: { readonly atMs: number; readonly kubeVersion: string } | undefined;
  readonly #informers = new Map<string, Informer>();
  /** Which applications want an object, by its key: drift of an object that lost its annotation is still theirs. */
  readonly #wanted = new Map<string, Set<string>>();
  readonly #wantedOf = new Map<string, readonly string[]>();
  /** resourceVersions of our own writes, until the cache has them. */
  readonly #written = new Map<string, string>();

  constructor(options: ClusterOptions) {
    this.#options = options;
    this.server = options.server;
    this.name = options.name;
    this.isSkipped = options.isSkipped === true;
    if (options.project !== undefined) this.project = options.project;
    this.client = options.client;
    this.kinds = new RestMapper(options.client, options.clock);
  }

  /** Follows these kinds; resolves when their caches are filled. Kinds the API does not serve are left out. */
  async follow(kinds: Iterable<{ readonly group: string; readonly version: string; readonly kind: string }>, signal: AbortSignal): Promise<void> {
    const waits: Informer[] = [];
    for (const { group, version, kind } of kinds) {
      const type = await this.kinds.find(group === '' ? version : `${group}/${version}`, kind, signal);
      if (type === undefined) continue;
      waits.push(this.#informer(type));
      if (schemaNodeOf(group === '' ? version : `${group}/${version}`, kind) === undefined) waits.push(this.#informer(CRDS));
      for (const [childVersion, childKind] of CHILD_KINDS[`${group}/${kind}`] ?? []) this.#informer(builtin(childVersion, childKind));
    }
    await withTimeout(`cluster ${this.name}: filling the cache`, SYNC_TIMEOUT_MS, signal, (inner) =>
      Promise.all(waits.map((informer) => informer.waitForSync(inner))),
    );
  }

  /** The live object; undefined when there is none, or its kind is not followed. */
  get(ref: ObjectRef): KubeObject | undefined {
    return this.#informers.get(typeKey(ref))?.get(ref.name, ref.namespace);
  }

  /** Live objects of an application in all followed kinds. */
  tracked(application: string): readonly KubeObject[] {
    const objects = [...this.#informers.values()].flatMap((informer) => informer.byIndex(BY_APPLICATION, application));
    // One object may be followed at two versions.
    return [...new Map(objects.map((object) => [object.metadata.uid ?? refKey(refOf(object)), object])).values()];
  }

  /** Live objects owned by the object with this uid. */
  children(uid: string): readonly KubeObject[] {
    return [...this.#informers.values()].flatMap((informer) => informer.byIndex(BY_OWNER, uid));
  }

  /** Why an object may not be written here, whatever projects say; undefined when it may. */
  refusal(_ref: ObjectRef, _namespaced: boolean): string | undefined {
    return undefined;
  }

  /** What the API can do, as charts ask for it: its version and every kind it serves. Looked up at most once a minute. */
  async capabilities(signal: AbortSignal): Promise<ClusterCapabilities> {
    const { clock } = this.#options;
    if (this.#capabilities === undefined || clock.monotonic() - this.#capabilities.atMs > CAPABILITIES_MS) {
      const [kubeVersion] = await Promise.all([serverVersion(this.client, signal), this.kinds.refresh(signal)]);
      this.#capabilities = { atMs: clock.monotonic(), kubeVersion };
    }
    const served = this.kinds.resources.flatMap(({ group, version, kind }) => [
      formatApiVersion(group, version),
      `${formatApiVersion(group, version)}/${kind}`,
    ]);
    return { kubeVersion: this.#capabilities.kubeVersion, apiVersions: [...new Set(served)].toSorted() };
  }

  /** A namespace as it lives; undefined when there is none. */
  async namespace(name: string, signal: AbortSignal): Promise<KubeObject | undefined> {
    await this.follow([{ group: '', version: 'v1', kind: 'Namespace' }], signal);
    return this.get({ group: '', version: 'v1', kind: 'Namespace', name });
  }

  /** The schema of a kind: built in, or from its CustomResourceDefinition. */
  schemaFor(apiVersion: string, kind: string): SchemaNode | undefined {
    const known = schemaNodeOf(apiVersion, kind);
    if (known !== undefined) return known;
    const [group = '', version = ''] = apiVersion.split('/');
    const definition = this.#informers
      .get(typeKey(CRDS))
      ?.list()
      .find((crd) => fieldAt(crd, 'spec', 'group') === group && fieldAt(crd, 'spec', 'names', 'kind') === kind);
    const versions = fieldAt(definition, 'spec', 'versions');
    const served = Array.isArray(versions) ? versions.find((entry: unknown) => fieldAt(entry, 'name') === version) : undefined;
    const schema = fieldAt(served, 'schema', 'openAPIV3Schema');
    return schema === undefined ? undefined : schemaNodeFromOpenApi(schema);
  }

  /** Says which objects an application wants, so that their drift is noticed whatever their annotations say. */
  setWanted(application: string, refs: readonly ObjectRef[]): void {
    for (const key of this.#wantedOf.get(application) ?? []) {
      const applications = this.#wanted.get(key);
      applications?.delete(application);
      if (applications?.size === 0) this.#wanted.delete(key);
    }
    const keys = refs.map((ref) => refKey(ref));
    for (const key of keys) this.#wanted.set(key, (this.#wanted.get(key) ?? new Set()).add(application));
    if (keys.length === 0) this.#wantedOf.delete(application);
    else this.#wantedOf.set(application, keys);
  }

  /** Notes an answer to a write of ours: the cache is behind until it has seen it. */
  noteWrite(object: KubeObject): void {
    const { resourceVersion } = object.metadata;
    if (resourceVersion !== undefined) this.#written.set(versionedKey(refOf(object)), resourceVersion);
  }

  /** Whether the cache has seen all our own writes to these objects. */
  hasCaughtUp(refs: readonly ObjectRef[]): boolean {
    return refs.every((ref) => {
      const key = versionedKey(ref);
      const written = this.#written.get(key);
      if (written === undefined) return true;
      const informer = this.#informers.get(typeKey(ref));
      const seen = informer?.get(ref.name, ref.namespace)?.metadata.resourceVersion ?? informer?.resourceVersion ?? '';
      const followed = informer?.resourceVersion ?? '';
      const isBehind = [seen, followed].every((version) => version !== written && (compareResourceVersions(version, written) ?? 0) < 0);
      if (!isBehind) this.#written.delete(key);
      return !isBehind;
    });
  }

  #informer(type: ResourceType): Informer {
    const key = typeKey(type);
    const known = this.#informers.get(key);
    if (known !== undefined) return known;
    const informer = this.#options.informers.informer({ type });
    informer.addIndex(BY_APPLICATION, (object) => {
      const application = applicationOf(object);
      return application === undefined ? [] : [application];
    });
    informer.addIndex(BY_OWNER, (object) => (object.metadata.ownerReferences ?? []).map((owner) => owner.uid));
    informer.onEvent((event) => {
      const names = new Set(this.#wanted.get(refKey(refOf(event.object))) ?? []);
      for (const object of event.type === 'updated' ? [event.object, event.old] : [event.object]) {
        const application = applicationOf(object);
        if (application !== undefined) names.add(application);
      }
      for (const name of names) this.#options.onChange(name);
    });
    this.#informers.set(key, informer);
    return informer;
  }
}

async function serverVersion(client: KubeClient, signal: AbortSignal): Promise<string> {
  const response = await client.raw({ method: 'GET', path: '/version', signal });
  const chunks: Uint8Array[] = [];
  for await (const chunk of response.body) chunks.push(chunk);
  const version: unknown = fieldAt(JSON.parse(Buffer.concat(chunks).toString('utf8')), 'gitVersion');
  return typeof version === 'string' ? version : 'v0.0.0';
}

function typeKey(type: { readonly group: string; readonly version: string; readonly kind: string }): string {
  return `${type.group}/${type.version}/${type.kind}`;
}

function versionedKey(ref: ObjectRef): string {
  return `${ref.version}/${refKey(ref)}`;
}

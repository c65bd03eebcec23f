import { applicationOf } from '@tiphys/delivery-applications';
import type { ClusterCapabilities } from '@tiphys/delivery-render';
import type { KindResolver } from '@tiphys/delivery-sync';
import { messageOf, withTimeout, type Clock, type Logger } from '@tiphys/kernel';
import { RestMapper, type DiscoveredResource, type InformerEvent, type InformerFactory, type KubeClient } from '@tiphys/kube-client';
import {
  builtin,
  compareResourceVersions,
  customResource,
  describeRef,
  fieldAt,
  formatApiVersion,
  isStatus,
  refKey,
  refOf,
  type KubeObject,
  type ObjectRef,
  type ResourceType,
} from '@tiphys/kube-model';
import { schemaNodeFromOpenApi, schemaNodeOf, type SchemaNode } from '@tiphys/kube-patch';
import { ApiBreaker } from './api-breaker.ts';
import { CallLimiter } from './call-limiter.ts';
import { childKindsOf } from './child-kinds.ts';
import { DeliveryError } from './delivery-error.ts';
import { KindCache } from './kind-cache.ts';

// How long somebody who needs a cache waits for its first list; who comes later does not wait at all.
const FIRST_LIST_MS = 2_000;
// A state that has not been confirmed for so long is none (ARCHITECTURE I6).
const STALE_MS = 30_000;
const CAPABILITIES_MS = 60_000;
const WRITES_AT_ONCE = 64;
const CRDS = customResource('apiextensions.k8s.io/v1', 'CustomResourceDefinition', 'customresourcedefinitions', false);

/** How a cluster is made. */
export interface ClusterOptions {
  readonly server: string;
  readonly name: string;
  /** The project the cluster is registered for. */
  readonly project?: string;
  /** Applications that go there are not reconciled (annotation skip-reconcile). */
  readonly isSkipped?: boolean;
  /** Namespaced mode: only these namespaces are managed, and cluster-scoped kinds only with `clusterResources`. */
  readonly namespaces?: readonly string[];
  readonly clusterResources?: boolean;
  readonly client: KubeClient;
  readonly informers: InformerFactory;
  readonly clock: Clock;
  readonly logger: Logger;
  /** Whether a rule of a user judges an object: what it goes by is known to nobody else. */
  readonly hasHealthRule: (object: KubeObject) => boolean;
  /** An object of an application, or one it wants, changed; or its cluster can be read again, or no more. */
  readonly onChange: (application: string) => void;
}

type Kind = Pick<ObjectRef, 'group' | 'version' | 'kind'>;

/** A target: its API, and a cache of the kinds applications manage there, followed by watches. Its failures are its own. */
export class Cluster {
  readonly server: string;
  readonly name: string;
  readonly project?: string;
  readonly isSkipped: boolean;
  readonly client: KubeClient;
  readonly kinds: KindResolver & { known(apiVersion: string, kind: string): DiscoveredResource | undefined; readonly resources: readonly DiscoveredResource[] };
  /** Bounds the writes under way. */
  readonly writes: CallLimiter = new CallLimiter(WRITES_AT_ONCE);
  readonly #options: ClusterOptions;
  readonly #mapper: RestMapper;
  readonly #breaker: ApiBreaker;
  #kubeVersion: { readonly atMs: number; readonly text: string } | undefined;
  readonly #caches = new Map<string, KindCache>();
  /** Which applications want an object, by its key: drift of an object that lost its annotation is still theirs. */
  readonly #wanted = new Map<string, Set<string>>();
  readonly #wantedOf = new Map<string, readonly string[]>();
  /** Applications to be told when more can be read. */
  readonly #waiting = new Set<string>();
  /** resourceVersions of our own writes, until the cache has them. */
  readonly #written = new Map<string, string>();
  #wasStale = false;
  /** How many caches were filled when those who wait were told last. */
  #filled = 0;

  constructor(options: ClusterOptions) {
    this.#options = options;
    this.server = options.server;
    this.name = options.name;
    this.isSkipped = options.isSkipped === true;
    if (options.project !== undefined) this.project = options.project;
    this.client = options.client;
    this.#mapper = new RestMapper(options.client, options.clock);
    this.#breaker = new ApiBreaker(options.name, options.clock);
    this.kinds = this.#resolver();
  }

  // Kinds that are known are found without asking; the rest goes through the breaker.
  #resolver(): Cluster['kinds'] {
    const mapper = this.#mapper;
    const breaker = this.#breaker;
    return {
      get resources() {
        return mapper.resources;
      },
      known: (apiVersion, kind) => mapper.known(apiVersion, kind),
      async find(apiVersion, kind, signal) {
        return mapper.known(apiVersion, kind) ?? (await breaker.ask('discovery', signal, (inner) => mapper.find(apiVersion, kind, inner)));
      },
      refresh: (signal) => breaker.ask('discovery', signal, (inner) => mapper.refresh(inner)),
    };
  }

  /**
   * Follows these kinds on behalf of an application; resolves when their caches are filled. Kinds the API does not serve are left out.
   * Throws DeliveryError `unreachable` when a cache cannot be filled or has gone stale, `notReady` while it is being filled: then the
   * application is told when to look again.
   */
  async follow(application: string, kinds: Iterable<Kind>, signal: AbortSignal): Promise<void> {
    const caches: KindCache[] = [];
    for (const { group, version, kind } of kinds) {
      const apiVersion = formatApiVersion(group, version);
      const type = await this.kinds.find(apiVersion, kind, signal);
      if (schemaNodeOf(apiVersion, kind) === undefined) this.#cache(CRDS);
      const cache = type === undefined ? undefined : this.#cache(type);
      if (cache === undefined) continue;
      caches.push(cache);
      for (const child of childKindsOf(group, kind)) this.#cache(builtin(child.apiVersion, child.kind), child.metadataOnly);
    }
    await this.#mustBeFilled(application, caches, signal);
  }

  async #mustBeFilled(application: string, caches: readonly KindCache[], signal: AbortSignal): Promise<void> {
    const isFilled = (): boolean => caches.every((cache) => cache.hasSynced);
    if (!isFilled()) {
      this.#waiting.add(application);
      const young = caches.filter((cache) => !cache.hasSynced && cache.failure === undefined);
      // A wait that ends early is no failure: the verdict below says what is missing.
      if (young.length > 0)
        await withTimeout('caches: being filled', FIRST_LIST_MS, signal, (inner) => Promise.all(young.map((cache) => cache.waitForSync(inner)))).catch(() =>
          signal.throwIfAborted(),
        );
    }
    const broken = caches.find((cache) => this.#isBroken(cache));
    if (broken !== undefined) throw this.#unreadable(broken);
    if (!isFilled()) throw new DeliveryError({ code: 'notReady' }, `cluster ${this.name}: is being read for the first time`);
    this.#waiting.delete(application);
  }

  #isBroken({ hasSynced, failure }: KindCache): boolean {
    if (failure === undefined) return false;
    return !hasSynced || this.#options.clock.monotonic() - failure.sinceMs > STALE_MS;
  }

  #unreadable({ type, failure, hasSynced }: KindCache): DeliveryError {
    const what = `${type.resource}${type.group === '' ? '' : `.${type.group}`}`;
    const how = hasSynced ? `the watch of ${what} is lost` : `${what} cannot be listed`;
    const advice = isStatus(failure?.error, 'Forbidden') ? { hint: 'grant the account list and watch on it, or exclude the kind in argocd-cm' } : {};
    return new DeliveryError({ code: 'unreachable' }, `cluster ${this.name}: ${how}: ${messageOf(failure?.error)}`, advice);
  }

  /** Tells the applications that wait, or whose evidence has aged: to be called now and then. */
  checkFreshness(): void {
    const isStale = [...this.#caches.values()].some((cache) => cache.hasSynced && this.#isBroken(cache));
    const turned = isStale !== this.#wasStale;
    this.#wasStale = isStale;
    if (turned) for (const application of this.#wantedOf.keys()) this.#options.onChange(application);
    const filled = [...this.#caches.values()].filter((cache) => cache.hasSynced).length;
    if (isStale || filled === this.#filled) return;
    this.#filled = filled;
    for (const application of this.#waiting) this.#options.onChange(application);
  }

  /** Why the cluster cannot be read just now; undefined when it can, as far as is known. */
  get problem(): string | undefined {
    const broken = [...this.#caches.values()].find((cache) => this.#isBroken(cache) && !isStatus(cache.failure?.error, 'Forbidden', 'NotFound'));
    return broken === undefined ? undefined : messageOf(broken.failure?.error);
  }

  /** The live object; undefined when there is none, or its kind is not followed. */
  get(ref: ObjectRef): KubeObject | undefined {
    return this.#caches.get(typeKey(ref))?.get(ref.name, ref.namespace);
  }

  /** Live objects of an application in all followed kinds. */
  tracked(application: string): readonly KubeObject[] {
    const objects = [...this.#caches.values()].flatMap((cache) => cache.ofApplication(application));
    // One object may be followed at two versions.
    return [...new Map(objects.map((object) => [object.metadata.uid ?? refKey(refOf(object)), object])).values()];
  }

  /** Live objects owned by the object with this uid. */
  children(uid: string): readonly KubeObject[] {
    return [...this.#caches.values()].flatMap((cache) => cache.ofOwner(uid));
  }

  /** Metadata of everything that lives in a namespace, of all kinds but the excluded. Kinds that cannot be listed are left out. */
  async metadataIn(
    namespace: string,
    isExcluded: (group: string, kind: string) => boolean,
    application: string,
    signal: AbortSignal,
  ): Promise<readonly KubeObject[]> {
    if (this.kinds.resources.length === 0) await this.kinds.refresh(signal);
    const types = this.kinds.resources.filter(
      ({ namespaced, verbs, preferred, group, kind }) =>
        namespaced && preferred && verbs.includes('list') && verbs.includes('watch') && !isExcluded(group, kind),
    );
    const caches = types.flatMap((type) => this.#cache(type, true) ?? []).filter((cache) => cache.failure === undefined);
    await this.#mustBeFilled(application, caches, signal);
    return caches.flatMap((cache) => cache.list(namespace));
  }

  /** What the API can do, as charts ask for it: its version and every kind it serves. Looked up at most once a minute. */
  async capabilities(signal: AbortSignal): Promise<ClusterCapabilities> {
    const { clock } = this.#options;
    if (this.#kubeVersion === undefined || clock.monotonic() - this.#kubeVersion.atMs > CAPABILITIES_MS) {
      const version = (inner: AbortSignal): Promise<string> => serverVersion(this.client, inner);
      const [text] = await Promise.all([this.#breaker.ask('asking for its version', signal, version), this.kinds.refresh(signal)]);
      this.#kubeVersion = { atMs: clock.monotonic(), text };
    }
    const served = this.kinds.resources.flatMap(({ group, version, kind }) => [
      formatApiVersion(group, version),
      `${formatApiVersion(group, version)}/${kind}`,
    ]);
    return { kubeVersion: this.#kubeVersion.text, apiVersions: [...new Set(served)].toSorted() };
  }

  /** A namespace as it lives; undefined when there is none. In namespaced mode it is taken for granted. */
  async namespace(name: string, application: string, signal: AbortSignal): Promise<KubeObject | undefined> {
    const ref = { group: '', version: 'v1', kind: 'Namespace', name };
    if (this.refusal(ref, false) !== undefined) return { apiVersion: 'v1', kind: 'Namespace', metadata: { name } };
    await this.follow(application, [ref], signal);
    return this.get(ref);
  }

  /** Why an object is not managed here, whatever projects say; undefined when it is. */
  refusal(ref: ObjectRef, namespaced: boolean): string | undefined {
    const { namespaces, clusterResources } = this.#options;
    if (namespaces === undefined) return undefined;
    if (!namespaced)
      return clusterResources === true
        ? undefined
        : `${describeRef(ref)}: cluster-scoped ${ref.kind} cannot be managed: cluster ${this.name} is in namespaced mode`;
    return namespaces.includes(ref.namespace ?? '')
      ? undefined
      : `${describeRef(ref)}: namespace '${ref.namespace ?? ''}' is not managed on cluster ${this.name}`;
  }

  /** The schema of a kind: built in, or from its CustomResourceDefinition. */
  schemaFor(apiVersion: string, kind: string): SchemaNode | undefined {
    const known = schemaNodeOf(apiVersion, kind);
    if (known !== undefined) return known;
    const [group = '', version = ''] = apiVersion.split('/');
    const definition = this.#caches
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
    if (keys.length === 0) {
      this.#wantedOf.delete(application);
      this.#waiting.delete(application);
    } else this.#wantedOf.set(application, keys);
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
      const cache = this.#caches.get(typeKey(ref));
      const followed = cache?.resourceVersion(ref.namespace) ?? '';
      const seen = cache?.get(ref.name, ref.namespace)?.metadata.resourceVersion ?? followed;
      const isBehind = [seen, followed].every((version) => version !== written && (compareResourceVersions(version, written) ?? 0) < 0);
      if (!isBehind) this.#written.delete(key);
      return !isBehind;
    });
  }

  // Undefined for what namespaced mode does not reach. Whole objects serve whoever wants metadata, not the other way round.
  #cache(type: ResourceType, metadataOnly = false): KindCache | undefined {
    const whole = this.#caches.get(typeKey(type));
    const key = metadataOnly ? `${typeKey(type)}#metadata` : typeKey(type);
    const known = whole ?? this.#caches.get(key);
    if (known !== undefined) return known;
    const { namespaces, clusterResources, informers, hasHealthRule } = this.#options;
    if (namespaces !== undefined && !type.namespaced && clusterResources !== true) return undefined;
    const cache = new KindCache({ informers, type, namespaces, metadataOnly, hasHealthRule, onEvent: (event) => this.#onEvent(event) });
    this.#caches.set(key, cache);
    return cache;
  }

  #onEvent(event: InformerEvent<KubeObject>): void {
    const names = new Set(this.#wanted.get(refKey(refOf(event.object))) ?? []);
    for (const object of event.type === 'updated' ? [event.object, event.old] : [event.object]) {
      const application = applicationOf(object);
      if (application !== undefined) names.add(application);
    }
    if (event.object.kind === CRDS.kind) for (const name of this.#onDefinition(event)) names.add(name);
    for (const name of names) this.#options.onChange(name);
  }

  // A kind came, changed or went: discovery is asked again, and who wants such objects looks again.
  #onDefinition({ type, object }: InformerEvent<KubeObject>): readonly string[] {
    const group = String(fieldAt(object, 'spec', 'group'));
    const kind = String(fieldAt(object, 'spec', 'names', 'kind'));
    const mine = [...this.#caches].filter(([, cache]) => cache.type.group === group && cache.type.kind === kind);
    if (type === 'deleted') {
      for (const [key, cache] of mine) {
        cache.stop();
        this.#caches.delete(key);
      }
    }
    const wanting = [...this.#wanted].filter(([key]) => key.startsWith(`${group}/${kind}/`)).flatMap(([, applications]) => [...applications]);
    // Told again once discovery has the news; whatever fails here is found out by the next look.
    if (type === 'deleted' || wanting.length > 0)
      this.kinds.refresh(AbortSignal.timeout(FIRST_LIST_MS)).then(
        () => wanting.forEach((name) => this.#options.onChange(name)),
        (error: unknown) => this.#options.logger.debug({ cluster: this.name, err: error }, 'kinds could not be discovered'),
      );
    return [];
  }
}

async function serverVersion(client: KubeClient, signal: AbortSignal): Promise<string> {
  const response = await client.raw({ method: 'GET', path: '/version', signal });
  const chunks: Uint8Array[] = [];
  for await (const chunk of response.body) chunks.push(chunk);
  const version: unknown = fieldAt(JSON.parse(Buffer.concat(chunks).toString('utf8')), 'gitVersion');
  return typeof version === 'string' ? version : 'v0.0.0';
}

function typeKey(type: Kind): string {
  return `${type.group}/${type.version}/${type.kind}`;
}

function versionedKey(ref: ObjectRef): string {
  return `${ref.version}/${refKey(ref)}`;
}

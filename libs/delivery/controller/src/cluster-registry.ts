import { createKubeClient, createInformerFactory, type InformerFactory, type KubeClient, type Lister } from '@tiphys/kube-client';
import type { ApplicationDestination } from '@tiphys/delivery-applications';
import { type Clock, type Logger, type Service, messageOf } from '@tiphys/kernel';
import type { corev1, KubeObject } from '@tiphys/kube-model';
import { Cluster } from './cluster.ts';
import { connectionOf, describeCluster, type ClusterDescription } from './cluster-connection.ts';
import { DeliveryError } from './delivery-error.ts';
import { SECRET_TYPE_LABEL } from './secrets.ts';

/** The URL that means "the cluster Tiphys itself lives in". */
export const IN_CLUSTER = 'https://kubernetes.default.svc';

/** How a registry is made. */
export interface ClusterRegistryOptions {
  readonly client: KubeClient;
  readonly informers: InformerFactory;
  readonly secrets: Pick<Lister<corev1.Secret>, 'list'>;
  readonly clock: Clock;
  readonly logger: Logger;
  /** Whether a rule of a user judges an object. */
  readonly hasHealthRule: (object: KubeObject) => boolean;
  readonly onChange: (application: string) => void;
}

interface Entry {
  readonly fingerprint: string;
  readonly cluster: Cluster;
  readonly stop: AbortController;
}

const FRESHNESS_MS = 1_000;

/** The targets in use, made when first asked for: the own cluster, and those described by cluster Secrets. Each lives and fails by itself. */
export class ClusterRegistry implements Service {
  readonly name = 'clusters';
  readonly #options: ClusterRegistryOptions;
  readonly #entries = new Map<string, Entry>();
  readonly #running = new Set<Promise<void>>();
  #registered: readonly (ClusterDescription & { readonly secret: corev1.Secret })[] | undefined;
  #signal: AbortSignal | undefined;

  constructor(options: ClusterRegistryOptions) {
    this.#options = options;
  }

  async run(signal: AbortSignal): Promise<void> {
    const { clock } = this.#options;
    this.#signal = signal;
    while (!signal.aborted) {
      await clock.sleep(FRESHNESS_MS, signal).catch(() => undefined); // Aborted: the loop ends.
      for (const cluster of this.clusters) cluster.checkFreshness();
    }
    this.#signal = undefined;
    await Promise.all(this.#running);
    this.#entries.clear();
  }

  /** Cluster Secrets changed: they are read anew, and clusters that are registered no more are let go. */
  refresh(): void {
    this.#registered = undefined;
    const servers = new Set(this.#descriptions().map(({ server }) => server));
    for (const [server, { stop, fingerprint }] of this.#entries) {
      if (fingerprint === '' || servers.has(server)) continue;
      stop.abort();
      this.#entries.delete(server);
    }
  }

  /** The cluster of a destination. Throws DeliveryError `unknownCluster` or `notReady`. */
  resolve(destination: ApplicationDestination): Cluster {
    const { name = '' } = destination;
    const server = (destination.server ?? '').replace(/\/+$/, '');
    const matching = this.#descriptions().filter((entry) => (name === '' ? entry.server === server : entry.name === name));
    const [found] = matching;
    if (found === undefined) {
      if (name === 'in-cluster' || (name === '' && (server === '' || server === IN_CLUSTER))) return this.#inCluster();
      throw new DeliveryError({ code: 'unknownCluster' }, `destination: there is no cluster ${name === '' ? `with server '${server}'` : `named '${name}'`}`, {
        hint: 'tiphys cluster list shows the clusters, tiphys cluster add adds one',
      });
    }
    if (matching.some((entry) => entry.server !== found.server))
      throw new DeliveryError({ code: 'unknownCluster' }, `destination: there are ${matching.length} clusters named '${name}'`, {
        hint: 'name the server instead',
      });
    return this.#external(found);
  }

  /** Clusters in use. */
  get clusters(): readonly Cluster[] {
    return [...this.#entries.values()].map((entry) => entry.cluster);
  }

  /** Every registered cluster and the one this runs against. */
  states(): readonly { readonly server: string; readonly name: string; readonly project?: string; readonly error?: string }[] {
    const registered = this.#descriptions().map(({ server, name, project }) => ({ server, name, ...(project === undefined ? {} : { project }) }));
    return [{ server: IN_CLUSTER, name: 'in-cluster' }, ...registered.filter(({ server }) => server !== IN_CLUSTER)].map((row) => {
      try {
        const { problem } = this.resolve({ server: row.server });
        return problem === undefined ? row : { ...row, error: problem };
      } catch (error) {
        return { ...row, error: messageOf(error) };
      }
    });
  }

  #descriptions(): readonly (ClusterDescription & { readonly secret: corev1.Secret })[] {
    this.#registered ??= this.#options.secrets
      .list()
      .filter((secret) => secret.metadata.labels?.[SECRET_TYPE_LABEL] === 'cluster')
      .map((secret) => ({ ...describeCluster(secret), secret }));
    return this.#registered;
  }

  #inCluster(): Cluster {
    const known = this.#entries.get(IN_CLUSTER);
    if (known?.fingerprint === '') return known.cluster;
    known?.stop.abort();
    const { client, informers } = this.#options;
    const cluster = new Cluster({ ...this.#options, server: IN_CLUSTER, name: 'in-cluster', client, informers });
    this.#entries.set(IN_CLUSTER, { fingerprint: '', cluster, stop: new AbortController() });
    return cluster;
  }

  #external({ secret, ...description }: ClusterDescription & { readonly secret: corev1.Secret }): Cluster {
    const { server } = description;
    const fingerprint = `${secret.metadata.uid ?? ''}/${secret.metadata.resourceVersion ?? ''}`;
    const known = this.#entries.get(server);
    if (known?.fingerprint === fingerprint) return known.cluster;
    if (this.#signal === undefined) throw new DeliveryError({ code: 'notReady' }, `cluster ${server}: the controller is not running yet`);
    const connection = connectionOf(secret);
    known?.stop.abort();
    const client = createKubeClient(connection);
    const informers = createInformerFactory({ client, clock: this.#options.clock, logger: this.#options.logger });
    const stop = new AbortController();
    const running = informers.run(AbortSignal.any([this.#signal, stop.signal])).then(() => client.close());
    this.#running.add(running);
    void running.finally(() => this.#running.delete(running)); // A factory's run does not reject.
    const cluster = new Cluster({ ...this.#options, ...description, client, informers });
    this.#entries.set(server, { fingerprint, cluster, stop });
    return cluster;
  }
}

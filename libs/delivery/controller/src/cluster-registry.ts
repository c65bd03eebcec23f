import { createKubeClient, createInformerFactory, type Connection, type InformerFactory, type KubeClient, type Lister } from '@tiphys/kube-client';
import type { ApplicationDestination } from '@tiphys/delivery-applications';
import { aborted, type Clock, type Logger, type Service, messageOf } from '@tiphys/kernel';
import { fieldAt, type corev1 } from '@tiphys/kube-model';
import { Cluster } from './cluster.ts';
import { DeliveryError } from './delivery-error.ts';
import { SECRET_TYPE_LABEL, secretText } from './secrets.ts';

/** The URL that means "the cluster Tiphys itself lives in". */
export const IN_CLUSTER = 'https://kubernetes.default.svc';

/** How a registry is made. */
export interface ClusterRegistryOptions {
  readonly client: KubeClient;
  readonly informers: InformerFactory;
  readonly secrets: Pick<Lister<corev1.Secret>, 'list'>;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly onChange: (application: string) => void;
}

interface Entry {
  readonly fingerprint: string;
  readonly cluster: Cluster;
  readonly stop: AbortController;
}

/** The targets in use, made when first asked for: the own cluster, and those described by cluster Secrets. */
export class ClusterRegistry implements Service {
  readonly name = 'clusters';
  readonly #options: ClusterRegistryOptions;
  readonly #entries = new Map<string, Entry>();
  readonly #running = new Set<Promise<void>>();
  #signal: AbortSignal | undefined;

  constructor(options: ClusterRegistryOptions) {
    this.#options = options;
  }

  async run(signal: AbortSignal): Promise<void> {
    this.#signal = signal;
    await aborted(signal);
    this.#signal = undefined;
    await Promise.all(this.#running);
    this.#entries.clear();
  }

  /** The cluster of a destination. Throws DeliveryError `unknownCluster` or `notReady`. */
  resolve(destination: ApplicationDestination): Cluster {
    const { server = '', name = '' } = destination;
    const secret = this.#find(server, name);
    if (secret === undefined) {
      if (isInCluster(server, name)) return this.#inCluster();
      throw new DeliveryError({ code: 'unknownCluster' }, `destination: there is no cluster ${name === '' ? `with server '${server}'` : `named '${name}'`}`, {
        hint: 'tiphys cluster list shows the clusters, tiphys cluster add adds one',
      });
    }
    return this.#external(secret);
  }

  /** Clusters in use. */
  get clusters(): readonly Cluster[] {
    return [...this.#entries.values()].map((entry) => entry.cluster);
  }

  /** Every registered cluster and the one this runs against. */
  states(): readonly { readonly server: string; readonly name: string; readonly error?: string }[] {
    const registered = this.#options.secrets
      .list()
      .filter((secret) => secret.metadata.labels?.[SECRET_TYPE_LABEL] === 'cluster')
      .map((secret) => ({ server: secretText(secret, 'server') ?? '', name: secretText(secret, 'name') ?? '' }));
    return [{ server: IN_CLUSTER, name: 'in-cluster' }, ...registered.filter(({ server }) => server !== IN_CLUSTER)].map((row) => {
      try {
        this.resolve({ server: row.server });
        return row;
      } catch (error) {
        return { ...row, error: messageOf(error) };
      }
    });
  }

  #find(server: string, name: string): corev1.Secret | undefined {
    return this.#options.secrets.list().find((secret) => {
      if (secret.metadata.labels?.[SECRET_TYPE_LABEL] !== 'cluster') return false;
      return name === '' ? sameServer(secretText(secret, 'server') ?? '', server) : secretText(secret, 'name') === name;
    });
  }

  #inCluster(): Cluster {
    const known = this.#entries.get(IN_CLUSTER);
    if (known !== undefined) return known.cluster;
    const { client, informers } = this.#options;
    const cluster = new Cluster({ ...this.#options, server: IN_CLUSTER, name: 'in-cluster', client, informers });
    this.#entries.set(IN_CLUSTER, { fingerprint: '', cluster, stop: new AbortController() });
    return cluster;
  }

  #external(secret: corev1.Secret): Cluster {
    const server = secretText(secret, 'server') ?? '';
    const fingerprint = secret.metadata.resourceVersion ?? '';
    const known = this.#entries.get(server);
    if (known?.fingerprint === fingerprint) return known.cluster;
    if (this.#signal === undefined) throw new DeliveryError({ code: 'notReady' }, `cluster ${server}: the controller is not running yet`);
    known?.stop.abort();
    const client = createKubeClient(connectionOf(secret, server));
    const informers = createInformerFactory({ client, clock: this.#options.clock, logger: this.#options.logger });
    const stop = new AbortController();
    const running = informers.run(AbortSignal.any([this.#signal, stop.signal])).then(() => client.close());
    this.#running.add(running);
    void running.finally(() => this.#running.delete(running)); // A factory's run does not reject.
    const cluster = new Cluster({ ...this.#options, server, name: secretText(secret, 'name') ?? server, client, informers });
    this.#entries.set(server, { fingerprint, cluster, stop });
    return cluster;
  }
}

function isInCluster(server: string, name: string): boolean {
  return name === 'in-cluster' || (name === '' && (server === '' || sameServer(server, IN_CLUSTER)));
}

function sameServer(a: string, b: string): boolean {
  return a.replace(/\/+$/, '') === b.replace(/\/+$/, '');
}

function connectionOf(secret: corev1.Secret, server: string): Connection {
  const config = parseConfig(secretText(secret, 'config') ?? '{}', server);
  const text = (...path: readonly string[]): string | undefined => {
    const value = fieldAt(config, ...path);
    return typeof value === 'string' && value !== '' ? value : undefined;
  };
  const pem = (key: string): string | undefined => {
    const value = text('tlsClientConfig', key);
    return value === undefined ? undefined : Buffer.from(value, 'base64').toString('utf8');
  };
  const token = text('bearerToken');
  const ca = pem('caData');
  const clientCert = pem('certData');
  const clientKey = pem('keyData');
  const serverName = text('tlsClientConfig', 'serverName');
  const username = text('username');
  return {
    server,
    userAgent: 'tiphys',
    ...(token === undefined ? {} : { token }),
    ...(ca === undefined ? {} : { ca }),
    ...(clientCert === undefined ? {} : { clientCert }),
    ...(clientKey === undefined ? {} : { clientKey }),
    ...(serverName === undefined ? {} : { serverName }),
    ...(username === undefined ? {} : { basicAuth: { username, password: text('password') ?? '' } }),
    ...(fieldAt(config, 'tlsClientConfig', 'insecure') === true ? { insecureSkipTlsVerify: true } : {}),
  };
}

function parseConfig(text: string, server: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    throw new DeliveryError({ code: 'unknownCluster' }, `cluster ${server}: the config of its Secret is not JSON`);
  }
}

import { aborted, isAbortError, messageOf, WorkQueue, type Clock, type Logger, type Service as Loop } from '@tiphys/kernel';
import { builtin, keyOf, parseKey, type corev1, type discoveryv1 } from '@tiphys/kube-model';
import type { Informer, InformerFactory, KubeClient } from '@tiphys/kube-client';
import { backendsOf } from './balancer.ts';
import { PortListener } from './port-listener.ts';

const SERVICES = builtin('v1', 'Service');
const SLICES = builtin('discovery.k8s.io/v1', 'EndpointSlice');
const SERVICE_LABEL = 'kubernetes.io/service-name';
const HOST_PORTS_ANNOTATION = 'tiphys.dev/host-ports';
const SLICE_INDEX = 'proxiedService';
const DEFAULT_AFFINITY_SECONDS = 10_800;
const RATE_LIMIT = { baseDelayMs: 100, maxDelayMs: 30_000 };

/** What the proxy needs. */
export interface ServiceProxyOptions {
  readonly informers: InformerFactory;
  readonly clock: Clock;
  readonly logger: Logger;
  /** `loopback`: listen on each Service's own 127.x address. `shared`: one port of 127.0.0.1 per Service port, told by an annotation. */
  readonly addressing: 'loopback' | 'shared';
  /** Writes the annotation in shared addressing; without it ports change with every start. */
  readonly client?: KubeClient;
  /** Namespaces and names, as `namespace/name`, that are served by someone else. Default: the API's own Service. */
  readonly ignore?: readonly string[];
}

/** Makes Services reachable on this machine: connections to a Service's address are spread over its ready endpoints. */
export function createServiceProxy(options: ServiceProxyOptions): Loop {
  return { name: 'service-proxy', run: (signal) => new ServiceProxy(options).run(signal) };
}

/** One place to listen: which Service port it stands for, and where. */
interface Listening {
  readonly id: string;
  readonly host: string;
  readonly port: number;
  readonly servicePort: corev1.ServicePort;
}

class ServiceProxy {
  readonly #options: ServiceProxyOptions;
  readonly #services: Informer<corev1.Service>;
  readonly #slices: Informer<discoveryv1.EndpointSlice>;
  readonly #listeners = new Map<string, Map<string, PortListener>>();
  readonly #ignored: ReadonlySet<string>;

  constructor(options: ServiceProxyOptions) {
    this.#options = options;
    this.#services = options.informers.informer<corev1.Service>({ type: SERVICES });
    this.#slices = options.informers.informer<discoveryv1.EndpointSlice>({ type: SLICES });
    this.#slices.addIndex(SLICE_INDEX, (slice) => [`${slice.metadata.namespace ?? ''}/${slice.metadata.labels?.[SERVICE_LABEL] ?? ''}`]);
    this.#ignored = new Set(options.ignore ?? ['default/kubernetes']);
  }

  async run(signal: AbortSignal): Promise<void> {
    const queue = new WorkQueue({ clock: this.#options.clock, rateLimit: RATE_LIMIT });
    const stops: (() => void)[] = [];
    try {
      await Promise.all([this.#services.waitForSync(signal), this.#slices.waitForSync(signal)]);
      stops.push(
        this.#services.onEvent(({ object }) => queue.add(keyOf(object))),
        this.#slices.onEvent(({ object }) => queue.add(`${object.metadata.namespace ?? ''}/${object.metadata.labels?.[SERVICE_LABEL] ?? ''}`)),
      );
      const loops = Array.from({ length: 4 }, () => this.#work(queue, signal));
      await aborted(signal);
      queue.shutDown();
      await Promise.all(loops);
    } catch (error) {
      if (!signal.aborted) throw error;
    } finally {
      for (const stop of stops) stop();
      queue.shutDown();
      await Promise.all([...this.#listeners.values()].flatMap((listeners) => [...listeners.values()].map((listener) => listener.close())));
      this.#listeners.clear();
    }
  }

  async #work(queue: WorkQueue, signal: AbortSignal): Promise<void> {
    try {
      for (let key = await queue.get(signal); key !== undefined; key = await queue.get(signal)) {
        try {
          await this.#reconcile(key, signal);
          queue.forget(key);
        } catch (error) {
          if (signal.aborted) return;
          this.#options.logger[queue.numRequeues(key) === 3 ? 'warn' : 'debug'](
            { service: key, cause: messageOf(error) },
            'service is not proxied, trying again',
          );
          queue.addRateLimited(key);
        } finally {
          queue.done(key);
        }
      }
    } catch (error) {
      if (!isAbortError(error) && !signal.aborted) throw error;
    }
  }

  async #reconcile(key: string, signal: AbortSignal): Promise<void> {
    const { name, namespace } = parseKey(key);
    const service = this.#ignored.has(key) ? undefined : this.#services.get(name, namespace);
    const wanted = service === undefined ? [] : wantedListeners(service, this.#options.addressing);
    const open = this.#listeners.get(key) ?? new Map<string, PortListener>();
    this.#listeners.set(key, open);
    const ids = new Set(wanted.map(({ id }) => id));
    for (const [id, listener] of open) {
      if (ids.has(id)) continue;
      open.delete(id);
      await listener.close();
    }
    const failures: unknown[] = [];
    for (const place of wanted) {
      try {
        const listener = open.get(place.id) ?? (await this.#open(place));
        open.set(place.id, listener);
        listener.update(backendsOf(place.servicePort, this.#slices.byIndex(SLICE_INDEX, key)), affinityMs(service));
      } catch (error) {
        failures.push(error);
      }
    }
    if (open.size === 0) this.#listeners.delete(key);
    if (service !== undefined && this.#options.addressing === 'shared') await this.#publish(service, open, wanted, signal);
    if (failures.length > 0) throw failures[0];
  }

  async #open({ host, port }: Listening): Promise<PortListener> {
    try {
      return await PortListener.open(host, port, this.#options.clock);
    } catch (error) {
      // In shared addressing the port kept from an earlier run may be someone else's by now.
      if (this.#options.addressing === 'shared' && port !== 0 && error instanceof Error && 'code' in error && error.code === 'EADDRINUSE')
        return PortListener.open(host, 0, this.#options.clock);
      throw error;
    }
  }

  async #publish(service: corev1.Service, open: ReadonlyMap<string, PortListener>, wanted: readonly Listening[], signal: AbortSignal): Promise<void> {
    const ports = Object.fromEntries(
      wanted.filter(({ id }) => id.startsWith('port/') && open.has(id)).map(({ id, servicePort }) => [String(servicePort.port), open.get(id)?.port ?? 0]),
    );
    const value = JSON.stringify(ports);
    if (this.#options.client === undefined || Object.keys(ports).length === 0 || service.metadata.annotations?.[HOST_PORTS_ANNOTATION] === value) return;
    const { namespace, name = '' } = service.metadata;
    await this.#options.client.patch(
      SERVICES,
      { namespace, name },
      { metadata: { annotations: { [HOST_PORTS_ANNOTATION]: value } } },
      { type: 'merge', signal },
    );
  }
}

/** Where a Service has to be listened for. Addresses outside 127.0.0.0/8 are nobody's on this machine and are left out. */
function wantedListeners(service: corev1.Service, addressing: 'loopback' | 'shared'): readonly Listening[] {
  const clusterIP = service.spec?.clusterIP ?? '';
  if (clusterIP === '' || clusterIP === 'None' || service.spec?.type === 'ExternalName') return [];
  const ports = (service.spec?.ports ?? []).filter(({ protocol }) => (protocol ?? 'TCP') === 'TCP');
  const kept = keptPorts(service);
  return ports.flatMap((servicePort) => {
    const { port, nodePort = 0 } = servicePort;
    const own =
      addressing === 'shared'
        ? { id: `port/${port}`, host: '127.0.0.1', port: kept[String(port)] ?? 0 }
        : { id: `ip/${clusterIP}/${port}`, host: clusterIP, port };
    return [
      ...(addressing === 'shared' || clusterIP.startsWith('127.') ? [{ ...own, servicePort }] : []),
      ...(nodePort === 0 ? [] : [{ id: `node/${nodePort}`, host: '127.0.0.1', port: nodePort, servicePort }]),
    ];
  });
}

function keptPorts(service: corev1.Service): Readonly<Record<string, number>> {
  try {
    const value: unknown = JSON.parse(service.metadata.annotations?.[HOST_PORTS_ANNOTATION] ?? '{}');
    if (typeof value !== 'object' || value === null) return {};
    return Object.fromEntries(
      Object.entries(value).filter((entry): entry is [string, number] => Number.isInteger(entry[1]) && Number(entry[1]) > 0 && Number(entry[1]) < 65_536),
    );
  } catch {
    return {}; // Written by a hand: free ports are taken.
  }
}

function affinityMs(service: corev1.Service | undefined): number {
  if (service?.spec?.sessionAffinity !== 'ClientIP') return 0;
  return (service.spec.sessionAffinityConfig?.clientIP?.timeoutSeconds ?? DEFAULT_AFFINITY_SECONDS) * 1_000;
}

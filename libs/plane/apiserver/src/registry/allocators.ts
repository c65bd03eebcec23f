import type { corev1, Mutable } from '@tiphys/kube-model';
import { invalid, problem } from '../failures.ts';

type Service = Mutable<corev1.Service>;

/** First and last port Services may open on nodes. */
const NODE_PORTS: { readonly first: number; readonly last: number } = { first: 30_000, last: 32_767 };

/**
 * Hands out cluster addresses and node ports. What is taken is read from the stored Services at start and followed
 * with every write, so an allocation lives exactly as long as its Service.
 */
export class Allocators {
  readonly #base: number;
  readonly #size: number;
  readonly #addresses = new Map<string, string>();
  readonly #ports = new Map<number, string>();
  readonly #random: () => number;

  constructor(serviceCidr: string, random: () => number) {
    const [address = '', bits = '16'] = serviceCidr.split('/');
    this.#base = toNumber(address);
    this.#size = 2 ** (32 - Number(bits));
    this.#random = random;
  }

  /** The first address of the range: that of the `kubernetes` Service. */
  get apiAddress(): string {
    return toAddress(this.#base + 1);
  }

  /** Completes a Service's addresses and node ports and claims them. Throws 422 when one asked for is taken or outside. */
  allocate(service: Service, owner: string): void {
    const { spec } = service;
    if (spec === undefined) return;
    if (spec.type === 'ExternalName') return;
    refuseOtherFamilies(service);
    const [first] = spec.clusterIPs ?? [];
    if (spec.clusterIP === undefined && first !== undefined) spec.clusterIP = first;
    if (spec.clusterIP === undefined || spec.clusterIP === '') spec.clusterIP = this.#freeAddress(owner);
    else if (spec.clusterIP !== 'None') this.#claimAddress(service, spec.clusterIP, owner);
    spec.clusterIPs = [spec.clusterIP];
    spec.ipFamilies ??= ['IPv4'];
    spec.ipFamilyPolicy ??= 'SingleStack';
    this.#allocatePorts(service, owner);
    this.#allocateHealthCheck(service, owner);
  }

  // A balancer asks the nodes themselves which of them has a pod, where traffic may not go on to another.
  #allocateHealthCheck(service: Service, owner: string): void {
    const { spec } = service;
    if (spec?.type !== 'LoadBalancer' || spec.externalTrafficPolicy !== 'Local') return;
    const { healthCheckNodePort = 0 } = spec;
    if (healthCheckNodePort === 0) spec.healthCheckNodePort = this.#freePort(owner);
    else this.#claimPort(service, healthCheckNodePort, 'spec.healthCheckNodePort', owner);
  }

  /** Gives back everything an owner holds. */
  release(owner: string): void {
    for (const [address, holder] of this.#addresses) if (holder === owner) this.#addresses.delete(address);
    for (const [port, holder] of this.#ports) if (holder === owner) this.#ports.delete(port);
  }

  /** Gives back what the owner holds and the Service no longer names. */
  keepOnly(service: Service, owner: string): void {
    const ports = new Set([service.spec?.healthCheckNodePort, ...(service.spec?.ports ?? []).map((port) => port.nodePort)]);
    for (const [address, holder] of this.#addresses) if (holder === owner && address !== service.spec?.clusterIP) this.#addresses.delete(address);
    for (const [port, holder] of this.#ports) if (holder === owner && !ports.has(port)) this.#ports.delete(port);
  }

  #allocatePorts(service: Service, owner: string): void {
    const { spec } = service;
    const opensPorts = spec?.type === 'NodePort' || (spec?.type === 'LoadBalancer' && spec.allocateLoadBalancerNodePorts !== false);
    for (const [index, port] of (spec?.ports ?? []).entries()) {
      if (!opensPorts) {
        if (spec?.type !== 'LoadBalancer') delete port.nodePort;
        continue;
      }
      if (port.nodePort === undefined || port.nodePort === 0) port.nodePort = this.#freePort(owner);
      else this.#claimPort(service, port.nodePort, `spec.ports[${index}].nodePort`, owner);
    }
  }

  #freeAddress(owner: string): string {
    // The first addresses are left to Services that ask for one of their own, as upstream does.
    const reserved = Math.min(256, Math.max(16, this.#size / 16));
    const room = this.#size - reserved - 1;
    const start = Math.floor(this.#random() * room);
    for (let step = 0; step < room; step += 1) {
      const address = toAddress(this.#base + reserved + ((start + step) % room));
      if (!this.#addresses.has(address)) {
        this.#addresses.set(address, owner);
        return address;
      }
    }
    throw invalid('', 'Service', owner, [problem.invalid('spec.clusterIPs', [], 'failed to allocate IP: range is full')]);
  }

  #claimAddress(service: Service, address: string, owner: string): void {
    const number = toNumber(address);
    const name = service.metadata.name ?? '';
    if (!(number > this.#base && number < this.#base + this.#size))
      throw invalid('', 'Service', name, [problem.invalid('spec.clusterIPs', [address], 'failed to allocate IP: the provided IP is not in the valid range')]);
    const holder = this.#addresses.get(address);
    if (holder !== undefined && holder !== owner)
      throw invalid('', 'Service', name, [problem.invalid('spec.clusterIPs', [address], 'failed to allocate IP: provided IP is already allocated')]);
    this.#addresses.set(address, owner);
  }

  #freePort(owner: string): number {
    const size = NODE_PORTS.last - NODE_PORTS.first + 1;
    const start = Math.floor(this.#random() * size);
    for (let step = 0; step < size; step += 1) {
      const port = NODE_PORTS.first + ((start + step) % size);
      if (!this.#ports.has(port)) {
        this.#ports.set(port, owner);
        return port;
      }
    }
    throw invalid('', 'Service', owner, [problem.invalid('spec.ports[0].nodePort', 0, 'failed to allocate a nodePort: range is full')]);
  }

  #claimPort(service: Service, port: number, field: string, owner: string): void {
    const name = service.metadata.name ?? '';
    if (port < NODE_PORTS.first || port > NODE_PORTS.last)
      throw invalid('', 'Service', name, [
        problem.invalid(field, port, `provided port is not in the valid range. The range of valid ports is ${NODE_PORTS.first}-${NODE_PORTS.last}`),
      ]);
    const holder = this.#ports.get(port);
    if (holder !== undefined && holder !== owner) throw invalid('', 'Service', name, [problem.invalid(field, port, 'provided port is already allocated')]);
    this.#ports.set(port, owner);
  }
}

// Services have IPv4 addresses here and no others.
function refuseOtherFamilies({ metadata, spec }: Service): void {
  const problems = [
    ...(spec?.ipFamilyPolicy === 'RequireDualStack'
      ? [problem.invalid('spec.ipFamilyPolicy', 'RequireDualStack', 'this cluster is not configured for dual-stack services')]
      : []),
    ...(spec?.ipFamilies ?? []).flatMap((family, index) =>
      family === 'IPv6' ? [problem.invalid(`spec.ipFamilies[${index}]`, family, 'not configured on this cluster')] : [],
    ),
  ];
  if (problems.length > 0) throw invalid('', 'Service', metadata.name ?? '', problems);
}

function toNumber(address: string): number {
  const parts = address.split('.').map(Number);
  return parts.length === 4 && parts.every((part) => part >= 0 && part <= 255) ? parts.reduce((sum, part) => sum * 256 + part, 0) : Number.NaN;
}

function toAddress(value: number): string {
  return [24, 16, 8, 0].map((shift) => Math.floor(value / 2 ** shift) % 256).join('.');
}

import type { corev1, discoveryv1 } from '@tiphys/kube-model';

/** One address a connection may go to. */
export interface Backend {
  readonly address: string;
  readonly port: number;
}

/** The endpoints of one Service port: the ready ones, or while there are none those that still serve as they end. */
export function backendsOf(port: corev1.ServicePort, slices: readonly discoveryv1.EndpointSlice[]): readonly Backend[] {
  const all = slices.flatMap((slice) => {
    const number = (slice.ports ?? []).find(
      ({ name, protocol }) => (name ?? '') === (port.name ?? '') && (protocol ?? 'TCP') === (port.protocol ?? 'TCP'),
    )?.port;
    return number === undefined ? [] : (slice.endpoints ?? []).map(({ addresses, conditions }) => ({ address: addresses[0] ?? '', port: number, conditions }));
  });
  const ready = all.filter(({ conditions }) => conditions?.ready !== false && conditions?.terminating !== true);
  const chosen = ready.length > 0 ? ready : all.filter(({ conditions }) => conditions?.serving === true && conditions.terminating === true);
  return chosen.map(({ address, port: number }) => ({ address, port: number }));
}

/** Key of a backend in maps and sets. */
export function backendKey({ address, port }: Backend): string {
  return `${address}:${port}`;
}

const MAX_CLIENTS = 10_000;

/** Spreads connections over backends: the fewest open connections first, in turn among equals; clients keep theirs when asked to. */
export class Balancer {
  #backends: readonly Backend[] = [];
  #turn = 0;
  #affinityMs = 0;
  readonly #open = new Map<string, number>();
  readonly #clients = new Map<string, { readonly key: string; readonly atMs: number }>();

  /** Takes the new backends; `affinityMs` of 0 means every connection is chosen anew. */
  update(backends: readonly Backend[], affinityMs: number): void {
    this.#backends = backends;
    this.#affinityMs = affinityMs;
    if (affinityMs === 0) this.#clients.clear();
  }

  /** The backends in the order in which they should be tried for this client. */
  order(client: string, nowMs: number): readonly Backend[] {
    const count = this.#backends.length;
    const rotated = Array.from({ length: count }, (_, index) => this.#backends[(this.#turn + index) % count]).filter((backend) => backend !== undefined);
    this.#turn = count === 0 ? 0 : (this.#turn + 1) % count;
    const sorted = rotated.toSorted((a, b) => this.#load(a) - this.#load(b));
    const kept = this.#affinityMs === 0 ? undefined : this.#clients.get(client);
    if (kept === undefined || nowMs - kept.atMs > this.#affinityMs) return sorted;
    return sorted.toSorted((a, b) => Number(backendKey(b) === kept.key) - Number(backendKey(a) === kept.key));
  }

  /** A connection to the backend was made. Answers what to call when it ends. */
  opened(backend: Backend, client: string, nowMs: number): () => void {
    const key = backendKey(backend);
    this.#open.set(key, this.#load(backend) + 1);
    if (this.#affinityMs > 0) {
      this.#clients.delete(client);
      this.#clients.set(client, { key, atMs: nowMs });
      const [oldest] = this.#clients.keys();
      if (this.#clients.size > MAX_CLIENTS && oldest !== undefined) this.#clients.delete(oldest);
    }
    return () => {
      const left = this.#load(backend) - 1;
      if (left > 0) this.#open.set(key, left);
      else this.#open.delete(key);
    };
  }

  #load(backend: Backend): number {
    return this.#open.get(backendKey(backend)) ?? 0;
  }
}

import { connect, createServer, type Server, type Socket } from 'node:net';
import type { Clock } from '@tiphys/kernel';
import { Balancer, type Backend } from './balancer.ts';

const CONNECT_TIMEOUT_MS = 5_000;
const MAX_CONNECTIONS = 10_000;
// While a rollout exchanges the only pod there may be no backend for a moment; a connection waits that long before it is refused.
const WAIT_FOR_BACKEND_MS = 2_000;
const RETRY_MS = 50;

/** Listens on one address and port and passes connections on to backends, until it is closed. */
export class PortListener {
  readonly #balancer = new Balancer();
  readonly #clock: Clock;
  readonly #server: Server;
  readonly #sockets = new Set<Socket>();
  readonly #closing = new AbortController();

  private constructor(clock: Clock) {
    this.#clock = clock;
    this.#server = createServer({ allowHalfOpen: true, pauseOnConnect: true, noDelay: true });
    this.#server.maxConnections = MAX_CONNECTIONS;
    this.#server.on('connection', (socket) => void this.#serve(socket)); // Serve handles its own failures.
  }

  /** Starts to listen; rejects with the system's error when the address cannot be had. */
  static open(host: string, port: number, clock: Clock): Promise<PortListener> {
    const listener = new PortListener(clock);
    return new Promise((resolve, reject) => {
      listener.#server.once('error', reject);
      listener.#server.listen({ host, port }, () => {
        listener.#server.removeListener('error', reject);
        // A failing accept (no file descriptors left) must not end the process; the client sees it.
        listener.#server.on('error', () => undefined);
        resolve(listener);
      });
    });
  }

  /** The port it listens on. */
  get port(): number {
    const address = this.#server.address();
    return typeof address === 'object' && address !== null ? address.port : 0;
  }

  /** New connections go to these from now on; those under way stay where they are. */
  update(backends: readonly Backend[], affinityMs: number): void {
    this.#balancer.update(backends, affinityMs);
  }

  /** Stops listening and ends every connection. */
  async close(): Promise<void> {
    this.#closing.abort();
    const closed = new Promise<void>((resolve) => this.#server.close(() => resolve()));
    for (const socket of this.#sockets) socket.destroy();
    await closed;
  }

  async #serve(client: Socket): Promise<void> {
    this.#sockets.add(client);
    client.once('close', () => this.#sockets.delete(client));
    // Before a backend is there the client may already give up.
    client.on('error', () => client.destroy());
    const found = await this.#connect(client);
    if (found === undefined || client.destroyed) {
      found?.socket.destroy();
      found?.release();
      client.destroy();
      return;
    }
    this.#splice(client, found.socket, found.release);
  }

  async #connect(client: Socket): Promise<{ readonly socket: Socket; readonly release: () => void } | undefined> {
    const from = client.remoteAddress ?? '';
    const deadline = this.#clock.monotonic() + WAIT_FOR_BACKEND_MS;
    while (!client.destroyed && !this.#closing.signal.aborted) {
      for (const backend of this.#balancer.order(from, this.#clock.now())) {
        const release = this.#balancer.opened(backend, from, this.#clock.now());
        const socket = await dial(backend).catch(() => undefined); // Refused or too slow: the next one is tried.
        if (socket !== undefined) return { socket, release };
        release();
        if (client.destroyed) return undefined;
      }
      if (this.#clock.monotonic() >= deadline) return undefined;
      await this.#clock.sleep(RETRY_MS, this.#closing.signal).catch(() => undefined); // Closing: the loop ends.
    }
    return undefined;
  }

  #splice(client: Socket, backend: Socket, release: () => void): void {
    this.#sockets.add(backend);
    backend.on('error', () => client.destroy());
    client.on('error', () => backend.destroy());
    backend.once('close', () => {
      this.#sockets.delete(backend);
      release();
      // What the backend said last is still on its way to the client; only then does it end.
      client.end();
    });
    client.once('close', () => backend.destroy());
    client.pipe(backend);
    backend.pipe(client);
  }
}

function dial({ address, port }: Backend): Promise<Socket> {
  return new Promise((resolve, reject) => {
    const socket = connect({ host: address, port, allowHalfOpen: true, noDelay: true });
    socket.setTimeout(CONNECT_TIMEOUT_MS, () => socket.destroy(new Error('connect timed out')));
    socket.once('error', reject);
    socket.once('connect', () => {
      socket.setTimeout(0);
      socket.removeListener('error', reject);
      resolve(socket);
    });
  });
}

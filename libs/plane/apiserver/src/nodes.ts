/** One container of one pod. */
export interface ContainerTarget {
  readonly namespace: string;
  readonly pod: string;
  readonly uid: string;
  readonly container: string;
}

/** What of a container's log is wanted. */
export interface LogOptions {
  readonly follow: boolean;
  readonly previous: boolean;
  readonly timestamps: boolean;
  readonly tailLines?: number;
  readonly sinceSeconds?: number;
  /** RFC 3339. */
  readonly sinceTime?: string;
  readonly limitBytes?: number;
}

/** How a command runs in a container. `command` is empty when the container's own process is attached to. */
export interface ExecOptions {
  readonly command: readonly string[];
  readonly tty: boolean;
  readonly attach: boolean;
}

/** Size of a terminal in characters. */
export interface TerminalSize {
  readonly width: number;
  readonly height: number;
}

/** The streams of an exec or attach, seen from the container. */
export interface ExecStreams {
  readonly stdin?: AsyncIterable<Uint8Array>;
  readonly stdout: (chunk: Uint8Array) => void;
  readonly stderr: (chunk: Uint8Array) => void;
  readonly resize?: AsyncIterable<TerminalSize>;
}

/** Both directions of one forwarded connection. */
export interface PortStream {
  readonly input: AsyncIterable<Uint8Array>;
  readonly output: (chunk: Uint8Array) => void;
}

/** The node agent as the API server sees it. */
export interface NodeBackend {
  logs(target: ContainerTarget, options: LogOptions, signal: AbortSignal): Promise<AsyncIterable<Uint8Array>>;
  /** Resolves when the command has ended. Throws when it could not be started. */
  exec(target: ContainerTarget, options: ExecOptions, streams: ExecStreams, signal: AbortSignal): Promise<{ readonly exitCode: number }>;
  /** Resolves when the connection has ended. */
  portForward?(target: Omit<ContainerTarget, 'container'>, port: number, stream: PortStream, signal: AbortSignal): Promise<void>;
}

/** Where node agents announce themselves. */
export interface NodeRegistry {
  /** Returns the way to withdraw; the latest registration of a name wins. */
  register(nodeName: string, backend: NodeBackend): () => void;
}

/** The node agents known right now. */
export class NodeDirectory implements NodeRegistry {
  readonly #backends = new Map<string, NodeBackend>();

  register(nodeName: string, backend: NodeBackend): () => void {
    this.#backends.set(nodeName, backend);
    return () => {
      if (this.#backends.get(nodeName) === backend) this.#backends.delete(nodeName);
    };
  }

  find(nodeName: string): NodeBackend | undefined {
    return this.#backends.get(nodeName);
  }
}

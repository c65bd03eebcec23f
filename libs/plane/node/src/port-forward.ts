import { connect } from 'node:net';
import { once } from 'node:events';

/** Both directions of one forwarded connection, seen from the pod. */
export interface ForwardedStream {
  readonly input: AsyncIterable<Uint8Array>;
  readonly output: (chunk: Uint8Array) => void;
}

/** Connects to a port of a pod and passes bytes both ways; resolves when the connection has ended, rejects when it could not be made. */
export async function forwardPort(host: string, port: number, stream: ForwardedStream, signal: AbortSignal): Promise<void> {
  const socket = connect({ host, port, signal, allowHalfOpen: true, noDelay: true });
  await once(socket, 'connect', { signal });
  socket.on('data', (chunk: Uint8Array) => stream.output(chunk));
  const closed = new Promise<void>((resolve) => socket.once('close', () => resolve()));
  // After the connection was made an error of either side only means its end.
  socket.on('error', () => socket.destroy());
  socket.once('end', () => socket.end());
  void feed(socket, stream.input); // Handles its own failures.
  await closed;
}

async function feed(socket: ReturnType<typeof connect>, input: AsyncIterable<Uint8Array>): Promise<void> {
  try {
    for await (const chunk of input) {
      if (socket.destroyed) return;
      if (!socket.write(chunk)) await new Promise<void>((resolve) => socket.once('drain', resolve).once('close', () => resolve()));
    }
    socket.end();
  } catch {
    socket.destroy(); // The client went away.
  }
}

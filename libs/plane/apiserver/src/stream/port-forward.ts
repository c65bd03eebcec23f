import type { Duplex } from 'node:stream';
import { messageOf } from '@tiphys/kernel';
import type { RunningTarget } from '../subresources/logs.ts';
import { SpdySession, type SpdyStream } from './spdy-session.ts';

/** Subprotocol of port-forward, on SPDY and tunnelled through a WebSocket. */
export const FORWARD_PROTOCOL = 'portforward.k8s.io';

interface Pair {
  data?: SpdyStream;
  error?: SpdyStream;
}

/** Forwards connections to a pod until the client leaves: each is a pair of streams with one request id. */
export async function runPortForward(found: RunningTarget, socket: Duplex, signal: AbortSignal): Promise<void> {
  const pairs = new Map<string, Pair>();
  const session = new SpdySession(socket, (stream) => {
    const id = stream.headers.get('requestid') ?? String(stream.id - (stream.headers.get('streamtype') === 'data' ? 2 : 0));
    const pair = pairs.get(id) ?? {};
    if (stream.headers.get('streamtype') === 'error') pair.error = stream;
    else pair.data = stream;
    pairs.set(id, pair);
    if (pair.data === undefined || pair.error === undefined) return;
    pairs.delete(id);
    // forward reports every failure on the pair's error stream.
    void forward(found, pair.data, pair.error, signal);
  });
  await session.run();
}

async function forward(found: RunningTarget, data: SpdyStream, error: SpdyStream, signal: AbortSignal): Promise<void> {
  const { backend, target } = found;
  const port = Number(data.headers.get('port') ?? 0);
  try {
    if (backend.portForward === undefined) throw new Error('this node cannot forward ports');
    await backend.portForward(
      { namespace: target.namespace, pod: target.pod, uid: target.uid },
      port,
      { input: data.input, output: (chunk) => data.write(chunk) },
      signal,
    );
  } catch (failure) {
    error.write(Buffer.from(`an error occurred forwarding port ${port} to pod ${target.pod}: ${messageOf(failure)}`));
  }
  data.end();
  error.end();
}

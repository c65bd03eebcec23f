import type { Duplex } from 'node:stream';
import { terminalSizes, type ExecChannel, type StreamChoice } from './channel.ts';
import { SpdySession, type SpdyStream } from './spdy-session.ts';

async function* nothing(): AsyncGenerator<Uint8Array> {
  // A stream the client did not open.
}

/**
 * Exec streams over a SPDY connection: the client opens one stream each and names it by its `streamType` header.
 * Resolves once all expected are there; undefined when the client goes away first.
 */
export async function spdyChannel(socket: Duplex, choice: StreamChoice, timeoutMs: number): Promise<ExecChannel | undefined> {
  const expected = [
    'error',
    ...(choice.stdin ? ['stdin'] : []),
    ...(choice.stdout ? ['stdout'] : []),
    ...(choice.stderr ? ['stderr'] : []),
    ...(choice.tty ? ['resize'] : []),
  ];
  const streams = new Map<string, SpdyStream>();
  let settle: (isComplete: boolean) => void = () => undefined;
  const opened = new Promise<boolean>((resolve) => (settle = resolve));
  const session = new SpdySession(socket, (stream) => {
    streams.set((stream.headers.get('streamtype') ?? '').toLowerCase(), stream);
    if (expected.every((name) => streams.has(name))) settle(true);
  });
  // run never rejects; it ends with the connection.
  void session.run().then(() => settle(false));
  const timer = setTimeout(() => settle(false), timeoutMs);
  const isComplete = await opened;
  clearTimeout(timer);
  if (!isComplete) {
    socket.destroy();
    return undefined;
  }
  return {
    stdin: streams.get('stdin')?.input ?? nothing(),
    resize: terminalSizes(streams.get('resize')?.input ?? nothing()),
    stdout: (chunk) => streams.get('stdout')?.write(chunk),
    stderr: (chunk) => streams.get('stderr')?.write(chunk),
    finish: async (status) => {
      streams.get('error')?.write(Buffer.from(JSON.stringify(status)));
      for (const stream of streams.values()) stream.end();
      await session.close();
    },
  };
}

import type { WebSocket } from 'ws';
import { ByteQueue } from './byte-queue.ts';
import { terminalSizes, type ExecChannel } from './channel.ts';

/** Subprotocols for exec and attach, the preferred first. */
export const EXEC_PROTOCOLS: readonly string[] = ['v5.channel.k8s.io', 'v4.channel.k8s.io', 'channel.k8s.io', 'base64.channel.k8s.io'];

const STDIN = 0;
const STDOUT = 1;
const STDERR = 2;
const ERROR = 3;
const RESIZE = 4;
const CLOSE = 255;
const INPUT_BYTES = 1024 * 1024;
// A client that does not read this much output is taken for gone.
const OUTPUT_BYTES = 64 * 1024 * 1024;

/** Exec streams over one WebSocket: the first byte of a message names its channel. */
export function webSocketChannel(socket: WebSocket): ExecChannel {
  const stdin = new ByteQueue(INPUT_BYTES);
  const resize = new ByteQueue(INPUT_BYTES);
  const isText = socket.protocol === 'base64.channel.k8s.io';
  socket.on('message', (data) => {
    const message = toBuffer(data);
    const channel = isText ? (message[0] ?? 0) - 0x30 : (message[0] ?? 0);
    const payload = isText ? Buffer.from(message.subarray(1).toString(), 'base64') : message.subarray(1);
    if (channel === STDIN) stdin.push(payload);
    else if (channel === RESIZE) resize.push(payload);
    else if (channel === CLOSE && payload[0] === STDIN) stdin.end();
    if (stdin.isFull) {
      socket.pause();
      stdin.onRoom(() => socket.resume());
    }
  });
  socket.on('close', () => {
    stdin.end();
    resize.end();
  });
  const send = (channel: number, chunk: Uint8Array): void => {
    if (socket.readyState !== socket.OPEN) return;
    if (socket.bufferedAmount > OUTPUT_BYTES) socket.terminate();
    else if (isText) socket.send(String(channel) + Buffer.from(chunk).toString('base64'));
    else socket.send(Buffer.concat([Buffer.from([channel]), chunk]));
  };
  return {
    stdin,
    resize: terminalSizes(resize),
    stdout: (chunk) => send(STDOUT, chunk),
    stderr: (chunk) => send(STDERR, chunk),
    finish: async (status) => {
      // Before v4 the error channel carries plain text of failures only.
      const hasStatus = socket.protocol === 'v5.channel.k8s.io' || socket.protocol === 'v4.channel.k8s.io';
      if (hasStatus) send(ERROR, Buffer.from(JSON.stringify(status)));
      else if (isFailure(status)) send(ERROR, Buffer.from(status.message));
      socket.close(1000);
    },
  };
}

function isFailure(status: unknown): status is { readonly message: string } {
  return typeof status === 'object' && status !== null && 'status' in status && status.status === 'Failure' && 'message' in status;
}

function toBuffer(data: unknown): Buffer {
  if (Buffer.isBuffer(data)) return data;
  if (Array.isArray(data)) return Buffer.concat(data.filter((part) => Buffer.isBuffer(part)));
  return data instanceof ArrayBuffer ? Buffer.from(data) : Buffer.from(String(data));
}

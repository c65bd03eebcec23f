import { constants, createDeflate, createInflate, type Deflate, type Inflate } from 'node:zlib';
import type { Duplex } from 'node:stream';
import { ByteQueue } from './byte-queue.ts';
import { SPDY_DICTIONARY } from './spdy-dictionary.ts';

// SPDY/3.1 as moby/spdystream speaks it: no flow control, headers compressed over the whole session.
const SYN_STREAM = 1;
const SYN_REPLY = 2;
const RST_STREAM = 3;
const PING = 6;
const GOAWAY = 7;
const FLAG_FIN = 1;
const STATUS_CANCEL = 5;

const MAX_FRAME_BYTES = 1 << 24;
const MAX_HEADER_BYTES = 64 * 1024;
const MAX_STREAMS = 1_000;
const STREAM_BUFFER_BYTES = 4 * 1024 * 1024;

/** One stream a client has opened. */
export interface SpdyStream {
  readonly id: number;
  readonly headers: ReadonlyMap<string, string>;
  /** What the client sends, until it ends its side. */
  readonly input: AsyncIterable<Uint8Array>;
  write(chunk: Uint8Array): void;
  /** Ends our side. */
  end(): void;
  /** Breaks the stream off. */
  reset(): void;
}

/** The server's side of a SPDY connection. */
export class SpdySession {
  readonly #socket: Duplex;
  readonly #inflate: Inflate = createInflate({ dictionary: SPDY_DICTIONARY });
  readonly #deflate: Deflate = createDeflate({ dictionary: SPDY_DICTIONARY });
  readonly #inputs = new Map<number, ByteQueue>();
  readonly #onStream: (stream: SpdyStream) => void;
  #pending: Buffer = Buffer.alloc(0);
  #replies: Promise<void> = Promise.resolve();

  constructor(socket: Duplex, onStream: (stream: SpdyStream) => void) {
    this.#socket = socket;
    this.#onStream = onStream;
  }

  /** Reads frames until the connection ends or breaks the protocol. */
  async run(): Promise<void> {
    try {
      for await (const chunk of this.#socket) {
        this.#pending = Buffer.concat([this.#pending, chunk as Buffer]); // Sockets without an encoding yield buffers.
        for (let frame = this.#nextFrame(); frame !== undefined; frame = this.#nextFrame()) await this.#handle(frame);
      }
    } catch {
      // A broken connection ends its streams; nobody is left to be told.
      this.#socket.destroy();
    } finally {
      for (const input of this.#inputs.values()) input.end();
      this.#inflate.close();
      this.#deflate.close();
    }
  }

  /** Sends what is buffered and closes the connection. */
  async close(): Promise<void> {
    await this.#replies;
    this.#socket.end();
  }

  #nextFrame(): Buffer | undefined {
    if (this.#pending.length < 8) return undefined;
    const length = 8 + this.#pending.readUIntBE(5, 3);
    if (length > MAX_FRAME_BYTES) throw new RangeError('frame too large');
    if (this.#pending.length < length) return undefined;
    const frame = this.#pending.subarray(0, length);
    this.#pending = this.#pending.subarray(length);
    return frame;
  }

  async #handle(frame: Buffer): Promise<void> {
    const flags = frame[4] ?? 0;
    if (((frame[0] ?? 0) & 0x80) === 0) {
      this.#data(frame.readUInt32BE(0), frame.subarray(8), flags);
      return;
    }
    const type = frame.readUInt16BE(2);
    if (type === SYN_STREAM) await this.#open(frame, flags);
    else if (type === RST_STREAM) this.#drop(frame.readUInt32BE(8));
    else if (type === PING) this.#socket.write(frame);
    else if (type === GOAWAY) this.#socket.end();
    // SETTINGS, HEADERS and WINDOW_UPDATE ask for nothing here.
  }

  #data(id: number, payload: Buffer, flags: number): void {
    const input = this.#inputs.get(id);
    input?.push(Buffer.from(payload));
    if ((flags & FLAG_FIN) !== 0) input?.end();
    if (input?.isFull !== true) return;
    // The connection waits for its slowest reader: SPDY without windows has no other brake.
    this.#socket.pause();
    input.onRoom(() => this.#socket.resume());
  }

  #drop(id: number): void {
    this.#inputs.get(id)?.end();
    this.#inputs.delete(id);
  }

  async #open(frame: Buffer, flags: number): Promise<void> {
    if (this.#inputs.size >= MAX_STREAMS) throw new RangeError('too many streams');
    const id = frame.readUInt32BE(8) & 0x7fffffff;
    const headers = parseHeaders(await this.#decompress(frame.subarray(18)));
    const input = new ByteQueue(STREAM_BUFFER_BYTES);
    this.#inputs.set(id, input);
    if ((flags & FLAG_FIN) !== 0) input.end();
    // Replies share one compressor, so they are made one after the other.
    this.#replies = this.#replies.then(() => this.#reply(id));
    await this.#replies;
    this.#onStream({
      id,
      headers,
      input,
      write: (chunk) => this.#write(id, chunk, 0),
      end: () => this.#write(id, Buffer.alloc(0), FLAG_FIN),
      reset: () => this.#reset(id),
    });
  }

  async #reply(id: number): Promise<void> {
    const block = await this.#compress(Buffer.alloc(4));
    const body = Buffer.concat([uint32(id), block]);
    this.#socket.write(Buffer.concat([control(SYN_REPLY, 0, body.length), body]));
  }

  #reset(id: number): void {
    this.#socket.write(Buffer.concat([control(RST_STREAM, 0, 8), uint32(id), uint32(STATUS_CANCEL)]));
    this.#drop(id);
  }

  #write(id: number, chunk: Uint8Array, flags: number): void {
    if (this.#socket.destroyed || this.#socket.writableEnded) return;
    for (let at = 0; at === 0 || at < chunk.length; at += MAX_DATA_BYTES) {
      const part = chunk.subarray(at, at + MAX_DATA_BYTES);
      const head = Buffer.alloc(8);
      head.writeUInt32BE(id, 0);
      head.writeUIntBE(part.length, 5, 3);
      head[4] = flags;
      this.#socket.write(Buffer.concat([head, part]));
    }
  }

  #decompress(block: Buffer): Promise<Buffer> {
    return pass(this.#inflate, block);
  }

  #compress(block: Buffer): Promise<Buffer> {
    return pass(this.#deflate, block);
  }
}

const MAX_DATA_BYTES = 1 << 20;

// Sends a block through a compressor that lives as long as the connection.
function pass(stream: Inflate | Deflate, block: Buffer): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    const parts: Buffer[] = [];
    let size = 0;
    const onData = (part: Buffer): void => {
      size += part.length;
      if (size <= MAX_HEADER_BYTES) parts.push(part);
    };
    const settle = (error: Error | null | undefined): void => {
      stream.off('data', onData);
      stream.off('error', settle);
      if (error !== null && error !== undefined) reject(error);
      else if (size > MAX_HEADER_BYTES) reject(new RangeError('header block too large'));
      else resolve(Buffer.concat(parts));
    };
    stream.on('data', onData);
    stream.once('error', settle);
    stream.write(block);
    stream.flush(constants.Z_SYNC_FLUSH, () => settle(undefined));
  });
}

function parseHeaders(block: Buffer): ReadonlyMap<string, string> {
  const headers = new Map<string, string>();
  let at = 4;
  const text = (): string => {
    const length = block.readUInt32BE(at);
    const value = block.toString('utf8', at + 4, at + 4 + length);
    at += 4 + length;
    return value;
  };
  for (let left = block.readUInt32BE(0); left > 0; left -= 1) {
    const name = text().toLowerCase();
    headers.set(name, text());
  }
  return headers;
}

function control(type: number, flags: number, length: number): Buffer {
  const head = Buffer.alloc(8);
  head.writeUInt16BE(0x8003, 0);
  head.writeUInt16BE(type, 2);
  head[4] = flags;
  head.writeUIntBE(length, 5, 3);
  return head;
}

function uint32(value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32BE(value);
  return bytes;
}

import { constants, gzip } from 'node:zlib';
import { promisify } from 'node:util';
import { chooseEncoding } from './accept.ts';
import type { Answer } from './answer.ts';
import { encodeValue, isPretty } from './encode.ts';
import { header, type Exchange } from './exchange.ts';

/** What is needed of a response; node:http and node:http2 both have it. */
export interface Outgoing {
  readonly headersSent: boolean;
  readonly statusCode: number;
  writeHead(code: number, headers: Record<string, string | number | readonly string[]>): unknown;
  write(chunk: Uint8Array | string): boolean;
  end(chunk?: Uint8Array | string): unknown;
  once(event: 'drain' | 'close', listener: () => void): unknown;
  off(event: 'drain' | 'close', listener: () => void): unknown;
}

// Smaller bodies are not worth the time (apiserver responsewriters: threshold and level).
const GZIP_THRESHOLD_BYTES = 128 * 1024;
const GZIP_LEVEL = constants.Z_BEST_SPEED;
const compress = promisify(gzip);

/** Sends an answer in the encoding the client takes; large bodies are compressed where it allows that. */
export async function respond(
  response: Outgoing,
  exchange: Exchange,
  answer: Answer,
  extra: Readonly<Record<string, string | readonly string[]>>,
): Promise<void> {
  const headers = { 'cache-control': 'no-cache, private', ...extra, ...answer.headers };
  const isHead = exchange.method === 'HEAD';
  if (answer.kind === 'stream') {
    response.writeHead(answer.code, { ...headers, 'content-type': answer.contentType });
    if (!isHead) await stream(response, answer.chunks, exchange.signal);
    response.end();
    return;
  }
  const { contentType, bytes } = bodyOf(exchange, answer);
  const isCompressed = bytes.length > GZIP_THRESHOLD_BYTES && takesGzip(header(exchange, 'accept-encoding'));
  const body = isCompressed ? await compress(bytes, { level: GZIP_LEVEL }) : bytes;
  if (exchange.signal.aborted) return;
  response.writeHead(answer.code, {
    ...headers,
    ...(isCompressed ? { 'content-encoding': 'gzip', vary: [answer.headers?.['vary'] ?? [], 'Accept-Encoding'].flat().join(', ') } : {}),
    ...(answer.code === 304 ? {} : { 'content-type': contentType, 'content-length': body.length }),
  });
  response.end(isHead || answer.code === 304 ? undefined : body);
}

function bodyOf(exchange: Exchange, answer: Exclude<Answer, { kind: 'stream' }>): { readonly contentType: string; readonly bytes: Uint8Array } {
  if (answer.kind === 'bytes')
    return {
      contentType: answer.contentType,
      bytes: Buffer.concat(answer.chunks.map((chunk) => (typeof chunk === 'string' ? Buffer.from(chunk) : chunk))),
    };
  const encoding = answer.contentType === undefined ? chooseEncoding(header(exchange, 'accept')) : 'json';
  const encoded = encodeValue(answer.value, { encoding, isPretty: isPretty(exchange.query, header(exchange, 'user-agent')) });
  return { ...encoded, contentType: answer.contentType ?? encoded.contentType };
}

function takesGzip(accepted: string | undefined): boolean {
  return (accepted ?? '').split(',').some((part) => part.split(';')[0]?.trim() === 'gzip');
}

async function stream(response: Outgoing, chunks: AsyncIterable<Uint8Array | string>, signal: AbortSignal): Promise<void> {
  // The head must go out before the first event, or a quiet watch looks like a hanging server.
  if ('flushHeaders' in response && typeof response.flushHeaders === 'function') response.flushHeaders();
  for await (const chunk of chunks) {
    if (signal.aborted) return;
    if (!response.write(chunk)) await drained(response, signal);
  }
}

function drained(response: Outgoing, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const done = (): void => {
      response.off('drain', done);
      signal.removeEventListener('abort', done);
      resolve();
    };
    response.once('drain', done);
    signal.addEventListener('abort', done, { once: true });
  });
}

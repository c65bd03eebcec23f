import { Agent, ProxyAgent, request, type Dispatcher } from 'undici';
import { isAbortError, messageOf, sleep } from '@tiphys/kernel';
import { StatusError, statusError, type metav1 } from '@tiphys/kube-model';
import type { RawRequest, RawResponse } from './client.ts';
import { ConnectionError, type Connection } from './connection.ts';

/** Bytes of one whole (not streamed) answer. */
const MAX_ANSWER_BYTES = 512 * 1024 * 1024;
const HEADERS_TIMEOUT_MS = 60_000;
const MAX_THROTTLE_RETRIES = 3;
const MAX_ERROR_BODY_BYTES = 1024 * 1024;

/** Sends requests over one connection pool; knows authentication, throttling and errors, not kinds. */
export class Transport {
  readonly server: string;
  readonly #connection: Connection;
  readonly #dispatcher: Dispatcher;
  readonly #isShared: boolean;

  constructor(connection: Connection, shared?: Dispatcher) {
    this.#connection = connection;
    this.#isShared = shared !== undefined;
    this.server = connection.server.replace(/\/+$/, '');
    const tls = {
      ...(connection.ca === undefined ? {} : { ca: connection.ca }),
      ...(connection.clientCert === undefined ? {} : { cert: connection.clientCert }),
      ...(connection.clientKey === undefined ? {} : { key: connection.clientKey }),
      ...(connection.serverName === undefined ? {} : { servername: connection.serverName }),
      ...(connection.insecureSkipTlsVerify === true ? { rejectUnauthorized: false } : {}),
    };
    // A watch holds its connection for minutes, so the pool has no upper bound; keep-alive spares the handshakes.
    const common = { headersTimeout: HEADERS_TIMEOUT_MS, bodyTimeout: 0, keepAliveTimeout: 30_000, pipelining: 1 };
    this.#dispatcher =
      shared ??
      (connection.proxyUrl === undefined
        ? new Agent({ ...common, connect: { ...tls, timeout: 10_000, keepAlive: true } })
        : new ProxyAgent({ ...common, uri: connection.proxyUrl, requestTls: tls }));
  }

  /** The same connections, asking in the name of somebody else. */
  impersonating(user: string): Transport {
    return new Transport({ ...this.#connection, impersonate: user }, this.#dispatcher);
  }

  /** Sends a request; answers of 400 and above are thrown as StatusError, everything else as ConnectionError. */
  async send(call: RawRequest): Promise<RawResponse> {
    for (let attempt = 0; ; attempt += 1) {
      const response = await this.#once(call);
      if (response.status < 400) return response;
      const error = await toStatusError(response, this.server);
      const retryAfterSeconds = error.status.details?.retryAfterSeconds ?? Number(response.headers['retry-after'] ?? Number.NaN);
      if (error.httpCode !== 429 || error.code !== 'TooManyRequests' || !Number.isFinite(retryAfterSeconds) || attempt >= MAX_THROTTLE_RETRIES) throw error;
      await sleep(retryAfterSeconds * 1_000, call.signal);
    }
  }

  /** Sends a request and reads its whole answer as JSON. */
  async json<T>(call: RawRequest): Promise<T> {
    const response = await this.send(call);
    const text = await readText(response, this.server, MAX_ANSWER_BYTES);
    try {
      // The caller names the type the path promises.
      return JSON.parse(text) as T;
    } catch (cause) {
      throw new ConnectionError(
        { code: 'invalidAnswer', server: this.server, status: response.status },
        `${call.method} ${call.path}: the server did not answer with JSON`,
        { cause },
      );
    }
  }

  /** Closes the connections, unless they belong to the transport this one was made from. */
  async close(): Promise<void> {
    if (!this.#isShared) await this.#dispatcher.destroy();
  }

  async #once(call: RawRequest): Promise<RawResponse> {
    const query = new URLSearchParams();
    for (const [key, value] of Object.entries(call.query ?? {})) if (value !== undefined) query.set(key, value);
    const url = `${this.server}${call.path}${query.size === 0 ? '' : `?${query.toString()}`}`;
    const headers = {
      'user-agent': this.#connection.userAgent ?? 'tiphys',
      accept: 'application/json',
      ...(await this.#authorization(call.signal)),
      ...(this.#connection.impersonate === undefined ? {} : { 'impersonate-user': this.#connection.impersonate }),
      ...call.headers,
    };
    try {
      const answer = await request(url, {
        method: call.method,
        headers,
        signal: call.signal,
        dispatcher: this.#dispatcher,
        ...(call.body === undefined ? {} : { body: call.body }),
      });
      // Left without a listener, the error of a body that nobody reads to its end would end the process.
      answer.body.on('error', () => undefined);
      return { status: answer.statusCode, headers: answer.headers, body: answer.body };
    } catch (cause) {
      if (call.signal.aborted || isAbortError(cause)) throw cause;
      throw new ConnectionError({ code: 'unreachable', server: this.server }, `${this.server}: cannot be reached: ${messageOf(cause)}`, {
        cause,
        hint: 'check that the server runs and that address, CA and proxy are right',
      });
    }
  }

  async #authorization(signal: AbortSignal): Promise<Readonly<Record<string, string>>> {
    const { token, basicAuth } = this.#connection;
    const bearer = typeof token === 'function' ? await token(signal) : token;
    if (bearer !== undefined) return { authorization: `Bearer ${bearer}` };
    if (basicAuth === undefined) return {};
    return { authorization: `Basic ${Buffer.from(`${basicAuth.username}:${basicAuth.password}`).toString('base64')}` };
  }
}

async function readText(response: RawResponse, server: string, limitBytes: number): Promise<string> {
  const chunks: Uint8Array[] = [];
  let size = 0;
  for await (const chunk of response.body) {
    size += chunk.byteLength;
    if (size > limitBytes) throw new ConnectionError({ code: 'answerTooLarge', server, limitBytes }, `${server}: answer exceeds ${limitBytes} bytes`);
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString('utf8');
}

async function toStatusError(response: RawResponse, server: string): Promise<StatusError> {
  const text = await readText(response, server, MAX_ERROR_BODY_BYTES).catch(() => '');
  const status = parseStatus(text);
  if (status !== undefined) return new StatusError({ ...status, code: status.code ?? response.status });
  return statusError(reasonOf(response.status), text.trim().slice(0, 500) || `${server}: answered ${response.status}`, { httpCode: response.status });
}

function parseStatus(text: string): metav1.Status | undefined {
  try {
    const body: unknown = JSON.parse(text);
    // A body of kind Status is a metav1.Status by the API's contract.
    return typeof body === 'object' && body !== null && 'kind' in body && body.kind === 'Status' ? (body as metav1.Status) : undefined;
  } catch {
    return undefined; // Proxies and load balancers answer with HTML: the caller builds a Status from the code.
  }
}

function reasonOf(
  code: number,
):
  | 'Unauthorized'
  | 'Forbidden'
  | 'NotFound'
  | 'Conflict'
  | 'BadRequest'
  | 'InternalError'
  | 'TooManyRequests'
  | 'ServiceUnavailable'
  | 'Timeout'
  | 'Gone'
  | 'MethodNotAllowed'
  | 'UnsupportedMediaType' {
  const known = {
    400: 'BadRequest',
    401: 'Unauthorized',
    403: 'Forbidden',
    404: 'NotFound',
    405: 'MethodNotAllowed',
    409: 'Conflict',
    410: 'Gone',
    415: 'UnsupportedMediaType',
    429: 'TooManyRequests',
    503: 'ServiceUnavailable',
    504: 'Timeout',
  } as const;
  return Object.hasOwn(known, code) ? known[code as keyof typeof known] : 'InternalError';
}

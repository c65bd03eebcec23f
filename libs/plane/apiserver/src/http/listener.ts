import { createSecureServer, type Http2SecureServer, type Http2Session } from 'node:http2';
import type { IncomingMessage } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Duplex } from 'node:stream';
import { messageOf, type Logger } from '@tiphys/kernel';
import { StatusError, statusError } from '@tiphys/kube-model';
import { StoreError } from '@tiphys/plane-store';
import type { Core } from '../core.ts';
import type { Answer } from './answer.ts';
import { valueOfAnswer, valueOfBody } from './audited-bodies.ts';
import { header, type Exchange } from './exchange.ts';
import { respond, type Outgoing } from './respond.ts';
import { route } from './route.ts';

/** What the listener needs of a request; node:http and node:http2 both have it. */
interface Incoming extends AsyncIterable<unknown> {
  readonly method?: string;
  readonly url?: string;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  readonly rawHeaders: readonly string[];
  readonly socket: unknown;
}

/** How the server listens. */
export interface ListenOptions {
  readonly host: string;
  readonly port: number;
  /** Authorities of client certificates. */
  readonly clientCaPems: readonly string[];
  readonly certPem: string;
  readonly keyPem: string;
}

/** A listening server. */
export interface Listener {
  readonly port: number;
  /** Ends every connection. */
  close(): Promise<void>;
}

/** Handles a connection upgrade (exec, attach, port-forward). */
export type UpgradeHandler = (request: IncomingMessage, socket: Duplex, head: Buffer) => void;

/** Listens with TLS for HTTP/2 and HTTP/1.1. */
export async function listen(core: Core, options: ListenOptions, upgrade: UpgradeHandler): Promise<Listener> {
  const sessions = new Set<Http2Session>();
  const sockets = new Set<Duplex>();
  const requests = new Set<AbortController>();
  const server = createSecureServer({
    allowHTTP1: true,
    cert: options.certPem,
    key: options.keyPem,
    ca: [...options.clientCaPems],
    requestCert: true,
    rejectUnauthorized: false,
    // Informers hold one stream per kind; a client with more kinds than this opens a second connection.
    settings: { maxConcurrentStreams: 1_000 },
  });
  server.on('session', (session) => {
    sessions.add(session);
    session.once('close', () => sessions.delete(session));
    session.on('error', () => session.destroy());
  });
  server.on('secureConnection', (socket) => {
    sockets.add(socket);
    socket.once('close', () => sockets.delete(socket));
    // A reset connection ends its requests by their own close events.
    socket.on('error', () => socket.destroy());
  });
  server.on('request', (request, response) => {
    // serve answers every failure itself.
    void serve(core, request as unknown as Incoming, response as unknown as Outgoing, requests);
  });
  server.on('upgrade', upgrade);
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(options.port, options.host, resolve);
  });
  return { port: (server.address() as AddressInfo).port, close: () => closeServer(server, sessions, sockets, requests) };
}

async function closeServer(
  server: Http2SecureServer,
  sessions: ReadonlySet<Http2Session>,
  sockets: ReadonlySet<Duplex>,
  requests: ReadonlySet<AbortController>,
): Promise<void> {
  for (const request of requests) request.abort();
  const closed = new Promise<void>((resolve) => server.close(() => resolve()));
  for (const session of sessions) session.destroy();
  for (const socket of sockets) socket.destroy();
  await closed;
}

async function serve(core: Core, request: Incoming, response: Outgoing, requests: Set<AbortController>): Promise<void> {
  // One controller a request, aborted by hand at the end: AbortSignal.any would keep every request alive in Node 20.
  const gone = new AbortController();
  const answered = core.metrics.begin(request.method ?? 'GET');
  requests.add(gone);
  response.once('close', () => {
    answered(response.statusCode);
    gone.abort();
    requests.delete(gone);
  });
  const { signal } = gone;
  const { exchange, extra, captured } = openExchange(core, request, signal);
  let sent: Answer | undefined;
  try {
    sent = await route(core, exchange);
    if (sent.kind === 'stream') exchange.trail.started(sent.code);
    await respond(response, exchange, sent, extra());
  } catch (error) {
    if (signal.aborted) return;
    const status = toStatus(error, core.logger, request);
    sent = { kind: 'json', code: status.httpCode, value: status.status, headers: retryHeaders(status) };
    if (response.headersSent) response.end();
    else await respond(response, exchange, sent, extra()).catch(() => undefined); // The client went away.
  } finally {
    const { code = 499 } = sent ?? {};
    exchange.trail.complete({
      code,
      status: code >= 400 && sent?.kind === 'json' ? sent.value : undefined,
      requestObject: () => valueOfBody(Buffer.concat(captured), header(exchange, 'content-type')),
      responseObject: () => valueOfAnswer(sent),
    });
  }
}

function retryHeaders(status: StatusError): Readonly<Record<string, string>> {
  const seconds = status.status.details?.retryAfterSeconds;
  return seconds === undefined ? {} : { 'retry-after': String(seconds) };
}

interface OpenExchange {
  readonly exchange: Exchange;
  /** Headers every answer gets. */
  readonly extra: () => Readonly<Record<string, string | readonly string[]>>;
  /** What of the body has been read, where the audit log wants it. */
  readonly captured: readonly Buffer[];
}

function openExchange(core: Core, request: Incoming, signal: AbortSignal): OpenExchange {
  const url = request.url ?? '/';
  const mark = url.indexOf('?');
  const path = mark < 0 ? url : url.slice(0, mark);
  const warnings: string[] = [];
  const headers: Record<string, string> = {};
  const captured: Buffer[] = [];
  const first = (name: string): string | undefined => header(request, name);
  const trail = core.audit.open({ uri: url, path, userAgent: first('user-agent') ?? '', sourceAddress: addressOf(request.socket), auditId: first('audit-id') });
  const exchange: Exchange = {
    method: request.method ?? 'GET',
    path,
    query: new URLSearchParams(mark < 0 ? '' : url.slice(mark + 1)),
    headers: request.headers,
    rawHeaders: request.rawHeaders,
    body: capture(request, captured, () => trail.level === 'Request' || trail.level === 'RequestResponse'),
    socket: request.socket,
    signal,
    trail,
    setHeader: (name, value) => void (headers[name] = value),
    warn: (text) => void (warnings.length < MAX_WARNINGS && warnings.push(`299 - "${text.replace(/[\\"]/g, '\\$&').replace(/[^\x20-\x7e]/g, '?')}"`)),
  };
  return { exchange, captured, extra: () => ({ 'audit-id': trail.auditId, ...headers, ...(warnings.length === 0 ? {} : { warning: warnings }) }) };
}

function addressOf(socket: unknown): string | undefined {
  return typeof socket === 'object' && socket !== null && 'remoteAddress' in socket && typeof socket.remoteAddress === 'string'
    ? socket.remoteAddress
    : undefined;
}

async function* capture(body: AsyncIterable<unknown>, captured: Buffer[], isWanted: () => boolean): AsyncGenerator<unknown> {
  for await (const chunk of body) {
    if (isWanted() && Buffer.isBuffer(chunk)) captured.push(chunk);
    yield chunk;
  }
}

const MAX_WARNINGS = 50;

/** The Status a failure is answered with; what is no Status is logged in full and shown as an internal error. */
export function toStatus(error: unknown, logger: Logger, request: { readonly method?: string | undefined; readonly url?: string | undefined }): StatusError {
  if (error instanceof StatusError) return error;
  if (error instanceof StoreError && error.code === 'closed') return statusError('ServiceUnavailable', 'the server is closing');
  logger.error({ err: error, method: request.method, path: request.url?.split('?')[0] }, 'request failed');
  return statusError('InternalError', `Internal error occurred: ${error instanceof StoreError ? messageOf(error) : 'see the log of the server'}`);
}

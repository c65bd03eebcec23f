import { once } from 'node:events';
import { Agent as HttpAgent, createServer, request as httpRequest, type IncomingMessage, type ServerResponse } from 'node:http';
import { Agent as HttpsAgent, request as httpsRequest } from 'node:https';
import { connect, createServer as createTcpServer, type Server, type Socket } from 'node:net';
import type { Duplex } from 'node:stream';

/** What happens to one request. */
export type Fault =
  /** Answered here; the server behind never sees it. */
  | { readonly kind: 'status'; readonly status: number; readonly body?: string; readonly headers?: Readonly<Record<string, string>> }
  /** The server does what it is asked, its answer is lost with the connection after so many bytes of the body (0: before the headers). */
  | { readonly kind: 'cut'; readonly afterBytes: number }
  /** Half open: after so many bytes of the body nothing more comes, and nobody hangs up (0: before the headers). */
  | { readonly kind: 'hang'; readonly afterBytes: number }
  /** The body of the answer is changed piece by piece. */
  | { readonly kind: 'rewrite'; readonly rewrite: (chunk: Buffer) => Buffer }
  /** Something happens before the request is passed on. */
  | { readonly kind: 'first'; readonly act: () => Promise<void> };

/** A request on its way. */
export interface ProxiedRequest {
  readonly method: string;
  /** Path and query. */
  readonly url: string;
}

/** Decides about a request; undefined lets it pass. */
export type FaultRule = (request: ProxiedRequest) => Fault | undefined;

/** A proxy in clear before an HTTP or HTTPS server, that misbehaves as told. */
export interface FaultProxy extends AsyncDisposable {
  readonly url: string;
  /** Adds a rule and returns the way to take it back. The first rule with an opinion counts. */
  inject(rule: FaultRule): () => void;
  /** Ends every connection: what comes next meets the rules. */
  cutAll(): void;
  /** Requests seen so far. */
  readonly requests: readonly ProxiedRequest[];
}

/** Starts a proxy before the server at `target`, whose certificate is checked against `ca`. */
export async function startFaultProxy(target: string, ca?: string): Promise<FaultProxy> {
  const rules = new Set<FaultRule>();
  const requests: ProxiedRequest[] = [];
  const sockets = new Set<Duplex>();
  const isTls = target.startsWith('https:');
  const agent = isTls ? new HttpsAgent({ keepAlive: true, ...(ca === undefined ? {} : { ca }) }) : new HttpAgent({ keepAlive: true });

  async function handle(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const proxied = { method: request.method ?? '', url: request.url ?? '' };
    requests.push(proxied);
    const fault = [...rules].map((rule) => rule(proxied)).find((found) => found !== undefined);
    if (fault?.kind === 'status') {
      request.resume();
      response.writeHead(fault.status, fault.headers).end(fault.body ?? 'injected');
      return;
    }
    if (fault?.kind === 'first') await fault.act();
    const onward = (isTls ? httpsRequest : httpRequest)(new URL(proxied.url, target), { method: proxied.method, headers: request.headers, agent });
    onward.on('response', (answer) => relay(answer, response, fault));
    onward.on('error', () => response.destroy());
    response.on('close', () => onward.destroy());
    request.pipe(onward);
  }

  const server = createServer((request, response) => void handle(request, response).catch(() => response.destroy()));
  server.on('connection', (socket) => {
    sockets.add(socket);
    socket.on('close', () => sockets.delete(socket));
  });
  return {
    url: `http://127.0.0.1:${await listen(server)}`,
    requests,
    inject(rule) {
      rules.add(rule);
      return () => void rules.delete(rule);
    },
    cutAll: () => sockets.forEach((socket) => socket.destroy()),
    async [Symbol.asyncDispose]() {
      sockets.forEach((socket) => socket.destroy());
      agent.destroy();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

function relay(answer: IncomingMessage, response: ServerResponse, fault: Fault | undefined): void {
  let left = fault?.kind === 'cut' || fault?.kind === 'hang' ? fault.afterBytes : Number.POSITIVE_INFINITY;
  answer.on('error', () => response.destroy());
  const harm = (): void => {
    if (fault?.kind === 'cut') response.destroy();
  };
  if (left === 0) {
    answer.resume();
    answer.on('end', harm);
    return;
  }
  const headers = { ...answer.headers };
  if (fault?.kind === 'rewrite') delete headers['content-length'];
  response.writeHead(answer.statusCode ?? 502, headers);
  response.flushHeaders();
  answer.on('data', (chunk: Buffer) => {
    if (left <= 0) return;
    const part = chunk.subarray(0, left);
    left -= part.length;
    response.write(fault?.kind === 'rewrite' ? fault.rewrite(part) : part, () => (left <= 0 ? harm() : undefined));
  });
  answer.on('end', () => (left > 0 ? response.end() : undefined));
}

/** A proxy of bytes before a TCP server. */
export interface TcpFaultProxy extends AsyncDisposable {
  readonly port: number;
  /** While true no byte passes in either direction and nobody hangs up. */
  setHalfOpen(isHalfOpen: boolean): void;
  /** Ends every connection. */
  cutAll(): void;
}

/** Starts a proxy before a TCP server on this machine. */
export async function startTcpFaultProxy(targetPort: number): Promise<TcpFaultProxy> {
  const pairs = new Set<readonly [Socket, Socket]>();
  let isHalfOpen = false;
  const apply = (pair: readonly [Socket, Socket]): void => pair.forEach((socket) => (isHalfOpen ? socket.pause() : socket.resume()));
  const server = createTcpServer((near) => {
    const far = connect(targetPort, '127.0.0.1');
    const pair = [near, far] as const;
    pairs.add(pair);
    for (const [from, to] of [pair, [far, near] as const]) {
      from.on('data', (chunk) => to.write(chunk));
      from.on('error', () => to.destroy());
      from.on('close', () => {
        to.destroy();
        pairs.delete(pair);
      });
    }
    apply(pair);
  });
  return {
    port: await listen(server),
    setHalfOpen(value) {
      isHalfOpen = value;
      pairs.forEach(apply);
    },
    cutAll: () => pairs.forEach(([near]) => near.destroy()),
    async [Symbol.asyncDispose]() {
      pairs.forEach((pair) => pair.forEach((socket) => socket.destroy()));
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

async function listen(server: Server): Promise<number> {
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  return typeof address === 'object' && address !== null ? address.port : 0;
}

/** A rule that strikes only so many times. */
export function times(count: number, rule: FaultRule): FaultRule {
  let left = count;
  return (request) => {
    if (left <= 0) return undefined;
    const fault = rule(request);
    if (fault !== undefined) left -= 1;
    return fault;
  };
}

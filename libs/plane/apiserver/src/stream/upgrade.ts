import type { IncomingMessage } from 'node:http';
import type { Duplex } from 'node:stream';
import { statusError, type StatusError } from '@tiphys/kube-model';
import { createWebSocketStream, WebSocketServer, type WebSocket } from 'ws';
import { admitConnect } from '../admission/connect.ts';
import { remoteOfUpgrade, tunnelToRemote } from '../aggregation/tunnel.ts';
import { isAllowed } from '../auth/authorize.ts';
import { identify } from '../auth/identify.ts';
import type { Core, Scope, UserInfo } from '../core.ts';
import { badRequest, forbidden, noSuchPath } from '../failures.ts';
import type { AuditTrail } from '../audit/trail.ts';
import { parseApiPath } from '../http/api-path.ts';
import { header } from '../http/exchange.ts';
import { toStatus, type UpgradeHandler } from '../http/listener.ts';
import { requestInfoOf } from '../http/request-info.ts';
import { findTarget, type RunningTarget } from '../subresources/logs.ts';
import { streamChoice } from './channel.ts';
import { runExec } from './exec.ts';
import { FORWARD_PROTOCOL, runPortForward } from './port-forward.ts';
import { spdyChannel } from './spdy-channel.ts';
import { EXEC_PROTOCOLS, webSocketChannel } from './web-socket-channel.ts';

const STREAM_TIMEOUT_MS = 30_000;
const MAX_MESSAGE_BYTES = 16 * 1024 * 1024;
const TUNNEL = `SPDY/3.1+${FORWARD_PROTOCOL}`;

interface Upgrade {
  readonly kind: 'exec' | 'attach' | 'portforward';
  readonly query: URLSearchParams;
  readonly found: RunningTarget;
}

/** Handles exec, attach and port-forward over WebSocket and SPDY/3.1. */
export function createUpgradeHandler(core: Core): UpgradeHandler {
  const sockets = new WebSocketServer({
    noServer: true,
    maxPayload: MAX_MESSAGE_BYTES,
    perMessageDeflate: false,
    handleProtocols: (offered) => EXEC_PROTOCOLS.find((protocol) => offered.has(protocol)) ?? false,
  });
  // The protocol's name has a slash, which a WebSocket protocol may not have and ws refuses: it is agreed on around ws.
  const tunnels = new WebSocketServer({ noServer: true, maxPayload: MAX_MESSAGE_BYTES, perMessageDeflate: false });
  tunnels.on('headers', (headers) => headers.push(`Sec-WebSocket-Protocol: ${TUNNEL}`));
  return (request, socket, head) => {
    // A reset connection ends its streams by their own close events.
    socket.on('error', () => socket.destroy());
    const trail = openTrail(core, request);
    let refused: StatusError | undefined;
    socket.once('close', () =>
      trail.complete({ code: refused?.httpCode ?? 101, status: refused?.status, requestObject: () => undefined, responseObject: () => undefined }),
    );
    handle(core, { sockets, tunnels }, { request, socket, head, trail }).catch((error: unknown) => {
      refused = toStatus(error, core.logger, request);
      refuse(socket, refused);
    });
  };
}

function openTrail(core: Core, request: IncomingMessage): AuditTrail {
  const { url: uri = '/', headers, socket } = request;
  const auditId = header(request, 'audit-id');
  return core.audit.open({ uri, path: uri.split('?')[0] ?? '/', userAgent: headers['user-agent'] ?? '', sourceAddress: socket.remoteAddress, auditId });
}

function refuse(socket: Duplex, error: StatusError): void {
  const body = JSON.stringify(error.status);
  socket.end(
    `HTTP/1.1 ${error.httpCode} ${error.code}\r\ncontent-type: application/json\r\ncontent-length: ${Buffer.byteLength(body)}\r\nconnection: close\r\n\r\n${body}`,
  );
}

async function handle(
  core: Core,
  servers: { readonly sockets: WebSocketServer; readonly tunnels: WebSocketServer },
  connection: Connection & { readonly trail: AuditTrail },
): Promise<void> {
  const { request, socket, head, trail } = connection;
  const user = await userOf(core, request, trail);
  const remote = remoteOfUpgrade(core, request.url);
  if (remote !== undefined) {
    await tunnelToRemote(core, user, remote, connection);
    trail.started(101);
    return;
  }
  const upgrade = await check(core, request, user, trail);
  trail.started(101);
  const gone = new AbortController();
  socket.once('close', () => gone.abort());
  const { signal } = gone;
  const protocol = request.headers.upgrade?.toLowerCase();
  if (protocol === 'websocket') {
    if (upgrade.kind === 'portforward') {
      checkTunnel(request);
      servers.tunnels.handleUpgrade(request, socket, head, (webSocket) => void runPortForward(upgrade.found, duplexOf(webSocket), signal));
    } else servers.sockets.handleUpgrade(request, socket, head, (webSocket) => void overWebSocket(core, upgrade, webSocket, signal));
  } else if (protocol === 'spdy/3.1') await overSpdy(core, upgrade, { request, socket, head }, signal);
  else throw badRequest('unable to upgrade: expected websocket or SPDY/3.1');
}

async function userOf(core: Core, request: IncomingMessage, trail: AuditTrail): Promise<UserInfo> {
  const { socket, headers, rawHeaders } = request;
  const identity = await identify(core, { socket, authorization: headers.authorization, rawHeaders, warn: () => undefined });
  const url = new URL(request.url ?? '/', 'https://server');
  trail.begin(requestInfoOf({ method: request.method ?? 'GET', path: url.pathname, query: url.searchParams }), identity);
  return identity.user;
}

async function check(core: Core, request: IncomingMessage, user: UserInfo, trail: AuditTrail): Promise<Upgrade> {
  const url = new URL(request.url ?? '/', 'https://server');
  if (user.groups.includes('system:unauthenticated')) throw statusError('Unauthorized', 'Unauthorized');
  const path = parseApiPath(url.pathname);
  const served = path === undefined ? undefined : core.catalog.find(path.group, path.version, path.resource);
  const kind = path?.subresource;
  if (path?.resource !== 'pods' || served === undefined || (kind !== 'exec' && kind !== 'attach' && kind !== 'portforward')) throw noSuchPath();
  const [verb, namespace, name] = [request.method === 'POST' ? 'create' : 'get', path.namespace ?? '', path.name ?? ''];
  if (!isAllowed(core, user, { kind: 'resource', verb, group: '', resource: 'pods', subresource: kind, namespace, name })) {
    throw forbidden(
      served,
      name,
      `User ${JSON.stringify(user.username)} cannot ${verb} resource "pods/${kind}" in API group "" in the namespace ${JSON.stringify(namespace)}`,
    );
  }
  const scope: Scope = { served, namespace, name, subresource: kind, user, userAgent: request.headers['user-agent'] ?? '' };
  await admitConnect(core, scope, url.searchParams, { warn: () => undefined, annotate: trail.annotate.bind(trail) });
  const container = url.searchParams.get('container') ?? '';
  // Ports belong to the pod: any of its containers stands for it.
  return { kind, query: url.searchParams, found: findTarget(core, scope, container, kind === 'portforward') };
}

function checkTunnel(request: IncomingMessage): void {
  const offered = String(request.headers['sec-websocket-protocol'] ?? '')
    .split(',')
    .map((text) => text.trim());
  if (!offered.includes(TUNNEL)) throw badRequest(`unable to upgrade: port-forward needs the protocol ${TUNNEL}`);
  delete request.headers['sec-websocket-protocol'];
}

function duplexOf(webSocket: WebSocket): Duplex {
  const stream = createWebSocketStream(webSocket);
  // The session ends with the stream's close event.
  stream.on('error', () => stream.destroy());
  return stream;
}

async function overWebSocket(core: Core, upgrade: Upgrade, webSocket: WebSocket, signal: AbortSignal): Promise<void> {
  webSocket.on('error', () => webSocket.terminate());
  await run(core, upgrade, webSocketChannel(webSocket), signal);
}

interface Connection {
  readonly request: IncomingMessage;
  readonly socket: Duplex;
  readonly head: Buffer;
}

async function overSpdy(core: Core, upgrade: Upgrade, { request, socket, head }: Connection, signal: AbortSignal): Promise<void> {
  const offered = String(request.headers['x-stream-protocol-version'] ?? '')
    .split(',')
    .map((text) => text.trim());
  const known = upgrade.kind === 'portforward' ? [FORWARD_PROTOCOL] : ['v4.channel.k8s.io'];
  const chosen = known.find((protocol) => offered.includes(protocol));
  if (chosen === undefined)
    throw statusError(
      'Forbidden',
      `unable to upgrade: unable to negotiate protocol: client supports [${offered.join(' ')}], server accepts [${known.join(' ')}]`,
    );
  socket.write(`HTTP/1.1 101 Switching Protocols\r\nconnection: Upgrade\r\nupgrade: SPDY/3.1\r\nx-stream-protocol-version: ${chosen}\r\n\r\n`);
  if (head.length > 0) socket.unshift(head);
  if (upgrade.kind === 'portforward') {
    await runPortForward(upgrade.found, socket, signal);
    return;
  }
  const channel = await spdyChannel(socket, streamChoice(upgrade.query), STREAM_TIMEOUT_MS);
  if (channel !== undefined) await run(core, upgrade, channel, signal);
}

async function run(core: Core, { kind, query, found }: Upgrade, channel: Parameters<typeof runExec>[3], signal: AbortSignal): Promise<void> {
  const choice = streamChoice(query);
  const options = { command: kind === 'exec' ? query.getAll('command') : [], tty: choice.tty, attach: kind === 'attach' };
  await runExec(found, options, choice, channel, { signal, logger: core.logger });
}

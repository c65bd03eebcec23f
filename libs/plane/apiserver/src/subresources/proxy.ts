import { request as httpRequest, type IncomingHttpHeaders } from 'node:http';
import { messageOf } from '@tiphys/kernel';
import { statusError, type corev1 } from '@tiphys/kube-model';
import { admitConnect } from '../admission/connect.ts';
import type { Core, Scope } from '../core.ts';
import { draftAs } from '../draft.ts';
import { badRequest } from '../failures.ts';
import type { Answer } from '../http/answer.ts';
import { readBody } from '../http/body.ts';
import type { Exchange } from '../http/exchange.ts';
import { mustGetEntry, readAs } from '../registry/objects.ts';
import { readyAddress, type Address } from './service-address.ts';

/** Passes a request on to a pod or to a ready pod of a Service. `rest` is the path behind `proxy`. */
export async function proxy(core: Core, exchange: Exchange, scope: Scope, rest: string): Promise<Answer> {
  // `[scheme:]name[:port]`
  const parts = scope.name.split(':');
  const [name = '', port = ''] = parts.length === 3 ? parts.slice(1) : parts;
  await admitConnect(core, { ...scope, name }, exchange.query, { warn: exchange.warn, annotate: exchange.trail.annotate.bind(exchange.trail) });
  const target =
    scope.served.resource === 'pods'
      ? podAddress(core, { ...scope, name }, port)
      : readyAddress(core, scope.namespace ?? '', draftAs<corev1.Service>(readAs(scope.served, mustGetEntry(core, { ...scope, name }).value)), port);
  const body = await readBody(exchange.body);
  const query = exchange.query.toString();
  return await forward(exchange, target, `/${rest}${query === '' ? '' : `?${query}`}`, body);
}

function podAddress(core: Core, scope: Scope, port: string): Address {
  const pod = draftAs<corev1.Pod>(readAs(scope.served, mustGetEntry(core, scope).value));
  const ports = (pod.spec?.containers ?? []).flatMap((container) => container.ports ?? []);
  const named = ports.find((candidate) => candidate.name === port)?.containerPort ?? (port === '' ? ports[0]?.containerPort : Number(port));
  if ((pod.status?.podIP ?? '') === '') throw statusError('ServiceUnavailable', `address not allowed: pod ${scope.name} has no address yet`);
  return { host: pod.status?.podIP ?? '', port: checkPort(named ?? 80) };
}

function checkPort(port: number): number {
  if (!Number.isInteger(port) || port < 1 || port > 65_535) throw badRequest(`invalid port: ${port}`);
  return port;
}

// Credentials of the caller are for this server alone.
const NOT_FORWARDED: ReadonlySet<string> = new Set([
  'authorization',
  'cookie',
  'host',
  'connection',
  'upgrade',
  'transfer-encoding',
  'content-length',
  'keep-alive',
  'te',
]);

function forward(exchange: Exchange, { host, port }: Address, path: string, body: Buffer): Promise<Answer> {
  const headers = Object.fromEntries(Object.entries(exchange.headers).filter(([name]) => !name.startsWith(':') && !NOT_FORWARDED.has(name)));
  return new Promise((resolve, reject) => {
    const request = httpRequest(
      { host, port, path, method: exchange.method, headers: { ...headers, 'content-length': body.length }, signal: exchange.signal },
      (response) => {
        resolve({
          kind: 'stream',
          code: response.statusCode ?? 502,
          contentType: response.headers['content-type'] ?? 'application/octet-stream',
          chunks: response,
          headers: passedBack(response.headers),
        });
      },
    );
    request.once('error', (error) => reject(statusError('ServiceUnavailable', `error trying to reach service: ${messageOf(error)}`)));
    request.end(body);
  });
}

function passedBack(headers: IncomingHttpHeaders): Readonly<Record<string, string>> {
  const kept = ['location', 'content-encoding', 'etag', 'last-modified', 'cache-control'];
  return Object.fromEntries(kept.flatMap((name) => (typeof headers[name] === 'string' ? [[name, headers[name]] as const] : [])));
}

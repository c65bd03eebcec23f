import type { IncomingMessage } from 'node:http';
import type { Duplex } from 'node:stream';
import { connect } from 'node:tls';
import { messageOf } from '@tiphys/kernel';
import { statusError } from '@tiphys/kube-model';
import { isAllowed } from '../auth/authorize.ts';
import type { Core, UserInfo } from '../core.ts';
import { forbidden } from '../failures.ts';
import { parseApiPath, type ApiPath } from '../http/api-path.ts';
import { connectionTo, identityHeaders, passedHeaders } from './connect.ts';
import type { RemoteVersion } from './remote-versions.ts';

/** The other server a connection upgrade is for; undefined when it is for this one. */
export function remoteOfUpgrade(core: Core, url: string | undefined): { readonly target: ApiPath; readonly remote: RemoteVersion } | undefined {
  const target = parseApiPath((url ?? '/').split('?')[0] ?? '/');
  if (target === undefined || core.catalog.resourcesOf(target.group, target.version).length > 0) return undefined;
  const remote = core.remotes.find(target.group, target.version);
  return remote === undefined ? undefined : { target, remote };
}

/** Joins the client's connection to one of another server, which then speaks for itself. Throws 403 and 503 before anything was sent. */
export async function tunnelToRemote(
  core: Core,
  user: UserInfo,
  { target, remote }: { readonly target: ApiPath; readonly remote: RemoteVersion },
  client: { readonly request: IncomingMessage; readonly socket: Duplex; readonly head: Buffer },
): Promise<void> {
  const { group, resource, subresource = '', namespace = '', name = '' } = target;
  const verb = client.request.method === 'POST' ? 'create' : 'get';
  if (!isAllowed(core, user, { kind: 'resource', verb, group, resource, subresource, namespace, name }))
    throw forbidden(
      { group, resource },
      name,
      `User ${JSON.stringify(user.username)} cannot ${verb} resource ${JSON.stringify(subresource === '' ? resource : `${resource}/${subresource}`)} in API group ${JSON.stringify(group)}`,
    );
  if (!remote.isAvailable) throw statusError('ServiceUnavailable', 'service unavailable');
  const { host, port, servername, rejectUnauthorized, ca, cert, key } = connectionTo(core, remote);
  const upstream = connect({
    host: String(host),
    port: Number(port),
    ALPNProtocols: ['http/1.1'],
    ...defined({ servername, rejectUnauthorized, ca, cert, key }),
  });
  await new Promise<void>((resolve, reject) => {
    upstream.once('secureConnect', resolve);
    upstream.once('error', (error) => reject(statusError('ServiceUnavailable', `error trying to reach service: ${messageOf(error)}`)));
  });
  join(client.socket, upstream);
  upstream.write(requestHead(client.request, user));
  if (client.head.length > 0) upstream.write(client.head);
}

// The types of optional options do not take undefined.
function defined<T extends object>(options: T): { [K in keyof T]: Exclude<T[K], undefined> } {
  return Object.fromEntries(Object.entries(options).filter(([, value]) => value !== undefined)) as { [K in keyof T]: Exclude<T[K], undefined> }; // Without the undefined ones.
}

// Either end that goes takes the other with it.
function join(client: Duplex, upstream: Duplex): void {
  const end = (): void => {
    client.destroy();
    upstream.destroy();
  };
  for (const side of [client, upstream]) side.once('close', end).on('error', end);
  client.pipe(upstream);
  upstream.pipe(client);
}

function requestHead(request: IncomingMessage, user: UserInfo): string {
  const headers = {
    ...passedHeaders(request.headers),
    ...identityHeaders(user),
    host: request.headers.host ?? 'localhost',
    connection: 'Upgrade',
    upgrade: request.headers.upgrade ?? '',
  };
  const lines = Object.entries(headers).flatMap(([name, value]) => [value].flat().map((each) => `${name}: ${each.replace(/[\r\n]/g, ' ')}`));
  return `${request.method} ${request.url} HTTP/1.1\r\n${lines.join('\r\n')}\r\n\r\n`;
}

import type { IncomingHttpHeaders } from 'node:http';
import { statusError } from '@tiphys/kube-model';
import type { Core, UserInfo } from '../core.ts';
import type { Answer } from '../http/answer.ts';
import { readBody } from '../http/body.ts';
import type { Exchange } from '../http/exchange.ts';
import { askRemote, identityHeaders, passedHeaders } from './connect.ts';
import type { RemoteVersion } from './remote-versions.ts';

/** Passes a request on to the server that answers for its version, in the name of the user. Throws 503 when that is not available. */
export async function forwardToRemote(core: Core, exchange: Exchange, user: UserInfo, remote: RemoteVersion): Promise<Answer> {
  if (!remote.isAvailable) throw statusError('ServiceUnavailable', 'service unavailable');
  const query = exchange.query.toString();
  const response = await askRemote(core, remote, {
    method: exchange.method,
    path: `${exchange.path}${query === '' ? '' : `?${query}`}`,
    headers: { ...passedHeaders(exchange.headers), ...identityHeaders(user) },
    body: await readBody(exchange.body),
    signal: exchange.signal,
  });
  return {
    kind: 'stream',
    code: response.statusCode ?? 502,
    contentType: response.headers['content-type'] ?? 'application/octet-stream',
    chunks: response,
    headers: answerHeaders(response.headers),
  };
}

const CONNECTION_HEADERS: ReadonlySet<string> = new Set([
  'connection',
  'keep-alive',
  'transfer-encoding',
  'upgrade',
  'trailer',
  'content-type',
  'content-length',
  'date',
]);

function answerHeaders(headers: IncomingHttpHeaders): Readonly<Record<string, string>> {
  return Object.fromEntries(
    Object.entries(headers).flatMap(([name, value]) =>
      value === undefined || CONNECTION_HEADERS.has(name) || name.startsWith('x-kubernetes-pf-')
        ? []
        : [[name, Array.isArray(value) ? value.join(', ') : value] as const],
    ),
  );
}

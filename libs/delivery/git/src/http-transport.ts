import type { GitHttpRequest, GitHttpResponse, HttpClient } from 'isomorphic-git';
import { fetch } from 'undici';
import { redactUrl } from '@tiphys/kernel';
import { dispatcherFor } from './dispatcher.ts';
import type { RepositoryAccess } from './repository.ts';
import { SourceError } from './source-error.ts';

/** What a transport needs for one operation. */
export interface TransportOptions {
  readonly url: string;
  readonly access: RepositoryAccess;
  readonly signal: AbortSignal;
  /** Bound on all bytes of one answer. */
  readonly maxBytes: number;
  /** A ref advertisement fetched a moment ago: answers the first GET without asking the server again. */
  readonly advertisement?: Uint8Array;
  /** Sees the ref advertisement of the server. */
  readonly onAdvertisement?: (bytes: Uint8Array) => void;
}

/** HTTP for isomorphic-git with credentials sent up front, a signal and a size limit on every request. */
export function httpTransport(options: TransportOptions): HttpClient {
  let replay = options.advertisement;
  return {
    async request(request: GitHttpRequest): Promise<GitHttpResponse> {
      const isAdvertisement = (request.method ?? 'GET') === 'GET';
      if (isAdvertisement && replay !== undefined) {
        const bytes = replay;
        replay = undefined;
        return {
          url: request.url,
          statusCode: 200,
          statusMessage: 'OK',
          headers: { 'content-type': 'application/x-git-upload-pack-advertisement' },
          body: once(bytes),
        };
      }
      const { response, bytes } = await exchange(request, options);
      if (isAdvertisement && response.statusCode === 200) options.onAdvertisement?.(bytes);
      return { ...response, body: once(bytes) };
    },
  };
}

type Head = Required<Pick<GitHttpResponse, 'url' | 'statusCode' | 'statusMessage' | 'headers'>>;

async function exchange(request: GitHttpRequest, options: TransportOptions): Promise<{ readonly response: Head; readonly bytes: Uint8Array }> {
  const dispatcher = dispatcherFor(options.access, request.url);
  const authorization = basicOrBearer(options.access);
  try {
    const response = await fetch(request.url, {
      method: request.method ?? 'GET',
      headers: { 'user-agent': 'git/tiphys', ...request.headers, ...(authorization === undefined ? {} : { authorization }) },
      signal: options.signal,
      ...(request.body === undefined ? {} : { body: await collect(request.body) }),
      ...(dispatcher === undefined ? {} : { dispatcher }),
    });
    if (response.status === 401 || response.status === 403 || response.status === 404) {
      await response.body?.cancel();
      throw refused(options.url, response.status);
    }
    const bytes = await readBounded(response.body, options);
    const head: Head = { url: response.url, statusCode: response.status, statusMessage: response.statusText, headers: Object.fromEntries(response.headers) };
    return { response: head, bytes };
  } catch (error) {
    options.signal.throwIfAborted();
    if (error instanceof SourceError) throw error;
    const remote = redactUrl(options.url);
    const reason = error instanceof Error && error.cause instanceof Error ? error.cause.message : error instanceof Error ? error.message : String(error);
    throw new SourceError({ code: 'unreachable', remote }, `repository ${remote}: cannot be reached: ${redactUrl(reason)}`, { cause: error });
  } finally {
    await dispatcher?.close();
  }
}

function refused(url: string, status: number): SourceError {
  const remote = redactUrl(url);
  if (status === 404) {
    return new SourceError({ code: 'repositoryNotFound', remote }, `repository ${remote}: not found`, {
      hint: 'check spec.source.repoURL; some servers answer 404 when credentials are missing',
    });
  }
  return new SourceError({ code: 'authFailed', remote }, `repository ${remote}: authentication failed (HTTP ${status})`, {
    hint: 'add or renew its credentials: tiphys repo add',
  });
}

/** The Authorization header of an access; undefined without credentials. */
export function basicOrBearer(access: RepositoryAccess): string | undefined {
  if (access.bearerToken !== undefined && access.bearerToken !== '') return `Bearer ${access.bearerToken}`;
  if (access.password === undefined && access.username === undefined) return undefined;
  return `Basic ${Buffer.from(`${access.username ?? ''}:${access.password ?? ''}`).toString('base64')}`;
}

async function readBounded(body: AsyncIterable<Uint8Array> | null, options: TransportOptions): Promise<Uint8Array> {
  const chunks: Uint8Array[] = [];
  let size = 0;
  for await (const chunk of body ?? []) {
    size += chunk.byteLength;
    if (size > options.maxBytes) {
      const remote = redactUrl(options.url);
      throw new SourceError(
        { code: 'tooLarge', remote, limitBytes: options.maxBytes },
        `repository ${remote}: answer exceeds the limit of ${options.maxBytes} bytes`,
      );
    }
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
}

async function collect(body: AsyncIterable<Uint8Array> | Iterable<Uint8Array>): Promise<Uint8Array> {
  const chunks: Uint8Array[] = [];
  for await (const chunk of body) chunks.push(chunk);
  return Buffer.concat(chunks);
}

async function* once(bytes: Uint8Array): AsyncIterableIterator<Uint8Array> {
  yield bytes;
}

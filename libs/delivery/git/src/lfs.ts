import { createHash } from 'node:crypto';
import { fetch } from 'undici';
import { isAbortError, messageOf, redactUrl, withTimeout } from '@tiphys/kernel';
import { dispatcherFor } from './dispatcher.ts';
import { basicOrBearer } from './http-transport.ts';
import type { RepositoryAccess } from './repository.ts';
import type { Snapshot } from './snapshot.ts';
import { SourceError } from './source-error.ts';

/** Where files kept by Git LFS come from. */
export interface LfsPlace {
  readonly url: string;
  readonly access: (signal: AbortSignal) => Promise<RepositoryAccess>;
  readonly maxBytes: number;
}

interface Pointer {
  readonly oid: string;
  readonly size: number;
}

const TIMEOUT_MS = 120_000;
const MAX_POINTER_BYTES = 1024;
const POINTER = /^version https:\/\/git-lfs\.github\.com\/spec\/v1\n(?:ext-[^\n]*\n)*oid sha256:([0-9a-f]{64})\nsize (\d+)\n?$/;

/** A snapshot whose LFS pointers read as the files they stand for (git-lfs docs/api/batch.md). A file is checked by its digest. */
export function withLfs(snapshot: Snapshot, place: LfsPlace, signal: AbortSignal): Snapshot {
  return {
    ...snapshot,
    async read(path, options = {}) {
      const bytes = await snapshot.read(path, options);
      const pointer = bytes.byteLength > MAX_POINTER_BYTES ? undefined : parsePointer(bytes);
      if (pointer === undefined) return bytes;
      const limitBytes = Math.min(options.maxBytes ?? place.maxBytes, place.maxBytes);
      const remote = redactUrl(place.url);
      if (pointer.size > limitBytes)
        throw new SourceError({ code: 'tooLarge', remote, limitBytes }, `${path}: LFS file of ${pointer.size} bytes exceeds the limit of ${limitBytes} bytes`);
      return withTimeout(`repository ${remote}: LFS file ${path}`, TIMEOUT_MS, signal, (inner) => download(path, pointer, place, inner));
    },
  };
}

function parsePointer(bytes: Uint8Array): Pointer | undefined {
  const match = POINTER.exec(new TextDecoder().decode(bytes));
  return match === null ? undefined : { oid: match[1] ?? '', size: Number(match[2]) };
}

async function download(path: string, pointer: Pointer, place: LfsPlace, signal: AbortSignal): Promise<Uint8Array> {
  const remote = redactUrl(place.url);
  const access = await place.access(signal);
  const fail = (why: string, cause?: unknown): SourceError =>
    new SourceError({ code: 'unreachable', remote }, `repository ${remote}: LFS file ${path}: ${why}`, { cause });
  const base = `${place.url.replace(/\/$/, '').replace(/(\.git)?$/, '.git')}/info/lfs/objects/batch`;
  const authorization = basicOrBearer(access);
  const own: Readonly<Record<string, string>> = authorization === undefined ? {} : { authorization };
  try {
    const body = JSON.stringify({ operation: 'download', transfers: ['basic'], objects: [pointer], hash_algo: 'sha256' });
    const answer = await request(
      base,
      { method: 'POST', body, headers: { ...own, accept: LFS_JSON, 'content-type': LFS_JSON } },
      { access, signal, limit: 1024 * 1024 },
    );
    const { href, header } = downloadAction(answer, fail);
    // The place of the file may be another host: it gets only what the server said to send.
    const isSameHost = new URL(href).host === new URL(base).host;
    const bytes = await request(
      href,
      { method: 'GET', headers: { ...(isSameHost && header === undefined ? own : {}), ...header } },
      { access, signal, limit: pointer.size },
    );
    if (createHash('sha256').update(bytes).digest('hex') !== pointer.oid) throw fail('its bytes do not have the digest of the pointer');
    return bytes;
  } catch (error) {
    if (error instanceof SourceError || isAbortError(error)) throw error;
    throw fail(redactUrl(messageOf(error)), error);
  }
}

const LFS_JSON = 'application/vnd.git-lfs+json';

function downloadAction(answer: Uint8Array, fail: (why: string) => SourceError): { readonly href: string; readonly header?: Readonly<Record<string, string>> } {
  const { objects } = JSON.parse(new TextDecoder().decode(answer)) as {
    readonly objects?: readonly {
      readonly error?: { readonly message?: string };
      readonly actions?: { readonly download?: { readonly href?: string; readonly header?: Readonly<Record<string, string>> } };
    }[];
  };
  const object = objects?.[0];
  const href = object?.actions?.download?.href;
  if (href === undefined || !/^https?:\/\//.test(href)) throw fail(object?.error?.message ?? 'the server offers no download');
  const header = object?.actions?.download?.header;
  return header === undefined ? { href } : { href, header };
}

async function request(
  url: string,
  init: { readonly method: string; readonly headers: Readonly<Record<string, string>>; readonly body?: string },
  { access, signal, limit }: { readonly access: RepositoryAccess; readonly signal: AbortSignal; readonly limit: number },
): Promise<Uint8Array> {
  const dispatcher = dispatcherFor(access, url);
  try {
    const response = await fetch(url, { ...init, signal, ...(dispatcher === undefined ? {} : { dispatcher }) });
    const chunks: Uint8Array[] = [];
    let size = 0;
    for await (const chunk of response.body ?? []) {
      size += chunk.byteLength;
      if (size > limit) throw new Error(`the answer exceeds ${limit} bytes`);
      chunks.push(chunk);
    }
    if (!response.ok) throw new Error(`the server answered ${response.status}`);
    return Buffer.concat(chunks);
  } finally {
    await dispatcher?.close();
  }
}

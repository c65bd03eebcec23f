import type { AppProject } from '@tiphys/delivery-applications';
import { SourceError } from '@tiphys/delivery-git';
import { isAbortError, LIMITS, messageOf, redactUrl, withTimeout, type Clock } from '@tiphys/kernel';
import { request } from 'undici';
import { mayBuildOn } from './remote-bases.ts';

/** What remote files are fetched with. */
export interface RemoteFilesOptions {
  /** Patterns of URLs that may be built on, as a project's sourceRepos are written; none means remote files are off. */
  readonly allowed: readonly string[];
  /** How long a file is taken to be what it was, in milliseconds. */
  readonly maxAgeMs: number;
  readonly clock: Clock;
}

/** Fetches a file for a project: undefined where its address may not be asked. Throws SourceError. */
export type FetchFile = (url: string, project: AppProject, signal: AbortSignal) => Promise<Uint8Array | undefined>;

const TIMEOUT_MS = 30_000;
const MAX_REDIRECTS = 5;
const KEPT_FILES = 100;
const KEPT_BYTES = 64 * 1024 * 1024;

/** Files over HTTP that kustomizations build on: off unless an operator allows them, and then only where the project does too. */
export function fetchRemoteFiles({ allowed, maxAgeMs, clock }: RemoteFilesOptions): FetchFile {
  const kept = new Map<string, { readonly bytes: Uint8Array; readonly atMs: number }>();
  let keptBytes = 0;

  function drop(url: string): void {
    keptBytes -= kept.get(url)?.bytes.byteLength ?? 0;
    kept.delete(url);
  }

  function keep(url: string, bytes: Uint8Array): void {
    drop(url);
    kept.set(url, { bytes, atMs: clock.now() });
    keptBytes += bytes.byteLength;
    for (const oldest of kept.keys()) {
      if (kept.size <= KEPT_FILES && keptBytes <= KEPT_BYTES) return;
      drop(oldest);
    }
  }

  return async (address, project, signal) => {
    const url = toUrl(address);
    const isAllowed = (candidate: URL): boolean => mayBuildOn(allowed, project, candidate.href);
    if (url === undefined || !isAllowed(url)) return undefined;
    const known = kept.get(url.href);
    if (known !== undefined && clock.now() - known.atMs < maxAgeMs) return known.bytes;
    const bytes = await withTimeout(`GET ${redactUrl(url.href)}`, TIMEOUT_MS, signal, (inner) => follow(url, isAllowed, inner));
    keep(url.href, bytes);
    return bytes;
  };
}

// Credentials in an address would be shown to whoever it leads to, and could pass for a host in a pattern.
function toUrl(address: string): URL | undefined {
  if (!URL.canParse(address)) return undefined;
  const url = new URL(address);
  return /^https?:$/.test(url.protocol) && url.username === '' && url.password === '' ? url : undefined;
}

async function follow(start: URL, isAllowed: (url: URL) => boolean, signal: AbortSignal): Promise<Uint8Array> {
  let url = start;
  for (let redirects = 0; redirects <= MAX_REDIRECTS; redirects += 1) {
    const answer = await get(url, signal);
    if (answer.kind === 'file') return answer.bytes;
    const next = toUrl(new URL(answer.location, url).href);
    // Who allowed one host has not allowed whatever it points to.
    if (next === undefined || next.origin !== url.origin || !isAllowed(next))
      throw unreachable(start, `leads to ${redactUrl(next?.origin ?? 'another address')}, which is not followed`, { hint: 'write the address it leads to' });
    url = next;
  }
  throw unreachable(start, 'redirects lead nowhere');
}

type Answer = { readonly kind: 'file'; readonly bytes: Uint8Array } | { readonly kind: 'redirect'; readonly location: string };

async function get(url: URL, signal: AbortSignal): Promise<Answer> {
  try {
    const { statusCode, headers, body } = await request(url, { headers: { 'user-agent': 'tiphys' }, signal });
    const { location } = headers;
    if (statusCode !== 200) await body.dump({ limit: 0, signal }).catch(() => undefined); // Nobody reads the rest; the connection may go.
    if (statusCode >= 300 && statusCode < 400 && typeof location === 'string') return { kind: 'redirect', location };
    if (statusCode !== 200) throw unreachable(url, `answered ${statusCode}`);
    return { kind: 'file', bytes: await bounded(url, body) };
  } catch (cause) {
    if (cause instanceof SourceError || signal.aborted || isAbortError(cause)) throw cause;
    throw unreachable(url, `cannot be reached: ${messageOf(cause)}`, { cause });
  }
}

async function bounded(url: URL, body: AsyncIterable<unknown>): Promise<Uint8Array> {
  const chunks: Uint8Array[] = [];
  let size = 0;
  for await (const chunk of body) {
    if (!(chunk instanceof Uint8Array)) continue;
    size += chunk.byteLength;
    const limitBytes = LIMITS.manifestFileBytes;
    if (size > limitBytes)
      throw new SourceError({ code: 'tooLarge', remote: redactUrl(url.href), limitBytes }, `${redactUrl(url.href)}: file exceeds ${limitBytes} bytes`);
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
}

function unreachable(url: URL, reason: string, options: { readonly cause?: unknown; readonly hint?: string } = {}): SourceError {
  return new SourceError({ code: 'unreachable', remote: redactUrl(url.href) }, `${redactUrl(url.href)}: ${reason}`, options);
}

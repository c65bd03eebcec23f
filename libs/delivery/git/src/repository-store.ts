import { mkdir } from 'node:fs/promises';
import { redactUrl, systemClock, type Clock } from '@tiphys/kernel';
import { atomicFs } from './atomic-fs.ts';
import { GithubTokens } from './github-app.ts';
import { LruMap } from './lru-map.ts';
import { openLocal } from './local-repository.ts';
import { RemoteRepository, type RemoteLimits } from './remote-repository.ts';
import type { Repository, RepositoryAccess } from './repository.ts';
import { SourceError } from './source-error.ts';
import { createHttpTransport, createProgramTransport, type TransportPlace } from './transport.ts';

/** How a store is made. */
export interface RepositoryStoreOptions {
  /** Folder for caches; its content may be deleted at any time. */
  readonly cacheDirectory: string;
  readonly limits?: Partial<RemoteLimits>;
  /** Tells when tokens end; the machine's clock without it. */
  readonly clock?: Clock;
}

/** Bounds that hold when nothing else is said. */
export const defaultRemoteLimits: RemoteLimits = {
  lsRemoteTimeoutMs: 20_000,
  fetchTimeoutMs: 120_000,
  maxFetchBytes: 512 * 1024 * 1024,
  maxRefsBytes: 64 * 1024 * 1024,
};

const MAX_OPEN = 2_000;

/** The repositories in use: one cache and one queue of fetches for each. */
export interface RepositoryStore {
  /** Opens a repository, or returns the open one when URL and access are the same. Throws SourceError. */
  open(url: string, access?: RepositoryAccess): Promise<Repository>;
}

const HTTP = /^https?:\/\//i;
// `ssh://host/path`, or `user@host:path` as scp writes it; never something git would read as an option.
const SSH = /^(?:ssh:\/\/[^-]|(?:[A-Za-z0-9._][A-Za-z0-9._-]*@)?[A-Za-z0-9][A-Za-z0-9.-]*:(?!\/\/)[^-])/;

/** Makes a store of repositories over HTTP(S), SSH and on this machine. */
export function createRepositoryStore(options: RepositoryStoreOptions): RepositoryStore {
  const repositories = new LruMap<string, { readonly access: string; readonly repository: Promise<Repository> }>(MAX_OPEN);
  const limits = { ...defaultRemoteLimits, ...options.limits };
  const tokens = new GithubTokens(options.clock ?? systemClock);

  async function openNew(url: string, access: RepositoryAccess): Promise<Repository> {
    if (HTTP.test(url) || SSH.test(url)) {
      await mkdir(options.cacheDirectory, { recursive: true });
      const fs = atomicFs();
      const place: TransportPlace = { url, limits, access: HTTP.test(url) ? (signal) => tokens.resolve(url, access, signal) : () => Promise.resolve(access) };
      const transport = HTTP.test(url) ? createHttpTransport(place, fs) : createProgramTransport(place);
      const lfs = access.enableLfs === true && HTTP.test(url) ? { lfs: { url, access: place.access, maxBytes: limits.maxFetchBytes } } : {};
      return new RemoteRepository({ url, transport, cacheDirectory: options.cacheDirectory, limits, fs, ...lfs });
    }
    if (url.startsWith('/') || url.startsWith('.') || url.startsWith('file://')) return openLocal(url);
    throw new SourceError({ code: 'unreachable', remote: redactUrl(url) }, `repository ${redactUrl(url)}: this kind of URL is not supported yet`, {
      hint: 'use https://, ssh://, user@host:path, http:// or a local path',
    });
  }

  return {
    open(url, access = {}) {
      const fingerprint = JSON.stringify(access);
      const known = repositories.get(url);
      if (known !== undefined && known.access === fingerprint) return known.repository;
      const repository = openNew(url, access);
      const entry = { access: fingerprint, repository };
      repositories.set(url, entry);
      // A failure is not remembered: the next caller tries again.
      repository.catch(() => {
        if (repositories.get(url) === entry) repositories.delete(url);
      });
      return repository;
    },
  };
}

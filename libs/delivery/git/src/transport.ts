import git, { type PromiseFsClient } from 'isomorphic-git';
import { messageOf, redactUrl } from '@tiphys/kernel';
import { toRemoteRefs } from './advertisement.ts';
import { runGit } from './git-program.ts';
import { httpTransport } from './http-transport.ts';
import type { ObjectDatabase } from './object-database.ts';
import type { RemoteRefs, RepositoryAccess } from './repository.ts';
import { SourceError } from './source-error.ts';

/** How a repository somewhere else is talked to. */
export interface GitTransport {
  lsRemote(signal: AbortSignal): Promise<RemoteRefs>;
  /** Brings one commit, one deep, into the cache. `isRetry` asks for it without what was remembered of the server. */
  fetch(database: ObjectDatabase, commit: string, signal: AbortSignal, isRetry: boolean): Promise<void>;
}

/** Bounds of one answer. */
export interface TransportLimits {
  readonly maxFetchBytes: number;
  readonly maxRefsBytes: number;
}

/** Where a transport leads, and with what. */
export interface TransportPlace {
  readonly url: string;
  readonly limits: TransportLimits;
  /** What opens it now: tokens may have to be renewed. */
  readonly access: (signal: AbortSignal) => Promise<RepositoryAccess>;
}

const HAVE_REF = 'refs/heads/have';

/** Smart HTTP(S) by isomorphic-git; packs beyond its bound are left to the `git` program. */
export function createHttpTransport(place: TransportPlace, fs: PromiseFsClient): GitTransport {
  const { url, limits } = place;
  const program = createProgramTransport(place);
  let advertisement: Uint8Array | undefined;
  return {
    async lsRemote(signal) {
      let seen: Uint8Array | undefined;
      const http = httpTransport({
        url,
        access: await place.access(signal),
        signal,
        maxBytes: limits.maxRefsBytes,
        onAdvertisement: (bytes) => (seen = bytes),
      });
      // Protocol 1 answers all refs in one round trip, and a fetch right after can use the same answer.
      const refs = await atRemote(url, () => git.listServerRefs({ http, url, protocolVersion: 1, symrefs: true, peelTags: true }));
      advertisement = seen;
      return toRemoteRefs(refs);
    },
    async fetch(database, commit, signal, isRetry) {
      const known = isRetry ? undefined : advertisement;
      const http = httpTransport({
        url,
        access: await place.access(signal),
        signal,
        maxBytes: limits.maxFetchBytes,
        ...(known === undefined ? {} : { advertisement: known }),
      });
      const gitdir = database.gitDirectory;
      const target = { fs, http, gitdir, url, remote: 'origin', ref: HAVE_REF, remoteRef: commit, cache: database.cache };
      try {
        await atRemote(url, () => git.fetch({ ...target, depth: 1, singleBranch: true, tags: false }));
      } catch (error) {
        // This process holds a pack in memory; the program writes it to the disk as it comes.
        if (!(error instanceof SourceError && error.code === 'tooLarge')) throw error;
        await program.fetch(database, commit, signal, isRetry);
        return;
      }
      if (await database.hasCommit(commit)) await git.writeRef({ fs, gitdir, ref: HAVE_REF, value: commit, force: true });
    },
  };
}

/** SSH, and packs of any size, by the `git` program. */
export function createProgramTransport({ url, limits, access }: TransportPlace): GitTransport {
  return {
    async lsRemote(signal) {
      const text = await runGit({ url, access: await access(signal), args: ['ls-remote', '--symref', '--', url], maxOutputBytes: limits.maxRefsBytes, signal });
      return parseLsRemote(text);
    },
    async fetch(database, commit, signal) {
      const args = ['--git-dir', database.gitDirectory, 'fetch', '--quiet', '--depth', '1', '--no-tags', '--no-write-fetch-head', '--force', '--', url];
      await runGit({ url, access: await access(signal), args: [...args, `${commit}:${HAVE_REF}`], maxOutputBytes: limits.maxRefsBytes, signal });
      database.dropCache();
    },
  };
}

function parseLsRemote(text: string): RemoteRefs {
  const oids = new Map<string, string>();
  let head: string | undefined;
  for (const line of text.split('\n')) {
    const [oid = '', name = ''] = line.split('\t');
    if (oid.startsWith('ref: ')) {
      if (name === 'HEAD') head = oid.slice('ref: '.length);
      // A peeled tag comes after its tag object and wins.
    } else if (name !== '') oids.set(name.replace(/\^\{\}$/, ''), oid);
  }
  return head === undefined ? { oids } : { oids, head };
}

async function atRemote<T>(url: string, run: () => Promise<T>): Promise<T> {
  try {
    return await run();
  } catch (error) {
    if (error instanceof SourceError || (error instanceof Error && (error.name === 'AbortError' || error.name === 'TimeoutError'))) throw error;
    const remote = redactUrl(url);
    const cause = error instanceof Error && 'data' in error ? error : new Error(messageOf(error));
    throw new SourceError({ code: 'corrupt', remote }, `repository ${remote}: answer cannot be read: ${redactUrl(messageOf(error))}`, { cause });
  }
}

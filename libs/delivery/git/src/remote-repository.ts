import { createHash } from 'node:crypto';
import { mkdir, readdir, rm } from 'node:fs/promises';
import path from 'node:path';
import git, { type PromiseFsClient } from 'isomorphic-git';
import { messageOf, redactUrl, toTimestamp, withTimeout } from '@tiphys/kernel';
import { toRemoteRefs } from './advertisement.ts';
import { atomicFs } from './atomic-fs.ts';
import { httpTransport } from './http-transport.ts';
import { ObjectDatabase } from './object-database.ts';
import type { RemoteRefs, Repository, RepositoryAccess, RevisionMetadata } from './repository.ts';
import { createSnapshot, type Snapshot } from './snapshot.ts';
import { SourceError } from './source-error.ts';

/** Bounds of talking to one repository. */
export interface RemoteLimits {
  readonly lsRemoteTimeoutMs: number;
  readonly fetchTimeoutMs: number;
  readonly maxFetchBytes: number;
  readonly maxRefsBytes: number;
}

/** What a remote repository is made of. */
export interface RemoteRepositoryOptions {
  readonly url: string;
  readonly access: RepositoryAccess;
  /** Folder for the disposable caches of all repositories. */
  readonly cacheDirectory: string;
  readonly limits: RemoteLimits;
}

// Every fetch leaves a pack; a cache with many is slower than a fresh shallow fetch.
const MAX_PACKS = 48;
const HAVE_REF = 'refs/heads/have';

/** A repository over smart HTTP(S), fetched one commit deep into a bare cache that may be deleted at any time. */
export class RemoteRepository implements Repository {
  readonly url: string;
  readonly #options: RemoteRepositoryOptions;
  readonly #fs: PromiseFsClient = atomicFs();
  readonly #remote: string;
  #database: ObjectDatabase | undefined;
  #advertisement: Uint8Array | undefined;
  #turn: Promise<unknown> = Promise.resolve();

  constructor(options: RemoteRepositoryOptions) {
    this.url = options.url;
    this.#options = options;
    this.#remote = redactUrl(options.url);
  }

  async lsRemote(signal: AbortSignal): Promise<RemoteRefs> {
    const { lsRemoteTimeoutMs, maxRefsBytes } = this.#options.limits;
    return withTimeout(`repository ${this.#remote}: ls-remote`, lsRemoteTimeoutMs, signal, async (inner) => {
      let advertisement: Uint8Array | undefined;
      const http = httpTransport({
        url: this.url,
        access: this.#options.access,
        signal: inner,
        maxBytes: maxRefsBytes,
        onAdvertisement: (bytes) => (advertisement = bytes),
      });
      // Protocol 1 answers all refs in one round trip, and a fetch right after can use the same answer.
      const refs = await this.#protocol(() => git.listServerRefs({ http, url: this.url, protocolVersion: 1, symrefs: true, peelTags: true }));
      this.#advertisement = advertisement;
      return toRemoteRefs(refs);
    });
  }

  async snapshot(commit: string, signal: AbortSignal): Promise<Snapshot> {
    const database = await this.#ensure(commit, signal);
    return createSnapshot(database, this.url, commit, (await database.commit(commit)).tree);
  }

  async metadata(commit: string, signal: AbortSignal): Promise<RevisionMetadata> {
    const record = await (await this.#ensure(commit, signal)).commit(commit);
    return { author: record.author, date: toTimestamp(record.timestamp * 1000), message: record.message, parents: record.parents };
  }

  async #ensure(commit: string, signal: AbortSignal): Promise<ObjectDatabase> {
    const ready = this.#database;
    if (ready !== undefined && (await ready.hasCommit(commit))) return ready;
    // One fetch at a time per repository: the next waiter usually finds its commit already here.
    const turn = this.#turn.then(() => this.#fetchTurn(commit, signal));
    this.#turn = turn.catch(() => undefined);
    return turn;
  }

  async #fetchTurn(commit: string, signal: AbortSignal): Promise<ObjectDatabase> {
    signal.throwIfAborted();
    const database = await this.#open();
    if (await database.hasCommit(commit)) return database;
    try {
      await this.#fetch(database, commit, signal, this.#advertisement);
    } catch (error) {
      signal.throwIfAborted();
      if (isFinal(error)) throw error;
      // A damaged cache or a stale advertisement: once more from nothing.
      await rm(database.gitDirectory, { recursive: true, force: true });
      this.#database = undefined;
      const fresh = await this.#open();
      await this.#fetch(fresh, commit, signal, undefined);
      return fresh;
    }
    return database;
  }

  async #fetch(database: ObjectDatabase, commit: string, signal: AbortSignal, advertisement: Uint8Array | undefined): Promise<void> {
    const { fetchTimeoutMs, maxFetchBytes } = this.#options.limits;
    await withTimeout(`repository ${this.#remote}: fetch ${commit.slice(0, 7)}`, fetchTimeoutMs, signal, async (inner) => {
      const http = httpTransport({
        url: this.url,
        access: this.#options.access,
        signal: inner,
        maxBytes: maxFetchBytes,
        ...(advertisement === undefined ? {} : { advertisement }),
      });
      const gitdir = database.gitDirectory;
      await this.#protocol(() =>
        git.fetch({
          fs: this.#fs,
          http,
          gitdir,
          url: this.url,
          remote: 'origin',
          ref: HAVE_REF,
          remoteRef: commit,
          depth: 1,
          singleBranch: true,
          tags: false,
          cache: database.cache,
        }),
      );
      if (!(await database.hasCommit(commit))) {
        throw new SourceError(
          { code: 'revisionNotFound', remote: this.#remote, revision: commit },
          `repository ${this.#remote}: commit ${commit} was not delivered by the server`,
        );
      }
      await git.writeRef({ fs: this.#fs, gitdir, ref: HAVE_REF, value: commit, force: true });
    });
  }

  async #open(): Promise<ObjectDatabase> {
    const gitDirectory = path.join(this.#options.cacheDirectory, createHash('sha256').update(this.url).digest('hex').slice(0, 24));
    if (this.#database !== undefined && (await countPacks(gitDirectory)) <= MAX_PACKS) return this.#database;
    if ((await countPacks(gitDirectory)) > MAX_PACKS) await rm(gitDirectory, { recursive: true, force: true });
    await mkdir(gitDirectory, { recursive: true });
    await reclaim(gitDirectory);
    await git.init({ fs: this.#fs, gitdir: gitDirectory, bare: true, defaultBranch: 'none' });
    await git.addRemote({ fs: this.#fs, gitdir: gitDirectory, remote: 'origin', url: 'cache', force: true });
    this.#database = new ObjectDatabase({ gitDirectory, url: this.url, fs: this.#fs });
    return this.#database;
  }

  async #protocol<T>(run: () => Promise<T>): Promise<T> {
    try {
      return await run();
    } catch (error) {
      if (error instanceof SourceError || (error instanceof Error && (error.name === 'AbortError' || error.name === 'TimeoutError'))) throw error;
      const cause = error instanceof Error && 'data' in error ? error : new Error(messageOf(error));
      throw new SourceError({ code: 'corrupt', remote: this.#remote }, `repository ${this.#remote}: answer cannot be read: ${redactUrl(messageOf(error))}`, {
        cause,
      });
    }
  }
}

function isFinal(error: unknown): boolean {
  return (
    error instanceof Error && (error.name === 'TimeoutError' || (error instanceof SourceError && error.code !== 'corrupt' && error.code !== 'revisionNotFound'))
  );
}

async function countPacks(gitDirectory: string): Promise<number> {
  try {
    return (await readdir(path.join(gitDirectory, 'objects', 'pack'))).filter((name) => name.endsWith('.idx')).length;
  } catch {
    return 0; // No cache yet.
  }
}

// A crash can leave temporary files and packs without an index; both are invisible to readers and only cost space.
async function reclaim(gitDirectory: string): Promise<void> {
  const folder = path.join(gitDirectory, 'objects', 'pack');
  const names = await readdir(folder).catch((): string[] => []);
  const indexed = new Set(names.filter((name) => name.endsWith('.idx')).map((name) => name.slice(0, -4)));
  const residue = names.filter((name) => name.includes('.tmp-') || (name.endsWith('.pack') && !indexed.has(name.slice(0, -5))));
  await Promise.all(residue.map((name) => rm(path.join(folder, name), { force: true })));
  await rm(path.join(gitDirectory, 'index.lock'), { force: true });
}

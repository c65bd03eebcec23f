import { createHash } from 'node:crypto';
import { mkdir, readdir, rm } from 'node:fs/promises';
import path from 'node:path';
import git, { type PromiseFsClient } from 'isomorphic-git';
import { redactUrl, toTimestamp, withTimeout } from '@tiphys/kernel';
import { withLfs, type LfsPlace } from './lfs.ts';
import { ObjectDatabase, type SignedCommit } from './object-database.ts';
import type { RemoteRefs, Repository, RevisionMetadata } from './repository.ts';
import { createSnapshot, type Snapshot } from './snapshot.ts';
import { SourceError } from './source-error.ts';
import type { GitTransport, TransportLimits } from './transport.ts';

/** Bounds of talking to one repository. */
export interface RemoteLimits extends TransportLimits {
  readonly lsRemoteTimeoutMs: number;
  readonly fetchTimeoutMs: number;
}

/** What a remote repository is made of. */
export interface RemoteRepositoryOptions {
  readonly url: string;
  readonly transport: GitTransport;
  /** Folder for the disposable caches of all repositories. */
  readonly cacheDirectory: string;
  readonly limits: RemoteLimits;
  readonly fs: PromiseFsClient;
  /** Where files kept by Git LFS come from; without it their pointers are what is read. */
  readonly lfs?: LfsPlace;
}

// Every fetch leaves a pack; a cache with many is slower than a fresh shallow fetch.
const MAX_PACKS = 48;

/** A repository somewhere else, fetched one commit deep into a bare cache that may be deleted at any time. */
export class RemoteRepository implements Repository {
  readonly url: string;
  readonly #options: RemoteRepositoryOptions;
  readonly #remote: string;
  #database: ObjectDatabase | undefined;
  #turn: Promise<unknown> = Promise.resolve();

  constructor(options: RemoteRepositoryOptions) {
    this.url = options.url;
    this.#options = options;
    this.#remote = redactUrl(options.url);
  }

  async lsRemote(signal: AbortSignal): Promise<RemoteRefs> {
    const { transport, limits } = this.#options;
    return withTimeout(`repository ${this.#remote}: ls-remote`, limits.lsRemoteTimeoutMs, signal, (inner) => transport.lsRemote(inner));
  }

  async snapshot(commit: string, signal: AbortSignal): Promise<Snapshot> {
    const database = await this.#ensure(commit, signal);
    const snapshot = createSnapshot(database, this.url, commit, (await database.commit(commit)).tree);
    return this.#options.lfs === undefined ? snapshot : withLfs(snapshot, this.#options.lfs, signal);
  }

  async metadata(commit: string, signal: AbortSignal): Promise<RevisionMetadata> {
    const record = await (await this.#ensure(commit, signal)).commit(commit);
    return { author: record.author, date: toTimestamp(record.timestamp * 1000), message: record.message, parents: record.parents };
  }

  async signedCommit(commit: string, signal: AbortSignal): Promise<SignedCommit> {
    return (await this.#ensure(commit, signal)).signedCommit(commit);
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
      await this.#fetch(database, commit, signal, false);
    } catch (error) {
      signal.throwIfAborted();
      if (isFinal(error)) throw error;
      // A damaged cache or a stale advertisement: once more from nothing.
      await rm(database.gitDirectory, { recursive: true, force: true });
      this.#database = undefined;
      const fresh = await this.#open();
      await this.#fetch(fresh, commit, signal, true);
      return fresh;
    }
    return database;
  }

  async #fetch(database: ObjectDatabase, commit: string, signal: AbortSignal, isRetry: boolean): Promise<void> {
    const { transport, limits } = this.#options;
    await withTimeout(`repository ${this.#remote}: fetch ${commit.slice(0, 7)}`, limits.fetchTimeoutMs, signal, async (inner) => {
      await transport.fetch(database, commit, inner, isRetry);
      if (await database.hasCommit(commit)) return;
      throw new SourceError(
        { code: 'revisionNotFound', remote: this.#remote, revision: commit },
        `repository ${this.#remote}: commit ${commit} was not delivered by the server`,
      );
    });
  }

  async #open(): Promise<ObjectDatabase> {
    const { cacheDirectory, fs } = this.#options;
    const gitDirectory = path.join(cacheDirectory, createHash('sha256').update(this.url).digest('hex').slice(0, 24));
    if (this.#database !== undefined && (await countPacks(gitDirectory)) <= MAX_PACKS) return this.#database;
    if ((await countPacks(gitDirectory)) > MAX_PACKS) await rm(gitDirectory, { recursive: true, force: true });
    await mkdir(gitDirectory, { recursive: true });
    await reclaim(gitDirectory);
    await git.init({ fs, gitdir: gitDirectory, bare: true, defaultBranch: 'none' });
    await git.addRemote({ fs, gitdir: gitDirectory, remote: 'origin', url: 'cache', force: true });
    this.#database = new ObjectDatabase({ gitDirectory, url: this.url, fs });
    return this.#database;
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

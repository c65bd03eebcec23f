import { readFile, stat } from 'node:fs/promises';
import nodeFs from 'node:fs';
import path from 'node:path';
import git from 'isomorphic-git';
import { toTimestamp } from '@tiphys/kernel';
import { ObjectDatabase, type SignedCommit } from './object-database.ts';
import type { RemoteRefs, Repository, RevisionMetadata } from './repository.ts';
import { createSnapshot, type Snapshot } from './snapshot.ts';
import { SourceError } from './source-error.ts';

const FS = { promises: nodeFs.promises };

/** A repository in a folder of this machine, read in place and never written. */
export class LocalRepository implements Repository {
  readonly url: string;
  readonly gitDirectory: string;
  readonly #database: ObjectDatabase;

  constructor(url: string, gitDirectory: string) {
    this.url = url;
    this.gitDirectory = gitDirectory;
    this.#database = new ObjectDatabase({ gitDirectory, url });
  }

  async lsRemote(signal: AbortSignal): Promise<RemoteRefs> {
    signal.throwIfAborted();
    const oids = new Map<string, string>();
    for (const branch of await git.listBranches({ fs: FS, gitdir: this.gitDirectory })) await this.#add(oids, `refs/heads/${branch}`);
    for (const tag of await git.listTags({ fs: FS, gitdir: this.gitDirectory })) await this.#add(oids, `refs/tags/${tag}`);
    await this.#add(oids, 'HEAD');
    const head = await git.currentBranch({ fs: FS, gitdir: this.gitDirectory, fullname: true }).catch(() => undefined);
    return typeof head === 'string' ? { oids, head } : { oids };
  }

  async snapshot(commit: string, signal: AbortSignal): Promise<Snapshot> {
    signal.throwIfAborted();
    if (!(await this.#database.hasCommit(commit))) {
      // A repack may have moved the object into a pack this process has not seen.
      this.#database.dropCache();
      if (!(await this.#database.hasCommit(commit)))
        throw new SourceError({ code: 'revisionNotFound', remote: this.url, revision: commit }, `repository ${this.url}: no commit ${commit}`);
    }
    return createSnapshot(this.#database, this.url, commit, (await this.#database.commit(commit)).tree);
  }

  async metadata(commit: string, signal: AbortSignal): Promise<RevisionMetadata> {
    signal.throwIfAborted();
    const record = await this.#database.commit(commit);
    return { author: record.author, date: toTimestamp(record.timestamp * 1000), message: record.message, parents: record.parents };
  }

  async signedCommit(commit: string, signal: AbortSignal): Promise<SignedCommit> {
    signal.throwIfAborted();
    return this.#database.signedCommit(commit);
  }

  async #add(oids: Map<string, string>, ref: string): Promise<void> {
    try {
      const oid = await git.resolveRef({ fs: FS, gitdir: this.gitDirectory, ref });
      oids.set(ref, ref.startsWith('refs/tags/') ? await this.#peel(oid) : oid);
    } catch {
      // A branch not born yet, or deleted between the listing and this line: it has no commit.
    }
  }

  async #peel(oid: string): Promise<string> {
    const { type, object } = await git.readObject({ fs: FS, gitdir: this.gitDirectory, oid, format: 'parsed', cache: this.#database.cache });
    return type === 'tag' && 'object' in object ? String(object.object) : oid;
  }
}

/** Opens the repository at a local path, plain or bare. Throws SourceError `repositoryNotFound`. */
export async function openLocal(url: string): Promise<LocalRepository> {
  const folder = path.resolve(url.replace(/^file:\/\//, ''));
  for (const candidate of [path.join(folder, '.git'), folder]) {
    const gitDirectory = await gitDirectoryAt(candidate);
    if (gitDirectory !== undefined) return new LocalRepository(url, gitDirectory);
  }
  throw new SourceError({ code: 'repositoryNotFound', remote: url }, `repository ${url}: is not a git repository`, {
    hint: 'give the folder that holds .git, or a bare repository',
  });
}

async function gitDirectoryAt(candidate: string): Promise<string | undefined> {
  const found = await stat(candidate).catch(() => undefined);
  if (found?.isFile() === true && path.basename(candidate) === '.git') {
    const target = /^gitdir: (.+)$/m.exec(await readFile(candidate, 'utf8'))?.[1];
    return target === undefined ? undefined : gitDirectoryAt(path.resolve(path.dirname(candidate), target.trim()));
  }
  if (found?.isDirectory() !== true) return undefined;
  return (await stat(path.join(candidate, 'HEAD')).catch(() => undefined)) === undefined ? undefined : candidate;
}

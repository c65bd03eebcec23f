import nodeFs from 'node:fs';
import git, { type PromiseFsClient } from 'isomorphic-git';
import { redactUrl } from '@tiphys/kernel';
import { LruMap } from './lru-map.ts';
import { SourceError } from './source-error.ts';

/** What a name in a folder is. */
export type EntryKind = 'file' | 'directory' | 'symlink' | 'submodule';

/** One name in a folder of a commit. */
export interface TreeEntry {
  readonly name: string;
  readonly kind: EntryKind;
  /** Id of the blob or tree. */
  readonly oid: string;
  /** A file that Git knows as a program. */
  readonly isExecutable?: boolean;
}

/** A commit as it was signed: the text under the signature, and the armored signature where there is one. */
export interface SignedCommit {
  readonly payload: string;
  readonly signature: string | undefined;
}

/** A commit's tree and metadata. */
export interface CommitRecord {
  readonly tree: string;
  readonly author: string;
  readonly timestamp: number;
  readonly message: string;
  readonly parents: readonly string[];
}

const KINDS: Readonly<Record<string, EntryKind>> = {
  '100644': 'file',
  '100755': 'file',
  '100664': 'file',
  '040000': 'directory',
  '40000': 'directory',
  '120000': 'symlink',
  '160000': 'submodule',
};
const MAX_TREES = 20_000;
const MAX_COMMITS = 1_000;
// isomorphic-git's cache holds whole packs in memory: it is dropped after this many reads of blobs.
const READS_PER_CACHE = 50_000;

/** Objects of one git directory, read without a working tree. Trees and commits are immutable, so they are kept by id. */
export class ObjectDatabase {
  readonly gitDirectory: string;
  readonly #url: string;
  readonly #fs: PromiseFsClient;
  readonly #trees = new LruMap<string, readonly TreeEntry[]>(MAX_TREES);
  #commits = new LruMap<string, CommitRecord>(MAX_COMMITS);
  #cache: object = {};
  #reads = 0;

  constructor(options: { readonly gitDirectory: string; readonly url: string; readonly fs?: PromiseFsClient }) {
    this.gitDirectory = options.gitDirectory;
    this.#url = redactUrl(options.url);
    this.#fs = options.fs ?? { promises: nodeFs.promises };
  }

  /** The cache isomorphic-git keeps between calls. */
  get cache(): object {
    return this.#cache;
  }

  /** Forgets packs held in memory. */
  dropCache(): void {
    this.#cache = {};
    this.#reads = 0;
  }

  async commit(oid: string): Promise<CommitRecord> {
    const known = this.#commits.get(oid);
    if (known !== undefined) return known;
    const { commit } = await this.#read(oid, () => git.readCommit({ fs: this.#fs, gitdir: this.gitDirectory, oid, cache: this.#cache }));
    const record: CommitRecord = {
      tree: commit.tree,
      author: `${commit.author.name} <${commit.author.email}>`,
      timestamp: commit.committer.timestamp,
      message: commit.message,
      parents: commit.parent,
    };
    this.#commits.set(oid, record);
    return record;
  }

  async signedCommit(oid: string): Promise<SignedCommit> {
    const { object } = await this.#read(oid, () => git.readObject({ fs: this.#fs, gitdir: this.gitDirectory, oid, format: 'content', cache: this.#cache }));
    if (!(object instanceof Uint8Array)) throw new TypeError('the content of an object is bytes');
    return parseSignedCommit(new TextDecoder().decode(object));
  }

  async hasCommit(oid: string): Promise<boolean> {
    if (this.#commits.get(oid) !== undefined) return true;
    try {
      await git.readTree({ fs: this.#fs, gitdir: this.gitDirectory, oid, cache: this.#cache });
      return true;
    } catch {
      // Absent and unreadable are the same to the caller: it fetches.
      return false;
    }
  }

  async tree(oid: string): Promise<readonly TreeEntry[]> {
    const known = this.#trees.get(oid);
    if (known !== undefined) return known;
    const { tree } = await this.#read(oid, () => git.readTree({ fs: this.#fs, gitdir: this.gitDirectory, oid, cache: this.#cache }));
    const entries = tree.map((entry): TreeEntry => ({
      name: entry.path,
      kind: KINDS[entry.mode] ?? 'file',
      oid: entry.oid,
      ...(entry.mode === '100755' ? { isExecutable: true } : {}),
    }));
    this.#trees.set(oid, entries);
    return entries;
  }

  async blob(oid: string): Promise<Uint8Array> {
    this.#reads += 1;
    if (this.#reads > READS_PER_CACHE) this.dropCache();
    const { blob } = await this.#read(oid, () => git.readBlob({ fs: this.#fs, gitdir: this.gitDirectory, oid, cache: this.#cache }));
    return blob;
  }

  async #read<T>(oid: string, read: () => Promise<T>): Promise<T> {
    try {
      return await read();
    } catch (error) {
      // What is remembered must not hide that the folder was harmed.
      this.#commits = new LruMap<string, CommitRecord>(MAX_COMMITS);
      throw new SourceError({ code: 'corrupt', remote: this.#url }, `repository ${this.#url}: object ${oid} cannot be read`, {
        cause: error,
        hint: 'the cached copy is fetched anew on the next attempt',
      });
    }
  }
}

// The signature is a header whose further lines begin with a blank; it covers the commit without it (gitformat-signature(5)).
function parseSignedCommit(text: string): SignedCommit {
  const end = text.indexOf('\n\n');
  const [head, message] = end < 0 ? [text, ''] : [text.slice(0, end + 1), text.slice(end + 1)];
  const header = /^gpgsig (.*\n(?: .*\n)*)/m.exec(head);
  const payload = head.replaceAll(/^gpgsig(?:-sha256)? .*\n(?: .*\n)*/gm, '') + message;
  return { payload, signature: header?.[1]?.replaceAll(/^ /gm, '') };
}

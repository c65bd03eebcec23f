import { redactUrl } from '@tiphys/kernel';
import type { ObjectDatabase, TreeEntry } from './object-database.ts';
import { SourceError } from './source-error.ts';

/** A commit, read straight from its objects: no checkout, no lock, any number at once. Paths are relative to the root, `''` is the root. */
export interface Snapshot {
  readonly repoURL: string;
  readonly commit: string;
  /** The bytes of a file. Throws SourceError `pathNotFound`, `notAFile`, `pathEscapes`, `tooLarge`. */
  read(path: string, options?: { readonly maxBytes?: number }): Promise<Uint8Array>;
  /** Names in a folder, sorted. Throws SourceError `pathNotFound`, `notADirectory`, `pathEscapes`. */
  list(path: string): Promise<readonly TreeEntry[]>;
  /** Id and kind of what stands at a path, symlinks resolved; undefined when nothing does. */
  stat(path: string): Promise<{ readonly oid: string; readonly kind: 'file' | 'directory' | 'submodule' } | undefined>;
  /** Id of the blob or tree at a path; undefined when there is none. */
  oid(path: string): Promise<string | undefined>;
}

const MAX_SYMLINKS = 40;
const MAX_LINK_BYTES = 4096;

/** Normal form of a path inside a tree: no empty part, no `.`, and `..` only as far as the root. Undefined when it escapes. */
export function normalizePath(path: string): string | undefined {
  const parts: string[] = [];
  for (const part of path.split('/')) {
    if (part === '' || part === '.') continue;
    if (part.includes('\0')) return undefined;
    if (part !== '..') parts.push(part);
    else if (parts.pop() === undefined) return undefined;
  }
  return parts.join('/');
}

/** A snapshot of the commit whose root tree is `tree`. */
export function createSnapshot(database: ObjectDatabase, repoURL: string, commit: string, tree: string): Snapshot {
  const remote = redactUrl(repoURL);
  const fail = (code: 'pathNotFound' | 'pathEscapes' | 'notAFile' | 'notADirectory', path: string, what: string): SourceError =>
    new SourceError({ code, remote, path }, `${path === '' ? '.' : path}: ${what} in ${remote} at ${commit.slice(0, 7)}`);

  async function locate(path: string): Promise<TreeEntry | undefined> {
    const normal = normalizePath(path);
    if (normal === undefined) throw fail('pathEscapes', path, 'path leads out of the repository');
    let pending = normal === '' ? [] : normal.split('/');
    let at: TreeEntry = { name: '', kind: 'directory', oid: tree };
    let walked: string[] = [];
    let links = 0;
    while (pending.length > 0) {
      const [name = '', ...rest] = pending;
      if (at.kind !== 'directory') return undefined;
      const entry: TreeEntry | undefined = (await database.tree(at.oid)).find((candidate) => candidate.name === name);
      if (entry === undefined) return undefined;
      if (entry.kind !== 'symlink') {
        at = entry;
        walked.push(name);
        pending = rest;
        continue;
      }
      links += 1;
      const target = new TextDecoder().decode(await database.blob(entry.oid));
      const resolved =
        target.length > MAX_LINK_BYTES || target.startsWith('/') || links > MAX_SYMLINKS ? undefined : normalizePath([...walked, target].join('/'));
      if (resolved === undefined) throw fail('pathEscapes', path, `symlink '${[...walked, name].join('/')}' leads out of the repository or to itself`);
      pending = [...(resolved === '' ? [] : resolved.split('/')), ...rest];
      at = { name: '', kind: 'directory', oid: tree };
      walked = [];
    }
    return at;
  }

  async function stat(path: string): ReturnType<Snapshot['stat']> {
    const entry = await locate(path);
    // locate follows every symlink, so the kind left is one of the three.
    return entry === undefined || entry.kind === 'symlink' ? undefined : { oid: entry.oid, kind: entry.kind };
  }

  return {
    repoURL,
    commit,
    stat,
    oid: async (path) => (await locate(path))?.oid,
    async read(path, options = {}) {
      const entry = await locate(path);
      if (entry === undefined) throw fail('pathNotFound', path, 'no such file');
      if (entry.kind !== 'file') throw fail('notAFile', path, `is a ${entry.kind}, not a file,`);
      const bytes = await database.blob(entry.oid);
      if (options.maxBytes !== undefined && bytes.byteLength > options.maxBytes) {
        throw new SourceError(
          { code: 'tooLarge', remote, limitBytes: options.maxBytes },
          `${path}: file of ${bytes.byteLength} bytes exceeds the limit of ${options.maxBytes} bytes`,
        );
      }
      return bytes;
    },
    async list(path) {
      const entry = await locate(path);
      if (entry === undefined) throw fail('pathNotFound', path, 'no such path');
      if (entry.kind !== 'directory') throw fail('notADirectory', path, `is a ${entry.kind}, not a directory,`);
      return (await database.tree(entry.oid)).toSorted((a, b) => (a.name < b.name ? -1 : 1));
    },
  };
}

import { fail, KustomizeError } from '../kustomize-error.ts';
import type { Budget } from '../limits.ts';
import { parseRepoSpec, withoutCredentials, type RepoSpec } from './repo-spec.ts';

/** What a build reads: paths are normalised and relative to the root of the repository, which is the empty path. */
export interface KustomizeReads {
  /** The bytes of a file; undefined when there is none. */
  read(path: string): Promise<Uint8Array | undefined>;
  /** Names in a folder; undefined when there is none. */
  list(path: string): Promise<readonly { readonly name: string; readonly kind: 'file' | 'directory' | 'symlink' | 'submodule' }[] | undefined>;
}

/** A base in another repository. */
export interface RemoteBase {
  /** What can be cloned, such as `https://github.com/org/repo`. */
  readonly repository: string;
  /** Branch, tag or commit; empty for the default branch. */
  readonly revision: string;
  /** The folder of the kustomization in that repository. */
  readonly path: string;
  readonly submodules: boolean;
}

/** What all loaders of one build have in common. */
export interface LoaderContext {
  readonly budget: Budget;
  /** What the root of the reads is: that of a repository, which nothing leads out of, or of a file system, where `..` stays. */
  readonly root: 'repository' | 'filesystem';
  /** `rootOnly`: files must stand in or below the kustomization that names them. */
  readonly loadRestrictions: 'rootOnly' | 'none';
  readonly openRemote: ((base: RemoteBase) => Promise<KustomizeReads | undefined>) | undefined;
  readonly fetchFile: ((url: string) => Promise<Uint8Array | undefined>) | undefined;
}

/** Whether a path is the URL of a file. */
export function isRemoteFile(path: string): boolean {
  return /^https?:/i.test(path);
}

/** Joins a path to a folder; both and the result are absolute in their repository. Undefined when it leads out and may not stay at the root. */
export function joinPath(folder: string, path: string, staysAtRoot = false): string | undefined {
  const parts: string[] = [];
  for (const part of (path.startsWith('/') ? path : `${folder}/${path}`).split('/')) {
    if (part === '' || part === '.') continue;
    if (part !== '..') parts.push(part);
    else if (parts.pop() === undefined && !staysAtRoot) return undefined;
  }
  return `/${parts.join('/')}`;
}

/** Whether a folder is another one, or in it. */
function isWithin(folder: string, parent: string): boolean {
  return parent === '/' || folder === parent || folder.startsWith(`${parent}/`);
}

/** Reads files for the kustomization of one folder, and opens loaders for its bases (kustomize v5.8.1 api/internal/loader). */
export class Loader {
  /** The folder, from the root of its repository on. */
  readonly root: string;
  /** The remote repository it is in. */
  readonly repo: RepoSpec | undefined;
  readonly #reads: KustomizeReads;
  readonly #context: LoaderContext;
  readonly #referrer: Loader | undefined;
  readonly #depth: number;

  constructor(root: string, reads: KustomizeReads, context: LoaderContext, from: { readonly referrer?: Loader; readonly repo?: RepoSpec } = {}) {
    this.root = root;
    this.#reads = reads;
    this.#context = context;
    this.#referrer = from.referrer;
    this.repo = from.repo;
    this.#depth = (from.referrer?.depth ?? 0) + 1;
    context.budget.check('depth', this.#depth);
  }

  get depth(): number {
    return this.#depth;
  }

  /** Reads a file named by the kustomization, or fetches it. Throws KustomizeError. */
  async load(path: string): Promise<Uint8Array> {
    if (isRemoteFile(path)) return this.#fetch(path);
    const place = this.#join(path);
    if (place === undefined) return fail(`security; file '${path}' is not in or below '${this.root}'`);
    const bytes = await this.#read(place);
    if (bytes === undefined) return fail(await this.#whyNot(place), (await this.#isFolder(place)) ? 'other' : 'missing');
    if (this.#restricts && !isWithin(place.slice(0, place.lastIndexOf('/')) || '/', this.root))
      fail(`security; file '${place}' is not in or below '${this.root}'`);
    return bytes;
  }

  #join(path: string): string | undefined {
    return joinPath(this.root, path, this.#context.root === 'filesystem' && this.#containingRepo === undefined);
  }

  /** The reads of the repository, and a folder in it as they name it; undefined where the path leads out. */
  folder(path: string): { readonly reads: KustomizeReads; readonly path: string } | undefined {
    const place = this.#join(path);
    return place === undefined ? undefined : { reads: this.#reads, path: place.slice(1) };
  }

  /** Where a file of the kustomization stands, as errors and objects say it. */
  placeOf(path: string): string {
    return isRemoteFile(path) ? path : (this.#join(path) ?? path).slice(1);
  }

  /** Reads a file beside the kustomization; undefined when there is none. */
  loadBeside(name: string): Promise<Uint8Array | undefined> {
    return this.#read(this.#join(name) ?? '/');
  }

  get #restricts(): boolean {
    return this.#context.loadRestrictions === 'rootOnly' || this.#containingRepo !== undefined;
  }

  get #containingRepo(): RepoSpec | undefined {
    return this.repo ?? (this.#referrer === undefined ? undefined : this.#referrer.#containingRepo);
  }

  async #whyNot(place: string): Promise<string> {
    return (await this.#isFolder(place)) ? `'${place}' must resolve to a file` : this.#missing(place);
  }

  // The words of Go for a path of which some part is not there.
  async #missing(place: string): Promise<string> {
    const parts = place.split('/');
    let end = 2;
    while (end < parts.length && (await this.#isFolder(parts.slice(0, end).join('/')))) end += 1;
    return `evalsymlink failure on '${place}' : lstat ${parts.slice(0, end).join('/')}: no such file or directory`;
  }

  async #isFolder(place: string): Promise<boolean> {
    return (await this.#reads.list(place.slice(1))) !== undefined;
  }

  async #read(place: string): Promise<Uint8Array | undefined> {
    this.#context.budget.spend('files', 1);
    const bytes = await this.#reads.read(place.slice(1));
    if (bytes !== undefined) this.#context.budget.spend('bytes', bytes.byteLength);
    return bytes;
  }

  async #fetch(url: string): Promise<Uint8Array> {
    this.#context.budget.spend('files', 1);
    const bytes = await this.#context.fetchFile?.(url);
    if (bytes === undefined) return fail(`${withoutCredentials(url)}: remote file cannot be fetched`, 'remote');
    this.#context.budget.spend('bytes', bytes.byteLength);
    return bytes;
  }

  /** A loader for a base or component: a folder, or another repository. Throws KustomizeError. */
  async open(path: string): Promise<Loader> {
    if (path === '') return fail('new root cannot be empty');
    const spec = parseRepoSpec(path);
    if (!(spec instanceof KustomizeError)) return this.#openRepository(spec);
    if (path.startsWith('/')) return fail(`new root '${path}' cannot be absolute`);
    const root = this.#join(path);
    if (root === undefined) {
      return this.#containingRepo === undefined
        ? fail(`security; base '${path}' leads out of the repository`)
        : fail(`security; bases in kustomizations found in cloned git repos must be within the repo, but base '${path}' is outside`);
    }
    if (!(await this.#isFolder(root))) {
      if ((await this.#read(root)) === undefined) return fail(`must build at directory: not a valid directory: ${await this.#missing(root)}`, 'missing');
      return fail(`must build at directory: '${root}': file is not directory`);
    }
    this.#refuseCycle(root, this.#reads);
    return new Loader(root, this.#reads, this.#context, { referrer: this });
  }

  #refuseCycle(root: string, reads: KustomizeReads): void {
    if (this.#reads === reads && isWithin(this.root, root)) fail(`cycle detected: candidate root '${root}' contains visited root '${this.root}'`);
    if (this.#referrer !== undefined) this.#referrer.#refuseCycle(root, reads);
  }

  async #openRepository(spec: RepoSpec): Promise<Loader> {
    this.#refuseRepositoryCycle(spec);
    const reads = await this.#context.openRemote?.({ repository: spec.repository, revision: spec.revision, path: spec.path, submodules: spec.submodules });
    if (reads === undefined) return fail(`${withoutCredentials(spec.raw)}: remote base cannot be fetched`, 'remote');
    const root = joinPath('/', spec.path);
    if (root === undefined) return fail(`"${spec.path}" refers to directory outside of repo`);
    const loader = new Loader(root, reads, this.#context, { referrer: this, repo: spec });
    if (!(await loader.#isFolder(root))) return fail(`'${spec.path}': no such directory in ${withoutCredentials(spec.repository)}`, 'missing');
    return loader;
  }

  #refuseRepositoryCycle(spec: RepoSpec): void {
    if (this.repo?.raw.startsWith(spec.raw) === true) {
      fail(`cycle detected: URI '${withoutCredentials(spec.raw)}' referenced by previous URI '${withoutCredentials(this.repo.raw)}'`);
    }
    if (this.#referrer !== undefined) this.#referrer.#refuseRepositoryCycle(spec);
  }
}

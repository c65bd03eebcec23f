import { isRepoPermitted, type AppProject } from '@tiphys/delivery-applications';
import { isCommit, resolveRevision, type Repository, type Snapshot } from '@tiphys/delivery-git';
import type { WantedRepository } from '@tiphys/delivery-render';
import type { Clock } from '@tiphys/kernel';

/** What remote bases are opened with. */
export interface RemoteBasesOptions {
  /** Patterns of repository URLs that may be built on, as a project's sourceRepos are written; none means remote bases are off. */
  readonly allowed: readonly string[];
  /** How long a branch is taken to stand where it stood, in milliseconds: bases are not polled. */
  readonly maxAgeMs: number;
  readonly clock: Clock;
  readonly openRepository: (repoURL: string, signal: AbortSignal) => Promise<Repository>;
}

const MAX_RESOLVED = 1000;

/** Opens a repository at a revision for a project: undefined where it may not be asked. Throws SourceError. */
export type OpenRemote = (wanted: WantedRepository, project: AppProject, signal: AbortSignal) => Promise<Snapshot | undefined>;

/** Other repositories that sources build on (Kustomize's remote bases): off unless an operator allows them, and then only where the project does too. */
export function openRemoteBases(options: RemoteBasesOptions): OpenRemote {
  const bases = new RemoteBases(options);
  return (wanted, project, signal) => bases.open(wanted, project, signal);
}

/** Whether both an operator's patterns and a project allow an address to be built on. */
export function mayBuildOn(allowed: readonly string[], project: AppProject, url: string): boolean {
  return isRepoPermitted({ spec: { sourceRepos: allowed } }, url) && isRepoPermitted(project, url);
}

class RemoteBases {
  readonly #options: RemoteBasesOptions;
  readonly #resolved = new Map<string, { readonly commit: string; readonly atMs: number }>();

  constructor(options: RemoteBasesOptions) {
    this.#options = options;
  }

  async open({ repository: url, revision }: WantedRepository, project: AppProject, signal: AbortSignal): Promise<Snapshot | undefined> {
    if (!mayBuildOn(this.#options.allowed, project, url)) return undefined;
    const repository = await this.#options.openRepository(url, signal);
    return repository.snapshot(await this.#commitOf(repository, url, revision, signal), signal);
  }

  async #commitOf(repository: Repository, url: string, revision: string, signal: AbortSignal): Promise<string> {
    if (isCommit(revision)) return revision;
    const key = `${url}\0${revision}`;
    const now = this.#options.clock.now();
    const known = this.#resolved.get(key);
    if (known !== undefined && now - known.atMs < this.#options.maxAgeMs) return known.commit;
    const commit = resolveRevision(await repository.lsRemote(signal), revision, url);
    this.#resolved.delete(key);
    this.#resolved.set(key, { commit, atMs: now });
    const oldest = this.#resolved.size > MAX_RESOLVED ? this.#resolved.keys().next().value : undefined;
    if (oldest !== undefined) this.#resolved.delete(oldest);
    return commit;
  }
}

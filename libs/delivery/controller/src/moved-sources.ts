import type { Repository, RepositoryPoller } from '@tiphys/delivery-git';
import type { Clock, WorkQueue } from '@tiphys/kernel';
import type { ApplicationIndex } from './application-index.ts';
import { sourcesIn } from './application-news.ts';
import { resolveSources } from './revisions.ts';

// Applications handed on together when the queue is empty, and how long it is left alone after that.
const SHARE = 4;
const PAUSE_MS = 5;

/** What the order of a commit's applications is told by. */
export interface MovedSourcesDeps {
  readonly keys: Pick<WorkQueue, 'add' | 'length'>;
  readonly access: { open(repoURL: string): Promise<Repository> };
  readonly applications: Pick<ApplicationIndex, 'get'>;
  readonly poller: Pick<RepositoryPoller, 'state'>;
  readonly clock: Clock;
}

/**
 * Hands on the applications of a repository that moved: at once those whose folder the commit touches, the others whenever the queue is empty. Only an
 * order: all of them are looked at. Of thousands that share a repository, the one that was changed need not wait for the rest.
 */
export class MovedSources {
  readonly #deps: MovedSourcesDeps;
  readonly #folders = new Map<string, string>();
  readonly #later = new Set<string>();
  #wake: (() => void) | undefined;

  constructor(deps: MovedSourcesDeps) {
    this.#deps = deps;
  }

  /** Does not throw: what cannot be told is handed on at once. */
  async moved(instances: readonly string[], repoURL: string, signal: AbortSignal): Promise<void> {
    const folderAt = memoize(async () => this.#deps.access.open(repoURL), signal);
    const known = new Set(instances.filter((instance) => this.#folders.has(instance)));
    // Of the others nothing can be told: a first fetch, which may be long, is theirs.
    for (const instance of instances) if (!known.has(instance)) this.#deps.keys.add(instance);
    for (const instance of instances) {
      const isTouched = await this.#isTouched(instance, folderAt).catch(() => true);
      if (!known.has(instance)) continue;
      if (isTouched) this.#deps.keys.add(instance);
      else this.#later.add(instance);
    }
    this.#wake?.();
  }

  /** Forgets an application. */
  delete(instance: string): void {
    this.#folders.delete(instance);
    this.#later.delete(instance);
  }

  /** Hands on what can wait, until the signal aborts. */
  async run(signal: AbortSignal): Promise<void> {
    const { keys, clock } = this.#deps;
    while (!signal.aborted) {
      if (this.#later.size === 0) await this.#news(signal);
      if (keys.length === 0) this.#handOn();
      await clock.sleep(PAUSE_MS, signal).catch(() => undefined); // Aborted: the loop ends.
    }
  }

  #handOn(): void {
    let handed = 0;
    for (const instance of this.#later) {
      this.#later.delete(instance);
      this.#deps.keys.add(instance);
      handed += 1;
      if (handed === SHARE) return;
    }
  }

  async #isTouched(instance: string, folderAt: (commit: string, path: string) => Promise<string | undefined>): Promise<boolean> {
    const sources = sourcesIn(this.#deps.applications.get(instance));
    const [source] = sources;
    // Only one folder of one repository is told cheaply.
    if (sources.length !== 1 || source?.path === undefined || source.chart !== undefined) return true;
    const [commit = ''] = resolveSources(sources, this.#deps);
    const folder = await folderAt(commit, source.path);
    if (folder === undefined || folder === this.#folders.get(instance)) return folder === undefined;
    this.#folders.set(instance, folder);
    return true;
  }

  #news(signal: AbortSignal): Promise<void> {
    return new Promise((resolve) => {
      const wake = (): void => {
        signal.removeEventListener('abort', wake);
        this.#wake = undefined;
        resolve();
      };
      signal.addEventListener('abort', wake, { once: true });
      this.#wake = wake;
      if (signal.aborted) wake();
    });
  }
}

// One snapshot for each commit that is asked for.
function memoize(open: () => Promise<Repository>, signal: AbortSignal): (commit: string, path: string) => Promise<string | undefined> {
  const snapshots = new Map<string, ReturnType<Repository['snapshot']>>();
  return async (commit, path) => {
    const known = snapshots.get(commit) ?? open().then((repository) => repository.snapshot(commit, signal));
    snapshots.set(commit, known);
    return (await known).oid(path);
  };
}

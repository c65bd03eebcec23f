import { watch } from 'node:fs/promises';
import path from 'node:path';
import { normalizeRepoUrl } from '@tiphys/delivery-applications';
import { isAbortError, messageOf, redactUrl, type Clock, type Logger, type Service } from '@tiphys/kernel';
import type { RemoteRefs, Repository } from './repository.ts';

/** What the poller knows about one repository. */
export interface PollState {
  readonly repoURL: string;
  readonly lastPollAt?: number;
  readonly nextPollAt?: number;
  readonly error?: string;
  /** How long the last look took, in milliseconds. */
  readonly latencyMs?: number;
  readonly refs?: RemoteRefs;
  readonly polls: number;
}

/** Refs of a repository moved, or were seen for the first time. */
export interface RefsMoved {
  readonly repoURL: string;
  readonly refs: RemoteRefs;
}

/** How a poller is made. */
export interface RepositoryPollerOptions {
  readonly open: (repoURL: string, signal: AbortSignal) => Promise<Repository>;
  readonly onMoved: (moved: RefsMoved) => void;
  readonly onError: (repoURL: string, error: unknown) => void;
  readonly intervalMs: number;
  readonly clock: Clock;
  readonly logger: Logger;
  /** [0, 1): spreads polls so that repositories do not beat together. */
  readonly random: () => number;
}

const MAX_BACKOFF_MS = 5 * 60_000;
const JITTER = 0.2;

interface Watched {
  readonly repoURL: string;
  readonly stop: AbortController;
  wake: AbortController;
  hinted: boolean;
  failures: number;
  state: PollState;
  waiters: ((state: PollState) => void)[];
}

/** Looks at each repository once per interval, whatever the number of applications, and at once after a hint. */
export class RepositoryPoller implements Service {
  readonly name = 'repository-poller';
  readonly #options: RepositoryPollerOptions;
  readonly #watched = new Map<string, Watched>();
  #signal: AbortSignal | undefined;
  #running = new Set<Promise<void>>();

  constructor(options: RepositoryPollerOptions) {
    this.#options = options;
  }

  async run(signal: AbortSignal): Promise<void> {
    this.#signal = signal;
    for (const watched of this.#watched.values()) this.#start(watched);
    await new Promise<void>((resolve) => {
      if (signal.aborted) resolve();
      else signal.addEventListener('abort', () => resolve(), { once: true });
    });
    this.#signal = undefined;
    await Promise.all(this.#running);
  }

  /** Makes the set of polled repositories exactly this one. */
  setRepositories(repoURLs: Iterable<string>): void {
    const wanted = new Set(repoURLs);
    for (const [url, watched] of this.#watched) {
      if (wanted.has(url)) continue;
      watched.stop.abort();
      this.#watched.delete(url);
    }
    for (const repoURL of wanted) {
      if (this.#watched.has(repoURL)) continue;
      const watched: Watched = {
        repoURL,
        stop: new AbortController(),
        wake: new AbortController(),
        hinted: false,
        failures: 0,
        state: { repoURL, polls: 0 },
        waiters: [],
      };
      this.#watched.set(repoURL, watched);
      this.#start(watched);
    }
  }

  /** Looks now at every repository that is the same place as the URL. Returns how many that are. */
  hint(repoURL: string): number {
    const wanted = normalizeRepoUrl(repoURL);
    let hinted = 0;
    for (const watched of this.#watched.values()) {
      if (normalizeRepoUrl(watched.repoURL) !== wanted) continue;
      hinted += 1;
      this.#wake(watched);
    }
    return hinted;
  }

  /** Looks now, and resolves with what the next poll found. Undefined when the repository is not polled. */
  async refresh(repoURL: string, signal: AbortSignal): Promise<PollState | undefined> {
    const watched = this.#watched.get(repoURL);
    if (watched === undefined) return undefined;
    const seen = new Promise<PollState>((resolve, reject) => {
      watched.waiters.push(resolve);
      signal.addEventListener('abort', () => reject(signal.reason), { once: true });
    });
    this.#wake(watched);
    return seen;
  }

  /** What is known of a repository. */
  state(repoURL: string): PollState | undefined {
    return this.#watched.get(repoURL)?.state;
  }

  /** What is known of all of them. */
  states(): readonly PollState[] {
    return [...this.#watched.values()].map((watched) => watched.state);
  }

  #wake(watched: Watched): void {
    watched.hinted = true;
    watched.wake.abort();
  }

  #start(watched: Watched): void {
    const signal = this.#signal;
    if (signal === undefined || signal.aborted) return;
    const loop = this.#loop(watched, AbortSignal.any([signal, watched.stop.signal])).catch((error: unknown) => {
      if (!isAbortError(error)) this.#options.logger.error({ repoURL: redactUrl(watched.repoURL), err: error }, 'poll loop ended');
    });
    this.#running.add(loop);
    void loop.then(() => this.#running.delete(loop)); // loop never rejects.
  }

  async #loop(watched: Watched, signal: AbortSignal): Promise<void> {
    const { clock, intervalMs, random } = this.#options;
    let isWatchingFiles = false;
    while (!signal.aborted) {
      watched.hinted = false;
      watched.wake = new AbortController();
      const waiters = watched.waiters.splice(0);
      const repository = await this.#poll(watched, signal);
      for (const resolve of waiters) resolve(watched.state);
      if (repository?.gitDirectory !== undefined && !isWatchingFiles) {
        isWatchingFiles = true;
        this.#watchFiles(watched, repository.gitDirectory, signal);
      }
      if (watched.hinted || watched.waiters.length > 0) continue;
      const base = watched.failures === 0 ? intervalMs : Math.min(intervalMs * 2 ** Math.min(watched.failures, 10), MAX_BACKOFF_MS);
      const delayMs = base * (1 - JITTER / 2 + JITTER * random());
      watched.state = { ...watched.state, nextPollAt: clock.now() + delayMs };
      await clock.sleep(delayMs, AbortSignal.any([signal, watched.wake.signal])).catch(() => undefined); // Woken or stopped: the loop's condition tells.
    }
  }

  async #poll(watched: Watched, signal: AbortSignal): Promise<Repository | undefined> {
    const { clock, logger, open, onMoved, onError } = this.#options;
    const { repoURL } = watched;
    const startedAtMs = clock.monotonic();
    const latencyMs = (): number => Math.round(clock.monotonic() - startedAtMs);
    try {
      const repository = await open(repoURL, signal);
      const refs = await repository.lsRemote(signal);
      const before = watched.state.refs;
      const recovered = watched.failures > 0;
      watched.failures = 0;
      watched.state = { repoURL, lastPollAt: clock.now(), latencyMs: latencyMs(), refs, polls: watched.state.polls + 1 };
      if (before === undefined || recovered || hasMoved(before, refs)) onMoved({ repoURL, refs });
      return repository;
    } catch (error) {
      if (signal.aborted) return undefined;
      watched.failures += 1;
      const { refs } = watched.state;
      watched.state = {
        repoURL,
        lastPollAt: clock.now(),
        latencyMs: latencyMs(),
        error: redactUrl(messageOf(error)),
        polls: watched.state.polls + 1,
        ...(refs === undefined ? {} : { refs }),
      };
      logger[watched.failures > 3 ? 'warn' : 'info']({ repoURL: redactUrl(repoURL), failures: watched.failures, err: error }, 'repository cannot be polled');
      onError(repoURL, error);
      return undefined;
    }
  }

  // A local repository tells by itself when a branch moves; the poll stays as the safety net.
  #watchFiles(watched: Watched, gitDirectory: string, signal: AbortSignal): void {
    const follow = async (folder: string): Promise<void> => {
      try {
        for await (const { filename } of watch(folder, { signal, persistent: false })) {
          if (filename === null || !filename.endsWith('.lock')) this.#wake(watched);
        }
      } catch {
        // Aborted, or the folder cannot be watched: polling goes on.
      }
    };
    void follow(path.join(gitDirectory, 'refs', 'heads')); // Ends with the signal and never rejects.
  }
}

function hasMoved(before: RemoteRefs, after: RemoteRefs): boolean {
  if (before.oids.size !== after.oids.size) return true;
  for (const [ref, oid] of after.oids) if (before.oids.get(ref) !== oid) return true;
  return false;
}

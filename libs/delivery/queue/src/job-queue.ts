/** A wish to have a run looked at: ids only, never manifests or secrets. */
export interface SyncJob {
  readonly application: string;
  readonly runId: string;
}

/** What became of a job: finished, or to be handed out again. */
export type JobOutcome = { readonly kind: 'done' } | { readonly kind: 'retryAfter'; readonly afterMs: number };

/** Works on one job. A rejection hands the job out again after a growing delay. */
export type JobHandler = (job: SyncJob, signal: AbortSignal) => Promise<JobOutcome>;

/** How jobs are worked on. */
export interface ProcessOptions {
  readonly signal: AbortSignal;
  /** Jobs at once. */
  readonly concurrency: number;
}

/**
 * The doorbell of runs. The SyncRun object is the ledger: a job may be delivered twice or be lost with its server, and
 * whoever rings again (the outbox) makes up for it. A run waits at most once and is handed to one worker at a time.
 */
export interface JobQueue {
  add(job: SyncJob): Promise<void>;
  /** Hands jobs to the handler until the signal aborts; resolves when the handlers under way have ended. */
  process(handler: JobHandler, options: ProcessOptions): Promise<void>;
  /** Tells when the queue can be reached (again): jobs added before may have been lost. Returns the way to unsubscribe. */
  onAvailable(listener: () => void): () => void;
  close(): Promise<void>;
}

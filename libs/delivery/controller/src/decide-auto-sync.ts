import { isAutomated, isFinished, type Application, type RunCause, type SyncRun } from '@tiphys/delivery-applications';
import type { Comparison, ResourceComparison } from '@tiphys/delivery-diff';
import { parseDuration } from '@tiphys/kernel';
import { refKey } from '@tiphys/kube-model';

/** All the decision is made from. */
export interface AutoSyncInput {
  readonly application: Application;
  readonly comparison: Comparison;
  readonly isComplete: boolean;
  /** Fingerprint of the sources and commits compared to. */
  readonly attempt: string;
  /** Runs of the application, newest first; dry and selective runs of people do not count as attempts. */
  readonly runs: readonly SyncRun[];
  readonly attemptOf: (run: SyncRun) => string;
  readonly isPinned: boolean;
  /** Objects another application tracks too: drift there is its doing, and healing it would be a tug-of-war. */
  readonly shared: ReadonlySet<string>;
  readonly nowMs: number;
}

/** What automation does next. */
export type AutoSyncDecision =
  | { readonly kind: 'none' }
  | { readonly kind: 'wait'; readonly afterMs: number }
  | { readonly kind: 'refused'; readonly message: string }
  | { readonly kind: 'sync'; readonly cause: Extract<RunCause, 'automated' | 'self-heal'> };

const NONE: AutoSyncDecision = { kind: 'none' };
const HEALS_PER_MINUTE = 30;
const BASE_DELAY_MS = 2_000;
const FACTOR = 3;
const MAX_DELAY_MS = 300_000;

/** Decides whether automation syncs now: one attempt for each new commit, and healing of drift with a back-off where it does not help. */
export function decideAutoSync(input: AutoSyncInput): AutoSyncDecision {
  const { application, comparison, runs } = input;
  const automated = application.spec.syncPolicy?.automated;
  if (!isAutomated(application.spec) || automated === undefined || application.metadata.deletionTimestamp !== undefined) return NONE;
  if (!input.isComplete || comparison.status !== 'OutOfSync' || runs.some((run) => !isFinished(run))) return NONE;
  // What is already being deleted needs no second prune.
  const different = comparison.resources.filter(
    (resource) => resource.status === 'OutOfSync' && !(resource.requiresPruning && resource.live?.metadata.deletionTimestamp !== undefined),
  );
  if (different.length === 0) return NONE;
  const needsOnlyPrune = different.every((resource) => resource.requiresPruning);
  if (needsOnlyPrune && automated.prune !== true) return NONE;
  const prunesAll = comparison.resources.length > 0 && comparison.resources.every((resource) => resource.requiresPruning);
  if (prunesAll && automated.prune === true && automated.allowEmpty !== true) {
    return { kind: 'refused', message: 'auto-sync would delete every object of the application: set syncPolicy.automated.allowEmpty, or sync by hand' };
  }
  return afterAttempts(input, different, automated.selfHeal === true);
}

function afterAttempts(
  { runs, attempt, attemptOf, isPinned, nowMs, shared }: AutoSyncInput,
  different: readonly ResourceComparison[],
  selfHeal: boolean,
): AutoSyncDecision {
  const attempts = runs.filter((run) => attemptOf(run) === attempt && run.spec.options.dryRun !== true && run.spec.options.resources === undefined);
  const last = attempts[0];
  if (last === undefined) return isPinned ? NONE : { kind: 'sync', cause: 'automated' };
  if (!selfHeal) {
    return last.status?.phase === 'Succeeded'
      ? NONE
      : { kind: 'refused', message: `auto-sync failed for this revision and waits for the next commit: ${last.status?.message ?? ''}` };
  }
  if (different.every(({ ref }) => shared.has(refKey(ref)))) return NONE;
  const delayMs = healDelay(attempts, nowMs);
  return delayMs > 0 ? { kind: 'wait', afterMs: delayMs } : { kind: 'sync', cause: 'self-heal' };
}

// Healing that changed nothing or failed will not help by being repeated quickly; neither does fighting somebody all the time.
function healDelay(attempts: readonly SyncRun[], nowMs: number): number {
  const last = attempts[0];
  const endedMs = Date.parse(last?.status?.finishedAt ?? '');
  if (last === undefined || Number.isNaN(endedMs)) return 0;
  const firstHelpful = attempts.findIndex((run) => run.status?.phase === 'Succeeded' && (run.status.tasks ?? []).some((task) => task.changed === true));
  const useless = firstHelpful < 0 ? attempts.length : firstHelpful;
  const recent = attempts.filter((run) => run.spec.cause === 'self-heal' && nowMs - Date.parse(run.status?.finishedAt ?? '') < 60_000).length;
  const level = Math.max(useless, recent - HEALS_PER_MINUTE);
  if (level <= 0) return 0;
  return Math.max(0, endedMs + Math.min(BASE_DELAY_MS * FACTOR ** (level - 1), MAX_DELAY_MS) - nowMs);
}

/** How long a failed run waits before its next attempt; undefined when it has had enough. */
export function retryDelay(run: SyncRun, attempt: number): number | undefined {
  const { retry } = run.spec.options;
  const limit = retry?.limit ?? 0;
  if (limit >= 0 && attempt >= limit) return undefined;
  const base = parseDuration(retry?.backoff?.duration ?? '5s') ?? 5_000;
  const max = parseDuration(retry?.backoff?.maxDuration ?? '3m') ?? 180_000;
  return Math.min(base * (retry?.backoff?.factor ?? 2) ** attempt, max);
}

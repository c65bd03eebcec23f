import { customResource, fnv32a, type KubeObject, type ResourceType } from '@tiphys/kube-model';
import type { ApplicationSource, RetryStrategy, SyncResource } from './application.ts';

/** API group and version of our own kinds. */
export const TIPHYS_API_VERSION = 'tiphys.dev/v1alpha1';

/** How to address SyncRuns. */
export const syncRunType: ResourceType = customResource(TIPHYS_API_VERSION, 'SyncRun', 'syncruns');

/** Label with the application's name, hashed where a label cannot hold it. */
export const APPLICATION_LABEL = 'tiphys.dev/application';

/** Annotation of an Application after a rollback: automation stays away until the pin ends. JSON of `Pin`. */
export const PIN_ANNOTATION = 'tiphys.dev/pin';

/** Annotation on hooks: the run that created them. */
export const RUN_ANNOTATION = 'tiphys.dev/run';

/** Why a run exists. */
export type RunCause = 'manual' | 'automated' | 'self-heal' | 'rollback';

/** Phases of a run. `Pending` waits to be claimed; the last three are final. */
export type RunPhase = 'Pending' | 'Running' | 'Succeeded' | 'Failed' | 'Error';

/** What a run was asked to do besides the sources. */
export interface RunOptions {
  readonly prune?: boolean;
  readonly dryRun?: boolean;
  readonly force?: boolean;
  /** Only these objects; hooks do not run then. */
  readonly resources?: readonly SyncResource[];
  readonly syncOptions?: readonly string[];
  readonly skipHooks?: boolean;
  /** Manifests to apply instead of what the sources say, one JSON or YAML text each. */
  readonly manifests?: readonly string[];
  /** Hash of the plan that was shown: another plan is refused. */
  readonly planHash?: string;
  readonly retry?: RetryStrategy;
}

/** The intent: written once, never changed, except for `terminate`. */
export interface SyncRunSpec {
  readonly application: string;
  readonly cause: RunCause;
  readonly actor: string;
  /** Commits to deploy, one per source, resolved when the run was asked for where that was possible. */
  readonly revisions: readonly string[];
  /** What those commits were asked for as, such as a branch: each further attempt resolves them anew (retry option `refresh`). */
  readonly targetRevisions?: readonly string[];
  readonly sources: readonly ApplicationSource[];
  readonly options: RunOptions;
  readonly terminate?: boolean;
  /** For a rollback: the history entry it returns to. */
  readonly rollbackTo?: number;
  readonly info?: readonly { readonly name: string; readonly value: string }[];
}

/** What a task does. */
export type TaskAction = 'create-namespace' | 'apply' | 'replace' | 'prune' | 'hook' | 'skip-prune';

/** Outcome of one task. */
export interface TaskResult {
  readonly id: string;
  readonly action: TaskAction;
  readonly phase: string;
  readonly wave: number;
  readonly group: string;
  readonly version: string;
  readonly kind: string;
  readonly namespace?: string;
  readonly name: string;
  readonly outcome: 'Synced' | 'SyncFailed' | 'Pruned' | 'PruneSkipped' | 'Running' | 'Succeeded' | 'Failed';
  readonly message: string;
  readonly startedAt: string;
  readonly finishedAt?: string;
  /** Whether the object differed afterwards: a repeated apply has no effect. */
  readonly changed?: boolean;
}

/** One line of a plan, as the ledger keeps it: no manifest, no secret. */
export interface PlannedTask {
  readonly id: string;
  readonly action: TaskAction;
  readonly phase: string;
  readonly wave: number;
  readonly ref: string;
}

/** What happened. Written only by the claimant, fenced by resourceVersion. */
export interface SyncRunStatus {
  readonly phase: RunPhase;
  readonly message?: string;
  /** The process that works on the run, and how often it was claimed. */
  readonly owner?: string;
  readonly epoch?: number;
  /** Until when the claim counts without renewal (RFC 3339). */
  readonly leaseUntil?: string;
  readonly plan?: { readonly hash: string; readonly tasks: readonly PlannedTask[]; readonly truncated?: boolean };
  readonly revisions?: readonly string[];
  readonly tasks?: readonly TaskResult[];
  readonly attempt?: number;
  readonly nextAttemptAt?: string;
  readonly startedAt?: string;
  readonly finishedAt?: string;
}

/** One operation on an application, from wish to result: history and ledger in one (tiphys.dev/v1alpha1). */
export interface SyncRun extends KubeObject {
  readonly spec: SyncRunSpec;
  readonly status?: SyncRunStatus;
}

/** A hold on automation after a rollback. */
export interface Pin {
  readonly revision: string;
  /** The commit of the branch when the pin was set: another one ends it. */
  readonly heldRevision: string;
  readonly reason: string;
  /** `next-commit`, or an RFC 3339 time. */
  readonly until: string;
  readonly run?: string;
}

/** Whether a run has ended. */
export function isFinished(run: SyncRun): boolean {
  return run.status?.phase === 'Succeeded' || run.status?.phase === 'Failed' || run.status?.phase === 'Error';
}

/** The label value of an application name: itself, or a cut and hashed form when it is too long for a label. */
export function applicationLabel(application: string): string {
  return application.length <= 63
    ? application
    : `${application.slice(0, 54).replace(/[^A-Za-z0-9]+$/, '')}-${fnv32a(application).toString(16).padStart(8, '0')}`;
}

/** The pin an Application carries; undefined when there is none or it cannot be read. */
export function pinOf(application: KubeObject): Pin | undefined {
  const text = application.metadata.annotations?.[PIN_ANNOTATION];
  if (text === undefined) return undefined;
  try {
    const value: unknown = JSON.parse(text);
    if (typeof value !== 'object' || value === null || !('until' in value) || typeof value.until !== 'string') return undefined;
    // Only we write this annotation; a damaged one holds nothing.
    return value as Pin;
  } catch {
    return undefined;
  }
}

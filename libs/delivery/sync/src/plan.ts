import type { HookDeletePolicy, PlannedTask, RunOptions, SyncOptions, TaskAction } from '@tiphys/delivery-applications';
import type { Comparison } from '@tiphys/delivery-diff';
import type { KubeObject, ObjectRef } from '@tiphys/kube-model';

/** The part of a sync, or of a deletion, a task belongs to. */
export type SyncPhase = 'PreSync' | 'Sync' | 'PostSync' | 'SyncFail' | 'PreDelete' | 'PostDelete';

/** One thing to do. */
export interface SyncTask {
  /** Stable between plans of one run: `phase:action:group/Kind/namespace/name`. */
  readonly id: string;
  readonly phase: SyncPhase;
  readonly wave: number;
  readonly action: TaskAction;
  readonly ref: ObjectRef;
  /** What to write; absent for prunes. */
  readonly object?: KubeObject;
  /** The live object's uid at planning: a prune deletes this one and no other. */
  readonly liveUid?: string;
  readonly liveVersion?: string;
  /** The prediction found nothing to change: nothing is written, health still counts. */
  readonly unchanged?: boolean;
  /** Fields other appliers of the same manifests own become ours before the write. */
  readonly adopts?: boolean;
  /** A prune that waits for a person's approval. */
  readonly needsApproval?: boolean;
  /** Why a prune is left out. */
  readonly reason?: string;
  readonly deletePolicies?: readonly HookDeletePolicy[];
  readonly options: SyncOptions;
}

/** Tasks that run together; the next step begins when all have ended. `isGate`: the wave ends here, and waits for health. */
export interface SyncStep {
  readonly phase: SyncPhase;
  readonly wave: number;
  readonly tasks: readonly SyncTask[];
  readonly isGate: boolean;
}

/** A sync, decided: what happens in which order. */
export interface SyncPlan {
  readonly application: string;
  readonly runId: string;
  readonly steps: readonly SyncStep[];
  /** What runs when a step failed. */
  readonly onFailure: readonly SyncStep[];
  /** SHA-256 over everything that will be done. */
  readonly hash: string;
}

/** When prunes of a run ask for approval: more than `minimum` objects and more than `percent` of those that live. */
export interface PruneBudget {
  readonly percent: number;
  readonly minimum: number;
}

/** All a plan is made from. */
export interface PlanRequest {
  readonly application: string;
  readonly runId: string;
  readonly revision: string;
  /** Everything rendered, hooks included, with namespace and tracking id. */
  readonly desired: readonly KubeObject[];
  /** The comparison of the desired objects that are no hooks. */
  readonly comparison: Comparison;
  /** False when a source failed to render or rendered with problems: then nothing is pruned. */
  readonly isComplete: boolean;
  readonly run: RunOptions;
  readonly syncOptions: SyncOptions;
  readonly destinationNamespace: string;
  /** The destination namespace as it lives; undefined when it does not. */
  readonly liveNamespace?: KubeObject;
  readonly namespaceMetadata?: { readonly labels?: Readonly<Record<string, string>>; readonly annotations?: Readonly<Record<string, string>> };
  /** Automated runs write only what differs; a person's run writes everything. */
  readonly skipUnchanged: boolean;
  /** Whether a render without any object may prune all there is. */
  readonly allowsEmpty: boolean;
  /** Absent: prunes never ask because of their number. */
  readonly pruneBudget?: PruneBudget;
  /** Keys (`refKey`) of live objects whose fields are still owned by another applier of the same manifests. */
  readonly adopted?: ReadonlySet<string>;
  /** Whether somebody judges the health of an object: a hook that nobody judges has ended as soon as it is there. */
  readonly isJudged: (object: KubeObject) => boolean;
  /** By `refKey` the desired objects that keep live values where differences are ignored (RespectIgnoreDifferences). */
  readonly respected?: ReadonlyMap<string, KubeObject>;
}

/** A plan as the ledger and people see it: no manifest, no secret. */
export function printablePlan(plan: SyncPlan): readonly PlannedTask[] {
  return plan.steps
    .flatMap((step) => step.tasks)
    .map(({ id, action, phase, wave, ref }) => ({
      id,
      action,
      phase,
      wave,
      ref: `${ref.kind}${ref.group === '' ? '' : `.${ref.group}`} ${ref.namespace === undefined ? '' : `${ref.namespace}/`}${ref.name}`,
    }));
}

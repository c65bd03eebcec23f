import type { Application, HealthStatus, SyncRun, SyncStatusCode } from '@tiphys/delivery-applications';
import type { SyncWindowsState } from '@tiphys/delivery-controller';

/** A page of applications with what the whole selection looks like. */
export interface ApplicationListAnswer {
  readonly metadata: { readonly resourceVersion: string };
  readonly items: readonly Application[];
  /** Applications that match the filter, of which `items` is a page. */
  readonly total: number;
  /** How many of the matching applications have each value. */
  readonly facets: ListFacets;
}

/** Counts by value, over everything the caller may filter by. */
export interface ListFacets {
  readonly sync: Readonly<Record<string, number>>;
  readonly health: Readonly<Record<string, number>>;
  readonly project: Readonly<Record<string, number>>;
  readonly namespace: Readonly<Record<string, number>>;
  readonly repo: Readonly<Record<string, number>>;
}

/** Who set a live value, by what kind of write, when. */
export interface ChangeOwner {
  readonly manager: string;
  readonly operation: string;
  readonly time?: string;
}

/** One difference between desired and live. Values of Secrets never appear; `masked` says so. */
export interface FieldChange {
  readonly path: string;
  readonly kind: 'added' | 'removed' | 'changed';
  readonly desired?: unknown;
  readonly live?: unknown;
  readonly masked?: boolean;
  readonly owner?: ChangeOwner;
  /** Why: gitChanged, rendererChanged, humanEdit, controller, webhook or defaulted. */
  readonly cause: string;
  /** The cause in words. */
  readonly why: string;
}

/** One object an application manages, compared. */
export interface ManagedResource {
  readonly group: string;
  readonly version: string;
  readonly kind: string;
  readonly namespace?: string;
  readonly name: string;
  readonly status: SyncStatusCode;
  readonly health?: HealthStatus;
  readonly hook: boolean;
  readonly requiresPruning: boolean;
  readonly wave: number;
  readonly changes: readonly FieldChange[];
  /** Manifests with Secret values masked; null where the object is absent. */
  readonly targetState?: unknown;
  readonly liveState?: unknown;
}

/** The answer of a comparison, with the evidence it rests on. */
export interface ManagedResourcesAnswer {
  readonly items: readonly ManagedResource[];
  readonly revision?: string;
  /** When the live state was observed, RFC 3339. */
  readonly observedAt: string;
  readonly problems: readonly string[];
}

/** A node of the ownership tree. */
export interface ResourceNode {
  readonly group: string;
  readonly version: string;
  readonly kind: string;
  readonly namespace?: string;
  readonly name: string;
  readonly uid: string;
  readonly parentRefs: readonly { readonly group: string; readonly kind: string; readonly namespace?: string; readonly name: string; readonly uid?: string }[];
  readonly health?: HealthStatus;
  readonly createdAt?: string;
  readonly images?: readonly string[];
  /** Short facts for a person, such as `2/2 ready`. */
  readonly info?: readonly { readonly name: string; readonly value: string }[];
}

/** The ownership tree of an application. */
export interface ResourceTreeAnswer {
  readonly nodes: readonly ResourceNode[];
}

/** What can be done with a live object beyond applying and deleting it. */
export interface ResourceActionsAnswer {
  readonly actions: readonly {
    readonly name: string;
    readonly disabled?: boolean;
    readonly displayName?: string;
    readonly iconClass?: string;
    readonly params?: readonly { readonly name: string; readonly default?: string }[];
  }[];
}

/** One step of a plan before it is carried out. */
export interface PlanStep {
  readonly id: string;
  readonly phase: string;
  readonly wave: number;
  readonly action: string;
  readonly group: string;
  readonly version: string;
  readonly kind: string;
  readonly namespace?: string;
  readonly name: string;
  /** What it would do: `create`, `configure`, `unchanged`, `delete`, `keep`, `run`. */
  readonly effect: string;
  readonly changes: readonly FieldChange[];
}

/** A plan: exactly what a sync would do now. */
export interface PlanAnswer {
  readonly hash: string;
  readonly revision: string;
  readonly steps: readonly PlanStep[];
  readonly problems: readonly string[];
}

/** Manifests as rendered from Git, one JSON text each, Secrets masked. */
export interface ManifestsAnswer {
  readonly manifests: readonly string[];
  readonly revision: string;
  readonly sourceType: string;
}

/** A repository with what the last poll saw. */
export interface RepositoryAnswer {
  readonly repo: string;
  readonly type: string;
  readonly connectionState: { readonly status: 'Successful' | 'Failed' | 'Unknown'; readonly message: string; readonly attemptedAt?: string };
  readonly lastPollAt?: string;
  readonly nextPollAt?: string;
  readonly polls: number;
  /** How long the last look took, in milliseconds. */
  readonly latencyMs?: number;
  readonly applications: number;
}

/** A cluster applications can be deployed to. */
export interface ClusterAnswer {
  readonly server: string;
  readonly name: string;
  /** The project it is registered for. */
  readonly project?: string;
  readonly connectionState: { readonly status: 'Successful' | 'Failed' | 'Unknown'; readonly message: string };
  readonly applications: number;
}

/** The sync windows that concern an application, as Argo CD answers, and when what they allow may change. */
export type SyncWindowsAnswer = SyncWindowsState;

/** A change of an application or of one of its runs, as the stream tells it. */
export type StreamEvent =
  | { readonly kind: 'application'; readonly type: 'ADDED' | 'MODIFIED' | 'DELETED'; readonly application: Application }
  | { readonly kind: 'run'; readonly type: 'ADDED' | 'MODIFIED' | 'DELETED'; readonly run: SyncRun };

/** The runs of an application, newest first. */
export interface RunsAnswer {
  readonly items: readonly SyncRun[];
}

/** A line of a log. */
export interface LogLine {
  readonly podName: string;
  readonly container: string;
  readonly content: string;
  readonly timeStampStr: string;
}

/** Every error of the API. */
export interface ErrorAnswer {
  readonly error: string;
  readonly message: string;
  readonly code: number;
  readonly reason: string;
  readonly hint?: string;
}

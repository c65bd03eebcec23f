import type { KubeObject } from '@tiphys/kube-model';
import { customResource, type ResourceType } from '@tiphys/kube-model';

/** API group and version of the kinds shared with Argo CD. */
export const ARGO_API_VERSION = 'argoproj.io/v1alpha1';

/** How to address Applications. */
export const applicationType: ResourceType = customResource(ARGO_API_VERSION, 'Application', 'applications');

/** A value for a Jsonnet program: a text, or code that is worked out. */
export interface JsonnetVariable {
  readonly name: string;
  readonly value: string;
  readonly code?: boolean;
}

/** What Jsonnet programs are given, and where they find libraries (relative to the repository's root). */
export interface JsonnetSource {
  readonly extVars?: readonly JsonnetVariable[];
  readonly tlas?: readonly JsonnetVariable[];
  readonly libs?: readonly string[];
}

/** Options of the directory tool. */
export interface DirectorySource {
  readonly recurse?: boolean;
  readonly include?: string;
  readonly exclude?: string;
  readonly jsonnet?: JsonnetSource;
}

/** Where manifests come from (types.go ApplicationSource). Tool blocks we do not read yet are kept as they are. */
export interface ApplicationSource {
  readonly repoURL: string;
  readonly path?: string;
  readonly targetRevision?: string;
  readonly chart?: string;
  readonly ref?: string;
  readonly name?: string;
  /** Tags that begin so are versions without it: the others do not count for a version range. */
  readonly tagPrefix?: string;
  readonly directory?: DirectorySource;
  readonly helm?: object;
  readonly kustomize?: object;
  readonly plugin?: object;
}

/** Where manifests go: a cluster by URL or by name, and the namespace for objects that name none. */
export interface ApplicationDestination {
  readonly server?: string;
  readonly name?: string;
  readonly namespace?: string;
}

/** Automation switches. */
export interface AutomatedSync {
  /** Absent means true (types.go SyncPolicyAutomated.Enabled). */
  readonly enabled?: boolean;
  readonly prune?: boolean;
  readonly selfHeal?: boolean;
  readonly allowEmpty?: boolean;
}

/** Waits between attempts: Go durations and a growth factor. */
export interface RetryBackoff {
  readonly duration?: string;
  readonly factor?: number;
  readonly maxDuration?: string;
}

/** How often a failed run is tried again; a negative limit means without end. */
export interface RetryStrategy {
  readonly limit?: number;
  readonly backoff?: RetryBackoff;
  readonly refresh?: boolean;
}

/** How and when to sync. */
export interface SyncPolicy {
  readonly automated?: AutomatedSync;
  readonly syncOptions?: readonly string[];
  readonly retry?: RetryStrategy;
  readonly managedNamespaceMetadata?: { readonly labels?: Readonly<Record<string, string>>; readonly annotations?: Readonly<Record<string, string>> };
}

/** Fields that never count as drift, for the objects it matches. */
export interface IgnoreDifference {
  readonly group?: string;
  readonly kind: string;
  readonly name?: string;
  readonly namespace?: string;
  readonly jsonPointers?: readonly string[];
  readonly jqPathExpressions?: readonly string[];
  readonly managedFieldsManagers?: readonly string[];
}

/** What a user wants of an application. */
export interface ApplicationSpec {
  readonly project: string;
  readonly source?: ApplicationSource;
  readonly sources?: readonly ApplicationSource[];
  readonly destination: ApplicationDestination;
  readonly syncPolicy?: SyncPolicy;
  readonly ignoreDifferences?: readonly IgnoreDifference[];
  readonly revisionHistoryLimit?: number;
  readonly info?: readonly { readonly name: string; readonly value: string }[];
}

/** One object a selective sync names. */
export interface SyncResource {
  readonly group?: string;
  readonly kind: string;
  readonly name: string;
  readonly namespace?: string;
}

/** A wish to sync, as the `operation` field of an Application carries it. */
export interface Operation {
  readonly sync?: {
    readonly revision?: string;
    readonly revisions?: readonly string[];
    readonly prune?: boolean;
    readonly dryRun?: boolean;
    readonly resources?: readonly SyncResource[];
    readonly source?: ApplicationSource;
    readonly sources?: readonly ApplicationSource[];
    /** Manifests to apply instead of what the sources say, one JSON or YAML text each. */
    readonly manifests?: readonly string[];
    readonly autoHealAttemptsCount?: number;
    readonly syncOptions?: readonly string[];
    readonly syncStrategy?: { readonly apply?: { readonly force?: boolean }; readonly hook?: { readonly force?: boolean } };
  };
  readonly initiatedBy?: { readonly username?: string; readonly automated?: boolean };
  readonly info?: readonly { readonly name: string; readonly value: string }[];
  readonly retry?: RetryStrategy;
}

/** Sync status of an application or of one object. */
export type SyncStatusCode = 'Synced' | 'OutOfSync' | 'Unknown';

/** Health, from best to worst: Healthy, Suspended, Progressing, Missing, Degraded, Unknown. */
export type HealthStatusCode = 'Healthy' | 'Suspended' | 'Progressing' | 'Missing' | 'Degraded' | 'Unknown';

/** Health with its reason in words. */
export interface HealthStatus {
  readonly status: HealthStatusCode;
  readonly message?: string;
  readonly lastTransitionTime?: string;
}

/** One managed object in the status. */
export interface ResourceStatus {
  readonly group?: string;
  readonly version: string;
  readonly kind: string;
  readonly namespace?: string;
  readonly name: string;
  readonly status?: SyncStatusCode;
  readonly health?: HealthStatus;
  readonly hook?: boolean;
  readonly requiresPruning?: boolean;
  readonly requiresDeletionConfirmation?: boolean;
  readonly syncWave?: number;
}

/** One successful sync, newest last. */
export interface RevisionHistory {
  readonly id: number;
  readonly revision?: string;
  readonly revisions?: readonly string[];
  readonly deployedAt: string;
  readonly deployStartedAt?: string;
  readonly source?: ApplicationSource;
  readonly sources?: readonly ApplicationSource[];
  readonly initiatedBy?: { readonly username?: string; readonly automated?: boolean };
  /** The SyncRun that did it. */
  readonly run?: string;
}

/** A remark about an application that is not a health or sync status. */
export interface ApplicationCondition {
  readonly type:
    | 'ComparisonError'
    | 'InvalidSpecError'
    | 'SyncError'
    | 'DeletionError'
    | 'UnknownError'
    | 'RepeatedResourceWarning'
    | 'NonDeterministicRenderWarning'
    | 'SharedResourceWarning'
    | 'ResourceRuleWarning'
    | 'OrphanedResourceWarning'
    | 'ExcludedResourceWarning'
    | 'StaleSourceWarning';
  readonly message: string;
  readonly lastTransitionTime?: string;
}

/** Phases of an operation. */
export type OperationPhase = 'Running' | 'Terminating' | 'Failed' | 'Error' | 'Succeeded';

/** The result of one object of an operation. */
export interface ResourceResult extends SyncResource {
  readonly group: string;
  readonly version: string;
  readonly namespace: string;
  readonly status?: 'Synced' | 'SyncFailed' | 'Pruned' | 'PruneSkipped';
  readonly message?: string;
  readonly hookType?: string;
  readonly hookPhase?: OperationPhase;
  readonly syncPhase?: string;
}

/** The operation under way, or the last one. */
export interface OperationState {
  readonly operation: Operation;
  readonly phase: OperationPhase;
  readonly message?: string;
  readonly startedAt: string;
  readonly finishedAt?: string;
  readonly retryCount?: number;
  readonly syncResult?: {
    readonly revision: string;
    readonly revisions?: readonly string[];
    readonly source?: ApplicationSource;
    readonly sources?: readonly ApplicationSource[];
    readonly resources?: readonly ResourceResult[];
    readonly managedNamespaceMetadata?: SyncPolicy['managedNamespaceMetadata'];
  };
  /** The SyncRun behind it. */
  readonly run?: string;
}

/** What the controller observed. */
export interface ApplicationStatus {
  readonly sync?: {
    readonly status: SyncStatusCode;
    readonly comparedTo?: {
      readonly source?: ApplicationSource;
      readonly sources?: readonly ApplicationSource[];
      readonly destination: ApplicationDestination;
    };
    readonly revision?: string;
    readonly revisions?: readonly string[];
  };
  readonly health?: HealthStatus;
  readonly resources?: readonly ResourceStatus[];
  readonly history?: readonly RevisionHistory[];
  readonly conditions?: readonly ApplicationCondition[];
  readonly operationState?: OperationState;
  readonly reconciledAt?: string;
  readonly observedAt?: string;
  readonly sourceType?: string;
  readonly sourceTypes?: readonly string[];
  readonly summary?: { readonly images?: readonly string[]; readonly externalURLs?: readonly string[]; readonly isAppOfApps?: boolean };
  readonly controllerNamespace?: string;
}

/** An application: what to deploy from where to where (argoproj.io/v1alpha1). */
export interface Application extends KubeObject {
  readonly spec: ApplicationSpec;
  readonly operation?: Operation;
  readonly status?: ApplicationStatus;
}

/** The sources of an application in order; `sources` wins over `source`, as in Argo CD. */
export function sourcesOf(spec: Pick<ApplicationSpec, 'source' | 'sources'>): readonly ApplicationSource[] {
  if (spec.sources !== undefined && spec.sources.length > 0) return spec.sources;
  return spec.source === undefined ? [] : [spec.source];
}

/** Whether automation is on. */
export function isAutomated(spec: ApplicationSpec): boolean {
  return spec.syncPolicy?.automated !== undefined && spec.syncPolicy.automated.enabled !== false;
}

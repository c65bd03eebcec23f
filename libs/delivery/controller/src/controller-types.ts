import type { RunOptions, SyncRun, SyncWindow } from '@tiphys/delivery-applications';
import type { PollState, RepositoryStore, RevisionMetadata } from '@tiphys/delivery-git';
import type { JobQueue } from '@tiphys/delivery-queue';
import type { Renderer } from '@tiphys/delivery-render';
import type { ScriptEngine } from '@tiphys/delivery-scripts';
import type { Failpoint, SyncPlan } from '@tiphys/delivery-sync';
import type { Clock, Logger, Service } from '@tiphys/kernel';
import type { InformerFactory, KubeClient } from '@tiphys/kube-client';
import type { ApplicationIndex } from './application-index.ts';
import type { ObjectRef } from '@tiphys/kube-model';
import type { Evidence } from './gather.ts';
import type { ResourceRules } from './resource-rules.ts';
import type { ResourceNode } from './resource-tree.ts';
import type { ApplicationSetController } from './sets/application-set-controller.ts';
import type { ResourceActions } from './run-action.ts';

/** How a delivery controller is made. */
export interface DeliveryControllerOptions {
  readonly client: KubeClient;
  /** Informers of the API that holds the Applications; run by the caller. */
  readonly informers: InformerFactory;
  readonly repositories: RepositoryStore;
  readonly renderer: Renderer;
  /** Evaluates users' rules of health, comparison and actions. */
  readonly scripts: ScriptEngine;
  readonly queue: JobQueue;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly namespace?: string;
  /** Globs, or expressions between slashes, of further namespaces that may hold Applications. */
  readonly applicationNamespaces?: readonly string[];
  readonly pollIntervalMs?: number;
  /** Patterns of repositories, and of files over HTTP, that Kustomize sources may build on besides their own; none by default. */
  readonly remoteBases?: readonly string[];
  /** Patterns of addresses that generators of ApplicationSets may call; none allow every one. */
  readonly generatorUrls?: readonly string[];
  /** Applications reconciled at once. */
  readonly workers?: number;
  /** Runs performed at once. */
  readonly runsAtOnce?: number;
  /** Who claims runs. A lone controller keeps its name over restarts and takes its own runs back at once; several need different ones. */
  readonly identity?: string;
  readonly failpoint?: Failpoint;
}

/** What a person asks of an application. */
export interface SyncRequest {
  readonly actor: string;
  /** Branch, tag or commit instead of the source's own; one per source. */
  readonly revisions?: readonly string[];
  readonly options?: RunOptions;
  readonly info?: readonly { readonly name: string; readonly value: string }[];
}

/** A return to something deployed before: an entry of status.history, or a run. */
export interface RollbackRequest {
  readonly actor: string;
  readonly historyId?: number;
  readonly run?: string;
  readonly prune?: boolean;
  readonly dryRun?: boolean;
  /** When automation takes over again: `next-commit` (default) or an RFC 3339 time. */
  readonly until?: string;
  readonly reason?: string;
}

/** Which plan is wanted. */
export interface PlanOptions {
  readonly revisions?: readonly string[];
  readonly options: RunOptions;
  readonly signal: AbortSignal;
}

/** A wish to do something with a live object of an application. */
export interface ResourceActionRequest {
  readonly ref: ObjectRef;
  readonly action: string;
  readonly parameters?: Readonly<Record<string, string>>;
  readonly actor: string;
}

/** A cluster as it is known. */
export interface ClusterState {
  readonly server: string;
  readonly name: string;
  /** The project it is registered for. */
  readonly project?: string;
  /** Why it cannot be used. */
  readonly error?: string;
}

/** A sync window with how it stands. */
export interface SyncWindowState extends SyncWindow {
  readonly isActive: boolean;
  /** When it opens or closes next, RFC 3339. */
  readonly changesAt?: string;
  readonly problem?: string;
}

/** The sync windows of an application. */
export interface SyncWindowsState {
  readonly assignedWindows: readonly SyncWindowState[];
  readonly activeWindows: readonly SyncWindowState[];
  /** Whether a person may sync now. */
  readonly canSync: boolean;
  readonly canAutoSync: boolean;
}

/** The delivery side's engine, and what the API asks of it. */
export interface DeliveryController {
  /** ApplicationSets: what one would want, before it is written. */
  readonly sets: Pick<ApplicationSetController, 'preview'>;
  /** To be supervised. The CRDs are installed by `install`, before. */
  readonly services: readonly Service[];
  /** What a process needs that only shows and asks, while controllers elsewhere reconcile and perform. */
  readonly readServices: readonly Service[];
  /** The Applications this controller answers for, by the names it knows them by; every `application` below is such a name. */
  readonly applications: ApplicationIndex;
  /** Creates or updates the CRDs and resolves when they are served. */
  install(signal: AbortSignal): Promise<void>;
  /** Looks at the application now; `hard` also polls its repositories and renders anew. */
  refresh(application: string, options: { readonly hard?: boolean; readonly signal: AbortSignal }): Promise<void>;
  /** Evidence of the last comparison in this process. */
  evidence(application: string): Evidence | undefined;
  /** Renders and compares now, for a diff or a plan, at other revisions if wished. */
  compare(
    application: string,
    options: { readonly revisions?: readonly string[]; readonly manifests?: readonly string[]; readonly signal: AbortSignal },
  ): Promise<Evidence>;
  /** The plan a sync would carry out now, and what it was made from. */
  plan(application: string, options: PlanOptions): Promise<{ readonly plan: SyncPlan; readonly evidence: Evidence }>;
  resourceTree(application: string, signal: AbortSignal): Promise<readonly ResourceNode[]>;
  readonly actions: ResourceActions;
  /** How resources are handled in this installation: their health, comparison and masks. */
  readonly rules: ResourceRules;
  /** The client of the cluster the application is deployed to. */
  targetClient(application: string): KubeClient;
  /** The sync windows that concern an application and what they allow now. Throws DeliveryError. */
  syncWindows(application: string): SyncWindowsState;
  /** The clusters that are registered or in use. */
  clusters(): readonly ClusterState[];
  requestSync(application: string, request: SyncRequest, signal: AbortSignal): Promise<SyncRun>;
  rollback(application: string, request: RollbackRequest, signal: AbortSignal): Promise<SyncRun>;
  terminate(application: string, signal: AbortSignal): Promise<SyncRun | undefined>;
  runs(application: string): readonly SyncRun[];
  /** A webhook says that a repository moved; returns how many repositories were looked at. */
  hint(repoURL: string): number;
  repositoryStates(): readonly PollState[];
  revisionMetadata(application: string, revision: string, signal: AbortSignal): Promise<RevisionMetadata>;
  /** Resolves when the first caches are filled. */
  waitForReady(signal: AbortSignal): Promise<void>;
}

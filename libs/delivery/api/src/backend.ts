import type { AppProject, Application, Operation, SyncRun } from '@tiphys/delivery-applications';
import type { ApplicationSet, WantedApplication } from '@tiphys/delivery-applicationsets';
import type { WebhookSecrets } from '@tiphys/delivery-git';
import type { Lister } from '@tiphys/kube-client';
import type { InformerEvent, KubeClient } from '@tiphys/kube-client';
import type { ObjectRef } from '@tiphys/kube-model';
import type {
  ClusterAnswer,
  ManagedResourcesAnswer,
  ManifestsAnswer,
  PlanAnswer,
  RepositoryAnswer,
  ResourceActionsAnswer,
  ResourceTreeAnswer,
  SyncWindowsAnswer,
} from './wire.ts';

/** A sync somebody asked for. */
export interface SyncRequest {
  readonly application: Application;
  readonly operation: Operation;
  readonly actor: string;
  /** Carry out exactly the plan with this hash, or refuse. */
  readonly planHash?: string;
}

/** A rollback somebody asked for: to an entry of the history, or to what a run deployed. */
export interface RollbackRequest {
  readonly application: Application;
  readonly to: { readonly historyId: number } | { readonly run: string };
  readonly actor: string;
  readonly prune?: boolean;
  readonly dryRun?: boolean;
  readonly reason?: string;
}

/** Which plan to show. */
export interface PlanRequest {
  readonly application: Application;
  readonly revision?: string;
  readonly prune?: boolean;
  /** Manifests in the place of what the sources say. */
  readonly manifests?: readonly string[];
  readonly syncOptions?: readonly string[];
}

/** Applications of all namespaces the controller answers for. */
export interface ApplicationReader {
  readonly resourceVersion: string;
  get(name: string, namespace: string | undefined): Application | undefined;
  list(): readonly Application[];
  onEvent(handler: (event: InformerEvent<Application>) => void): () => void;
}

/** An action somebody asked for on a live object. */
export interface ActionRequest {
  readonly ref: ObjectRef;
  readonly action: string;
  readonly parameters: Readonly<Record<string, string>>;
  readonly actor: string;
}

/** What the API needs of the delivery engine. Reads come from caches, deeds are intents written to the control cluster. */
export interface DeliveryBackend {
  readonly client: KubeClient;
  /** Namespace of Applications, projects and credentials. */
  readonly namespace: string;
  readonly applications: ApplicationReader;
  /** The name an application is known by: with its namespace when it is not the controller's. */
  nameOf(application: Application): string;
  /** The sync windows of an application and what they allow now. Throws DeliveryError when project or cluster are unknown. */
  syncWindows(application: Application): SyncWindowsAnswer;
  readonly projects: Lister<AppProject>;
  readonly runs: Lister<SyncRun> & { onEvent(handler: (event: InformerEvent<SyncRun>) => void): () => void };
  managedResources(application: Application, signal: AbortSignal): Promise<ManagedResourcesAnswer>;
  resourceTree(application: Application, signal: AbortSignal): Promise<ResourceTreeAnswer>;
  /** What can be done with a live object of the application. */
  resourceActions(application: Application, ref: ObjectRef, signal: AbortSignal): Promise<ResourceActionsAnswer['actions']>;
  /** Does it; resolves when the API has taken it. */
  runResourceAction(application: Application, request: ActionRequest, signal: AbortSignal): Promise<void>;
  manifests(application: Application, revision: string | undefined, signal: AbortSignal): Promise<ManifestsAnswer>;
  plan(request: PlanRequest, signal: AbortSignal): Promise<PlanAnswer>;
  sync(request: SyncRequest, signal: AbortSignal): Promise<SyncRun>;
  rollback(request: RollbackRequest, signal: AbortSignal): Promise<SyncRun>;
  /** Ends the run under way; false when there is none. */
  terminate(application: Application, signal: AbortSignal): Promise<boolean>;
  /** Lets automation go on after a rollback. */
  unpin(application: Application, signal: AbortSignal): Promise<void>;
  /** Looks at Git and the cluster now and resolves when the application has been compared. */
  refresh(application: Application, hard: boolean, signal: AbortSignal): Promise<void>;
  /** The client of the cluster an application is deployed to. */
  targetClient(application: Application, signal: AbortSignal): Promise<KubeClient>;
  repositories(): readonly RepositoryAnswer[];
  clusters(): readonly ClusterAnswer[];
  /** Looks now at repositories that are the same place as a URL; returns how many. */
  hint(repoURL: string): number;
  /** What an ApplicationSet would want, without writing it. Throws GenerateError, SourceError. */
  previewSet(set: ApplicationSet, signal: AbortSignal): Promise<{ readonly wanted: readonly WantedApplication[]; readonly problems: readonly string[] }>;
  /** What senders of webhooks prove themselves with. */
  webhookSecrets(signal: AbortSignal): Promise<WebhookSecrets>;
}

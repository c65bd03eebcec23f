import type { Clock, Logger } from '@tiphys/kernel';
import type { TaskResult } from '@tiphys/delivery-applications';
import type { Health } from '@tiphys/delivery-health';
import type { KubeClient } from '@tiphys/kube-client';
import type { KubeObject, ObjectRef, ResourceType } from '@tiphys/kube-model';
import type { SchemaNode } from '@tiphys/kube-patch';

/** Finds how a kind is addressed. */
export interface KindResolver {
  find(apiVersion: string, kind: string, signal: AbortSignal): Promise<ResourceType | undefined>;
  /** Forgets what is known: kinds were added. */
  refresh(signal: AbortSignal): Promise<void>;
}

/** Where results go. `flush` resolves when all noted results are durable, and rejects when somebody else took the run over. */
export interface SyncLedger {
  note(result: TaskResult): void;
  flush(): Promise<void>;
  /** Resolves when the run is still ours for sure, and rejects when somebody else took it over: asked before every write. */
  hold(): Promise<void>;
  /** Says what the run waits for. */
  say(message: string): Promise<void>;
}

/** The places of a run at which tests may hold, break or end it, in the order a run passes them. */
export type FailpointName =
  | 'run.created'
  | 'sync.beforeClaim'
  | 'sync.afterClaim'
  | 'sync.rendered'
  | 'sync.planned'
  | 'sync.dryRun'
  | 'sync.beforeWrite'
  | 'sync.afterWrite'
  | 'sync.hookEnded'
  | 'sync.afterWave'
  | 'sync.beforeStatus'
  | 'sync.afterStatus'
  | 'sync.published'
  | 'delete.afterWave'
  | 'delete.beforeFinalizer';

/** What a test does at a place; `index` counts the passes within one performance. */
export type Failpoint = (name: FailpointName, index?: number) => void | Promise<void>;

/** Tells the health of an object, by the rules of this installation; undefined where nobody judges its kind. Throws the signal's reason. */
export type AssessHealth = (object: KubeObject, signal: AbortSignal) => Promise<Health | undefined>;

/** What performing a plan needs of the world. */
export interface PerformDeps {
  readonly client: KubeClient;
  readonly kinds: KindResolver;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly manager: string;
  /** A further manager whose fields are adopted (see ownership.ts). */
  readonly earlierApplier?: string | undefined;
  readonly schemaFor: (apiVersion: string, kind: string) => SchemaNode | undefined;
  /** Project rules at the moment of writing: why an object may not be written. */
  readonly check: (ref: ObjectRef, namespaced: boolean) => string | undefined;
  /** What a wave waits by. */
  readonly assess: AssessHealth;
  readonly ledger: SyncLedger;
  /** Resolves when a person has approved the prunes. */
  readonly approval: (signal: AbortSignal) => Promise<void>;
  /** Resolves when the run may begin its next wave; rejects when the signal aborts. */
  readonly mayGoOn?: (signal: AbortSignal) => Promise<void>;
  /** Aborts when a newer commit makes it pointless to wait for the health of this one, or for the approval of its prunes. */
  readonly superseded?: AbortSignal;
  readonly failpoint?: Failpoint;
}

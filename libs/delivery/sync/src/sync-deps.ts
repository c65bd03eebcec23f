import type { Clock, Logger } from '@tiphys/kernel';
import type { TaskResult } from '@tiphys/delivery-applications';
import type { KubeClient } from '@tiphys/kube-client';
import type { ObjectRef, ResourceType } from '@tiphys/kube-model';

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
}

/** A place where tests may end the process. */
export type Failpoint = (name: 'sync.beforeClaim' | 'sync.afterClaim' | 'sync.afterWrite' | 'sync.beforeStatus', index?: number) => void | Promise<void>;

/** What performing a plan needs of the world. */
export interface PerformDeps {
  readonly client: KubeClient;
  readonly kinds: KindResolver;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly manager: string;
  /** Project rules at the moment of writing: why an object may not be written. */
  readonly check: (ref: ObjectRef, namespaced: boolean) => string | undefined;
  readonly ledger: SyncLedger;
  readonly failpoint?: Failpoint;
}

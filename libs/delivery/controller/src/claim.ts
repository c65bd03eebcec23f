import { applicationType, instanceKey, isFinished, syncRunType, type Application, type OperationState, type SyncRun } from '@tiphys/delivery-applications';
import { toTimestamp, type Clock } from '@tiphys/kernel';
import type { KubeClient } from '@tiphys/kube-client';
import { isStatus, type ObjectKey } from '@tiphys/kube-model';
import type { LeaseObserver } from './lease-observer.ts';
import { LEASE_MS } from './run-ledger.ts';

/** What claiming needs. */
export interface ClaimDeps {
  readonly client: KubeClient;
  readonly clock: Clock;
  readonly namespace: string;
  readonly identity: string;
  readonly leases: LeaseObserver;
}

/** What came of a claim. */
export type Claim =
  | { readonly kind: 'claimed'; readonly run: SyncRun; readonly application: Application }
  | { readonly kind: 'busy'; readonly afterMs: number }
  | { readonly kind: 'gone' };

const SOON_MS = 100;

/**
 * Claims a run for this process: first the application (its operationState names the one running run), then the run; both writes
 * are fenced by resourceVersion, so of two claimants one loses.
 */
export async function claimRun(name: string, deps: ClaimDeps, signal: AbortSignal): Promise<Claim> {
  const run = await read<SyncRun>(deps, syncRunType, { name, namespace: deps.namespace }, signal);
  if (run === undefined || isFinished(run)) return { kind: 'gone' };
  const wait = heldFor(run, deps);
  if (wait > 0) return { kind: 'busy', afterMs: wait };
  const application = await read<Application>(deps, applicationType, instanceKey(run.spec.application, deps.namespace), signal);
  if (application === undefined) return { kind: 'gone' };
  const dueMs = Date.parse(run.status?.nextAttemptAt ?? '') - deps.clock.now();
  if (dueMs > 0 && run.spec.terminate !== true && !isSuperseded(run, latestRevisions(application))) return { kind: 'busy', afterMs: dueMs };
  const other = application.status?.operationState;
  if (other?.run !== undefined && other.run !== name && other.finishedAt === undefined) {
    const holder = await read<SyncRun>(deps, syncRunType, { name: other.run, namespace: deps.namespace }, signal);
    if (holder !== undefined && !isFinished(holder)) return { kind: 'busy', afterMs: Math.max(SOON_MS, Math.min(heldFor(holder, deps), 1_000)) };
  }
  try {
    const locked = await deps.client.update<Application>(
      applicationType,
      { ...application, status: { ...application.status, operationState: startedState(run, deps) } },
      { signal, fieldManager: 'tiphys-controller' },
    );
    const { nextAttemptAt: _, ...before } = run.status ?? {};
    const status = {
      ...before,
      phase: 'Running' as const,
      owner: deps.identity,
      epoch: (run.status?.epoch ?? 0) + 1,
      leaseUntil: toTimestamp(deps.clock.now() + LEASE_MS + 1_000),
      startedAt: run.status?.startedAt ?? toTimestamp(deps.clock.now()),
    };
    const claimed = await deps.client.update<SyncRun>(syncRunType, { ...run, status }, { signal, fieldManager: 'tiphys-controller' });
    return { kind: 'claimed', run: claimed, application: locked };
  } catch (error) {
    if (isStatus(error, 'Conflict', 'NotFound')) return { kind: 'busy', afterMs: 20 };
    throw error;
  }
}

/** Whether automation asked for the run and newer commits have come since: their release does not wait for the retries of an older one. */
export function isSuperseded(run: SyncRun, latest: readonly string[]): boolean {
  return run.spec.cause === 'automated' && latest.length > 0 && latest.join() !== run.spec.revisions.join();
}

/** The commits an application was last compared to. */
export function latestRevisions({ status }: Application): readonly string[] {
  const { revision, revisions } = status?.sync ?? {};
  return revisions ?? (revision === undefined ? [] : [revision]);
}

// A run of ours that we do not work on is left over from our own earlier life: nobody has to wait for that.
function heldFor(run: SyncRun, deps: ClaimDeps): number {
  const { owner, phase } = run.status ?? {};
  if (phase !== 'Running' || owner === undefined || run.status?.nextAttemptAt !== undefined) return 0;
  if (owner === deps.identity) return 0;
  return deps.leases.heldFor(run);
}

function startedState(run: SyncRun, { clock }: ClaimDeps): OperationState {
  return {
    operation: operationOf(run),
    phase: 'Running',
    message: 'sync started',
    startedAt: run.status?.startedAt ?? toTimestamp(clock.now()),
    run: run.metadata.name ?? '',
    retryCount: run.status?.attempt ?? 0,
  };
}

/** A run in the words of an Application's operation. */
export function operationOf({ spec }: SyncRun): OperationState['operation'] {
  const { options, revisions, sources } = spec;
  return {
    sync: {
      ...(revisions.length === 1 ? { revision: revisions[0] ?? '' } : { revisions }),
      ...(sources.length === 1 && sources[0] !== undefined ? { source: sources[0] } : { sources }),
      ...(options.prune === undefined ? {} : { prune: options.prune }),
      ...(options.dryRun === undefined ? {} : { dryRun: options.dryRun }),
      ...(options.resources === undefined ? {} : { resources: options.resources }),
      ...(options.manifests === undefined ? {} : { manifests: options.manifests }),
      ...(options.force === undefined
        ? {}
        : { syncStrategy: options.skipHooks === true ? { apply: { force: options.force } } : { hook: { force: options.force } } }),
      ...(options.syncOptions === undefined ? {} : { syncOptions: options.syncOptions }),
    },
    initiatedBy: spec.cause === 'automated' || spec.cause === 'self-heal' ? { automated: true } : { username: spec.actor },
    ...(options.retry === undefined ? {} : { retry: options.retry }),
    ...(spec.info === undefined ? {} : { info: spec.info }),
  };
}

async function read<T extends Application | SyncRun>(deps: ClaimDeps, type: typeof syncRunType, key: ObjectKey, signal: AbortSignal): Promise<T | undefined> {
  try {
    return await deps.client.get<T>(type, key, { signal });
  } catch (error) {
    if (isStatus(error, 'NotFound')) return undefined;
    throw error;
  }
}

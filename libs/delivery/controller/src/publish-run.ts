import {
  applicationType,
  instanceKey,
  type Application,
  type OperationState,
  type ResourceResult,
  type RevisionHistory,
  type SyncRun,
  type TaskResult,
} from '@tiphys/delivery-applications';
import type { KubeClient } from '@tiphys/kube-client';
import { isStatus } from '@tiphys/kube-model';
import { operationOf } from './claim.ts';

const MAX_RESULTS_IN_STATUS = 500;
const PROGRESS_ATTEMPTS = 10;

/** Writes a run into the Application's operationState: what it waits for between attempts, or how it ended, then with the history. Doing it twice is the same as once. */
export async function publishRun(
  run: SyncRun,
  results: readonly TaskResult[],
  deps: { readonly client: KubeClient; readonly namespace: string },
  signal: AbortSignal,
): Promise<void> {
  const { client, namespace } = deps;
  for (let attempt = 0; ; attempt += 1) {
    const application = await client.get<Application>(applicationType, instanceKey(run.spec.application, namespace), { signal });
    const state = application.status?.operationState;
    const name = run.metadata.name ?? '';
    if (state?.run !== undefined && state.run !== name) return;
    if (state?.run === name && state.finishedAt !== undefined) return;
    const history = withHistory(application, run);
    const status = { ...application.status, operationState: stateOf(run, results), ...(history === undefined ? {} : { history }) };
    try {
      await client.update<Application>(applicationType, { ...application, status }, { signal, fieldManager: 'tiphys-controller' });
      return;
    } catch (error) {
      if (!isStatus(error, 'Conflict') || attempt > 20) throw error;
    }
  }
}

/** Shows what a running run waits for. Whoever writes to the application meanwhile does not keep it from being shown. */
export async function publishProgress(run: SyncRun, deps: { readonly client: KubeClient; readonly namespace: string }, signal: AbortSignal): Promise<void> {
  const { client, namespace } = deps;
  const key = instanceKey(run.spec.application, namespace);
  for (let attempt = 1; attempt <= PROGRESS_ATTEMPTS; attempt += 1) {
    try {
      const application = await client.get<Application>(applicationType, key, { signal });
      const state = application.status?.operationState;
      if (state === undefined || state.run !== run.metadata.name || state.finishedAt !== undefined) return;
      const status = { ...application.status, operationState: stateOf(run, run.status?.tasks ?? []) };
      await client.update<Application>(applicationType, { ...application, status }, { signal, fieldManager: 'tiphys-controller' });
      return;
    } catch (error) {
      if (isStatus(error, 'NotFound')) return;
      if (!isStatus(error, 'Conflict')) throw error;
    }
  }
}

function stateOf(run: SyncRun, results: readonly TaskResult[]): OperationState {
  const { message = '', startedAt = '', finishedAt, attempt = 0 } = run.status ?? {};
  const revisions = run.status?.revisions ?? run.spec.revisions;
  return {
    operation: operationOf(run),
    phase: phaseOf(run),
    message,
    startedAt,
    ...(finishedAt === undefined ? {} : { finishedAt }),
    retryCount: attempt,
    run: run.metadata.name ?? '',
    syncResult: {
      revision: revisions[0] ?? '',
      ...(revisions.length > 1 ? { revisions } : {}),
      ...(run.spec.sources.length === 1 && run.spec.sources[0] !== undefined ? { source: run.spec.sources[0] } : { sources: run.spec.sources }),
      resources: results.slice(0, MAX_RESULTS_IN_STATUS).map(toResourceResult),
    },
  };
}

function phaseOf(run: SyncRun): OperationState['phase'] {
  const phase = run.status?.phase ?? 'Error';
  return phase === 'Pending' ? 'Running' : phase;
}

function toResourceResult(task: TaskResult): ResourceResult {
  const { group, version, kind, namespace = '', name, message, phase, outcome, action } = task;
  const base = { group, version, kind, namespace, name, message, syncPhase: phase };
  if (action === 'hook') return { ...base, hookType: phase, hookPhase: outcome === 'Succeeded' ? 'Succeeded' : outcome === 'Running' ? 'Running' : 'Failed' };
  return { ...base, status: outcome === 'Pruned' || outcome === 'PruneSkipped' || outcome === 'SyncFailed' ? outcome : 'Synced' };
}

// Dry, selective and failed runs are not revisions somebody could go back to.
function withHistory(application: Application, run: SyncRun): readonly RevisionHistory[] | undefined {
  const { options, sources, cause, actor } = run.spec;
  const history = application.status?.history ?? [];
  const name = run.metadata.name ?? '';
  const revisions = run.status?.revisions ?? run.spec.revisions;
  if (
    run.status?.phase !== 'Succeeded' ||
    options.dryRun === true ||
    options.resources !== undefined ||
    cause === 'self-heal' ||
    history.some((entry) => entry.run === name)
  )
    return undefined;
  const entry: RevisionHistory = {
    id: (history.at(-1)?.id ?? -1) + 1,
    ...(revisions.length === 1 ? { revision: revisions[0] ?? '' } : { revisions }),
    ...(sources.length === 1 && sources[0] !== undefined ? { source: sources[0] } : { sources }),
    deployedAt: run.status.finishedAt ?? '',
    deployStartedAt: run.status.startedAt ?? '',
    initiatedBy: cause === 'automated' ? { automated: true } : { username: actor },
    run: name,
  };
  return [...history, entry].slice(-(application.spec.revisionHistoryLimit ?? 10));
}

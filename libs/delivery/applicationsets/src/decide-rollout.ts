import type { Application } from '@tiphys/delivery-applications';
import type { ApplicationSet, RollingStep, RolloutStatus } from './application-set.ts';

/** What a rolling sync does next. */
export interface RolloutDecision {
  readonly statuses: readonly RolloutStatus[];
  /** Applications to sync now. */
  readonly sync: readonly Application[];
}

/** Whether a set syncs its Applications step by step (applicationset_types.go RollingSync). */
export function isRolling({ spec }: ApplicationSet): boolean {
  return spec.strategy?.type === 'RollingSync' && (spec.strategy.rollingSync?.steps?.length ?? 0) > 0;
}

/**
 * The next state of a rolling sync: an Application waits until all of the earlier steps are healthy and its own step has room, then it is
 * synced once for its target revision (docs/operator-manual/applicationset/Progressive-Syncs.md). Pure.
 */
export function decideRollout(set: ApplicationSet, applications: readonly Application[], now: string): RolloutDecision {
  const steps = set.spec.strategy?.rollingSync?.steps ?? [];
  const before = new Map((set.status?.applicationStatus ?? []).map((status) => [status.application, status]));
  const staged = applications
    .toSorted((a, b) => ((a.metadata.name ?? '') < (b.metadata.name ?? '') ? -1 : 1))
    .map((application) => ({ application, step: stepOf(application, steps) }));
  const observed = staged.map(({ application, step }) => ({
    application,
    step,
    status: observe(application, step, before.get(application.metadata.name ?? ''), now),
  }));
  const started = start(observed, steps, now);
  return {
    statuses: started.map(({ status }) => status),
    sync: started
      .filter(({ application, status }) => status.status === 'Pending' && application.operation === undefined && !isRunning(application))
      .map(({ application }) => application),
  };
}

interface Staged {
  readonly application: Application;
  /** Place among the steps, or -1 where none matches: such an Application is not synced by the set. */
  readonly step: number;
  readonly status: RolloutStatus;
}

function stepOf({ metadata }: Application, steps: readonly RollingStep[]): number {
  return steps.findIndex(({ matchExpressions = [] }) =>
    matchExpressions.every(({ key = '', operator = 'In', values = [] }) => {
      const isListed = values.includes(metadata.labels?.[key] ?? '') && metadata.labels?.[key] !== undefined;
      return operator === 'NotIn' ? !isListed : isListed;
    }),
  );
}

function revisionsOf({ status }: Application): readonly string[] {
  const { revision = '', revisions = [] } = status?.sync ?? {};
  return revisions.length > 0 ? revisions : revision === '' ? [] : [revision];
}

const isRunning = ({ status }: Application): boolean => status?.operationState?.phase === 'Running' || status?.operationState?.phase === 'Terminating';
const isHealthy = ({ status }: Application): boolean => status?.health?.status === 'Healthy';
const isSynced = ({ status }: Application): boolean => status?.sync?.status === 'Synced';

function observe(application: Application, step: number, known: RolloutStatus | undefined, now: string): RolloutStatus {
  const targetRevisions = revisionsOf(application);
  const base = { application: application.metadata.name ?? '', step: String(step + 1), targetRevisions };
  const become = (status: RolloutStatus['status'], message: string): RolloutStatus => ({
    ...base,
    status,
    message,
    lastTransitionTime: known?.status === status ? (known.lastTransitionTime ?? now) : now,
  });
  // A target that was not known yet is no new one when it becomes known: the sync that was asked for is for it.
  const isNewTarget = known === undefined || (known.targetRevisions.length > 0 && JSON.stringify(known.targetRevisions) !== JSON.stringify(targetRevisions));
  if (isNewTarget)
    return become(
      'Waiting',
      known === undefined ? 'No Application status found, defaulting status to Waiting' : 'Application has pending changes, setting status to Waiting',
    );
  switch (known.status) {
    case 'Healthy':
      return isSynced(application) ? become('Healthy', known.message) : become('Waiting', 'Application has pending changes, setting status to Waiting');
    case 'Waiting':
      return isSynced(application) && isHealthy(application) && !isRunning(application)
        ? become('Healthy', 'Application resource is already Healthy and Synced')
        : become('Waiting', known.message);
    case 'Pending':
      return hasStarted(application, known)
        ? become('Progressing', 'Application resource became Progressing, updating status from Pending to Progressing')
        : become('Pending', known.message);
    case 'Progressing':
      if (hasMissed(application, targetRevisions)) return become('Waiting', 'Application has pending changes, setting status to Waiting');
      return isSynced(application) && isHealthy(application) && !isRunning(application)
        ? become('Healthy', 'Application resource became Healthy, updating status from Progressing to Healthy')
        : become('Progressing', known.message);
  }
}

// A sync that failed for another target than the present one says nothing about it.
function hasMissed({ status }: Application, targets: readonly string[]): boolean {
  const { phase, syncResult } = status?.operationState ?? {};
  if ((phase !== 'Failed' && phase !== 'Error') || targets.length === 0) return false;
  const { revision = '', revisions = [] } = syncResult ?? {};
  const tried = revisions.length > 0 ? revisions : revision === '' ? [] : [revision];
  return JSON.stringify(tried) !== JSON.stringify(targets);
}

// A sync that began after this one was asked for.
function hasStarted({ status }: Application, { lastTransitionTime = '' }: RolloutStatus): boolean {
  return Date.parse(status?.operationState?.startedAt ?? '') >= Date.parse(lastTransitionTime);
}

function start(staged: readonly Staged[], steps: readonly RollingStep[], now: string): readonly Staged[] {
  const open = steps.findIndex((_, index) => staged.some(({ step, status }) => step === index && status.status !== 'Healthy'));
  if (open < 0) return staged;
  const members = staged.filter(({ step }) => step === open);
  const busy = members.filter(({ status }) => status.status === 'Pending' || status.status === 'Progressing').length;
  let room = roomOf(steps[open]?.maxUpdate, members.length) - busy;
  return staged.map((entry) => {
    if (entry.step !== open || entry.status.status !== 'Waiting' || room <= 0) return entry;
    room -= 1;
    const message = 'Application moved to Pending status, watching for the Application resource to start Progressing';
    return { ...entry, status: { ...entry.status, status: 'Pending', message, lastTransitionTime: now } };
  });
}

// A percentage is rounded down, but something above nothing lets one through.
function roomOf(maxUpdate: number | string | undefined, members: number): number {
  if (maxUpdate === undefined) return members;
  if (typeof maxUpdate === 'number') return maxUpdate;
  const percent = Number(maxUpdate.replace('%', ''));
  return percent === 0 ? 0 : Math.max(1, Math.floor((members * percent) / 100));
}

import { toTimestamp } from '@tiphys/kernel';
import type { appsv1 } from '@tiphys/kube-model';
import { withoutCondition } from '../pods.ts';
import { boundsOf, replicasOf } from './rollout.ts';

const NO_DEADLINE = 2_147_483_647;

/** The status of a Deployment and when its progress deadline has to be looked at. */
export interface StatusResult {
  readonly status: appsv1.DeploymentStatus;
  readonly requeueAfterMs: number | undefined;
}

/** What a Deployment's status is made from. */
export interface StatusInputs {
  readonly deployment: appsv1.Deployment;
  readonly newSet: appsv1.ReplicaSet | undefined;
  /** The new ReplicaSet and the old ones. */
  readonly all: readonly appsv1.ReplicaSet[];
  /** What was just done. */
  readonly note: { readonly reason: string; readonly message: string } | undefined;
  readonly collisionCount: number | undefined;
}

/** Computes what a Deployment shows (sync.go calculateStatus and progress.go syncRolloutStatus). Pure. */
export function deploymentStatus(inputs: StatusInputs, nowMs: number): StatusResult {
  const { deployment, newSet, all, collisionCount } = inputs;
  const total = (field: 'replicas' | 'readyReplicas' | 'availableReplicas'): number => all.reduce((count, set) => count + (set.status?.[field] ?? 0), 0);
  const available = total('availableReplicas');
  const counts = {
    ...(deployment.metadata.generation === undefined ? {} : { observedGeneration: deployment.metadata.generation }),
    replicas: total('replicas'),
    updatedReplicas: newSet?.status?.replicas ?? 0,
    readyReplicas: total('readyReplicas'),
    availableReplicas: available,
    unavailableReplicas: Math.max(all.reduce((count, set) => count + replicasOf(set), 0) - available, 0),
    ...(collisionCount === undefined ? {} : { collisionCount }),
  };
  const conditions = withFailure(withProgress(inputs, counts, withAvailable(deployment, available, nowMs), nowMs), all, nowMs);
  return { status: { ...counts, ...(conditions.length === 0 ? {} : { conditions }) }, requeueAfterMs: deadlineInMs(deployment, conditions, nowMs) };
}

type Conditions = ReadonlyArray<appsv1.DeploymentCondition>;
type Counts = Pick<appsv1.DeploymentStatus, 'replicas' | 'updatedReplicas' | 'readyReplicas' | 'availableReplicas'>;

function withAvailable(deployment: appsv1.Deployment, available: number, nowMs: number): Conditions {
  const isEnough = available >= replicasOf(deployment) - boundsOf(deployment).unavailable;
  const condition = isEnough
    ? { type: 'Available', status: 'True', reason: 'MinimumReplicasAvailable', message: 'Deployment has minimum availability.' }
    : { type: 'Available', status: 'False', reason: 'MinimumReplicasUnavailable', message: 'Deployment does not have minimum availability.' };
  return setCondition(deployment.status?.conditions ?? [], condition, false, nowMs);
}

function withProgress({ deployment, newSet, note }: StatusInputs, counts: Counts, conditions: Conditions, nowMs: number): Conditions {
  const deadlineSeconds = deployment.spec?.progressDeadlineSeconds ?? 600;
  if (deadlineSeconds === NO_DEADLINE) return withoutCondition(conditions, 'Progressing');
  const known = conditions.find(({ type }) => type === 'Progressing');
  const subject = newSet === undefined ? `Deployment "${deployment.metadata.name ?? ''}"` : `ReplicaSet "${newSet.metadata.name ?? ''}"`;
  if (deployment.spec?.paused === true) {
    return known?.reason === 'DeploymentPaused'
      ? conditions
      : setCondition(conditions, { type: 'Progressing', status: 'Unknown', reason: 'DeploymentPaused', message: 'Deployment is paused' }, true, nowMs);
  }
  if (known?.reason === 'DeploymentPaused')
    return setCondition(conditions, { type: 'Progressing', status: 'Unknown', reason: 'DeploymentResumed', message: 'Deployment is resumed' }, true, nowMs);
  const wanted = replicasOf(deployment);
  const isComplete = counts.updatedReplicas === wanted && counts.replicas === wanted && counts.availableReplicas === wanted;
  const wasComplete = counts.replicas === counts.updatedReplicas && known?.reason === 'NewReplicaSetAvailable';
  if (isComplete || wasComplete) {
    return setCondition(
      conditions,
      { type: 'Progressing', status: 'True', reason: 'NewReplicaSetAvailable', message: `${subject} has successfully progressed.` },
      known?.reason !== 'NewReplicaSetAvailable',
      nowMs,
    );
  }
  if (note !== undefined) return setCondition(conditions, { type: 'Progressing', status: 'True', ...note }, true, nowMs);
  if (hasProgressed(deployment.status ?? {}, counts)) {
    return setCondition(conditions, { type: 'Progressing', status: 'True', reason: 'ReplicaSetUpdated', message: `${subject} is progressing.` }, true, nowMs);
  }
  if (known === undefined)
    return setCondition(conditions, { type: 'Progressing', status: 'True', reason: 'ReplicaSetUpdated', message: `${subject} is progressing.` }, true, nowMs);
  const isLate = known.reason !== 'ProgressDeadlineExceeded' && Date.parse(known.lastUpdateTime ?? '') + deadlineSeconds * 1_000 <= nowMs;
  if (!isLate) return conditions;
  return setCondition(
    conditions,
    { type: 'Progressing', status: 'False', reason: 'ProgressDeadlineExceeded', message: `${subject} has timed out progressing.` },
    true,
    nowMs,
  );
}

function hasProgressed(before: Counts, after: Counts): boolean {
  const old = (counts: Counts): number => (counts.replicas ?? 0) - (counts.updatedReplicas ?? 0);
  return (
    (after.updatedReplicas ?? 0) > (before.updatedReplicas ?? 0) ||
    old(after) < old(before) ||
    (after.readyReplicas ?? 0) > (before.readyReplicas ?? 0) ||
    (after.availableReplicas ?? 0) > (before.availableReplicas ?? 0)
  );
}

function withFailure(conditions: Conditions, all: readonly appsv1.ReplicaSet[], nowMs: number): Conditions {
  const failure = all.flatMap((set) => set.status?.conditions ?? []).find(({ type, status }) => type === 'ReplicaFailure' && status === 'True');
  if (failure === undefined) return withoutCondition(conditions, 'ReplicaFailure');
  const { reason, message } = failure;
  return setCondition(
    conditions,
    { type: 'ReplicaFailure', status: 'True', ...(reason === undefined ? {} : { reason }), ...(message === undefined ? {} : { message }) },
    false,
    nowMs,
  );
}

// `isProgress` moves the update time, from which the deadline counts, even when nothing else changes.
function setCondition(conditions: Conditions, condition: appsv1.DeploymentCondition, isProgress: boolean, nowMs: number): Conditions {
  const known = conditions.find(({ type }) => type === condition.type);
  const isSame = known?.status === condition.status && known.reason === condition.reason && known.message === condition.message;
  if (isSame && !isProgress) return conditions;
  const time = toTimestamp(nowMs);
  const next = { ...condition, lastUpdateTime: time, lastTransitionTime: known?.status === condition.status ? (known.lastTransitionTime ?? time) : time };
  return known === undefined ? [...conditions, next] : conditions.map((candidate) => (candidate === known ? next : candidate));
}

function deadlineInMs(deployment: appsv1.Deployment, conditions: Conditions, nowMs: number): number | undefined {
  const seconds = deployment.spec?.progressDeadlineSeconds ?? 600;
  const known = conditions.find(({ type }) => type === 'Progressing');
  if (seconds === NO_DEADLINE || deployment.spec?.paused === true || known === undefined) return undefined;
  if (known.reason === 'NewReplicaSetAvailable' || known.reason === 'ProgressDeadlineExceeded') return undefined;
  return Math.max(Date.parse(known.lastUpdateTime ?? '') + seconds * 1_000 - nowMs, 0) + 1_000;
}

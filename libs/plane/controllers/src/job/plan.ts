import { toTimestamp } from '@tiphys/kernel';
import type { batchv1, corev1 } from '@tiphys/kube-model';
import { isReady } from '../pods.ts';
import { formatIndexes, parseIndexes } from './indexes.ts';

/** The annotation and label with a pod's completion index. */
export const INDEX_KEY = 'batch.kubernetes.io/job-completion-index';

const BACKOFF_BASE_MS = 10_000;
const BACKOFF_MAX_MS = 600_000;

/** What is to be done for a Job. */
export interface JobPlan {
  /** Pods to create: one entry each, with its index when the Job is indexed. */
  readonly create: readonly (number | undefined)[];
  readonly remove: readonly corev1.Pod[];
  readonly status: batchv1.JobStatus;
  readonly requeueAfterMs: number | undefined;
}

/** The condition that ends a Job, if it has one. */
export function finishedCondition(job: batchv1.Job): batchv1.JobCondition | undefined {
  return job.status?.conditions?.find(({ type, status }) => (type === 'Complete' || type === 'Failed') && status === 'True');
}

/** Decides the next step of a Job from the pods it owns (pkg/controller/job). Pure. */
export function planJob(job: batchv1.Job, pods: readonly corev1.Pod[], nowMs: number): JobPlan {
  const spec = job.spec;
  const known = job.status ?? {};
  if (spec === undefined || finishedCondition(job) !== undefined) return { create: [], remove: [], status: known, requeueAfterMs: undefined };
  const isIndexed = spec.completionMode === 'Indexed';
  const succeededPods = pods.filter(({ status }) => status?.phase === 'Succeeded');
  const failedPods = pods.filter(({ status }) => status?.phase === 'Failed');
  const active = pods.filter(({ status, metadata }) => status?.phase !== 'Succeeded' && status?.phase !== 'Failed' && metadata.deletionTimestamp === undefined);
  const doneIndexes = new Set(
    [...parseIndexes(known.completedIndexes), ...succeededPods.flatMap((pod) => indexOf(pod) ?? [])].filter((index) => index < (spec.completions ?? 0)),
  );
  // Counts never go back: a pod that was counted may be removed later.
  const succeeded = isIndexed ? doneIndexes.size : Math.max(known.succeeded ?? 0, succeededPods.length);
  const failed = Math.max(known.failed ?? 0, failedPods.length);
  const base: Counts = {
    isIndexed,
    active,
    succeeded,
    failed,
    doneIndexes,
    startTime: spec.suspend === true ? undefined : (known.startTime ?? toTimestamp(nowMs)),
  };
  const verdict = judge(job, spec, base, failedPods, nowMs);
  if (verdict !== undefined) return finish(job, base, verdict, pods, nowMs);
  if (spec.suspend === true) return suspend(job, base, nowMs);
  return proceed(job, spec, base, failedPods, nowMs);
}

interface Counts {
  readonly isIndexed: boolean;
  readonly active: readonly corev1.Pod[];
  readonly succeeded: number;
  readonly failed: number;
  readonly doneIndexes: ReadonlySet<number>;
  readonly startTime: string | undefined;
}

interface Verdict {
  readonly type: 'Complete' | 'Failed';
  readonly reason: string;
  readonly message: string;
}

function judge(job: batchv1.Job, spec: batchv1.JobSpec, counts: Counts, failedPods: readonly corev1.Pod[], nowMs: number): Verdict | undefined {
  const known = job.status?.conditions?.find(({ type, status }) => (type === 'FailureTarget' || type === 'SuccessCriteriaMet') && status === 'True');
  if (known !== undefined) return { type: known.type === 'FailureTarget' ? 'Failed' : 'Complete', reason: known.reason ?? '', message: known.message ?? '' };
  const restarts = counts.active.flatMap(({ status }) => status?.containerStatuses ?? []).reduce((total, { restartCount }) => total + restartCount, 0);
  const limit = spec.backoffLimit ?? 6;
  const fatal = failedPods.map((pod) => matchFailurePolicy(spec.podFailurePolicy, pod)).find((match) => match?.action === 'FailJob');
  if (fatal !== undefined) return { type: 'Failed', reason: 'PodFailurePolicy', message: fatal.message };
  const isOnFailure = spec.template.spec?.restartPolicy === 'OnFailure';
  const ignored = failedPods.filter((pod) => matchFailurePolicy(spec.podFailurePolicy, pod)?.action === 'Ignore').length;
  if (counts.failed - ignored > limit || (isOnFailure && limit > 0 && restarts >= limit && restarts > 0)) {
    return { type: 'Failed', reason: 'BackoffLimitExceeded', message: 'Job has reached the specified backoff limit' };
  }
  const deadline = spec.activeDeadlineSeconds;
  if (deadline !== undefined && counts.startTime !== undefined && nowMs - Date.parse(counts.startTime) >= deadline * 1_000) {
    return { type: 'Failed', reason: 'DeadlineExceeded', message: 'Job was active longer than specified deadline' };
  }
  // Without a number of completions any success ends the Job, once its other pods have ended.
  const isComplete = spec.completions === undefined ? counts.succeeded > 0 && counts.active.length === 0 : counts.succeeded >= spec.completions;
  return isComplete ? { type: 'Complete', reason: 'CompletionsReached', message: 'Reached expected number of succeeded pods' } : undefined;
}

/** What the pod failure policy says about a failed pod; undefined when no rule matches. */
function matchFailurePolicy(policy: batchv1.PodFailurePolicy | undefined, pod: corev1.Pod): { readonly action: string; readonly message: string } | undefined {
  const statuses = [...(pod.status?.initContainerStatuses ?? []), ...(pod.status?.containerStatuses ?? [])];
  for (const [index, rule] of (policy?.rules ?? []).entries()) {
    const codes = rule.onExitCodes;
    const hit = statuses.find(({ name, state }) => {
      const code = state?.terminated?.exitCode;
      if (codes === undefined || code === undefined || code === 0 || (codes.containerName !== undefined && codes.containerName !== name)) return false;
      return codes.operator === 'In' ? codes.values.includes(code) : !codes.values.includes(code);
    });
    if (hit !== undefined) {
      return {
        action: rule.action,
        message: `Container ${hit.name} for pod ${pod.metadata.namespace ?? ''}/${pod.metadata.name ?? ''} failed with exit code ${hit.state?.terminated?.exitCode ?? 0} matching ${rule.action} rule at index ${index}`,
      };
    }
    const condition = rule.onPodConditions?.find((pattern) =>
      pod.status?.conditions?.some(({ type, status }) => type === pattern.type && status === pattern.status),
    );
    if (condition !== undefined)
      return {
        action: rule.action,
        message: `Pod ${pod.metadata.namespace ?? ''}/${pod.metadata.name ?? ''} has condition ${condition.type} matching ${rule.action} rule at index ${index}`,
      };
  }
  return undefined;
}

// First the target condition, then, when no pod is left running, the final one (KEP-3998, KEP-4368).
function finish(job: batchv1.Job, counts: Counts, verdict: Verdict, pods: readonly corev1.Pod[], nowMs: number): JobPlan {
  const target = verdict.type === 'Complete' ? 'SuccessCriteriaMet' : 'FailureTarget';
  const conditions = addCondition(job.status?.conditions ?? [], target, verdict, nowMs);
  const stillThere = pods.filter(({ status }) => status?.phase !== 'Succeeded' && status?.phase !== 'Failed');
  const isOver = stillThere.length === 0;
  const done = isOver ? addCondition(conditions, verdict.type, verdict, nowMs) : conditions;
  const status = statusOf(job, counts, done, isOver ? 0 : counts.active.length, stillThere.length - counts.active.length);
  const completionTime = isOver && verdict.type === 'Complete' ? { completionTime: toTimestamp(nowMs) } : {};
  return { create: [], remove: counts.active, status: { ...status, ...completionTime }, requeueAfterMs: undefined };
}

function suspend(job: batchv1.Job, counts: Counts, nowMs: number): JobPlan {
  const conditions = setSuspended(job.status?.conditions ?? [], true, nowMs);
  return { create: [], remove: counts.active, status: statusOf(job, counts, conditions, 0, 0), requeueAfterMs: undefined };
}

function proceed(job: batchv1.Job, spec: batchv1.JobSpec, counts: Counts, failedPods: readonly corev1.Pod[], nowMs: number): JobPlan {
  const parallelism = spec.parallelism ?? 1;
  const left = spec.completions === undefined ? (counts.succeeded > 0 ? counts.active.length : parallelism) : spec.completions - counts.succeeded;
  const wanted = Math.min(parallelism, Math.max(left, 0));
  const missing = wanted - counts.active.length;
  const waitMs = missing > 0 ? backoffMs(failedPods, counts.failed, nowMs) : 0;
  const create =
    missing <= 0 || waitMs > 0 ? [] : counts.isIndexed ? freeIndexes(spec.completions ?? 0, counts, missing) : Array.from({ length: missing }, () => undefined);
  const conditions = setSuspended(job.status?.conditions ?? [], false, nowMs);
  const deadlineMs =
    spec.activeDeadlineSeconds === undefined || counts.startTime === undefined
      ? undefined
      : Date.parse(counts.startTime) + spec.activeDeadlineSeconds * 1_000 - nowMs;
  const waits = [deadlineMs, waitMs > 0 ? waitMs : undefined].filter((wait) => wait !== undefined);
  return {
    create,
    remove: missing < 0 ? counts.active.toSorted((a, b) => Number(isReady(a)) - Number(isReady(b))).slice(0, -missing) : [],
    status: statusOf(job, counts, conditions, counts.active.length + create.length, 0),
    requeueAfterMs: waits.length === 0 ? undefined : Math.max(Math.min(...waits), 1),
  };
}

/** Milliseconds a Job waits after its pods failed: 10 s doubling to 10 min, counted from the last failure. */
function backoffMs(failedPods: readonly corev1.Pod[], failed: number, nowMs: number): number {
  if (failed === 0) return 0;
  const lastMs = Math.max(0, ...failedPods.map(finishedAtMs));
  return Math.max(lastMs + Math.min(BACKOFF_BASE_MS * 2 ** (failed - 1), BACKOFF_MAX_MS) - nowMs, 0);
}

function finishedAtMs(pod: corev1.Pod): number {
  const times = (pod.status?.containerStatuses ?? []).map(({ state }) => Date.parse(state?.terminated?.finishedAt ?? '') || 0);
  return Math.max(0, ...times) || Date.parse(pod.metadata.creationTimestamp ?? '') || 0;
}

/** A pod's completion index. */
function indexOf(pod: corev1.Pod): number | undefined {
  const text = pod.metadata.annotations?.[INDEX_KEY];
  return text === undefined || !/^\d+$/.test(text) ? undefined : Number(text);
}

function freeIndexes(completions: number, counts: Counts, count: number): readonly number[] {
  const taken = new Set(counts.active.flatMap((pod) => indexOf(pod) ?? []));
  const free: number[] = [];
  for (let index = 0; index < completions && free.length < count; index += 1) if (!counts.doneIndexes.has(index) && !taken.has(index)) free.push(index);
  return free;
}

function statusOf(job: batchv1.Job, counts: Counts, conditions: ReadonlyArray<batchv1.JobCondition>, active: number, terminating: number): batchv1.JobStatus {
  const { startTime, succeeded, failed, doneIndexes } = counts;
  return {
    ...(active === 0 ? {} : { active }),
    ...(succeeded === 0 ? {} : { succeeded }),
    ...(failed === 0 ? {} : { failed }),
    ready: counts.active.filter(isReady).length,
    terminating: Math.max(terminating, 0),
    ...(startTime === undefined ? {} : { startTime }),
    ...(counts.isIndexed && doneIndexes.size > 0 ? { completedIndexes: formatIndexes([...doneIndexes]) } : {}),
    ...(conditions.length === 0 ? {} : { conditions }),
    ...(job.status?.uncountedTerminatedPods === undefined ? { uncountedTerminatedPods: {} } : { uncountedTerminatedPods: job.status.uncountedTerminatedPods }),
  };
}

function addCondition(conditions: ReadonlyArray<batchv1.JobCondition>, type: string, verdict: Verdict, nowMs: number): ReadonlyArray<batchv1.JobCondition> {
  if (conditions.some((condition) => condition.type === type && condition.status === 'True')) return conditions;
  const time = toTimestamp(nowMs);
  return [...conditions, { type, status: 'True', reason: verdict.reason, message: verdict.message, lastProbeTime: time, lastTransitionTime: time }];
}

function setSuspended(conditions: ReadonlyArray<batchv1.JobCondition>, isSuspended: boolean, nowMs: number): ReadonlyArray<batchv1.JobCondition> {
  const known = conditions.find(({ type }) => type === 'Suspended');
  if ((known?.status === 'True') === isSuspended) return conditions;
  const time = toTimestamp(nowMs);
  const next = {
    type: 'Suspended',
    status: isSuspended ? 'True' : 'False',
    reason: isSuspended ? 'JobSuspended' : 'JobResumed',
    message: isSuspended ? 'Job suspended' : 'Job resumed',
    lastProbeTime: time,
    lastTransitionTime: time,
  };
  return [...conditions.filter(({ type }) => type !== 'Suspended'), next];
}

import type { batchv1, corev1 } from '@tiphys/kube-model';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { formatIndexes, parseIndexes } from './indexes.ts';
import { INDEX_KEY, planJob } from './plan.ts';

const nowMs = Date.parse('2026-01-01T00:00:00Z');

function job(spec: Partial<batchv1.JobSpec>, status?: batchv1.JobStatus): batchv1.Job {
  return {
    apiVersion: 'batch/v1',
    kind: 'Job',
    metadata: { name: 'j', uid: 'j' },
    spec: { template: { spec: { containers: [], restartPolicy: 'Never' } }, completions: 1, parallelism: 1, ...spec },
    ...(status === undefined ? {} : { status }),
  };
}

function pod(phase: string, more: { readonly index?: number; readonly exitCode?: number; readonly ageMs?: number } = {}): corev1.Pod {
  const finishedAt = new Date(nowMs - (more.ageMs ?? 0)).toISOString();
  const isOver = phase === 'Succeeded' || phase === 'Failed';
  return {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { name: `p${Math.abs(more.index ?? 0)}`, ...(more.index === undefined ? {} : { annotations: { [INDEX_KEY]: String(more.index) } }) },
    status: {
      phase,
      ...(isOver
        ? {
            containerStatuses: [
              { name: 'main', image: '', imageID: '', ready: false, restartCount: 0, state: { terminated: { exitCode: more.exitCode ?? 0, finishedAt } } },
            ],
          }
        : {}),
    },
  };
}

const reasons = (plan: { readonly status: batchv1.JobStatus }): readonly string[] =>
  (plan.status.conditions ?? []).map(({ type, status, reason }) => `${type}=${status}:${reason ?? ''}`);

describe('job plan', () => {
  it('starts pods up to parallelism and completions', () => {
    expect(planJob(job({ completions: 5, parallelism: 2 }), [], nowMs).create).toHaveLength(2);
    expect(planJob(job({ completions: 5, parallelism: 4 }), [pod('Succeeded'), pod('Succeeded'), pod('Succeeded'), pod('Running')], nowMs).create).toHaveLength(
      1,
    );
    expect(planJob(job({ completions: 2, parallelism: 4 }), [pod('Running'), pod('Running'), pod('Running')], nowMs).remove).toHaveLength(1);
  });

  it('completes with the criteria first and the verdict when no pod is left', () => {
    const plan = planJob(job({}), [pod('Succeeded')], nowMs);
    expect(reasons(plan)).toEqual(['SuccessCriteriaMet=True:CompletionsReached', 'Complete=True:CompletionsReached']);
    expect(plan.status).toMatchObject({ succeeded: 1, completionTime: '2026-01-01T00:00:00Z' });
    const waiting = planJob(job({ completions: 1, parallelism: 2 }), [pod('Succeeded'), pod('Running')], nowMs);
    expect(reasons(waiting)).toEqual(['SuccessCriteriaMet=True:CompletionsReached']);
    expect(waiting.remove).toHaveLength(1);
  });

  it('waits after a failure and gives up at the limit', () => {
    const once = planJob(job({ backoffLimit: 2 }), [pod('Failed', { exitCode: 1, ageMs: 4_000 })], nowMs);
    expect(once.create).toEqual([]);
    expect(once.requeueAfterMs).toBe(6_000);
    expect(planJob(job({ backoffLimit: 2 }), [pod('Failed', { exitCode: 1, ageMs: 11_000 })], nowMs).create).toHaveLength(1);
    expect(reasons(planJob(job({ backoffLimit: 0 }), [pod('Failed', { exitCode: 1 })], nowMs))).toEqual([
      'FailureTarget=True:BackoffLimitExceeded',
      'Failed=True:BackoffLimitExceeded',
    ]);
  });

  it('obeys deadline, suspension and the failure policy', () => {
    const late = planJob(job({ activeDeadlineSeconds: 10 }, { startTime: '2025-12-31T23:59:50Z' }), [pod('Running')], nowMs);
    expect(reasons(late)).toEqual(['FailureTarget=True:DeadlineExceeded']);
    expect(late.remove).toHaveLength(1);
    const suspended = planJob(job({ suspend: true }), [pod('Running')], nowMs);
    expect(suspended.remove).toHaveLength(1);
    expect(reasons(suspended)).toEqual(['Suspended=True:JobSuspended']);
    const fatal = job({ podFailurePolicy: { rules: [{ action: 'FailJob', onExitCodes: { operator: 'In', values: [42] } }] } });
    expect(reasons(planJob(fatal, [pod('Failed', { exitCode: 42 })], nowMs))[0]).toBe('FailureTarget=True:PodFailurePolicy');
  });

  it('runs each index once', () => {
    const indexed = job({ completionMode: 'Indexed', completions: 4, parallelism: 3 }, { completedIndexes: '0' });
    const plan = planJob(indexed, [pod('Succeeded', { index: 2 }), pod('Running', { index: 1 })], nowMs);
    expect(plan.create).toEqual([3]);
    expect(plan.status).toMatchObject({ completedIndexes: '0,2', succeeded: 2 });
  });

  it('reads back the indexes it writes', () => {
    fc.assert(
      fc.property(fc.uniqueArray(fc.integer({ min: 0, max: 200 })), (indexes) => {
        expect(parseIndexes(formatIndexes(indexes))).toEqual(indexes.toSorted((a, b) => a - b));
      }),
    );
    expect(formatIndexes([5, 1, 2, 3, 8, 9])).toBe('1-3,5,8,9');
  });
});

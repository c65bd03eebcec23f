import type { appsv1, batchv1, corev1, Mutable } from '@tiphys/kube-model';
import { defaultTemplate } from './pods.ts';

/** A controller of core/v1 takes selector and labels from its template. */
export function defaultReplicationController({ spec, metadata }: Mutable<corev1.ReplicationController>): void {
  if (spec === undefined) return;
  spec.replicas ??= 1;
  spec.minReadySeconds ??= 0;
  const labels = spec.template?.metadata?.labels;
  if (labels !== undefined && Object.keys(spec.selector ?? {}).length === 0) spec.selector = { ...labels };
  if (labels !== undefined && Object.keys(metadata.labels ?? {}).length === 0) metadata.labels = { ...labels };
  defaultTemplate(spec.template);
}

export function defaultDeployment({ spec }: Mutable<appsv1.Deployment>): void {
  if (spec === undefined) return;
  if (spec.strategy?.type === 'RollingUpdate') spec.strategy.rollingUpdate = { maxUnavailable: '25%', maxSurge: '25%', ...spec.strategy.rollingUpdate };
  defaultTemplate(spec.template);
}

/** What must be seen before the update strategy has its type. */
export function defaultStatefulSetEarly({ spec }: Mutable<appsv1.StatefulSet>): void {
  if (spec !== undefined && spec.updateStrategy?.type === undefined) spec.updateStrategy = { rollingUpdate: {}, ...spec.updateStrategy };
}

export function defaultStatefulSet({ spec }: Mutable<appsv1.StatefulSet>): void {
  if (spec === undefined) return;
  const { type, rollingUpdate } = spec.updateStrategy ?? {};
  if (type === 'RollingUpdate' && rollingUpdate !== undefined) rollingUpdate.partition ??= 0;
  defaultTemplate(spec.template);
}

export function defaultDaemonSet({ spec }: Mutable<appsv1.DaemonSet>): void {
  if (spec === undefined) return;
  if (spec.updateStrategy?.type === 'RollingUpdate')
    spec.updateStrategy.rollingUpdate = { maxUnavailable: 1, maxSurge: 0, ...spec.updateStrategy.rollingUpdate };
  defaultTemplate(spec.template);
}

/** What must be seen before parallelism has its default: a Job that says nothing runs one pod once. */
export function defaultJobEarly({ spec }: Mutable<batchv1.Job>): void {
  if (spec !== undefined && spec.completions === undefined && spec.parallelism === undefined) spec.completions = 1;
}

const NO_BACKOFF_LIMIT = 2_147_483_647;

export function defaultJob({ metadata, spec }: Mutable<batchv1.Job>): void {
  if (spec === undefined) return;
  spec.backoffLimit ??= spec.backoffLimitPerIndex === undefined ? 6 : NO_BACKOFF_LIMIT;
  spec.podReplacementPolicy ??= spec.podFailurePolicy === undefined ? 'TerminatingOrFailed' : 'Failed';
  const labels = spec.template?.metadata?.labels;
  if (labels !== undefined && Object.keys(metadata.labels ?? {}).length === 0) metadata.labels = { ...labels };
  defaultTemplate(spec.template);
}

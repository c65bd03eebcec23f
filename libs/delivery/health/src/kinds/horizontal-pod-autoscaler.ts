import { fieldAt, type KubeObject } from '@tiphys/kube-model';
import { health, type Health } from '../health.ts';

const FAILURES = new Set([
  'FailedGetScale',
  'FailedUpdateScale',
  'FailedGetResourceMetric',
  'InvalidSelector',
  'FailedGetObjectMetric',
  'FailedGetPodsMetric',
  'FailedGetExternalMetric',
  'FailedGetContainerResourceMetric',
  'FailedComputeMetricsReplicas',
  'InvalidMetricSourceType',
]);

interface Condition {
  readonly type?: string;
  readonly status?: string;
  readonly reason?: string;
  readonly message?: string;
}

/** Health of a HorizontalPodAutoscaler; version 1 keeps its conditions in an annotation. */
export function assessHorizontalPodAutoscaler(live: KubeObject): Health {
  const conditions = conditionsOf(live);
  if (conditions.length === 0) return health('Progressing', 'Waiting to Autoscale');
  const failed = conditions.find((condition) => FAILURES.has(condition.reason ?? ''));
  if (failed !== undefined) return health('Degraded', failed.message);
  const settled = conditions.find((condition) => (condition.type === 'AbleToScale' || condition.type === 'ScalingLimited') && condition.status === 'True');
  return settled === undefined ? health('Progressing', 'Waiting to Autoscale') : health('Healthy', settled.message);
}

function conditionsOf(live: KubeObject): readonly Condition[] {
  const listed = fieldAt(live, 'status', 'conditions');
  if (Array.isArray(listed)) return listed;
  const text = live.metadata.annotations?.['autoscaling.alpha.kubernetes.io/conditions'];
  if (text === undefined) return [];
  try {
    const parsed: unknown = JSON.parse(text);
    return Array.isArray(parsed) ? parsed : [];
  } catch {
    return [];
  }
}

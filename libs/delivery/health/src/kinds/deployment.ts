import type { appsv1, KubeObject } from '@tiphys/kube-model';
import { health, type Health } from '../health.ts';

/** Health of a Deployment: the rollout's own account of itself (`kubectl rollout status`). */
export function assessDeployment(live: KubeObject): Health {
  // The dispatcher calls this for apps Deployments only.
  const { spec, status = {}, metadata } = live as appsv1.Deployment;
  if (spec?.paused === true) return health('Suspended', 'Deployment is paused');
  if ((metadata.generation ?? 0) > (status.observedGeneration ?? 0)) {
    return health('Progressing', 'Waiting for rollout to finish: observed deployment generation less than desired generation');
  }
  const progressing = status.conditions?.find((condition) => condition.type === 'Progressing');
  if (progressing?.reason === 'ProgressDeadlineExceeded') return health('Degraded', `Deployment "${metadata.name ?? ''}" exceeded its progress deadline`);
  const { replicas = 0, updatedReplicas = 0, availableReplicas = 0 } = status;
  const desired = spec?.replicas ?? 1;
  if (updatedReplicas < desired)
    return health('Progressing', `Waiting for rollout to finish: ${updatedReplicas} out of ${desired} new replicas have been updated...`);
  if (replicas > updatedReplicas)
    return health('Progressing', `Waiting for rollout to finish: ${replicas - updatedReplicas} old replicas are pending termination...`);
  if (availableReplicas < updatedReplicas)
    return health('Progressing', `Waiting for rollout to finish: ${availableReplicas} of ${updatedReplicas} updated replicas are available...`);
  return health('Healthy');
}

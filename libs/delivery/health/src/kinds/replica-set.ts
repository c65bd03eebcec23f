import type { appsv1, KubeObject } from '@tiphys/kube-model';
import { health, type Health } from '../health.ts';

/** Health of a ReplicaSet: failure to create pods, generation, available replicas. */
export function assessReplicaSet(live: KubeObject): Health {
  // The dispatcher calls this for apps ReplicaSets only.
  const { spec, metadata, ...rest } = live as appsv1.ReplicaSet;
  const status: Partial<appsv1.ReplicaSetStatus> = rest.status ?? {};
  if ((metadata.generation ?? 0) > (status.observedGeneration ?? 0)) {
    return health('Progressing', 'Waiting for rollout to finish: observed replica set generation less than desired generation');
  }
  const failure = status.conditions?.find((condition) => condition.type === 'ReplicaFailure' && condition.status === 'True');
  if (failure !== undefined) return health('Degraded', failure.message);
  const available = status.availableReplicas ?? 0;
  const replicas = spec?.replicas ?? 1;
  if (available < replicas) return health('Progressing', `Waiting for rollout to finish: ${available} out of ${replicas} new replicas are available...`);
  return health('Healthy');
}

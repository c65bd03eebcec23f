import type { appsv1, KubeObject } from '@tiphys/kube-model';
import { health, type Health } from '../health.ts';

/** Health of a StatefulSet: generation, ready replicas, partition, revisions. */
export function assessStatefulSet(live: KubeObject): Health {
  // The dispatcher calls this for apps StatefulSets only.
  const { spec, metadata, ...rest } = live as appsv1.StatefulSet;
  const status: Partial<appsv1.StatefulSetStatus> = rest.status ?? {};
  if ((status.observedGeneration ?? 0) === 0 || (metadata.generation ?? 0) > (status.observedGeneration ?? 0)) {
    return health('Progressing', 'Waiting for statefulset spec update to be observed...');
  }
  const { readyReplicas = 0, updatedReplicas = 0, currentReplicas = 0 } = status;
  const replicas = spec?.replicas ?? 1;
  if (readyReplicas < replicas) return health('Progressing', `Waiting for ${replicas - readyReplicas} pods to be ready...`);
  const strategy = spec?.updateStrategy;
  if (strategy?.type === 'OnDelete') return health('Healthy', `statefulset has ${readyReplicas} ready pods`);
  const partition = strategy?.rollingUpdate?.partition ?? 0;
  if (partition > 0) {
    if (updatedReplicas < replicas - partition) {
      return health(
        'Progressing',
        `Waiting for partitioned roll out to finish: ${updatedReplicas} out of ${replicas - partition} new pods have been updated...`,
      );
    }
    return health('Healthy', `partitioned roll out complete: ${updatedReplicas} new pods have been updated...`);
  }
  if (status.updateRevision !== status.currentRevision) {
    return health('Progressing', `waiting for statefulset rolling update to complete ${updatedReplicas} pods at revision ${status.updateRevision ?? ''}...`);
  }
  return health('Healthy', `statefulset rolling update complete ${currentReplicas} pods at revision ${status.currentRevision ?? ''}...`);
}

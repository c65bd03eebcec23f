import type { appsv1, KubeObject } from '@tiphys/kube-model';
import { health, type Health } from '../health.ts';

/** Health of a DaemonSet: generation, updated and available pods. */
export function assessDaemonSet(live: KubeObject): Health {
  // The dispatcher calls this for apps DaemonSets only.
  const { spec, metadata, ...rest } = live as appsv1.DaemonSet;
  const status: Partial<appsv1.DaemonSetStatus> = rest.status ?? {};
  if ((metadata.generation ?? 0) > (status.observedGeneration ?? 0)) {
    return health('Progressing', 'Waiting for rollout to finish: observed daemon set generation less than desired generation');
  }
  const { updatedNumberScheduled: updated = 0, desiredNumberScheduled: desired = 0, numberAvailable: available = 0 } = status;
  if (spec?.updateStrategy?.type === 'OnDelete') return health('Healthy', `daemon set ${updated} out of ${desired} new pods have been updated`);
  if (updated < desired)
    return health(
      'Progressing',
      `Waiting for daemon set "${metadata.name ?? ''}" rollout to finish: ${updated} out of ${desired} new pods have been updated...`,
    );
  if (available < desired)
    return health('Progressing', `Waiting for daemon set "${metadata.name ?? ''}" rollout to finish: ${available} of ${desired} updated pods are available...`);
  return health('Healthy');
}

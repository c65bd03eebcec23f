import type { batchv1, KubeObject } from '@tiphys/kube-model';
import { health, type Health } from '../health.ts';

/** Health of a Job. Unlike Argo CD, a `Suspended` condition that is False does not make a running Job look complete. */
export function assessJob(live: KubeObject): Health {
  // The dispatcher calls this for batch Jobs only.
  const job = live as batchv1.Job;
  const holds = (type: string): batchv1.JobCondition | undefined =>
    job.status?.conditions?.find((condition) => condition.type === type && condition.status === 'True');
  const failed = holds('Failed');
  if (failed !== undefined) return health('Degraded', failed.message);
  const complete = holds('Complete');
  if (complete !== undefined) return health('Healthy', complete.message);
  const suspended = holds('Suspended');
  if (suspended !== undefined) return health('Suspended', suspended.message);
  return health('Progressing');
}

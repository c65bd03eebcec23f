import { fieldAt, type KubeObject } from '@tiphys/kube-model';
import { health, type Health } from '../health.ts';
import { listAt, textAt } from '../rules/status.ts';

/** Health of a CronJob (batch/v1 CronJobStatus): how its last run ended. */
export function assessCronJob(live: KubeObject): Health {
  if (fieldAt(live, 'spec', 'suspend') === true) return health('Healthy', 'CronJob is Suspended');
  const scheduled = textAt(live, 'status', 'lastScheduleTime');
  if (scheduled === '') return health('Healthy', 'CronJob has not been scheduled yet');
  if (listAt(live, 'status', 'active').length > 0) return health('Healthy', 'The job is running. Its last execution may not have been successful');
  const succeeded = textAt(live, 'status', 'lastSuccessfulTime');
  if (succeeded === '') return health('Healthy', 'The CronJob never completed successfully. It may not be healthy');
  // Both are RFC 3339 in UTC, so text order is time order.
  return succeeded >= scheduled
    ? health('Healthy', 'CronJob has completed its last execution successfully')
    : health('Degraded', 'CronJob has not completed its last execution successfully');
}

import { sourcesOf, type Application, type SyncRun } from '@tiphys/delivery-applications';
import type { RollbackRequest } from './controller-types.ts';
import { DeliveryError } from './delivery-error.ts';

/** What a rollback deploys: the sources and commits of a run, or of an entry of the history. Throws DeliveryError `notFound`. */
export function rollbackTarget(
  instance: string,
  application: Application,
  request: RollbackRequest,
  findRun: (name: string) => SyncRun | undefined,
): Pick<SyncRun['spec'], 'sources' | 'revisions'> {
  const entry = application.status?.history?.find((candidate) => candidate.id === request.historyId);
  const runName = request.run ?? entry?.run;
  const run = runName === undefined ? undefined : findRun(runName);
  // Another application's run is none of this one's past.
  if (run !== undefined && run.spec.application === instance) return { sources: run.spec.sources, revisions: run.status?.revisions ?? run.spec.revisions };
  if (entry === undefined)
    throw new DeliveryError({ code: 'notFound' }, `application ${application.metadata.name ?? ''}: there is no such revision in its history`, {
      hint: 'tiphys app history lists what can be rolled back to',
    });
  return {
    sources: entry.sources ?? (entry.source === undefined ? sourcesOf(application.spec) : [entry.source]),
    revisions: entry.revisions ?? [entry.revision ?? ''],
  };
}

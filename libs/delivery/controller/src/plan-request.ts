import { parseSyncOptions, type Application, type RunCause, type RunOptions } from '@tiphys/delivery-applications';
import type { PlanRequest } from '@tiphys/delivery-sync';
import { DeliveryError } from './delivery-error.ts';
import type { Evidence } from './gather.ts';

/** The run id of a plan that is only shown: its hash does not depend on the run that carries it out. */
export const SHOWN_PLAN = 'shown';

/** What a plan is wanted for. */
export interface PlanSubject {
  readonly application: Application;
  readonly runId: string;
  readonly options: RunOptions;
  readonly cause: RunCause;
  readonly evidence: Evidence;
}

/** Everything the plan of a run, or of a preview, is made from. */
export async function planRequest({ application, runId, options, cause, evidence }: PlanSubject, signal: AbortSignal): Promise<PlanRequest> {
  const { syncPolicy, destination } = application.spec;
  const destinationNamespace = destination.namespace ?? '';
  return {
    application: application.metadata.name ?? '',
    runId,
    revision: evidence.revisions[0] ?? '',
    desired: evidence.desired.objects,
    comparison: evidence.comparison,
    isComplete: evidence.problems.length === 0,
    run: options,
    syncOptions: parseSyncOptions([...(syncPolicy?.syncOptions ?? []), ...(options.syncOptions ?? [])]),
    destinationNamespace,
    destinationNamespaceExists: destinationNamespace === '' || (await evidence.cluster.hasNamespace(destinationNamespace, signal)),
    ...(syncPolicy?.managedNamespaceMetadata === undefined ? {} : { namespaceMetadata: syncPolicy.managedNamespaceMetadata }),
    skipUnchanged: cause === 'automated' || cause === 'self-heal',
  };
}

/** The refusal of a plan that is no longer what was shown. */
export function planMoved(application: string, hash: string): DeliveryError {
  return new DeliveryError(
    { code: 'planMoved' },
    `application ${application}: the plan is no longer the one shown, Git or the cluster moved; it is ${hash} now`,
    { hint: 'look at the new plan and sync that' },
  );
}

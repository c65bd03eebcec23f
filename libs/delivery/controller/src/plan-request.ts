import { parseSyncOptions, type Application, type RunCause, type RunOptions } from '@tiphys/delivery-applications';
import type { PlanRequest, PruneBudget } from '@tiphys/delivery-sync';
import { DeliveryError } from './delivery-error.ts';
import type { Evidence } from './gather.ts';
import type { ResourceRules } from './resource-rules.ts';
import { respectIgnores } from './respect-ignores.ts';

/** The run id of a plan that is only shown: its hash does not depend on the run that carries it out. */
export const SHOWN_PLAN = 'shown';

/** What a plan is wanted for. */
export interface PlanSubject {
  readonly application: Application;
  /** The name the application is known by. */
  readonly instance: string;
  readonly runId: string;
  readonly options: RunOptions;
  readonly cause: RunCause;
  readonly evidence: Evidence;
  /** How much automation may prune without asking. */
  readonly pruneBudget: PruneBudget | undefined;
  readonly rules: Pick<ResourceRules, 'health' | 'settings' | 'scripts'>;
}

/** A plan that somebody wants to see. */
export function shownSubject(application: Application, instance: string, shown: Pick<PlanSubject, 'options' | 'evidence' | 'rules'>): PlanSubject {
  return { ...shown, application, instance, runId: SHOWN_PLAN, cause: 'manual', pruneBudget: undefined };
}

/** Everything the plan of a run, or of a preview, is made from. */
export async function planRequest(
  { application, instance, runId, options, cause, evidence, pruneBudget, rules }: PlanSubject,
  signal: AbortSignal,
): Promise<PlanRequest> {
  const { syncPolicy, destination, ignoreDifferences = [] } = application.spec;
  const destinationNamespace = destination.namespace ?? '';
  const isAutomatic = cause === 'automated' || cause === 'self-heal';
  const liveNamespace = destinationNamespace === '' ? undefined : await evidence.cluster.namespace(destinationNamespace, instance, signal);
  const syncOptions = parseSyncOptions([...(syncPolicy?.syncOptions ?? []), ...(options.syncOptions ?? [])]);
  const respect = {
    comparison: evidence.comparison,
    ignoreDifferences: [...rules.settings().ignoreDifferences, ...ignoreDifferences],
    syncOptions,
    schemaFor: (apiVersion: string, kind: string) => evidence.cluster.schemaFor(apiVersion, kind),
  };
  return {
    application: instance,
    runId,
    revision: evidence.revisions[0] ?? '',
    desired: evidence.desired.objects,
    comparison: evidence.comparison,
    isComplete: evidence.problems.length === 0,
    run: options,
    syncOptions,
    destinationNamespace,
    ...(liveNamespace === undefined ? {} : { liveNamespace }),
    ...(syncPolicy?.managedNamespaceMetadata === undefined ? {} : { namespaceMetadata: syncPolicy.managedNamespaceMetadata }),
    skipUnchanged: isAutomatic,
    allowsEmpty: !isAutomatic || syncPolicy?.automated?.allowEmpty === true,
    ...(isAutomatic && pruneBudget !== undefined ? { pruneBudget } : {}),
    adopted: evidence.adopted,
    isJudged: rules.health.isJudged,
    respected: await respectIgnores(respect, rules.scripts, signal),
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

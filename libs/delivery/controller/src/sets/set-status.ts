import type { Application } from '@tiphys/delivery-applications';
import type { ApplicationSet, ApplicationSetStatus, SetCondition } from '@tiphys/delivery-applicationsets';
import { deepEqual, type JsonObject } from '@tiphys/kube-model';

/** What a look at a set came to. */
export interface SetOutcome {
  /** Why nothing is known of what the set wants. */
  readonly failure?: string;
  readonly problems: readonly string[];
  readonly held?: string;
  readonly rollout?: ApplicationSetStatus['applicationStatus'];
  readonly applications: readonly Application[];
}

// argo-cd's default of `status.maxResourcesStatusCount`.
const MAX_RESOURCES = 5000;

/** The status that says so; undefined where it says nothing new. Pure. */
export function nextSetStatus(set: ApplicationSet, outcome: SetOutcome, now: string): ApplicationSetStatus | undefined {
  const before = set.status ?? {};
  const conditions = conditionsOf(outcome).map((condition): SetCondition => {
    const known = before.conditions?.find(({ type }) => type === condition.type);
    const isSame = known?.status === condition.status && known.reason === condition.reason && known.message === condition.message;
    return { ...condition, lastTransitionTime: isSame ? (known.lastTransitionTime ?? now) : now };
  });
  const resources = outcome.applications.map(resourceOf).toSorted((a, b) => (String(a['name']) < String(b['name']) ? -1 : 1));
  const status: ApplicationSetStatus = {
    ...before,
    conditions,
    resources: resources.slice(0, MAX_RESOURCES),
    resourcesCount: resources.length,
    ...(outcome.rollout === undefined ? {} : { applicationStatus: outcome.rollout }),
  };
  // Both are JSON.
  return deepEqual(status as unknown as JsonObject, before as unknown as JsonObject) ? undefined : status;
}

function conditionsOf({ failure, problems, held, rollout }: SetOutcome): readonly SetCondition[] {
  const error = failure ?? (problems.length > 0 ? problems.join('; ').slice(0, 2000) : undefined);
  const failed = failure !== undefined;
  const reason = failed ? 'ApplicationParamsGenerationError' : 'ApplicationValidationError';
  const isMoving = rollout?.some(({ status, step }) => status !== 'Healthy' && step !== '0') ?? false;
  return [
    {
      type: 'ErrorOccurred',
      status: error === undefined ? 'False' : 'True',
      reason: error === undefined ? 'ApplicationSetUpToDate' : reason,
      message: error ?? 'All applications have been generated successfully',
    },
    {
      type: 'ParametersGenerated',
      status: failed ? 'False' : 'True',
      reason: failed ? 'ErrorOccurred' : 'ParametersGenerated',
      message: failure ?? 'Successfully generated parameters for all Applications',
    },
    {
      type: 'ResourcesUpToDate',
      status: error === undefined && held === undefined ? 'True' : 'False',
      reason: held !== undefined ? 'RemovalsHeld' : error === undefined ? 'ApplicationSetUpToDate' : reason,
      message: held ?? error ?? 'All applications have been generated successfully',
    },
    ...(rollout === undefined
      ? []
      : [
          {
            type: 'RolloutProgressing' as const,
            status: isMoving ? ('True' as const) : ('False' as const),
            reason: isMoving ? 'ApplicationSetModified' : 'ApplicationSetRolloutComplete',
            message: isMoving ? 'ApplicationSet is performing rollout of step updates' : 'ApplicationSet Rollout has completed',
          },
        ]),
  ];
}

function resourceOf({ metadata, status }: Application): JsonObject {
  return {
    group: 'argoproj.io',
    version: 'v1alpha1',
    kind: 'Application',
    name: metadata.name ?? '',
    namespace: metadata.namespace ?? '',
    status: status?.sync?.status ?? 'Unknown',
    health: { status: status?.health?.status ?? 'Unknown' },
  };
}

import { fieldAt, type KubeObject } from '@tiphys/kube-model';
import { health, type Health } from '../health.ts';
import { conditionsOf, numberAt, textAt } from '../rules/status.ts';

const WORKLOAD_GENERATION = 'rollout.argoproj.io/workload-generation';
const UNOBSERVED = 'Waiting for rollout spec update to be observed';

/** Health of an Argo Rollout; status before version 1.0 had no phase and a hash for observedGeneration. */
export function assessRollout(live: KubeObject): Health {
  if (!isObserved(live)) return health('Progressing', UNOBSERVED);
  return assessByPhase(live) ?? assessFailure(live) ?? assessPause(live) ?? assessReplicas(live);
}

function isObserved(live: KubeObject): boolean {
  if (fieldAt(live, 'status') === undefined) return false;
  if (isBehind(textAt(live, 'status', 'observedGeneration'), numberAt(live, 'metadata', 'generation'))) return false;
  if (fieldAt(live, 'spec', 'workloadRef') === undefined) return true;
  return !isBehind(textAt(live, 'status', 'workloadObservedGeneration'), Number(textAt(live, 'metadata', 'annotations', WORKLOAD_GENERATION)));
}

// A hash, or an absent number, says nothing about the generation.
function isBehind(observed: string, generation: number): boolean {
  return /^\d+$/.test(observed) && Number(observed) < generation;
}

const PHASES: Readonly<Record<string, Health['status']>> = { Degraded: 'Degraded', Paused: 'Suspended', Progressing: 'Progressing', Healthy: 'Healthy' };

function assessByPhase(live: KubeObject): Health | undefined {
  const phase = textAt(live, 'status', 'phase');
  return phase === '' ? undefined : health(PHASES[phase] ?? 'Unknown', textAt(live, 'status', 'message'));
}

function assessFailure(live: KubeObject): Health | undefined {
  const failed = conditionsOf(live).find(
    ({ type, reason }) => type === 'InvalidSpec' || (type === 'Progressing' && (reason === 'RolloutAborted' || reason === 'ProgressDeadlineExceeded')),
  );
  return failed === undefined ? undefined : health('Degraded', failed.message);
}

function assessPause(live: KubeObject): Health | undefined {
  const isPaused =
    fieldAt(live, 'spec', 'paused') === true || conditionsOf(live).some(({ type, reason }) => type === 'Progressing' && reason === 'RolloutPaused');
  return isPaused ? health('Suspended', 'Rollout is paused') : undefined;
}

function assessReplicas(live: KubeObject): Health {
  const wanted = fieldAt(live, 'spec', 'replicas') === undefined ? 1 : numberAt(live, 'spec', 'replicas');
  const updated = numberAt(live, 'status', 'updatedReplicas');
  const isCanary = fieldAt(live, 'spec', 'strategy', 'canary') !== undefined;
  const waiting = (text: string): Health => health('Progressing', `Waiting for roll out to finish: ${text}`);
  if (updated < wanted) return waiting('More replicas need to be updated');
  if (numberAt(live, 'status', 'availableReplicas') < updated) return waiting('updated replicas are still becoming available');
  // Blue-green keeps the old replicas for a while on purpose.
  if (isCanary && numberAt(live, 'status', 'replicas') > updated) return waiting('old replicas are pending termination');
  if (!isServing(live, isCanary)) return waiting(isCanary ? 'steps are still to be done' : 'active service cutover pending');
  return health('Healthy');
}

function isServing(live: KubeObject, isCanary: boolean): boolean {
  const stable = isCanary
    ? textAt(live, 'status', 'stableRS') || textAt(live, 'status', 'canary', 'stableRS')
    : textAt(live, 'status', 'blueGreen', 'activeSelector') || textAt(live, 'status', 'activeSelector');
  return stable === '' || stable === textAt(live, 'status', 'currentPodHash');
}

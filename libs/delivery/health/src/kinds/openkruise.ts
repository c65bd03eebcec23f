import { fieldAt, type KubeObject } from '@tiphys/kube-model';
import { health, type Health } from '../health.ts';
import type { RuleTable } from '../rules/rule.ts';
import { conditionsOf, isStale, numberAt, textAt } from '../rules/status.ts';

// OpenKruise (openkruise.io docs): workloads that update in place, and may be told to stop at a part.
function assessBroadcastJob(live: KubeObject): Health {
  if (fieldAt(live, 'spec', 'paused') === true) return health('Suspended', 'BroadcastJob is Paused');
  switch (textAt(live, 'status', 'phase')) {
    case 'completed':
      return health('Healthy', 'BroadcastJob is completed successfully');
    case 'failed':
      return health('Degraded', 'BroadcastJob failed');
    default:
      return health('Progressing', 'BroadcastJob is still running');
  }
}

function assessAdvancedCronJob(live: KubeObject): Health {
  if (fieldAt(live, 'spec', 'paused') === true) return health('Suspended', 'AdvancedCronJob is Paused');
  const active = fieldAt(live, 'status', 'active');
  if (Array.isArray(active) && active.length > 0) return health('Progressing', 'AdvancedCronJobs has active jobs');
  return textAt(live, 'status', 'lastScheduleTime') === ''
    ? health('Degraded', 'AdvancedCronJobs has not run successfully')
    : health('Healthy', 'AdvancedCronJobs has run successfully');
}

interface Workload {
  readonly noun: string;
  /** Where its update strategy has `paused` and `partition`. */
  readonly strategy: readonly string[];
  readonly isWhole: (live: KubeObject) => boolean;
  readonly degraded: string;
}

function assessWorkload({ noun, strategy, isWhole, degraded }: Workload): (live: KubeObject) => Health {
  return (live) => {
    if (fieldAt(live, 'status') === undefined || isStale(live)) return health('Progressing', `Waiting for ${noun} to be observed`);
    if (fieldAt(live, ...strategy, 'paused') === true) return health('Suspended', `${noun} is paused`);
    const partition = textAt(live, ...strategy, 'partition');
    const isHeld = partition !== '' && partition !== '0' && partition !== '0%';
    if (isHeld && isWhole(live)) return health('Suspended', `${noun} needs manual intervention`);
    return isWhole(live) ? health('Healthy', `All ${noun} workloads are ready and updated`) : health('Degraded', degraded);
  };
}

const areReplicasWhole = (live: KubeObject): boolean =>
  numberAt(live, 'status', 'updatedAvailableReplicas') >= (numberAt(live, 'status', 'expectedUpdatedReplicas') || numberAt(live, 'status', 'replicas'));

const SOME_REPLICAS = 'Some replicas are not ready or available';

function assessRollout(live: KubeObject): Health {
  if (fieldAt(live, 'status') === undefined || isStale(live)) return health('Progressing', 'Waiting for rollout spec update to be observed');
  const step = textAt(live, 'status', 'canaryStatus', 'currentStepState') || textAt(live, 'status', 'blueGreenStatus', 'currentStepState');
  const terminating = conditionsOf(live).find(({ type, reason }) => type === 'Terminating' && reason === 'InTerminating');
  if (terminating !== undefined) return health('Progressing', 'Rollout is still terminating');
  switch (textAt(live, 'status', 'phase')) {
    case 'Healthy':
      return health('Healthy', 'Rollout is healthy');
    case 'Disabled':
      return health('Suspended', 'Rollout is disabled');
    case 'Progressing':
      return step === 'StepPaused' ? health('Suspended', 'Rollout is paused need manual intervention') : health('Progressing', 'Rollout is still progressing');
    default:
      return health('Progressing', textAt(live, 'status', 'message') || 'Rollout is still progressing');
  }
}

// OpenKruiseGame: what the server should be, what it is, and whether its pod lets it.
function assessGameServer(live: KubeObject): Health {
  const current = textAt(live, 'status', 'currentState');
  const desired = textAt(live, 'status', 'desiredState');
  if (current === '') return health('Unknown', 'Waiting for GameServer to be ready');
  if (current === 'Crash' || current === 'NotReady') return health('Degraded', `GameServer is ${current}`);
  if (current !== desired) return health('Progressing', `State change: ${current} → ${desired}`);
  const unmet = conditionsOf(live, 'status', 'podStatus', 'conditions').find(({ status }) => status === 'False');
  return unmet === undefined ? health('Healthy', `GameServer is ${current}`) : health('Degraded', `Pod is not ready: ${unmet.type}`);
}

function assessGameServerSet(live: KubeObject): Health {
  if (fieldAt(live, 'status') === undefined || isStale(live)) return health('Progressing', 'Waiting for GameServerSet to be observed');
  const wanted = numberAt(live, 'spec', 'replicas');
  const isWhole = numberAt(live, 'status', 'availableReplicas') >= wanted && numberAt(live, 'status', 'updatedReplicas') >= wanted;
  return isWhole ? health('Healthy', 'GameServerSet is ready') : health('Progressing', 'Waiting for GameServerSet to be ready');
}

/** OpenKruise's kinds. */
export const openKruiseRules: RuleTable = {
  'apps.kruise.io/BroadcastJob': assessBroadcastJob,
  'apps.kruise.io/AdvancedCronJob': assessAdvancedCronJob,
  'apps.kruise.io/CloneSet': assessWorkload({ noun: 'CloneSet', strategy: ['spec', 'updateStrategy'], isWhole: areReplicasWhole, degraded: SOME_REPLICAS }),
  'apps.kruise.io/StatefulSet': assessWorkload({
    noun: 'Statefulset',
    strategy: ['spec', 'updateStrategy', 'rollingUpdate'],
    isWhole: areReplicasWhole,
    degraded: SOME_REPLICAS,
  }),
  'apps.kruise.io/DaemonSet': assessWorkload({
    noun: 'Daemonset',
    strategy: ['spec', 'updateStrategy', 'rollingUpdate'],
    isWhole: (live) =>
      numberAt(live, 'status', 'updatedNumberScheduled') >= numberAt(live, 'status', 'desiredNumberScheduled') &&
      numberAt(live, 'status', 'numberAvailable') >= numberAt(live, 'status', 'desiredNumberScheduled'),
    degraded: 'Some pods are not ready or available',
  }),
  'rollouts.kruise.io/Rollout': assessRollout,
  'game.kruise.io/GameServer': assessGameServer,
  'game.kruise.io/GameServerSet': assessGameServerSet,
};

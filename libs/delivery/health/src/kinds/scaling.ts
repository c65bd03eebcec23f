import { fieldAt, type KubeObject } from '@tiphys/kube-model';
import { health, type Health } from '../health.ts';
import { byConditions, byReady, forKinds, type RuleTable } from '../rules/rule.ts';
import { conditionOf, numberAt, textAt } from '../rules/status.ts';

// KEDA (keda.sh docs): Ready tells of the definition, Fallback that a trigger cannot be read.
function kedaRule(kind: string): RuleTable[string] {
  return byConditions({
    clauses: [
      { type: 'Paused', status: 'True', is: 'Suspended', say: `${kind} is paused` },
      { type: 'Ready', status: 'False', is: 'Degraded' },
      { type: 'Ready', status: 'Unknown', is: 'Degraded' },
      { type: 'Fallback', status: 'True', is: 'Degraded' },
      { type: 'Ready', status: 'True', is: 'Healthy' },
      { type: 'Running', status: 'True', is: 'Progressing' },
    ],
    waiting: `Creating ${kind}`,
  });
}

// Karpenter (karpenter.sh, NodeClaims): launched, registered, initialized, ready.
function assessNodeClaim(live: KubeObject): Health {
  const disrupting = conditionOf(live, 'Disrupting');
  if (disrupting?.status === 'True') return health('Suspended', disrupting.message);
  const ready = conditionOf(live, 'Ready');
  if (ready?.status === 'False') return health('Degraded', ready.message);
  if (ready?.status === 'True') return health('Healthy', ready.message);
  const holds = (type: string): boolean => conditionOf(live, type)?.status === 'True';
  if (holds('Initialized')) return health('Progressing', 'Node initialized, waiting for Ready');
  if (holds('Registered')) return health('Progressing', 'Node registered, waiting for initialization');
  if (holds('Launched')) return health('Progressing', 'Node launched, waiting for registration');
  return health('Progressing', 'Waiting for NodeClaim to be launched');
}

// Flagger (docs.flagger.app, Canary status): the phase, the weight, and what Promoted says.
const CANARY = { Initialized: 'Healthy', Succeeded: 'Healthy', Failed: 'Degraded' } as const;

function assessCanary(live: KubeObject): Health {
  const phase = textAt(live, 'status', 'phase');
  if (phase === '') return health('Progressing', 'Waiting for canary status');
  const weight = phase === 'Progressing' ? [`Canary Weight: ${numberAt(live, 'status', 'canaryWeight')} %`] : [];
  const words = [phase, ...weight, conditionOf(live, 'Promoted')?.message ?? ''].filter((word) => word !== '').join(' --- ');
  return health(Object.hasOwn(CANARY, phase) ? CANARY[phase as keyof typeof CANARY] : 'Progressing', words);
}

// Spin operator (spinkube.dev): Progressing stays False once the roll-out is through.
function assessSpinApp(live: KubeObject): Health {
  const progressing = conditionOf(live, 'Progressing');
  const available = conditionOf(live, 'Available');
  if (progressing === undefined && available === undefined) return health('Progressing', 'Waiting for status to be available');
  if (progressing?.reason === 'ProgressDeadlineExceeded') return health('Degraded', progressing.message);
  if (progressing?.status === 'True') return health('Progressing', progressing.message);
  if (available?.status === 'False') return health('Degraded', available.message);
  const ready = numberAt(live, 'status', 'readyReplicas');
  const wanted = fieldAt(live, 'spec', 'replicas') === undefined ? ready : numberAt(live, 'spec', 'replicas');
  return ready >= wanted
    ? health('Healthy', `Application is healthy with ${ready}/${wanted} replicas ready`)
    : health('Progressing', `Waiting for replicas: ${ready}/${wanted} ready`);
}

/** Scaling and roll-out: KEDA, Karpenter, Flagger, Spin. */
export const scalingRules: RuleTable = {
  ...forKinds('keda.sh', ['ScaledJob', 'ScaledObject'], kedaRule),
  'karpenter.sh/NodeClaim': assessNodeClaim,
  ...forKinds('karpenter.sh', ['NodePool'], (kind) => byReady(`Waiting for ${kind}`)),
  ...forKinds('karpenter.k8s.aws', ['EC2NodeClass'], (kind) => byReady(`Waiting for ${kind}`)),
  'flagger.app/Canary': assessCanary,
  'core.spinkube.dev/SpinApp': assessSpinApp,
};

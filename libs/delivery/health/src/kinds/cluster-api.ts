import { fieldAt, type KubeObject } from '@tiphys/kube-model';
import { health, type Assess, type Health, type HealthCode } from '../health.ts';
import { byConditions, forKinds, type RuleTable } from '../rules/rule.ts';
import { conditionOf, conditionsOf, isStale, numberAt, textAt } from '../rules/status.ts';

// Cluster API (cluster-api.sigs.k8s.io): phases of MachineDeployment, Machine, MachinePool and Cluster.
const DEPLOYMENT_PHASES: Readonly<Record<string, readonly [HealthCode, string]>> = {
  ScalingUp: ['Progressing', 'Cluster is spawning machines'],
  ScalingDown: ['Progressing', 'Cluster is stopping machines'],
  Running: ['Healthy', 'Machines are running under this deployment'],
  Failed: ['Degraded', 'MachineDeployment is failed'],
};

function assessMachineDeployment(live: KubeObject): Health {
  if (fieldAt(live, 'spec', 'paused') === true) return health('Suspended', 'MachineDeployment is paused');
  const phase = textAt(live, 'status', 'phase');
  const verdict = DEPLOYMENT_PHASES[phase];
  return verdict === undefined ? health('Progressing', phase === '' ? 'Waiting for machines' : `MachineDeployment is ${phase}`) : health(...verdict);
}

function byLifecycle(healthy: readonly string[], isNoun: string, detail: (live: KubeObject) => string = () => ''): Assess {
  return (live) => {
    if (fieldAt(live, 'spec', 'paused') === true) return health('Suspended', `${isNoun} is paused`);
    const phase = textAt(live, 'status', 'phase');
    if (phase === '') return health('Progressing', `Waiting for ${isNoun} status`);
    if (healthy.includes(phase)) return health('Healthy', `${isNoun} is ${phase}`);
    if (phase === 'Failed') return health('Degraded', `${isNoun} is Failed`);
    return health(phase === 'Unknown' ? 'Unknown' : 'Progressing', `${isNoun} is ${phase}${detail(live)}`);
  };
}

function unmetConditions(live: KubeObject): string {
  const unmet = conditionsOf(live)
    .filter(({ status }) => status === 'False')
    .map(({ type, reason }) => `Not ${type} (${reason})`);
  return unmet.length === 0 ? '' : `: ${unmet.join(', ')}`;
}

function assessManagedControlPlane(live: KubeObject): Health {
  if (isStale(live)) return health('Progressing', 'Waiting for the control plane spec to be reconciled');
  const failure = textAt(live, 'status', 'failureMessage');
  if (failure !== '') return health('Degraded', failure);
  const errors = conditionsOf(live).filter(({ status, severity }) => status === 'False' && severity === 'Error');
  if (errors.length > 0) return health('Degraded', errors.map(({ message }) => `${message} `).join(''));
  if (conditionOf(live, 'EKSControlPlaneUpdating')?.status === 'True') return health('Progressing', 'EKS control plane is updating');
  if (fieldAt(live, 'status', 'ready') !== true) return health('Progressing', 'Control plane is not ready (.status.ready is false)');
  return conditionOf(live, 'Ready')?.status === 'True' ? health('Healthy', 'Control plane is ready') : health('Progressing', 'Control plane is not ready');
}

function assessHealthCheck(live: KubeObject): Health {
  const expected = numberAt(live, 'status', 'expectedMachines');
  const healthy = numberAt(live, 'status', 'currentHealthy');
  if (fieldAt(live, 'status', 'expectedMachines') === undefined) return health('Progressing', 'Waiting for MachineHealthCheck status');
  return healthy >= expected ? health('Healthy', 'Machines are healthy') : health('Degraded', `${healthy} of ${expected} machines are healthy`);
}

// kind infrastructure and control planes: Ready, with a severity for what is only on its way.
function assessInfrastructure(live: KubeObject): Health {
  const failure = textAt(live, 'status', 'failureMessage');
  if (failure !== '') return health('Degraded', failure);
  const ready = conditionOf(live, 'Ready');
  if (ready?.status === 'True') return health('Healthy', ready.message);
  return health(ready?.status === 'False' && ready.severity === 'Error' ? 'Degraded' : 'Progressing', ready?.message || ready?.reason);
}

// Templates of the same group have no status, so the kinds are named.
const INFRASTRUCTURE = [
  'AWSCluster',
  'AWSFargateProfile',
  'AWSMachine',
  'AWSMachinePool',
  'AWSManagedCluster',
  'AWSManagedMachinePool',
  'AzureCluster',
  'AzureMachine',
  'AzureMachinePool',
  'DockerCluster',
  'DockerMachine',
  'GCPCluster',
  'GCPMachine',
  'OpenStackCluster',
  'OpenStackMachine',
  'VSphereCluster',
  'VSphereMachine',
];

/** Cluster API and the providers whose kinds have a contract of their own. */
export const clusterApiRules: RuleTable = {
  'cluster.x-k8s.io/Cluster': byLifecycle(['Provisioned'], 'Cluster'),
  'cluster.x-k8s.io/Machine': byLifecycle(['Running', 'Provisioned'], 'Machine'),
  'cluster.x-k8s.io/MachineDeployment': assessMachineDeployment,
  'cluster.x-k8s.io/MachineSet': byLifecycle(['Running'], 'MachineSet'),
  // A pool that scales serves meanwhile.
  'cluster.x-k8s.io/MachinePool': byLifecycle(['Running', 'Scaling', 'ScalingUp', 'ScalingDown'], 'MachinePool', unmetConditions),
  'cluster.x-k8s.io/MachineHealthCheck': assessHealthCheck,
  'addons.cluster.x-k8s.io/ClusterResourceSet': byConditions({
    clauses: [
      { type: 'ResourcesApplied', status: 'True', is: 'Healthy', say: 'cluster resource set is applied' },
      { type: 'ResourcesApplied', status: 'False', is: 'Degraded' },
    ],
    waiting: 'Initializing cluster resource set',
  }),
  'controlplane.cluster.x-k8s.io/AWSManagedControlPlane': assessManagedControlPlane,
  'controlplane.cluster.x-k8s.io/KubeadmControlPlane': assessInfrastructure,
  ...forKinds('infrastructure.cluster.x-k8s.io', INFRASTRUCTURE, () => assessInfrastructure),
};

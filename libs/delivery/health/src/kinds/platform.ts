import { fieldAt, isJsonObject, type KubeObject } from '@tiphys/kube-model';
import { health, type Health, type HealthCode } from '../health.ts';
import { byConditions, byPhase, firstOf, forKinds, type RuleTable } from '../rules/rule.ts';
import { conditionOf, conditionsOf, hasStatus, isStale, isStaleCondition, listAt, numberAt, textAt } from '../rules/status.ts';

// Gardener (gardener.cloud docs, "Shoot status"): what the cluster needs to live, and what only watches it.
const SHOOT_CORE = ['APIServerAvailable', 'ControlPlaneHealthy', 'EveryNodeReady', 'SystemComponentsHealthy'];

function assessShoot(live: KubeObject): Health {
  const conditions = conditionsOf(live);
  const isHibernated = fieldAt(live, 'status', 'hibernated') === true;
  if (isHibernated) return health('Suspended', 'Component state: Hibernated');
  if (conditions.length === 0) return health('Degraded', 'Component state: Unhealthy');
  const unmet = conditions.filter(({ status }) => status !== 'True');
  if (unmet.some(({ type }) => SHOOT_CORE.includes(type))) return health('Progressing', 'Component state: Update in progress');
  return unmet.length === 0 ? health('Healthy', 'Component state: Healthy') : health('Unknown', 'Component state: Unknown');
}

// Karmada (karmada.io): a binding is as well as its works in the member clusters.
function assessBinding(live: KubeObject): Health {
  const clusters = fieldAt(live, 'spec', 'clusters');
  const works = listAt(live, 'status', 'aggregatedStatus');
  // An object that follows another is sent where that one goes: it has no clusters of its own.
  const wanted = Array.isArray(clusters) ? clusters.length : works.length;
  if (wanted === 0 || works.length < wanted) return health('Progressing', 'Current resource status is insufficient');
  const isWell = works.every((work) => work['applied'] === true && work['health'] !== 'Unhealthy');
  return isWell ? health('Healthy') : health('Degraded', 'Current resource status is unhealthy');
}

// SAP BTP service operator.
function assessSap(live: KubeObject): Health {
  if (fieldAt(live, 'metadata', 'deletionTimestamp') !== undefined) return health('Progressing', 'Resource is being deleted');
  const conditions = conditionsOf(live);
  if (conditions.length === 0) return health('Progressing', 'Waiting for status');
  if (conditions.some((condition) => isStaleCondition(live, condition))) return health('Progressing', 'Waiting for spec update to be observed');
  const failed = conditions.find(({ type, status }) => type === 'Failed' && status === 'True');
  if (failed !== undefined) return health('Degraded', failed.message);
  const ready = conditionOf(live, 'Ready');
  return ready?.status === 'True' ? health('Healthy', 'Ready to use') : health('Progressing', 'Waiting for status');
}

// Ansible Automation Platform resource operator.
const JOB_CODES: Readonly<Record<string, HealthCode>> = { successful: 'Healthy', failed: 'Degraded', error: 'Degraded', canceled: 'Degraded' };

function assessAnsibleJob(live: KubeObject): Health {
  const status = textAt(live, 'status', 'ansibleJobResult', 'status');
  if (status === '') return health('Progressing', 'Waiting for AnsibleJob');
  return health(JOB_CODES[status] ?? 'Progressing', `${status} job - ${textAt(live, 'status', 'ansibleJobResult', 'url')}`);
}

// keikoproj.io iam-manager.
function assessIamRole(live: KubeObject): Health {
  const state = textAt(live, 'status', 'state');
  if (state === '') return health('Progressing', 'Waiting for Iamrole to be reconciled');
  const name = textAt(live, 'status', 'roleName');
  const identity = `ARN '${textAt(live, 'status', 'roleARN') || '<none>'}' and ID '${textAt(live, 'status', 'roleID') || '<none>'}'`;
  if (state === 'Ready') return health('Healthy', `Role '${name}' exists with ${identity}.`);
  const retries = numberAt(live, 'status', 'retryCount');
  const attempt = retries > 0 ? ` (retry ${retries})` : '';
  return health(
    'Degraded',
    `Failed to reconcile the Iamrole${attempt} for role '${name}' with ${identity}. Reconciliation error was: ${textAt(live, 'status', 'errorDescription')}`,
  );
}

// Istio operator (istio.io, InstallStatus.Status).
const ISTIO: Readonly<Record<string, readonly [HealthCode, string]>> = {
  HEALTHY: ['Healthy', 'Component is healthy.'],
  UPDATING: ['Progressing', 'Component is being updated to a different version.'],
  RECONCILING: ['Progressing', 'Controller has started but not yet completed reconciliation loop for the component.'],
  ERROR: ['Degraded', 'Component is in an error state.'],
  ACTION_REQUIRED: ['Degraded', 'Component needs an action by a person.'],
  NONE: ['Suspended', 'Component is not present.'],
};

// Spot Ocean CD: the form of a rollout, with its verdict in the phase.
function assessSpotDeployment(live: KubeObject): Health {
  const codes: Readonly<Record<string, HealthCode>> = { Healthy: 'Healthy', Degraded: 'Degraded', Paused: 'Suspended' };
  const phase = textAt(live, 'status', 'phase');
  if (phase === '') return health('Progressing', 'Waiting for SpotDeployment status');
  if (phase === 'Healthy') return health('Healthy');
  const cause = conditionOf(live, 'InvalidSpec') ?? conditionOf(live, 'Progressing');
  return health(codes[phase] ?? 'Progressing', cause?.message);
}

// Keycloak operator: errors may stand beside a server that is still rolling.
const assessKeycloak = byConditions({
  clauses: [
    { type: 'HasErrors', status: 'True', is: 'Degraded', say: ({ message }) => `Has Errors: ${message}` },
    { type: 'Ready', status: 'True', is: 'Healthy' },
    { type: 'Ready', is: 'Progressing', say: '' },
  ],
  waiting: 'Waiting for Keycloak status conditions to exist',
});

// OpenShift: a roll-out of replication controllers (apps.openshift.io/v1 DeploymentConfig).
function assessDeploymentConfig(live: KubeObject): Health {
  if (fieldAt(live, 'spec', 'paused') === true) return health('Suspended', 'DeploymentConfig is paused');
  if (!hasStatus(live) || isStale(live)) return health('Progressing', 'Waiting for DeploymentConfig to be observed');
  const progressing = conditionOf(live, 'Progressing');
  if (progressing?.status === 'False') return health('Degraded', progressing.message);
  const wanted = numberAt(live, 'spec', 'replicas');
  const isWhole = numberAt(live, 'status', 'updatedReplicas') >= wanted && numberAt(live, 'status', 'availableReplicas') >= wanted;
  return isWhole ? health('Healthy', progressing?.message) : health('Progressing', progressing?.message || 'replication controller is waiting for pods to run');
}

// Ray (docs.ray.io, KubeRay).
const RAY: Readonly<Record<string, HealthCode>> = {
  ready: 'Healthy',
  suspended: 'Suspended',
  failed: 'Degraded',
  Complete: 'Healthy',
  Failed: 'Degraded',
  Suspended: 'Suspended',
  Running: 'Progressing',
};

function assessRay(at: string): (live: KubeObject) => Health {
  return (live) => {
    const word = textAt(live, 'status', at);
    if (word === '') return health('Progressing', `Waiting for ${live.kind}`);
    return health(RAY[word] ?? 'Progressing', textAt(live, 'status', 'reason') || textAt(live, 'status', 'message') || `${live.kind} is ${word}`);
  };
}

const jobSetRule = byConditions({
  clauses: [
    { type: 'Failed', status: 'True', is: 'Degraded' },
    { type: 'Completed', status: 'True', is: 'Healthy' },
    { type: 'Suspended', status: 'True', is: 'Suspended' },
  ],
  waiting: 'JobSet is running',
});

/** What fits no other family. */
export const platformRules: RuleTable = {
  'core.gardener.cloud/Shoot': assessShoot,
  'work.karmada.io/ClusterResourceBinding': assessBinding,
  'work.karmada.io/ResourceBinding': assessBinding,
  'services.cloud.sap.com/ServiceBinding': assessSap,
  'services.cloud.sap.com/ServiceInstance': assessSap,
  'tower.ansible.com/AnsibleJob': assessAnsibleJob,
  'iammanager.keikoproj.io/Iamrole': assessIamRole,
  'install.istio.io/IstioOperator': (live) => {
    const verdict = ISTIO[textAt(live, 'status', 'status')];
    return verdict === undefined ? health('Progressing', 'Waiting for IstioOperator status') : health(...verdict);
  },
  'spot.io/SpotDeployment': assessSpotDeployment,
  'k8s.keycloak.org/Keycloak': assessKeycloak,
  'k8s.keycloak.org/KeycloakRealmImport': byConditions({
    clauses: [
      { type: 'HasErrors', status: 'True', is: 'Degraded', say: ({ message }) => `Has Errors: ${message}` },
      { type: 'Done', status: 'True', is: 'Healthy' },
    ],
    waiting: 'Waiting for the realm to be imported',
  }),
  'keycloak.org/Keycloak': (live) => {
    const phase = textAt(live, 'status', 'phase');
    if (phase === 'failing') return health('Degraded', textAt(live, 'status', 'message'));
    return fieldAt(live, 'status', 'ready') === true ? health('Healthy') : health('Progressing', textAt(live, 'status', 'message') || 'Waiting for Keycloak');
  },
  ...forKinds('kyverno.io', ['ClusterPolicy', 'Policy'], (kind) =>
    firstOf(
      (live) => (fieldAt(live, 'status', 'ready') === true ? health('Healthy', `${kind} is ready`) : undefined),
      byConditions({ clauses: [{ type: 'Ready', status: 'True', is: 'Healthy', say: `${kind} is ready` }], waiting: `Waiting for ${kind} to be ready` }),
    ),
  ),
  'apps.openshift.io/DeploymentConfig': assessDeploymentConfig,
  'ray.io/RayCluster': assessRay('state'),
  'ray.io/RayJob': assessRay('jobDeploymentStatus'),
  'ray.io/RayService': assessRay('serviceStatus'),
  'jobset.x-k8s.io/JobSet': jobSetRule,
  'leaderworkerset.x-k8s.io/LeaderWorkerSet': byConditions({
    clauses: [{ type: 'Available', status: 'True', is: 'Healthy' }],
    waiting: 'Waiting for LeaderWorkerSet to be available',
  }),
  'camel.apache.org/Integration': byPhase({
    at: ['status', 'phase'],
    phases: { Running: 'Healthy', Error: 'Degraded' },
    say: (phase) => `Integration is ${phase}`,
    waiting: 'Waiting for Integration',
  }),
  'org.eclipse.che/CheCluster': byPhase({
    at: ['status', 'chePhase'],
    phases: { Active: 'Healthy', Failed: 'Degraded', Inactive: 'Suspended' },
    say: (phase, live) => textAt(live, 'status', 'message') || `CheCluster is ${phase}`,
    waiting: 'Waiting for CheCluster',
  }),
  'templates.gatekeeper.sh/ConstraintTemplate': (live) => {
    const pods = listAt(live, 'status', 'byPod');
    const failed = pods.flatMap((pod) => listAt(pod, 'errors')).find(isJsonObject);
    if (failed !== undefined) return health('Degraded', textAt(failed, 'message'));
    return fieldAt(live, 'status', 'created') === true ? health('Healthy') : health('Progressing', 'Waiting for the template to be created');
  },
  'app.terraform.io/Workspace': byPhase({
    at: ['status', 'runStatus', 'status'],
    phases: {
      applied: 'Healthy',
      planned_and_finished: 'Healthy',
      errored: 'Degraded',
      policy_soft_failed: 'Degraded',
      canceled: 'Suspended',
      discarded: 'Suspended',
    },
    say: (phase) => `The last run is ${phase}`,
    waiting: 'Waiting for the first run',
  }),
  'apps.kubeblocks.io/Cluster': byPhase({
    at: ['status', 'phase'],
    phases: { Running: 'Healthy', Failed: 'Degraded', Abnormal: 'Degraded', Stopped: 'Suspended' },
    say: (phase, live) => textAt(live, 'status', 'message') || `Cluster is ${phase}`,
    waiting: 'Waiting for Cluster',
  }),
};

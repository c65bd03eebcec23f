import { fieldAt, type KubeObject } from '@tiphys/kube-model';
import { health, type Assess, type Health } from '../health.ts';
import { byConditions, forKinds, type RuleTable } from '../rules/rule.ts';
import { conditionOf, conditionsOf, hasStatus, textAt } from '../rules/status.ts';

const UP_TO_DATE = 'Resource is up-to-date.';

// Kinds without a controller that reports on them (docs.crossplane.io, "Configure Argo CD with Crossplane").
const WITHOUT_STATUS = new Set([
  'ClusterProviderConfig',
  'ClusterUsage',
  'Composition',
  'CompositionRevision',
  'ControllerConfig',
  'DeploymentRuntimeConfig',
  'EnvironmentConfig',
  'ImageConfig',
  'ManagedResourceActivationPolicy',
  'ProviderConfig',
  'ProviderConfigUsage',
  'StoreConfig',
]);
const WELL = new Set(['Ready', 'Healthy', 'Offered', 'Established', 'ValidPipeline', 'RevisionHealthy']);
const TROUBLE = new Set(['Synced', 'LastAsyncOperation', 'Healthy', 'RevisionHealthy']);

function assessResource(live: KubeObject): Health {
  if (!hasStatus(live)) return WITHOUT_STATUS.has(live.kind) ? health('Healthy', UP_TO_DATE) : health('Progressing', 'Provisioning ...');
  const conditions = conditionsOf(live);
  if (conditions.length === 0 && fieldAt(live, 'status', 'users') !== undefined) return health('Healthy', 'Resource is in use.');
  const failed = conditions.find(({ type, status }) => status === 'False' && TROUBLE.has(type));
  if (failed !== undefined) return health(failed.reason === 'ReconcilePaused' ? 'Suspended' : 'Degraded', failed.message || failed.reason);
  return conditions.some(({ type, status }) => status === 'True' && WELL.has(type)) ? health('Healthy', UP_TO_DATE) : health('Progressing', 'Provisioning ...');
}

// Packages: installed is one thing, running another; the message gives the reasons of both.
function assessPackage(kind: string): Assess {
  return (live) => {
    const installed = conditionOf(live, 'Installed');
    const healthy = conditionOf(live, 'Healthy');
    if (installed === undefined && healthy === undefined) return health('Progressing', `Waiting for ${kind.toLowerCase()} to be installed`);
    const isWell = installed?.status === 'True' && healthy?.status === 'True';
    const isBad = installed?.status === 'False' || healthy?.status === 'False';
    const reasons = [installed?.reason ?? '', healthy?.reason ?? ''].filter((reason) => reason !== '').join(' ');
    return health(isWell ? 'Healthy' : isBad ? 'Degraded' : 'Progressing', reasons);
  };
}

// provider-aws (crossplane-contrib): the reason of Ready tells a person more than the wildcard's words.
function awsResource(noun: string): Assess {
  const judge = byConditions({
    clauses: [
      { type: 'Synced', status: 'False', reasons: ['ReconcilePaused'], is: 'Suspended', say: ({ reason }) => reason },
      { type: 'Synced', status: 'False', is: 'Degraded' },
      { type: 'Ready', status: 'True', is: 'Healthy', say: ({ reason }) => reason },
    ],
    waiting: `Waiting for ${noun} to be available`,
  });
  return (live) => (hasStatus(live) ? judge(live) : health('Progressing', `Waiting for ${noun} to be created`));
}

/** Crossplane: claims, composites, managed resources and packages. */
export const crossplaneRules: RuleTable = {
  '*.crossplane.io/*': assessResource,
  '*.upbound.io/*': assessResource,
  ...forKinds('pkg.crossplane.io', ['Configuration', 'Function', 'Provider'], assessPackage),
  'cloudfront.aws.crossplane.io/Distribution': awsResource('distribution'),
  ...forKinds('rds.aws.crossplane.io', ['DBCluster', 'DBInstance'], awsResource),
  ...forKinds('iam.aws.crossplane.io', ['Policy', 'Role', 'RolePolicyAttachment', 'User'], (kind) => awsResource(kind)),
  'stacks.crossplane.io/ClusterStackInstall': (live) => {
    const ready = conditionsOf(live, 'status', 'conditionedStatus', 'conditions').find(({ type }) => type === 'Ready');
    if (ready === undefined) return health('Progressing', 'Waiting for stack to be installed');
    return health(ready.status === 'True' ? 'Healthy' : 'Progressing', ready.reason);
  },
};

const ACK_WAITING = 'Waiting for resource to be ready';

// ACK (aws-controllers-k8s docs, "Conditions").
function assessAck(live: KubeObject): Health {
  const terminal = conditionOf(live, 'ACK.Terminal');
  if (terminal?.status === 'True') return health('Degraded', terminal.message);
  const unmet = ['ACK.ResourceSynced', 'Ready'].map((type) => conditionOf(live, type)).find((condition) => condition?.status === 'False');
  if (unmet !== undefined) return health('Progressing', unmet.message || ACK_WAITING);
  const synced = conditionOf(live, 'ACK.ResourceSynced') ?? conditionOf(live, 'Ready');
  return synced?.status === 'True' ? health('Healthy') : health('Progressing', ACK_WAITING);
}

const UPDATING = 'Update in progress';
const CNRM_TROUBLE = /(?:Failed|NotFound|Invalid|Conflict)$/;

// Config Connector (cloud.google.com/config-connector docs, "Events and conditions").
function assessConfigConnector(live: KubeObject): Health {
  if (fieldAt(live, 'status', 'observedGeneration') !== fieldAt(live, 'metadata', 'generation')) return health('Progressing', UPDATING);
  if (live.kind === 'ConfigConnector' || live.kind === 'ConfigConnectorContext') {
    const isWell = textAt(live, 'status', 'healthy') === 'true';
    return health(isWell ? 'Healthy' : 'Degraded', `${live.kind} is ${isWell ? '' : 'not '}healthy`);
  }
  const ready = conditionOf(live, 'Ready');
  if (ready === undefined) return health('Progressing', UPDATING);
  if (ready.status === 'True') return health('Healthy', ready.message);
  if (ready.reason === 'DependencyNotReady') return health('Suspended', ready.message);
  return health(CNRM_TROUBLE.test(ready.reason) ? 'Degraded' : 'Progressing', ready.message || UPDATING);
}

/** Other controllers of cloud resources: AWS Controllers for Kubernetes and Google Config Connector. */
export const cloudResourceRules: RuleTable = {
  '*.services.k8s.aws/*': assessAck,
  '*.cnrm.cloud.google.com/*': assessConfigConnector,
};

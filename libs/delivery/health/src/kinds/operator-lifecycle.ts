import { fieldAt, type KubeObject } from '@tiphys/kube-model';
import { health, type Health } from '../health.ts';
import { byConditions, byPhase, type RuleTable } from '../rules/rule.ts';
import { conditionOf, conditionsOf, isStale, listAt, textAt, type Condition } from '../rules/status.ts';
import { conditionLines } from './knative.ts';

// Operator Lifecycle Manager (olm.operatorframework.io, Subscription status).
const FAILURES = new Set(['CatalogSourcesUnhealthy', 'InstallPlanFailed', 'ResolutionFailed', 'BundleUnpackFailed']);

function assessSubscription(live: KubeObject): Health {
  const conditions = conditionsOf(live);
  const state = textAt(live, 'status', 'state');
  // An update that waits for a person is no fault of what runs: only with a version installed there is something that runs.
  const isManual = textAt(live, 'spec', 'installPlanApproval') === 'Manual' && textAt(live, 'status', 'installedCSV') !== '';
  const awaitsApproval = ({ type, status, reason }: Condition): boolean => type === 'InstallPlanPending' && status === 'True' && reason === 'RequiresApproval';
  const isApproval = isManual && state === 'UpgradePending' && conditions.some(awaitsApproval);
  const shown = isApproval ? conditions.filter((condition) => !awaitsApproval(condition)) : conditions;
  const suffix = isApproval ? ' (manual InstallPlan approval pending; treated as healthy)' : '';
  const words = `${conditionLines(shown)}.status.state ${state === '' ? 'not yet known' : `is '${state}'${suffix}`}\n`;
  if (conditions.some(({ type, status }) => status === 'True' && FAILURES.has(type))) return health('Degraded', words);
  const isPending = shown.some(({ type, status }) => type === 'InstallPlanPending' && status === 'True');
  return health(!isPending && (state === 'AtLatestKnown' || isApproval) ? 'Healthy' : 'Progressing', words);
}

// Open Cluster Management (open-cluster-management.io, policy framework).
const NOT_REPORTED = 'Waiting for the status to be reported';
const NOT_UPDATED = 'Waiting for the status to be updated';

function assessTemplatePolicy(live: KubeObject): Health {
  const compliant = textAt(live, 'status', 'compliant');
  if (compliant === '') return health('Progressing', NOT_REPORTED);
  const evaluated = fieldAt(live, 'status', 'lastEvaluatedGeneration');
  if (evaluated !== undefined && evaluated !== fieldAt(live, 'metadata', 'generation')) return health('Progressing', NOT_UPDATED);
  const words = listAt(live, 'status', 'compliancyDetails')
    .flatMap((detail) => conditionsOf(detail, 'conditions'))
    .map(({ type, message }) => `${type} - ${message}`)
    .join('; ');
  return health(compliant === 'Compliant' ? 'Healthy' : 'Degraded', words);
}

function assessOperatorPolicy(live: KubeObject): Health {
  if (textAt(live, 'status', 'compliant') === '' && conditionsOf(live).length === 0) return health('Progressing', NOT_REPORTED);
  if (isStale(live)) return health('Progressing', NOT_UPDATED);
  const compliance = conditionOf(live, 'Compliant');
  if (compliance === undefined) return health('Progressing', 'Waiting for the compliance condition');
  return health(compliance.status === 'True' ? 'Healthy' : 'Degraded', compliance.message);
}

function assessPolicy(live: KubeObject): Health {
  const compliant = textAt(live, 'status', 'compliant');
  if (compliant === '') return health('Progressing', NOT_REPORTED);
  if (compliant === 'Compliant') return health('Healthy', 'All clusters are compliant');
  const clusters = listAt(live, 'status', 'status')
    .filter(({ compliant: own }) => own !== 'Compliant')
    .map(({ clustername }) => String(clustername));
  return health(
    compliant === 'Pending' ? 'Progressing' : 'Degraded',
    clusters.length === 0 ? `The policy is ${compliant}` : `Not compliant: ${clusters.join(', ')}`,
  );
}

/** Operators as objects: OLM, and policies that keep them. */
export const operatorLifecycleRules: RuleTable = {
  'operators.coreos.com/Subscription': assessSubscription,
  'operators.coreos.com/ClusterServiceVersion': byPhase({
    at: ['status', 'phase'],
    phases: { Succeeded: 'Healthy', Failed: 'Degraded' },
    say: (phase, live) => textAt(live, 'status', 'message') || phase,
    waiting: 'Waiting for ClusterServiceVersion',
  }),
  'operators.coreos.com/InstallPlan': byPhase({
    at: ['status', 'phase'],
    phases: { Complete: 'Healthy', Failed: 'Degraded', RequiresApproval: 'Suspended' },
    say: (phase) => `InstallPlan phase is ${phase}`,
    waiting: 'Waiting for InstallPlan',
  }),
  'operators.coreos.com/CatalogSource': byPhase({
    at: ['status', 'connectionState', 'lastObservedState'],
    phases: { READY: 'Healthy', TRANSIENT_FAILURE: 'Degraded' },
    say: (state) => `CatalogSource is ${state}`,
    waiting: 'Waiting for CatalogSource',
  }),
  'policy.open-cluster-management.io/ConfigurationPolicy': assessTemplatePolicy,
  'policy.open-cluster-management.io/CertificatePolicy': assessTemplatePolicy,
  'policy.open-cluster-management.io/OperatorPolicy': assessOperatorPolicy,
  'policy.open-cluster-management.io/Policy': assessPolicy,
  'nmstate.io/NodeNetworkConfigurationPolicy': byConditions({
    clauses: [
      { type: 'Ignored', status: 'True', is: 'Suspended', say: reasonAndMessage },
      { type: 'Degraded', status: 'True', is: 'Degraded', say: reasonAndMessage },
      { type: 'Progressing', status: 'True', is: 'Progressing', say: reasonAndMessage },
      { type: 'Available', status: 'True', is: 'Healthy', say: reasonAndMessage },
    ],
    waiting: 'Waiting for policy to be applied',
  }),
};

function reasonAndMessage({ reason, message }: Condition): string {
  return message === '' ? reason : `${reason}: ${message}`;
}

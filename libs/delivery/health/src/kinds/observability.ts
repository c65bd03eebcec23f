import { fieldAt, type KubeObject } from '@tiphys/kube-model';
import { health, type Assess, type Health } from '../health.ts';
import { byConditions, firstOf, forKinds, type RuleTable } from '../rules/rule.ts';
import { conditionOf, conditionsOf, textAt } from '../rules/status.ts';

// Grafana operator (grafana.github.io/grafana-operator): stages of the server; everything else is pushed into it.
function assessGrafana(live: KubeObject): Health {
  const stage = textAt(live, 'status', 'stage');
  if (stage === '') return health('Progressing', 'Waiting for Grafana status info');
  if (textAt(live, 'status', 'stageStatus') === 'failed') return health('Degraded', `Failed at stage ${stage}`);
  return stage === 'complete' ? health('Healthy') : health('Progressing', stage);
}

function assessGrafanaItem(live: KubeObject): Health {
  const lost = conditionOf(live, 'NoMatchingInstance');
  const isLost = fieldAt(live, 'status', 'NoMatchingInstances') === true || lost?.status === 'True';
  if (isLost) return health('Degraded', lost?.message || "can't find matching grafana instance");
  const synchronized = conditionsOf(live).find(({ type }) => type.endsWith('Synchronized'));
  if (synchronized?.status === 'False') return health('Degraded', synchronized.message);
  const isDone = synchronized?.status === 'True' || textAt(live, 'status', 'hash') !== '' || textAt(live, 'status', 'lastResync') !== '';
  return isDone ? health('Healthy') : health('Progressing');
}

const GRAFANA_ITEMS = [
  'GrafanaAlertRuleGroup',
  'GrafanaContactPoint',
  'GrafanaDashboard',
  'GrafanaDatasource',
  'GrafanaFolder',
  'GrafanaLibraryPanel',
  'GrafanaMuteTiming',
  'GrafanaNotificationPolicy',
  'GrafanaNotificationTemplate',
  'GrafanaServiceAccount',
];

// Prometheus operator: Available may be Degraded, which is some pods and not all.
function assessInstances(kind: string): Assess {
  return firstOf(
    (live) => (fieldAt(live, 'spec', 'paused') === true ? health('Suspended', `${kind} is paused`) : undefined),
    byConditions({
      clauses: [
        { type: 'Available', status: 'False', is: 'Degraded', say: ({ message, reason }) => message || reason },
        { type: 'Reconciled', status: 'False', is: 'Degraded', say: ({ message, reason }) => message || reason },
        { type: 'Available', status: 'Degraded', is: 'Progressing', say: ({ message, reason }) => message || reason },
        { type: 'Available', status: 'True', is: 'Healthy', say: 'All instances are available' },
      ],
      waiting: `Waiting for ${kind} status`,
    }),
  );
}

// Kiali and other operators made with Ansible (sdk.operatorframework.io): Running is True for ever, the result comes beside it.
const assessAnsible = byConditions({
  clauses: [
    { type: 'Failure', status: 'True', is: 'Degraded' },
    { type: 'Successful', status: 'True', is: 'Healthy' },
    { type: 'Running', status: 'True', is: 'Progressing' },
  ],
  waiting: 'Waiting for status to be reported',
});

/** Monitoring, logging, tracing. */
export const observabilityRules: RuleTable = {
  'grafana.integreatly.org/Grafana': assessGrafana,
  ...forKinds('grafana.integreatly.org', GRAFANA_ITEMS, () => assessGrafanaItem),
  ...forKinds('monitoring.coreos.com', ['Alertmanager', 'Prometheus', 'PrometheusAgent', 'ThanosRuler'], assessInstances),
  ...forKinds('kiali.io', ['Kiali', 'OSSMConsole'], () => assessAnsible),
  'jaegertracing.io/Jaeger': (live) => {
    const phase = textAt(live, 'status', 'phase');
    if (phase === '') return health('Progressing', 'Waiting for Jaeger');
    if (phase === 'Running') return health('Healthy', 'Jaeger is Running');
    return phase === 'Failed' ? health('Degraded', 'Jaeger Failed For Some Reason') : health('Progressing', `Jaeger is ${phase}`);
  },
  ...forKinds('coralogix.com', ['Alert', 'RecordingRuleGroupSet'], () =>
    byConditions({
      clauses: [
        { type: 'RemoteSynced', status: 'True', is: 'Healthy', say: 'Resource is ready' },
        { type: 'RemoteSynced', status: 'False', is: 'Degraded' },
      ],
      waiting: 'Waiting for status to be updated',
    }),
  ),
  'datadoghq.com/DatadogMetric': byConditions({
    clauses: [
      { type: 'Error', status: 'True', is: 'Degraded' },
      { type: 'Valid', status: 'True', is: 'Healthy', say: 'DatadogMetric is valid' },
    ],
    waiting: 'Waiting for DatadogMetric',
  }),
  'k6.io/TestRun': (live) => {
    const stage = textAt(live, 'status', 'stage');
    if (stage === 'finished' || stage === 'stopped') return health('Healthy', `The test is ${stage}`);
    return stage === 'error'
      ? health('Degraded', 'The test ended in an error')
      : health('Progressing', stage === '' ? 'Waiting for the test' : `The test is at stage ${stage}`);
  },
};

import { health, type HealthCode } from '../health.ts';
import { forKinds, type RuleTable } from '../rules/rule.ts';
import { textAt } from '../rules/status.ts';

// Humio operator (github.com/humio/humio-operator, docs/api.md).
const STATES: Readonly<Record<string, HealthCode>> = { Exists: 'Healthy', NotFound: 'Missing', ConfigError: 'Degraded', Unknown: 'Unknown' };
const KINDS = [
  'HumioAction',
  'HumioAggregateAlert',
  'HumioAlert',
  'HumioFilterAlert',
  'HumioIngestToken',
  'HumioParser',
  'HumioRepository',
  'HumioScheduledSearch',
  'HumioView',
];

const CLUSTER: Readonly<Record<string, readonly [HealthCode, string]>> = {
  Running: ['Healthy', 'Cluster is in a healthy running state'],
  Restarting: ['Progressing', 'Cluster pods are being restarted'],
  Upgrading: ['Progressing', 'Cluster pods are being upgraded'],
  Pending: ['Progressing', 'Cluster is waiting on resources to be provisioned'],
  ConfigError: ['Degraded', 'User-provided cluster specification resulted in a configuration error'],
};

/** Humio's kinds. */
export const humioRules: RuleTable = {
  ...forKinds('core.humio.com', KINDS, () => (live) => {
    const state = textAt(live, 'status', 'state');
    return state === '' ? health('Progressing', 'Update in progress') : health(STATES[state] ?? 'Unknown', `Component state: ${state}.`);
  }),
  'core.humio.com/HumioCluster': (live) => {
    const state = textAt(live, 'status', 'state');
    if (state === '') return health('Progressing', 'Update in progress');
    const verdict = CLUSTER[state];
    if (verdict === undefined) return health('Unknown', `Component state: ${state}.`);
    return health(verdict[0], (verdict[0] === 'Degraded' ? textAt(live, 'status', 'message') : '') || verdict[1]);
  },
};

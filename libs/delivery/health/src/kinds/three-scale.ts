import { textAt } from '../rules/status.ts';
import { health, type Assess } from '../health.ts';
import { byConditions, firstOf, forKinds, type RuleTable } from '../rules/rule.ts';

// 3scale operator (github.com/3scale/3scale-operator, doc/*-reference.md): trouble has a condition of its own.
function assessCapability(kind: string): Assess {
  return firstOf(
    (live) => (textAt(live, 'status', 'state') === 'suspended' ? health('Suspended', `3scale ${kind} is suspended`) : undefined),
    (live) =>
      textAt(live, 'status', 'developerUserState') === 'suspended' ? health('Suspended', '3scale Developer user is waiting for admin approval') : undefined,
    byConditions({
      clauses: [
        ...['Failed', 'Invalid', 'Orphan'].map((type) => ({ type, status: 'True', is: 'Degraded' }) as const),
        { type: 'Waiting', status: 'True', is: 'Suspended' },
        { type: 'Ready', status: 'True', is: 'Healthy', say: `3scale ${kind} is ready` },
        { type: 'Synced', status: 'True', is: 'Healthy', say: `3scale ${kind} is synced` },
        { type: 'Ready', status: 'False', is: 'Degraded' },
      ],
      waiting: `Waiting for 3scale ${kind} status...`,
    }),
  );
}

/** Red Hat 3scale's kinds. */
export const threeScaleRules: RuleTable = {
  'apps.3scale.net/APIManager': byConditions({
    clauses: [
      { type: 'Available', status: 'True', is: 'Healthy', say: '3scale APIManager is available' },
      // Without a reason it is only that deployments are still starting.
      ...['MissingWatchedSecrets', 'WatchedSecretsMissing', 'PreflightsFailed', 'Failed'].map(
        (reason) => ({ type: 'Available', status: 'False', reasons: [reason], is: 'Degraded', say: `3scale APIManager is degraded: ${reason}` }) as const,
      ),
    ],
    waiting: 'Waiting for 3scale APIManager status...',
  }),
  ...forKinds(
    'capabilities.3scale.net',
    [
      'ActiveDoc',
      'Application',
      'ApplicationAuth',
      'Backend',
      'CustomPolicyDefinition',
      'DeveloperAccount',
      'DeveloperUser',
      'OpenAPI',
      'Product',
      'ProxyConfigPromote',
      'Tenant',
    ],
    assessCapability,
  ),
};

import { health } from '../health.ts';
import { byConditions, byReady, forKinds, type RuleTable } from '../rules/rule.ts';
import { textAt } from '../rules/status.ts';

const FAILED = 'ERROR, ';

/** Controllers that bring secrets: External Secrets (both), Sealed Secrets, 1Password. */
export const secretRules: RuleTable = {
  ...forKinds(
    'external-secrets.io',
    ['ClusterExternalSecret', 'ClusterPushSecret', 'ClusterSecretStore', 'ExternalSecret', 'PushSecret', 'SecretStore'],
    (kind) => byReady(`Waiting for ${kind}`),
  ),
  // kubernetes-client/external-secrets: one word, or ERROR and why.
  'kubernetes-client.io/ExternalSecret': (live) => {
    const status = textAt(live, 'status', 'status');
    if (status === 'SUCCESS') return health('Healthy', 'Fetched ExternalSecret.');
    if (status.startsWith('ERROR')) return health('Degraded', status.startsWith(FAILED) ? status.slice(FAILED.length) : status);
    return health('Progressing', 'Waiting for ExternalSecret.');
  },
  'bitnami.com/SealedSecret': byConditions({
    clauses: [
      { type: 'Synced', status: 'False', is: 'Degraded' },
      { type: 'Synced', status: 'True', is: 'Healthy' },
    ],
    waiting: 'Waiting for Sealed Secret to be decrypted',
  }),
  'onepassword.com/OnePasswordItem': byReady('Waiting for controller to report status'),
};

import { fieldAt } from '@tiphys/kube-model';
import { health } from '../health.ts';
import { byConditions, byReady, forKinds, type RuleTable } from '../rules/rule.ts';
import { listAt, textAt } from '../rules/status.ts';

// cert-manager.io docs, "Certificate resource": while Issuing is True, Ready says how the last one ended.
const assessCertificate = byConditions({
  clauses: [
    { type: 'Issuing', status: 'True', is: 'Progressing' },
    { type: 'Ready', status: 'True', is: 'Healthy' },
    { type: 'Ready', status: 'False', is: 'Degraded' },
  ],
  waiting: 'Waiting for certificate',
});

/** Certificates: cert-manager (also under its first group), trust-manager, Google's managed certificates. */
export const certificateRules: RuleTable = {
  'cert-manager.io/Certificate': assessCertificate,
  'certmanager.k8s.io/Certificate': assessCertificate,
  'cert-manager.io/Issuer': byReady('Initializing issuer'),
  'certmanager.k8s.io/Issuer': byReady('Initializing issuer'),
  'cert-manager.io/ClusterIssuer': byReady('Initializing ClusterIssuer'),
  'certmanager.k8s.io/ClusterIssuer': byReady('Initializing ClusterIssuer'),
  ...forKinds('trust.cert-manager.io', ['Bundle', 'ClusterBundle'], (kind) =>
    byConditions({
      clauses: [
        { type: 'Synced', status: 'True', is: 'Healthy' },
        { type: 'Synced', status: 'False', is: 'Degraded' },
      ],
      waiting: `Waiting for ${kind} to be synced`,
    }),
  ),
  'networking.gke.io/ManagedCertificate': (live) => {
    const words = listAt(live, 'status', 'domainStatus').map(({ status }) => String(status));
    if (fieldAt(live, 'status', 'certificateStatus') === undefined) return health('Progressing', 'Waiting for certificate to get status');
    if (words.some((word) => word.startsWith('Failed'))) return health('Degraded', 'At least one certificate has failed to be provisioned');
    if (words.some((word) => word !== 'Active')) return health('Progressing', 'At least one certificate is still being provisioned');
    return textAt(live, 'status', 'certificateStatus') === 'Active'
      ? health('Healthy', 'All certificates are active')
      : health('Progressing', 'At least one certificate is still being provisioned');
  },
};

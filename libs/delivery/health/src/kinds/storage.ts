import { fieldAt, isJsonObject, type KubeObject } from '@tiphys/kube-model';
import { health, type Health } from '../health.ts';
import { byPhase, forKinds, type RuleTable } from '../rules/rule.ts';
import { textAt } from '../rules/status.ts';

// Rook (rook.io docs, CephCluster status): Ceph's own health outweighs the state of the operator's work.
function assessCephCluster(live: KubeObject): Health {
  const state = textAt(live, 'status', 'state');
  const message = textAt(live, 'status', 'message');
  const ceph = textAt(live, 'status', 'ceph', 'health');
  if (state === '' && ceph === '') return health('Progressing', 'Waiting for status to be reported');
  if (ceph === 'HEALTH_WARN' || ceph === 'HEALTH_ERR') return health('Degraded', `Ceph health is ${ceph}${detailsOf(live)} - ${message}`);
  if (state === 'Error') return health('Degraded', message);
  if (ceph !== 'HEALTH_OK' || state !== 'Created') return health('Progressing', message);
  return health('Healthy', `Ceph health is ${ceph} - Ceph cluster state is ${state} - ${message}`);
}

function detailsOf(live: KubeObject): string {
  const details = fieldAt(live, 'status', 'ceph', 'details');
  const messages = isJsonObject(details) ? Object.values(details).map((detail) => textAt(detail, 'message')) : [];
  return messages.length === 0 ? '' : ` (${messages.join('; ')})`;
}

const CEPH_PHASES = { Ready: 'Healthy', Connected: 'Healthy', Failure: 'Degraded', Failed: 'Degraded' } as const;
const CEPH_NOUNS: Readonly<Record<string, string>> = {
  CephBlockPool: 'Ceph block pool',
  CephFilesystem: 'Ceph filesystem',
  CephObjectStore: 'Ceph object store',
  CephObjectStoreUser: 'Ceph object store user',
};

// CSI snapshots (snapshot.storage.k8s.io): an error may still be retried, but somebody should know.
function assessSnapshot(live: KubeObject): Health {
  const failed = textAt(live, 'status', 'error', 'message');
  if (failed !== '') return health('Degraded', failed);
  return fieldAt(live, 'status', 'readyToUse') === true ? health('Healthy', 'Ready to use') : health('Progressing', 'Waiting for status');
}

// MinIO operator (pkg/controller/status): states are sentences; these name what a person has to repair.
const MINIO_FAULTS = new Set([
  'Statefulset not controlled by operator',
  'Another MinIO Tenant already exists in the namespace',
  'Tenant credentials are not set properly',
  'Different versions across MinIO Pools',
  'Pool Decommissioning Not Allowed',
]);

function assessTenant(live: KubeObject): Health {
  const state = textAt(live, 'status', 'currentState');
  if (state === '') return health('Progressing', 'No status info available');
  return health(state === 'Initialized' ? 'Healthy' : MINIO_FAULTS.has(state) ? 'Degraded' : 'Progressing', state);
}

/** Storage: Rook, CSI snapshots, MinIO. */
export const storageRules: RuleTable = {
  'ceph.rook.io/CephCluster': assessCephCluster,
  ...forKinds('ceph.rook.io', Object.keys(CEPH_NOUNS), (kind) =>
    byPhase({
      at: ['status', 'phase'],
      phases: CEPH_PHASES,
      say: (phase, live) => {
        const endpoint = textAt(live, 'status', 'info', 'endpoint');
        return `${CEPH_NOUNS[kind] ?? kind} phase is ${phase}${endpoint === '' ? '' : ` - endpoint: ${endpoint}`}`;
      },
      waiting: `Waiting for ${CEPH_NOUNS[kind] ?? kind} status to be reported`,
    }),
  ),
  ...forKinds('snapshot.storage.k8s.io', ['VolumeSnapshot', 'VolumeSnapshotContent'], () => assessSnapshot),
  'minio.min.io/Tenant': assessTenant,
};

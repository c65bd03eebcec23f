/** A kind that others create on behalf of a kind. */
export interface ChildKind {
  readonly apiVersion: string;
  readonly kind: string;
  /** Nothing but its existence is shown: its metadata is enough. */
  readonly metadataOnly: boolean;
}

const REPLICA_SETS = whole('apps/v1', 'ReplicaSet');
const PODS = whole('v1', 'Pod');
const CHILD_KINDS: Readonly<Record<string, readonly ChildKind[]>> = {
  'apps/Deployment': [REPLICA_SETS, PODS],
  'apps/ReplicaSet': [PODS],
  'apps/StatefulSet': [PODS],
  'apps/DaemonSet': [PODS],
  'batch/Job': [PODS],
  'batch/CronJob': [whole('batch/v1', 'Job'), PODS],
  '/Service': [{ apiVersion: 'discovery.k8s.io/v1', kind: 'EndpointSlice', metadataOnly: true }],
};

function whole(apiVersion: string, kind: string): ChildKind {
  return { apiVersion, kind, metadataOnly: false };
}

/** What a resource tree shows below objects of a kind. */
export function childKindsOf(group: string, kind: string): readonly ChildKind[] {
  return CHILD_KINDS[`${group}/${kind}`] ?? [];
}

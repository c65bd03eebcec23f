import type { Clock, Logger } from '@tiphys/kernel';
import { builtin, type ResourceType } from '@tiphys/kube-model';
import type { InformerFactory, KubeClient } from '@tiphys/kube-client';

/** What every controller is given. */
export interface ControllerDeps {
  readonly client: KubeClient;
  readonly informers: InformerFactory;
  readonly clock: Clock;
  readonly logger: Logger;
}

/** The kinds our controllers read and write. */
export const KINDS: Readonly<
  Record<
    | 'pod'
    | 'node'
    | 'namespace'
    | 'service'
    | 'configMap'
    | 'serviceAccount'
    | 'endpoints'
    | 'replicaSet'
    | 'deployment'
    | 'statefulSet'
    | 'daemonSet'
    | 'controllerRevision'
    | 'job'
    | 'cronJob'
    | 'endpointSlice'
    | 'crd'
    | 'lease'
    | 'resourceQuota'
    | 'podDisruptionBudget'
    | 'persistentVolume'
    | 'persistentVolumeClaim',
    ResourceType
  >
> = {
  pod: builtin('v1', 'Pod'),
  node: builtin('v1', 'Node'),
  namespace: builtin('v1', 'Namespace'),
  service: builtin('v1', 'Service'),
  configMap: builtin('v1', 'ConfigMap'),
  serviceAccount: builtin('v1', 'ServiceAccount'),
  endpoints: builtin('v1', 'Endpoints'),
  replicaSet: builtin('apps/v1', 'ReplicaSet'),
  deployment: builtin('apps/v1', 'Deployment'),
  statefulSet: builtin('apps/v1', 'StatefulSet'),
  daemonSet: builtin('apps/v1', 'DaemonSet'),
  controllerRevision: builtin('apps/v1', 'ControllerRevision'),
  job: builtin('batch/v1', 'Job'),
  cronJob: builtin('batch/v1', 'CronJob'),
  endpointSlice: builtin('discovery.k8s.io/v1', 'EndpointSlice'),
  crd: builtin('apiextensions.k8s.io/v1', 'CustomResourceDefinition'),
  lease: builtin('coordination.k8s.io/v1', 'Lease'),
  resourceQuota: builtin('v1', 'ResourceQuota'),
  podDisruptionBudget: builtin('policy/v1', 'PodDisruptionBudget'),
  persistentVolume: builtin('v1', 'PersistentVolume'),
  persistentVolumeClaim: builtin('v1', 'PersistentVolumeClaim'),
};

import { parseApiVersion, type KubeObject } from '@tiphys/kube-model';
import { health, isWorse, type Assess, type Health, type HealthCode } from './health.ts';
import { assessApiService, assessCustomResourceDefinition, assessNamespace } from './kinds/conditions.ts';
import { assessDaemonSet } from './kinds/daemon-set.ts';
import { assessDeployment } from './kinds/deployment.ts';
import { assessHorizontalPodAutoscaler } from './kinds/horizontal-pod-autoscaler.ts';
import { assessIngress } from './kinds/ingress.ts';
import { assessCronJob, assessJob } from './kinds/job.ts';
import { assessPersistentVolumeClaim } from './kinds/persistent-volume-claim.ts';
import { assessPod } from './kinds/pod.ts';
import { assessReplicaSet } from './kinds/replica-set.ts';
import { assessService } from './kinds/service.ts';
import { assessStatefulSet } from './kinds/stateful-set.ts';

const ASSESSORS: ReadonlyMap<string, Assess> = new Map<string, Assess>([
  ['apps/Deployment', assessDeployment],
  ['apps/StatefulSet', assessStatefulSet],
  ['apps/DaemonSet', assessDaemonSet],
  ['apps/ReplicaSet', assessReplicaSet],
  ['/Pod', assessPod],
  ['batch/Job', assessJob],
  ['batch/CronJob', assessCronJob],
  ['/PersistentVolumeClaim', assessPersistentVolumeClaim],
  ['/Service', assessService],
  ['networking.k8s.io/Ingress', assessIngress],
  ['extensions/Ingress', assessIngress],
  ['autoscaling/HorizontalPodAutoscaler', assessHorizontalPodAutoscaler],
  ['apiregistration.k8s.io/APIService', assessApiService],
  ['apiextensions.k8s.io/CustomResourceDefinition', assessCustomResourceDefinition],
  ['/Namespace', assessNamespace],
]);

/** The health of a live object; undefined for kinds that have none, which then do not count. Anything being deleted is Progressing. */
export function assess(live: KubeObject): Health | undefined {
  if (live.metadata.deletionTimestamp !== undefined) return health('Progressing', 'Pending deletion');
  return ASSESSORS.get(`${parseApiVersion(live.apiVersion).group}/${live.kind}`)?.(live);
}

/** One object's part in the health of its application. */
export interface HealthEvidence {
  /** Undefined when the object is missing. */
  readonly live: KubeObject | undefined;
  readonly health: Health | undefined;
}

/**
 * The health of an application: the worst of its objects that have a health (annotation ignore-healthcheck leaves one
 * out). Missing counts only when every object is missing, as in Argo CD 3.4.
 */
export function aggregateHealth(evidence: readonly HealthEvidence[]): Health {
  if (evidence.length > 0 && evidence.every(({ live }) => live === undefined)) return health('Missing');
  let worst: Health = { status: 'Healthy' };
  for (const { live, health: own } of evidence) {
    if (live === undefined || own === undefined || live.metadata.annotations?.['argocd.argoproj.io/ignore-healthcheck'] === 'true') continue;
    if (isWorse(own.status, worst.status)) worst = { status: own.status };
  }
  return worst;
}

/** How a hook or a gated object stands: still running, done well, or done badly. */
export function completionOf(code: HealthCode | undefined): 'running' | 'succeeded' | 'failed' {
  switch (code) {
    case undefined:
    case 'Healthy':
      return 'succeeded';
    case 'Degraded':
      return 'failed';
    case 'Suspended':
    case 'Progressing':
    case 'Missing':
    case 'Unknown':
      return 'running';
  }
}

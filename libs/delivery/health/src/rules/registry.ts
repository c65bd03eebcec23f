import { parseApiVersion, type KubeObject } from '@tiphys/kube-model';
import type { Assess } from '../health.ts';
import type { RuleTable } from './rule.ts';
import { argoRules } from '../kinds/argo.ts';
import { assessApiService, assessCustomResourceDefinition, assessNamespace, assessPodDisruptionBudget } from '../kinds/conditions.ts';
import { certificateRules } from '../kinds/certificates.ts';
import { clusterApiRules } from '../kinds/cluster-api.ts';
import { assessCronJob } from '../kinds/cron-job.ts';
import { cloudResourceRules, crossplaneRules } from '../kinds/crossplane.ts';
import { assessDaemonSet } from '../kinds/daemon-set.ts';
import { databaseRules } from '../kinds/databases.ts';
import { assessDeployment } from '../kinds/deployment.ts';
import { fluxRules } from '../kinds/flux.ts';
import { gatewayApiRules, proxyRules } from '../kinds/gateway-api.ts';
import { assessHorizontalPodAutoscaler } from '../kinds/horizontal-pod-autoscaler.ts';
import { humioRules } from '../kinds/humio.ts';
import { assessIngress } from '../kinds/ingress.ts';
import { assessJob } from '../kinds/job.ts';
import { knativeRules } from '../kinds/knative.ts';
import { kubeVirtRules } from '../kinds/kubevirt.ts';
import { messagingRules } from '../kinds/messaging.ts';
import { netAppRules } from '../kinds/netapp.ts';
import { processingRules } from '../kinds/numaflow.ts';
import { observabilityRules } from '../kinds/observability.ts';
import { openKruiseRules } from '../kinds/openkruise.ts';
import { operatorLifecycleRules } from '../kinds/operator-lifecycle.ts';
import { assessPersistentVolumeClaim } from '../kinds/persistent-volume-claim.ts';
import { platformRules } from '../kinds/platform.ts';
import { assessPod } from '../kinds/pod.ts';
import { promoterRules } from '../kinds/promoter.ts';
import { assessReplicaSet } from '../kinds/replica-set.ts';
import { assessRollout } from '../kinds/rollout.ts';
import { scalingRules } from '../kinds/scaling.ts';
import { secretRules } from '../kinds/secrets.ts';
import { assessService } from '../kinds/service.ts';
import { assessStatefulSet } from '../kinds/stateful-set.ts';
import { storageRules } from '../kinds/storage.ts';
import { threeScaleRules } from '../kinds/three-scale.ts';

const kubernetesRules: RuleTable = {
  'apps/Deployment': assessDeployment,
  'apps/StatefulSet': assessStatefulSet,
  'apps/DaemonSet': assessDaemonSet,
  'apps/ReplicaSet': assessReplicaSet,
  '/Pod': assessPod,
  'batch/Job': assessJob,
  'batch/CronJob': assessCronJob,
  '/PersistentVolumeClaim': assessPersistentVolumeClaim,
  '/Service': assessService,
  'networking.k8s.io/Ingress': assessIngress,
  'extensions/Ingress': assessIngress,
  'autoscaling/HorizontalPodAutoscaler': assessHorizontalPodAutoscaler,
  'apiregistration.k8s.io/APIService': assessApiService,
  'apiextensions.k8s.io/CustomResourceDefinition': assessCustomResourceDefinition,
  'policy/PodDisruptionBudget': assessPodDisruptionBudget,
  '/Namespace': assessNamespace,
};

const RULES: ReadonlyMap<string, Assess> = new Map(
  [
    kubernetesRules,
    argoRules,
    { 'argoproj.io/Rollout': assessRollout },
    certificateRules,
    clusterApiRules,
    cloudResourceRules,
    crossplaneRules,
    databaseRules,
    fluxRules,
    gatewayApiRules,
    humioRules,
    knativeRules,
    kubeVirtRules,
    messagingRules,
    netAppRules,
    observabilityRules,
    openKruiseRules,
    operatorLifecycleRules,
    platformRules,
    processingRules,
    promoterRules,
    proxyRules,
    scalingRules,
    secretRules,
    storageRules,
    threeScaleRules,
  ].flatMap((table) => Object.entries(table)),
);

/** The rule for an object's kind: its own before one for its group, that before one for groups with a common end. */
export function ruleFor(live: KubeObject): Assess | undefined {
  const { group } = parseApiVersion(live.apiVersion);
  const own = RULES.get(`${group}/${live.kind}`) ?? RULES.get(`${group}/*`);
  if (own !== undefined) return own;
  for (let dot = group.indexOf('.'); dot !== -1; dot = group.indexOf('.', dot + 1)) {
    const shared = RULES.get(`*${group.slice(dot)}/*`);
    if (shared !== undefined) return shared;
  }
  return undefined;
}

/** The kinds that have a rule, as `<group>/<kind>`; `*` stands for any. */
export function ruledKinds(): readonly string[] {
  return [...RULES.keys()];
}

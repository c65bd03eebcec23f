import type { appsv1, batchv1, corev1, Mutable } from '@tiphys/kube-model';
import { draftAs, type Draft, type JsonMap } from '../draft.ts';

type Container = Mutable<corev1.Container>;
type PodSpec = Mutable<corev1.PodSpec>;
type Template = Mutable<corev1.PodTemplateSpec>;

/** Defaults that must look at fields before the table fills them. */
export function applyEarlyDefaults(draft: Draft): void {
  if (draft.kind !== 'Job' || draft.apiVersion !== 'batch/v1') return;
  const { spec } = draftAs<batchv1.Job>(draft);
  if (spec !== undefined && spec.completions === undefined && spec.parallelism === undefined) spec.completions = 1;
}

/** Defaults that depend on other fields, by kind (kubernetes pkg/apis/<group>/<version>/defaults.go). */
export function applyConditionalDefaults(draft: Draft): void {
  BY_KIND[`${draft.apiVersion}/${draft.kind}`]?.(draft);
}

const BY_KIND: Readonly<Record<string, (draft: Draft) => void>> = {
  'v1/Pod': (draft) => defaultPod(draftAs<corev1.Pod>(draft)),
  'v1/PodTemplate': (draft) => defaultTemplate(draftAs<corev1.PodTemplate>(draft).template),
  'v1/ReplicationController': (draft) => defaultReplicationController(draftAs<corev1.ReplicationController>(draft)),
  'v1/Service': (draft) => defaultService(draftAs<corev1.Service>(draft)),
  'v1/Secret': (draft) => void (draftAs<corev1.Secret>(draft).type ??= 'Opaque'),
  'v1/Namespace': (draft) => defaultNamespace(draftAs<corev1.Namespace>(draft)),
  'v1/Node': (draft) => defaultNode(draftAs<corev1.Node>(draft)),
  'apps/v1/Deployment': (draft) => defaultDeployment(draftAs<appsv1.Deployment>(draft)),
  'apps/v1/ReplicaSet': (draft) => defaultTemplate(draftAs<appsv1.ReplicaSet>(draft).spec?.template),
  'apps/v1/StatefulSet': (draft) => defaultStatefulSet(draftAs<appsv1.StatefulSet>(draft)),
  'apps/v1/DaemonSet': (draft) => defaultDaemonSet(draftAs<appsv1.DaemonSet>(draft)),
  'batch/v1/Job': (draft) => defaultJob(draftAs<batchv1.Job>(draft).spec),
  'batch/v1/CronJob': (draft) => defaultTemplate(draftAs<batchv1.CronJob>(draft).spec?.jobTemplate?.spec?.template),
  'networking.k8s.io/v1/NetworkPolicy': (draft) => defaultNetworkPolicy(draft),
};

function defaultPod(pod: Mutable<corev1.Pod>): void {
  if (pod.spec === undefined) return;
  defaultPodSpec(pod.spec);
  pod.spec.enableServiceLinks ??= true;
  for (const container of [...pod.spec.containers, ...(pod.spec.initContainers ?? [])]) {
    const limits = container.resources?.limits;
    if (limits !== undefined && container.resources !== undefined) container.resources.requests = { ...limits, ...container.resources.requests };
  }
}

function defaultTemplate(template: Template | undefined): void {
  if (template?.spec !== undefined) defaultPodSpec(template.spec);
}

function defaultPodSpec(spec: PodSpec): void {
  if (spec.serviceAccountName === undefined && spec.serviceAccount !== undefined) spec.serviceAccountName = spec.serviceAccount;
  else if (spec.serviceAccountName !== undefined) spec.serviceAccount = spec.serviceAccountName;
  if (!Array.isArray(spec.containers)) spec.containers = [];
  for (const container of [...spec.containers, ...(spec.initContainers ?? [])]) defaultContainer(container, spec.hostNetwork === true);
  for (const volume of spec.volumes ?? []) {
    if (Object.keys(volume).length === 1 && volume.name !== undefined) volume.emptyDir = {};
  }
}

function defaultContainer(container: Container, hostNetwork: boolean): void {
  container.imagePullPolicy ??= pullPolicyOf(container.image ?? '');
  container.resources ??= {};
  if (hostNetwork) for (const port of container.ports ?? []) port.hostPort ??= port.containerPort;
}

function pullPolicyOf(image: string): string {
  if (image.includes('@')) return 'IfNotPresent';
  const tag = /:([^/:]+)$/.exec(image)?.[1] ?? 'latest';
  return tag === 'latest' ? 'Always' : 'IfNotPresent';
}

function defaultReplicationController({ spec, metadata }: Mutable<corev1.ReplicationController>): void {
  if (spec === undefined) return;
  spec.replicas ??= 1;
  const labels = spec.template?.metadata?.labels;
  if (labels !== undefined && spec.selector === undefined) spec.selector = { ...labels };
  if (labels !== undefined && metadata.labels === undefined) metadata.labels = { ...labels };
  defaultTemplate(spec.template);
}

function defaultService({ spec }: Mutable<corev1.Service>): void {
  if (spec === undefined) return;
  spec.type ??= 'ClusterIP';
  spec.sessionAffinity ??= 'None';
  if (spec.sessionAffinity === 'None') delete spec.sessionAffinityConfig;
  else spec.sessionAffinityConfig ??= { clientIP: { timeoutSeconds: 10_800 } };
  for (const port of spec.ports ?? []) {
    port.protocol ??= 'TCP';
    if (port.targetPort === undefined || port.targetPort === '' || port.targetPort === 0) port.targetPort = port.port;
  }
  if (spec.type === 'ExternalName') return;
  spec.internalTrafficPolicy ??= 'Cluster';
  if (spec.type === 'NodePort' || spec.type === 'LoadBalancer') spec.externalTrafficPolicy ??= 'Cluster';
  if (spec.type === 'LoadBalancer') spec.allocateLoadBalancerNodePorts ??= true;
}

function defaultNamespace(namespace: Mutable<corev1.Namespace>): void {
  // NamespaceDefaultLabelName: the label always tells the name.
  if (namespace.metadata.name !== undefined)
    namespace.metadata.labels = { ...namespace.metadata.labels, 'kubernetes.io/metadata.name': namespace.metadata.name };
}

function defaultNode({ status }: Mutable<corev1.Node>): void {
  if (status?.capacity !== undefined && status.allocatable === undefined) status.allocatable = { ...status.capacity };
}

function defaultDeployment({ spec }: Mutable<appsv1.Deployment>): void {
  if (spec === undefined) return;
  if (spec.strategy?.type === 'RollingUpdate') spec.strategy.rollingUpdate = { maxUnavailable: '25%', maxSurge: '25%', ...spec.strategy.rollingUpdate };
  defaultTemplate(spec.template);
}

function defaultStatefulSet({ spec }: Mutable<appsv1.StatefulSet>): void {
  if (spec === undefined) return;
  if (spec.updateStrategy?.type === 'RollingUpdate') spec.updateStrategy.rollingUpdate = { partition: 0, ...spec.updateStrategy.rollingUpdate };
  defaultTemplate(spec.template);
}

function defaultDaemonSet({ spec }: Mutable<appsv1.DaemonSet>): void {
  if (spec === undefined) return;
  if (spec.updateStrategy?.type === 'RollingUpdate')
    spec.updateStrategy.rollingUpdate = { maxUnavailable: 1, maxSurge: 0, ...spec.updateStrategy.rollingUpdate };
  defaultTemplate(spec.template);
}

const NO_BACKOFF_LIMIT = 2_147_483_647;

function defaultJob(spec: Mutable<batchv1.JobSpec> | undefined): void {
  if (spec === undefined) return;
  spec.backoffLimit ??= spec.backoffLimitPerIndex === undefined ? 6 : NO_BACKOFF_LIMIT;
  spec.podReplacementPolicy ??= spec.podFailurePolicy === undefined ? 'TerminatingOrFailed' : 'Failed';
  defaultTemplate(spec.template);
}

function defaultNetworkPolicy(draft: Draft): void {
  // NetworkPolicySpec after coercion.
  const spec = draft.spec as JsonMap | undefined;
  if (spec === undefined || spec['policyTypes'] !== undefined) return;
  spec['policyTypes'] = Array.isArray(spec['egress']) && spec['egress'].length > 0 ? ['Ingress', 'Egress'] : ['Ingress'];
}

import type { FieldSpec } from '../load/fields.ts';
import type { NameReference, TransformerConfig } from './transformer-config.ts';

// Where Kustomize 5.8.1 finds labels, names, images and so on, in our own order of words: which fields of a pod, and where pods
// stand in other kinds. (Facts of api/internal/konfig/builtinpluginconsts.)

interface SpecOptions {
  readonly group?: string;
  readonly version?: string;
  readonly create?: boolean;
}

function spec(kind: string, path: string, { group = '', version = '', create = false }: SpecOptions = {}): FieldSpec {
  return { group, version, kind, path, create };
}

/** Where the pod's spec stands in a kind. */
interface PodPlace extends SpecOptions {
  readonly kind: string;
  readonly path: string;
}

const POD: PodPlace = { kind: 'Pod', path: 'spec', version: 'v1' };
const ANY_POD: PodPlace = { kind: 'Pod', path: 'spec' };
const POD_TEMPLATE: PodPlace = { kind: 'PodTemplate', path: 'template/spec' };
const place = (kind: string): PodPlace => ({ kind, path: 'spec/template/spec' });
const CRON_JOB: PodPlace = { kind: 'CronJob', path: 'spec/jobTemplate/spec/template/spec' };
const WORKLOADS = [place('Deployment'), place('ReplicaSet'), place('DaemonSet'), place('StatefulSet'), place('Job'), CRON_JOB];
const WITH_TEMPLATES = [POD, POD_TEMPLATE, ...WORKLOADS];
const WITH_ACCOUNTS = [ANY_POD, place('StatefulSet'), place('Deployment'), place('ReplicationController'), CRON_JOB, place('Job'), place('DaemonSet')];

function inPods(places: readonly PodPlace[], fields: readonly string[]): readonly FieldSpec[] {
  return places.flatMap(({ kind, path, ...options }) => fields.map((field) => spec(kind, `${path}/${field}`, options)));
}

function refersTo(kind: string, options: SpecOptions, fieldSpecs: readonly FieldSpec[]): NameReference {
  return { group: options.group ?? '', version: options.version ?? '', kind, fieldSpecs };
}

function keyRefs(source: string): readonly string[] {
  return [
    `containers/env/valueFrom/${source}KeyRef/name`,
    `initContainers/env/valueFrom/${source}KeyRef/name`,
    `containers/envFrom/${source}Ref/name`,
    `initContainers/envFrom/${source}Ref/name`,
  ];
}

const RBAC = { group: 'rbac.authorization.k8s.io' };
const WEBHOOKS = { group: 'admissionregistration.k8s.io' };
const scaled = [spec('HorizontalPodAutoscaler', 'spec/scaleTargetRef/name')];

const configMapReferrers = [
  ...inPods(WITH_TEMPLATES, ['volumes/configMap/name', ...keyRefs('configMap'), 'volumes/projected/sources/configMap/name']),
  spec('Node', 'spec/configSource/configMap'),
  spec('Role', 'rules/resourceNames'),
  spec('ClusterRole', 'rules/resourceNames'),
  spec('Ingress', String.raw`metadata/annotations/nginx.ingress.kubernetes.io\/fastcgi-params-configmap`),
];

const secretReferrers = [
  ...inPods(WITH_TEMPLATES, ['volumes/secret/secretName', ...keyRefs('secret'), 'imagePullSecrets/name', 'volumes/projected/sources/secret/name']),
  spec('Ingress', 'spec/tls/secretName'),
  ...['ingress.kubernetes.io\\/auth-secret', 'nginx.ingress.kubernetes.io\\/auth-secret', 'nginx.ingress.kubernetes.io\\/auth-tls-secret'].map((name) =>
    spec('Ingress', `metadata/annotations/${name}`),
  ),
  spec('ServiceAccount', 'imagePullSecrets/name'),
  ...['secretName', 'adminSecretName', 'userSecretName', 'secretRef'].map((name) => spec('StorageClass', `parameters/${name}`)),
  spec('Role', 'rules/resourceNames'),
  spec('ClusterRole', 'rules/resourceNames'),
  spec('Service', 'spec/template/spec/containers/env/valueFrom/secretKeyRef/name', { group: 'serving.knative.dev', version: 'v1' }),
  spec('PersistentVolume', 'spec/azureFile/secretName'),
];

const serviceReferrers = [
  spec('StatefulSet', 'spec/serviceName', { group: 'apps' }),
  spec('Ingress', 'spec/rules/http/paths/backend/serviceName'),
  spec('Ingress', 'spec/backend/serviceName'),
  spec('Ingress', 'spec/rules/http/paths/backend/service/name'),
  spec('Ingress', 'spec/defaultBackend/service/name'),
  spec('APIService', 'spec/service/name', { group: 'apiregistration.k8s.io' }),
  spec('ValidatingWebhookConfiguration', 'webhooks/clientConfig/service', WEBHOOKS),
  spec('MutatingWebhookConfiguration', 'webhooks/clientConfig/service', WEBHOOKS),
];

// In the order of their targets, as Kustomize sorts them: it decides which of two targets a field is fixed for first.
const nameReference: readonly NameReference[] = [
  refersTo('StorageClass', { group: 'storage.k8s.io', version: 'v1' }, [
    spec('PersistentVolume', 'spec/storageClassName'),
    spec('PersistentVolumeClaim', 'spec/storageClassName'),
    spec('StatefulSet', 'spec/volumeClaimTemplates/spec/storageClassName'),
  ]),
  refersTo('ServiceAccount', { version: 'v1' }, [
    spec('RoleBinding', 'subjects', RBAC),
    spec('ClusterRoleBinding', 'subjects', RBAC),
    ...inPods(WITH_ACCOUNTS, ['serviceAccountName']),
  ]),
  refersTo('Role', RBAC, [spec('RoleBinding', 'roleRef/name', RBAC)]),
  refersTo('ClusterRole', RBAC, [spec('RoleBinding', 'roleRef/name', RBAC), spec('ClusterRoleBinding', 'roleRef/name', RBAC)]),
  refersTo('ConfigMap', { version: 'v1' }, configMapReferrers),
  refersTo('Secret', { version: 'v1' }, secretReferrers),
  refersTo('Service', { version: 'v1' }, serviceReferrers),
  refersTo('PriorityClass', { group: 'scheduling.k8s.io', version: 'v1' }, inPods(WITH_ACCOUNTS, ['priorityClassName'])),
  refersTo('PersistentVolume', { version: 'v1' }, [spec('PersistentVolumeClaim', 'spec/volumeName'), spec('ClusterRole', 'rules/resourceNames')]),
  refersTo('PersistentVolumeClaim', { version: 'v1' }, inPods(WITH_ACCOUNTS, ['volumes/persistentVolumeClaim/claimName'])),
  refersTo('Deployment', {}, scaled),
  refersTo('StatefulSet', {}, scaled),
  refersTo('ValidatingAdmissionPolicy', WEBHOOKS, [spec('ValidatingAdmissionPolicyBinding', 'spec/policyName', WEBHOOKS)]),
  refersTo('IngressClass', { group: 'networking.k8s.io/v1', version: 'v1' }, [spec('Ingress', 'spec/ingressClassName')]),
  refersTo('ReplicaSet', {}, scaled),
  refersTo('ReplicationController', {}, scaled),
];

const templateLabels: readonly FieldSpec[] = [
  spec('', 'metadata/labels', { create: true }),
  spec('ReplicationController', 'spec/template/metadata/labels', { version: 'v1', create: true }),
  ...['Deployment', 'ReplicaSet', 'DaemonSet'].map((kind) => spec(kind, 'spec/template/metadata/labels', { create: true })),
  spec('StatefulSet', 'spec/template/metadata/labels', { group: 'apps', create: true }),
  spec('StatefulSet', 'spec/volumeClaimTemplates[]/metadata/labels', { group: 'apps', create: true }),
  spec('Job', 'spec/template/metadata/labels', { group: 'batch', create: true }),
  spec('CronJob', 'spec/jobTemplate/metadata/labels', { group: 'batch', create: true }),
  spec('CronJob', 'spec/jobTemplate/spec/template/metadata/labels', { group: 'batch', create: true }),
];

const AFFINITY = ['podAffinity', 'podAntiAffinity'].flatMap((kind) => [
  `spec/template/spec/affinity/${kind}/preferredDuringSchedulingIgnoredDuringExecution/podAffinityTerm/labelSelector/matchLabels`,
  `spec/template/spec/affinity/${kind}/requiredDuringSchedulingIgnoredDuringExecution/labelSelector/matchLabels`,
]);

const commonLabels: readonly FieldSpec[] = [
  spec('Service', 'spec/selector', { version: 'v1', create: true }),
  spec('ReplicationController', 'spec/selector', { version: 'v1', create: true }),
  ...['Deployment', 'ReplicaSet', 'DaemonSet'].map((kind) => spec(kind, 'spec/selector/matchLabels', { create: true })),
  spec('StatefulSet', 'spec/selector/matchLabels', { group: 'apps', create: true }),
  ...['Deployment', 'StatefulSet'].flatMap((kind) =>
    [...AFFINITY, 'spec/template/spec/topologySpreadConstraints/labelSelector/matchLabels'].map((path) => spec(kind, path, { group: 'apps' })),
  ),
  spec('Job', 'spec/selector/matchLabels', { group: 'batch' }),
  spec('CronJob', 'spec/jobTemplate/spec/selector/matchLabels', { group: 'batch' }),
  spec('PodDisruptionBudget', 'spec/selector/matchLabels', { group: 'policy' }),
  ...['spec/podSelector', 'spec/ingress/from/podSelector', 'spec/egress/to/podSelector'].map((path) =>
    spec('NetworkPolicy', `${path}/matchLabels`, { group: 'networking.k8s.io' }),
  ),
  ...templateLabels,
];

const commonAnnotations: readonly FieldSpec[] = [
  spec('', 'metadata/annotations', { create: true }),
  spec('ReplicationController', 'spec/template/metadata/annotations', { version: 'v1', create: true }),
  ...['Deployment', 'ReplicaSet', 'DaemonSet', 'StatefulSet'].map((kind) => spec(kind, 'spec/template/metadata/annotations', { create: true })),
  spec('Job', 'spec/template/metadata/annotations', { group: 'batch', create: true }),
  spec('CronJob', 'spec/jobTemplate/metadata/annotations', { group: 'batch', create: true }),
  spec('CronJob', 'spec/jobTemplate/spec/template/metadata/annotations', { group: 'batch', create: true }),
];

const CONTAINER_VARS = ['containers', 'initContainers'].flatMap((list) =>
  ['args', 'command', 'env/value', 'volumeMounts/mountPath'].map((field) => `${list}/${field}`),
);

const varReference: readonly FieldSpec[] = [
  ...inPods([CRON_JOB], CONTAINER_VARS),
  spec('CronJob', 'spec/jobTemplate/spec/template/volumes/nfs/server'),
  ...inPods([place('DaemonSet'), place('Deployment'), place('Job'), ANY_POD, place('ReplicaSet')], [...CONTAINER_VARS, 'volumes/nfs/server']),
  ...inPods([place('StatefulSet')], CONTAINER_VARS),
  spec('Deployment', 'spec/template/metadata/annotations'),
  ...['spec/rules/host', 'spec/tls/hosts', 'spec/tls/secretName'].map((path) => spec('Ingress', path)),
  ...['spec/ports/port', 'spec/ports/targetPort'].map((path) => spec('Service', path)),
  spec('StatefulSet', 'spec/volumeClaimTemplates/spec/nfs/server'),
  spec('PersistentVolume', 'spec/nfs/server'),
  spec('', 'metadata/labels'),
  spec('', 'metadata/annotations'),
];

/** The configuration every kustomization starts with. */
export const defaultTransformerConfig: TransformerConfig = {
  namePrefix: [spec('', 'metadata/name')],
  nameSuffix: [spec('', 'metadata/name')],
  namespace: [
    spec('Namespace', 'metadata/name', { create: true }),
    spec('APIService', 'spec/service/namespace', { group: 'apiregistration.k8s.io', create: true }),
    spec('CustomResourceDefinition', 'spec/conversion/webhook/clientConfig/service/namespace', { group: 'apiextensions.k8s.io' }),
  ],
  commonLabels,
  labels: [],
  templateLabels,
  commonAnnotations,
  nameReference,
  varReference,
  images: ['spec', 'spec/template/spec'].flatMap((path) =>
    ['containers[]/image', 'initContainers[]/image', 'volumes[]/image/reference'].map((field) => spec('', `${path}/${field}`, { create: true })),
  ),
  replicas: ['Deployment', 'ReplicationController', 'ReplicaSet', 'StatefulSet'].map((kind) => spec(kind, 'spec/replicas', { create: true })),
};

import { fieldAt, parseQuantity, type corev1 } from '@tiphys/kube-model';
import { asText, draftAs, type Draft } from '../draft.ts';
import { dnsLabel } from './formats.ts';

// Where kinds keep the pods they make.
const TEMPLATES: Readonly<Record<string, readonly string[]>> = {
  'v1/PodTemplate': ['template'],
  'v1/ReplicationController': ['spec', 'template'],
  'apps/v1/Deployment': ['spec', 'template'],
  'apps/v1/ReplicaSet': ['spec', 'template'],
  'apps/v1/StatefulSet': ['spec', 'template'],
  'apps/v1/DaemonSet': ['spec', 'template'],
  'batch/v1/Job': ['spec', 'template'],
  'batch/v1/CronJob': ['spec', 'jobTemplate', 'spec', 'template'],
};

/** What a writer should know of an object that is legal, in upstream's words (pkg/api/pod/warnings.go and the registries' strategies). */
export function warningsOn(draft: Draft, live: Draft | undefined): readonly string[] {
  // A change that means nothing new has been warned of already.
  if (live !== undefined && live.metadata.generation !== undefined && live.metadata.generation === draft.metadata.generation) return [];
  const kind = `${draft.apiVersion}/${draft.kind}`;
  return [...finalizerWarnings(draft, live), ...nameWarnings(kind, draft, live), ...podWarnings(kind, draft, live), ...(BY_KIND[kind]?.(draft) ?? [])];
}

function finalizerWarnings({ metadata }: Draft, live: Draft | undefined): readonly string[] {
  const known = new Set(['orphan', 'foregroundDeletion', 'kubernetes', ...(live?.metadata.finalizers ?? [])]);
  return (metadata.finalizers ?? [])
    .filter((finalizer) => !finalizer.includes('/') && !known.has(finalizer))
    .map(
      (finalizer) =>
        `metadata.finalizers: ${JSON.stringify(finalizer)}: prefer a domain-qualified finalizer name including a path (/) to avoid accidental conflicts with other finalizer writers`,
    );
}

function nameWarnings(kind: string, { metadata }: Draft, live: Draft | undefined): readonly string[] {
  const place = kind === 'v1/Pod' ? "the Pod's hostname" : TEMPLATES[kind] === undefined || kind === 'v1/PodTemplate' ? undefined : 'Pod names and hostnames';
  const detail = place === undefined || live !== undefined ? undefined : dnsLabel(metadata.name ?? '');
  return detail === undefined
    ? []
    : [`metadata.name: this is used in ${place}, which can result in surprising behavior; a DNS label is recommended: [${detail}]`];
}

interface PodLike {
  readonly metadata?: { readonly annotations?: Readonly<Record<string, string>> };
  readonly spec?: corev1.PodSpec;
}

function podWarnings(kind: string, draft: Draft, live: Draft | undefined): readonly string[] {
  const path = TEMPLATES[kind];
  // Shaped by the schema of the kind.
  if (path !== undefined) return warningsOfPod((fieldAt(draft, ...path) ?? {}) as PodLike, `${path.join('.')}.`);
  return kind === 'v1/Pod' && live === undefined ? warningsOfPod(draftAs<corev1.Pod>(draft) as PodLike, '') : [];
}

const OLD_NODE_LABELS: Readonly<Record<string, string>> = {
  'beta.kubernetes.io/arch': 'deprecated since v1.14; use "kubernetes.io/arch" instead',
  'beta.kubernetes.io/os': 'deprecated since v1.14; use "kubernetes.io/os" instead',
  'failure-domain.beta.kubernetes.io/region': 'deprecated since v1.17; use "topology.kubernetes.io/region" instead',
  'failure-domain.beta.kubernetes.io/zone': 'deprecated since v1.17; use "topology.kubernetes.io/zone" instead',
  'beta.kubernetes.io/instance-type': 'deprecated since v1.17; use "node.kubernetes.io/instance-type" instead',
};

const OLD_ANNOTATIONS: readonly (readonly [prefix: string, text: string])[] = [
  ['scheduler.alpha.kubernetes.io/critical-pod', 'non-functional in v1.16+; use the "priorityClassName" field instead'],
  ['seccomp.security.alpha.kubernetes.io/pod', 'non-functional in v1.27+; use the "seccompProfile" field instead'],
  ['container.seccomp.security.alpha.kubernetes.io/', 'non-functional in v1.27+; use the "seccompProfile" field instead'],
  ['container.apparmor.security.beta.kubernetes.io/', 'deprecated since v1.30; use the "appArmorProfile" field instead'],
  ['security.alpha.kubernetes.io/sysctls', 'non-functional in v1.11+; use the "sysctls" field instead'],
  ['security.alpha.kubernetes.io/unsafe-sysctls', 'non-functional in v1.11+; use the "sysctls" field instead'],
];

const OLD_VOLUMES: Readonly<Record<string, string>> = {
  gitRepo: 'deprecated in v1.11, and disabled by default in v1.33+',
  photonPersistentDisk: 'deprecated in v1.11, non-functional in v1.16+',
  scaleIO: 'deprecated in v1.16, non-functional in v1.22+',
  flocker: 'deprecated in v1.22, non-functional in v1.25+',
  quobyte: 'deprecated in v1.22, non-functional in v1.25+',
  storageos: 'deprecated in v1.22, non-functional in v1.25+',
  glusterfs: 'deprecated in v1.25, non-functional in v1.26+',
  cephfs: 'deprecated in v1.28, non-functional in v1.31+',
  rbd: 'deprecated in v1.28, non-functional in v1.31+',
};

function warningsOfPod({ metadata, spec }: PodLike, prefix: string): readonly string[] {
  if (spec === undefined) return [];
  return [
    ...Object.keys(spec.nodeSelector ?? {}).flatMap((label) =>
      OLD_NODE_LABELS[label] === undefined ? [] : [`${prefix}spec.nodeSelector[${label}]: ${OLD_NODE_LABELS[label]}`],
    ),
    ...Object.keys(metadata?.annotations ?? {}).flatMap((key) =>
      OLD_ANNOTATIONS.filter(([name]) => key === name || (name.endsWith('/') && key.startsWith(name))).map(
        ([, text]) => `${prefix}metadata.annotations[${key}]: ${text}`,
      ),
    ),
    ...(spec.volumes ?? []).flatMap((volume, index) =>
      Object.keys(volume).flatMap((source) => (OLD_VOLUMES[source] === undefined ? [] : [`${prefix}spec.volumes[${index}].${source}: ${OLD_VOLUMES[source]}`])),
    ),
    ...secretWarnings(spec, `${prefix}spec.imagePullSecrets`),
    ...(['initContainers', 'containers'] as const).flatMap((list) =>
      (spec[list] ?? []).flatMap((container, index) => containerWarnings(container, `${prefix}spec.${list}[${index}]`)),
    ),
    ...(spec.topologySpreadConstraints ?? []).flatMap((constraint, index) =>
      constraint.labelSelector === undefined
        ? [`${prefix}spec.topologySpreadConstraints[${index}].labelSelector: a null labelSelector results in matching no pod`]
        : [],
    ),
  ];
}

function secretWarnings({ imagePullSecrets = [] }: corev1.PodSpec, field: string): readonly string[] {
  const seen = new Set<string>();
  return imagePullSecrets.flatMap(({ name = '' }, index) => {
    const isKnown = seen.has(name);
    seen.add(name);
    if (name === '') return [`${field}[${index}].name: invalid empty name ""`];
    return isKnown ? [`${field}[${index}].name: duplicate name ${JSON.stringify(name)}`] : [];
  });
}

const NANO = 1_000_000_000n;

function containerWarnings({ env = [], ports = [], resources }: corev1.Container, field: string): readonly string[] {
  const names = new Set<string>();
  const hidden = env.flatMap(({ name }, index) => {
    const isKnown = names.has(name);
    names.add(name);
    return isKnown ? [`${field}.env[${index}]: hides previous definition of ${JSON.stringify(name)}, which may be dropped when using apply`] : [];
  });
  const taken = new Map<string, number>();
  const doubled = ports.flatMap(({ containerPort, protocol = 'TCP' }, index) => {
    const first = taken.get(`${protocol}/${containerPort}`);
    if (first === undefined) taken.set(`${protocol}/${containerPort}`, index);
    return first === undefined ? [] : [`${field}.ports[${index}]: duplicate port definition with ${field}.ports[${first}]`];
  });
  const fractional = (['limits', 'requests'] as const).flatMap((list) =>
    ['memory', 'ephemeral-storage'].flatMap((name) => {
      const amount = resources?.[list]?.[name];
      return amount !== undefined && (parseQuantity(amount)?.nano ?? 0n) % NANO !== 0n
        ? [`${field}.resources.${list}[${name}]: fractional byte value ${JSON.stringify(amount)} is invalid, must be an integer`]
        : [];
    }),
  );
  return [...hidden, ...doubled, ...fractional];
}

const CLASS_ANNOTATION = 'volume.beta.kubernetes.io/storage-class';

const BY_KIND: Readonly<Record<string, (draft: Draft) => readonly string[]>> = {
  'networking.k8s.io/v1/Ingress': ({ metadata }) =>
    metadata.annotations?.['kubernetes.io/ingress.class'] === undefined
      ? []
      : ['annotation "kubernetes.io/ingress.class" is deprecated, please use \'spec.ingressClassName\' instead'],
  'v1/PersistentVolumeClaim': ({ metadata }) =>
    metadata.annotations?.[CLASS_ANNOTATION] === undefined
      ? []
      : [`metadata.annotations[${CLASS_ANNOTATION}]: deprecated since v1.8; use "storageClassName" attribute instead`],
  'v1/PersistentVolume': ({ metadata, spec }) => [
    ...(metadata.annotations?.[CLASS_ANNOTATION] === undefined
      ? []
      : [`metadata.annotations[${CLASS_ANNOTATION}]: deprecated since v1.8; use "storageClassName" attribute instead`]),
    ...(fieldAt(spec, 'persistentVolumeReclaimPolicy') === 'Recycle'
      ? ['spec.persistentVolumeReclaimPolicy: The Recycle reclaim policy is deprecated. Instead, the recommended approach is to use dynamic provisioning.']
      : []),
  ],
  'v1/Service': ({ spec }) =>
    fieldAt(spec, 'clusterIP') === 'None' && fieldAt(spec, 'sessionAffinity') === 'ClientIP' ? ['spec.SessionAffinity is ignored for headless services'] : [],
  'v1/Node': ({ spec }) => [
    ...((asText(fieldAt(spec, 'externalID')) ?? '') === '' ? [] : ['spec.externalID: this field is deprecated, and is unused by Kubernetes']),
    ...(fieldAt(spec, 'configSource') === undefined ? [] : ['spec.configSource: the feature is no longer supported']),
  ],
};

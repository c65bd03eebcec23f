import type { corev1, Mutable } from '@tiphys/kube-model';

type Container = Mutable<corev1.Container>;
type PodSpec = Mutable<corev1.PodSpec>;

/** Defaults of a pod, besides those its templates have too. */
export function defaultPod(pod: Mutable<corev1.Pod>): void {
  if (pod.spec === undefined) return;
  defaultPodSpec(pod.spec);
  pod.spec.enableServiceLinks ??= true;
  for (const container of [...pod.spec.containers, ...(pod.spec.initContainers ?? [])]) {
    const limits = container.resources?.limits;
    if (limits !== undefined && container.resources !== undefined) container.resources.requests = { ...limits, ...container.resources.requests };
  }
}

/** Defaults of the pods a template makes. */
export function defaultTemplate(template: Mutable<corev1.PodTemplateSpec> | undefined): void {
  if (template?.spec !== undefined) defaultPodSpec(template.spec);
}

function defaultPodSpec(spec: PodSpec): void {
  if (spec.serviceAccountName === undefined && spec.serviceAccount !== undefined) spec.serviceAccountName = spec.serviceAccount;
  else if (spec.serviceAccountName !== undefined) spec.serviceAccount = spec.serviceAccountName;
  if (!Array.isArray(spec.containers)) spec.containers = [];
  for (const container of [...spec.containers, ...(spec.initContainers ?? [])]) defaultContainer(container, spec.hostNetwork === true);
  for (const container of spec.ephemeralContainers ?? []) container.imagePullPolicy ??= pullPolicyOf(container.image ?? '');
  for (const volume of spec.volumes ?? []) {
    if (Object.keys(volume).length === 1 && volume.name !== undefined) volume.emptyDir = {};
    if (volume.image !== undefined) volume.image.pullPolicy ??= pullPolicyOf(volume.image.reference ?? '');
  }
}

function defaultContainer(container: Container, hostNetwork: boolean): void {
  container.imagePullPolicy ??= pullPolicyOf(container.image ?? '');
  container.resources ??= {};
  if (!hostNetwork) return;
  for (const port of container.ports ?? []) if (port.hostPort === undefined || port.hostPort === 0) port.hostPort = port.containerPort;
}

function pullPolicyOf(image: string): string {
  if (image.includes('@')) return 'IfNotPresent';
  const tag = /:([^/:]+)$/.exec(image)?.[1] ?? 'latest';
  return tag === 'latest' ? 'Always' : 'IfNotPresent';
}

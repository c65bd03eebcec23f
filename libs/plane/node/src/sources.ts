import type { corev1 } from '@tiphys/kube-model';

/** The objects a pod's environment and volumes are made from, by name in the pod's namespace. Reads of a cache. */
export interface PodSources {
  configMap(name: string): corev1.ConfigMap | undefined;
  secret(name: string): corev1.Secret | undefined;
  /** Services whose addresses the pod is told by environment variables. */
  services(): readonly corev1.Service[];
  /** Whether any kind of volume will do, because there are no files anyway. */
  readonly acceptsAnyVolume: boolean;
  /** A token of the pod's service account, fetched before; undefined when there is none. */
  token(audience: string): string | undefined;
}

/** What is missing to go on: the sentence names the object. */
export interface SourceProblem {
  readonly problem: string;
}

/** Whether a result says what is missing. */
export function isProblem<T extends object>(result: T | SourceProblem): result is SourceProblem {
  return 'problem' in result;
}

/** Names of the ConfigMaps and Secrets a pod refers to, as `ConfigMap/name` and `Secret/name`. */
export function sourceNames(pod: corev1.Pod): ReadonlySet<string> {
  const names = new Set<string>();
  const add = (kind: 'ConfigMap' | 'Secret', name: string | undefined): void => {
    if (name !== undefined) names.add(`${kind}/${name}`);
  };
  for (const container of [...(pod.spec?.initContainers ?? []), ...(pod.spec?.containers ?? [])]) {
    for (const { configMapRef, secretRef } of container.envFrom ?? []) {
      add('ConfigMap', configMapRef?.name);
      add('Secret', secretRef?.name);
    }
    for (const { valueFrom } of container.env ?? []) {
      add('ConfigMap', valueFrom?.configMapKeyRef?.name);
      add('Secret', valueFrom?.secretKeyRef?.name);
    }
  }
  for (const volume of pod.spec?.volumes ?? []) {
    add('ConfigMap', volume.configMap?.name);
    add('Secret', volume.secret?.secretName);
    for (const source of volume.projected?.sources ?? []) {
      add('ConfigMap', source.configMap?.name);
      add('Secret', source.secret?.name);
    }
  }
  return names;
}

/** All entries of a ConfigMap as bytes: `data` as UTF-8 and `binaryData` decoded. */
export function configMapBytes(object: corev1.ConfigMap): ReadonlyMap<string, Uint8Array> {
  return new Map([
    ...Object.entries(object.data ?? {}).map(([key, value]): [string, Uint8Array] => [key, Buffer.from(value, 'utf8')]),
    ...Object.entries(object.binaryData ?? {}).map(([key, value]): [string, Uint8Array] => [key, Buffer.from(value, 'base64')]),
  ]);
}

/** All entries of a Secret, decoded. */
export function secretBytes(object: corev1.Secret): ReadonlyMap<string, Uint8Array> {
  return new Map(Object.entries(object.data ?? {}).map(([key, value]): [string, Uint8Array] => [key, Buffer.from(value, 'base64')]));
}

import type { corev1 } from '@tiphys/kube-model';
import type { VolumeContents, VolumeFile } from '@tiphys/plane-runtime';
import { fieldValue, resourceValue, type DownwardContext } from './downward.ts';
import { configMapBytes, isProblem, secretBytes, type PodSources, type SourceProblem } from './sources.ts';

const DEFAULT_MODE = 0o644;
// The owner is the user who runs everything, so a Secret needs nobody else.
const SECRET_MASK = 0o600;

/** The contents of all volumes of a pod, or the first thing that is missing. */
export function resolveVolumes(pod: corev1.Pod, sources: PodSources, context: DownwardContext): readonly VolumeContents[] | SourceProblem {
  const resolved: VolumeContents[] = [];
  for (const volume of pod.spec?.volumes ?? []) {
    const contents = resolveVolume(pod, volume, sources, context);
    if (isProblem(contents)) return contents;
    resolved.push(contents);
  }
  return resolved;
}

function resolveVolume(pod: corev1.Pod, volume: corev1.Volume, sources: PodSources, context: DownwardContext): VolumeContents | SourceProblem {
  const { name, configMap, secret, downwardAPI, projected, emptyDir, hostPath } = volume;
  if (hostPath !== undefined) return { kind: 'hostPath', name, path: hostPath.path, type: hostPath.type ?? '' };
  if (configMap !== undefined) return asVolume(name, configMapFiles(configMap, configMap.defaultMode, sources));
  if (secret !== undefined) return asVolume(name, secretFiles({ ...secret, name: secret.secretName ?? '' }, secret.defaultMode, sources));
  if (downwardAPI !== undefined) return asVolume(name, downwardFiles(pod, downwardAPI.items ?? [], downwardAPI.defaultMode, context));
  if (projected !== undefined) return asVolume(name, projectedFiles(pod, projected, sources, context));
  if (emptyDir !== undefined || sources.acceptsAnyVolume || Object.keys(volume).length === 1) return { kind: 'emptyDir', name };
  const kind = Object.keys(volume).find((key) => key !== 'name') ?? 'unknown';
  return { problem: `volume ${name}: ${kind} volumes are not offered by this node; use configMap, secret, emptyDir, downwardAPI or projected` };
}

function asVolume(name: string, files: readonly VolumeFile[] | SourceProblem): VolumeContents | SourceProblem {
  return isProblem(files) ? files : { kind: 'files', name, files };
}

interface KeyedSource {
  readonly name?: string;
  readonly optional?: boolean;
  readonly items?: ReadonlyArray<corev1.KeyToPath>;
}

function configMapFiles(source: KeyedSource, defaultMode: number | undefined, sources: PodSources): readonly VolumeFile[] | SourceProblem {
  const object = sources.configMap(source.name ?? '');
  return keyedFiles('configmap', source, object === undefined ? undefined : configMapBytes(object), (mode) => mode ?? defaultMode ?? DEFAULT_MODE);
}

function secretFiles(source: KeyedSource, defaultMode: number | undefined, sources: PodSources): readonly VolumeFile[] | SourceProblem {
  const object = sources.secret(source.name ?? '');
  return keyedFiles('secret', source, object === undefined ? undefined : secretBytes(object), (mode) => (mode ?? defaultMode ?? DEFAULT_MODE) & SECRET_MASK);
}

function keyedFiles(
  kind: string,
  source: KeyedSource,
  bytes: ReadonlyMap<string, Uint8Array> | undefined,
  modeOf: (mode: number | undefined) => number,
): readonly VolumeFile[] | SourceProblem {
  if (bytes === undefined) return source.optional === true ? [] : { problem: `${kind} "${source.name ?? ''}" not found` };
  if (source.items === undefined) return [...bytes].map(([path, data]) => ({ path, data, mode: modeOf(undefined) }));
  const files: VolumeFile[] = [];
  for (const item of source.items) {
    const data = bytes.get(item.key);
    if (data !== undefined) files.push({ path: item.path, data, mode: modeOf(item.mode) });
    else if (source.optional !== true) return { problem: `${kind} "${source.name ?? ''}" references non-existent key: ${item.key}` };
  }
  return files;
}

function downwardFiles(
  pod: corev1.Pod,
  items: ReadonlyArray<corev1.DownwardAPIVolumeFile>,
  defaultMode: number | undefined,
  context: DownwardContext,
): readonly VolumeFile[] | SourceProblem {
  const files: VolumeFile[] = [];
  for (const { path, mode, fieldRef, resourceFieldRef } of items) {
    const container = pod.spec?.containers.find(({ name }) => name === resourceFieldRef?.containerName);
    const value =
      fieldRef !== undefined
        ? fieldValue(pod, fieldRef.fieldPath, context)
        : resourceFieldRef !== undefined && container !== undefined
          ? resourceValue(container, resourceFieldRef, context.allocatable)
          : undefined;
    if (value === undefined) return { problem: `downwardAPI file ${path}: ${fieldRef?.fieldPath ?? resourceFieldRef?.resource ?? 'nothing'} is not offered` };
    files.push({ path, data: Buffer.from(value), mode: mode ?? defaultMode ?? DEFAULT_MODE });
  }
  return files;
}

function projectedFiles(
  pod: corev1.Pod,
  projected: corev1.ProjectedVolumeSource,
  sources: PodSources,
  context: DownwardContext,
): readonly VolumeFile[] | SourceProblem {
  // Of two sources that write one path the later wins, as the kubelet's collectData has it.
  const byPath = new Map<string, VolumeFile>();
  for (const source of projected.sources ?? []) {
    const files = projectedSource(pod, source, projected.defaultMode, sources, context);
    if (isProblem(files)) return files;
    for (const file of files) byPath.set(file.path, file);
  }
  return [...byPath.values()];
}

function projectedSource(
  pod: corev1.Pod,
  source: corev1.VolumeProjection,
  mode: number | undefined,
  sources: PodSources,
  context: DownwardContext,
): readonly VolumeFile[] | SourceProblem {
  if (source.configMap !== undefined) return configMapFiles(source.configMap, mode, sources);
  if (source.secret !== undefined) return secretFiles(source.secret, mode, sources);
  if (source.downwardAPI !== undefined) return downwardFiles(pod, source.downwardAPI.items ?? [], mode, context);
  if (source.serviceAccountToken !== undefined) {
    const { audience = '', path } = source.serviceAccountToken;
    const token = sources.token(audience);
    if (token === undefined) return { problem: `service account token for audience "${audience}": not issued yet` };
    return [{ path, data: Buffer.from(token), mode: (mode ?? DEFAULT_MODE) & SECRET_MASK }];
  }
  return { problem: `projected volume: ${Object.keys(source)[0] ?? 'an empty source'} is not offered by this node` };
}

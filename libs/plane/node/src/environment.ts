import type { corev1 } from '@tiphys/kube-model';
import { fieldValue, resourceValue, type DownwardContext } from './downward.ts';
import { configMapBytes, isProblem, secretBytes, type PodSources, type SourceProblem } from './sources.ts';

/** What a container's process is started with. */
export interface ProcessInputs {
  readonly env: Readonly<Record<string, string>>;
  readonly command: readonly string[];
  readonly args: readonly string[];
}

/**
 * The environment of a container: service links, what the runtime tells, `envFrom`, then `env`, later ones winning;
 * `$(VAR)` is expanded in values, command and arguments (kubelet_pods.go makeEnvironmentVariables).
 */
export function resolveInputs(
  pod: corev1.Pod,
  container: corev1.Container,
  sources: PodSources,
  context: DownwardContext,
  base: Readonly<Record<string, string>>,
): ProcessInputs | SourceProblem {
  const env: Record<string, string> = { HOSTNAME: pod.spec?.hostname ?? pod.metadata.name ?? '', ...serviceLinks(pod, sources.services()), ...base };
  for (const from of container.envFrom ?? []) {
    const entries = envFromEntries(from, sources);
    if (isProblem(entries)) return entries;
    for (const [name, value] of Object.entries(entries)) env[`${from.prefix ?? ''}${name}`] = value;
  }
  for (const entry of container.env ?? []) {
    const resolved = envValue({ pod, container, sources, context }, entry, env);
    if (isProblem(resolved)) return resolved;
    if (resolved.value !== undefined) env[entry.name] = resolved.value;
  }
  const expandIn = (text: string): string => expand(text, env);
  return { env, command: (container.command ?? []).map(expandIn), args: (container.args ?? []).map(expandIn) };
}

/** Replaces `$(NAME)` by its value and `$$` by `$`; unknown names stay as they are (third_party/forked/golang/expansion). */
export function expand(text: string, env: Readonly<Record<string, string>>): string {
  return text.replaceAll(/\$\$|\$\(([^)]*)\)/g, (whole, name: string | undefined) =>
    name === undefined ? '$' : Object.hasOwn(env, name) ? (env[name] ?? whole) : whole,
  );
}

function envFromEntries(from: corev1.EnvFromSource, sources: PodSources): Readonly<Record<string, string>> | SourceProblem {
  const ref = from.configMapRef ?? from.secretRef;
  if (ref?.name === undefined) return {};
  const entries = entriesOf(from.configMapRef === undefined ? 'secret' : 'configmap', ref.name, sources);
  if (entries === undefined)
    return ref.optional === true ? {} : { problem: `${from.configMapRef === undefined ? 'secret' : 'configmap'} "${ref.name}" not found` };
  // Names no shell could hold are left out, as the kubelet does.
  return Object.fromEntries(
    [...entries].filter(([name]) => /^[-._a-zA-Z][-._a-zA-Z0-9]*$/.test(name)).map(([name, bytes]) => [name, Buffer.from(bytes).toString('utf8')]),
  );
}

interface EnvOrigin {
  readonly pod: corev1.Pod;
  readonly container: corev1.Container;
  readonly sources: PodSources;
  readonly context: DownwardContext;
}

function envValue(
  { pod, container, sources, context }: EnvOrigin,
  entry: corev1.EnvVar,
  env: Readonly<Record<string, string>>,
): { readonly value: string | undefined } | SourceProblem {
  const from = entry.valueFrom;
  if (from === undefined) return { value: expand(entry.value ?? '', env) };
  if (from.fieldRef !== undefined) {
    const value = fieldValue(pod, from.fieldRef.fieldPath, context);
    return value === undefined ? { problem: `env ${entry.name}: field ${from.fieldRef.fieldPath} is not offered` } : { value };
  }
  if (from.resourceFieldRef !== undefined) {
    const named = from.resourceFieldRef.containerName;
    const owner = named === undefined ? container : (pod.spec?.containers.find(({ name }) => name === named) ?? container);
    const value = resourceValue(owner, from.resourceFieldRef, context.allocatable);
    return value === undefined ? { problem: `env ${entry.name}: resource ${from.resourceFieldRef.resource} is not offered` } : { value };
  }
  const kind = from.configMapKeyRef === undefined ? 'secret' : 'configmap';
  const ref = from.configMapKeyRef ?? from.secretKeyRef;
  if (ref === undefined) return { value: undefined };
  const entries = entriesOf(kind, ref.name ?? '', sources);
  const bytes = entries?.get(ref.key);
  if (bytes !== undefined) return { value: Buffer.from(bytes).toString('utf8') };
  if (ref.optional === true) return { value: undefined };
  return {
    problem:
      entries === undefined
        ? `${kind} "${ref.name ?? ''}" not found`
        : `couldn't find key ${ref.key} in ${kind} ${pod.metadata.namespace ?? ''}/${ref.name ?? ''}`,
  };
}

function entriesOf(kind: 'configmap' | 'secret', name: string, sources: PodSources): ReadonlyMap<string, Uint8Array> | undefined {
  if (kind === 'configmap') {
    const object = sources.configMap(name);
    return object === undefined ? undefined : configMapBytes(object);
  }
  const object = sources.secret(name);
  return object === undefined ? undefined : secretBytes(object);
}

// {NAME}_SERVICE_HOST and _PORT for Services of the namespace; the API's own always (pkg/kubelet/envvars).
function serviceLinks(pod: corev1.Pod, services: readonly corev1.Service[]): Readonly<Record<string, string>> {
  const env: Record<string, string> = {};
  for (const service of services) {
    const { namespace, name = '' } = service.metadata;
    const host = service.spec?.clusterIP;
    const isApi = namespace === 'default' && name === 'kubernetes';
    const isLinked = namespace === pod.metadata.namespace && pod.spec?.enableServiceLinks !== false;
    if (host === undefined || host === '' || host === 'None' || !(isApi || isLinked)) continue;
    const prefix = `${name.toUpperCase().replaceAll('-', '_')}_SERVICE`;
    env[`${prefix}_HOST`] = host;
    for (const [index, port] of (service.spec?.ports ?? []).entries()) {
      if (index === 0) env[`${prefix}_PORT`] = String(port.port);
      if (port.name !== undefined) env[`${prefix}_PORT_${port.name.toUpperCase().replaceAll('-', '_')}`] = String(port.port);
    }
  }
  return env;
}

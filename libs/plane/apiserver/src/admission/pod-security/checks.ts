import type { corev1, metav1 } from '@tiphys/kube-model';
import type { Level, LevelVersion } from './policy.ts';

/** The part of a pod or a template that policies look at. */
export interface CheckedPod {
  readonly metadata?: metav1.ObjectMeta | undefined;
  readonly spec: corev1.PodSpec;
}

/** Why a pod is too much for a level. */
export interface Violation {
  readonly reason: string;
  readonly detail: string;
}

type Container = corev1.Container | corev1.EphemeralContainer;
type Check = (pod: CheckedPod, minor: number) => Violation | undefined;

interface Row {
  readonly level: Exclude<Level, 'privileged'>;
  /** First minor version the check holds for. */
  readonly since: number;
  readonly check: Check;
  /** Left out at this level, where a stricter check covers it. */
  readonly coveredAt?: 'restricted';
}

/** Everything about the pod that its level forbids, in upstream's order and words (pod-security-admission policy/). */
export function violationsOf({ level, minor }: LevelVersion, pod: CheckedPod): readonly Violation[] {
  if (level === 'privileged') return [];
  return ROWS.filter((row) => (level === 'restricted' || row.level === 'baseline') && row.since <= minor && row.coveredAt !== level)
    .map((row) => row.check(pod, minor))
    .filter((violation) => violation !== undefined);
}

/** `privileged (container "a" must not …), host namespaces (hostNetwork=true)`. */
export function describeViolations(violations: readonly Violation[]): string {
  return violations.map(({ reason, detail }) => (detail === '' ? reason : `${reason} (${detail})`)).join(', ');
}

function containersOf({ spec }: CheckedPod): readonly Container[] {
  return [...(spec.initContainers ?? []), ...(spec.containers ?? []), ...(spec.ephemeralContainers ?? [])];
}

const quoted = (items: readonly string[]): string => items.map((item) => `"${item}"`).join(', ');
const plural = (word: string, items: readonly unknown[]): string => (items.length === 1 ? word : `${word}s`);
const sortedSet = (items: readonly string[]): readonly string[] => [...new Set(items)].toSorted();
const named = (containers: readonly Container[]): string => `${plural('container', containers)} ${quoted(containers.map(({ name }) => name))}`;
const isWindows = ({ spec }: CheckedPod): boolean => spec.os?.name === 'windows';

/** Who sets something: the pod, containers, or both. */
function setters(isPod: boolean, containers: readonly Container[]): string {
  return [...(isPod ? ['pod'] : []), ...(containers.length > 0 ? [named(containers)] : [])].join(' and ');
}

const appArmorProfile: Check = (pod) => {
  const isBad = (context: { readonly appArmorProfile?: corev1.AppArmorProfile } | undefined): string | undefined => {
    const type = context?.appArmorProfile?.type;
    return type === undefined || type === 'RuntimeDefault' || type === 'Localhost' ? undefined : type;
  };
  const containers = containersOf(pod).filter(({ securityContext }) => isBad(securityContext) !== undefined);
  const isPod = isBad(pod.spec.securityContext) !== undefined;
  const types = sortedSet([pod.spec.securityContext, ...containers.map(({ securityContext }) => securityContext)].flatMap((context) => isBad(context) ?? []));
  const annotations = Object.entries(pod.metadata?.annotations ?? {})
    .filter(([key, value]) => key.startsWith('container.apparmor.security.beta.kubernetes.io/') && !/^$|^runtime\/default$|^localhost\//.test(value))
    .map(([key, value]) => `${key}=${JSON.stringify(value)}`)
    .toSorted();
  const values = [...types, ...annotations];
  if (values.length === 0) return undefined;
  const who = [setters(isPod, containers), ...(annotations.length > 0 ? [plural('annotation', annotations)] : [])].filter((text) => text !== '');
  return { reason: plural('forbidden AppArmor profile', values), detail: `${who.join(' and ')} must not set AppArmor profile type to ${quoted(values)}` };
};

const DEFAULT_CAPABILITIES: ReadonlySet<string> = new Set([
  'AUDIT_WRITE',
  'CHOWN',
  'DAC_OVERRIDE',
  'FOWNER',
  'FSETID',
  'KILL',
  'MKNOD',
  'NET_BIND_SERVICE',
  'SETFCAP',
  'SETGID',
  'SETPCAP',
  'SETUID',
  'SYS_CHROOT',
]);

function addedBeyond(pod: CheckedPod, isAllowed: (capability: string) => boolean): string | undefined {
  const beyond = (container: Container): readonly string[] => (container.securityContext?.capabilities?.add ?? []).filter((added) => !isAllowed(added));
  const bad = containersOf(pod).filter((container) => beyond(container).length > 0);
  return bad.length === 0 ? undefined : `${named(bad)} must not include ${quoted(sortedSet(bad.flatMap(beyond)))} in securityContext.capabilities.add`;
}

const capabilitiesBaseline: Check = (pod) => {
  const detail = addedBeyond(pod, (capability) => DEFAULT_CAPABILITIES.has(capability));
  return detail === undefined ? undefined : { reason: 'non-default capabilities', detail };
};

// From 1.25 on, restricted leaves out what a pod for Windows cannot set.
const capabilitiesRestricted: Check = (pod, minor) => {
  if (minor >= 25 && isWindows(pod)) return undefined;
  const keeping = containersOf(pod).filter(({ securityContext }) => securityContext?.capabilities?.drop?.includes('ALL') !== true);
  const added = addedBeyond(pod, (capability) => capability === 'NET_BIND_SERVICE');
  const details = [
    ...(keeping.length > 0 ? [`${named(keeping)} must set securityContext.capabilities.drop=["ALL"]`] : []),
    ...(added === undefined ? [] : [added]),
  ];
  return details.length === 0 ? undefined : { reason: 'unrestricted capabilities', detail: details.join('; ') };
};

const hostNamespaces: Check = ({ spec }) => {
  const shared = (['hostNetwork', 'hostPID', 'hostIPC'] as const).filter((field) => spec[field] === true).map((field) => `${field}=true`);
  return shared.length === 0 ? undefined : { reason: 'host namespaces', detail: shared.join(', ') };
};

const hostPathVolumes: Check = ({ spec }) => {
  const bad = (spec.volumes ?? []).filter((volume) => volume.hostPath !== undefined).map(({ name }) => name);
  return bad.length === 0 ? undefined : { reason: 'hostPath volumes', detail: `${plural('volume', bad)} ${quoted(bad)}` };
};

const hostPorts: Check = (pod) => {
  const portsOf = (container: Container): readonly string[] =>
    (container.ports ?? []).flatMap(({ hostPort = 0 }) => (hostPort === 0 ? [] : [String(hostPort)]));
  const bad = containersOf(pod).filter((container) => portsOf(container).length > 0);
  if (bad.length === 0) return undefined;
  const ports = sortedSet(bad.flatMap(portsOf));
  return { reason: 'hostPort', detail: `${named(bad)} ${bad.length === 1 ? 'uses' : 'use'} ${plural('hostPort', ports)} ${ports.join(', ')}` };
};

const privileged: Check = (pod) => {
  const bad = containersOf(pod).filter(({ securityContext }) => securityContext?.privileged === true);
  return bad.length === 0 ? undefined : { reason: 'privileged', detail: `${named(bad)} must not set securityContext.privileged=true` };
};

const procMount: Check = (pod) => {
  const bad = containersOf(pod).filter(({ securityContext }) => (securityContext?.procMount ?? 'Default') !== 'Default');
  if (bad.length === 0) return undefined;
  const types = sortedSet(bad.map(({ securityContext }) => securityContext?.procMount ?? ''));
  return { reason: 'procMount', detail: `${named(bad)} must not set securityContext.procMount to ${quoted(types)}` };
};

const SELINUX_TYPES: ReadonlySet<string> = new Set(['', 'container_t', 'container_init_t', 'container_kvm_t']);

const seLinuxOptions: Check = (pod, minor) => {
  const isAllowed = (type: string): boolean => SELINUX_TYPES.has(type) || (type === 'container_engine_t' && minor >= 31);
  const isBad = (options: corev1.SELinuxOptions | undefined): boolean =>
    options !== undefined && (!isAllowed(options.type ?? '') || (options.user ?? '') !== '' || (options.role ?? '') !== '');
  const ofPod = pod.spec.securityContext?.seLinuxOptions;
  const containers = containersOf(pod).filter(({ securityContext }) => isBad(securityContext?.seLinuxOptions));
  if (!isBad(ofPod) && containers.length === 0) return undefined;
  const all = [ofPod, ...containers.map(({ securityContext }) => securityContext?.seLinuxOptions)].filter((options) => options !== undefined);
  const types = sortedSet(all.map(({ type = '' }) => type).filter((type) => !isAllowed(type)));
  const details = [
    ...(types.length > 0 ? [`${plural('type', types)} ${quoted(types)}`] : []),
    ...(all.some(({ user = '' }) => user !== '') ? ['user may not be set'] : []),
    ...(all.some(({ role = '' }) => role !== '') ? ['role may not be set'] : []),
  ];
  return { reason: 'seLinuxOptions', detail: `${setters(isBad(ofPod), containers)} set forbidden securityContext.seLinuxOptions: ${details.join('; ')}` };
};

const isSeccomp = (type: string | undefined): boolean => type === 'RuntimeDefault' || type === 'Localhost';

// A profile that is set and is none of the two.
const seccompSet: Check = (pod) => {
  const typeOf = (context: { readonly seccompProfile?: corev1.SeccompProfile } | undefined): string | undefined => context?.seccompProfile?.type;
  const isBad = (type: string | undefined): boolean => type !== undefined && !isSeccomp(type);
  const ofPod = typeOf(pod.spec.securityContext);
  const containers = containersOf(pod).filter(({ securityContext }) => isBad(typeOf(securityContext)));
  if (!isBad(ofPod) && containers.length === 0) return undefined;
  const values = sortedSet(
    [ofPod, ...containers.map(({ securityContext }) => typeOf(securityContext))].filter((type) => type !== undefined && isBad(type)) as string[],
  ); // Filtered right here.
  return { reason: 'seccompProfile', detail: `${setters(isBad(ofPod), containers)} must not set securityContext.seccompProfile.type to ${quoted(values)}` };
};

// Before 1.19 the profile was an annotation.
const seccompAnnotations: Check = (pod) => {
  const keys = ['seccomp.security.alpha.kubernetes.io/pod', ...containersOf(pod).map(({ name }) => `container.seccomp.security.alpha.kubernetes.io/${name}`)];
  const bad = sortedSet(
    keys.flatMap((key) => {
      const value = pod.metadata?.annotations?.[key];
      return value === undefined || /^(runtime|docker)\/default$|^localhost\//.test(value) ? [] : [`${key}=${JSON.stringify(value)}`];
    }),
  );
  return bad.length === 0 ? undefined : { reason: 'seccompProfile', detail: `forbidden ${plural('annotation', bad)} ${bad.join(', ')}` };
};

const seccompBaseline: Check = (pod, minor) => (minor >= 19 ? seccompSet(pod, minor) : seccompAnnotations(pod, minor));

const seccompRestricted: Check = (pod, minor) => {
  if (minor >= 25 && isWindows(pod)) return undefined;
  const set = seccompSet(pod, minor);
  if (set !== undefined) return set;
  const missing = isSeccomp(pod.spec.securityContext?.seccompProfile?.type)
    ? []
    : containersOf(pod).filter(({ securityContext }) => securityContext?.seccompProfile === undefined);
  return missing.length === 0
    ? undefined
    : { reason: 'seccompProfile', detail: `pod or ${named(missing)} must set securityContext.seccompProfile.type to "RuntimeDefault" or "Localhost"` };
};

// Sysctls of the pod's own namespaces, and the version that first allowed them.
const SYSCTLS: Readonly<Record<string, number>> = {
  'kernel.shm_rmid_forced': 0,
  'net.ipv4.ip_local_port_range': 0,
  'net.ipv4.tcp_syncookies': 0,
  'net.ipv4.ping_group_range': 0,
  'net.ipv4.ip_unprivileged_port_start': 0,
  'net.ipv4.ip_local_reserved_ports': 27,
  'net.ipv4.tcp_keepalive_time': 29,
  'net.ipv4.tcp_fin_timeout': 29,
  'net.ipv4.tcp_keepalive_intvl': 29,
  'net.ipv4.tcp_keepalive_probes': 29,
  'net.ipv4.tcp_rmem': 32,
  'net.ipv4.tcp_wmem': 32,
};

const sysctls: Check = ({ spec }, minor) => {
  const bad = (spec.securityContext?.sysctls ?? []).map(({ name }) => name).filter((name) => (SYSCTLS[name] ?? Infinity) > Math.min(minor, Number.MAX_VALUE));
  return bad.length === 0 ? undefined : { reason: 'forbidden sysctls', detail: bad.join(', ') };
};

const windowsHostProcess: Check = (pod) => {
  const isPod = pod.spec.securityContext?.windowsOptions?.hostProcess === true;
  const containers = containersOf(pod).filter(({ securityContext }) => securityContext?.windowsOptions?.hostProcess === true);
  if (!isPod && containers.length === 0) return undefined;
  return { reason: 'hostProcess', detail: `${setters(isPod, containers)} must not set securityContext.windowsOptions.hostProcess=true` };
};

const allowPrivilegeEscalation: Check = (pod, minor) => {
  if (minor >= 25 && isWindows(pod)) return undefined;
  const bad = containersOf(pod).filter(({ securityContext }) => securityContext?.allowPrivilegeEscalation !== false);
  return bad.length === 0
    ? undefined
    : { reason: 'allowPrivilegeEscalation != false', detail: `${named(bad)} must set securityContext.allowPrivilegeEscalation=false` };
};

const FREE_VOLUMES = ['configMap', 'csi', 'downwardAPI', 'emptyDir', 'ephemeral', 'image', 'persistentVolumeClaim', 'projected', 'secret'] as const;

const restrictedVolumes: Check = ({ spec }) => {
  const bad = (spec.volumes ?? []).filter((volume) => !FREE_VOLUMES.some((source) => volume[source] !== undefined));
  if (bad.length === 0) return undefined;
  const types = sortedSet(bad.map((volume) => Object.keys(volume).find((field) => field !== 'name') ?? 'unknown'));
  const detail = `${plural('volume', bad)} ${quoted(bad.map(({ name }) => name))} ${bad.length === 1 ? 'uses' : 'use'} ${plural('restricted volume type', types)} ${quoted(types)}`;
  return { reason: 'restricted volume types', detail };
};

const runAsNonRoot: Check = (pod) => {
  const ofPod = pod.spec.securityContext?.runAsNonRoot;
  const rooted = containersOf(pod).filter(({ securityContext }) => securityContext?.runAsNonRoot === false);
  const reason = 'runAsNonRoot != true';
  if (ofPod === false || rooted.length > 0) return { reason, detail: `${setters(ofPod === false, rooted)} must not set securityContext.runAsNonRoot=false` };
  const silent = ofPod === true ? [] : containersOf(pod).filter(({ securityContext }) => securityContext?.runAsNonRoot === undefined);
  return silent.length === 0 ? undefined : { reason, detail: `pod or ${named(silent)} must set securityContext.runAsNonRoot=true` };
};

const runAsUser: Check = (pod) => {
  const isPod = pod.spec.securityContext?.runAsUser === 0;
  const containers = containersOf(pod).filter(({ securityContext }) => securityContext?.runAsUser === 0);
  return !isPod && containers.length === 0 ? undefined : { reason: 'runAsUser=0', detail: `${setters(isPod, containers)} must not set runAsUser=0` };
};

// Baseline first, then restricted; each by upstream's name of the check.
const ROWS: readonly Row[] = [
  { level: 'baseline', since: 0, check: appArmorProfile },
  { level: 'baseline', since: 0, check: capabilitiesBaseline, coveredAt: 'restricted' },
  { level: 'baseline', since: 0, check: hostNamespaces },
  { level: 'baseline', since: 0, check: hostPathVolumes, coveredAt: 'restricted' },
  { level: 'baseline', since: 0, check: hostPorts },
  { level: 'baseline', since: 0, check: privileged },
  { level: 'baseline', since: 0, check: procMount },
  { level: 'baseline', since: 0, check: seLinuxOptions },
  { level: 'baseline', since: 0, check: seccompBaseline, coveredAt: 'restricted' },
  { level: 'baseline', since: 0, check: sysctls },
  { level: 'baseline', since: 0, check: windowsHostProcess },
  { level: 'restricted', since: 8, check: allowPrivilegeEscalation },
  { level: 'restricted', since: 22, check: capabilitiesRestricted },
  { level: 'restricted', since: 0, check: restrictedVolumes },
  { level: 'restricted', since: 0, check: runAsNonRoot },
  { level: 'restricted', since: 23, check: runAsUser },
  { level: 'restricted', since: 19, check: seccompRestricted },
];

import type { corev1 } from '@tiphys/kube-model';
import { problem, type FieldProblem } from '../../failures.ts';
import { oneOf, userId } from '../checks.ts';
import { table } from '../rows.ts';

const ids = table([
  ['runAsUser', userId],
  ['runAsGroup', userId],
  ['fsGroup', userId],
  ['supplementalGroups[]', userId],
  ['fsGroupChangePolicy', oneOf('Always', 'OnRootMismatch')],
  ['supplementalGroupsPolicy', oneOf('Merge', 'Strict')],
  ['seLinuxChangePolicy', oneOf('MountOption', 'Recursive')],
  ['procMount', oneOf('Default', 'Unmasked')],
]);

const SYSCTL = /^([a-z0-9]([-_a-z0-9]*[a-z0-9])?[./])*[a-z0-9]([-_a-z0-9]*[a-z0-9])?$/;
const SYSCTL_TEXT = '([a-z0-9]([-_a-z0-9]*[a-z0-9])?[\\./])*[a-z0-9]([-_a-z0-9]*[a-z0-9])?';
const OF_IPC = /^(kernel[./](shm|msg|sem)|fs[./]mqueue[./])/;

/** Problems of what a pod as a whole may do. */
export function checkPodSecurity(spec: corev1.PodSpec, field: string, problems: FieldProblem[]): void {
  const at = `${field}.securityContext`;
  const context = spec.securityContext;
  if (spec.shareProcessNamespace === true && spec.hostPID === true)
    problems.push(problem.invalid(`${field}.shareProcessNamespace`, true, 'ShareProcessNamespace and HostPID cannot both be enabled'));
  if (spec.hostUsers === false)
    for (const shared of ['hostNetwork', 'hostPID', 'hostIPC'] as const)
      if (spec[shared] === true) problems.push(problem.forbidden(`${field}.hostUsers`, `when \`${shared}\` is true`));
  if (context === undefined) return;
  ids(context, at, problems);
  checkProfile(context.seccompProfile, 'seccomp', `${at}.seccompProfile`, problems);
  checkProfile(context.appArmorProfile, 'AppArmor', `${at}.appArmorProfile`, problems);
  const seen = new Set<string>();
  for (const [index, { name }] of (context.sysctls ?? []).entries()) {
    const place = `${at}.sysctls[${index}].name`;
    if ((name ?? '') === '') problems.push(problem.required(place));
    else if (name.length > 253 || !SYSCTL.test(name))
      problems.push(problem.invalid(place, name, `must have at most 253 characters and match regex ^${SYSCTL_TEXT}$`));
    else if (seen.has(name)) problems.push(problem.duplicate(place, name));
    if (spec.hostIPC === true && OF_IPC.test(name ?? '')) problems.push(problem.invalid(place, name, "may not be specified when 'hostIPC' is true"));
    if (spec.hostNetwork === true && /^net[./]/.test(name ?? ''))
      problems.push(problem.invalid(place, name, "may not be specified when 'hostNetwork' is true"));
    seen.add(name);
  }
}

interface Profile {
  readonly type?: string;
  readonly localhostProfile?: string;
}

function checkProfile(profile: Profile | undefined, what: 'seccomp' | 'AppArmor', field: string, problems: FieldProblem[]): void {
  if (profile === undefined) return;
  const types = ['Localhost', 'RuntimeDefault', 'Unconfined'];
  if ((profile.type ?? '') === '')
    problems.push(problem.required(`${field}.type`, `type is required when ${what === 'seccomp' ? 'seccompProfile' : 'appArmorProfile'} is set`));
  else if (!types.includes(profile.type ?? '')) problems.push(problem.notSupported(`${field}.type`, profile.type, types));
  if (profile.type === 'Localhost') {
    if ((profile.localhostProfile ?? '') === '') problems.push(problem.required(`${field}.localhostProfile`, `must be set when ${what} type is Localhost`));
    else if (what === 'seccomp' && profile.localhostProfile?.startsWith('/') === true)
      problems.push(problem.invalid(`${field}.localhostProfile`, profile.localhostProfile, 'must be a relative path'));
  } else if (profile.localhostProfile !== undefined)
    problems.push(problem.invalid(`${field}.localhostProfile`, profile.localhostProfile, `can only be set when ${what} type is Localhost`));
}

/** Problems of what a container may do. */
export function checkContainerSecurity(context: corev1.SecurityContext | undefined, hostUsers: boolean, field: string, problems: FieldProblem[]): void {
  if (context === undefined) return;
  ids(context, field, problems);
  checkProfile(context.seccompProfile, 'seccomp', `${field}.seccompProfile`, problems);
  checkProfile(context.appArmorProfile, 'AppArmor', `${field}.appArmorProfile`, problems);
  if (context.procMount === 'Unmasked' && hostUsers)
    problems.push(problem.invalid(`${field}.procMount`, context.procMount, '`hostUsers` must be false to use `Unmasked`'));
  if (context.allowPrivilegeEscalation !== false) return;
  if (context.privileged === true) problems.push(problem.invalid(field, context, 'cannot set `allowPrivilegeEscalation` to false and `privileged` to true'));
  if (context.capabilities?.add?.some((capability) => capability === 'CAP_SYS_ADMIN') === true)
    problems.push(problem.invalid(field, context, 'cannot set `allowPrivilegeEscalation` to false and `capabilities.Add` CAP_SYS_ADMIN'));
}

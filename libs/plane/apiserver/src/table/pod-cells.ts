import type { corev1 } from '@tiphys/kube-model';
import { Age } from './age.ts';

const isSidecar = (container: corev1.Container): boolean => container.restartPolicy === 'Always';

/** READY, STATUS and RESTARTS of a pod (kubernetes pkg/printers/internalversion printPod). */
export function podSummary(pod: corev1.Pod): { readonly ready: string; readonly status: string; readonly restarts: string | Age } {
  const { spec, status } = pod;
  const inits = spec?.initContainers ?? [];
  const sidecars = new Set(inits.filter(isSidecar).map((container) => container.name));
  const statuses = status?.containerStatuses ?? [];
  const initStatuses = status?.initContainerStatuses ?? [];
  const total = (spec?.containers.length ?? 0) + sidecars.size;
  const blocked = initReason(pod, sidecars);
  const initialized = conditionOf(pod, 'Initialized') === 'True';
  const isInitializing = blocked !== undefined && !initialized;
  const ready =
    statuses.filter((found) => found.ready && found.state?.running !== undefined).length +
    initStatuses.filter((found) => sidecars.has(found.name) && found.started === true && found.ready).length;
  const counted = isInitializing ? initStatuses : [...initStatuses.filter((found) => sidecars.has(found.name)), ...statuses];
  return { ready: `${ready}/${total}`, status: statusText(pod, isInitializing ? blocked : undefined), restarts: restartsText(counted) };
}

function conditionOf(pod: corev1.Pod, type: string): string | undefined {
  return pod.status?.conditions?.find((condition) => condition.type === type)?.status;
}

function statusText(pod: corev1.Pod, blocked: string | undefined): string {
  const { status, metadata } = pod;
  const scheduled = status?.conditions?.find((condition) => condition.type === 'PodScheduled');
  let reason = scheduled?.reason === 'SchedulingGated' ? 'SchedulingGated' : (status?.reason ?? '') === '' ? (status?.phase ?? '') : (status?.reason ?? '');
  if (blocked !== undefined) reason = blocked;
  else reason = containersReason(pod, reason);
  if (metadata.deletionTimestamp !== undefined) {
    if (status?.reason === 'NodeLost') return 'Unknown';
    if (status?.phase !== 'Succeeded' && status?.phase !== 'Failed') return 'Terminating';
  }
  return reason;
}

function containersReason(pod: corev1.Pod, fallback: string): string {
  let reason = fallback;
  let hasRunning = false;
  for (const { state, ready } of (pod.status?.containerStatuses ?? []).toReversed()) {
    if ((state?.waiting?.reason ?? '') !== '') reason = state?.waiting?.reason ?? reason;
    else if (state?.terminated !== undefined) reason = terminatedReason(state.terminated);
    else if (ready && state?.running !== undefined) hasRunning = true;
  }
  if (reason !== 'Completed' || !hasRunning) return reason;
  return conditionOf(pod, 'Ready') === 'True' ? 'Running' : 'NotReady';
}

function terminatedReason(terminated: corev1.ContainerStateTerminated): string {
  if ((terminated.reason ?? '') !== '') return terminated.reason ?? '';
  return (terminated.signal ?? 0) !== 0 ? `Signal:${terminated.signal}` : `ExitCode:${terminated.exitCode}`;
}

function initReason(pod: corev1.Pod, sidecars: ReadonlySet<string>): string | undefined {
  const count = pod.spec?.initContainers?.length ?? 0;
  for (const [index, found] of (pod.status?.initContainerStatuses ?? []).entries()) {
    const { state } = found;
    if (state?.terminated?.exitCode === 0 || (sidecars.has(found.name) && found.started === true)) continue;
    if (state?.terminated !== undefined) return `Init:${terminatedReason(state.terminated)}`;
    const waiting = state?.waiting?.reason ?? '';
    return waiting !== '' && waiting !== 'PodInitializing' ? `Init:${waiting}` : `Init:${index}/${count}`;
  }
  return undefined;
}

function restartsText(statuses: readonly corev1.ContainerStatus[]): string | Age {
  const count = statuses.reduce((sum, found) => sum + (found.restartCount ?? 0), 0);
  const ends = statuses.map((found) => found.lastState?.terminated?.finishedAt).filter((time) => time !== undefined);
  const latest = ends.toSorted((a, b) => Date.parse(b) - Date.parse(a))[0];
  return count === 0 || latest === undefined ? String(count) : new Age(latest, `${count} (`, ' ago)');
}

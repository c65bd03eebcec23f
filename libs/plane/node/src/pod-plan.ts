import type { corev1 } from '@tiphys/kube-model';
import { isAlive, type ContainerRecord, type PodRecord } from './pod-record.ts';

/** What is to be done for a pod now, and when to look again. */
export interface PodPlan {
  readonly start: readonly string[];
  readonly stop: readonly string[];
  /** The pod has come to its end in the API's sense. */
  readonly terminal: 'Succeeded' | 'Failed' | undefined;
  /** All containers have ended and the pod is deleted: remove its place and the object. */
  readonly remove: boolean;
  readonly wakeAtMs: number | undefined;
}

const NOTHING: PodPlan = { start: [], stop: [], terminal: undefined, remove: false, wakeAtMs: undefined };

/** Decides the next step of a pod from its spec and what its containers do. Pure. */
export function planPod(pod: corev1.Pod, record: PodRecord, nowMs: number): PodPlan {
  const isDeleted = pod.metadata.deletionTimestamp !== undefined;
  if (isDeleted || record.ending !== undefined || record.terminal !== undefined) return planEnd(record, isDeleted);
  const deadlineMs = pod.spec?.activeDeadlineSeconds === undefined ? undefined : record.startedAtMs + pod.spec.activeDeadlineSeconds * 1_000;
  const steps = planInit(pod, record, nowMs) ?? planApps(pod, record, nowMs);
  return { ...steps, wakeAtMs: earliest(steps.wakeAtMs, deadlineMs) };
}

/** Whether a container that ended is started again (corev1.RestartPolicy; sidecars always are). */
export function isRestarted(pod: corev1.Pod, container: ContainerRecord, exitCode: number): boolean {
  if (container.role === 'sidecar') return true;
  const policy = pod.spec?.restartPolicy ?? 'Always';
  if (container.role === 'init') return exitCode !== 0 && policy !== 'Never';
  return policy === 'Always' || (policy === 'OnFailure' && exitCode !== 0);
}

// Undefined once the init containers have done their part.
function planInit(pod: corev1.Pod, record: PodRecord, nowMs: number): PodPlan | undefined {
  const start: string[] = [];
  let wakeAtMs: number | undefined;
  // An app container that ever ran proves that initialization was over; it is not repeated (kubelet does the same).
  const wasInitialized = record.containers.some((container) => container.role === 'app' && (container.phase !== 'waiting' || container.last !== undefined));
  for (const container of record.containers) {
    if (container.role === 'app') break;
    if (container.role === 'init' && (wasInitialized || container.exit?.exitCode === 0)) continue;
    const step = planStart(pod, container, nowMs);
    if (step.start) start.push(container.name);
    wakeAtMs = earliest(wakeAtMs, step.wakeAtMs);
    if (container.role === 'init' && container.phase === 'exited' && !step.willStart)
      return { ...NOTHING, terminal: 'Failed', stop: aliveNames(record, 'sidecar') };
    if (wasInitialized) continue;
    if (container.role === 'init' || !container.started) return { ...NOTHING, start, wakeAtMs };
  }
  if (start.length === 0 && wakeAtMs === undefined) return undefined;
  const apps = planApps(pod, record, nowMs);
  return { ...apps, start: [...start, ...apps.start], wakeAtMs: earliest(wakeAtMs, apps.wakeAtMs) };
}

function planApps(pod: corev1.Pod, record: PodRecord, nowMs: number): PodPlan {
  const apps = record.containers.filter(({ role }) => role === 'app');
  const steps = apps.map((container) => ({ container, ...planStart(pod, container, nowMs) }));
  const isOver = apps.every((container, index) => container.phase === 'exited' && steps[index]?.willStart === false);
  if (isOver) {
    const failed = apps.some((container) => container.exit?.exitCode !== 0);
    return { ...NOTHING, terminal: failed ? 'Failed' : 'Succeeded', stop: aliveNames(record, 'sidecar') };
  }
  return {
    ...NOTHING,
    start: steps.filter(({ start }) => start).map(({ container }) => container.name),
    wakeAtMs: steps.reduce<number | undefined>((soonest, step) => earliest(soonest, step.wakeAtMs), undefined),
  };
}

function planStart(
  pod: corev1.Pod,
  container: ContainerRecord,
  nowMs: number,
): { readonly start: boolean; readonly willStart: boolean; readonly wakeAtMs?: number } {
  if (isAlive(container)) return { start: false, willStart: false };
  if (container.phase === 'exited' && !isRestarted(pod, container, container.exit?.exitCode ?? 1)) return { start: false, willStart: false };
  return container.retryAtMs > nowMs ? { start: false, willStart: true, wakeAtMs: container.retryAtMs } : { start: true, willStart: true };
}

// App and init containers end first; sidecars serve them to the last and end in reverse order.
function planEnd(record: PodRecord, isDeleted: boolean): PodPlan {
  const main = record.containers.filter((container) => container.role !== 'sidecar' && isAlive(container));
  if (main.length > 0) return { ...NOTHING, stop: main.map(({ name }) => name) };
  const sidecars = record.containers.filter((container) => container.role === 'sidecar' && isAlive(container));
  const lastSidecar = sidecars.at(-1);
  if (lastSidecar !== undefined) return { ...NOTHING, stop: [lastSidecar.name] };
  if (record.terminal !== undefined) return { ...NOTHING, remove: isDeleted };
  const isClean = record.ending === undefined && record.containers.filter(({ role }) => role === 'app').every(({ exit }) => exit?.exitCode === 0);
  return { ...NOTHING, terminal: isClean ? 'Succeeded' : 'Failed', remove: isDeleted };
}

function aliveNames(record: PodRecord, role: ContainerRecord['role']): readonly string[] {
  return record.containers.filter((container) => container.role === role && isAlive(container)).map(({ name }) => name);
}

function earliest(a: number | undefined, b: number | undefined): number | undefined {
  return a === undefined ? b : b === undefined ? a : Math.min(a, b);
}

import type { corev1 } from '@tiphys/kube-model';
import type { ContainerExit, RunningContainer, Sandbox } from '@tiphys/plane-runtime';

/** What the node knows about one container of a pod. Mutated by its pod's worker only. */
export interface ContainerRecord {
  readonly name: string;
  readonly role: 'init' | 'sidecar' | 'app';
  phase: 'waiting' | 'starting' | 'running' | 'stopping' | 'exited';
  /** Why it waits, while phase is `waiting`. */
  waiting: { readonly reason: string; readonly message: string } | undefined;
  running: RunningContainer | undefined;
  /** How the run that just ended ended, while phase is `exited`. */
  exit: ContainerExit | undefined;
  exitId: string | undefined;
  /** How the run before the present one ended. */
  last: ContainerExit | undefined;
  lastId: string | undefined;
  restartCount: number;
  /** Back-off before the next start; 0 before the first failure. */
  backoffMs: number;
  /** When it may be started again, in milliseconds since the epoch. */
  retryAtMs: number;
  /** Startup probe has passed, or there is none. */
  started: boolean;
  ready: boolean;
}

/** What the node knows about one pod. Mutated by its worker only. */
export interface PodRecord {
  readonly uid: string;
  readonly namespace: string;
  readonly name: string;
  readonly startedAtMs: number;
  readonly containers: readonly ContainerRecord[];
  sandbox: Sandbox | undefined;
  /** Set once the pod is over; it never leaves this state. */
  terminal: { readonly phase: 'Succeeded' | 'Failed'; readonly reason?: string; readonly message?: string } | undefined;
  /** Why all containers must end although the pod is not deleted. */
  ending: { readonly reason: string; readonly message: string } | undefined;
}

/** A record for a pod the node has not run yet. */
export function newPodRecord(pod: corev1.Pod, nowMs: number): PodRecord {
  const { uid = '', namespace = '', name = '' } = pod.metadata;
  const startTime = pod.status?.startTime;
  return {
    uid,
    namespace,
    name,
    startedAtMs: startTime === undefined ? nowMs : Date.parse(startTime),
    containers: [
      ...(pod.spec?.initContainers ?? []).map((container) => newContainerRecord(container, container.restartPolicy === 'Always' ? 'sidecar' : 'init')),
      ...(pod.spec?.containers ?? []).map((container) => newContainerRecord(container, 'app')),
    ],
    sandbox: undefined,
    terminal: undefined,
    ending: undefined,
  };
}

function newContainerRecord(container: corev1.Container, role: ContainerRecord['role']): ContainerRecord {
  return {
    name: container.name,
    role,
    phase: 'waiting',
    waiting: undefined,
    running: undefined,
    exit: undefined,
    exitId: undefined,
    last: undefined,
    lastId: undefined,
    restartCount: 0,
    backoffMs: 0,
    retryAtMs: 0,
    started: false,
    ready: false,
  };
}

/** The container of a pod's spec by name, init containers included. */
export function containerSpec(pod: corev1.Pod, name: string): corev1.Container | undefined {
  return pod.spec?.containers.find((container) => container.name === name) ?? pod.spec?.initContainers?.find((container) => container.name === name);
}

/** Whether something of the container may still run. */
export function isAlive(record: ContainerRecord): boolean {
  return record.phase === 'starting' || record.phase === 'running' || record.phase === 'stopping';
}

/** Brings the record to what the API says an earlier agent did. `adopted` answers containers that still run. */
export function recallPod(record: PodRecord, pod: corev1.Pod, adopt: (status: corev1.ContainerStatus) => RunningContainer | undefined, nowMs: number): void {
  const statuses = [...(pod.status?.initContainerStatuses ?? []), ...(pod.status?.containerStatuses ?? [])];
  for (const container of record.containers) {
    const status = statuses.find(({ name }) => name === container.name);
    if (status !== undefined) recallContainer(container, status, adopt, nowMs);
  }
}

function recallContainer(
  container: ContainerRecord,
  status: corev1.ContainerStatus,
  adopt: (status: corev1.ContainerStatus) => RunningContainer | undefined,
  nowMs: number,
): void {
  container.restartCount = status.restartCount;
  container.last = exitOf(status.lastState?.terminated);
  container.lastId = status.lastState?.terminated?.containerID;
  const terminated = exitOf(status.state?.terminated);
  if (terminated !== undefined) {
    container.phase = 'exited';
    container.exit = terminated;
    container.exitId = status.state?.terminated?.containerID;
  }
  if (status.state?.running === undefined) return;
  const running = adopt(status);
  if (running !== undefined) {
    container.phase = 'running';
    container.running = running;
    container.started = status.started ?? true;
    container.ready = running.ready ?? false;
    return;
  }
  // The kubelet's word for a container it finds gone (ContainerStatusUnknown, exit code 137).
  const startedAtMs = Date.parse(status.state.running.startedAt ?? '') || nowMs;
  container.phase = 'exited';
  container.exit = {
    exitCode: 137,
    reason: 'ContainerStatusUnknown',
    message: 'the container ended while its node agent was not running',
    startedAtMs,
    finishedAtMs: nowMs,
  };
  container.exitId = status.containerID;
}

function exitOf(terminated: corev1.ContainerStateTerminated | undefined): ContainerExit | undefined {
  if (terminated === undefined) return undefined;
  return {
    exitCode: terminated.exitCode,
    ...(terminated.signal === undefined ? {} : { signal: terminated.signal }),
    reason: terminated.reason ?? (terminated.exitCode === 0 ? 'Completed' : 'Error'),
    ...(terminated.message === undefined ? {} : { message: terminated.message }),
    startedAtMs: Date.parse(terminated.startedAt ?? '') || 0,
    finishedAtMs: Date.parse(terminated.finishedAt ?? '') || 0,
  };
}

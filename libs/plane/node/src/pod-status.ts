import { toTimestamp } from '@tiphys/kernel';
import type { corev1 } from '@tiphys/kube-model';
import type { ContainerExit } from '@tiphys/plane-runtime';
import { containerSpec, type ContainerRecord, type PodRecord } from './pod-record.ts';
import { qosClassOf } from './qos.ts';

/** The part of a pod's status its node writes. `previous` are the conditions as last written or seen: their transition times are kept. */
export function podStatus(pod: corev1.Pod, record: PodRecord, hostIP: string, previous: Conditions, nowMs: number): corev1.PodStatus {
  const phase = record.terminal?.phase ?? phaseOf(record);
  const { reason, message } = record.terminal ?? {};
  const inits = record.containers.filter(({ role }) => role !== 'app');
  return {
    phase,
    ...(reason === undefined ? {} : { reason }),
    ...(message === undefined ? {} : { message }),
    conditions: conditionsOf(pod, record, phase, previous, nowMs),
    hostIP,
    hostIPs: [{ ip: hostIP }],
    ...(record.sandbox === undefined ? {} : { podIP: record.sandbox.podIP, podIPs: [{ ip: record.sandbox.podIP }] }),
    startTime: toTimestamp(record.startedAtMs),
    ...(inits.length === 0 ? {} : { initContainerStatuses: inits.map((container) => containerStatus(pod, container)) }),
    containerStatuses: record.containers.filter(({ role }) => role === 'app').map((container) => containerStatus(pod, container)),
    qosClass: pod.status?.qosClass ?? qosClassOf(pod),
  };
}

function phaseOf(record: PodRecord): 'Pending' | 'Running' {
  const apps = record.containers.filter(({ role }) => role === 'app');
  const everyAppRan = apps.every(
    (container) => container.phase === 'running' || container.phase === 'stopping' || container.exit !== undefined || container.last !== undefined,
  );
  return everyAppRan ? 'Running' : 'Pending';
}

function containerStatus(pod: corev1.Pod, container: ContainerRecord): corev1.ContainerStatus {
  const image = containerSpec(pod, container.name)?.image ?? '';
  const containerID = container.running?.id ?? container.exitId;
  const last = container.phase === 'exited' && container.waiting !== undefined ? container.exit : container.last;
  const lastId = container.phase === 'exited' && container.waiting !== undefined ? container.exitId : container.lastId;
  const isRunning = container.phase === 'running' || container.phase === 'stopping';
  return {
    name: container.name,
    image,
    imageID: image,
    ready: container.role === 'init' ? container.exit?.exitCode === 0 : isRunning && container.ready,
    restartCount: container.restartCount,
    started: isRunning && container.started,
    ...(containerID === undefined ? {} : { containerID }),
    state: stateOf(container),
    lastState: last === undefined ? {} : { terminated: terminatedState(last, lastId) },
  };
}

function stateOf(container: ContainerRecord): corev1.ContainerState {
  if ((container.phase === 'running' || container.phase === 'stopping') && container.running !== undefined)
    return { running: { startedAt: toTimestamp(container.running.startedAtMs) } };
  if (container.phase === 'exited' && container.exit !== undefined && container.waiting === undefined)
    return { terminated: terminatedState(container.exit, container.exitId) };
  const { reason, message } = container.waiting ?? { reason: container.role === 'app' ? 'ContainerCreating' : 'PodInitializing', message: '' };
  return { waiting: { reason, ...(message === '' ? {} : { message }) } };
}

function terminatedState(exit: ContainerExit, containerID: string | undefined): corev1.ContainerStateTerminated {
  return {
    exitCode: exit.exitCode,
    reason: exit.reason,
    ...(exit.signal === undefined ? {} : { signal: exit.signal }),
    ...(exit.message === undefined ? {} : { message: exit.message }),
    startedAt: toTimestamp(exit.startedAtMs),
    finishedAt: toTimestamp(exit.finishedAtMs),
    ...(containerID === undefined ? {} : { containerID }),
  };
}

function conditionsOf(pod: corev1.Pod, record: PodRecord, phase: string, previous: Conditions, nowMs: number): corev1.PodCondition[] {
  const isOver = phase === 'Succeeded' || phase === 'Failed';
  const apps = record.containers.filter(({ role }) => role === 'app');
  const pendingInits = record.containers.filter(
    (container) => (container.role === 'init' && container.exit?.exitCode !== 0) || (container.role === 'sidecar' && !container.started),
  );
  const wereInitialized = apps.some((container) => container.phase !== 'waiting' || container.last !== undefined);
  const initialized = pendingInits.length === 0 || wereInitialized;
  const unready = record.containers
    .filter((container) => container.role !== 'init' && !(container.phase === 'running' && container.ready))
    .map(({ name }) => name);
  const failedGates = (pod.spec?.readinessGates ?? []).filter(
    ({ conditionType }) => pod.status?.conditions?.find(({ type }) => type === conditionType)?.status !== 'True',
  );
  const unreadyWhy: Why | undefined = isOver
    ? { reason: phase === 'Succeeded' ? 'PodCompleted' : 'PodFailed', message: '' }
    : unready.length > 0
      ? { reason: 'ContainersNotReady', message: `containers with unready status: [${unready.join(' ')}]` }
      : undefined;
  const gateWhy: Why | undefined =
    failedGates.length > 0
      ? {
          reason: 'ReadinessGatesNotReady',
          message: failedGates
            .map(({ conditionType }) => `corresponding condition of pod readiness gate "${conditionType}" does not exist or is not "True".`)
            .join(', '),
        }
      : undefined;
  const initWhy: Why | undefined = initialized
    ? undefined
    : { reason: 'ContainersNotInitialized', message: `containers with incomplete status: [${pendingInits.map(({ name }) => name).join(' ')}]` };
  return [
    condition(previous, 'PodReadyToStartContainers', record.sandbox !== undefined && !isOver, undefined, nowMs),
    condition(previous, 'Initialized', initialized, isOver && phase === 'Succeeded' ? { reason: 'PodCompleted', message: '' } : initWhy, nowMs),
    condition(previous, 'Ready', unreadyWhy === undefined && gateWhy === undefined, unreadyWhy ?? gateWhy, nowMs),
    condition(previous, 'ContainersReady', unreadyWhy === undefined, unreadyWhy, nowMs),
    condition(previous, 'PodScheduled', true, undefined, nowMs),
  ];
}

type Conditions = ReadonlyArray<corev1.PodCondition>;

interface Why {
  readonly reason: string;
  readonly message: string;
}

// The transition time moves only when the status does.
function condition(previous: Conditions, type: string, isTrue: boolean, why: Why | undefined, nowMs: number): corev1.PodCondition {
  const known = previous.find((candidate) => candidate.type === type);
  const status = isTrue ? 'True' : 'False';
  return {
    type,
    status,
    lastTransitionTime: known?.status === status && known.lastTransitionTime !== undefined ? known.lastTransitionTime : toTimestamp(nowMs),
    ...(why === undefined || why.reason === '' ? {} : { reason: why.reason }),
    ...(why === undefined || why.message === '' ? {} : { message: why.message }),
  };
}

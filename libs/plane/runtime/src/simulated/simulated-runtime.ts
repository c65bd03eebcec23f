import type { Clock } from '@tiphys/kernel';
import type { corev1 } from '@tiphys/kube-model';
import { AddressPool } from '../address-pool.ts';
import { answerLog, LogFeed } from '../log-follow.ts';
import { LogSelection, logTimestamp, type LogRecord } from '../log-lines.ts';
import { RuntimeError, type ContainerExit, type ContainerTarget, type PodRuntime, type RunningContainer, type Sandbox } from '../runtime.ts';
import { behaviourOf, type SimulationDefaults } from './steering.ts';

/** How simulated containers behave unless their pod says otherwise. */
export interface SimulatedRuntimeOptions {
  readonly clock: Clock;
  /** Range of the addresses shown as pod IPs; nothing listens there. Default 10.128.0.0/10. */
  readonly podCidr?: string;
  /** Default 0: containers start at once. */
  readonly startAfterMs?: number;
  /** How long containers of pods that are meant to end (restartPolicy Never or OnFailure) run. Default 500 ms. */
  readonly completeAfterMs?: number;
}

interface SimulatedPod {
  readonly sandbox: Sandbox;
  readonly logs: Map<string, { readonly records: LogRecord[]; readonly feed: LogFeed }>;
}

/** Pods that exist only as status: they start, run, complete or fail on time, without a process. Thousands fit in one process. */
export function createSimulatedRuntime(options: SimulatedRuntimeOptions): PodRuntime {
  const { clock } = options;
  const defaults: SimulationDefaults = { startAfterMs: options.startAfterMs ?? 0, completeAfterMs: options.completeAfterMs ?? 500 };
  const addresses = new AddressPool(options.podCidr ?? '10.128.0.0/10');
  const pods = new Map<string, SimulatedPod>();
  let closing = new AbortController();
  let nextId = 1;

  function ensurePod(pod: corev1.Pod): SimulatedPod {
    const uid = pod.metadata.uid ?? '';
    const known = pods.get(uid);
    if (known !== undefined) return known;
    const kept = pod.status?.podIP;
    const podIP = kept !== undefined && addresses.reserve(kept, uid) ? kept : addresses.allocate(uid);
    const made: SimulatedPod = { sandbox: { podIP, hostPorts: {}, baseEnv: () => ({}) }, logs: new Map() };
    pods.set(uid, made);
    return made;
  }

  function run(pod: corev1.Pod, container: corev1.Container, attempt: number, startedAtMs: number): RunningContainer {
    const isInit = pod.spec?.initContainers?.some(({ name }) => name === container.name) ?? false;
    const behaviour = behaviourOf(pod, container, isInit, defaults);
    const feed = new LogFeed();
    const records: LogRecord[] = [];
    ensurePod(pod).logs.set(`${container.name}/${attempt}`, { records, feed });
    pods.get(pod.metadata.uid ?? '')?.logs.delete(`${container.name}/${attempt - 2}`);
    const say = (text: string): void => {
      const record: LogRecord = { timestamp: logTimestamp(clock.now()), stream: 'stdout', partial: false, text };
      records.push(record);
      feed.append(record);
    };
    say(`simulated container ${container.name} of ${pod.metadata.namespace ?? ''}/${pod.metadata.name ?? ''} started (image ${container.image ?? ''})`);
    let end: (exit: ContainerExit) => void = () => undefined;
    const exited = new Promise<ContainerExit>((resolve) => (end = resolve));
    const ended = new AbortController();
    const finish = (exitCode: number, reason: string): void => {
      say(`simulated container ${container.name} ended with ${exitCode}`);
      feed.close();
      ended.abort();
      end({ exitCode, reason, startedAtMs, finishedAtMs: clock.now() });
    };
    if (behaviour.completeAfterMs !== undefined) {
      const leftMs = Math.max(0, startedAtMs + behaviour.completeAfterMs - clock.now());
      clock.sleep(leftMs, AbortSignal.any([ended.signal, closing.signal])).then(
        () => finish(behaviour.exitCode, behaviour.exitCode === 0 ? 'Completed' : 'Error'),
        () => undefined, // Stopped, or the node ended, before it completed.
      );
    }
    return {
      id: `simulated://${(nextId++).toString(16).padStart(12, '0')}`,
      startedAtMs,
      exited,
      ready: behaviour.ready,
      async stop(graceMs) {
        if (ended.signal.aborted) return;
        if (behaviour.stopAfterMs > 0) await clock.sleep(Math.min(behaviour.stopAfterMs, graceMs), closing.signal).catch(() => undefined);
        if (!ended.signal.aborted) finish(0, 'Completed');
      },
    };
  }

  return {
    name: 'simulated',
    real: false,
    async recover(known) {
      closing = new AbortController();
      for (const pod of known) if (pod.status?.podIP !== undefined) addresses.reserve(pod.status.podIP, pod.metadata.uid ?? '');
    },
    ensureSandbox: async (pod) => ensurePod(pod).sandbox,
    updateVolumes: async () => undefined,
    async startContainer({ pod, container, attempt }) {
      const isInit = pod.spec?.initContainers?.some(({ name }) => name === container.name) ?? false;
      const { startAfterMs } = behaviourOf(pod, container, isInit, defaults);
      if (startAfterMs > 0) await clock.sleep(startAfterMs, closing.signal);
      return run(pod, container, attempt, clock.now());
    },
    adopt(pod, status) {
      const startedAt = status.state?.running?.startedAt;
      const container = [...(pod.spec?.initContainers ?? []), ...(pod.spec?.containers ?? [])].find(({ name }) => name === status.name);
      if (startedAt === undefined || container === undefined) return undefined;
      return run(pod, container, status.restartCount, Date.parse(startedAt));
    },
    async removeSandbox(uid) {
      const pod = pods.get(uid);
      pods.delete(uid);
      if (pod !== undefined) addresses.release(pod.sandbox.podIP, uid);
    },
    async logs(target: ContainerTarget, attempt, logOptions, signal) {
      const log = pods.get(target.uid)?.logs.get(`${target.container}/${attempt}`);
      if (log === undefined) throw new RuntimeError({ code: 'ContainerNotFound' }, `container ${target.container} of pod ${target.namespace}/${target.pod}: has no log of that run`);
      const live = logOptions.follow === true ? log.feed.follow(signal) : undefined;
      return answerLog([...log.records], live, new LogSelection(logOptions, clock));
    },
    async exec(target, { command }, streams) {
      const text = `pod ${target.namespace}/${target.pod} is simulated: no process to run ${JSON.stringify(command)} in; use --runtime process or cri for pods that run\n`;
      streams.stderr(new TextEncoder().encode(text));
      return { exitCode: 126 };
    },
    async close() {
      closing.abort();
    },
  };
}

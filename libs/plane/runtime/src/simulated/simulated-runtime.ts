import type { Clock } from '@tiphys/kernel';
import type { corev1 } from '@tiphys/kube-model';
import { AddressPool } from '../address-pool.ts';
import { answerLog, LogFeed } from '../log-follow.ts';
import { LogSelection, logTimestamp, type LogRecord } from '../log-lines.ts';
import {
  RuntimeError,
  type ContainerExit,
  type ContainerRequest,
  type ContainerTarget,
  type ExecOptions,
  type ExecStreams,
  type LogOptions,
  type PodRuntime,
  type RunningContainer,
  type Sandbox,
} from '../runtime.ts';
import { behaviourOf, type Behaviour, type SimulationDefaults } from './steering.ts';

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
  return new SimulatedRuntime(options);
}

class SimulatedRuntime implements PodRuntime {
  readonly name = 'simulated';
  readonly real = false;
  readonly #clock: Clock;
  readonly #defaults: SimulationDefaults;
  readonly #addresses: AddressPool;
  readonly #pods = new Map<string, SimulatedPod>();
  #closing = new AbortController();
  #nextId = 1;

  constructor(options: SimulatedRuntimeOptions) {
    this.#clock = options.clock;
    this.#defaults = { startAfterMs: options.startAfterMs ?? 0, completeAfterMs: options.completeAfterMs ?? 500 };
    this.#addresses = new AddressPool(options.podCidr ?? '10.128.0.0/10');
  }

  async recover(known: readonly corev1.Pod[]): Promise<void> {
    this.#closing = new AbortController();
    for (const pod of known) if (pod.status?.podIP !== undefined) this.#addresses.reserve(pod.status.podIP, pod.metadata.uid ?? '');
  }

  async ensureSandbox(pod: corev1.Pod): Promise<Sandbox> {
    return this.#ensurePod(pod).sandbox;
  }

  async updateVolumes(): Promise<void> {
    // There are no files.
  }

  async startContainer({ pod, container, attempt }: ContainerRequest): Promise<RunningContainer> {
    const { startAfterMs } = this.#behaviourOf(pod, container);
    if (startAfterMs > 0) await this.#clock.sleep(startAfterMs, this.#closing.signal);
    return this.#run(pod, container, attempt, this.#clock.now());
  }

  adopt(pod: corev1.Pod, status: corev1.ContainerStatus): RunningContainer | undefined {
    const startedAt = status.state?.running?.startedAt;
    const container = [...(pod.spec?.initContainers ?? []), ...(pod.spec?.containers ?? [])].find(({ name }) => name === status.name);
    return startedAt === undefined || container === undefined ? undefined : this.#run(pod, container, status.restartCount, Date.parse(startedAt));
  }

  async removeSandbox(uid: string): Promise<void> {
    const pod = this.#pods.get(uid);
    this.#pods.delete(uid);
    if (pod !== undefined) this.#addresses.release(pod.sandbox.podIP, uid);
  }

  async logs(target: ContainerTarget, attempt: number, options: LogOptions, signal: AbortSignal): Promise<AsyncIterable<Uint8Array>> {
    const log = this.#pods.get(target.uid)?.logs.get(`${target.container}/${attempt}`);
    if (log === undefined)
      throw new RuntimeError({ code: 'ContainerNotFound' }, `container ${target.container} of pod ${target.namespace}/${target.pod}: has no log of that run`);
    return answerLog([...log.records], options.follow === true ? log.feed.follow(signal) : undefined, new LogSelection(options, this.#clock));
  }

  async exec(target: ContainerTarget, { command }: ExecOptions, streams: ExecStreams): Promise<{ readonly exitCode: number }> {
    const text = `pod ${target.namespace}/${target.pod} is simulated: no process to run ${JSON.stringify(command)} in; use --runtime process or cri for pods that run\n`;
    streams.stderr(new TextEncoder().encode(text));
    return { exitCode: 126 };
  }

  async close(): Promise<void> {
    this.#closing.abort();
  }

  #behaviourOf(pod: corev1.Pod, container: corev1.Container): Behaviour {
    return behaviourOf(pod, container, pod.spec?.initContainers?.some(({ name }) => name === container.name) ?? false, this.#defaults);
  }

  #ensurePod(pod: corev1.Pod): SimulatedPod {
    const uid = pod.metadata.uid ?? '';
    const known = this.#pods.get(uid);
    if (known !== undefined) return known;
    const kept = pod.status?.podIP;
    const podIP = kept !== undefined && this.#addresses.reserve(kept, uid) ? kept : this.#addresses.allocate(uid);
    const made: SimulatedPod = { sandbox: { podIP, hostPorts: {}, baseEnv: () => ({}) }, logs: new Map() };
    this.#pods.set(uid, made);
    return made;
  }

  #openLog(pod: corev1.Pod, container: corev1.Container, attempt: number): { say(text: string): void; close(): void } {
    const { logs } = this.#ensurePod(pod);
    const feed = new LogFeed();
    const records: LogRecord[] = [];
    logs.set(`${container.name}/${attempt}`, { records, feed });
    logs.delete(`${container.name}/${attempt - 2}`);
    return {
      say: (text) => {
        const record: LogRecord = { timestamp: logTimestamp(this.#clock.now()), stream: 'stdout', partial: false, text };
        records.push(record);
        feed.append(record);
      },
      close: () => feed.close(),
    };
  }

  #run(pod: corev1.Pod, container: corev1.Container, attempt: number, startedAtMs: number): RunningContainer {
    const clock = this.#clock;
    const closing = this.#closing.signal;
    const behaviour = this.#behaviourOf(pod, container);
    const log = this.#openLog(pod, container, attempt);
    log.say(`simulated container ${container.name} of ${pod.metadata.namespace ?? ''}/${pod.metadata.name ?? ''} started (image ${container.image ?? ''})`);
    let end: (exit: ContainerExit) => void = () => undefined;
    const exited = new Promise<ContainerExit>((resolve) => (end = resolve));
    const ended = new AbortController();
    const finish = (exitCode: number): void => {
      if (ended.signal.aborted) return;
      log.say(`simulated container ${container.name} ended with ${exitCode}`);
      log.close();
      ended.abort();
      end({ exitCode, reason: exitCode === 0 ? 'Completed' : 'Error', startedAtMs, finishedAtMs: clock.now() });
    };
    if (behaviour.completeAfterMs !== undefined) {
      const leftMs = Math.max(0, startedAtMs + behaviour.completeAfterMs - clock.now());
      // Rejected: stopped, or the node ended, before it completed.
      clock.sleep(leftMs, AbortSignal.any([ended.signal, closing])).then(
        () => finish(behaviour.exitCode),
        () => undefined,
      );
    }
    return {
      id: `simulated://${(this.#nextId++).toString(16).padStart(12, '0')}`,
      startedAtMs,
      exited,
      ready: behaviour.ready,
      async stop(graceMs) {
        if (behaviour.stopAfterMs > 0 && !ended.signal.aborted) await clock.sleep(Math.min(behaviour.stopAfterMs, graceMs), closing).catch(() => undefined); // The node ended.
        finish(0);
      },
    };
  }
}

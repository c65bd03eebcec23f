import { aborted, isAbortError, WorkQueue, type Clock, type Logger, type Service } from '@tiphys/kernel';
import { builtin, isStatus, statusError, type corev1 } from '@tiphys/kube-model';
import type { Informer, InformerFactory, KubeClient } from '@tiphys/kube-client';
import type { ContainerTarget, ExecOptions, ExecStreams, LogOptions, PodRuntime } from '@tiphys/plane-runtime';
import { createEventRecorder, silentRecorder, type EventRecorder } from './event-recorder.ts';
import { defaultBackoff, type BackoffOptions, type PodHost } from './pod-host.ts';
import { containerSpec } from './pod-record.ts';
import { forwardPort, type ForwardedStream } from './port-forward.ts';
import { PodWorker } from './pod-worker.ts';
import { SourceCache } from './source-cache.ts';

const WORKERS = 16;
const RATE_LIMIT = { baseDelayMs: 50, maxDelayMs: 10_000 };

/** Which nodes' pods are run, and how. */
export interface PodManagerOptions {
  readonly client: KubeClient;
  readonly informers: InformerFactory;
  readonly runtime: PodRuntime;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly nodeNames: readonly string[];
  readonly hostIP: string;
  readonly allocatable: Readonly<Record<string, string>>;
  readonly backoff?: Partial<BackoffOptions>;
  /** Whether Kubernetes Events are written. Default true. */
  readonly events?: boolean;
}

/** Logs, exec and port-forward of this node's pods, as the API server asks for them. */
export interface NodeBackend {
  logs(target: ContainerTarget, options: LogOptions, signal: AbortSignal): Promise<AsyncIterable<Uint8Array>>;
  /** An empty command attaches: the container's further output is passed on until it ends. */
  exec(target: ContainerTarget, options: ExecOptions, streams: ExecStreams, signal: AbortSignal): Promise<{ readonly exitCode: number }>;
  portForward(target: Omit<ContainerTarget, 'container'>, port: number, stream: ForwardedStream, signal: AbortSignal): Promise<void>;
}

/** Runs the pods bound to some nodes: one worker per pod, told by watches, never by ticks. */
export class PodManager implements Service {
  readonly name: string;
  readonly backend: NodeBackend;
  readonly #options: PodManagerOptions;
  readonly #pods: Informer<corev1.Pod>;
  readonly #sources: SourceCache;
  readonly #nodes: ReadonlySet<string>;
  readonly #workers = new Map<string, PodWorker>();

  constructor(options: PodManagerOptions) {
    this.name = `pods/${options.nodeNames[0] ?? ''}${options.nodeNames.length > 1 ? `…(${options.nodeNames.length})` : ''}`;
    this.#options = options;
    this.#nodes = new Set(options.nodeNames);
    this.#pods = options.informers.informer<corev1.Pod>({ type: builtin('v1', 'Pod') });
    this.#sources = new SourceCache(options.informers, options.client, options.logger);
    this.backend = {
      logs: async (target, logOptions, signal) => options.runtime.logs(target, this.#attemptOf(target, logOptions), logOptions, signal),
      exec: async (target, execOptions, streams, signal) => {
        this.#requireRunning(target);
        return execOptions.command.length === 0 ? this.#attach(target, streams, signal) : options.runtime.exec(target, execOptions, streams, signal);
      },
      portForward: async (target, port, stream, signal) => {
        const { sandbox } = this.#podOf(target).record;
        if (sandbox === undefined || !options.runtime.real)
          throw statusError('BadRequest', `pod "${target.pod}" has no process that could listen on port ${port}`);
        await forwardPort(sandbox.podIP, sandbox.hostPorts[port] ?? port, stream, signal);
      },
    };
  }

  async run(signal: AbortSignal): Promise<void> {
    const { clock, runtime } = this.#options;
    // Containers that still run outlive a restart of this loop: their workers and their signal stay.
    const ending = new AbortController();
    const queue = new WorkQueue({ clock, rateLimit: RATE_LIMIT });
    const stops: (() => void)[] = [];
    try {
      await Promise.all([this.#pods.waitForSync(signal), this.#sources.waitForSync(signal)]);
      await runtime.recover(this.#pods.list().filter((pod) => this.#isOurs(pod)));
      const host = this.#hostFor(queue, ending.signal);
      stops.push(
        this.#followPods(host, queue),
        this.#sources.onChange((namespace, name) => this.#wakeUsers(namespace, name, queue)),
      );
      const workers = Array.from({ length: WORKERS }, () => this.#work(queue, ending.signal));
      await aborted(signal);
      queue.shutDown();
      ending.abort();
      await Promise.all(workers);
    } catch (error) {
      if (!signal.aborted) throw error;
    } finally {
      for (const stop of stops) stop();
      queue.shutDown();
      ending.abort();
      this.#workers.clear();
      if (signal.aborted) await runtime.close();
    }
  }

  #hostFor(queue: WorkQueue, signal: AbortSignal): PodHost {
    const { client, clock, logger, runtime, hostIP, allocatable, backoff, nodeNames } = this.#options;
    const recorder: EventRecorder =
      this.#options.events === false
        ? silentRecorder
        : createEventRecorder({ client, clock, logger, component: 'kubelet', ...(nodeNames[0] === undefined ? {} : { host: nodeNames[0] }), signal });
    return {
      client,
      clock,
      logger,
      runtime,
      hostIP,
      allocatable,
      signal,
      events: recorder,
      backoff: { ...defaultBackoff, ...backoff },
      sourcesFor: (pod, callSignal) => this.#sources.sourcesFor(pod, runtime.real, callSignal),
      wake: (uid, afterMs) => (afterMs === undefined ? queue.add(uid) : queue.addAfter(uid, afterMs)),
    };
  }

  #followPods(host: PodHost, queue: WorkQueue): () => void {
    return this.#pods.onEvent((event) => {
      const uid = event.object.metadata.uid ?? '';
      const worker = this.#workers.get(uid);
      if (worker === undefined && (event.type === 'deleted' || !this.#isOurs(event.object))) return;
      if (event.type === 'deleted') worker?.remove();
      else if (worker !== undefined) worker.update(event.object);
      else this.#workers.set(uid, new PodWorker(host, event.object));
      // Another pod of the same name may have taken the place in one step: the one before it is gone.
      if (event.type === 'updated' && event.old.metadata.uid !== uid) {
        this.#workers.get(event.old.metadata.uid ?? '')?.remove();
        queue.add(event.old.metadata.uid ?? '');
      }
      queue.add(uid);
    });
  }

  #wakeUsers(namespace: string, name: string, queue: WorkQueue): void {
    for (const [uid, worker] of this.#workers) if (worker.record.namespace === namespace && worker.sourceChanged(name)) queue.add(uid);
  }

  async #work(queue: WorkQueue, signal: AbortSignal): Promise<void> {
    try {
      for (;;) {
        const uid = await queue.get(signal);
        if (uid === undefined) return;
        await this.#syncOne(uid, queue, signal);
        queue.done(uid);
      }
    } catch (error) {
      if (!isAbortError(error) && !signal.aborted) throw error;
    }
  }

  async #syncOne(uid: string, queue: WorkQueue, signal: AbortSignal): Promise<void> {
    const worker = this.#workers.get(uid);
    if (worker === undefined) return;
    try {
      if ((await worker.sync()) === 'gone') this.#workers.delete(uid);
      queue.forget(uid);
    } catch (error) {
      if (signal.aborted) return;
      const level = queue.numRequeues(uid) > 5 && !isStatus(error, 'Conflict') ? 'warn' : 'debug';
      this.#options.logger[level]({ pod: `${worker.record.namespace}/${worker.record.name}`, err: error }, 'pod not brought up to date, trying again');
      queue.addRateLimited(uid);
    }
  }

  #isOurs(pod: corev1.Pod): boolean {
    return pod.spec?.nodeName !== undefined && this.#nodes.has(pod.spec.nodeName);
  }

  async #attach(target: ContainerTarget, streams: ExecStreams, signal: AbortSignal): Promise<{ readonly exitCode: number }> {
    const logOptions = { follow: true, tailLines: 0 };
    for await (const chunk of await this.#options.runtime.logs(target, this.#attemptOf(target, logOptions), logOptions, signal)) streams.stdout(chunk);
    return { exitCode: 0 };
  }

  #podOf(target: Omit<ContainerTarget, 'container'>): PodWorker {
    const worker =
      this.#workers.get(target.uid) ?? [...this.#workers.values()].find(({ record }) => record.namespace === target.namespace && record.name === target.pod);
    if (worker === undefined) throw statusError('NotFound', `pod "${target.pod}" is not on this node`);
    return worker;
  }

  #workerOf(target: ContainerTarget): PodWorker {
    const worker = this.#podOf(target);
    if (containerSpec(worker.pod(), target.container) === undefined)
      throw statusError('BadRequest', `container ${target.container} is not valid for pod ${target.pod}`);
    return worker;
  }

  #attemptOf(target: ContainerTarget, options: LogOptions): number {
    const record = this.#workerOf(target).record.containers.find(({ name }) => name === target.container);
    const neverRan = record === undefined || (record.running === undefined && record.exit === undefined && record.last === undefined);
    if (neverRan)
      throw statusError(
        'BadRequest',
        `container "${target.container}" in pod "${target.pod}" is waiting to start: ${record?.waiting?.reason ?? 'ContainerCreating'}`,
      );
    if (options.previous === true && record.restartCount === 0)
      throw statusError('BadRequest', `previous terminated container "${target.container}" in pod "${target.pod}" not found`);
    // While it has not started anew, the last run's log is the present one.
    return options.previous === true
      ? record.restartCount - 1
      : record.running === undefined && record.exit === undefined
        ? Math.max(record.restartCount - 1, 0)
        : record.restartCount;
  }

  #requireRunning(target: ContainerTarget): void {
    const record = this.#workerOf(target).record.containers.find(({ name }) => name === target.container);
    if (record?.running === undefined) throw statusError('BadRequest', `container "${target.container}" in pod "${target.pod}" is not running`);
  }
}

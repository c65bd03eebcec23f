import { aborted, messageOf, toTimestamp, WorkQueue, type Clock, type Logger, type Service } from '@tiphys/kernel';
import { builtin, isStatus, keyOf, parseKey, type corev1 } from '@tiphys/kube-model';
import type { Informer, InformerFactory, KubeClient } from '@tiphys/kube-client';
import { schedule } from './schedule.ts';

const PODS = builtin('v1', 'Pod');
const NODES = builtin('v1', 'Node');
const EVENTS = builtin('v1', 'Event');
const SCHEDULER_NAME = 'default-scheduler';
const NODE_INDEX = 'nodeName';
const PENDING_INDEX = 'unscheduled';
// kube-scheduler's podInitialBackoff and podMaxBackoff.
const BACKOFF = { baseDelayMs: 1_000, maxDelayMs: 10_000 };
const MAX_BINDING = 32;

/** What the scheduler needs. */
export interface SchedulerOptions {
  readonly client: KubeClient;
  readonly informers: InformerFactory;
  readonly clock: Clock;
  readonly logger: Logger;
}

/** Binds pods to nodes, one decision at a time; bindings are written side by side. */
export function createScheduler(options: SchedulerOptions): Service {
  return { name: 'scheduler', run: (signal) => new Scheduler(options).run(signal) };
}

class Scheduler {
  readonly #options: SchedulerOptions;
  readonly #queue: WorkQueue;
  readonly #pods: Informer<corev1.Pod>;
  readonly #nodes: Informer<corev1.Node>;
  // Pods bound by us whose binding the cache does not show yet: they count on their node already.
  readonly #assumed = new Map<string, corev1.Pod>();
  readonly #binding = new Set<Promise<void>>();
  // Pods that fit nowhere when last tried. Bounded by the pods that wait.
  readonly #failed = new Map<string, { readonly message: string; readonly tries: number; readonly atMs: number }>();

  constructor(options: SchedulerOptions) {
    this.#options = options;
    this.#queue = new WorkQueue({ clock: options.clock, rateLimit: BACKOFF });
    this.#pods = options.informers.informer<corev1.Pod>({ type: PODS });
    this.#nodes = options.informers.informer<corev1.Node>({ type: NODES });
    this.#pods.addIndex(NODE_INDEX, (pod) => (isDone(pod) || !hasNode(pod) ? [] : [pod.spec?.nodeName ?? '']));
    this.#pods.addIndex(PENDING_INDEX, (pod) => (isOurs(pod) ? ['yes'] : []));
  }

  async run(signal: AbortSignal): Promise<void> {
    const stops: (() => void)[] = [];
    try {
      await Promise.all([this.#pods.waitForSync(signal), this.#nodes.waitForSync(signal)]);
      stops.push(...this.#subscribe());
      void aborted(signal).then(() => this.#queue.shutDown()); // Never rejects.
      for (let key = await this.#queue.get(signal); key !== undefined; key = await this.#queue.get(signal)) {
        try {
          await this.#scheduleOne(key, signal);
        } finally {
          this.#queue.done(key);
        }
        if (this.#binding.size >= MAX_BINDING) await Promise.race(this.#binding);
      }
    } catch (error) {
      if (!signal.aborted) throw error;
    } finally {
      for (const stop of stops) stop();
      this.#queue.shutDown();
      await Promise.all(this.#binding);
    }
  }

  #subscribe(): readonly (() => void)[] {
    return [
      this.#pods.onEvent((event) => {
        const key = keyOf(event.object);
        if (event.type === 'deleted' || hasNode(event.object)) {
          this.#assumed.delete(event.object.metadata.uid ?? '');
          this.#failed.delete(event.object.metadata.uid ?? '');
          this.#queue.forget(key);
        }
        // Room was made: what did not fit may fit now.
        if (event.type === 'deleted' || (event.type === 'updated' && isDone(event.object) && !isDone(event.old))) this.#retryAll();
        else if (
          isOurs(event.object) &&
          (event.type === 'added' || event.object.metadata.generation !== event.old.metadata.generation || !this.#failed.has(event.object.metadata.uid ?? ''))
        )
          this.#queue.add(key);
      }),
      this.#nodes.onEvent((event) => {
        const isMere = event.type === 'updated' && schedulingView(event.object) === schedulingView(event.old);
        if (!isMere && event.type !== 'deleted') this.#retryAll();
      }),
    ];
  }

  // Each pod that waits keeps its own back-off, counted from its last try: many changes do not become many tries.
  #retryAll(): void {
    for (const pod of this.#pods.byIndex(PENDING_INDEX, 'yes')) {
      const failed = this.#failed.get(pod.metadata.uid ?? '');
      if (failed === undefined) continue;
      const backoffMs = Math.min(BACKOFF.baseDelayMs * 2 ** (failed.tries - 1), BACKOFF.maxDelayMs);
      this.#queue.addAfter(keyOf(pod), failed.atMs + backoffMs - this.#options.clock.monotonic());
    }
  }

  async #scheduleOne(key: string, signal: AbortSignal): Promise<void> {
    const { name, namespace } = parseKey(key);
    const pod = this.#pods.get(name, namespace);
    if (pod === undefined || !isOurs(pod) || this.#assumed.has(pod.metadata.uid ?? '')) return;
    const nodes = this.#nodes.list().filter(({ metadata }) => metadata.deletionTimestamp === undefined);
    const placement = schedule(pod, nodes, this.#podsByNode(nodes));
    if (placement.kind === 'none') {
      await this.#reportFailure(key, pod, placement.message, signal);
      return;
    }
    const bound: corev1.Pod = pod.spec === undefined ? pod : { ...pod, spec: { ...pod.spec, nodeName: placement.nodeName } };
    this.#assumed.set(pod.metadata.uid ?? '', bound);
    const binding = this.#bind(key, pod, placement.nodeName, signal).finally(() => this.#binding.delete(binding));
    this.#binding.add(binding);
  }

  #podsByNode(nodes: readonly corev1.Node[]): ReadonlyMap<string, readonly corev1.Pod[]> {
    const byNode = new Map(nodes.map(({ metadata }) => [metadata.name ?? '', [...this.#pods.byIndex(NODE_INDEX, metadata.name ?? '')]]));
    for (const [uid, pod] of this.#assumed) {
      const present = byNode.get(pod.spec?.nodeName ?? '');
      if (present !== undefined && !present.some(({ metadata }) => metadata.uid === uid)) present.push(pod);
    }
    return byNode;
  }

  async #bind(key: string, pod: corev1.Pod, nodeName: string, signal: AbortSignal): Promise<void> {
    const { namespace, name = '', uid } = pod.metadata;
    const binding: corev1.Binding = {
      apiVersion: 'v1',
      kind: 'Binding',
      metadata: { name, ...(namespace === undefined ? {} : { namespace }), ...(uid === undefined ? {} : { uid }) },
      target: { apiVersion: 'v1', kind: 'Node', name: nodeName },
    };
    try {
      await this.#options.client.create(PODS, binding, { subresource: 'binding', signal });
      this.#failed.delete(uid ?? '');
      this.#event(pod, 'Normal', 'Scheduled', `Successfully assigned ${key} to ${nodeName}`, signal);
    } catch (error) {
      this.#assumed.delete(uid ?? '');
      if (signal.aborted || isStatus(error, 'NotFound')) return;
      this.#options.logger.debug({ pod: key, node: nodeName, err: error }, 'binding failed, trying again');
      this.#queue.addRateLimited(key);
    }
  }

  async #reportFailure(key: string, pod: corev1.Pod, message: string, signal: AbortSignal): Promise<void> {
    const uid = pod.metadata.uid ?? '';
    const before = this.#failed.get(uid);
    this.#failed.set(uid, { message, tries: (before?.tries ?? 0) + 1, atMs: this.#options.clock.monotonic() });
    if (before?.message === message) return;
    const { namespace, name = '' } = pod.metadata;
    const condition = { type: 'PodScheduled', status: 'False', reason: 'Unschedulable', message, lastTransitionTime: toTimestamp(this.#options.clock.now()) };
    const known = pod.status?.conditions?.find(({ type }) => type === 'PodScheduled');
    this.#event(pod, 'Warning', 'FailedScheduling', message, signal);
    if (known?.status === 'False' && known.message === message) return;
    try {
      await this.#options.client.patch(
        PODS,
        { namespace, name },
        { metadata: { uid }, status: { conditions: [condition] } },
        { type: 'strategic', subresource: 'status', signal },
      );
    } catch (error) {
      if (!signal.aborted && !isStatus(error, 'NotFound', 'Conflict')) this.#options.logger.debug({ pod: key, err: error }, 'condition not written');
    }
  }

  #event(pod: corev1.Pod, type: string, reason: string, message: string, signal: AbortSignal): void {
    const { namespace = 'default', name = '', uid = '', resourceVersion } = pod.metadata;
    const nowMs = this.#options.clock.now();
    const time = toTimestamp(nowMs);
    const event: corev1.Event = {
      apiVersion: 'v1',
      kind: 'Event',
      metadata: { namespace, name: `${name}.${nowMs.toString(16)}${reason === 'Scheduled' ? '5' : 'f'}` },
      involvedObject: { apiVersion: 'v1', kind: 'Pod', namespace, name, uid, ...(resourceVersion === undefined ? {} : { resourceVersion }) },
      type,
      reason,
      message,
      count: 1,
      firstTimestamp: time,
      lastTimestamp: time,
      source: { component: SCHEDULER_NAME },
      reportingComponent: SCHEDULER_NAME,
      reportingInstance: '',
    };
    // An event is a courtesy: its failure is told to nobody but the log.
    void this.#options.client.create(EVENTS, event, { signal }).catch((error: unknown) => {
      if (!signal.aborted) this.#options.logger.debug({ reason, cause: messageOf(error) }, 'event not written');
    });
  }
}

function hasNode(pod: corev1.Pod): boolean {
  return pod.spec?.nodeName !== undefined && pod.spec.nodeName !== '';
}

function isDone(pod: corev1.Pod): boolean {
  return pod.status?.phase === 'Succeeded' || pod.status?.phase === 'Failed';
}

function isOurs(pod: corev1.Pod): boolean {
  const scheduler = pod.spec?.schedulerName ?? SCHEDULER_NAME;
  return (
    !hasNode(pod) &&
    !isDone(pod) &&
    pod.metadata.deletionTimestamp === undefined &&
    scheduler === SCHEDULER_NAME &&
    (pod.spec?.schedulingGates ?? []).length === 0
  );
}

// The parts of a node that decide about pods; heartbeats are not among them.
function schedulingView(node: corev1.Node): string {
  return JSON.stringify([node.metadata.labels, node.spec?.unschedulable, node.spec?.taints, node.status?.allocatable]);
}

import { messageOf } from '@tiphys/kernel';
import { builtin, deepEqual, isStatus, type corev1 } from '@tiphys/kube-model';
import { HOST_PORTS_ANNOTATION, RuntimeError, type Sandbox } from '@tiphys/plane-runtime';
import { fieldPath, followContainer, graceOf, startContainer, startFailure, stopContainer, type ContainerContext } from './container-worker.ts';
import { downwardContext, type PodHost } from './pod-host.ts';
import { planPod } from './pod-plan.ts';
import { isAlive, newPodRecord, recallPod, type ContainerRecord, type PodRecord } from './pod-record.ts';
import { podStatus } from './pod-status.ts';
import { isProblem, sourceNames, type PodSources } from './sources.ts';
import { resolveVolumes } from './volumes.ts';

const PODS = builtin('v1', 'Pod');
// A wait for something no watch tells about, such as a service account token.
const RETRY_MS = 5_000;

/** Runs one pod, from its binding to its removal. `sync` is never called twice at once; everything else only sets marks and wakes. */
export class PodWorker implements ContainerContext {
  readonly host: PodHost;
  readonly record: PodRecord;
  #pod: corev1.Pod;
  #isGone = false;
  #graceMs = Number.POSITIVE_INFINITY;
  #sourcesVersion = 0;
  #volumesWanted = false;
  #written: corev1.PodStatus | undefined;
  #names: ReadonlySet<string>;

  constructor(host: PodHost, pod: corev1.Pod) {
    this.host = host;
    this.#pod = pod;
    this.#names = sourceNames(pod);
    this.record = newPodRecord(pod, host.clock.now());
    const { phase } = pod.status ?? {};
    if (phase === 'Succeeded' || phase === 'Failed') this.record.terminal = { phase, ...pick(pod.status) };
    if (pod.status?.podIP !== undefined) recallPod(this.record, pod, (status) => host.runtime.adopt(pod, status), host.clock.now());
  }

  pod(): corev1.Pod {
    return this.#pod;
  }

  /** The API's newest version of the pod. */
  update(pod: corev1.Pod): void {
    const isRelabelled = !deepEqual(pod.metadata.labels, this.#pod.metadata.labels) || !deepEqual(pod.metadata.annotations, this.#pod.metadata.annotations);
    this.#pod = pod;
    if (isRelabelled) this.#volumesWanted = true;
  }

  /** The object is gone from the API: everything ends at once. */
  remove(): void {
    this.#isGone = true;
  }

  /** Whether a ConfigMap or Secret that changed matters here; then the pod is looked at again. */
  sourceChanged(name: string): boolean {
    if (!this.#names.has(name)) return false;
    this.#sourcesVersion += 1;
    this.#volumesWanted = true;
    for (const container of this.record.containers) if (container.phase === 'waiting' && container.waiting !== undefined) container.retryAtMs = 0;
    return true;
  }

  /** Does what is to be done now. Answers `gone` when nothing is left of the pod. */
  async sync(): Promise<'alive' | 'gone'> {
    const { record, host } = this;
    if (this.#isGone) return this.#endAll();
    this.#enforceDeadline();
    if (record.terminal === undefined && this.#pod.metadata.deletionTimestamp === undefined) await this.#readopt();
    const plan = planPod(this.#pod, record, host.clock.now());
    for (const name of plan.stop) this.#stop(name);
    if (plan.terminal !== undefined) record.terminal = { phase: plan.terminal, ...record.ending };
    if (plan.start.length > 0) this.#start(plan.start);
    if (this.#volumesWanted) await this.#refreshVolumes();
    await this.#writeStatus();
    if (plan.remove) return this.#removeFromApi();
    if (plan.terminal !== undefined) host.wake(record.uid);
    if (plan.wakeAtMs !== undefined && Number.isFinite(plan.wakeAtMs)) host.wake(record.uid, Math.max(plan.wakeAtMs - host.clock.now(), 1));
    return 'alive';
  }

  #enforceDeadline(): void {
    const limit = this.#pod.spec?.activeDeadlineSeconds;
    const { record, host } = this;
    if (limit === undefined || record.ending !== undefined || record.terminal !== undefined) return;
    if (host.clock.now() < record.startedAtMs + limit * 1_000) return;
    record.ending = { reason: 'DeadlineExceeded', message: 'Pod was active on the node longer than the specified deadline' };
    host.events.record(this.#pod, 'Normal', 'DeadlineExceeded', record.ending.message);
  }

  // Containers taken over from an earlier agent are followed once their sandbox is known.
  async #readopt(): Promise<void> {
    if (this.record.sandbox !== undefined || !this.record.containers.some(({ phase }) => phase === 'running')) return;
    this.record.sandbox = await this.host.runtime.ensureSandbox(this.#pod, []);
    for (const container of this.record.containers) {
      if (container.phase === 'running' && container.running !== undefined) followContainer(this, container, container.running, this.record.sandbox, false);
    }
  }

  #start(names: readonly string[]): void {
    const containers = this.record.containers.filter(({ name }) => names.includes(name));
    for (const container of containers) {
      if (container.phase === 'exited') {
        container.last = container.exit;
        container.lastId = container.exitId;
        container.restartCount += 1;
      }
      container.phase = 'starting';
      container.waiting = undefined;
    }
    // Failures are caught per container below; #launch itself does not reject.
    void this.#launch(containers);
  }

  async #launch(containers: readonly ContainerRecord[]): Promise<void> {
    const version = this.#sourcesVersion;
    let ready: { readonly sandbox: Sandbox; readonly sources: PodSources } | undefined;
    try {
      ready = await this.#prepare();
    } catch (error) {
      for (const container of containers) this.#waitAfter(container, error, version);
    }
    if (ready !== undefined) {
      const { sandbox, sources } = ready;
      await Promise.all(
        containers.map((container) => startContainer(this, container, sandbox, sources).catch((error: unknown) => this.#waitAfter(container, error, version))),
      );
    }
    this.host.wake(this.record.uid);
  }

  async #prepare(): Promise<{ readonly sandbox: Sandbox; readonly sources: PodSources }> {
    const { host, record } = this;
    const sources = await host.sourcesFor(this.#pod, host.signal);
    const podIP = record.sandbox?.podIP ?? this.#pod.status?.podIP ?? '';
    const volumes = resolveVolumes(this.#pod, sources, downwardContext(host, this.#pod, podIP));
    if (isProblem(volumes)) {
      host.events.record(this.#pod, 'Warning', 'FailedMount', `MountVolume.SetUp failed: ${volumes.problem}`);
      throw new RuntimeError({ code: 'CreateContainerConfigError' }, volumes.problem);
    }
    record.sandbox = await host.runtime.ensureSandbox(this.#pod, volumes);
    if (Object.keys(record.sandbox.hostPorts).length > 0) await this.#publishPorts(record.sandbox);
    return { sandbox: record.sandbox, sources };
  }

  async #publishPorts(sandbox: Sandbox): Promise<void> {
    const value = JSON.stringify(sandbox.hostPorts);
    if (this.#pod.metadata.annotations?.[HOST_PORTS_ANNOTATION] === value) return;
    const { namespace, name, uid } = this.record;
    await this.host.client.patch(
      PODS,
      { namespace, name },
      { metadata: { uid, annotations: { [HOST_PORTS_ANNOTATION]: value } } },
      { type: 'merge', signal: this.host.signal },
    );
  }

  #waitAfter(container: ContainerRecord, error: unknown, version: number): void {
    const { host } = this;
    if (host.signal.aborted) return;
    const { reason, message } = startFailure(error);
    container.phase = 'waiting';
    container.waiting = { reason, message };
    host.events.record(this.#pod, 'Warning', reason === 'CreateContainerConfigError' ? 'Failed' : 'BackOff', `Error: ${message}`, fieldPath(container));
    const nowMs = host.clock.now();
    if (version !== this.#sourcesVersion) container.retryAtMs = nowMs;
    else if (reason === 'CreateContainerConfigError')
      container.retryAtMs = message.startsWith('service account token') ? nowMs + RETRY_MS : Number.POSITIVE_INFINITY;
    else {
      container.backoffMs = Math.min(Math.max(container.backoffMs * 2, host.backoff.baseMs), host.backoff.maxMs);
      container.retryAtMs = nowMs + container.backoffMs;
      container.restartCount += 1;
    }
  }

  #stop(name: string): void {
    const container = this.record.containers.find((candidate) => candidate.name === name);
    const { sandbox } = this.record;
    if (container === undefined || sandbox === undefined) return;
    const graceMs = this.#isGone ? 0 : graceOf(this.#pod);
    if (container.phase === 'running') {
      this.#graceMs = Math.min(this.#graceMs, graceMs);
      this.#watchStop(stopContainer(this, container, sandbox, graceMs, `Stopping container ${name}`));
    } else if (container.phase === 'stopping' && graceMs < this.#graceMs) {
      // The grace period was cut short while the container is ending.
      this.#graceMs = graceMs;
      if (container.running !== undefined) this.#watchStop(container.running.stop(graceMs));
    }
  }

  #watchStop(stopping: Promise<void>): void {
    stopping.catch((error: unknown) =>
      this.host.logger.error({ pod: `${this.record.namespace}/${this.record.name}`, err: error }, 'stopping a container failed'),
    );
  }

  async #refreshVolumes(): Promise<void> {
    this.#volumesWanted = false;
    const { host, record } = this;
    if (record.sandbox === undefined || !record.containers.some(isAlive)) return;
    const sources = await host.sourcesFor(this.#pod, host.signal);
    const volumes = resolveVolumes(this.#pod, sources, downwardContext(host, this.#pod, record.sandbox.podIP));
    // A source that was deleted leaves the files as they are.
    if (!isProblem(volumes)) await host.runtime.updateVolumes(this.#pod, volumes);
  }

  async #writeStatus(): Promise<void> {
    const { host, record } = this;
    const status = podStatus(this.#pod, record, host.hostIP, this.#written?.conditions ?? this.#pod.status?.conditions ?? [], host.clock.now());
    if (deepEqual(status, this.#written) || (this.#written === undefined && holdsStatus(this.#pod.status, status))) return;
    const { namespace, name, uid } = record;
    // In a strategic merge an absent field stays: what a condition no longer says must be taken out by name.
    const conditions = (status.conditions ?? []).map((condition) => ({ reason: null, message: null, ...condition }));
    try {
      await host.client.patch(
        PODS,
        { namespace, name },
        { metadata: { uid }, status: { reason: null, message: null, ...status, conditions } },
        { type: 'strategic', subresource: 'status', signal: host.signal },
      );
      this.#written = status;
    } catch (error) {
      if (!isStatus(error, 'NotFound', 'Conflict')) throw error; // Gone, or another pod of that name: the watch will tell.
    }
  }

  async #removeFromApi(): Promise<'alive' | 'gone'> {
    const { host, record } = this;
    const { namespace, name, uid } = record;
    await host.runtime.removeSandbox(uid);
    try {
      await host.client.delete(PODS, { namespace, name }, { gracePeriodSeconds: 0, preconditions: { uid }, signal: host.signal });
    } catch (error) {
      if (!isStatus(error, 'NotFound', 'Conflict')) throw error;
    }
    return 'gone';
  }

  async #endAll(): Promise<'alive' | 'gone'> {
    for (const { name } of this.record.containers.filter(isAlive)) this.#stop(name);
    if (this.record.containers.some(isAlive)) return 'alive';
    try {
      await this.host.runtime.removeSandbox(this.record.uid);
    } catch (error) {
      // A folder that is still written to: tried again by the next start.
      this.host.logger.warn({ pod: `${this.record.namespace}/${this.record.name}`, cause: messageOf(error) }, 'pod folder not removed');
    }
    return 'gone';
  }
}

function pick(status: corev1.PodStatus | undefined): { reason?: string; message?: string } {
  return { ...(status?.reason === undefined ? {} : { reason: status.reason }), ...(status?.message === undefined ? {} : { message: status.message }) };
}

// Whether every field we would write is there already; conditions are compared by type.
function holdsStatus(live: corev1.PodStatus | undefined, wanted: corev1.PodStatus): boolean {
  if (live === undefined) return false;
  return Object.entries(wanted).every(([key, value]) => {
    if (key !== 'conditions') return deepEqual(live[key as keyof corev1.PodStatus], value); // Keys of the same type.
    return (wanted.conditions ?? []).every((condition) =>
      deepEqual(
        live.conditions?.find(({ type }) => type === condition.type),
        condition,
      ),
    );
  });
}

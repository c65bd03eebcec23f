import { messageOf } from '@tiphys/kernel';
import type { corev1 } from '@tiphys/kube-model';
import { RuntimeError, type ContainerExit, type RunningContainer, type Sandbox } from '@tiphys/plane-runtime';
import { resolveInputs } from './environment.ts';
import { doAction, type ActionPlace } from './probe-action.ts';
import { downwardContext, type PodHost } from './pod-host.ts';
import { isRestarted } from './pod-plan.ts';
import { containerSpec, type ContainerRecord, type PodRecord } from './pod-record.ts';
import { probeContainer, type ProberOptions } from './prober.ts';
import { isProblem, type PodSources } from './sources.ts';

// A hook without a time of its own must not hold a pod for ever.
const POST_START_TIMEOUT_MS = 300_000;
// After a preStop hook used up the grace period the process still gets this long (kubelet minimumGracePeriodInSeconds).
const MIN_GRACE_MS = 2_000;

/** A pod as its containers see it: the newest object, its place and its sources. */
export interface ContainerContext {
  readonly host: PodHost;
  readonly record: PodRecord;
  pod(): corev1.Pod;
}

/** Starts one container and follows it until it ends. Resolves when it runs or cannot; the record tells which. */
export async function startContainer(context: ContainerContext, container: ContainerRecord, sandbox: Sandbox, sources: PodSources): Promise<void> {
  const { host, record } = context;
  const pod = context.pod();
  const spec = containerSpec(pod, container.name);
  if (spec === undefined) return;
  const inputs = resolveInputs(pod, spec, sources, downwardContext(host, pod, sandbox.podIP), sandbox.baseEnv(spec));
  if (isProblem(inputs)) throw new RuntimeError({ code: 'CreateContainerConfigError' }, inputs.problem);
  const running = await host.runtime.startContainer({ pod, container: spec, attempt: container.restartCount, ...inputs });
  host.events.record(pod, 'Normal', 'Started', `Started container ${container.name}`, fieldPath(container));
  container.waiting = undefined;
  container.exit = undefined;
  container.running = running;
  container.phase = 'running';
  host.wake(record.uid);
  followContainer(context, container, running, sandbox, true);
}

/** Follows a container that runs: hooks, probes and its end. For one just started or one adopted. */
export function followContainer(context: ContainerContext, container: ContainerRecord, running: RunningContainer, sandbox: Sandbox, isFresh: boolean): void {
  const over = new AbortController();
  const { host, record } = context;
  // Neither rejects: an exit is always told, and serve reports its own failures.
  void running.exited.then((exit) => {
    over.abort();
    settleExit(context, container, running, exit);
    host.wake(record.uid);
  });
  void serve(context, container, sandbox, over.signal, isFresh).catch((error: unknown) => {
    if (!over.signal.aborted) host.logger.error({ err: error, pod: `${record.namespace}/${record.name}`, container: container.name }, 'probing failed');
  });
}

/** Ends a container: preStop hook, then the runtime's stop, all within the grace period. Resolves when it has ended. */
export async function stopContainer(context: ContainerContext, container: ContainerRecord, sandbox: Sandbox, graceMs: number, why: string): Promise<void> {
  const { host } = context;
  const running = container.running;
  if (running === undefined || container.phase !== 'running') return;
  container.phase = 'stopping';
  container.ready = false;
  const pod = context.pod();
  host.events.record(pod, 'Normal', 'Killing', why, fieldPath(container));
  host.wake(context.record.uid);
  const preStop = containerSpec(pod, container.name)?.lifecycle?.preStop;
  let leftMs = graceMs;
  if (preStop !== undefined && graceMs > 0 && host.runtime.real) {
    const beganAt = host.clock.monotonic();
    const result = await runHook(context, container, sandbox, {
      action: preStop,
      timeoutMs: graceMs,
      signal: AbortSignal.any([host.signal, exitSignal(running)]),
    }).catch(() => undefined); // The container ended first.
    if (result?.ok === false) host.events.record(pod, 'Warning', 'FailedPreStopHook', `PreStopHook failed: ${result.message}`, fieldPath(container));
    leftMs = Math.max(graceMs - (host.clock.monotonic() - beganAt), MIN_GRACE_MS);
  }
  await running.stop(leftMs);
}

async function serve(context: ContainerContext, container: ContainerRecord, sandbox: Sandbox, signal: AbortSignal, isFresh: boolean): Promise<void> {
  const { host, record } = context;
  const spec = containerSpec(context.pod(), container.name);
  if (spec === undefined) return;
  const known = container.running?.ready;
  if (known !== undefined) {
    setServing(context, container, true, known);
    return;
  }
  const postStart = spec.lifecycle?.postStart;
  if (postStart !== undefined && isFresh) {
    const result = await runHook(context, container, sandbox, { action: postStart, timeoutMs: POST_START_TIMEOUT_MS, signal });
    if (!result.ok) {
      host.events.record(context.pod(), 'Warning', 'FailedPostStartHook', `PostStartHook failed: ${result.message}`, fieldPath(container));
      await stopContainer(context, container, sandbox, graceOf(context.pod()), `FailedPostStartHook`);
      return;
    }
  }
  if (container.role === 'init') {
    setServing(context, container, true, false);
    return;
  }
  await probeContainer(
    proberOptions(
      context,
      container,
      { runtime: host.runtime, target: { namespace: record.namespace, pod: record.name, uid: record.uid, container: spec.name }, container: spec, sandbox },
      signal,
    ),
  );
}

function proberOptions(context: ContainerContext, container: ContainerRecord, place: ActionPlace, signal: AbortSignal): ProberOptions {
  const { host } = context;
  return {
    clock: host.clock,
    place,
    signal,
    onStarted: () => setServing(context, container, true, container.ready),
    onReady: (isReady) => setServing(context, container, container.started, isReady),
    onFailure: (kind, message) =>
      host.events.record(
        context.pod(),
        'Warning',
        'Unhealthy',
        `${kind[0]?.toUpperCase() ?? ''}${kind.slice(1)} probe failed: ${message}`,
        fieldPath(container),
      ),
    onUnhealthy(kind, probe) {
      const graceMs = probe.terminationGracePeriodSeconds === undefined ? graceOf(context.pod()) : probe.terminationGracePeriodSeconds * 1_000;
      // stop never rejects; the exit handler goes on from there.
      void stopContainer(context, container, place.sandbox, graceMs, `Container ${container.name} failed ${kind} probe, will be restarted`);
    },
  };
}

/** The pod's own grace period in milliseconds. */
export function graceOf(pod: corev1.Pod): number {
  return (pod.metadata.deletionGracePeriodSeconds ?? pod.spec?.terminationGracePeriodSeconds ?? 30) * 1_000;
}

function setServing(context: ContainerContext, container: ContainerRecord, started: boolean, ready: boolean): void {
  if (container.phase !== 'running') return;
  container.started = started;
  container.ready = ready;
  context.host.wake(context.record.uid);
}

async function runHook(
  context: ContainerContext,
  container: ContainerRecord,
  sandbox: Sandbox,
  handler: { readonly action: corev1.LifecycleHandler; readonly timeoutMs: number; readonly signal: AbortSignal },
): Promise<{ readonly ok: boolean; readonly message: string }> {
  const { host, record } = context;
  const spec = containerSpec(context.pod(), container.name);
  if (spec === undefined) return { ok: true, message: '' };
  const { action, timeoutMs, signal } = handler;
  if (action.sleep !== undefined) {
    await host.clock.sleep(Math.min(action.sleep.seconds * 1_000, timeoutMs), signal);
    return { ok: true, message: '' };
  }
  return doAction(
    action,
    { runtime: host.runtime, target: { namespace: record.namespace, pod: record.name, uid: record.uid, container: spec.name }, container: spec, sandbox },
    timeoutMs,
    signal,
  );
}

function exitSignal(running: RunningContainer): AbortSignal {
  const over = new AbortController();
  void running.exited.then(() => over.abort()); // Never rejects.
  return over.signal;
}

function settleExit(context: ContainerContext, container: ContainerRecord, running: RunningContainer, exit: ContainerExit): void {
  const { host } = context;
  const pod = context.pod();
  container.phase = 'exited';
  container.running = undefined;
  container.exit = exit;
  container.exitId = running.id;
  container.ready = false;
  container.started = false;
  const willEnd = pod.metadata.deletionTimestamp !== undefined || context.record.ending !== undefined || context.record.terminal !== undefined;
  if (willEnd || !isRestarted(pod, container, exit.exitCode)) return;
  if (exit.finishedAtMs - exit.startedAtMs >= host.backoff.resetAfterMs) container.backoffMs = 0;
  const delayMs = container.backoffMs;
  container.backoffMs = Math.min(Math.max(delayMs * 2, host.backoff.baseMs), host.backoff.maxMs);
  container.retryAtMs = exit.finishedAtMs + delayMs;
  // The first restart comes at once; only a container that fails again is made to wait.
  if (delayMs > 0) waitInBackoff(context, container, delayMs);
}

function waitInBackoff(context: ContainerContext, container: ContainerRecord, delayMs: number): void {
  const { host, record } = context;
  const delay = delayMs >= 1_000 ? `${Math.round(delayMs / 1_000)}s` : `${delayMs}ms`;
  const message = `back-off ${delay} restarting failed container=${container.name} pod=${record.name}_${record.namespace}(${record.uid})`;
  container.waiting = { reason: 'CrashLoopBackOff', message };
  host.events.record(
    context.pod(),
    'Warning',
    'BackOff',
    `Back-off restarting failed container ${container.name} in pod ${record.name}_${record.namespace}(${record.uid})`,
    fieldPath(container),
  );
}

/** The container's place in its pod's spec, as events name it. */
export function fieldPath(container: ContainerRecord): string {
  return `spec.${container.role === 'app' ? 'containers' : 'initContainers'}{${container.name}}`;
}

/** The reason and sentence of a start that failed. */
export function startFailure(error: unknown): { readonly reason: string; readonly message: string } {
  return { reason: error instanceof RuntimeError ? error.code : 'RunContainerError', message: messageOf(error) };
}

import type { Clock } from '@tiphys/kernel';
import type { corev1 } from '@tiphys/kube-model';
import { doAction, type ActionPlace } from './probe-action.ts';

/** The three questions a probe answers. */
type ProbeKind = 'startup' | 'liveness' | 'readiness';

/** What probing one running container needs. */
export interface ProberOptions {
  readonly clock: Clock;
  readonly place: ActionPlace;
  /** Ends all probing: the container stopped. */
  readonly signal: AbortSignal;
  /** The startup probe passed, or there is none. */
  onStarted(): void;
  onReady(isReady: boolean): void;
  /** A probe failed often enough that the container must be restarted. */
  onUnhealthy(kind: 'startup' | 'liveness', probe: corev1.Probe, message: string): void;
  onFailure(kind: ProbeKind, message: string): void;
}

// While a container has not yet answered, it is asked sooner than its period: nothing is counted, only time is won.
const FIRST_QUICK_MS = 50;

/** Runs the probes of a container until the signal aborts. Never rejects otherwise. */
export async function probeContainer(options: ProberOptions): Promise<void> {
  const { startupProbe, livenessProbe, readinessProbe } = options.place.container;
  if (startupProbe !== undefined && !(await startUp(startupProbe, options))) return;
  options.onStarted();
  if (readinessProbe === undefined) options.onReady(true);
  await Promise.all([
    readinessProbe === undefined ? undefined : watchReadiness(readinessProbe, options),
    livenessProbe === undefined ? undefined : watchLiveness(livenessProbe, options),
  ]);
}

async function startUp(probe: corev1.Probe, options: ProberOptions): Promise<boolean> {
  const limit = probe.failureThreshold ?? 3;
  for await (const { ok, message, counted, failures } of results('startup', probe, options, true)) {
    if (ok) return true;
    if (counted && failures >= limit) {
      options.onUnhealthy('startup', probe, message);
      return false;
    }
  }
  return false;
}

async function watchLiveness(probe: corev1.Probe, options: ProberOptions): Promise<void> {
  for await (const { ok, message, failures } of results('liveness', probe, options, false)) {
    if (ok || failures < (probe.failureThreshold ?? 3)) continue;
    options.onUnhealthy('liveness', probe, message);
    return;
  }
}

async function watchReadiness(probe: corev1.Probe, options: ProberOptions): Promise<void> {
  let isReady = false;
  for await (const { ok, failures, successes } of results('readiness', probe, options, (probe.successThreshold ?? 1) === 1)) {
    const next: boolean = ok ? isReady || successes >= (probe.successThreshold ?? 1) : isReady && failures < (probe.failureThreshold ?? 3);
    if (next === isReady) continue;
    isReady = next;
    options.onReady(isReady);
  }
}

interface ProbeResult {
  readonly ok: boolean;
  readonly message: string;
  /** Made at a period's beat; quick ones in between count only when they succeed. */
  readonly counted: boolean;
  readonly failures: number;
  readonly successes: number;
}

async function* results(kind: ProbeKind, probe: corev1.Probe, options: ProberOptions, isQuick: boolean): AsyncIterable<ProbeResult> {
  const { clock, signal, place } = options;
  const periodMs = (probe.periodSeconds ?? 10) * 1_000;
  const timeoutMs = (probe.timeoutSeconds ?? 1) * 1_000;
  let failures = 0;
  let successes = 0;
  let everOk = false;
  let quickMs = FIRST_QUICK_MS;
  try {
    await clock.sleep((probe.initialDelaySeconds ?? 0) * 1_000, signal);
    let beatMs = clock.monotonic() + periodMs;
    // The first try comes while the process is still starting: like the quick ones it is not held against it.
    let counted = !isQuick;
    for (;;) {
      const { ok, message } = await doAction(probe, place, timeoutMs, signal);
      everOk ||= ok;
      if (ok) successes += 1;
      else if (counted) failures += 1;
      if (ok) failures = 0;
      else successes = 0;
      if (!ok && counted) options.onFailure(kind, message);
      yield { ok, message, counted, failures, successes };
      const toBeatMs = Math.max(beatMs - clock.monotonic(), 0);
      counted = everOk || !isQuick || quickMs >= toBeatMs;
      await clock.sleep(counted ? toBeatMs : quickMs, signal);
      quickMs *= 2;
      if (counted) beatMs = Math.max(beatMs + periodMs, clock.monotonic());
    }
  } catch (error) {
    if (!signal.aborted) throw error;
  }
}

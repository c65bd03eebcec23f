import { parseDuration } from '@tiphys/kernel';
import type { corev1 } from '@tiphys/kube-model';

/** The annotation that steers a simulated pod. */
export const SIMULATE_ANNOTATION = 'tiphys.dev/simulate';

/** How one simulated container behaves. */
export interface Behaviour {
  readonly startAfterMs: number;
  /** When the container ends by itself; undefined means it runs until it is stopped. */
  readonly completeAfterMs: number | undefined;
  readonly exitCode: number;
  readonly ready: boolean;
  readonly stopAfterMs: number;
}

/** Defaults of a simulated container that belongs to a pod which is meant to end. */
export interface SimulationDefaults {
  readonly startAfterMs: number;
  readonly completeAfterMs: number;
}

/**
 * Reads the annotation: words separated by commas. `fail` ends with 1, `crashloop` ends with 1 again and again,
 * `never-ready` runs without becoming ready, `run` never completes; `complete-after=2s`, `start-after=1s`,
 * `stop-after=1s` and `exit-code=3` set one value each. Unknown words are ignored.
 */
export function behaviourOf(pod: corev1.Pod, container: corev1.Container, isInit: boolean, defaults: SimulationDefaults): Behaviour {
  const words = (pod.metadata.annotations?.[SIMULATE_ANNOTATION] ?? '').split(',').map((word) => word.trim());
  const value = (name: string): string | undefined => words.find((word) => word.startsWith(`${name}=`))?.slice(name.length + 1);
  const durationMs = (name: string): number | undefined => parseDuration(value(name) ?? '');
  const fails = words.includes('fail') || words.includes('crashloop');
  const isMeantToEnd = container.restartPolicy !== 'Always' && (isInit || (pod.spec?.restartPolicy ?? 'Always') !== 'Always');
  const ends = !words.includes('run') && (isMeantToEnd || fails || value('exit-code') !== undefined || value('complete-after') !== undefined);
  // Init containers are not what a failing pod is asked to fail with.
  const exitCode = isInit ? 0 : Number(value('exit-code') ?? (fails ? 1 : 0));
  return {
    startAfterMs: durationMs('start-after') ?? defaults.startAfterMs,
    completeAfterMs: ends ? (isInit ? defaults.completeAfterMs : (durationMs('complete-after') ?? defaults.completeAfterMs)) : undefined,
    exitCode: Number.isInteger(exitCode) ? exitCode : 1,
    ready: !words.includes('never-ready'),
    stopAfterMs: durationMs('stop-after') ?? 0,
  };
}

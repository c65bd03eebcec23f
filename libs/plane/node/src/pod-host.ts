import type { Clock, Logger } from '@tiphys/kernel';
import type { corev1 } from '@tiphys/kube-model';
import type { KubeClient } from '@tiphys/kube-client';
import type { PodRuntime } from '@tiphys/plane-runtime';
import type { DownwardContext } from './downward.ts';
import type { EventRecorder } from './event-recorder.ts';
import type { PodSources } from './sources.ts';

/** Restart back-off: 10 s doubling to 300 s, forgotten after 10 minutes of running (kubelet constants). */
export interface BackoffOptions {
  readonly baseMs: number;
  readonly maxMs: number;
  readonly resetAfterMs: number;
}

/** The kubelet's restart back-off. */
export const defaultBackoff: BackoffOptions = { baseMs: 10_000, maxMs: 300_000, resetAfterMs: 600_000 };

/** What a pod's worker needs from the node around it. */
export interface PodHost {
  readonly client: KubeClient;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly runtime: PodRuntime;
  readonly events: EventRecorder;
  readonly backoff: BackoffOptions;
  readonly hostIP: string;
  readonly allocatable: Readonly<Record<string, string>>;
  /** Aborts when the node ends; containers are then ended by the runtime, not pod by pod. */
  readonly signal: AbortSignal;
  /** Reads of ConfigMaps, Secrets and Services for the pod; fetches service account tokens it mounts. */
  sourcesFor(pod: corev1.Pod, signal: AbortSignal): Promise<PodSources>;
  /** Asks for another look at the pod, now or later. */
  wake(uid: string, afterMs?: number): void;
}

/** The downward API's view of a pod on this host. */
export function downwardContext(host: PodHost, pod: corev1.Pod, podIP: string): DownwardContext {
  return { podIP, hostIP: host.hostIP, nodeName: pod.spec?.nodeName ?? '', allocatable: host.allocatable };
}

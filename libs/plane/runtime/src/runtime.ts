import { DomainError } from '@tiphys/kernel';
import type { corev1 } from '@tiphys/kube-model';

/** Why a runtime could not do what a pod asks; the code becomes the container's waiting reason. */
export class RuntimeError extends DomainError<{
  readonly code:
    | 'CreateContainerConfigError' // the manifest asks for something this runtime cannot be
    | 'RunContainerError' // the command could not be started
    | 'FailedMount' // a volume could not be made
    | 'ContainerNotFound'; // no such container, or it never ran
}> {
  override readonly name = 'RuntimeError';
}

/** One file of a volume. */
export interface VolumeFile {
  /** Relative path with `/`; never leaves the volume. */
  readonly path: string;
  readonly data: Uint8Array;
  readonly mode: number;
}

/** What a volume of a pod holds, as the node agent resolved it. */
export type VolumeContents =
  | { readonly kind: 'files'; readonly name: string; readonly files: readonly VolumeFile[] }
  | { readonly kind: 'emptyDir'; readonly name: string }
  | { readonly kind: 'hostPath'; readonly name: string; readonly path: string; readonly type: string };

/** The place a pod runs in: its address and what its containers are told about it. */
export interface Sandbox {
  readonly podIP: string;
  /** containerPort → port of the host; empty when the pod has an address of its own. */
  readonly hostPorts: Readonly<Record<string, number>>;
  /** Variables every process of this container gets unless the manifest sets them. */
  baseEnv(container: corev1.Container): Readonly<Record<string, string>>;
}

/** One attempt to run a container. */
export interface ContainerRequest {
  readonly pod: corev1.Pod;
  readonly container: corev1.Container;
  /** 0 for the first run, then the restart count. */
  readonly attempt: number;
  /** Command and arguments with variables expanded. */
  readonly command: readonly string[];
  readonly args: readonly string[];
  readonly env: Readonly<Record<string, string>>;
}

/** How a container ended. */
export interface ContainerExit {
  readonly exitCode: number;
  readonly signal?: number;
  /** `Completed`, `Error` or a closer word such as `ContainerStatusUnknown`. */
  readonly reason: string;
  readonly message?: string;
  readonly startedAtMs: number;
  readonly finishedAtMs: number;
}

/** A container that was started. */
export interface RunningContainer {
  readonly id: string;
  readonly startedAtMs: number;
  /** Resolves once, never rejects. */
  readonly exited: Promise<ContainerExit>;
  /** Set when the runtime itself knows readiness: then no probe is run. */
  readonly ready?: boolean;
  /** Asks the container to end and ends it after the grace period; resolves when it has ended. */
  stop(graceMs: number): Promise<void>;
}

/** Names one container of one pod for logs and exec. */
export interface ContainerTarget {
  readonly namespace: string;
  readonly pod: string;
  readonly uid: string;
  readonly container: string;
}

/** What of a log is wanted (corev1.PodLogOptions). */
export interface LogOptions {
  readonly follow?: boolean;
  readonly previous?: boolean;
  readonly tailLines?: number;
  readonly sinceSeconds?: number;
  readonly sinceTime?: string;
  readonly timestamps?: boolean;
  readonly limitBytes?: number;
}

/** A command to run beside a container. */
export interface ExecOptions {
  readonly command: readonly string[];
  readonly tty: boolean;
}

/** The streams of an exec. */
export interface ExecStreams {
  readonly stdin?: AsyncIterable<Uint8Array>;
  stdout(chunk: Uint8Array): void;
  stderr(chunk: Uint8Array): void;
  readonly resize?: AsyncIterable<{ readonly width: number; readonly height: number }>;
}

/** Runs the containers of pods. The node agent decides what runs when; a runtime only does it. */
export interface PodRuntime {
  /** `process` or `simulated`; part of `containerRuntimeVersion` of the Node. */
  readonly name: string;
  /** Whether containers are real: then probes, hooks and service account tokens make sense. */
  readonly real: boolean;
  /** Called once before anything else: ends what an earlier agent left behind and reserves the addresses of `pods`. */
  recover(pods: readonly corev1.Pod[]): Promise<void>;
  /** Makes the pod's place, or returns the one it has. */
  ensureSandbox(pod: corev1.Pod, volumes: readonly VolumeContents[]): Promise<Sandbox>;
  /** Brings changed volume contents to running containers. */
  updateVolumes(pod: corev1.Pod, volumes: readonly VolumeContents[]): Promise<void>;
  /** Starts one attempt; throws RuntimeError when that is impossible. */
  startContainer(request: ContainerRequest): Promise<RunningContainer>;
  /** The container an earlier agent started, if it still runs; undefined when it must count as lost. */
  adopt(pod: corev1.Pod, status: corev1.ContainerStatus): RunningContainer | undefined;
  /** Removes what is left of a pod: its folder, its address. Containers have ended before. */
  removeSandbox(uid: string): Promise<void>;
  logs(target: ContainerTarget, attempt: number, options: LogOptions, signal: AbortSignal): Promise<AsyncIterable<Uint8Array>>;
  exec(target: ContainerTarget, options: ExecOptions, streams: ExecStreams, signal: AbortSignal): Promise<{ readonly exitCode: number }>;
  /** Ends every container and helper; the pods stay as they are in the API. */
  close(): Promise<void>;
}

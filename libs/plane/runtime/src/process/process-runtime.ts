import { dirname, join, resolve } from 'node:path';
import { mkdir } from 'node:fs/promises';
import { rmSync } from 'node:fs';
import type { Clock, Logger } from '@tiphys/kernel';
import { fnv32a, type corev1 } from '@tiphys/kube-model';
import { AddressPool } from '../address-pool.ts';
import { answerLog } from '../log-follow.ts';
import { LogSelection } from '../log-lines.ts';
import {
  RuntimeError,
  type ContainerRequest,
  type ContainerTarget,
  type ExecOptions,
  type ExecStreams,
  type LogOptions,
  type PodRuntime,
  type RunningContainer,
  type Sandbox,
  type VolumeContents,
} from '../runtime.ts';
import { ContainerLog, defaultLogRotation, readLogFiles, type LogRotation } from './container-log.ts';
import { startProcess } from './container-process.ts';
import { execProcess, type ExecPlace } from './exec-process.ts';
import { assignHostPorts } from './host-ports.ts';
import { endLeftovers, removeStrangers } from './leftovers.ts';
import { PodFolder } from './pod-folder.ts';
import { ProcessGuard } from './process-guard.ts';

/** How the process runtime works. */
export interface ProcessRuntimeOptions {
  readonly clock: Clock;
  readonly logger: Logger;
  /** Folder for pod folders, logs and process records. */
  readonly stateDir: string;
  /** `loopback`: each pod has an address of 127.0.0.0/8 (Linux). `shared`: all pods share 127.0.0.1 and get free ports. Default by platform. */
  readonly addressing?: 'loopback' | 'shared';
  /** Default 127.64.0.0/12. */
  readonly podCidr?: string;
  /** Allows hostPath volumes. Default false. */
  readonly allowHostPath?: boolean;
  /** Variables every process gets before all others. Default: a PATH that finds node and the system's programs. */
  readonly baseEnv?: Readonly<Record<string, string>>;
  readonly logRotation?: LogRotation;
  /** Time from SIGTERM to SIGKILL when the runtime itself ends. Default 5000. */
  readonly closeGraceMs?: number;
}

/** The addressing that works here: only Linux has all of 127.0.0.0/8. */
export function defaultAddressing(): 'loopback' | 'shared' {
  return process.platform === 'linux' ? 'loopback' : 'shared';
}

interface Place {
  readonly folder: PodFolder;
  readonly sandbox: Sandbox;
  readonly logs: Map<string, ContainerLog>;
  readonly execPlaces: Map<string, ExecPlace>;
}

/**
 * Runs the command of each container as a process of this machine, as the user who started Tiphys: no image, no
 * isolation. Mounts appear below a folder that is the process's working directory and `TIPHYS_ROOT`.
 */
export class ProcessRuntime implements PodRuntime {
  readonly name = 'process';
  readonly real = true;
  readonly #options: ProcessRuntimeOptions;
  readonly #podsFolder: string;
  readonly #addresses: AddressPool;
  readonly #guard: ProcessGuard;
  readonly #places = new Map<string, Place>();
  readonly #running = new Set<RunningContainer>();

  constructor(options: ProcessRuntimeOptions) {
    this.#options = options;
    this.#podsFolder = join(options.stateDir, 'pods');
    // Planes of one machine share its loopback addresses and know nothing of each other: each begins elsewhere in the range.
    this.#addresses = new AddressPool(options.podCidr ?? '127.64.0.0/12', fnv32a(resolve(options.stateDir)));
    this.#guard = new ProcessGuard(this.#closeGraceMs);
  }

  async recover(pods: readonly corev1.Pod[]): Promise<void> {
    await mkdir(this.#podsFolder, { recursive: true, mode: 0o700 });
    await endLeftovers(this.#podsFolder, this.#closeGraceMs, this.#options.logger);
    await removeStrangers(this.#podsFolder, new Set(pods.map((pod) => pod.metadata.uid ?? '')));
    for (const pod of pods) if (pod.status?.podIP !== undefined) this.#addresses.reserve(pod.status.podIP, pod.metadata.uid ?? '');
  }

  async ensureSandbox(pod: corev1.Pod, volumes: readonly VolumeContents[]): Promise<Sandbox> {
    const uid = pod.metadata.uid ?? '';
    const place = this.#places.get(uid) ?? (await this.#makePlace(pod, uid));
    this.#places.set(uid, place);
    await place.folder.writeVolumes(volumes);
    return place.sandbox;
  }

  async updateVolumes(pod: corev1.Pod, volumes: readonly VolumeContents[]): Promise<void> {
    await this.#places.get(pod.metadata.uid ?? '')?.folder.writeVolumes(volumes);
  }

  async startContainer({ pod, container, attempt, command, args, env }: ContainerRequest): Promise<RunningContainer> {
    if (command.length === 0) {
      throw new RuntimeError(
        { code: 'CreateContainerConfigError' },
        `container ${container.name}: has no command, and the process runtime runs commands, not images (${container.image ?? 'no image'}); set command in the manifest or use a runtime that runs images`,
      );
    }
    const place = this.#placeOf(pod.metadata.uid ?? '', container.name);
    const cwd = await place.folder.prepareContainer(container, (text) => text.replaceAll(/\$\(([^)]+)\)/g, (whole, name: string) => env[name] ?? whole));
    const log = this.#openLog(place, container.name, attempt);
    const fullEnv = { ...this.#baseEnv, ...env };
    place.execPlaces.set(container.name, { cwd, env: fullEnv });
    const running = await startProcess(
      {
        container,
        argv: [...command, ...args],
        env: fullEnv,
        cwd,
        log,
        terminationLog: place.folder.terminationLog(container),
        recordPath: place.folder.recordOf(container.name),
      },
      this.#guard,
      this.#options.clock,
    );
    this.#running.add(running);
    void running.exited.then(() => this.#running.delete(running)); // Never rejects.
    return running;
  }

  /** Processes never outlive their agent, so there is none to take over. */
  adopt(): undefined {
    return undefined;
  }

  async removeSandbox(uid: string): Promise<void> {
    const place = this.#places.get(uid);
    this.#places.delete(uid);
    if (place !== undefined) this.#addresses.release(place.sandbox.podIP, uid);
    await (place?.folder ?? new PodFolder(join(this.#podsFolder, uid), false)).remove();
  }

  async logs(target: ContainerTarget, attempt: number, options: LogOptions, signal: AbortSignal): Promise<AsyncIterable<Uint8Array>> {
    const selection = new LogSelection(options, this.#options.clock);
    const open = this.#places.get(target.uid)?.logs.get(`${target.container}/${attempt}`);
    if (open !== undefined) {
      const { history, live } = open.read(options.follow === true ? signal : undefined);
      return answerLog(history, live, selection);
    }
    const path = new PodFolder(join(this.#podsFolder, target.uid), false).logOf(target.container, attempt);
    return answerLog(readLogFiles(path, this.#rotation), undefined, selection);
  }

  async exec(target: ContainerTarget, options: ExecOptions, streams: ExecStreams, signal: AbortSignal): Promise<{ readonly exitCode: number }> {
    const place = this.#placeOf(target.uid, target.container).execPlaces.get(target.container);
    if (place === undefined)
      throw new RuntimeError({ code: 'ContainerNotFound' }, `container ${target.container} of pod ${target.namespace}/${target.pod}: is not running`);
    return execProcess(place, options, streams, this.#guard, signal);
  }

  async close(): Promise<void> {
    await Promise.all([...this.#running].map((running) => running.stop(this.#closeGraceMs)));
    this.#guard.close();
  }

  get #closeGraceMs(): number {
    return this.#options.closeGraceMs ?? 5_000;
  }

  get #rotation(): LogRotation {
    return this.#options.logRotation ?? defaultLogRotation;
  }

  get #baseEnv(): Readonly<Record<string, string>> {
    return this.#options.baseEnv ?? { PATH: `${dirname(process.execPath)}:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin` };
  }

  #placeOf(uid: string, container: string): Place {
    const place = this.#places.get(uid);
    if (place === undefined) throw new RuntimeError({ code: 'ContainerNotFound' }, `container ${container}: its pod has no place on this node`);
    return place;
  }

  async #makePlace(pod: corev1.Pod, uid: string): Promise<Place> {
    const folder = new PodFolder(join(this.#podsFolder, uid), this.#options.allowHostPath ?? false);
    await mkdir(folder.path, { recursive: true, mode: 0o700 });
    const isShared = (this.#options.addressing ?? defaultAddressing()) === 'shared';
    const hostPorts = isShared ? await assignHostPorts(pod) : {};
    const podIP = isShared ? '127.0.0.1' : this.#address(pod, uid);
    const baseEnv = (container: corev1.Container): Readonly<Record<string, string>> => processEnv(folder.rootOf(container.name), podIP, hostPorts, container);
    return { folder, sandbox: { podIP, hostPorts, baseEnv }, logs: new Map(), execPlaces: new Map() };
  }

  #address(pod: corev1.Pod, uid: string): string {
    const kept = pod.status?.podIP;
    return kept !== undefined && this.#addresses.reserve(kept, uid) ? kept : this.#addresses.allocate(uid);
  }

  // The run before this one stays readable as the previous log; older ones are removed.
  #openLog(place: Place, container: string, attempt: number): ContainerLog {
    const old = place.folder.logOf(container, attempt - 2);
    place.logs.delete(`${container}/${attempt - 2}`);
    for (const name of [old, ...Array.from({ length: this.#rotation.maxFiles }, (_, index) => `${old}.${index + 1}`)]) rmSync(name, { force: true });
    const log = new ContainerLog(place.folder.logOf(container, attempt), this.#options.clock, this.#rotation);
    place.logs.set(`${container}/${attempt}`, log);
    return log;
  }
}

function processEnv(root: string, podIP: string, hostPorts: Readonly<Record<string, number>>, container: corev1.Container): Readonly<Record<string, string>> {
  const ports = (container.ports ?? []).map(({ containerPort }) => containerPort);
  const [first] = ports;
  return {
    TIPHYS_ROOT: root,
    POD_IP: podIP,
    HOST: podIP,
    ...(first === undefined ? {} : { PORT: String(hostPorts[first] ?? first) }),
    ...Object.fromEntries(ports.map((port) => [`TIPHYS_PORT_${port}`, String(hostPorts[port] ?? port)])),
  };
}

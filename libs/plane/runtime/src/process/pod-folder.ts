import { mkdir, rm, stat, writeFile } from 'node:fs/promises';
import { dirname, join, posix } from 'node:path';
import type { corev1 } from '@tiphys/kube-model';
import { RuntimeError, type VolumeContents } from '../runtime.ts';
import { assertInside, switchLink, writeVolume } from './volume-folder.ts';

/**
 * The folder of one pod: `volumes/<name>`, and per container `<name>/rootfs` (where mounts appear and the process
 * starts) and `<name>/logs`. Removing the folder removes the pod.
 */
export class PodFolder {
  readonly path: string;
  readonly #allowHostPath: boolean;
  readonly #places = new Map<string, string>();

  constructor(path: string, allowHostPath: boolean) {
    this.path = path;
    this.#allowHostPath = allowHostPath;
  }

  rootOf(container: string): string {
    return join(this.path, 'containers', container, 'rootfs');
  }

  logOf(container: string, attempt: number): string {
    return join(this.path, 'containers', container, 'logs', `${attempt}.log`);
  }

  recordOf(container: string): string {
    return join(this.path, 'containers', container, 'process.json');
  }

  /** Brings every volume to its contents. Throws RuntimeError for what this runtime does not offer. */
  async writeVolumes(volumes: readonly VolumeContents[]): Promise<void> {
    for (const volume of volumes) this.#places.set(volume.name, await this.#writeVolume(volume));
  }

  /** Makes the container's root: working folder, termination log and one link per volumeMount. Answers the working folder. */
  async prepareContainer(container: corev1.Container, expand: (text: string) => string): Promise<string> {
    const root = this.rootOf(container.name);
    await mkdir(root, { recursive: true, mode: 0o700 });
    // Shorter paths first: a mount inside another mount is made after the one that holds it.
    const mounts = (container.volumeMounts ?? []).toSorted((a, b) => a.mountPath.length - b.mountPath.length);
    for (const mount of mounts) await this.#mount(root, mount, expand);
    const working = inRoot(root, container.workingDir ?? '/');
    await mkdir(working, { recursive: true });
    const message = inRoot(root, container.terminationMessagePath ?? '/dev/termination-log');
    await mkdir(dirname(message), { recursive: true });
    await writeFile(message, '', { mode: 0o600 });
    return working;
  }

  /** The file a container leaves its last words in. */
  terminationLog(container: corev1.Container): string {
    return inRoot(this.rootOf(container.name), container.terminationMessagePath ?? '/dev/termination-log');
  }

  async remove(): Promise<void> {
    await rm(this.path, { recursive: true, force: true, maxRetries: 3 });
  }

  async #writeVolume(volume: VolumeContents): Promise<string> {
    if (volume.kind === 'hostPath') return this.#hostPath(volume);
    const folder = join(this.path, 'volumes', volume.name);
    await mkdir(folder, { recursive: true, mode: 0o700 });
    if (volume.kind === 'files') await writeVolume(folder, volume.files);
    return folder;
  }

  async #hostPath(volume: { readonly name: string; readonly path: string; readonly type: string }): Promise<string> {
    if (!this.#allowHostPath) {
      throw new RuntimeError(
        { code: 'CreateContainerConfigError' },
        `volume ${volume.name}: hostPath is not allowed by the process runtime; use emptyDir, or start it with host paths allowed`,
      );
    }
    if (volume.type === 'DirectoryOrCreate') await mkdir(volume.path, { recursive: true });
    if (volume.type === 'FileOrCreate') await writeFile(volume.path, '', { flag: 'a' });
    const found = await stat(volume.path).catch(() => undefined);
    const wantsFolder = volume.type.startsWith('Directory');
    if (volume.type !== '' && (found === undefined || (wantsFolder && !found.isDirectory()))) {
      throw new RuntimeError({ code: 'FailedMount' }, `volume ${volume.name}: hostPath ${volume.path} is not a ${volume.type}`);
    }
    return volume.path;
  }

  async #mount(root: string, mount: corev1.VolumeMount, expand: (text: string) => string): Promise<void> {
    const place = this.#places.get(mount.name);
    if (place === undefined)
      throw new RuntimeError({ code: 'CreateContainerConfigError' }, `volumeMount ${mount.mountPath}: there is no volume named ${mount.name}`);
    const subPath = mount.subPathExpr !== undefined ? expand(mount.subPathExpr) : (mount.subPath ?? '');
    if (subPath !== '') assertInside(subPath);
    const source = subPath === '' ? place : join(place, subPath);
    // As the kubelet does, a subPath that is not there becomes a folder.
    if (subPath !== '' && (await stat(source).catch(() => undefined)) === undefined) await mkdir(source, { recursive: true });
    const target = inRoot(root, mount.mountPath);
    if (target === root)
      throw new RuntimeError(
        { code: 'CreateContainerConfigError' },
        `volumeMount ${mount.mountPath}: the process runtime cannot mount over the root; mount at a folder below it`,
      );
    await mkdir(dirname(target), { recursive: true });
    const there = await stat(target).catch(() => undefined);
    // An earlier run may have left a folder or a link; rm takes the link, never what it points to.
    if (there !== undefined) await rm(target, { recursive: true, force: true });
    await switchLink(target, source);
  }
}

// An absolute path of the container as a path below its root; `..` cannot leave it.
function inRoot(root: string, path: string): string {
  return join(root, posix.normalize(`/${path}`));
}

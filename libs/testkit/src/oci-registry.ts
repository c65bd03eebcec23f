import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createServer, type AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { eventually } from './eventually.ts';

/** A real registry on loopback with its data in a temporary folder. */
export interface OciRegistry extends AsyncDisposable {
  /** `127.0.0.1:port`. */
  readonly host: string;
  /** Pushes a packed chart as `name:version`. */
  pushChart(name: string, version: string, archive: Uint8Array): Promise<void>;
}

/** Starts Debian's docker-registry. `program` is its path. */
export async function startOciRegistry(program: string): Promise<OciRegistry> {
  const folder = await mkdtemp(path.join(tmpdir(), 'tiphys-registry-'));
  const host = `127.0.0.1:${await freePort()}`;
  const config = `version: 0.1\nlog: {level: error}\nstorage: {filesystem: {rootdirectory: ${folder}/data}}\nhttp: {addr: ${host}}\n`;
  await writeFile(path.join(folder, 'config.yml'), config);
  const child = spawn(program, ['serve', path.join(folder, 'config.yml')], { stdio: 'ignore' });
  const isUp = (): Promise<boolean> =>
    fetch(`http://${host}/v2/`).then(
      ({ ok }) => ok,
      () => false,
    );
  await eventually('the registry answers', isUp, (up) => up);

  async function upload(name: string, bytes: Uint8Array): Promise<string> {
    const digest = `sha256:${createHash('sha256').update(bytes).digest('hex')}`;
    const begun = await fetch(`http://${host}/v2/${name}/blobs/uploads/`, { method: 'POST' });
    const location = new URL(begun.headers.get('location') ?? '', `http://${host}`);
    location.searchParams.set('digest', digest);
    await fetch(location, { method: 'PUT', body: new Uint8Array(bytes), headers: { 'content-type': 'application/octet-stream' } });
    return digest;
  }

  return {
    host,
    async pushChart(name, version, archive) {
      const config = Buffer.from(JSON.stringify({ name: path.posix.basename(name), version }));
      const manifest = {
        schemaVersion: 2,
        mediaType: 'application/vnd.oci.image.manifest.v1+json',
        config: { mediaType: 'application/vnd.cncf.helm.config.v1+json', digest: await upload(name, config), size: config.length },
        layers: [{ mediaType: 'application/vnd.cncf.helm.chart.content.v1.tar+gzip', digest: await upload(name, archive), size: archive.length }],
      };
      const answer = await fetch(`http://${host}/v2/${name}/manifests/${version.replaceAll('+', '_')}`, {
        method: 'PUT',
        body: JSON.stringify(manifest),
        headers: { 'content-type': manifest.mediaType },
      });
      if (answer.status !== 201) throw new Error(`registry: push of ${name} ${version} answered ${answer.status}`);
    },
    async [Symbol.asyncDispose]() {
      child.kill('SIGKILL');
      await rm(folder, { recursive: true, force: true, maxRetries: 3 });
    },
  };
}

async function freePort(): Promise<number> {
  const probe = createServer();
  const port = await new Promise<number>((resolve) => probe.listen(0, '127.0.0.1', () => resolve((probe.address() as AddressInfo).port)));
  await new Promise((resolve) => probe.close(resolve));
  return port;
}

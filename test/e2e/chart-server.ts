import { createHash } from 'node:crypto';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { gzipSync } from 'node:zlib';

/** A chart repository over HTTP on loopback. */
export interface ChartServer extends AsyncDisposable {
  readonly url: string;
  /** What it has, by the name of the chart; may be changed at any time. */
  readonly offered: Map<string, readonly string[]>;
}

export async function startChartServer(offered: Readonly<Record<string, readonly string[]>>): Promise<ChartServer> {
  const all = new Map(Object.entries(offered));
  const server = createServer((request, response) => {
    const archive = /^\/(\w+)-([\d.]+)\.tgz$/.exec(request.url ?? '');
    if (request.url === '/index.yaml') response.end(index(all));
    else if (archive === null) response.writeHead(404).end();
    else response.end(chartArchive(archive[1] ?? '', archive[2] ?? ''));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    offered: all,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

/** A packaged chart with one ConfigMap that tells what it was rendered with. */
export function chartArchive(name: string, version: string): Buffer {
  return tar({
    [`${name}/Chart.yaml`]: `apiVersion: v2\nname: ${name}\nversion: ${version}\n`,
    [`${name}/values.yaml`]: 'message: from the chart\n',
    [`${name}/templates/config.yaml`]: `apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: {{ .Release.Name }}-${name}\ndata:\n  message: {{ .Values.message | quote }}\n  version: {{ .Chart.Version | quote }}\n  kube: {{ .Capabilities.KubeVersion.Minor | quote }}\n  apps: {{ .Capabilities.APIVersions.Has "apps/v1/Deployment" | quote }}\n`,
  });
}

function index(offered: ReadonlyMap<string, readonly string[]>): string {
  const entries = [...offered].map(([name, versions]) => {
    const rows = versions.map((version) => {
      const digest = createHash('sha256').update(chartArchive(name, version)).digest('hex');
      return `    - {version: ${version}, urls: [${name}-${version}.tgz], digest: ${digest}}\n`;
    });
    return `  ${name}:\n${rows.join('')}`;
  });
  return `apiVersion: v1\nentries:\n${entries.join('')}`;
}

/** One ustar archive of text files. */
function tar(files: Readonly<Record<string, string>>): Buffer {
  const blocks = Object.entries(files).flatMap(([name, text]) => {
    const data = Buffer.from(text);
    const header = Buffer.alloc(512);
    header.write(name, 0);
    header.write('0000644\0', 100);
    header.write('0000000\0', 108);
    header.write('0000000\0', 116);
    header.write(`${data.length.toString(8).padStart(11, '0')}\0`, 124);
    header.write('00000000000\0', 136);
    header.write('        ', 148);
    header.write('0', 156);
    header.write('ustar\u000000', 257);
    const sum = header.reduce((total, byte) => total + byte, 0);
    header.write(`${sum.toString(8).padStart(6, '0')}\0 `, 148);
    return [header, data, Buffer.alloc((512 - (data.length % 512)) % 512)];
  });
  return gzipSync(Buffer.concat([...blocks, Buffer.alloc(1024)]));
}

import { execFileSync, spawn } from 'node:child_process';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import path from 'node:path';

/** How the test server behaves; fields may be changed while it runs. */
export interface GitServerBehaviour {
  /** Refuses every request without exactly this Authorization header. */
  authorization?: string;
  /** Accepts requests and never answers them. */
  hang?: boolean;
  /** Waits so long before every answer. */
  delayMs?: number;
  /** Answers every request with this HTTP status. */
  status?: number;
}

/** A Git server over smart HTTP for tests. */
export interface GitServer extends AsyncDisposable {
  /** Base URL; a repository is at `<url>/<folder name>`. */
  readonly url: string;
  readonly behaviour: GitServerBehaviour;
  /** Requests seen: `GET /repo/info/refs`. */
  readonly requests: readonly string[];
}

/** Serves every repository below `root` through `git http-backend` on a loopback port. */
export async function startGitServer(root: string, behaviour: GitServerBehaviour = {}): Promise<GitServer> {
  const backend = path.join(execFileSync('git', ['--exec-path'], { encoding: 'utf8' }).trim(), 'git-http-backend');
  const requests: string[] = [];
  const server = createServer((request, response) => {
    requests.push(`${request.method ?? ''} ${(request.url ?? '').split('?')[0] ?? ''}`);
    if (behaviour.hang === true) return;
    if (behaviour.status !== undefined) {
      response.writeHead(behaviour.status).end('refused');
    } else if (behaviour.authorization !== undefined && request.headers.authorization !== behaviour.authorization) {
      response.writeHead(401, { 'www-authenticate': 'Basic realm="git"' }).end();
    } else setTimeout(() => serve(backend, root, request, response), behaviour.delayMs ?? 0);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  const port = typeof address === 'object' && address !== null ? address.port : 0;
  return {
    url: `http://127.0.0.1:${port}`,
    behaviour,
    requests,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

function serve(backend: string, root: string, request: IncomingMessage, response: ServerResponse): void {
  const url = new URL(request.url ?? '/', 'http://localhost');
  const child = spawn(backend, [], {
    env: {
      PATH: '/usr/bin:/bin',
      GIT_PROJECT_ROOT: root,
      GIT_HTTP_EXPORT_ALL: '1',
      GIT_CONFIG_COUNT: '1',
      GIT_CONFIG_KEY_0: 'safe.directory',
      GIT_CONFIG_VALUE_0: '*',
      PATH_INFO: url.pathname,
      QUERY_STRING: url.search.slice(1),
      REQUEST_METHOD: request.method ?? 'GET',
      CONTENT_TYPE: request.headers['content-type'] ?? '',
      HTTP_CONTENT_ENCODING: request.headers['content-encoding'] ?? '',
      GIT_PROTOCOL: String(request.headers['git-protocol'] ?? ''),
      ...(request.headers['content-length'] === undefined ? {} : { CONTENT_LENGTH: request.headers['content-length'] }),
    },
  });
  request.pipe(child.stdin);
  child.stdin.on('error', () => undefined);
  let head = Buffer.alloc(0);
  let isBody = false;
  child.stdout.on('data', (chunk: Buffer) => {
    if (isBody) {
      response.write(chunk);
      return;
    }
    head = Buffer.concat([head, chunk]);
    const end = head.indexOf('\r\n\r\n');
    if (end < 0) return;
    isBody = true;
    writeHead(response, head.subarray(0, end).toString());
    response.write(head.subarray(end + 4));
  });
  child.on('close', () => response.end());
  child.on('error', () => response.writeHead(500).end());
}

function writeHead(response: ServerResponse, text: string): void {
  let status = 200;
  for (const line of text.split('\r\n')) {
    const [name = '', ...rest] = line.split(': ');
    if (name.toLowerCase() === 'status') status = Number.parseInt(rest.join(': '), 10);
    else if (name !== '') response.setHeader(name, rest.join(': '));
  }
  response.writeHead(status);
}

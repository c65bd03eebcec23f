import { connect, type ClientHttp2Session } from 'node:http2';
import { createLogger } from '@tiphys/kernel';
import { createMemoryStore, type Store } from '@tiphys/plane-store';
import { startApiServer, type ApiServer, type ApiServerOptions } from './server.ts';

/** An answer as a test looks at it. */
export interface TestAnswer {
  readonly code: number;
  readonly headers: Readonly<Record<string, unknown>>;
  readonly text: string;
  readonly bytes: Buffer;
  /** The body as JSON; tests assert on what they read from it. */
  // eslint-disable-next-line typescript/no-explicit-any -- the tests read deep into bodies they assert on
  readonly body: any;
}

/** A request of a test. */
export interface TestRequest {
  readonly body?: unknown;
  readonly contentType?: string;
  readonly accept?: string;
  readonly token?: string;
  readonly raw?: Uint8Array;
  readonly headers?: Readonly<Record<string, string | readonly string[]>>;
}

/** An API server with a raw HTTP/2 client. */
export interface TestServer extends AsyncDisposable {
  readonly server: ApiServer;
  readonly store: Store;
  call(method: string, path: string, request?: TestRequest): Promise<TestAnswer>;
  /** Reads watch events until `count` have come. */
  watch(path: string, count: number, accept?: string): Promise<TestAnswer['body'][]>;
}

/** Starts a server over a memory store. */
export async function startTestServer(options: Partial<ApiServerOptions> & { readonly store?: Store } = {}): Promise<TestServer> {
  const store = options.store ?? createMemoryStore();
  const server = await startApiServer({ logger: createLogger({ level: 'error' }), ...options, store });
  const session = connect(server.url, { ca: server.caPem });
  const call = (method: string, path: string, request: TestRequest = {}): Promise<TestAnswer> => send(session, server, method, path, request);
  return {
    server,
    store,
    call,
    watch: (path, count, accept) => readEvents(session, server, path, count, accept),
    async [Symbol.asyncDispose]() {
      session.destroy();
      await server.close();
      await store.close();
    },
  };
}

function send(session: ClientHttp2Session, server: ApiServer, method: string, path: string, request: TestRequest): Promise<TestAnswer> {
  return new Promise((resolve, reject) => {
    const stream = session.request(
      {
        ':method': method,
        ':path': path,
        ...(request.token === '' ? {} : { authorization: `Bearer ${request.token ?? server.adminToken}` }),
        'user-agent': 'tests/1.0',
        ...request.headers,
        ...(request.accept === undefined ? {} : { accept: request.accept }),
        ...(request.body === undefined && request.raw === undefined ? {} : { 'content-type': request.contentType ?? 'application/json' }),
      },
      { endStream: false },
    );
    let headers: Readonly<Record<string, unknown>> = {};
    const parts: Buffer[] = [];
    stream.on('response', (received) => (headers = received));
    stream.on('data', (part: Buffer) => parts.push(part));
    stream.on('error', reject);
    stream.on('end', () => {
      const bytes = Buffer.concat(parts);
      const text = bytes.toString();
      resolve({
        code: Number(headers[':status']),
        headers,
        text,
        bytes,
        body:
          String(headers['content-type']).startsWith('application/json') && headers['content-encoding'] === undefined && !text.includes('}\n{') && text !== ''
            ? JSON.parse(text)
            : undefined,
      });
    });
    stream.end(request.raw ?? (request.body === undefined ? undefined : typeof request.body === 'string' ? request.body : JSON.stringify(request.body)));
  });
}

function readEvents(session: ClientHttp2Session, server: ApiServer, path: string, count: number, accept = 'application/json'): Promise<TestAnswer['body'][]> {
  return new Promise((resolve, reject) => {
    const stream = session.request({ ':path': path, authorization: `Bearer ${server.adminToken}`, accept });
    const events: TestAnswer['body'][] = [];
    let rest = '';
    stream.setEncoding('utf8');
    stream.on('data', (part: string) => {
      rest += part;
      const lines = rest.split('\n');
      rest = lines.pop() ?? '';
      events.push(...lines.filter((line) => line !== '').map((line) => JSON.parse(line)));
      if (events.length < count) return;
      stream.close();
      resolve(events);
    });
    stream.on('error', reject);
    stream.on('end', () => resolve(events));
  });
}

import type { IncomingHttpHeaders } from 'node:http';
import { Agent, request } from 'node:https';
import { createLogger, supervise, systemClock } from '@tiphys/kernel';
import { createInformerFactory, createKubeClient } from '@tiphys/kube-client';
import { startApiServer, type ApiServer, type ApiServerOptions } from '@tiphys/plane-apiserver';
import { createControllers } from '@tiphys/plane-controllers';
import { createMemoryStore, type RetentionOptions, type Store } from '@tiphys/plane-store';
import { eventually } from '@tiphys/testkit';

/** An answer as a test looks at it. */
export interface Answer {
  readonly code: number;
  readonly headers: IncomingHttpHeaders;
  readonly text: string;
  /** The body as JSON; tests assert on what they read from it. */
  // eslint-disable-next-line typescript/no-explicit-any -- the tests read deep into bodies they assert on
  readonly body: any;
}

/** A request of a test. */
export interface Call {
  readonly body?: unknown;
  readonly contentType?: string;
  readonly accept?: string;
  readonly token?: string;
  readonly headers?: Readonly<Record<string, string>>;
}

/** One event of a watch. */
export interface WatchEvent {
  readonly type: string;
  readonly object: Answer['body'];
}

/** An open watch: events in the order they came. */
export interface Watch {
  /** All events so far. */
  readonly events: readonly WatchEvent[];
  /** The next event that fits, after those already answered. */
  until(what: string, fits: (event: WatchEvent) => boolean): Promise<WatchEvent>;
  close(): void;
}

/** The content types of patches. */
export const PATCH = {
  json: 'application/json-patch+json',
  merge: 'application/merge-patch+json',
  strategic: 'application/strategic-merge-patch+json',
  apply: 'application/apply-patch+yaml',
} as const;

/** A control plane without nodes, and a client of its wire. */
export interface ConformancePlane extends AsyncDisposable {
  readonly server: ApiServer;
  readonly store: Store;
  call(method: string, path: string, options?: Call): Promise<Answer>;
  /** The body of an answer that must have this code. */
  must(code: number, method: string, path: string, options?: Call): Promise<Answer['body']>;
  /** Reads an object and writes it back changed, again where somebody else wrote in between, as clients do. */
  edit(path: string, change: (live: Answer['body']) => void): Promise<Answer['body']>;
  watch(path: string): Promise<Watch>;
  /** A namespace of its own, with what every namespace has. */
  namespace(): Promise<string>;
}

/** Starts the plane as a user has it, without nodes. */
export async function startConformancePlane(
  options: { readonly retention?: RetentionOptions; readonly api?: Partial<ApiServerOptions> } = {},
): Promise<ConformancePlane> {
  const logger = createLogger({ level: process.env['TEST_LOG'] === undefined ? 'silent' : 'debug' });
  const store = createMemoryStore(options.retention);
  const server = await startApiServer({ store, logger, ...options.api });
  const client = createKubeClient({ server: server.url, ca: server.caPem, token: server.adminToken });
  const informers = createInformerFactory({ client, clock: systemClock, logger });
  const stop = new AbortController();
  const running = supervise([informers, ...createControllers({ client, informers, clock: systemClock, logger, rootCaPem: server.caPem })], {
    signal: stop.signal,
    logger,
  });
  const agent = new Agent({ keepAlive: true, ca: server.caPem });
  const call = (method: string, path: string, call: Call = {}): Promise<Answer> => send(agent, server, method, path, call);
  const must = async (code: number, method: string, path: string, options?: Call): Promise<Answer['body']> => {
    const answer = await call(method, path, options);
    if (answer.code !== code) throw new Error(`${method} ${path}: ${answer.code} instead of ${code}: ${answer.text.slice(0, 2_000)}`);
    return answer.body;
  };
  const edit = async (path: string, change: (live: Answer['body']) => void): Promise<Answer['body']> => {
    const written = await eventually(
      `${path} is written`,
      async () => {
        const live = await must(200, 'GET', path);
        change(live);
        return await call('PUT', path, { body: live });
      },
      ({ code }) => code !== 409,
    );
    if (written.code !== 200) throw new Error(`PUT ${path}: ${written.code}: ${written.text.slice(0, 2_000)}`);
    return written.body;
  };
  let namespaces = 0;
  return {
    server,
    store,
    call,
    must,
    edit,
    watch: (path) => openWatch(agent, server, path),
    async namespace() {
      namespaces += 1;
      const name = `conformance-${namespaces}`;
      await must(201, 'POST', '/api/v1/namespaces', { body: { apiVersion: 'v1', kind: 'Namespace', metadata: { name, labels: { suite: 'conformance' } } } });
      for (const path of ['serviceaccounts/default', 'configmaps/kube-root-ca.crt'])
        await eventually(
          `${path} of ${name}`,
          () => call('GET', `/api/v1/namespaces/${name}/${path}`),
          ({ code }) => code === 200,
        );
      return name;
    },
    async [Symbol.asyncDispose]() {
      stop.abort();
      await running;
      agent.destroy();
      await client.close();
      await server.close();
      await store.close();
    },
  };
}

function headersOf(server: ApiServer, { body, contentType, accept, token, headers }: Call): Record<string, string> {
  return {
    'user-agent': 'conformance/1.0',
    ...(token === '' ? {} : { authorization: `Bearer ${token ?? server.adminToken}` }),
    ...(accept === undefined ? {} : { accept }),
    ...(body === undefined ? {} : { 'content-type': contentType ?? 'application/json' }),
    ...headers,
  };
}

function send(agent: Agent, server: ApiServer, method: string, path: string, call: Call): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const sent = request(`${server.url}${path}`, { method, agent, headers: headersOf(server, call) }, (response) => {
      const parts: Buffer[] = [];
      response.on('data', (part: Buffer) => parts.push(part));
      response.on('error', reject);
      response.on('end', () => {
        const text = Buffer.concat(parts).toString();
        const isJson = response.headers['content-type']?.startsWith('application/json') === true && text !== '';
        resolve({ code: response.statusCode ?? 0, headers: response.headers, text, body: isJson ? JSON.parse(text) : undefined });
      });
    });
    sent.on('error', reject);
    const { body } = call;
    sent.end(body === undefined ? undefined : typeof body === 'string' || Buffer.isBuffer(body) ? body : JSON.stringify(body));
  });
}

const WATCH_WAIT_MS = 10_000;

function openWatch(agent: Agent, server: ApiServer, path: string): Promise<Watch> {
  return new Promise((resolve, reject) => {
    const sent = request(`${server.url}${path}${path.includes('?') ? '&' : '?'}watch=true`, { agent, headers: headersOf(server, {}) }, (response) => {
      const events: WatchEvent[] = [];
      let rest = '';
      response.setEncoding('utf8');
      response.on('data', (part: string) => {
        const lines = (rest + part).split('\n');
        rest = lines.pop() ?? '';
        // A watch answers one event a line.
        events.push(...lines.filter((line) => line !== '').map((line) => JSON.parse(line) as WatchEvent));
      });
      // Closing a watch ends its connection.
      response.on('error', () => undefined);
      let seen = 0;
      if (response.statusCode !== 200) reject(new Error(`watch of ${path}: ${response.statusCode}`));
      else
        resolve({
          events,
          async until(what, fits) {
            const found = (): number => events.findIndex((event, index) => index >= seen && fits(event));
            await eventually(`${what} at ${path} (events: ${events.length})`, found, (index) => index >= 0, WATCH_WAIT_MS);
            const index = found();
            seen = index + 1;
            return events[index] as WatchEvent; // It was found.
          },
          close: () => void sent.destroy(),
        });
    });
    sent.on('error', reject);
    sent.end();
  });
}

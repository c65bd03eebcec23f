import { createHmac } from 'node:crypto';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import type { Application } from '@tiphys/delivery-applications';
import { loadKubeconfigClient, type KubeClient } from '@tiphys/kube-client';
import { vi } from 'vitest';
import { eventually, runTiphys, startTiphys, type CommandResult, type TiphysProcess } from '@tiphys/testkit';

// Starting a process takes a second where nothing else runs and several where everything does.
vi.setConfig({ testTimeout: 60_000 });

/** An answer of the delivery API, read to its end. */
export interface Answer<T> {
  readonly status: number;
  readonly headers: Headers;
  readonly text: string;
  /** Undefined when the answer is no JSON. */
  readonly body: T;
}

/** A folder that is a user's whole world, and what is asked of the processes that run in it. */
export class Home implements AsyncDisposable {
  readonly folder: string;
  readonly #processes: TiphysProcess[] = [];
  #token = '';
  /** Where the delivery API is. */
  url = '';

  constructor(folder: string) {
    this.folder = folder;
  }

  /** Starts a long-running command; when it serves the delivery API, later calls go there. */
  async start(args: readonly string[], env: Readonly<Record<string, string>> = {}): Promise<TiphysProcess> {
    const started = await startTiphys(args, { home: this.folder, env });
    this.#processes.push(started);
    if (started.ready['console'] === undefined) return started;
    this.url = started.ready['console'];
    const saved = JSON.parse(await readFile(path.join(this.folder, 'cli.json'), 'utf8')) as { readonly token: string }; // Written by the command.
    this.#token = saved.token;
    return started;
  }

  get token(): string {
    return this.#token;
  }

  cli(...args: readonly string[]): Promise<CommandResult> {
    return runTiphys(args, { home: this.folder });
  }

  /** Runs a command that has to succeed and answers what it printed. */
  async ok(...args: readonly string[]): Promise<string> {
    const { code, out, err } = await this.cli(...args);
    if (code !== 0) throw new Error(`tiphys ${args.join(' ')}: ended with ${code}: ${out}${err}`);
    return out;
  }

  async call<T = Record<string, unknown>>(method: string, target: string, body?: unknown, headers: Readonly<Record<string, string>> = {}): Promise<Answer<T>> {
    const response = await fetch(`${this.url}${target}`, {
      method,
      headers: { authorization: `Bearer ${this.#token}`, ...(body === undefined ? {} : { 'content-type': 'application/json' }), ...headers },
      ...(body === undefined ? {} : { body: typeof body === 'string' ? body : JSON.stringify(body) }),
      signal: AbortSignal.timeout(20_000),
    });
    const text = await response.text();
    return { status: response.status, headers: response.headers, text, body: parse(text) as T }; // The caller names what the path promises.
  }

  async application(name: string): Promise<Application> {
    const { status, text, body } = await this.call<Application>('GET', `/api/v1/applications/${name}`);
    if (status !== 200) throw new Error(`application ${name}: ${status} ${text}`);
    return body;
  }

  /** Waits until an application is Synced, Healthy and idle, at `revision` when one is given. */
  settled(name: string, revision?: string, timeoutMs = 20_000): Promise<Application> {
    return eventually(
      `${name} is Synced and Healthy${revision === undefined ? '' : ` at ${revision}`}`,
      () => this.application(name),
      ({ status, operation }) =>
        status?.sync?.status === 'Synced' &&
        status.health?.status === 'Healthy' &&
        status.operationState?.phase === 'Succeeded' &&
        operation === undefined &&
        (revision === undefined || status.sync.revision === revision),
      timeoutMs,
    );
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const started of this.#processes.toReversed()) await started[Symbol.asyncDispose]();
    await rm(this.folder, { recursive: true, force: true, maxRetries: 5 });
  }
}

export async function createHome(): Promise<Home> {
  return new Home(await mkdtemp(path.join(tmpdir(), 'tiphys-home-')));
}

/** A client as anyone has who holds only a kubeconfig. */
export function clientOf(kubeconfig: string): Promise<KubeClient> {
  return loadKubeconfigClient({ from: { path: kubeconfig } });
}

/** Arguments of a quick `up` that plays pods and listens on free ports. */
export const SIMULATED = ['up', '--runtime', 'simulated', '--port', '0', '--https-port', '0'] as const;

export const deployment = (name: string, replicas = 1, image = 'nginx:1.25'): string => `apiVersion: apps/v1
kind: Deployment
metadata: {name: ${name}}
spec:
  replicas: ${replicas}
  selector: {matchLabels: {app: ${name}}}
  template:
    metadata: {labels: {app: ${name}}}
    spec: {containers: [{name: main, image: "${image}"}]}
`;

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/** One event of the stream. */
export interface StreamMessage {
  readonly id: string;
  readonly event: string;
  readonly data: string;
}

/** Follows the event stream, from after `lastEventId` when one is given. What has arrived stands in `messages`. */
export function followStream(home: Home, lastEventId?: string): { readonly messages: readonly StreamMessage[]; close(): void } {
  const stop = new AbortController();
  const messages: StreamMessage[] = [];
  const read = async (): Promise<void> => {
    const headers = { authorization: `Bearer ${home.token}`, ...(lastEventId === undefined ? {} : { 'last-event-id': lastEventId }) };
    const response = await fetch(`${home.url}/api/v1/stream/applications`, { headers, signal: stop.signal });
    const decoder = new TextDecoder();
    let pending = '';
    for await (const chunk of response.body ?? []) {
      pending += decoder.decode(chunk, { stream: true });
      const blocks = pending.split('\n\n');
      pending = blocks.pop() ?? '';
      for (const block of blocks) {
        const field = (name: string): string =>
          block
            .split('\n')
            .find((line) => line.startsWith(`${name}: `))
            ?.slice(name.length + 2) ?? '';
        if (field('event') !== '') messages.push({ id: field('id'), event: field('event'), data: field('data') });
      }
    }
  };
  read().catch(() => undefined); // Ends by `close`; a test that waits for a message sees that none came.
  return { messages, close: () => stop.abort() };
}

/** The headers GitHub sends with a push of this body. */
export function signedBy(secret: string, body: string): Readonly<Record<string, string>> {
  return {
    'content-type': 'application/json',
    'x-github-event': 'push',
    'x-hub-signature-256': `sha256=${createHmac('sha256', secret).update(body).digest('hex')}`,
  };
}

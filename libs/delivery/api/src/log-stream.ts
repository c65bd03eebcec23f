import { mapLimit, messageOf } from '@tiphys/kernel';
import type { Application } from '@tiphys/delivery-applications';
import { builtin, resourcePath, type corev1 } from '@tiphys/kube-model';
import type { KubeClient } from '@tiphys/kube-client';
import type { Response } from 'express';
import { once } from 'node:events';
import { ApiError } from './api-error.ts';
import type { Call, RouteContext } from './context.ts';
import type { LogLine } from './wire.ts';

const podType = builtin('v1', 'Pod');
/** Containers followed at once; more are named as left out, never dropped in silence. */
const MAX_STREAMS = 40;
const MAX_LINE_CHARS = 256 * 1024;

interface LogTarget {
  readonly namespace: string;
  readonly pod: string;
  readonly container: string;
}

/**
 * Streams log lines of an application's pods, merged as they arrive: one JSON document `{"result": LogLine}` a line, as Argo CD
 * does. Query: podName, container, namespace, follow, previous, tailLines, sinceSeconds, filter (`!` in front inverts).
 */
export async function streamLogs(context: RouteContext, application: Application, response: Response, call: Call): Promise<void> {
  const { backend } = context;
  const client = await backend.targetClient(application, call.signal);
  const { nodes } = await backend.resourceTree(application, call.signal);
  const pods = nodes.filter(
    (node) => node.kind === 'Pod' && node.group === '' && matches(call.query, 'podName', node.name) && matches(call.query, 'namespace', node.namespace ?? ''),
  );
  if (pods.length === 0) throw new ApiError({ code: 'notFound' }, `application ${application.metadata.name ?? ''}: no pod matches`);
  const containers = await mapLimit(pods.slice(0, MAX_STREAMS), 8, (pod) => containersOf(client, pod.namespace ?? 'default', pod.name, call), call.signal);
  const targets = containers.flat();
  response.status(200).type('application/json').flushHeaders();
  const write = lineWriter(response, call);
  const left = targets.length - MAX_STREAMS + Math.max(0, pods.length - MAX_STREAMS);
  if (left > 0)
    await write({
      podName: '',
      container: '',
      content: `showing ${MAX_STREAMS} containers; ${left} more are left out: choose one with podName`,
      timeStampStr: '',
    });
  await Promise.all(targets.slice(0, MAX_STREAMS).map((target) => follow(client, target, call, write)));
  response.end();
}

function matches(query: URLSearchParams, name: string, value: string): boolean {
  const wanted = query.get(name);
  return wanted === null || wanted === '' || wanted === value;
}

async function containersOf(client: KubeClient, namespace: string, name: string, call: Call): Promise<readonly LogTarget[]> {
  const pod = await client.get<corev1.Pod>(podType, { namespace, name }, { signal: call.signal });
  return [...(pod.spec?.initContainers ?? []), ...(pod.spec?.containers ?? [])]
    .filter((container) => matches(call.query, 'container', container.name))
    .map((container) => ({ namespace, pod: name, container: container.name }));
}

async function follow(client: KubeClient, target: LogTarget, call: Call, write: (line: LogLine) => Promise<void>): Promise<void> {
  const { query, signal } = call;
  const line = (content: string, timeStampStr: string): LogLine => ({ podName: target.pod, container: target.container, content, timeStampStr });
  try {
    const options = Object.fromEntries(
      ['follow', 'previous', 'tailLines', 'sinceSeconds', 'limitBytes'].flatMap((name) => (query.get(name) === null ? [] : [[name, query.get(name) ?? '']])),
    );
    const answer = await client.raw({
      method: 'GET',
      path: resourcePath(podType, { namespace: target.namespace, name: target.pod }, 'log'),
      query: { ...options, container: target.container, timestamps: 'true' },
      headers: { accept: '*/*' },
      signal,
    });
    const wanted = filterOf(query.get('filter') ?? '');
    for await (const text of linesOf(answer.body)) {
      const space = text.indexOf(' ');
      const content = text.slice(space + 1);
      if (wanted(content)) await write(line(content, text.slice(0, space)));
    }
  } catch (error) {
    // One container that has no log yet must not end the others' streams.
    if (!signal.aborted) await write(line(`[no log: ${messageOf(error)}]`, ''));
  }
}

function filterOf(filter: string): (content: string) => boolean {
  const inverted = filter.startsWith('!');
  const text = inverted ? filter.slice(1) : filter;
  return text === '' ? () => true : (content) => content.includes(text) !== inverted;
}

async function* linesOf(body: AsyncIterable<Uint8Array>): AsyncGenerator<string> {
  const decoder = new TextDecoder();
  let pending = '';
  for await (const chunk of body) {
    pending += decoder.decode(chunk, { stream: true });
    const lines = pending.split('\n');
    pending = lines.pop() ?? '';
    for (const text of lines) if (text !== '') yield text.slice(0, MAX_LINE_CHARS);
    if (pending.length > MAX_LINE_CHARS) {
      yield pending.slice(0, MAX_LINE_CHARS);
      pending = '';
    }
  }
  if (pending !== '') yield pending;
}

// Containers write in turn: a slow client slows the reading, so memory stays bounded.
function lineWriter(response: Response, call: Call): (line: LogLine) => Promise<void> {
  let last: Promise<void> = Promise.resolve();
  return (line) => {
    last = last.then(async () => {
      if (call.signal.aborted || response.write(`${JSON.stringify({ result: line })}\n`)) return;
      await once(response, 'drain', { signal: call.signal }).catch(() => undefined); // The client went away: the reads end by the signal.
    });
    return last;
  };
}

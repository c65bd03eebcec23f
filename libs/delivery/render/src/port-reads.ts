import type { MessagePort } from 'node:worker_threads';
import { messageOf, unreachable } from '@tiphys/kernel';
import type { ClusterCapabilities, SourceEntry, SourceReads, LookupQuery, WantedChart, WantedRepository } from './tool.ts';

interface Ask {
  readonly id: number;
  readonly operation: 'read' | 'list' | 'capabilities' | 'revision' | 'chart' | 'lookup' | 'remote' | 'remoteFile';
  readonly path: string;
  readonly ref?: string;
  readonly chart?: WantedChart;
  readonly query?: LookupQuery;
  readonly repository?: WantedRepository;
}

// What a tool gets for what it asked; each operation has its own type.
type ReadValue = unknown;

type Answer = { readonly id: number; readonly value: ReadValue } | { readonly id: number; readonly failure: string };

/** Answers the reads of a worker from this side, where the repository is. Failures are kept for the caller, the worker sees their text. */
export function serveReads(port: MessagePort, reads: SourceReads, onFailure: (error: unknown) => void): void {
  port.on('message', (ask: Ask) => {
    perform(reads, ask).then(
      (value) => port.postMessage({ id: ask.id, value } satisfies Answer),
      (error: unknown) => {
        onFailure(error);
        port.postMessage({ id: ask.id, failure: messageOf(error) } satisfies Answer);
      },
    );
  });
}

function perform(reads: SourceReads, { operation, path, ref, chart, query, repository }: Ask): Promise<ReadValue> {
  switch (operation) {
    case 'read':
      return reads.read(path, ref);
    case 'list':
      return reads.list(path, ref);
    case 'capabilities':
      return reads.capabilities();
    case 'revision':
      return reads.revision();
    case 'chart':
      return chart === undefined ? Promise.resolve(undefined) : reads.chart(chart);
    case 'lookup':
      return query === undefined ? Promise.resolve(undefined) : reads.lookup(query);
    case 'remote':
      return repository === undefined ? Promise.resolve(undefined) : reads.remote(repository);
    case 'remoteFile':
      return reads.remoteFile(path);
    default:
      return unreachable(operation);
  }
}

/** Reads through a port: what a tool in a worker sees. */
export function portReads(port: MessagePort): SourceReads {
  const waiting = new Map<number, (answer: Answer) => void>();
  let next = 0;
  port.on('message', (answer: Answer) => {
    waiting.get(answer.id)?.(answer);
    waiting.delete(answer.id);
  });
  const ask = (operation: Ask['operation'], path: string = '', more: Pick<Ask, 'ref' | 'chart' | 'query' | 'repository'> = {}): Promise<unknown> =>
    new Promise((resolve, reject) => {
      next += 1;
      waiting.set(next, (answer) => {
        if ('failure' in answer) reject(new Error(answer.failure));
        else resolve(answer.value);
      });
      port.postMessage({ id: next, operation, path, ...more } satisfies Ask);
    });
  return {
    // The other side answers each operation with its own type.
    read: async (path, ref) => (await ask('read', path, ref === undefined ? {} : { ref })) as Uint8Array | undefined,
    list: async (path, ref) => (await ask('list', path, ref === undefined ? {} : { ref })) as readonly SourceEntry[] | undefined,
    capabilities: async () => (await ask('capabilities')) as ClusterCapabilities,
    revision: async () => (await ask('revision')) as string,
    lookup: (query) => ask('lookup', '', { query }),
    remote: async (repository) => (await ask('remote', '', { repository })) as string | undefined,
    remoteFile: async (url) => (await ask('remoteFile', url)) as Uint8Array | undefined,
    chart: async (chart) => (await ask('chart', '', { chart })) as Uint8Array | undefined,
  };
}

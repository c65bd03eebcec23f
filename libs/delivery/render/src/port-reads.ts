import type { MessagePort } from 'node:worker_threads';
import { messageOf } from '@tiphys/kernel';
import type { SourceEntry, SourceReads } from './tool.ts';

interface Ask {
  readonly id: number;
  readonly operation: 'read' | 'list';
  readonly path: string;
}

type Answer = { readonly id: number; readonly value: Uint8Array | readonly SourceEntry[] | undefined } | { readonly id: number; readonly failure: string };

/** Answers the reads of a worker from this side, where the repository is. Failures are kept for the caller, the worker sees their text. */
export function serveReads(port: MessagePort, reads: SourceReads, onFailure: (error: unknown) => void): void {
  port.on('message', (ask: Ask) => {
    const answer = ask.operation === 'read' ? reads.read(ask.path) : reads.list(ask.path);
    answer.then(
      (value) => port.postMessage({ id: ask.id, value } satisfies Answer),
      (error: unknown) => {
        onFailure(error);
        port.postMessage({ id: ask.id, failure: messageOf(error) } satisfies Answer);
      },
    );
  });
}

/** Reads through a port: what a tool in a worker sees. */
export function portReads(port: MessagePort): SourceReads {
  const waiting = new Map<number, (answer: Answer) => void>();
  let next = 0;
  port.on('message', (answer: Answer) => {
    waiting.get(answer.id)?.(answer);
    waiting.delete(answer.id);
  });
  const ask = (operation: Ask['operation'], path: string): Promise<unknown> =>
    new Promise((resolve, reject) => {
      next += 1;
      waiting.set(next, (answer) => {
        if ('failure' in answer) reject(new Error(answer.failure));
        else resolve(answer.value);
      });
      port.postMessage({ id: next, operation, path } satisfies Ask);
    });
  return {
    // The other side answers each operation with its own type.
    read: async (path) => (await ask('read', path)) as Uint8Array | undefined,
    list: async (path) => (await ask('list', path)) as readonly SourceEntry[] | undefined,
  };
}

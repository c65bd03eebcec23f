import { isAbortError, type Clock } from '@tiphys/kernel';
import { isStatus, type KubeObject, type ResourceType } from '@tiphys/kube-model';
import { ConnectionError, type KubeClient } from '@tiphys/kube-client';

/** Objects of one kind in one namespace to wait for. */
export interface WatchTarget {
  readonly type: ResourceType;
  readonly namespace: string | undefined;
  readonly names: readonly string[];
  /** Judges an object (undefined: it is gone); true ends the wait for it. May throw to end the whole wait. */
  readonly isSettled: (name: string, object: KubeObject | undefined, signal: AbortSignal) => boolean | Promise<boolean>;
}

const RETRY_MS = 250;
// A half-open connection cannot last: the list after it shows what it kept back.
const WATCH_SECONDS = 300;

/** Resolves when every named object is settled: a list, then a watch from there, again whenever the watch ends. Never ticks. */
export async function watchUntil(client: KubeClient, clock: Clock, target: WatchTarget, signal: AbortSignal): Promise<void> {
  const pending = new Set(target.names);
  for (;;) {
    signal.throwIfAborted();
    try {
      const resourceVersion = await settleListed(client, target, pending, signal);
      if (pending.size === 0) return;
      await follow(client, target, pending, resourceVersion, signal);
      if (pending.size === 0) return;
    } catch (error) {
      if (isAbortError(error) || !isTransient(error)) throw error;
      await clock.sleep(RETRY_MS, signal);
    }
  }
}

function selectionOf({ namespace, names }: WatchTarget): { readonly namespace?: string; readonly fieldSelector?: string } {
  return { ...(namespace === undefined ? {} : { namespace }), ...(names.length === 1 ? { fieldSelector: `metadata.name=${names[0] ?? ''}` } : {}) };
}

async function settleListed(client: KubeClient, target: WatchTarget, pending: Set<string>, signal: AbortSignal): Promise<string> {
  const list = await client.list(target.type, { ...selectionOf(target), signal });
  const byName = new Map(list.items.map((object) => [object.metadata.name ?? '', object]));
  for (const name of pending) if (await target.isSettled(name, byName.get(name), signal)) pending.delete(name);
  return list.metadata.resourceVersion ?? '';
}

async function follow(client: KubeClient, target: WatchTarget, pending: Set<string>, resourceVersion: string, signal: AbortSignal): Promise<void> {
  const stop = new AbortController();
  try {
    for await (const event of client.watch(target.type, {
      ...selectionOf(target),
      resourceVersion,
      timeoutSeconds: WATCH_SECONDS,
      signal: AbortSignal.any([signal, stop.signal]),
    })) {
      const name = event.object.metadata.name ?? '';
      if (event.type === 'BOOKMARK' || !pending.has(name)) continue;
      if (await target.isSettled(name, event.type === 'DELETED' ? undefined : event.object, signal)) pending.delete(name);
      if (pending.size === 0) return;
    }
  } finally {
    stop.abort();
  }
}

/** Whether an error of the API may be gone on the next try. */
export function isTransient(error: unknown): boolean {
  return (
    error instanceof ConnectionError ||
    isStatus(error, 'Gone', 'Expired', 'ServerTimeout', 'Timeout', 'TooManyRequests', 'ServiceUnavailable', 'InternalError', 'StoreReadError')
  );
}

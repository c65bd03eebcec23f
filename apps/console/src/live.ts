import type { StreamEvent } from '@tiphys/delivery-api';
import type { QueryClient } from '@tanstack/react-query';
import { useSyncExternalStore } from 'react';

/** Whether the page hears of changes as they happen. */
export type LiveState = 'connecting' | 'live' | 'lost';

let state: LiveState = 'connecting';
const listeners = new Set<() => void>();

function setState(next: LiveState): void {
  if (state === next) return;
  state = next;
  for (const listener of listeners) listener();
}

/** The state of the event stream. */
export function useLiveState(): LiveState {
  return useSyncExternalStore(
    (listener) => {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    () => state,
  );
}

// Changes come in bursts: one refetch serves all that arrive within this time.
const COALESCE_MS = 150;

/** Follows the event stream and refetches what it says has changed. Returns the way to stop. */
export function followEvents(queries: QueryClient): () => void {
  const source = new EventSource('/api/v1/stream/applications');
  const stale = new Set<string>();
  let timer: ReturnType<typeof setTimeout> | undefined;
  const flush = (): void => {
    timer = undefined;
    void queries.invalidateQueries({ queryKey: ['applications'] });
    for (const name of stale) void queries.invalidateQueries({ queryKey: ['application', name] });
    stale.clear();
  };
  const note = (name: string): void => {
    stale.add(name);
    timer ??= setTimeout(flush, COALESCE_MS);
  };
  source.addEventListener('open', () => setState('live'));
  source.addEventListener('error', () => setState('lost'));
  source.addEventListener('snapshot', () => {
    setState('live');
    void queries.invalidateQueries();
  });
  source.addEventListener('application', (message: MessageEvent<string>) => {
    const event = JSON.parse(message.data) as Extract<StreamEvent, { kind: 'application' }>;
    note(event.application.metadata.name ?? '');
  });
  source.addEventListener('run', (message: MessageEvent<string>) => {
    const event = JSON.parse(message.data) as Extract<StreamEvent, { kind: 'run' }>;
    note(event.run.spec.application);
  });
  return () => {
    clearTimeout(timer);
    source.close();
  };
}

import { useSyncExternalStore } from 'react';

let nowMs = Date.now();
const listeners = new Set<() => void>();
let timer: ReturnType<typeof setTimeout> | undefined;

// One clock for all ages on the page, standing still while nobody looks.
function tick(): void {
  nowMs = Date.now();
  for (const listener of listeners) listener();
  timer = listeners.size === 0 ? undefined : setTimeout(tick, document.hidden ? 30_000 : 1_000);
}

function useNow(): number {
  return useSyncExternalStore(
    (listener) => {
      listeners.add(listener);
      timer ??= setTimeout(tick, 1_000);
      return () => listeners.delete(listener);
    },
    () => nowMs,
  );
}

/** How long ago, with the exact time on hover. */
export function Age({ at }: { readonly at: string | undefined }) {
  const now = useNow();
  if (at === undefined) return <span className="muted">–</span>;
  return (
    <time dateTime={at} title={at}>
      {ageOf(now - Date.parse(at))}
    </time>
  );
}

function ageOf(ms: number): string {
  const seconds = Math.max(0, Math.floor(ms / 1000));
  if (seconds < 60) return `${seconds}s`;
  if (seconds < 3_600) return `${Math.floor(seconds / 60)}m`;
  if (seconds < 86_400) return `${Math.floor(seconds / 3_600)}h`;
  return `${Math.floor(seconds / 86_400)}d`;
}

/** A span of time in words. */
export function durationOf(from: string | undefined, to: string | undefined): string {
  if (from === undefined || to === undefined) return '–';
  const seconds = (Date.parse(to) - Date.parse(from)) / 1000;
  return seconds < 60 ? `${seconds.toFixed(0)} s` : `${Math.floor(seconds / 60)} m ${Math.round(seconds % 60)} s`;
}

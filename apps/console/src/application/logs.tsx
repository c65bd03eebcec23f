import { useVirtualizer } from '@tanstack/react-virtual';
import type { LogLine } from '@tiphys/delivery-api';
import { useEffect, useRef, useState } from 'react';
import { logLines } from '../api.ts';
import { Failure } from '../ui/failure.tsx';

/** Lines kept in the page. */
const MAX_LINES = 20_000;
const FLUSH_MS = 100;

/** Logs of all pods, merged as they arrive. */
export function LogsTab({ name }: { readonly name: string }) {
  const [lines, setLines] = useState<readonly LogLine[]>([]);
  const [dropped, setDropped] = useState(0);
  const [filter, setFilter] = useState('');
  const [isFollowing, setIsFollowing] = useState(true);
  const [error, setError] = useState<unknown>(null);
  useEffect(() => {
    const stop = new AbortController();
    let pending: LogLine[] = [];
    const flush = setTimeout(function flushLines() {
      if (stop.signal.aborted) return;
      if (pending.length > 0) {
        const batch = pending;
        pending = [];
        setLines((before) => {
          const all = [...before, ...batch];
          if (all.length > MAX_LINES) setDropped((count) => count + all.length - MAX_LINES);
          return all.slice(-MAX_LINES);
        });
      }
      setTimeout(flushLines, FLUSH_MS);
    }, FLUSH_MS);
    const read = async (): Promise<void> => {
      try {
        for await (const line of logLines(name, { follow: true, tailLines: 500 }, stop.signal)) pending.push(line);
      } catch (failure) {
        if (!stop.signal.aborted) setError(failure);
      }
    };
    void read(); // Reports its own failure.
    return () => {
      clearTimeout(flush);
      stop.abort();
    };
  }, [name]);
  const shown =
    filter === '' ? lines : lines.filter((line) => (filter.startsWith('!') ? !line.content.includes(filter.slice(1)) : line.content.includes(filter)));
  return (
    <>
      <div className="toolbar">
        <input type="search" aria-label="Filter lines" placeholder="text, or !text" value={filter} onChange={(event) => setFilter(event.target.value)} />
        <label>
          <input type="checkbox" checked={isFollowing} onChange={(event) => setIsFollowing(event.target.checked)} /> follow
        </label>
        <span className="muted count">
          {shown.length} lines{dropped > 0 ? `, ${dropped} older ones left out` : ''}
        </span>
      </div>
      {error === null ? null : <Failure error={error} />}
      <Lines lines={shown} isFollowing={isFollowing} onScrollUp={() => setIsFollowing(false)} />
    </>
  );
}

function Lines({ lines, isFollowing, onScrollUp }: { readonly lines: readonly LogLine[]; readonly isFollowing: boolean; readonly onScrollUp: () => void }) {
  const box = useRef<HTMLDivElement>(null);
  // oxlint-disable-next-line react/incompatible-library -- the compiler skips this component, which is what the library needs
  const rows = useVirtualizer({ count: lines.length, getScrollElement: () => box.current, estimateSize: () => 20, overscan: 20 });
  useEffect(() => {
    if (isFollowing && lines.length > 0) rows.scrollToIndex(lines.length - 1);
  }, [isFollowing, lines.length, rows]);
  return (
    <div ref={box} className="logs" role="log" aria-label="Logs" tabIndex={0} onWheel={(event) => (event.deltaY < 0 ? onScrollUp() : undefined)}>
      <div style={{ height: rows.getTotalSize(), position: 'relative' }}>
        {rows.getVirtualItems().map((item) => {
          const line = lines[item.index];
          return (
            <div key={item.key} className="line" style={{ transform: `translateY(${item.start}px)` }} title={line?.timeStampStr}>
              <span className="pod">{line?.podName}</span> {line?.content}
            </div>
          );
        })}
      </div>
    </div>
  );
}

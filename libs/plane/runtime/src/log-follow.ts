import { DomainError } from '@tiphys/kernel';
import type { LogSelection, LogRecord } from './log-lines.ts';

const MAX_BUFFERED_RECORDS = 20_000;

/** Thrown to a reader that did not keep up with a log it follows. */
class LogOverrunError extends DomainError<{ readonly code: 'logOverrun' }> {
  override readonly name = 'LogOverrunError';
}

/** Tells followers of a log what is appended, until it is closed. */
export class LogFeed {
  readonly #followers = new Set<(record: LogRecord | undefined) => void>();
  #closed = false;

  append(record: LogRecord): void {
    for (const follower of this.#followers) follower(record);
  }

  close(): void {
    this.#closed = true;
    for (const follower of this.#followers) follower(undefined);
    this.#followers.clear();
  }

  /** Records appended from this call on. Ends when the feed closes or the signal aborts; throws LogOverrunError at the bound. */
  follow(signal: AbortSignal): AsyncIterable<LogRecord> {
    const buffer: LogRecord[] = [];
    let ended = this.#closed || signal.aborted;
    let overrun = false;
    let wake: () => void = () => undefined;
    const follower = (record: LogRecord | undefined): void => {
      if (record === undefined) ended = true;
      else if (buffer.length < MAX_BUFFERED_RECORDS) buffer.push(record);
      else ended = overrun = true;
      wake();
    };
    const onAbort = (): void => follower(undefined);
    if (!ended) {
      this.#followers.add(follower);
      signal.addEventListener('abort', onAbort, { once: true });
    }
    const followers = this.#followers;
    return (async function* () {
      try {
        for (;;) {
          const record = buffer.shift();
          if (record !== undefined) yield record;
          else if (overrun) throw new LogOverrunError({ code: 'logOverrun' }, 'log: the reader fell too far behind; read again with --tail');
          else if (ended) return;
          else await new Promise<void>((resolve) => (wake = resolve));
        }
      } finally {
        followers.delete(follower);
        signal.removeEventListener('abort', onAbort);
      }
    })();
  }
}

/** The answer to a log request: selected history, then what follows when it was asked for. */
export async function* answerLog(
  history: readonly LogRecord[],
  live: AsyncIterable<LogRecord> | undefined,
  selection: LogSelection,
): AsyncIterable<Uint8Array> {
  for (const record of selection.history(history)) {
    if (selection.exhausted) return;
    yield selection.encode(record);
  }
  if (live === undefined) return;
  for await (const record of live) {
    if (selection.exhausted) return;
    if (selection.isWanted(record)) yield selection.encode(record);
  }
}

import type { Clock } from '@tiphys/kernel';
import type { LogOptions } from './runtime.ts';

/** One record of a log in the CRI format: a whole line, or a part of one that was too long. */
export interface LogRecord {
  readonly timestamp: string;
  readonly stream: 'stdout' | 'stderr';
  readonly partial: boolean;
  readonly text: string;
}

/** Longest text of one record; longer lines are written in parts (CRI tag P). */
export const MAX_RECORD_BYTES: number = 16 * 1024;

/** The record as a line of the file: `<RFC3339Nano> stdout|stderr F|P <text>` (kubernetes/design-proposals, kubelet-cri-logging). */
export function formatRecord(record: LogRecord): string {
  return `${record.timestamp} ${record.stream} ${record.partial ? 'P' : 'F'} ${record.text}\n`;
}

/** Reads a line of a log file; undefined for anything that is not a record. */
export function parseRecord(line: string): LogRecord | undefined {
  const match = /^(\S+) (stdout|stderr) ([FP]) (.*)$/s.exec(line);
  if (match === null) return undefined;
  return { timestamp: match[1] ?? '', stream: match[2] === 'stderr' ? 'stderr' : 'stdout', partial: match[3] === 'P', text: match[4] ?? '' };
}

/** RFC 3339 with nine digits, as log lines carry it. */
export function logTimestamp(nowMs: number): string {
  return new Date(nowMs).toISOString().replace('Z', '000000Z');
}

/** Chooses which records of a log are answered: since, tail and byte limit. Pure over its inputs; keeps only the tail in memory. */
export class LogSelection {
  readonly #sinceMs: number;
  readonly #options: LogOptions;
  #left: number;

  constructor(options: LogOptions, clock: Clock) {
    this.#options = options;
    this.#left = options.limitBytes ?? Number.POSITIVE_INFINITY;
    this.#sinceMs =
      options.sinceTime !== undefined
        ? Date.parse(options.sinceTime)
        : options.sinceSeconds !== undefined
          ? clock.now() - options.sinceSeconds * 1_000
          : Number.NEGATIVE_INFINITY;
  }

  /** Whether the byte limit is used up. */
  get exhausted(): boolean {
    return this.#left <= 0;
  }

  /** The last records asked for of everything written so far. */
  history(records: readonly LogRecord[]): readonly LogRecord[] {
    const since = records.filter((record) => this.isWanted(record));
    const { tailLines } = this.#options;
    if (tailLines === undefined) return since;
    // A line in parts counts once: walk back over whole lines.
    let wanted = tailLines;
    let from = since.length;
    while (from > 0 && (wanted > 0 || since[from - 1]?.partial === true)) {
      from -= 1;
      if (since[from]?.partial === false) wanted -= 1;
      if (wanted < 0) return since.slice(from + 1);
    }
    return since.slice(from);
  }

  /** Whether the record is young enough. */
  isWanted(record: LogRecord): boolean {
    return this.#sinceMs === Number.NEGATIVE_INFINITY || Date.parse(record.timestamp) >= this.#sinceMs;
  }

  /** The bytes answered for a record, cut at the limit. */
  encode(record: LogRecord): Uint8Array {
    const text = `${this.#options.timestamps === true ? `${record.timestamp} ` : ''}${record.text}${record.partial ? '' : '\n'}`;
    const bytes = new TextEncoder().encode(text);
    const cut = bytes.length > this.#left ? bytes.subarray(0, this.#left) : bytes;
    this.#left -= cut.length;
    return cut;
  }
}

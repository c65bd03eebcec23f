import { closeSync, fstatSync, mkdirSync, openSync, readSync, renameSync, rmSync, writeSync } from 'node:fs';
import { dirname } from 'node:path';
import { StringDecoder } from 'node:string_decoder';
import type { Clock } from '@tiphys/kernel';
import { LogFeed } from '../log-follow.ts';
import { formatRecord, logTimestamp, MAX_RECORD_BYTES, parseRecord, type LogRecord } from '../log-lines.ts';

/** How large logs grow: kubelet's containerLogMaxSize and containerLogMaxFiles. */
export interface LogRotation {
  readonly maxBytes: number;
  readonly maxFiles: number;
}

/** 10 MiB in five files, as the kubelet keeps. */
export const defaultLogRotation: LogRotation = { maxBytes: 10 * 1024 * 1024, maxFiles: 5 };

/**
 * The log of one run of a container: CRI lines in `path`, older ones in `path.1`, `path.2`….
 * Writes are synchronous, so that a reader can take files and feed at one moment without losing or doubling a line.
 */
export class ContainerLog {
  readonly path: string;
  readonly #clock: Clock;
  readonly #rotation: LogRotation;
  readonly #feed = new LogFeed();
  readonly #pending = { stdout: '', stderr: '' };
  readonly #decoders = { stdout: new StringDecoder('utf8'), stderr: new StringDecoder('utf8') };
  #file: number | undefined;
  #bytes = 0;

  constructor(path: string, clock: Clock, rotation: LogRotation) {
    this.path = path;
    this.#clock = clock;
    this.#rotation = rotation;
    mkdirSync(dirname(path), { recursive: true });
    this.#open();
  }

  /** Appends output; an unfinished line waits for its end, up to the record limit. */
  write(stream: 'stdout' | 'stderr', chunk: Uint8Array): void {
    const lines = (this.#pending[stream] + this.#decoders[stream].write(chunk)).split('\n');
    let rest = lines.pop() ?? '';
    const records = lines.flatMap((line) => this.#split(stream, line, true));
    while (rest.length > MAX_RECORD_BYTES) {
      records.push(this.#record(stream, rest.slice(0, MAX_RECORD_BYTES), true));
      rest = rest.slice(MAX_RECORD_BYTES);
    }
    this.#pending[stream] = rest;
    this.#append(records);
  }

  /** Ends the log: what was begun is written and followers end. */
  close(): void {
    if (this.#file === undefined) return;
    for (const stream of ['stdout', 'stderr'] as const) {
      const rest = this.#pending[stream] + this.#decoders[stream].end();
      if (rest !== '') this.#append(this.#split(stream, rest, true));
    }
    closeSync(this.#file);
    this.#file = undefined;
    this.#feed.close();
  }

  /** What is written so far, and what follows from exactly then on. */
  read(follow: AbortSignal | undefined): { readonly history: readonly LogRecord[]; readonly live: AsyncIterable<LogRecord> | undefined } {
    return { history: readLogFiles(this.path, this.#rotation), live: follow === undefined ? undefined : this.#feed.follow(follow) };
  }

  #split(stream: 'stdout' | 'stderr', line: string, ends: boolean): LogRecord[] {
    const records: LogRecord[] = [];
    let rest = line;
    while (rest.length > MAX_RECORD_BYTES) {
      records.push(this.#record(stream, rest.slice(0, MAX_RECORD_BYTES), true));
      rest = rest.slice(MAX_RECORD_BYTES);
    }
    records.push(this.#record(stream, rest, !ends));
    return records;
  }

  #record(stream: 'stdout' | 'stderr', text: string, partial: boolean): LogRecord {
    return { timestamp: logTimestamp(this.#clock.now()), stream, partial, text };
  }

  #append(records: readonly LogRecord[]): void {
    if (records.length === 0 || this.#file === undefined) return;
    const bytes = Buffer.from(records.map(formatRecord).join(''));
    if (this.#bytes > 0 && this.#bytes + bytes.length > this.#rotation.maxBytes) this.#rotate();
    writeSync(this.#file, bytes);
    this.#bytes += bytes.length;
    for (const record of records) this.#feed.append(record);
  }

  #rotate(): void {
    if (this.#file !== undefined) closeSync(this.#file);
    const { maxFiles } = this.#rotation;
    rmSync(`${this.path}.${maxFiles - 1}`, { force: true });
    for (let index = maxFiles - 2; index >= 1; index -= 1) renameIfThere(`${this.path}.${index}`, `${this.path}.${index + 1}`);
    if (maxFiles > 1) renameIfThere(this.path, `${this.path}.1`);
    else rmSync(this.path, { force: true });
    this.#open();
  }

  #open(): void {
    this.#file = openSync(this.path, 'a', 0o600);
    this.#bytes = fstatSync(this.#file).size;
  }
}

/** All records of a log's files, oldest first. Bounded by the rotation. */
export function readLogFiles(path: string, rotation: LogRotation = defaultLogRotation): readonly LogRecord[] {
  const names = [...Array.from({ length: rotation.maxFiles - 1 }, (_, index) => `${path}.${rotation.maxFiles - 1 - index}`), path];
  return names.flatMap((name) =>
    readWhole(name)
      .split('\n')
      .flatMap((line) => parseRecord(line) ?? []),
  );
}

function readWhole(path: string): string {
  let file: number;
  try {
    file = openSync(path, 'r');
  } catch {
    return ''; // Never rotated that far.
  }
  try {
    const buffer = Buffer.alloc(fstatSync(file).size);
    const length = readSync(file, buffer, 0, buffer.length, 0);
    return buffer.toString('utf8', 0, length);
  } finally {
    closeSync(file);
  }
}

function renameIfThere(from: string, to: string): void {
  try {
    renameSync(from, to);
  } catch (error) {
    if (!(error instanceof Error && 'code' in error && error.code === 'ENOENT')) throw error;
  }
}

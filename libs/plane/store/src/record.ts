import type { Entry, StoreEvent } from './store.ts';

// Format 1 of a record: u32 big endian header length, JSON header, value, previous value (log only).
interface ObjectHeader {
  readonly c: number;
  readonly m: number;
}
interface LogHeader extends ObjectHeader {
  readonly d: 0 | 1;
  readonly k: string;
  readonly t: number;
  /** Length of the value. */
  readonly v: number;
  /** createRevision and modRevision of the previous state. */
  readonly p?: readonly [number, number];
}

/** The record of a current object. */
export function encodeEntry(entry: Entry): Buffer {
  return encode({ c: entry.createRevision, m: entry.modRevision } satisfies ObjectHeader, entry.value);
}

/** Reads what `encodeEntry` wrote. */
export function decodeEntry(key: string, record: Buffer): Entry {
  const { header, body } = split(record);
  const { c, m } = header as ObjectHeader; // Written by encodeEntry.
  return { key, createRevision: c, modRevision: m, value: body };
}

/** The record of a change. */
export function encodeEvent(event: StoreEvent): Buffer {
  const { previous } = event;
  const header: LogHeader = {
    c: event.createRevision,
    m: event.revision,
    d: event.kind === 'delete' ? 1 : 0,
    k: event.key,
    t: event.atMs,
    v: event.value.length,
    ...(previous === undefined ? {} : { p: [previous.createRevision, previous.modRevision] as const }),
  };
  return encode(header, event.value, ...(previous === undefined ? [] : [previous.value]));
}

/** Reads what `encodeEvent` wrote. */
export function decodeEvent(record: Buffer): StoreEvent {
  const { header, body } = split(record);
  const { c, m, d, k, t, v, p } = header as LogHeader; // Written by encodeEvent.
  const previous = p === undefined ? undefined : { key: k, createRevision: p[0], modRevision: p[1], value: body.subarray(v) };
  return { kind: d === 1 ? 'delete' : 'put', key: k, revision: m, createRevision: c, value: body.subarray(0, v), previous, atMs: t };
}

function encode(header: ObjectHeader | LogHeader, ...parts: readonly Uint8Array[]): Buffer {
  const text = Buffer.from(JSON.stringify(header));
  const length = Buffer.allocUnsafe(4);
  length.writeUInt32BE(text.length);
  return Buffer.concat([length, text, ...parts]);
}

function split(record: Buffer): { readonly header: unknown; readonly body: Buffer } {
  const end = 4 + record.readUInt32BE(0);
  return { header: JSON.parse(record.toString('utf8', 4, end)), body: record.subarray(end) };
}

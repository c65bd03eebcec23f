import { createHash } from 'node:crypto';
import { LIMITS } from '@tiphys/kernel';
import { SourceError, type Snapshot } from '@tiphys/delivery-git';
import type { SourceReads } from './tool.ts';

/** One read and the id of what was found: of the blob, or of the names in a folder. `undefined` is "nothing there". */
export interface TraceEntry {
  readonly operation: 'read' | 'list';
  readonly path: string;
  readonly oid: string | undefined;
  /** For a folder: a digest of its names, which says less than its tree id and so stays true longer. */
  readonly names?: string;
}

/** All reads of one render: a commit that answers them alike renders alike. */
export type Trace = readonly TraceEntry[];

/** Reads of a snapshot that write down what they saw. */
export function tracedReads(snapshot: Snapshot, trace: Map<string, TraceEntry>): SourceReads {
  const note = (entry: TraceEntry): void => {
    trace.set(`${entry.operation}:${entry.path}`, entry);
  };
  return {
    async read(path) {
      const found = await snapshot.stat(path);
      if (found?.kind !== 'file') {
        note({ operation: 'read', path, oid: undefined });
        return undefined;
      }
      note({ operation: 'read', path, oid: found.oid });
      return snapshot.read(path, { maxBytes: LIMITS.manifestFileBytes });
    },
    async list(path) {
      const found = await snapshot.stat(path);
      if (found?.kind !== 'directory') {
        note({ operation: 'list', path, oid: undefined });
        return undefined;
      }
      const entries = await snapshot.list(path);
      note({ operation: 'list', path, oid: found.oid, names: digestNames(entries) });
      return entries.map(({ name, kind }) => ({ name, kind }));
    },
  };
}

/** Whether the snapshot would answer every read of the trace as before. */
export async function holds(trace: Trace, snapshot: Snapshot): Promise<boolean> {
  try {
    for (const entry of trace) if (!(await entryHolds(entry, snapshot))) return false;
    return true;
  } catch (error) {
    // A path that turned into an escape or a file where a folder was: render again and let that speak.
    if (error instanceof SourceError && (error.code === 'pathEscapes' || error.code === 'notADirectory')) return false;
    throw error;
  }
}

async function entryHolds(entry: TraceEntry, snapshot: Snapshot): Promise<boolean> {
  const found = await snapshot.stat(entry.path);
  const isKind = found?.kind === (entry.operation === 'read' ? 'file' : 'directory');
  const oid = isKind ? found?.oid : undefined;
  if (oid === entry.oid) return true;
  return entry.operation === 'list' && oid !== undefined && entry.names !== undefined && digestNames(await snapshot.list(entry.path)) === entry.names;
}

function digestNames(entries: readonly { readonly name: string; readonly kind: string }[]): string {
  const hash = createHash('sha256');
  for (const { name, kind } of entries) hash.update(`${kind}\0${name}\0`);
  return hash.digest('base64');
}

import { createHash } from 'node:crypto';
import { LIMITS } from '@tiphys/kernel';
import { SourceError, type Snapshot } from '@tiphys/delivery-git';
import type { ClusterCapabilities, LookupQuery, SourceReads, WantedRepository } from './tool.ts';
import { UNKNOWN_TARGET, type RenderWorld } from './world.ts';

/** One read and the id of what was found: of the blob, of the names in a folder, of the target's abilities, or the commit itself. `undefined` is "nothing there". */
export interface TraceEntry {
  readonly operation: 'read' | 'list' | 'capabilities' | 'revision' | 'chart' | 'lookup' | 'remote' | 'remoteFile';
  /** The source that was read, where it is not the one rendered. */
  readonly ref?: string;
  readonly path: string;
  readonly oid: string | undefined;
  /** For a folder: a digest of its names, which says less than its tree id and so stays true longer. */
  readonly names?: string;
}

/** All reads of one render: a world that answers them alike renders alike. */
export type Trace = readonly TraceEntry[];

const REMOTE_PREFIX = 'remote:';

function remoteRef({ repository, revision }: WantedRepository): string {
  return `${REMOTE_PREFIX}${repository}@${revision}`;
}

/** Reads of a world that write down what they saw. */
export function tracedReads(world: RenderWorld, trace: Map<string, TraceEntry>): SourceReads {
  const note = (entry: TraceEntry): void => {
    trace.set(`${entry.operation}:${entry.ref ?? ''}:${entry.path}`, entry);
  };
  // Other repositories that were opened, by the name their files are read by.
  const remotes = new Map<string, Snapshot>();
  const snapshotAt = (ref: string | undefined): Snapshot | undefined => (ref === undefined ? world.snapshot : (remotes.get(ref) ?? world.refs?.get(ref)));
  const place = (path: string, ref: string | undefined): { readonly path: string; readonly ref?: string } => (ref === undefined ? { path } : { path, ref });
  return {
    async read(path, ref) {
      const snapshot = snapshotAt(ref);
      const found = await snapshot?.stat(path);
      if (snapshot === undefined || found?.kind !== 'file') {
        note({ operation: 'read', ...place(path, ref), oid: undefined });
        return undefined;
      }
      note({ operation: 'read', ...place(path, ref), oid: found.oid });
      return snapshot.read(path, { maxBytes: LIMITS.manifestFileBytes });
    },
    async list(path, ref) {
      const snapshot = snapshotAt(ref);
      const found = await snapshot?.stat(path);
      if (snapshot === undefined || found?.kind !== 'directory') {
        note({ operation: 'list', ...place(path, ref), oid: undefined });
        return undefined;
      }
      const entries = await snapshot.list(path);
      note({ operation: 'list', ...place(path, ref), oid: found.oid, names: digestNames(entries) });
      return entries.map(({ name, kind }) => ({ name, kind }));
    },
    async capabilities() {
      const capabilities = await capabilitiesOf(world);
      note({ operation: 'capabilities', path: '', oid: digestCapabilities(capabilities) });
      return capabilities;
    },
    revision() {
      note({ operation: 'revision', path: '', oid: world.snapshot.commit });
      return Promise.resolve(world.snapshot.commit);
    },
    async lookup(query) {
      const found = await world.lookup?.(query);
      note({ operation: 'lookup', path: JSON.stringify(query), oid: digestFound(found) });
      return found;
    },
    async remote(wanted) {
      const snapshot = await world.remote?.(wanted);
      const ref = remoteRef(wanted);
      note({ operation: 'remote', path: JSON.stringify(wanted), oid: snapshot?.commit });
      if (snapshot === undefined) return undefined;
      remotes.set(ref, snapshot);
      return ref;
    },
    async chart(wanted) {
      const archive = await world.chart?.(wanted);
      note({ operation: 'chart', path: JSON.stringify(wanted), oid: digestBytes(archive) });
      return archive;
    },
    async remoteFile(url) {
      const bytes = await world.remoteFile?.(url);
      note({ operation: 'remoteFile', path: url, oid: digestBytes(bytes) });
      return bytes;
    },
  };
}

/** Whether the world would answer every read of the trace as before. */
export async function holds(trace: Trace, world: RenderWorld): Promise<boolean> {
  try {
    for (const entry of trace) if (!(await entryHolds(entry, world))) return false;
    return true;
  } catch (error) {
    // A path that turned into an escape or a file where a folder was: render again and let that speak.
    if (error instanceof SourceError && (error.code === 'pathEscapes' || error.code === 'notADirectory')) return false;
    throw error;
  }
}

async function entryHolds(entry: TraceEntry, world: RenderWorld): Promise<boolean> {
  // The query was written by tracedReads.
  if (entry.operation === 'lookup') return entry.oid === digestFound(await world.lookup?.(JSON.parse(entry.path) as LookupQuery));
  // A published version does not change; a range is chosen anew with the next render.
  if (entry.operation === 'chart') return true;
  if (entry.operation === 'remote') return entry.oid === (await world.remote?.(JSON.parse(entry.path) as WantedRepository))?.commit;
  if (entry.operation === 'remoteFile') return entry.oid === digestBytes(await world.remoteFile?.(entry.path));
  // Files of another repository stay as they are while its commit does.
  if (entry.ref?.startsWith(REMOTE_PREFIX) === true) return true;
  if (entry.operation === 'revision') return entry.oid === world.snapshot.commit;
  if (entry.operation === 'capabilities') return entry.oid === digestCapabilities(await capabilitiesOf(world));
  const snapshot = snapshotOf(world, entry.ref);
  const found = await snapshot?.stat(entry.path);
  const isKind = found?.kind === (entry.operation === 'read' ? 'file' : 'directory');
  const oid = isKind ? found?.oid : undefined;
  if (oid === entry.oid) return true;
  if (entry.operation !== 'list' || oid === undefined || entry.names === undefined || snapshot === undefined) return false;
  return digestNames(await snapshot.list(entry.path)) === entry.names;
}

function snapshotOf(world: RenderWorld, ref: string | undefined): Snapshot | undefined {
  return ref === undefined ? world.snapshot : world.refs?.get(ref);
}

function capabilitiesOf(world: RenderWorld): Promise<ClusterCapabilities> {
  return world.capabilities?.() ?? Promise.resolve(UNKNOWN_TARGET);
}

function digestCapabilities({ kubeVersion, apiVersions }: ClusterCapabilities): string {
  return createHash('sha256')
    .update(JSON.stringify([kubeVersion, apiVersions]))
    .digest('base64');
}

function digestFound(found: unknown): string | undefined {
  return found === undefined ? undefined : createHash('sha256').update(JSON.stringify(found)).digest('base64');
}

function digestBytes(bytes: Uint8Array | undefined): string | undefined {
  return bytes === undefined ? undefined : createHash('sha256').update(bytes).digest('base64');
}

function digestNames(entries: readonly { readonly name: string; readonly kind: string }[]): string {
  const hash = createHash('sha256');
  for (const { name, kind } of entries) hash.update(`${kind}\0${name}\0`);
  return hash.digest('base64');
}

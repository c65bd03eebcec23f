import { createHash } from 'node:crypto';
import { redactUrl } from '@tiphys/kernel';
import { normalizePath, SourceError, type RemoteRefs, type Repository, type RevisionMetadata, type Snapshot } from '@tiphys/delivery-git';
import { fetchChart, type ChartRepository } from './chart-repository.ts';
import { chooseVersion, isExactVersion } from './versions.ts';

/** Refs of a chart repository: `charts/<name>/<version>`. */
const PREFIX = 'charts/';
const MAX_KEPT_SNAPSHOTS = 32;

/** A file of an unpacked chart, its path relative to the chart's folder. */
export interface ArchiveFile {
  readonly name: string;
  readonly data: Uint8Array;
}

/** How a chart repository is seen as a repository of snapshots. */
export interface ChartSourceOptions {
  readonly repository: ChartRepository;
  /** Charts whose versions are worth polling. */
  readonly charts: () => Iterable<string>;
  /** Unpacks an archive within limits. */
  readonly unpack: (archive: Uint8Array) => readonly ArchiveFile[];
}

/** A chart repository with the face of a Git repository: versions are refs, unpacked charts are snapshots. */
export function createChartSource({ repository, charts, unpack }: ChartSourceOptions): Repository {
  const kept = new Map<string, Promise<Snapshot>>();

  async function load(revision: string, signal: AbortSignal): Promise<Snapshot> {
    const { chart, version } = parseChartRevision(revision);
    const { archive } = await fetchChart(repository, chart, version, signal);
    return archiveSnapshot(repository.url, version, unpack(archive));
  }

  return {
    url: repository.url,
    async lsRemote(signal): Promise<RemoteRefs> {
      const oids = new Map<string, string>();
      for (const chart of new Set(charts())) {
        for (const { version, digest } of await repository.versions(chart, signal)) oids.set(`${PREFIX}${chart}/${version}`, digest ?? version);
      }
      return { oids };
    },
    snapshot(revision, signal) {
      const known = kept.get(revision);
      if (known !== undefined) return known;
      const loading = load(revision, signal);
      kept.set(revision, loading);
      loading.catch(() => kept.delete(revision));
      const oldest = kept.size > MAX_KEPT_SNAPSHOTS ? kept.keys().next().value : undefined;
      if (oldest !== undefined) kept.delete(oldest);
      return loading;
    },
    metadata(): Promise<RevisionMetadata> {
      return Promise.resolve({ author: '', date: '', message: '', parents: [] });
    },
  };
}

/** The version of a chart that a target revision stands for, by the refs seen last; undefined when none does. */
export function resolveChartRevision(refs: RemoteRefs, chart: string, targetRevision: string): string | undefined {
  const prefix = `${PREFIX}${chart}/`;
  const versions = [...refs.oids.keys()].filter((ref) => ref.startsWith(prefix)).map((ref) => ({ version: ref.slice(prefix.length), urls: [] }));
  return chooseVersion(versions, targetRevision)?.version;
}

/** What `snapshot` of a chart source takes. */
export function chartRevision(chart: string, version: string): string {
  return `${chart}@${version}`;
}

function parseChartRevision(revision: string): { readonly chart: string; readonly version: string } {
  const at = revision.lastIndexOf('@');
  return { chart: revision.slice(0, at), version: revision.slice(at + 1) };
}

/** Whether a revision of a chart source needs no more resolving. */
export function isChartVersion(revision: string): boolean {
  return isExactVersion(revision);
}

interface Folder {
  readonly files: Map<string, Uint8Array>;
  readonly folders: Map<string, Folder>;
}

/** A snapshot of unpacked files in memory. */
export function archiveSnapshot(repoURL: string, commit: string, files: readonly ArchiveFile[]): Snapshot {
  const root: Folder = { files: new Map(), folders: new Map() };
  for (const { name, data } of files) {
    const parts = (normalizePath(name) ?? '').split('/');
    const last = parts.pop() ?? '';
    if (last !== '') folderAt(root, parts).files.set(last, data);
  }
  const remote = redactUrl(repoURL);
  const find = (path: string): Folder | Uint8Array | undefined => {
    const normal = normalizePath(path);
    if (normal === undefined) throw new SourceError({ code: 'pathEscapes', remote, path }, `${path}: path leads out of the chart`);
    let at: Folder | Uint8Array | undefined = root;
    for (const part of normal === '' ? [] : normal.split('/'))
      at = at === undefined || at instanceof Uint8Array ? undefined : (at.folders.get(part) ?? at.files.get(part));
    return at;
  };
  const must = (path: string): Folder | Uint8Array => {
    const found = find(path);
    if (found === undefined) throw new SourceError({ code: 'pathNotFound', remote, path }, `${path}: no such file in ${remote} ${commit}`);
    return found;
  };
  return {
    repoURL,
    commit,
    async read(path, options = {}) {
      const found = must(path);
      if (!(found instanceof Uint8Array)) throw new SourceError({ code: 'notAFile', remote, path }, `${path}: is a directory, not a file`);
      if (options.maxBytes !== undefined && found.byteLength > options.maxBytes)
        throw new SourceError(
          { code: 'tooLarge', remote, limitBytes: options.maxBytes },
          `${path}: file of ${found.byteLength} bytes exceeds the limit of ${options.maxBytes} bytes`,
        );
      return found;
    },
    async list(path) {
      const found = must(path);
      if (found instanceof Uint8Array) throw new SourceError({ code: 'notADirectory', remote, path }, `${path}: is a file, not a directory`);
      return [
        ...[...found.folders].map(([name, folder]) => ({ name, kind: 'directory' as const, oid: oidOf(folder) })),
        ...[...found.files].map(([name, data]) => ({ name, kind: 'file' as const, oid: oidOf(data) })),
      ].toSorted((a, b) => (a.name < b.name ? -1 : 1));
    },
    async stat(path) {
      const found = find(path);
      return found === undefined ? undefined : { oid: oidOf(found), kind: found instanceof Uint8Array ? 'file' : 'directory' };
    },
    async oid(path) {
      const found = find(path);
      return found === undefined ? undefined : oidOf(found);
    },
  };
}

function folderAt(root: Folder, parts: readonly string[]): Folder {
  let at = root;
  for (const part of parts) {
    const next = at.folders.get(part) ?? { files: new Map<string, Uint8Array>(), folders: new Map<string, Folder>() };
    at.folders.set(part, next);
    at = next;
  }
  return at;
}

function oidOf(content: Folder | Uint8Array): string {
  const hash = createHash('sha256');
  if (content instanceof Uint8Array) hash.update('file\0').update(content);
  else {
    for (const [name, folder] of [...content.folders].toSorted(([a], [b]) => (a < b ? -1 : 1))) hash.update(`d\0${name}\0${oidOf(folder)}\0`);
    for (const [name, data] of [...content.files].toSorted(([a], [b]) => (a < b ? -1 : 1))) hash.update(`f\0${name}\0${oidOf(data)}\0`);
  }
  return hash.digest('hex');
}
